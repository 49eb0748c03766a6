"""Small directories for tests: entries written as LDIF, read by the connector into a real snapshot."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

import pyarrow.parquet as pq

from auditor import collect, snapshot
from auditor.config import ActiveDirectory, Ldif
from auditor.model import Coverage, Value
from auditor.tables import COLLECTED
from tests.collect.test_security_descriptor import binary_sid

AS_OF = datetime(2026, 11, 20, 6)
NAME = "ad"
DOMAIN = "DC=chu,DC=test"
CONFIGURATION = f"CN=Configuration,{DOMAIN}"
DOMAIN_SID = "S-1-5-21-10-20-30"
CREATED = "20200101080000.0Z"
RECENT = 134_389_152_000_000_000
"""A FILETIME eight days before AS_OF."""
NEVER = str(2**63 - 1)

Attributes = dict[str, list[bytes]]
Entries = dict[str, Attributes]


def attributes(values: Mapping[str, object]) -> Attributes:
    """Attributes from plain values; a list gives several values, None leaves the attribute out."""
    return {
        name: [item if isinstance(item, bytes) else str(item).encode() for item in (value if isinstance(value, list) else [value])]
        for name, value in values.items()
        if value is not None
    }


def principal(rid: int | str, name: str, **others: object) -> Attributes:
    sid = f"{DOMAIN_SID}-{rid}" if isinstance(rid, int) else rid
    number = int(sid.rpartition("-")[2])
    common = {
        "instanceType": 4, "uSNChanged": 4000, "whenCreated": CREATED, "objectSid": binary_sid(sid),
        "objectGUID": number.to_bytes(16, "little"), "sAMAccountName": name,
    }  # fmt: skip
    return attributes({**common, **{key.replace("_", "-"): value for key, value in others.items()}})


def user(rid: int | str, name: str, **others: object) -> Attributes:
    """An ordinary enabled user; keyword arguments replace or (None) remove attributes."""
    usual = {
        "objectClass": ["top", "person", "organizationalPerson", "user"], "userAccountControl": 512, "pwdLastSet": 133_000_000_000_000_000,
        "lastLogonTimestamp": 133_500_000_000_000_000, "logonCount": 4, "accountExpires": NEVER, "primaryGroupID": 513,
    }  # fmt: skip
    return principal(rid, name, **{**usual, **others})


def group(rid: int | str, name: str, **others: object) -> Attributes:
    usual = {"objectClass": ["top", "group"], "groupType": -2147483646}
    return principal(rid, name, **{**usual, **others})


def domain() -> Entries:
    """What every domain has: with nothing more it is read as complete, but for permissions."""
    return {
        DOMAIN: attributes({
            "objectClass": ["top", "domain", "domainDNS"], "instanceType": 5, "whenCreated": CREATED, "objectSid": binary_sid(DOMAIN_SID),
            "minPwdLength": 12, "pwdHistoryLength": 24, "maxPwdAge": -155_520_000_000_000, "minPwdAge": -864_000_000_000,
            "pwdProperties": 1, "lockoutThreshold": 5, "lockOutObservationWindow": -18_000_000_000, "ms-DS-MachineAccountQuota": 0,
            "msDS-Behavior-Version": 7,
        }),
        f"CN=Administrator,CN=Users,{DOMAIN}": user(500, "Administrator", adminCount=1, lastLogonTimestamp=RECENT),
        f"CN=krbtgt,CN=Users,{DOMAIN}": user(502, "krbtgt", userAccountControl=514, adminCount=1),
        f"CN=Domain Admins,CN=Users,{DOMAIN}": group(512, "Domain Admins", member=f"CN=Administrator,CN=Users,{DOMAIN}"),
        f"CN=DC1,OU=Domain Controllers,{DOMAIN}": user(
            1000, "DC1$", objectClass=["top", "user", "computer"], userAccountControl=0x82000, primaryGroupID=516
        ),
        f"CN=Domain Controllers,CN=Users,{DOMAIN}": group(516, "Domain Controllers"),
        f"CN=Domain Users,CN=Users,{DOMAIN}": group(513, "Domain Users"),
        f"CN=Administrators,CN=Builtin,{DOMAIN}": group(
            "S-1-5-32-544", "Administrators", groupType=-2147483643, member=[f"CN=Domain Admins,CN=Users,{DOMAIN}"]
        ),
        f"CN=Password Settings Container,CN=System,{DOMAIN}": attributes(
            {"objectClass": ["top", "msDS-PasswordSettingsContainer"], "instanceType": 4, "whenCreated": CREATED}
        ),
    }  # fmt: skip


def ldif(entries: Mapping[str, Attributes] | Iterable[tuple[str, Attributes]]) -> str:
    """The entries as LDIF, every value in base64."""
    listed = entries.items() if isinstance(entries, Mapping) else entries
    lines = []
    for name, values in listed:
        lines.append(f"dn:: {base64.b64encode(name.encode()).decode()}")
        lines += [f"{key}:: {base64.b64encode(value).decode()}" for key, found in values.items() for value in found]
        lines.append("")
    return "\n".join(lines) + "\n"


class Taken:
    """A snapshot with its rows at hand; the key of every table is checked to be unique."""

    def __init__(self, folder: Path) -> None:
        self.snapshot = snapshot.read(folder)
        self.tables: dict[str, list[dict[str, Value]]] = {name: pq.read_table(self.snapshot.path(name)).to_pylist() for name in COLLECTED}
        for name, rows in self.tables.items():
            keys = [tuple(row[column] for column in COLLECTED[name].key) for row in rows]
            assert len(keys) == len(set(keys)), f"{name} holds a key twice"

    def coverage(self, table: str) -> Coverage:
        found = [entry for entry in self.snapshot.coverage if entry.table == table and entry.source == NAME]
        assert len(found) == 1, f"{len(found)} coverage entries for {table}"
        return found[0]

    def reason(self, table: str) -> str:
        reason = self.coverage(table).reason
        return reason.en if reason else ""

    def account(self, name: str) -> dict[str, Value]:
        return next(row for row in self.tables["account"] if row["sam_account_name"] == name)

    def members(self, group_key: str) -> set[tuple[Value, Value, Value]]:
        return {
            (row["member_key"], row["member_type"], row["primary_group"])
            for row in self.tables["group_member"]
            if row["group_key"] == group_key
        }


def take(source: ActiveDirectory | Ldif, folder: Path) -> Taken:
    with snapshot.create(folder, AS_OF) as writer:
        collect.collect(source, writer, lambda _name, _rows: None)
    return Taken(folder)


def take_files(folder: Path, *contents: str | bytes) -> Taken:
    """The snapshot of exports with these contents."""
    paths = []
    for number, content in enumerate(contents):
        paths.append(folder / f"export{number}.ldif")
        paths[-1].write_bytes(content.encode() if isinstance(content, str) else content)
    return take(Ldif(type="ldif", name=NAME, paths=tuple(paths)), folder / "snapshot")


def take_entries(folder: Path, *changes: Mapping[str, Attributes]) -> Taken:
    """The snapshot of the usual domain with entries added or replaced."""
    entries = domain()
    for change in changes:
        entries.update(change)
    return take_files(folder, ldif(entries))
