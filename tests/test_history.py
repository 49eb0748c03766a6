"""The memory between runs: what is new, back, fixed or unseen, what is kept, and what survives."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from auditor import comparison, history
from auditor.config import Audit
from auditor.errors import ConfigError, HistoryError
from auditor.facts import of
from auditor.model import (
    Assessment,
    Change,
    Counts,
    Exit,
    Finding,
    Run,
    Score,
    Severity,
    Text,
    Verdict,
    Waiver,
    WaiverState,
    WaiverUse,
)
from auditor.report import json_report
from tests.report import examples

ROOT = Path(__file__).parent.parent
START = datetime(2026, 1, 5, 6)
MANY = "".join(map(chr, range(0x4E00, 0x4E00 + 2000)))
RULES = tuple(examples.rule(name, Severity.HIGH, 1) for name in ("AD-ACC-001", "AD-ACC-002"))


def settings_in(folder: Path) -> Audit:
    source = {"type": "ldif", "name": "annuaire", "paths": ["annuaire.ldif"]}
    memory = {"retention_days": 36_500}
    return Audit.model_validate({"establishment": {"name": "Hôpital de Test"}, "output": folder, "sources": [source], "memory": memory})


@pytest.fixture
def settings(tmp_path: Path) -> Audit:
    return settings_in(tmp_path)


def week(number: int, found: Mapping[str, str | None], *, at_least: bool = False, rules: str = "b") -> Run:
    """The run of a week: letters are accounts that AD-ACC-001 finds, None says that it could not be run. AD-ACC-002 passes."""
    letters = found.get("AD-ACC-001", "")
    if letters is None:
        judged = Assessment("AD-ACC-001", Verdict.NOTCHECKED)
    else:
        findings = tuple(Finding("AD-ACC-001", f"S-{letter}", {"name": letter}) for letter in letters)
        verdict = Verdict.FAIL if letters else Verdict.PASS
        judged = Assessment("AD-ACC-001", verdict, Counts(5, len(letters)), findings=findings, at_least=at_least)
    assessments = (judged, Assessment("AD-ACC-002", Verdict.PASS, Counts(3)))
    as_of = START + timedelta(weeks=number)
    return Run("Hôpital de Test", as_of, "0.1.0", f"{number:064}", rules * 64, RULES, assessments, ())


def weeks(folder: Path, settings: Audit, *found: str | None) -> Run:
    """Record the runs of consecutive weeks; the last one, compared with the week before it."""
    compared = week(0, {})
    for number, letters in enumerate(found):
        with history.opened(folder) as memory:
            compared = memory.compared(week(number, {"AD-ACC-001": letters}), "last")
            memory.record(compared, settings)
    return compared


def changes(run: Run) -> dict[str, Change]:
    return {finding.resource[2:]: finding.change for judged in run.assessments for finding in judged.findings}


def gone(run: Run) -> tuple[str, str]:
    assert run.comparison is not None
    return "".join(one.name for one in run.comparison.fixed), "".join(one.name for one in run.comparison.unseen)


def test_first_run_has_nothing_to_compare_with(tmp_path: Path, settings: Audit) -> None:
    run = weeks(tmp_path, settings, "ab")
    assert run.comparison is None
    assert changes(run) == {"a": Change.OPEN, "b": Change.OPEN}
    assert [point.run_id for point in run.trend] == [run.id]


def test_new_open_fixed_and_returned(tmp_path: Path, settings: Audit) -> None:
    run = weeks(tmp_path, settings, "abc", "ab", "bcd")
    assert changes(run) == {"b": Change.OPEN, "c": Change.RETURNED, "d": Change.NEW}
    assert gone(run) == ("a", "")
    first_seen = {finding.resource: finding.first_seen for finding in run.assessments[0].findings}
    assert first_seen == {"S-b": START, "S-c": START, "S-d": START + timedelta(weeks=2)}


def test_finding_of_a_rule_that_was_not_run_is_unseen_and_neither_fixed_nor_back(tmp_path: Path, settings: Audit) -> None:
    """Not in the week without data, nor in the weeks after it."""
    assert gone(weeks(tmp_path / "1", settings, "ab", None)) == ("", "ab")
    run = weeks(tmp_path / "2", settings, "ab", None, "b")
    assert gone(run) == ("a", "")
    assert changes(run) == {"b": Change.OPEN}
    assert gone(weeks(tmp_path / "3", settings, "ab", None, None)) == ("", "ab")


def test_incomplete_count_fixes_nothing(tmp_path: Path, settings: Audit) -> None:
    weeks(tmp_path, settings, "ab")
    with history.opened(tmp_path) as memory:
        run = memory.compared(week(1, {"AD-ACC-001": "a"}, at_least=True), "last")
    assert gone(run) == ("", "b")


def test_rule_that_is_gone_leaves_its_findings_unseen_once(tmp_path: Path, settings: Audit) -> None:
    weeks(tmp_path, settings, "ab")
    without = [replace(one, assessments=one.assessments[1:], rules=one.rules[1:]) for one in (week(1, {}), week(2, {}))]
    with history.opened(tmp_path) as memory:
        first = memory.compared(without[0], "last")
        memory.record(first, settings)
        second = memory.compared(without[1], "last")
    assert gone(first) == ("", "ab")
    assert gone(second) == ("", "")


def test_waived_finding_is_still_there(tmp_path: Path, settings: Audit) -> None:
    weeks(tmp_path, settings, "a")
    run = week(1, {"AD-ACC-001": "a"})
    waived = replace(run.assessments[0], findings=(replace(run.assessments[0].findings[0], waived_by="W-1"),))
    with history.opened(tmp_path) as memory:
        run = memory.compared(replace(run, assessments=(waived, run.assessments[1])), "last")
    assert gone(run) == ("", "")
    assert changes(run) == {"a": Change.OPEN}


def test_unconfirmed_finding_is_not_remembered(tmp_path: Path, settings: Audit) -> None:
    run = week(0, {"AD-ACC-001": "a"})
    unsure = replace(run.assessments[0], findings=(replace(run.assessments[0].findings[0], confirmed=False),))
    with history.opened(tmp_path) as memory:
        memory.record(replace(run, assessments=(unsure, run.assessments[1])), settings)
        assert changes(memory.compared(week(1, {"AD-ACC-001": "a"}), "last")) == {"a": Change.NEW}


def test_run_made_again_compares_with_the_same_week_and_is_remembered_once(tmp_path: Path, settings: Audit) -> None:
    weeks(tmp_path, settings, "a", "b", "c")
    with history.opened(tmp_path) as memory:
        again = memory.compared(week(1, {"AD-ACC-001": "b"}), "last")
        memory.record(again, settings)
        assert gone(again) == ("a", "")
        assert [point.as_of for point in again.trend] == [START, START + timedelta(weeks=1)]
        other = replace(week(1, {"AD-ACC-001": "bx"}), fail_on="low")
        memory.record(memory.compared(other, "last"), settings)
        trend = memory.compared(week(3, {"AD-ACC-001": ""}), "last").trend
    assert [point.found[Severity.HIGH] for point in trend] == [1, 2, 1, 0]


def test_trend_tells_grade_coverage_and_what_changed_most(tmp_path: Path, settings: Audit) -> None:
    graded = replace(week(0, {"AD-ACC-001": "a"}), score=Score("2026.1", "C", "C", 0.6))
    with history.opened(tmp_path) as memory:
        memory.record(graded, settings)
        memory.record(week(1, {"AD-ACC-001": None}), settings)
        memory.record(week(2, {"AD-ACC-001": "abc"}), settings)
        trend = memory.compared(week(3, {"AD-ACC-001": "a"}), "last").trend
    assert [(point.model, point.grade) for point in trend] == [("2026.1", "C"), ("", ""), ("", ""), ("", "")]
    assert [(point.event_rule, point.event_change) for point in trend] == [("", 0), ("", 0), ("", 0), ("AD-ACC-001", -2)]
    assert trend[0].ratios == tuple(protection.ratio for protection in of(graded).protections)


def test_partial_run_says_nothing_of_other_rules(tmp_path: Path, settings: Audit) -> None:
    weeks(tmp_path, settings, "ab")
    only = week(1, {"AD-ACC-001": "b"})
    with history.opened(tmp_path) as memory:
        other = memory.compared(replace(only, assessments=only.assessments[1:], rules=only.rules[1:]), "last", partial=True)
        same = memory.compared(replace(only, assessments=only.assessments[:1], rules=only.rules[:1]), "last", partial=True)
    assert (gone(other), gone(same)) == (("", ""), ("a", ""))
    assert other.trend == ()
    assert other.comparison is not None
    assert not other.comparison.rules_changed


def test_changed_rules_are_said(tmp_path: Path, settings: Audit) -> None:
    weeks(tmp_path, settings, "a")
    with history.opened(tmp_path) as memory:
        run = memory.compared(week(1, {"AD-ACC-001": "a"}, rules="c"), "last")
    assert run.comparison is not None
    assert run.comparison.rules_changed


def written(path: Path, run: Run) -> str:
    path.write_text(json_report.render(replace(run, exit=Exit(1, Text("Found.", "Trouvé.")))), encoding="utf-8")
    return str(path)


def test_report_file_is_a_baseline(tmp_path: Path, settings: Audit) -> None:
    weeks(tmp_path, settings, "abc", "ab")
    report = written(tmp_path / "old.json", week(0, {"AD-ACC-001": "abc"}))
    with history.opened(tmp_path) as memory:
        run = memory.compared(week(2, {"AD-ACC-001": "cd"}), report)
    assert changes(run) == {"c": Change.OPEN, "d": Change.NEW}
    assert gone(run) == ("ab", "")
    assert run.comparison is not None
    assert run.comparison.as_of == START


def test_report_file_with_every_verdict_reads_as_the_run_itself(tmp_path: Path) -> None:
    run = examples.run()
    assert comparison.read(Path(written(tmp_path / "a.json", run))).known.keys() == comparison.of(run).known.keys()


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"schema_version": "2.0"}', "[" * 100_000, '{"schema_version": "1.0", "run": 1}', "\0"]
)
def test_what_is_no_report_is_one_sentence(tmp_path: Path, content: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"is not a report\.json") as caught, history.opened(tmp_path) as memory:
        memory.compared(week(0, {}), str(path))
    assert "n’est pas un report.json" in caught.value.text.fr
    with pytest.raises(ConfigError, match=r"name a report\.json"):
        comparison.read(tmp_path / "missing.json")


def test_report_with_pseudonyms_is_no_baseline(tmp_path: Path) -> None:
    """Its fingerprints are keyed: nobody could tell what is new."""
    real = week(0, {"AD-ACC-001": "ab"})
    hidden = [
        replace(one, resource="pseudonym", evidence={"name": "?"}, kept_fingerprint=one.fingerprint) for one in real.assessments[0].findings
    ]
    shown = replace(real, assessments=(replace(real.assessments[0], findings=tuple(hidden)), real.assessments[1]), pseudonyms=True)
    report = written(tmp_path / "old.json", shown)
    with history.opened(tmp_path) as memory, pytest.raises(ConfigError, match="holds pseudonyms"):
        memory.compared(week(1, {"AD-ACC-001": "bc"}), report)


def test_waivers_of_the_run_before(tmp_path: Path, settings: Audit) -> None:
    day = START.date()
    use = WaiverUse(Waiver("W-1", "AD-ACC-001", Text("x", "x"), "RSSI", day, day, 1), WaiverState.ACTIVE, 1)
    with history.opened(tmp_path) as memory:
        memory.record(replace(week(0, {}), waivers=(use,)), settings)
        assert memory.waivers_before(START) == frozenset()
        assert memory.waivers_before(START + timedelta(days=1)) == {"W-1"}


def test_old_runs_are_erased_with_their_names_but_never_the_last(tmp_path: Path, settings: Audit) -> None:
    short = settings.model_copy(update={"memory": settings.memory.model_copy(update={"retention_days": 30})})
    weeks(tmp_path, short, "vanished", "ab")
    with history.opened(tmp_path) as memory:
        memory.record(week(10, {"AD-ACC-001": "b"}), short)
        assert len(memory.compared(week(11, {}), "last").trend) == 4
        memory.record(week(11, {"AD-ACC-001": "b"}), short)
        assert [point.as_of for point in memory.compared(week(12, {}), "last").trend] == [
            START + timedelta(weeks=number) for number in (10, 11, 12)
        ]
    with sqlite3.connect(tmp_path / history.NAME) as database:
        assert database.execute("select name from finding").fetchall() == [("b",)]
    database.close()


def test_run_with_a_wrong_clock_erases_nothing(tmp_path: Path, settings: Audit) -> None:
    weeks(tmp_path, settings, "a", "b")
    with history.opened(tmp_path) as memory:
        memory.record(week(20_000, {}), settings)
        memory.record(week(2, {}), settings)
        assert len(memory.compared(week(3, {}), "last").trend) == 4


def test_two_programs_record_one_after_the_other(tmp_path: Path, settings: Audit) -> None:
    with history.opened(tmp_path) as first, history.opened(tmp_path) as second:
        for number in range(10):
            (first, second)[number % 2].record(week(number, {"AD-ACC-001": "ab"}), settings)
        assert len(first.compared(week(10, {}), "last").trend) == len(second.compared(week(10, {}), "last").trend) == 11


def test_hostile_names_are_kept_as_data(tmp_path: Path, settings: Audit) -> None:
    run = replace(examples.run(), as_of=START)
    with history.opened(tmp_path) as memory:
        memory.record(run, settings)
        later = memory.compared(replace(examples.clean_run(), as_of=START + timedelta(weeks=1)), "last")
    assert later.comparison is not None
    assert {examples.SCRIPT, examples.REVERSED} <= {one.name for one in later.comparison.fixed}


# --------------------------------------------------------------------------------------------------------------------- the file itself


def test_file_is_private(tmp_path: Path, settings: Audit) -> None:
    weeks(tmp_path, settings, "a")
    with history.opened(tmp_path) as memory:
        memory.record(week(1, {}), settings)
        names = sorted(path.name for path in tmp_path.iterdir())
        assert names[0] == history.NAME
        if os.name != "nt":
            assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def test_damaged_file_is_one_sentence_and_stays(tmp_path: Path, settings: Audit) -> None:
    weeks(tmp_path, settings, MANY, MANY, MANY)
    path = tmp_path / history.NAME
    whole = path.read_bytes()
    for damaged in (b"not a database" * 100, whole[: len(whole) // 2], whole[:4096] + b"\xff" * (len(whole) - 4096)):
        path.write_bytes(damaged)
        with pytest.raises(HistoryError, match="is damaged; restore it") as caught, history.opened(tmp_path) as memory:
            memory.compared(week(5, {}), "last")
        assert "endommagé" in caught.value.text.fr
        assert path.read_bytes() == damaged


def test_newer_or_foreign_file_is_one_sentence(tmp_path: Path, settings: Audit) -> None:
    weeks(tmp_path, settings, "a")
    with sqlite3.connect(tmp_path / history.NAME) as database:
        database.execute("pragma user_version = 99")
    database.close()
    with pytest.raises(HistoryError, match="another version"), history.opened(tmp_path):
        pass
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    with sqlite3.connect(foreign / history.NAME) as database:
        database.execute("create table other (x)")
    database.close()
    with pytest.raises(HistoryError, match="another version"), history.opened(foreign):
        pass


def test_run_that_cannot_be_recorded_leaves_the_earlier_ones(tmp_path: Path, settings: Audit) -> None:
    weeks(tmp_path, settings, "a")
    with sqlite3.connect(tmp_path / history.NAME) as database:
        (pages,) = database.execute("pragma page_count").fetchone()
    database.close()
    with pytest.raises(HistoryError, match="free some space"), history.opened(tmp_path) as memory:
        memory._database.execute(f"pragma max_page_count = {pages}")  # a full disk, for this file alone
        memory.record(week(1, {"AD-ACC-001": MANY}), settings)
    with history.opened(tmp_path) as memory:
        assert len(memory.compared(week(2, {}), "last").trend) == 2


def test_runs_are_found_by_id_day_and_place(tmp_path: Path, settings: Audit) -> None:
    weeks(tmp_path, settings, "a", "b", "c")
    with history.opened(tmp_path) as memory:
        days = [memory.find(name).as_of.day for name in ("last", "previous", "2026-01-05", week(1, {}).id)]
        assert days == [19, 12, 5, 12]
        for name in ("2026-01-06", "%", "", "nothing"):
            with pytest.raises(ConfigError, match="no such run") as caught:
                memory.find(name)
            assert "aucun audit" in caught.value.text.fr


_WRITER = """
import sys
from datetime import timedelta
from pathlib import Path
from auditor import history
from tests.test_history import START, settings_in, week
folder = Path(sys.argv[1])
settings = settings_in(folder)
print("ready", flush=True)
with history.opened(folder) as memory:
    start = int(memory._database.execute("select count(*) from run").fetchone()[0])
    for number in range(start, start + 10_000):
        memory.record(week(number, {"AD-ACC-001": "abcdefghijklmnopqrstuvwxyz"[number % 20:] }), settings)
        print(number, flush=True)
"""


@contextmanager
def writing(folder: Path) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen([sys.executable, "-c", _WRITER, str(folder)], stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is a Unix signal")
def test_killed_100_times_while_recording_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    dice, acknowledged = Random(20261120), 0
    for _ in range(100):
        with writing(tmp_path) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            time.sleep(dice.uniform(0, 0.12))
            process.send_signal(signal.SIGKILL)
            told = [int(line) for line in process.stdout if line.endswith("\n")]
        acknowledged += len(told)
        with history.opened(tmp_path) as memory:
            assert memory._database.execute("pragma integrity_check").fetchone() == ("ok",)
            trend = memory.compared(replace(week(0, {}), as_of=datetime(2999, 1, 1)), "").trend
            recorded = {point.as_of for point in trend}
        assert {START + timedelta(weeks=number) for number in told} <= recorded
    assert acknowledged > 100
