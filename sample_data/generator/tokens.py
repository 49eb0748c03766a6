"""One-time password tokens: soft ones as otpauth addresses, hardware ones as the table Entra ID takes. Seeds are drawn, and of no use."""

from __future__ import annotations

import base64
import csv
import io
import random
from dataclasses import dataclass
from urllib.parse import quote

from sample_data.generator.facts import Facts
from sample_data.generator.faults_credentials import is_staff
from sample_data.generator.model import DNS, Account, Hospital

ISSUER = "VPN Valdoré"
URIS, TABLE = "oath/jetons-vpn.txt", "oath/jetons-materiels.csv"


@dataclass(eq=False)
class Token:
    """One token; `account` None has a holder the directory does not know."""

    account: Account | None
    holder: str
    seed: bytes
    serial: str = ""
    kind: str = "totp"
    algorithm: str = ""
    digits: int = 6
    period: int = 30
    state: str = "actif"

    @property
    def name(self) -> str:
        """What the product calls it."""
        return self.serial or f"{ISSUER}:{self.holder}"

    @property
    def active(self) -> bool:
        """Not lost, revoked or disabled."""
        return self.state == "actif"


def plan(hospital: Hospital) -> list[Token]:
    """Every token, with each fault and its near misses, on accounts found in the order of the plan."""
    rng, facts = hospital.rng("tokens"), Facts(hospital)
    remote = [a for a in facts.holding("remote_access") if is_staff(a) and a.person and facts.tenure(a.person).status == "present"]
    people = iter(remote)
    made = [_soft(rng, next(people)) for _ in range(24 if hospital.factor >= 1 else 12)]
    made[3].seed = made[4].seed = made[5].seed
    made.append(Token(made[6].account, made[6].holder.upper(), made[6].seed))  # near miss: a second telephone of one person
    made[7].seed, made[8].seed, made[9].seed = made[7].seed[:10], made[8].seed[:15], made[9].seed[:16]
    made[10].algorithm, made[11].digits = "MD5", 5
    made += [_soft(rng, next(people)) for _ in range(5)]
    slow, minute, long, counter, modern = made[-5:]
    slow.period, minute.period, long.digits, counter.kind, modern.algorithm = 120, 60, 8, "hotp", "SHA256"
    gone = [a for a in hospital.accounts if is_staff(a) and not a.enabled and a.person and facts.tenure(a.person).status == "left"]
    left = [a for a in facts.users if is_staff(a) and a.person and (end := facts.tenure(a.person).end) and facts.before(end, 5)]
    left = [a for a in left if a.person and facts.tenure(a.person).status == "left"]
    made += [_soft(rng, account) for account in gone[:2]] + [_hard(rng, account, number) for number, account in enumerate(left[:2], 1)]
    made += [_hard(rng, account, 10 + number, "perdu") for number, account in enumerate(gone[2:4])]  # near miss: revoked in time
    made += [Token(None, "astreinte.labo", rng.randbytes(20)), Token(None, "", rng.randbytes(20), "VD-2026-0090")]
    glass = [account for account in facts.users if account.kind == "break_glass"]
    made += [_hard(rng, account, 20 + number, "perdu" if number == 7 else "actif") for number, account in enumerate(glass[:8])]
    return made


def _soft(rng: random.Random, account: Account) -> Token:
    return Token(account, account.sam, rng.randbytes(20))


def _hard(rng: random.Random, account: Account, number: int, state: str = "actif") -> Token:
    return Token(account, f"{account.sam}@{DNS}", rng.randbytes(32), f"VD-2026-{number:04d}", state=state, period=60)


def keys(tokens: list[Token]) -> dict[Token, str]:
    """The product's key of each token, in the order of the files: addresses first."""
    found: dict[Token, str] = {}
    seen: dict[str, int] = {}
    for token in sorted(tokens, key=lambda token: token.serial != ""):
        seen[token.name] = seen.get(token.name, 0) + 1
        found[token] = f"jetons/{token.name}" + (f"#{seen[token.name]}" if seen[token.name] > 1 else "")
    return found


def files(hospital: Hospital) -> dict[str, bytes]:
    """Both inventories."""
    made = plan(hospital)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(("upn", "serial number", "secret key", "time interval", "manufacturer", "model", "state"))
    for token in made:
        if token.serial:
            writer.writerow((token.holder, token.serial, _base32(token.seed), token.period, "Jetonia", "J-60", token.state))
    lines = ["# Export de la passerelle VPN", *(_address(token) for token in made if not token.serial)]
    return {URIS: ("\n".join(lines) + "\n").encode(), TABLE: text.getvalue().encode()}


def _base32(seed: bytes) -> str:
    return base64.b32encode(seed).decode().rstrip("=")


def _address(token: Token) -> str:
    options = f"&algorithm={token.algorithm}" if token.algorithm else ""
    options += f"&digits={token.digits}" if token.digits != 6 else ""
    options += "&counter=12" if token.kind == "hotp" else f"&period={token.period}" if token.period != 30 else ""
    label = f"{quote(ISSUER)}:{quote(token.holder)}"
    return f"otpauth://{token.kind}/{label}?secret={_base32(token.seed)}&issuer={quote(ISSUER)}{options}"
