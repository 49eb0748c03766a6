"""Real attacks on a real controller, each from its own address, found in its own JSON log by one audit; ordinary days stay quiet."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from auditor import collect, rules, snapshot
from auditor.assess import assess
from auditor.collect.ldap_connect import ldap3  # type: ignore[attr-defined]  # imports it without its deprecation warnings
from auditor.config import Audit
from auditor.config_sign_ins import SambaLog
from tests.lab import samba
from tests.lab.samba import Lab
from tests.lab.test_equality import live_source

pytestmark = pytest.mark.lab

STREAMS = ("auth_json_audit", "dsdb_json_audit", "dsdb_password_json_audit", "dsdb_group_json_audit")
LOG_RULES = [rule for rule in rules.load([rules.shipped()]) if rule.id.startswith("LOG-")]
ATTACKED = {"LOG-001", "LOG-002", "LOG-003", "LOG-005", "LOG-006", "LOG-050", "LOG-051"}
NAMES = [f"cible.{number}" for number in range(8)]
ADMIN, CLOSED = NAMES[5], NAMES[7]
PASSWORD = "Depart-Cible.2026"


def sid(lab: Lab, name: str) -> str:
    """SID of a planted account: numbers that no other part of the laboratory uses."""
    return f"{lab.domain.sid}-{991000 + NAMES.index(name)}"


def attempt(lab: Lab, name: str, password: str, origin: str) -> bool:
    """One simple bind over TLS from an address of its own."""
    connection = _connection(lab, name, password, origin)
    try:
        return bool(connection.bind())
    finally:
        connection.unbind()


@contextmanager
def bound(lab: Lab, name: str, password: str, origin: str) -> Iterator[Any]:
    """An open session of an account, from an address of its own."""
    connection = _connection(lab, name, password, origin)
    try:
        assert connection.bind(), connection.result
        yield connection
    finally:
        connection.unbind()


def _connection(lab: Lab, name: str, password: str, origin: str) -> Any:
    server = ldap3.Server(lab.ip, port=636, use_ssl=True, get_info=ldap3.NONE)
    return ldap3.Connection(server, f"{name}@{lab.domain.dns}", password, source_address=origin, raise_exceptions=False)


def logged(lab: Lab) -> None:
    """Make a stopped controller write its JSON audit log from its next start."""
    level = " ".join(f"{stream}:5@{lab.log}/audit.json" for stream in STREAMS)
    configuration = lab.configuration.read_text(encoding="utf-8")
    lab.configuration.write_text(configuration.replace("log level = 0", f"log level = 0 {level}"), encoding="utf-8")


def audited(lab: Lab, folder: Path) -> dict[str, set[str]]:
    """Rule -> failing resources of one audit of the live directory and the controller's log."""
    log = SambaLog(type="samba_log", name="log", host=lab.domain.host, paths=(lab.log / "audit.json",))
    folder.mkdir()
    live = live_source(lab, folder)
    with snapshot.create(folder / "snapshot", datetime.now(UTC).replace(tzinfo=None)) as writer:
        for source in (live, log):
            collect.collect(source, writer, lambda _name, _rows: None)
    settings = Audit.model_validate({"establishment": {"name": "lab"}, "sources": [{"type": "ldif", "name": "x", "paths": ["x"]}]})
    run = assess(snapshot.read(folder / "snapshot"), settings, LOG_RULES)
    return {assessed.rule: {finding.resource for finding in assessed.findings} for assessed in run.assessments}


@pytest.fixture
def logging_dc(own_dc: Lab) -> Lab:
    """A controller that writes its JSON audit log, with accounts to attack."""
    records = [
        f"dn: CN={name},{samba.READERS_OU},{own_dc.domain.dn}\nobjectClass: user\nsAMAccountName: {name}\n"
        f"objectSid: {sid(own_dc, name)}\nuserAccountControl: {514 if name == CLOSED else 512}\n"
        f"userPrincipalName: {name}@{own_dc.domain.dns}\nunicodePwd:: {samba._quoted_password(PASSWORD)}\n".encode()
        for name in NAMES
    ]
    own_dc._load("ldbadd", records, samba.RELAX)
    admins = f"CN=Domain Admins,CN=Users,{own_dc.domain.dn}"
    own_dc.plant(f"dn: {admins}\nchangetype: modify\nadd: member\nmember: CN={ADMIN},{samba.READERS_OU},{own_dc.domain.dn}\n")
    logged(own_dc)
    own_dc.start()
    return own_dc


def change_admins(lab: Lab, operation: str) -> None:
    member = f"CN={NAMES[6]},{samba.READERS_OU},{lab.domain.dn}"
    with bound(lab, ADMIN, PASSWORD, "127.99.0.5") as connection:
        assert connection.modify(f"CN=Domain Admins,CN=Users,{lab.domain.dn}", {"member": [(operation, [member])]}), connection.result


def test_attacks_are_found_and_ordinary_use_is_not(logging_dc: Lab, tmp_path: Path) -> None:
    lab = logging_dc
    for _ in range(3):
        for number, name in enumerate(NAMES[:6]):
            assert attempt(lab, name, PASSWORD, f"127.99.1.{number + 1}")
    assert not attempt(lab, NAMES[0], "typo", "127.99.1.1")
    quiet = audited(lab, tmp_path / "quiet")
    assert {rule: found for rule, found in quiet.items() if found} == {}

    for name in NAMES[:6]:
        assert not attempt(lab, name, "Printemps2026!", "127.99.0.1")
    for number in range(6):
        assert not attempt(lab, NAMES[1], f"essai-{number}", "127.99.0.2")
    assert attempt(lab, NAMES[1], PASSWORD, "127.99.0.2")
    for name in ("jdupont", "support", "scanner"):
        assert not attempt(lab, name, "x", "127.99.0.3")
    assert not attempt(lab, CLOSED, PASSWORD, "127.99.0.4")
    change_admins(lab, ldap3.MODIFY_ADD)
    change_admins(lab, ldap3.MODIFY_DELETE)
    found = audited(lab, tmp_path / "found")
    assert {rule: resources for rule, resources in found.items() if resources}.keys() == ATTACKED
    membership = f"{lab.domain.sid}-512/{sid(lab, NAMES[6])}"
    assert found["LOG-001"] == {"127.99.0.1"}
    assert found["LOG-002"] == {f"{NAMES[1]}/127.99.0.2"}
    assert found["LOG-003"] == {f"{NAMES[1]}/127.99.0.2"}
    assert found["LOG-005"] == {"127.99.0.3"}
    assert found["LOG-006"] == {sid(lab, CLOSED)}
    assert found["LOG-050"] == {membership}
    assert found["LOG-051"] == {membership}
