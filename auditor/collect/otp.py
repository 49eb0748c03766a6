"""OATH tokens: files of otpauth:// addresses and tables of hardware tokens.

A seed is as good as the token itself. It is measured, compared with the others under a random key that lives as long as the reading,
and forgotten: no table, no fact and no message holds it, nor anything computed from it but its length and who shares it.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
import secrets
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import pyotp

from auditor.collect import SourceError, csv_file, unread
from auditor.config_training import Otp
from auditor.model import Text, Value
from auditor.snapshot import Writer

_TABLE = "otp_token"
_STAND_IN = "A" * 32
"""What pyotp is given in the place of the seed: it refuses short ones, which are the ones to find."""
_NUMBER = re.compile(r"[0-9]{1,6}")
_LIKE_A_SEED = re.compile(r"[A-Z2-7]{26,}|[0-9A-F]{32,}", re.IGNORECASE)
"""Base32 or hexadecimal of 128 bits and more: no login, mail address or serial number looks like that."""
_SEED_ELSEWHERE = Text(
    en="a seed stands where the holder or the serial number should; check the columns",
    fr="une graine figure à la place du porteur ou du numéro de série ; vérifier les colonnes",
)
_UNREADABLE_SEED = Text(en="its seed cannot be read in the declared encoding", fr="sa graine est illisible dans l’encodage déclaré")


class Tokens:
    """The tokens of one source: rows without seeds, numbered by who shares one."""

    def __init__(self, source: str) -> None:
        self.rows: list[dict[str, Value]] = []
        self._source = source
        self._key = secrets.token_bytes(32)
        self._groups: dict[bytes, int] = {}
        self._names: Counter[str] = Counter()

    def add(self, name: str, seed: bytes, facts: Mapping[str, Value]) -> None:
        """Take one token; of its seed stay the length and the number of its group."""
        group = self._groups.setdefault(hmac.digest(self._key, seed, "sha256"), len(self._groups) + 1)
        self._names[name] += 1
        again = f"#{self._names[name]}" if self._names[name] > 1 else ""
        self.rows.append(
            {
                **facts,
                "token_key": f"{self._source}/{name}{again}",
                "source": self._source,
                "name": name,
                "seed_bits": 8 * len(seed),
                "seed_group": group,
            }
        )


def collect(settings: Otp, writer: Writer, progress: Callable[[str, int], None]) -> None:
    """Fill otp_token; files and lines that cannot be read make it partial, with their count."""
    tokens = Tokens(settings.name)
    reasons: list[Text] = []
    unreadable: list[SourceError] = []
    for path, read in [*((path, _addresses) for path in settings.uris), *((path, _table) for path in settings.tokens)]:
        problems = csv_file.Problems(path)
        before = len(tokens.rows)
        try:
            for record, problem in read(settings, path, tokens):
                problems.add(record, problem)
        except SourceError as error:
            # Rows before the fault stay: the reason makes the table partial.
            unreadable.append(error)
            reasons.append(error.text)
        reasons += problems.reasons
        progress(settings.name, len(tokens.rows) - before)
    if unreadable and not tokens.rows:
        writer.add_coverage(unread((_TABLE,), settings.name, unreadable[0]))
        return
    for row in tokens.rows:
        writer.add(_TABLE, row)
    writer.add_coverage([csv_file.covered(_TABLE, settings.name, len(tokens.rows), reasons, writer.as_of)])
    # The files hold seeds: not even their hash is kept.
    writer.add_facts(settings.name, {"files": [path.name for path in (*settings.uris, *settings.tokens)], "rows": len(tokens.rows)})


def _addresses(_settings: Otp, path: Path, tokens: Tokens) -> Iterator[tuple[csv_file.Record, Text]]:
    """Take every otpauth address of a file, one a line; give the lines that are none. Empty lines and # comments are neither."""
    for number, line in enumerate(csv_file.lines(path, "utf-8-sig"), 1):
        text = line.strip()
        if text and not text.startswith("#") and (problem := _address(text, tokens)):
            yield csv_file.Record(number, number, 1, "", {}, problem), problem


def _address(text: str, tokens: Tokens) -> Text | None:
    """Take one address; what is wrong with it otherwise, without repeating any of it."""
    try:
        uri = urlsplit(text)
        query = parse_qsl(uri.query, keep_blank_values=True, max_num_fields=20)
        said = {name.lower(): value for name, value in query}
        # The parameters that pyotp refuses are the ones to report: it reads the label alone, whose issuer is the one people see.
        issuer = {} if ":" in uri.path else {"issuer": said.get("issuer", "")}
        label = urlencode({"secret": _STAND_IN, **issuer})
        token = pyotp.parse_uri(urlunsplit((uri.scheme, uri.netloc.lower(), uri.path, label, "")))
        seed = _seed(said.get("secret", ""), "base32")
    except ValueError:
        return Text(en="this is not an otpauth address that can be read", fr="ce n’est pas une adresse otpauth lisible")
    if seed is None or len(said) < len(query):
        return _UNREADABLE_SEED
    if any(_holds_seed(part, seed) for part in (token.name, token.issuer or "")):
        return _SEED_ELSEWHERE
    counter = uri.netloc.lower() == "hotp"
    period = None if counter else _number(said.get("period", ""), 30)
    digits = _number(said.get("digits", ""), 6)
    tokens.add(
        f"{token.issuer}:{token.name}" if token.issuer else token.name,
        seed,
        {
            "holder": token.name,
            "kind": "hotp" if counter else "totp",
            "hardware": False,
            "active": True,
            "algorithm": _algorithm(said.get("algorithm", "")),
            "digits": digits,
            "period": period,
            "event_based": counter,
        },
    )
    return _unread_number(digits, period, event_based=counter)


def _table(settings: Otp, path: Path, tokens: Tokens) -> Iterator[tuple[csv_file.Record, Text]]:
    """Take every line of a table of hardware tokens; give the lines that cannot be read."""
    inactive = {state.casefold() for state in settings.inactive_states}
    for record in csv_file.records(path, encoding=settings.encoding, delimiter=settings.delimiter, columns=settings.columns):
        values = {name: value.strip() for name, value in record.values.items()}
        seed = None if record.problem else _seed(values["secret"], settings.seed_encoding)
        if seed is None:
            yield record, record.problem or _UNREADABLE_SEED
            continue
        if not values["serial"]:
            yield record, Text(en="no serial number", fr="aucun numéro de série")
            continue
        if any(_holds_seed(values[name], seed) for name in ("serial", "holder")):
            yield record, _SEED_ELSEWHERE
            continue
        digits, period = _number(values.get("digits", ""), 6), _number(values.get("period", ""), 30)
        tokens.add(
            values["serial"],
            seed,
            {
                "holder": values["holder"],
                "kind": "totp",
                "hardware": True,
                "active": values.get("state", "").casefold() not in inactive,
                "algorithm": _algorithm(values.get("algorithm", "")),
                "digits": digits,
                "period": period,
                "event_based": False,
            },
        )
        if problem := _unread_number(digits, period, event_based=False):
            yield record, problem


def _seed(text: str, encoding: str) -> bytes | None:
    """The bytes of a seed written with or without blanks, dashes and padding; None when it is none."""
    bare = re.sub(r"[\s-]", "", text).rstrip("=").upper()
    try:
        if encoding == "hex":
            return bytes.fromhex(bare) or None
        return base64.b32decode(bare + "=" * (-len(bare) % 8)) or None
    except (ValueError, binascii.Error):
        return None


def _holds_seed(text: str, seed: bytes) -> bool:
    """Whether a text that would be kept is the seed, or looks like one."""
    bare = re.sub(r"[\s-]", "", text).rstrip("=")
    return bool(_LIKE_A_SEED.fullmatch(bare)) or seed in (_seed(text, "base32"), _seed(text, "hex"))


def _algorithm(text: str) -> str:
    return text.strip().upper().replace("HMAC", "").replace("-", "")[:20] or "SHA1"


def _number(text: str, default: int) -> int | None:
    """What a file says, what the format has when it says nothing, None when it is no number that a token could have."""
    bare = text.strip()
    if not bare:
        return default
    return int(bare) or None if _NUMBER.fullmatch(bare) else None


def _unread_number(digits: int | None, period: int | None, *, event_based: bool) -> Text | None:
    if digits is None or (period is None and not event_based):
        return Text(
            en="its digits or its period are no number above 0", fr="son nombre de chiffres ou sa période n’est pas un nombre positif"
        )
    return None
