"""Accepted findings: the file is read strictly, a waiver holds for what it says and no longer, and nothing is hidden."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from auditor import facts, rules, waivers
from auditor.config import Audit, RuleSettings
from auditor.errors import ConfigError
from auditor.model import Change, Run, Text, Verdict, Waiver, WaiverState
from auditor.report import exit_code
from tests.report import examples

HOSPITAL = Path(__file__).parent.parent / "sample_data" / "hospital"
SHIPPED = rules.load([rules.shipped()])
TODAY = examples.AS_OF.date()
LIMITS = RuleSettings()

FILE = """\
# Revue chaque trimestre / reviewed every quarter
waivers:
  - id: W-07
    rule: AD-STL-002
    match: {resource: [S-1-5-21-1-2-3-1142]}   # l’automate
    reason: {fr: Micrologiciel fermé, en: Closed firmware}
    approved_by: S. Girard, RSSI
    ticket: CHG-1182
    created: 2026-11-03
    expires: 2027-01-31
    max_objects: 1
"""


def waiver(rule: str = "SPC-023", **changes: object) -> Waiver:
    base = Waiver(
        "W-1", rule, Text("Why", "Pourquoi"), "S. Girard", TODAY - timedelta(days=60), TODAY + timedelta(days=60), 50,
        columns={"company": ("MédiLiaison",)},
    )  # fmt: skip
    return replace(base, **changes)  # type: ignore[arg-type]


def applied(*some: Waiver, run: Run | None = None, before: frozenset[str] = frozenset()) -> Run:
    return waivers.apply(run or examples.run(), some, before, LIMITS)


def written(folder: Path, text: str = FILE) -> Path:
    path = folder / "waivers.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def with_query(run: Run, rule: str, query: str) -> Run:
    return replace(run, rules=tuple(replace(one, query=query) if one.id == rule else one for one in run.rules))


def test_a_file_is_read_as_written_and_none_is_no_waiver(tmp_path: Path) -> None:
    assert waivers.load(tmp_path / "none.yaml") == ()
    (only,) = waivers.load(written(tmp_path), SHIPPED)
    assert only == Waiver(
        "W-07", "AD-STL-002", Text("Closed firmware", "Micrologiciel fermé"), "S. Girard, RSSI", date(2026, 11, 3), date(2027, 1, 31), 1,
        ("S-1-5-21-1-2-3-1142",), ticket="CHG-1182",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("AD-STL-002", "AD-STL-999", "waivers.yaml:4: waivers.0.rule: AD-STL-999 is not a rule"),
        ("AD-STL-002", "TOX-001", "waivers.yaml:4: waivers.0.rule: TOX-001 is not a rule that finds anything"),
        ("{resource: [S-1-5-21-1-2-3-1142]}", "{colour: [red]}", "waivers.yaml:5: waivers.0.match: AD-STL-002 has no column colour"),
        ("match: {resource: [S-1-5-21-1-2-3-1142]}", "match: {}", "waivers.yaml:3: waivers.0: give match or where"),
        ("match: {resource: [S-1-5-21-1-2-3-1142]}", "match: {resource: []}", "waivers.yaml:5: "),
        ("expires: 2027-01-31", "expires: 2027-11-05", "waivers.yaml:3: waivers.0: expires lies at most 366 days"),
        ("expires: 2027-01-31", "expires: 2026-11-02", "waivers.yaml:3: waivers.0: expires lies at most 366 days"),
        ("expires: 2027-01-31", "expires: 2027-02-30", "waivers.yaml:10: waivers.0.expires: there is no such day"),
        ("expires: 2027-01-31", "until: 2027-01-31", "waivers.yaml:10: waivers.0.until: is not a known key"),
        ("max_objects: 1", "max_objects: 0", "waivers.yaml:11: waivers.0.max_objects: must be at least 1"),
        ("    max_objects: 1\n", "", "waivers.yaml:3: waivers.0.max_objects: is missing"),
        ("fr: Micrologiciel fermé, ", "", "waivers.yaml:6: waivers.0.reason.fr: is missing"),
        ("approved_by: S. Girard, RSSI", "approved_by: ' '", "waivers.yaml:7: waivers.0.approved_by"),
        ("id: W-07", "id: W 07", "waivers.yaml:3: waivers.0.id"),
    ],
)
def test_a_mistake_is_one_sentence_with_its_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in FILE
    with pytest.raises(ConfigError) as caught:
        waivers.load(written(tmp_path, FILE.replace(old, new)), SHIPPED)
    assert str(caught.value).startswith(said)
    assert "\n" not in caught.value.text.fr


def test_a_year_that_leaps_is_allowed_and_one_day_more_is_not(tmp_path: Path) -> None:
    assert waivers.load(written(tmp_path, FILE.replace("2027-01-31", "2027-11-04")))
    with pytest.raises(ConfigError):
        waivers.load(written(tmp_path, FILE.replace("2027-01-31", "2027-11-05")))


def test_an_id_given_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"waivers\.yaml:12: waivers\.1\.id: W-07 is the id of another"):
        waivers.load(written(tmp_path, FILE + FILE.split("waivers:\n")[1]), SHIPPED)


def test_a_run_of_some_rules_does_not_call_the_others_unknown(tmp_path: Path) -> None:
    assert len(waivers.load(written(tmp_path), SHIPPED[:1], partial=True)) == 1
    assert applied(waiver("NO-001")).waivers == ()


WHERE = "match: {resource: [S-1-5-21-1-2-3-1142]}   # l’automate"


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("true) or (true", ""),
        ("kind = 'device' and $as_of > last_sign_in_at", ""),
        ("kind = 'device') UNION SELECT 1 WHERE (true", "exactly one expression"),
        ("true) FROM account WHERE (true", "exactly one expression"),
        ("true) AS a, (true", "exactly one expression"),
        ("true) AS a -- (", "exactly one|not SQL"),
        ("true) ORDER BY (1", "exactly one expression"),
        ("exists (select 1 from account)", "subqueries"),
        ("resource in (select sid from account)", "subqueries"),
        ("row_number() over () = 1", "windows"),
        ("read_text('/etc/passwd') is not null", "function read_text"),
        ("getenv('HOME') = ''", "function getenv"),
        ("name = current_user", "no column current_user"),
        ("colour = 'red'", "no column colour"),
        ("account.kind = 'device'", "no column account"),
        ("ok", "no column ok"),
        ("count(*) > 1", "aggregates"),
        ("last_sign_in_at + name", "failed"),
        ("$secret = 1", r"\$secret"),
        ("kind = 'a'; drop table account", "semicolon"),
        ("kind = ", "not SQL"),
        ("(" * 3000, "nested too deeply|not SQL"),
    ],
)
def test_a_condition_is_one_expression_over_the_columns_of_the_rule(tmp_path: Path, condition: str, said: str) -> None:
    path = written(tmp_path, FILE.replace(WHERE, f"where: {json.dumps(condition)}"))
    if not said:
        assert waivers.load(path, SHIPPED)[0].where == condition
        return
    with pytest.raises(ConfigError, match=said) as caught:
        waivers.load(path, SHIPPED)
    assert str(caught.value).startswith("waivers.yaml:5: waivers.0.where: ")
    assert "\n" not in str(caught.value)


def test_a_rule_of_a_pack_takes_no_condition(tmp_path: Path) -> None:
    foreign = [replace(rule, pack="theirs") for rule in SHIPPED]
    with pytest.raises(ConfigError, match="takes match, not where"):
        waivers.load(written(tmp_path, FILE.replace(WHERE, "where: kind = 'device'")), foreign)


def test_a_waiver_marks_its_findings_and_they_stay() -> None:
    run = applied(waiver())
    before, after = facts.of(examples.run()), facts.of(run)
    assert after.waived == 19
    assert run.assessments[6].verdict is Verdict.FAIL
    assert run.assessments[6].counts == examples.run().assessments[6].counts
    assert {found.waived_by for found in run.assessments[6].findings} == {"W-1"}
    assert sum(len(one.findings) for one in run.assessments) == sum(len(one.findings) for one in examples.run().assessments)
    assert [(use.state, use.matched, use.change) for use in run.waivers] == [(WaiverState.ACTIVE, 19, Change.NEW)]
    assert sum(before.found(s) - after.found(s) for s in before.failing[0].rule.severity.__class__) == 19


def test_values_of_columns_must_all_fit() -> None:
    some = {"company": ("MédiLiaison",), "name": ("tm.tech03", "tm.tech07", "other")}
    assert applied(waiver(columns=some)).waivers[0].matched == 2
    assert applied(waiver(columns={"company": ("Other",)})).waivers[0].state is WaiverState.UNUSED
    assert applied(waiver(columns={"ends_at": ("2025-11-14T00:00:00",)})).waivers[0].matched == 19
    assert applied(waiver(columns={}, resources=("S-1-5-21-1-2-3-1104", "S-1-5-21-9"))).waivers[0].matched == 1
    stale = waiver("AD-STL-002", columns={"never_signed_in": ("true",)}, max_objects=250)
    assert applied(stale).waivers[0].matched == 250
    # What is not known equals nothing, not even the word for it.
    assert applied(replace(stale, columns={"last_sign_in_at": ("None", "")})).waivers[0].matched == 0


def test_a_condition_is_judged_on_the_findings() -> None:
    query = (
        "select sam_account_name as resource, false as ok, display_name as name, department as company, last_sign_in_at as ends_at "
        "from account"
    )
    run = with_query(examples.run(), "SPC-023", query)
    held = applied(waiver(columns={}, where="name < 'tm.tech05' and ends_at < $as_of"), run=run)
    assert held.waivers[0].matched == 5
    assert applied(waiver(columns={}, where="company = 'MédiLiaison' and ends_at > $as_of"), run=run).waivers[0].matched == 0
    # Not known is not true.
    assert applied(waiver(columns={}, where="not (nullif(company, 'MédiLiaison') = 'x')"), run=run).waivers[0].matched == 0


def test_a_condition_that_fails_on_the_data_holds_for_nothing_and_says_so() -> None:
    query = "select sam_account_name as resource, false as ok, display_name as name from account"
    run = applied(waiver(columns={}, where="cast(name as bigint) > 1"), waiver(id="W-2"), run=with_query(examples.run(), "SPC-023", query))
    assert [use.waiver.id for use in run.waivers] == ["W-2"]
    assert "W-1 (SPC-023) holds for nothing" in run.notices[-1].text.en


def test_the_last_day_counts_and_the_next_does_not() -> None:
    for days, state, waived in ((31, WaiverState.ACTIVE, 19), (30, WaiverState.EXPIRING, 19), (0, WaiverState.EXPIRING, 19)):
        run = applied(waiver(expires=TODAY + timedelta(days=days)))
        assert (run.waivers[0].state, facts.of(run).waived) == (state, waived)
    late = replace(examples.run(), as_of=datetime(TODAY.year, TODAY.month, TODAY.day, 23, 59, 59))
    assert facts.of(applied(waiver(expires=TODAY), run=late)).waived == 19
    run = applied(waiver(expires=TODAY - timedelta(days=1)))
    assert (run.waivers[0].state, run.waivers[0].matched, facts.of(run).waived) == (WaiverState.EXPIRED, 19, 0)


def test_one_object_too_many_and_it_holds_for_none() -> None:
    assert facts.of(applied(waiver(max_objects=19))).waived == 19
    run = applied(waiver(max_objects=18))
    assert (run.waivers[0].state, run.waivers[0].matched, facts.of(run).waived) == (WaiverState.EXCEEDED, 19, 0)


def test_one_that_begins_later_does_not_hold_yet() -> None:
    run = applied(waiver(created=TODAY + timedelta(days=1)))
    assert run.waivers == ()
    assert facts.of(run).waived == 0
    assert "after the day of the audit" in run.notices[-1].text.en


def test_unconfirmed_rows_and_controls_that_did_not_run_are_not_touched() -> None:
    """SPC-013 was not assessed, AD-PRV-015 ended in an error: nothing of theirs is waived, and nobody is told to remove the waiver."""
    run = applied(waiver("SPC-013", columns={"name": ("a.martin",)}), waiver("AD-PRV-015", id="W-2", columns={"name": ("x",)}))
    assert run.assessments == examples.run().assessments
    assert [(use.state, use.matched) for use in run.waivers] == [(WaiverState.ACTIVE, 0)] * 2


def test_unused_is_only_said_of_what_was_read_in_full() -> None:
    nobody = {"name": ("nobody",)}
    run = applied(waiver(columns=nobody), waiver("AD-ACC-023", id="W-2", columns=nobody), waiver("AD-KRB-004", id="W-3", columns=nobody))
    assert [use.state for use in run.waivers] == [WaiverState.UNUSED, WaiverState.ACTIVE, WaiverState.UNUSED]


def test_the_first_waiver_that_holds_is_named_and_known_ones_are_not_new() -> None:
    ended = waiver(expires=TODAY - timedelta(days=1))
    run = applied(ended, waiver(id="W-2"), waiver(id="W-3"), before=frozenset({"W-2"}))
    assert {found.waived_by for found in run.assessments[6].findings} == {"W-2"}
    assert [use.change for use in run.waivers] == [Change.NEW, Change.OPEN, Change.NEW]


def test_waived_findings_do_not_decide_but_a_control_that_did_not_run_still_does() -> None:
    run = examples.run()
    assert exit_code.decide(run).code == 1
    both = (waiver(), waiver("AD-KRB-001", id="W-2", columns={}, resources=tuple(found.resource for found in run.assessments[1].findings)))
    assert exit_code.decide(applied(both[0])).code == 1
    assert exit_code.decide(applied(*both)).code == 3


def settings(tmp_path: Path) -> Audit:
    return Audit.model_validate(
        {
            "establishment": {"name": "A"},
            "sources": [{"type": "ldif", "name": "a", "paths": ["a.ldif"]}],
            "output": tmp_path / "out",
            "waivers": tmp_path / "waivers.yaml",
        }
    )


ASKED: dict[str, object] = {
    "rule": "AD-STL-002", "match": {"resource": ["S-1-5-21-1-2-3-9"]}, "reason": {"fr": "Stérilisateur n° 2 : isolé", "en": "Isolated"},
    "approved_by": "S. Girard", "expires": "2027-06-30",
}  # fmt: skip


def test_an_accepted_finding_is_appended_and_the_rest_kept_byte_for_byte(tmp_path: Path) -> None:
    path = written(tmp_path, FILE + "    # fin\n")
    added, told = waivers.accept(settings(tmp_path), ASKED, SHIPPED, examples.AS_OF)
    assert path.read_text(encoding="utf-8") == FILE + "    # fin\n\n" + added
    assert [one.id for one in waivers.load(path, SHIPPED)] == ["W-07", "W-08"]
    assert waivers.load(path)[1].reason.fr == "Stérilisateur n° 2 : isolé"
    assert waivers.load(path)[1].created == TODAY
    assert "does not tell" in told.en


@pytest.mark.parametrize(
    "start", ["", "# rien\n", "# rien\nwaivers:\n", "waivers: []\n", "waivers: []  # vide\n", FILE.replace("\n", "\r\n"), "\ufeff" + FILE]
)
def test_every_usual_beginning_of_the_file_is_kept(tmp_path: Path, start: str) -> None:
    path = tmp_path / "waivers.yaml"
    path.write_bytes(start.encode())
    before = len(waivers.load(path))
    if not start:
        path.unlink()
    waivers.accept(settings(tmp_path), ASKED, SHIPPED, examples.AS_OF)
    waivers.accept(settings(tmp_path), ASKED, SHIPPED, examples.AS_OF)
    assert len(waivers.load(path, SHIPPED)) == before + 2
    for comment in ("# rien", "# vide", "l’automate"):
        assert (comment in start) == (comment in path.read_text(encoding="utf-8"))
    assert ("\r\n" in start) == (b"\r\n" in path.read_bytes())


def test_entries_that_are_not_indented_are_followed(tmp_path: Path) -> None:
    flat = FILE.replace("\n  ", "\n")
    path = written(tmp_path, flat)
    waivers.accept(settings(tmp_path), ASKED, SHIPPED, examples.AS_OF)
    assert path.read_text(encoding="utf-8").startswith(flat)
    assert len(waivers.load(path)) == 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"rule": "NO-001"}, "NO-001 is not a rule"),
        ({"expires": "2028-06-30"}, "at most 366 days"),
        ({"expires": "tomorrow"}, "not a day"),
        ({"approved_by": ""}, "approved_by"),
        ({"match": {}, "where": "colour = 1"}, "no column colour"),
        ({"match": {}, "where": "kind = 'device'"}, "give --max-objects"),
        ({"where": "kind = 'device'"}, "give match or where"),
    ],
)
def test_what_is_refused_leaves_the_file_alone(tmp_path: Path, change: dict[str, object], said: str) -> None:
    path = written(tmp_path)
    with pytest.raises(ConfigError, match=said):
        waivers.accept(settings(tmp_path), {**ASKED, **change}, SHIPPED, examples.AS_OF)
    assert path.read_text(encoding="utf-8") == FILE


def test_a_layout_that_cannot_be_extended_is_said(tmp_path: Path) -> None:
    flow = FILE.split("waivers:")[0] + (
        "waivers: [{id: W-1, rule: AD-STL-002, match: {resource: [a]}, reason: {fr: a, en: a}, approved_by: b, created: 2026-11-01, "
        "expires: 2026-12-01, max_objects: 1}]\n"
    )
    path = written(tmp_path, flow)
    with pytest.raises(ConfigError):
        waivers.accept(settings(tmp_path), ASKED, SHIPPED, examples.AS_OF)
    assert path.read_text(encoding="utf-8") == flow


def last_report(folder: Path, kinds: tuple[str, ...], **top: object) -> None:
    found = [
        {"resource": f"S-{n}", "state": "open", "evidence": {"name": f"a{n}", "kind": kind, "last_sign_in_at": "2025-01-01T00:00:00Z"}}
        for n, kind in enumerate(kinds)
    ]
    (folder / "out").mkdir()
    judged = [{"rule": "AD-STL-002", "verdict": "fail", "findings": found}]
    (folder / "out" / "report.json").write_text(json.dumps({"assessments": judged, **top}), encoding="utf-8")


def test_the_last_report_says_how_many_it_covers(tmp_path: Path) -> None:
    last_report(tmp_path, ("device", "device", "person"))
    asked = {**ASKED, "match": {}, "where": "kind = 'device' and last_sign_in_at < $as_of"}
    _, told = waivers.accept(settings(tmp_path), asked, SHIPPED, examples.AS_OF)
    assert told == Text("W-01 matches 2 findings of the last report.", "W-01\u00a0: 2 constats du dernier rapport y correspondent.")
    assert waivers.load(tmp_path / "waivers.yaml")[0].max_objects == 2
    _, told = waivers.accept(settings(tmp_path), {**asked, "max_objects": 1}, SHIPPED, examples.AS_OF)
    assert "more than the 1 it allows" in told.en


def test_a_report_with_pseudonyms_is_not_counted(tmp_path: Path) -> None:
    last_report(tmp_path, ("device",), pseudonyms=True)
    assert "does not tell" in waivers.accept(settings(tmp_path), ASKED, SHIPPED, examples.AS_OF)[1].en


def test_the_command_end_to_end(tmp_path: Path) -> None:
    """Findings of the sample accepted on the command line no longer decide, and the control still fails in the report."""
    config = tmp_path / "audit.yaml"
    config.write_text(
        "establishment: {name: A}\nas_of: 2026-11-20T06:00:00Z\nlanguage: en\nsources:\n"
        f"  - {{type: ldif, name: chu-valdore, paths: [{json.dumps(str(HOSPITAL / 'directory' / 'chu-valdore.ldif'))}]}}\n",
        encoding="utf-8",
    )

    def audit(*words: str) -> subprocess.CompletedProcess[str]:
        code = "from auditor.cli import main; main()"
        env = {**os.environ, "LC_ALL": "C.UTF-8", "CI": ""}
        return subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, encoding="utf-8", env=env, cwd=tmp_path)

    first = audit("run", "--only", "AD-STL-002", "--format", "json", "--fail-on", "medium", "-q")
    assert first.returncode == 1, first.stderr
    (judged,) = json.loads((tmp_path / "audit-output" / "only" / "report.json").read_text(encoding="utf-8"))["assessments"]
    number = len(judged["findings"])
    words = (
        "--where",
        "kind <> '' and last_sign_in_at is null or last_sign_in_at < $as_of",
        "--approved-by",
        "S. Girard",
        "--reason-fr",
        "Essai",
        "--expires",
    )
    assert audit("waive", "AD-STL-002", *words, "2028-01-01", "--max-objects", "9").returncode == 2
    done = audit("waive", "ad-stl-002", *words, "2027-01-31", "--max-objects", str(number))
    assert done.returncode == 0, done.stderr
    assert "rule: AD-STL-002" in done.stdout
    second = audit("assess", "--only", "AD-STL-002", "--fail-on", "medium", "-q")
    assert second.returncode == 0, second.stderr
    whole = json.loads((tmp_path / "audit-output" / "only" / "report.json").read_text(encoding="utf-8"))
    assert whole["assessments"][0]["verdict"] == "fail"
    assert {found["state"] for found in whole["assessments"][0]["findings"]} == {"waived"}
    assert whole["waivers"][0]["state"] == "active"
    third = audit("assess", "--only", "AD-STL-002", "--fail-on", "medium", "-q", "--as-of", "2027-02-01")
    assert third.returncode == 1, third.stderr
