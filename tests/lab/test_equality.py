"""A domain read live and the same domain read from its own `ldapsearch` export give the same tables, row by row."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice, zip_longest
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from auditor import collect, snapshot
from auditor.config import ActiveDirectory, Ldif, Secret
from auditor.model import State, Value
from auditor.tables import directory
from tests.lab import samba
from tests.lab.conftest import HOSPITAL
from tests.lab.samba import Lab

pytestmark = pytest.mark.lab

AS_OF = datetime.now(UTC).replace(tzinfo=None)
"""The laboratory is younger than any fixed date, and an export that is later than the audit is not believed."""
NAME = "ad"


def live_source(lab: Lab, folder: Path, user: str = samba.READER, password: str = samba.READER_PASSWORD) -> ActiveDirectory:
    secret = folder / f"{user}.secret"
    secret.touch(mode=0o600)
    secret.write_text(password, encoding="utf-8")
    return ActiveDirectory(
        type="active_directory", name=NAME, server=lab.ip, ca_file=lab.ca_file, user=f"{user}@{lab.domain.dns}",
        password=Secret(file=secret), connect_timeout=5, receive_timeout=20, deadline=120,
    )  # fmt: skip


def export_source(lab: Lab, folder: Path) -> Ldif:
    """The two files of an administrator: the domain, and its configuration."""
    paths = []
    for name, base in (("domain", lab.domain.dn), ("configuration", f"CN=Configuration,{lab.domain.dn}")):
        paths.append(folder / f"{name}.ldif")
        paths[-1].write_bytes(lab.export(base, "(objectClass=*)", "*", "nTSecurityDescriptor"))
    return Ldif(type="ldif", name=NAME, paths=tuple(paths))


def collected(source: ActiveDirectory | Ldif, folder: Path) -> snapshot.Snapshot:
    with snapshot.create(folder, AS_OF) as writer:
        collect.collect(source, writer, lambda _name, _rows: None)
    return snapshot.read(folder)


def rows(taken: snapshot.Snapshot, table: str) -> list[dict[str, Value]]:
    read: list[dict[str, Value]] = pq.read_table(taken.path(table)).to_pylist()
    return read


def states(taken: snapshot.Snapshot) -> dict[str, State]:
    return {entry.table: entry.state for entry in taken.coverage if entry.source == NAME}


def assert_same_rows(table: str, one: list[dict[str, Value]], other: list[dict[str, Value]]) -> None:
    """Equal, row by row; a failure shows which columns of the first rows differ, not thousands of rows."""
    none: dict[str, Value] = {}
    pairs = ((a, b) for a, b in zip_longest(one, other, fillvalue=none) if a != b)
    differing = [{name: (a.get(name), b.get(name)) for name in a | b if a.get(name) != b.get(name)} for a, b in islice(pairs, 2)]
    assert differing == [], table


def assert_equal(live: snapshot.Snapshot, export: snapshot.Snapshot) -> None:
    for table in directory.TABLES:
        assert_same_rows(table.name, rows(live, table.name), rows(export, table.name))
    assert states(live) == states(export)


def test_the_small_domain_is_the_same_live_and_from_its_export(dc: Lab, tmp_path: Path) -> None:
    live = collected(live_source(dc, tmp_path), tmp_path / "live")
    assert_equal(live, collected(export_source(dc, tmp_path), tmp_path / "export"))
    assert set(states(live).values()) == {State.COMPLETE}
    assert all(rows(live, table.name) for table in directory.TABLES)


@pytest.mark.slow
def test_the_hospital_is_the_same_live_and_from_its_export_and_holds_what_its_file_says(hospital_dc: Lab, tmp_path: Path) -> None:
    live = collected(live_source(hospital_dc, tmp_path), tmp_path / "live")
    assert_equal(live, collected(export_source(hospital_dc, tmp_path), tmp_path / "export"))
    assert set(states(live).values()) == {State.COMPLETE}
    file = collected(Ldif(type="ldif", name=NAME, paths=(HOSPITAL,)), tmp_path / "file")
    for table in directory.TABLES:
        if table not in (directory.DIRECTORY_OBJECT, directory.SECURITY_DESCRIPTOR, directory.ACCESS_ENTRY):
            assert_same_rows(table.name, *(comparable(hospital_dc, rows(taken, table.name)) for taken in (live, file)))


def comparable(lab: Lab, read: list[dict[str, Value]]) -> list[dict[str, Value]]:
    """Rows without what the laboratory cannot give: the accounts of add_readers() are its own, and so are the identifiers (objectGUID)
    of the objects that every domain has from the start. Descriptors are left out too: a directory adds what a container passes on."""
    own = {f"{lab.domain.sid}-{rid}" for rid in (samba.GROUP_RID, samba.READER_RID, samba.PLAIN_RID)}
    return [{name: value for name, value in row.items() if name != "object_guid"} for row in read if own.isdisjoint(map(str, row.values()))]
