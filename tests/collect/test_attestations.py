"""Signed statements: what is wrong is refused by file and line, what is right is kept, and `audit attest` writes nothing else."""

from __future__ import annotations

import os
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import pytest

from auditor import attest
from auditor.collect.attestations import TABLES
from auditor.config import Attestations
from auditor.errors import ConfigError
from auditor.model import State
from tests.collect.files import AS_OF, Collected, run

RESTORE = """\
- kind: restore_test
  system: DPI
  date: 2026-10-14
  scope: db
  from_copy: offline
  result: pass
  duration_min: 95
  rto_target_min: 240
  rpo_h: 24
  tester: équipe infra
  business_referent: cadre des urgences
"""
COPY = """\
- kind: copy
  system: DPI
  name: Bandes
  medium: tape
  site: coffre
  off_site: true
  offline: true
  immutable: false
  encrypted: true
  date: 2026-11-19
  last_written: 2026-11-16
"""
CONSOLE = """\
- kind: console
  name: Console
  auth_source: local
  mfa: true
  operators: 3
  may_erase: 2
  date: 2026-11-20
"""
ALERTS = """\
- kind: alerts
  console: Console
  alerted: true
  owner: exploitation
  unowned: 2
  oldest_unowned: 2026-11-10
  date: 2026-11-20
"""
EXERCISE = "- {kind: exercise, topic: crisis, owner: RSSI, date: 2026-03-12}\n"


def evidence(tmp_path: Path, **files: str | bytes) -> Collected:
    folder = tmp_path / "evidence"
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / f"{name}.yaml").write_bytes(content.encode() if isinstance(content, str) else content)
    return run(Attestations(type="attestations", path=folder), tmp_path)


def proof(tmp_path: Path, content: bytes = b"report") -> str:
    path = tmp_path / "evidence" / "proofs" / "dpi.pdf"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return sha256(content).hexdigest()


def reason(found: Collected, table: str) -> str:
    coverage = found.coverage[table]
    assert coverage.state is State.PARTIAL, coverage
    assert coverage.reason is not None
    return coverage.reason.en


def test_statements_become_rows(tmp_path: Path) -> None:
    digest = proof(tmp_path)
    found = evidence(
        tmp_path, a=RESTORE + f"  proof_file: proofs/dpi.pdf\n  sha256: {digest.upper()}\n", b=COPY + CONSOLE + ALERTS + EXERCISE
    )
    assert {found.coverage[table].state for table in TABLES} == {State.COMPLETE}
    source = {"source": "attestations"}
    assert found.rows["restore_test"] == [
        {
            **source, "system": "dpi", "label": "DPI", "tested_at": datetime(2026, 10, 14), "scope": "db", "from_copy": "offline",
            "result": "pass", "duration_minutes": 95, "target_minutes": 240, "lost_hours": 24, "tester": "équipe infra",
            "business_referent": "cadre des urgences", "proven": True,
        }
    ]  # fmt: skip
    assert found.rows["backup_copy"] == [
        {
            **source, "system": "dpi", "label": "DPI", "copy_name": "bandes", "medium": "tape", "site": "coffre", "off_site": True,
            "offline": True, "immutable": False, "encrypted": True, "last_written_at": datetime(2026, 11, 16),
            "attested_at": datetime(2026, 11, 19), "proven": False,
        }
    ]  # fmt: skip
    assert found.rows["backup_console"] == [
        {
            **source, "console": "console", "auth_source": "local", "second_factor": True, "operators": 3, "erasers": 2,
            "attested_at": datetime(2026, 11, 20), "proven": False,
        }
    ]  # fmt: skip
    assert found.rows["backup_alert"] == [
        {
            **source, "console": "console", "alerted": True, "owner": "exploitation", "unowned": 2,
            "oldest_unowned_at": datetime(2026, 11, 10), "none_unowned": False, "attested_at": datetime(2026, 11, 20), "proven": False,
        }
    ]  # fmt: skip
    assert found.rows["attestation"] == [
        {**source, "kind": "exercise", "topic": "crisis", "owner": "RSSI", "dated_at": datetime(2026, 3, 12), "proven": False}
    ]


def test_no_restore_test_on_record_is_a_fact(tmp_path: Path) -> None:
    found = evidence(tmp_path, a=COPY, empty="", comment="# nothing yet\n")
    assert found.coverage["restore_test"].state is State.COMPLETE
    assert found.rows["restore_test"] == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("2026-10-14", "2026-11-21"), "a.yaml:1: its day is after the audit"),
        (("2026-10-14", "2026-02-30"), "a.yaml:3: date: day is out of range for month"),
        (("2026-10-14", "14/10/2026"), "a.yaml:3: date: write the day as 2026-01-31"),
        (("2026-10-14", "2026-10-14T08:00:00"), "a.yaml:3: date: write the day as 2026-01-31"),
        (("  tester: équipe infra\n", ""), "a.yaml:1: tester: is missing; add it"),
        (("tester", "testers"), "a.yaml:10: testers: is not a known key; check its spelling"),
        (("result: pass", "result: ok"), "a.yaml:6: result: "),
        (("duration_min: 95", "duration_min: -5"), "a.yaml:7: duration_min: "),
        (("duration_min: 95", "duration_min: 1.5"), "a.yaml:7: duration_min: "),
        (("system: DPI", 'system: ""'), "a.yaml:2: system: "),
    ],
)
def test_a_wrong_statement_is_refused_and_the_others_kept(tmp_path: Path, change: tuple[str, str], words: str) -> None:
    found = evidence(tmp_path, a=RESTORE.replace(*change) + RESTORE.replace("DPI", "PACS") + COPY)
    assert reason(found, "restore_test").startswith(f"1 statement was refused, first {words}")
    assert [row["system"] for row in found.rows["restore_test"]] == ["pacs"]
    assert {found.coverage[table].state for table in TABLES if table != "restore_test"} == {State.COMPLETE}
    assert len(found.rows["backup_copy"]) == 1


@pytest.mark.parametrize(
    ("name", "digest", "words"),
    [
        ("proofs/dpi.pdf", "0" * 64, "proofs/dpi.pdf is not the file that was attested: its SHA-256 differs"),
        ("proofs/none.pdf", "0" * 64, "proofs/none.pdf could not be read (No such file or directory)"),
        ("proofs", "0" * 64, "proofs is not a file of this folder"),
        ("../secret", "0" * 64, "write a path below this folder"),
        ("/etc/passwd", "0" * 64, "write a path below this folder"),
        ("C:/secret", "0" * 64, "write a path below this folder"),
        ("proofs/dpi.pdf", "123", "sha256: "),
        ("proofs/dpi.pdf", None, "proof_file and sha256 go together"),
    ],
)
def test_a_proof_that_does_not_match_is_refused(tmp_path: Path, name: str, digest: str | None, words: str) -> None:
    proof(tmp_path)
    (tmp_path / "secret").write_text("x")
    given = f'  proof_file: "{name}"\n' + (f'  sha256: "{digest}"\n' if digest else "")
    found = evidence(tmp_path, a=RESTORE + given)
    assert words in reason(found, "restore_test")
    assert found.rows["restore_test"] == []


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_a_link_out_of_the_folder_is_no_proof(tmp_path: Path) -> None:
    (tmp_path / "evidence").mkdir()
    (tmp_path / "evidence" / "dpi.pdf").symlink_to("/etc/hostname")
    (tmp_path / "evidence" / "loop.pdf").symlink_to("loop.pdf")
    for name in ("dpi.pdf", "loop.pdf"):
        found = evidence(tmp_path, a=RESTORE + f'  proof_file: {name}\n  sha256: "{"0" * 64}"\n')
        assert name in reason(found, "restore_test")


def test_a_statement_said_twice_is_counted_once(tmp_path: Path) -> None:
    found = evidence(tmp_path, a=RESTORE, b=RESTORE.replace("pass", "fail"))
    assert reason(found, "restore_test") == "1 statement was refused, first b.yaml:1: it is said twice"
    assert [row["result"] for row in found.rows["restore_test"]] == ["pass"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("unowned: 2", "unowned: 0"), "a.yaml:1: the file: give oldest_unowned when unowned is above 0, and only then"),
        (("  oldest_unowned: 2026-11-10\n", ""), "a.yaml:1: the file: give oldest_unowned when unowned is above 0, and only then"),
        (("2026-11-10", "2026-11-21"), "a.yaml:1: oldest_unowned is after the day of the statement"),
        (("unowned: 2\n", "unowned: -1\n"), "a.yaml:5: unowned: "),
    ],
)
def test_alerts_that_contradict_themselves_are_refused(tmp_path: Path, change: tuple[str, str], words: str) -> None:
    found = evidence(tmp_path, a=ALERTS.replace(*change))
    assert reason(found, "backup_alert").startswith(f"1 statement was refused, first {words}")
    assert found.rows["backup_alert"] == []


def test_alerts_may_have_no_reader_and_none_left(tmp_path: Path) -> None:
    content = ALERTS.replace("  owner: exploitation\n", "").replace("unowned: 2\n  oldest_unowned: 2026-11-10\n", "unowned: 0\n")
    (row,) = evidence(tmp_path, a=content).rows["backup_alert"]
    assert (row["owner"], row["unowned"], row["oldest_unowned_at"], row["none_unowned"]) == ("", 0, None, True)


def test_more_people_may_not_erase_than_sign_in(tmp_path: Path) -> None:
    found = evidence(tmp_path, a=CONSOLE.replace("may_erase: 2", "may_erase: 4"))
    assert "may_erase is more than operators" in reason(found, "backup_console")


@pytest.mark.parametrize(
    "content",
    [
        "- kind: wish\n",
        "- text\n",
        "- [kind, copy]\n",
        "kind: copy\n",
        "- {kind: copy, kind: console}\n",
        "- &a {kind: copy}\n- *a\n",
        "- !!python/object/apply:os.system ['true']\n",
        "[" * 5000,
        "- kind: [" + "{a: " * 1000,
        "\tkind: copy",
        b"\xff\xfe- kind: copy",
        b"- kind: copy\x00\n",
        "#" * 300_000,
    ],
)
def test_a_file_that_says_nothing_sure_makes_every_table_partial(tmp_path: Path, content: str | bytes) -> None:
    found = evidence(tmp_path, a=content, b=RESTORE)
    for table in TABLES:
        assert reason(found, table).startswith("1 statement was refused, first a.yaml")
        assert "\n" not in reason(found, table)
    assert len(found.rows["restore_test"]) == 1


def test_an_empty_or_missing_folder_is_absent(tmp_path: Path) -> None:
    found = evidence(tmp_path)
    assert {found.coverage[table].state for table in TABLES} == {State.ABSENT}
    missing = run(Attestations(type="attestations", path=tmp_path / "none"), tmp_path)
    assert {missing.coverage[table].state for table in TABLES} == {State.ABSENT}


VALUES = (
    "system=DPI", "date=2026-10-14", "scope=full", "from_copy=offline", "result=pass", "duration_min=95", "rto_target_min=240", "rpo_h=24",
    "tester=no: [équipe] #1 'é'",
)  # fmt: skip


def test_what_attest_writes_is_what_the_audit_reads(tmp_path: Path) -> None:
    digest = proof(tmp_path)
    path = tmp_path / "evidence" / "tests.yaml"
    path.write_text("# kept by hand\n" + EXERCISE.rstrip(), encoding="utf-8")
    attest.add(path, "restore_test", VALUES, tmp_path / "evidence" / "proofs" / "dpi.pdf", AS_OF)
    attest.add(path, "review", ("topic=access", "owner=true", "date=2026-10-01"), None, AS_OF)
    attest.add(path, "alerts", ("console=Robot", "alerted=false", "unowned=0", "date=2026-10-01"), None, AS_OF)
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# kept by hand\n" + EXERCISE)
    assert digest in text
    found = run(Attestations(type="attestations", path=path.parent), tmp_path)
    assert {found.coverage[table].state for table in TABLES} == {State.COMPLETE}
    ((row,), events) = found.rows["restore_test"], found.rows["attestation"]
    assert (row["tester"], row["proven"], row["duration_minutes"]) == ("no: [équipe] #1 'é'", True, 95)
    assert [(event["kind"], event["owner"]) for event in events] == [("exercise", "RSSI"), ("review", "true")]


@pytest.mark.parametrize(
    ("kind", "values", "words"),
    [
        ("wish", VALUES, "is not a kind of statement"),
        ("restore_test", VALUES[1:], "system: is missing"),
        ("restore_test", (*VALUES, "colour=blue"), "colour: is not a known key"),
        ("restore_test", (*VALUES, "system=PACS"), "system is given twice"),
        ("restore_test", (*VALUES, "sha256=" + "0" * 64), "give a proof with --proof"),
        ("restore_test", (*VALUES, "x"), "write key=value"),
        ("restore_test", (*VALUES, "comment=<day>"), "write the value itself"),
        ("review", ("topic=access", "owner=x", "date=2030-01-01"), "its day is after the audit"),
        ("exercise", ("topic=crisis", "owner=x", "date=2026-03-12"), "it is said already"),
    ],
)
def test_attest_writes_nothing_that_the_audit_would_refuse(tmp_path: Path, kind: str, values: tuple[str, ...], words: str) -> None:
    path = tmp_path / "evidence.yaml"
    path.write_text(EXERCISE, encoding="utf-8")
    with pytest.raises(ConfigError, match=words):
        attest.add(path, kind, values, None, AS_OF)
    assert path.read_text(encoding="utf-8") == EXERCISE
    assert [entry.name for entry in tmp_path.iterdir()] == ["evidence.yaml"]


@pytest.mark.parametrize("content", [b"kind: copy\n", b"- &a x\n- *a\n", b"\xff", b"#" * 300_000])
def test_attest_leaves_a_file_it_cannot_read_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "evidence.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError):
        attest.add(path, "review", ("topic=access", "owner=x", "date=2026-01-01"), None, AS_OF)
    assert path.read_bytes() == content


def test_a_proof_lies_beside_its_statement(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "report.pdf").write_text("x")
    for elsewhere in (tmp_path / "report.pdf", tmp_path / "a" / "none.pdf"):
        with pytest.raises(ConfigError, match=r"copy it there first|could not be read"):
            attest.add(tmp_path / "a" / "e.yaml", "review", ("topic=access", "owner=x", "date=2026-01-01"), elsewhere, AS_OF)
    assert list((tmp_path / "a").iterdir()) == []
