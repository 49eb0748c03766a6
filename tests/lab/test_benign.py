"""Ten ordinary minutes of a hospital on a real controller, in real time: typing errors, services, a shared desk; no detection speaks."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from auditor import snapshot
from tests.lab import samba
from tests.lab.samba import Lab
from tests.lab.test_sign_ins import LOG_RULES, attempt, audited, bound, logged

pytestmark = pytest.mark.lab

SECONDS = 615
NUMBER, PASSWORD, NEW_PASSWORD = 992000, "Ordinaire-Soin.2026", "Renouvele-Soin.2027"
PEOPLE = [f"soin.{number:02}" for number in range(24)]
SERVICES = [f"svc_appli{number}" for number in range(3)]
ADMIN = "adm.annuaire"
ACCOUNTS = [*PEOPLE, *SERVICES, ADMIN]
KIOSK, PHONE = "127.98.9.1", "127.98.9.2"

Step = tuple[float, Callable[[], None]]


@pytest.fixture
def ward(own_dc: Lab) -> Lab:
    """A controller that writes its log, with staff, services and an administrator; passwords may be renewed at once."""
    domain = own_dc.domain
    own_dc._load("ldbadd", [samba_user(own_dc, name) for name in ACCOUNTS], samba.RELAX)
    group = f"CN=Equipe,{samba.READERS_OU},{domain.dn}"
    own_dc._load(
        "ldbadd", [f"dn: {group}\nobjectClass: group\nsAMAccountName: Equipe\nobjectSid: {domain.sid}-992999\n".encode()], samba.RELAX
    )
    own_dc.plant(f"dn: {domain.dn}\nchangetype: modify\nreplace: minPwdAge\nminPwdAge: 0\n")
    own_dc.plant(f"dn: CN=Domain Admins,CN=Users,{domain.dn}\nchangetype: modify\nadd: member\nmember: {dn(own_dc, ADMIN)}\n")
    logged(own_dc)
    own_dc.start()
    return own_dc


def dn(lab: Lab, name: str) -> str:
    return f"CN={name},{samba.READERS_OU},{lab.domain.dn}"


def samba_user(lab: Lab, name: str) -> bytes:
    return (
        f"dn: {dn(lab, name)}\nobjectClass: user\nsAMAccountName: {name}\nobjectSid: {lab.domain.sid}-{NUMBER + ACCOUNTS.index(name)}\n"
        f"userAccountControl: 512\nuserPrincipalName: {name}@{lab.domain.dns}\nunicodePwd:: {samba._quoted_password(PASSWORD)}\n"
    ).encode()


def day(lab: Lab) -> list[Step]:
    """What happens at which second; chance decides with a fixed seed."""
    dice = random.Random(20261120)
    steps: list[Step] = []

    def sign_in(at: float, name: str, origin: str, typos: int = 0) -> None:
        steps.extend((at + 4 * number, partial(refused, lab, name, f"{PASSWORD}{number}", origin)) for number in range(typos))
        steps.append((at + 4 * typos, partial(accepted, lab, name, PASSWORD, origin)))

    for number, name in enumerate(PEOPLE):
        wrong = dice.randrange(8)
        for turn in range(8):
            at = turn * 70 + dice.uniform(0, 60)
            sign_in(at, name, f"127.98.{1 + turn % 2}.{number + 1}", dice.choice((0, 1, 1, 2)) if turn == wrong else 0)
    for number, name in enumerate(SERVICES):
        for second in range(number, SECONDS, 10):
            sign_in(second, name, f"127.98.5.{number + 1}")
    for number, name in enumerate(PEOPLE[:16]):
        sign_in(20 + 35 * number, name, KIOSK, 1 if number % 4 == 0 else 0)
    # A telephone that still has the password of last year.
    steps.extend((second, partial(refused, lab, PEOPLE[20], "Ancien-Soin.2025", PHONE)) for second in range(30, SECONDS, 150))
    steps.append((SECONDS / 2, partial(join, lab, PEOPLE[23])))
    desk = "127.98.1.23"
    steps.append((SECONDS - 30, partial(renew, lab, PEOPLE[22], desk)))
    steps.append((SECONDS - 25, partial(refused, lab, PEOPLE[22], f"{NEW_PASSWORD}?", desk)))
    steps.append((SECONDS - 20, partial(accepted, lab, PEOPLE[22], NEW_PASSWORD, desk)))
    return sorted(steps, key=lambda step: step[0])


def accepted(lab: Lab, name: str, password: str, origin: str) -> None:
    assert attempt(lab, name, password, origin), name


def refused(lab: Lab, name: str, password: str, origin: str) -> None:
    assert not attempt(lab, name, password, origin), name


def renew(lab: Lab, name: str, origin: str) -> None:
    with bound(lab, name, PASSWORD, origin) as connection:
        assert connection.extend.microsoft.modify_password(dn(lab, name), NEW_PASSWORD, PASSWORD), connection.result


def join(lab: Lab, name: str) -> None:
    with bound(lab, ADMIN, PASSWORD, "127.98.7.1") as connection:
        changed = connection.modify(f"CN=Equipe,{samba.READERS_OU},{lab.domain.dn}", {"member": [("MODIFY_ADD", [dn(lab, name)])]})
        assert changed, connection.result


@pytest.mark.slow
def test_ten_ordinary_minutes_raise_nothing(ward: Lab, tmp_path: Path) -> None:
    begun = time.monotonic()
    for at, step in day(ward):
        time.sleep(max(0.0, begun + at - time.monotonic()))
        step()
    found = audited(ward, tmp_path / "day")
    assert {rule: resources for rule, resources in found.items() if resources} == {}
    assert set(found) == {rule.id for rule in LOG_RULES}
    rows = pq.read_table(snapshot.read(tmp_path / "day" / "snapshot").path("sign_in")).to_pylist()
    times = [row["occurred_at"] for row in rows]
    assert (max(times) - min(times)).total_seconds() >= 600
    assert len(rows) >= 400
    assert len({row["account_name"] for row in rows if row["outcome"] == "failure"}) >= 15
    assert len({row["account_name"] for row in rows if row["origin"] == KIOSK}) == 16
    changes = pq.read_table(snapshot.read(tmp_path / "day" / "snapshot").path("directory_change")).to_pylist()
    assert {row["operation"] for row in changes} >= {"group_add", "password_change"}
