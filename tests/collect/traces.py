"""The labelled Windows traces, read where they lie: a folder beside the checkout, or the one that SIGN_IN_TRACES names."""

from __future__ import annotations

import csv
import os
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from auditor import collect, rules, snapshot
from auditor.assess import assess
from auditor.config import Audit, Source
from auditor.config_sign_ins import Evtx, WindowsJson
from auditor.model import Coverage, Run, State, Value
from auditor.tables import COLLECTED

FOLDER = Path(os.environ.get("SIGN_IN_TRACES") or Path(__file__).resolve().parents[3] / "shared" / "data" / "sign-ins")
RULES = [rule for rule in rules.load([rules.shipped()]) if rule.id.startswith("LOG-")]
DIRECTORY = ("account", "directory_group", "group_member")


@dataclass(frozen=True)
class Trace:
    """One file of the manifest: what must be raised, and whether nothing of high or critical may be."""

    path: Path
    expected: frozenset[str]
    quiet: bool


def traces() -> list[Trace]:
    """Windows traces of the manifest, with what the shipped rules claim of each; empty when the folder is absent."""
    manifest = FOLDER / "manifest.csv"
    if not manifest.exists():
        return []
    claimed = {rule.id for rule in RULES}
    with manifest.open(encoding="utf-8", newline="") as file:
        return [
            Trace(
                FOLDER / row["file"],
                frozenset(row["expected"].split(";")) & claimed,
                row["expected"] == "-" or bool(re.search("noise|benign", row["note"])),
            )
            for row in csv.DictReader(file)
            if row["file"].endswith((".evtx", ".zip")) and "Office" not in row["file"]
        ]


def needed() -> Path:
    """The folder; skips the test when it is absent."""
    if not FOLDER.exists():
        pytest.skip(f"labelled traces are not there: set SIGN_IN_TRACES ({FOLDER})")
    return FOLDER


def judged(path: Path, folder: Path) -> Run:
    """The LOG rules on one trace, with a directory that holds every account the trace names, and nothing else."""
    source = _source(path, folder)
    first, last = _read(source, folder / "first", datetime(2030, 1, 1), {})
    people = {str(row["account_sid"]): str(row["account_name"]) for row in first if str(row["account_sid"]).startswith("S-1-5-21-")}
    taken = folder / "second"
    _read(source, taken, last + timedelta(hours=1), people)
    settings = Audit.model_validate({"establishment": {"name": "traces"}, "sources": [{"type": "ldif", "name": "x", "paths": ["x"]}]})
    return assess(snapshot.read(taken), settings, RULES)


def _source(path: Path, folder: Path) -> Source:
    if path.suffix == ".evtx":
        return Evtx(type="evtx", name="trace", paths=(path,))
    with zipfile.ZipFile(path) as archive:
        (name,) = [member for member in archive.namelist() if not member.endswith("/")]
        (folder / "trace.json").write_bytes(archive.read(name))
    return WindowsJson(type="windows_json", name="trace", paths=(folder / "trace.json",))


def _read(source: Source, folder: Path, as_of: datetime, people: dict[str, str]) -> tuple[list[dict[str, Value]], datetime]:
    with snapshot.create(folder, as_of) as writer:
        collect.collect(source, writer, lambda _name, _rows: None)
        for table in DIRECTORY:
            neutral = {column.name: column.neutral for column in COLLECTED[table].columns}
            # The directory is of the day of the trace, not of the neutral day: one that is later than the audit would not be believed.
            neutral |= {column.name: as_of for column in COLLECTED[table].columns if column.type == "timestamp"}
            rows = list(_accounts(neutral, people)) if table == "account" else [neutral]
            for row in rows:
                writer.add(table, row)
            writer.add_coverage([Coverage(table, "stub", State.COMPLETE, len(rows))])
    found = snapshot.read(folder)
    hours = pq.read_table(found.path("event_coverage")).to_pylist()
    return pq.read_table(found.path("sign_in")).to_pylist(), max(row["last_at"] for row in hours)


def _accounts(neutral: dict[str, Value], people: dict[str, str]) -> Iterator[dict[str, Value]]:
    yield neutral
    for sid, name in people.items():
        yield {**neutral, "account_key": sid, "sam_account_name": name}
