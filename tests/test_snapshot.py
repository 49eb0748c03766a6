"""Snapshots: whole, private, verified, and the same bytes for the same rows."""

from __future__ import annotations

import os
import stat
from datetime import datetime
from pathlib import Path

import pytest

from auditor import snapshot
from auditor.errors import SnapshotError
from auditor.model import Coverage, State, Text
from auditor.tables import ALL, COLLECTED, DERIVED

AS_OF = datetime(2026, 1, 5)


def write(path: Path, keys: list[str]) -> snapshot.Snapshot:
    with snapshot.create(path, AS_OF) as writer:
        for key in keys:
            writer.add("account", {"account_key": key, "enabled": True})
        writer.add_coverage([Coverage("account", "ad:test", State.PARTIAL, len(keys), Text("a", "b"), Text("c", "d"), AS_OF)])
        writer.add_facts("ad:test", {"server": "dc1.test"})
    return snapshot.read(path)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    read = write(tmp_path / "s", ["b", "a"])
    assert read.as_of == AS_OF
    assert Coverage("account", "ad:test", State.PARTIAL, 2, Text("a", "b"), Text("c", "d"), AS_OF) in read.coverage
    assert {entry.table for entry in read.coverage} == set(COLLECTED)
    assert all(entry.state is State.ABSENT and entry.cure for entry in read.coverage if entry.table != "account")
    assert read.facts == {"ad:test": {"server": "dc1.test"}}


def test_the_order_of_rows_does_not_matter(tmp_path: Path) -> None:
    assert write(tmp_path / "one", ["b", "a"]).sha256 == write(tmp_path / "two", ["a", "b"]).sha256


def test_files_are_private(tmp_path: Path) -> None:
    read = write(tmp_path / "s", ["a"])
    if os.name != "nt":
        assert stat.S_IMODE(read.folder.stat().st_mode) == 0o700
        assert {stat.S_IMODE(file.stat().st_mode) for file in read.folder.iterdir()} == {0o600}


def test_an_altered_missing_or_foreign_snapshot_is_refused(tmp_path: Path) -> None:
    read = write(tmp_path / "s", ["a"])
    file = read.path("account")
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + b"?")
    with pytest.raises(SnapshotError, match="changed"):
        snapshot.read(tmp_path / "s")
    file.write_bytes(whole)
    manifest = tmp_path / "s" / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"format": 1', '"format": 99'))
    with pytest.raises(SnapshotError, match="format 99"):
        snapshot.read(tmp_path / "s")
    manifest.write_text("{")
    with pytest.raises(SnapshotError, match="not a whole snapshot"):
        snapshot.read(tmp_path / "s")
    with pytest.raises(SnapshotError, match="audit collect"):
        snapshot.read(tmp_path / "none")


def test_a_failed_collection_keeps_the_old_snapshot(tmp_path: Path) -> None:
    before = write(tmp_path / "s", ["a"]).sha256
    with pytest.raises(RuntimeError), snapshot.create(tmp_path / "s", AS_OF) as writer:
        writer.add("account", {"account_key": "z"})
        raise RuntimeError
    assert snapshot.read(tmp_path / "s").sha256 == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["s"]


def test_a_column_the_table_does_not_have_is_a_programming_error(tmp_path: Path) -> None:
    with pytest.raises(KeyError), snapshot.create(tmp_path / "s", AS_OF) as writer:
        writer.add("account", {"acount_key": "z"})


def test_every_table_and_column_is_described() -> None:
    for table in ALL.values():
        assert table.sentence.endswith(".")
        assert set(table.key) <= set(table.column_names)
        assert len(set(table.column_names)) == len(table.columns)
        assert set(table.derived_from) <= set(COLLECTED) | set(DERIVED)
        assert not table.derived_from or table.name in DERIVED
        for column in table.columns:
            assert column.sentence.endswith("."), (table.name, column.name)
            assert not column.absent_when or table.column(column.absent_when).type == "boolean"
