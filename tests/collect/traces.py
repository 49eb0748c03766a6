"""The labelled Windows traces, read where they lie: a folder beside the checkout, or the one that SIGN_IN_TRACES names.

`python -m tests.collect.traces` judges every one of them and prints the table of what was claimed and raised.
"""

from __future__ import annotations

import csv
import json
import os
import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow.parquet as pq
import pytest

from auditor import collect, rules, snapshot
from auditor.assess import assess
from auditor.config import Audit, Source
from auditor.config_sign_ins import Evtx, SignInCsv, WindowsJson
from auditor.model import Coverage, Run, State, Value
from auditor.tables import COLLECTED

FOLDER = Path(os.environ.get("SIGN_IN_TRACES") or Path(__file__).resolve().parents[3] / "shared" / "data" / "sign-ins")
RULES = [rule for rule in rules.load([rules.shipped()]) if rule.id.startswith("LOG-")]
SEVERITY = {rule.id: rule.severity for rule in RULES}
MISSED = {
    "e2m_ID4728-Massive_account_group_membership_change.evtx": {
        "LOG-050": "one account joins eleven ordinary groups at once, as after a move to another ward; only privileged ones are judged",
    },
    "new-user-security.evtx": {"LOG-050": "Windows itself adds the first user to the administrators while it is being installed"},
}
"""Labels that the rules do not reach, on purpose, and why; a label that comes within reach must leave this list."""
TABLES_OF_SENTINEL = ("SecurityEvent.ndjson", "SigninLogs.ndjson")
"""Rows of a log workspace, which hold what a forwarder or the portal's export holds under other names."""
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
            if row["file"].endswith((".evtx", ".zip", *TABLES_OF_SENTINEL)) and "Office" not in row["file"]
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
    named = [(str(row[f"{who}_sid"]), str(row[f"{who}_name"])) for row in first for who in ("account", "actor")]
    people = {sid: name for sid, name in named if sid.startswith("S-1-5-21-")}
    taken = folder / "second"
    _read(source, taken, last + timedelta(hours=1), people)
    settings = Audit.model_validate({"establishment": {"name": "traces"}, "sources": [{"type": "ldif", "name": "x", "paths": ["x"]}]})
    return assess(snapshot.read(taken), settings, RULES)


def raised(run: Run) -> set[str]:
    """Rules with at least one finding that is sure."""
    return {assessed.rule for assessed in run.assessments if any(finding.confirmed for finding in assessed.findings)}


def table() -> Iterator[str]:
    """A table in Markdown: one line per trace."""
    yield "| file | labels claimed | raised | missed, and why | if it is benign: findings by severity |"
    yield "|---|---|---|---|---|"
    for trace in traces():
        with TemporaryDirectory() as folder:
            run = judged(trace.path, Path(folder))
        found = raised(run)
        missed = [f"{rule}: {MISSED.get(trace.path.name, {}).get(rule, 'not declared')}" for rule in sorted(trace.expected - found)]
        count = Counter(SEVERITY[assessed.rule].value for assessed in run.assessments for finding in assessed.findings if finding.confirmed)
        quiet = ", ".join(f"{severity} {number}" for severity, number in sorted(count.items())) or "none"
        cells = (
            trace.path.name,
            ", ".join(sorted(trace.expected)),
            ", ".join(sorted(found)),
            "; ".join(missed),
            quiet if trace.quiet else "",
        )
        yield f"| {' | '.join(cells)} |"


def _source(path: Path, folder: Path) -> Source:
    if path.suffix == ".evtx":
        return Evtx(type="evtx", name="trace", paths=(path,))
    if path.name.endswith(TABLES_OF_SENTINEL):
        return _workspace(path, folder)
    with zipfile.ZipFile(path) as archive:
        (name,) = [member for member in archive.namelist() if not member.endswith("/")]
        (folder / "trace.json").write_bytes(archive.read(name))
    return WindowsJson(type="windows_json", name="trace", paths=(folder / "trace.json",))


def _workspace(path: Path, folder: Path) -> Source:
    """The rows as Windows records of a forwarder, or as a CSV of cloud sign-ins."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    if "SecurityEvent" in path.name:
        said = {"SourceName": "Microsoft-Windows-Security-Auditing", "Channel": "Security"}
        lines = [json.dumps({**row, **said, "EventTime": row["TimeGenerated"]}) for row in rows]
        (folder / "trace.json").write_text("\n".join(lines), encoding="utf-8")
        return WindowsJson(type="windows_json", name="trace", paths=(folder / "trace.json",))
    columns = {
        "occurred_at": "TimeGenerated", "account_name": "UserPrincipalName", "outcome": "ResultType", "origin": "IPAddress",
        "country": "Location", "application": "AppDisplayName",
    }  # fmt: skip
    with (folder / "trace.csv").open("w", encoding="utf-8", newline="") as file:
        written = csv.DictWriter(file, list(columns.values()), extrasaction="ignore", delimiter=";")
        written.writeheader()
        written.writerows(rows)
    return SignInCsv(
        type="sign_in_csv", name="trace", path=folder / "trace.csv", host="entra", columns=columns, time_format="%Y-%m-%d %H:%M:%S.%f",
        outcomes={code: "success" if code == "0" else "failure" for code in {str(row["ResultType"]) for row in rows}}, logon_type="cloud",
    )  # fmt: skip


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


if __name__ == "__main__":
    print("\n".join(table()))
