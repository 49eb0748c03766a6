"""Runs one collector over real files into a real snapshot."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from auditor import collect, snapshot
from auditor.config import Source
from auditor.model import Coverage, Value

AS_OF = datetime(2026, 11, 20, 6)


@dataclass(frozen=True)
class Collected:
    """What came out: rows by table, coverage by table, facts of the source, and the hash of the whole."""

    rows: Mapping[str, list[dict[str, Value]]]
    coverage: Mapping[str, Coverage]
    facts: Mapping[str, Any]
    sha256: str


def run(
    source: Source, folder: Path, progress: Callable[[str, int], None] = lambda _source, _rows: None, *, as_of: datetime = AS_OF
) -> Collected:
    """Collect `source` into folder/snapshot and read it back."""
    with snapshot.create(folder / "snapshot", as_of) as writer:
        collect.collect(source, writer, progress)
        tables = [entry.table for entry in writer.coverage]
        assert len(tables) == len(set(tables)), "one coverage per table"
    found = snapshot.read(folder / "snapshot")
    covered = {entry.table: entry for entry in found.coverage if entry.source == source.name}
    assert all((entry.reason is None) == (entry.state.value == "complete") for entry in covered.values())
    rows = {table: pq.read_table(found.path(table)).to_pylist() for table in tables}
    assert all(len(rows[table]) == covered[table].rows for table in tables)
    return Collected(rows, covered, found.facts.get(source.name, {}), found.sha256)
