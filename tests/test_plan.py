"""The remediation plan: read strictly, completed so that nothing is lost, and counted."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor import facts, plan
from auditor.errors import ConfigError
from auditor.model import Action, Run, Severity, Text
from tests.report import examples

NOWHERE = Path("no-such-folder") / "plan.yaml"

PLAN = """\
actions:
  - n: 2
    title: {fr: Enrôler les administrateurs, en: Enrol the administrators}
    rules: [AD-ACC-023, SPC-013]
    hours: 6.5
    care_impact: {fr: Aucune, en: None}
  - n: 1
    title: {fr: Fermer les comptes de MédiLiaison, en: Close the accounts of MédiLiaison}
    rules: [SPC-023, AD-KRB-004]
    hours: 4
    care_impact: {fr: Aucune, en: None}
    owner: A. Martin, DSI
    due: 2026-12-09
    state: done
"""


def file(folder: Path, text: str = PLAN) -> Path:
    path = folder / "plan.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def planned(path: Path = NOWHERE, run: Run | None = None) -> Run:
    run = run or examples.run()
    return replace(run, plan=plan.of(run, path))


def waived(run: Run, rule: str) -> Run:
    """The run with every finding of a rule accepted."""
    return replace(
        run,
        assessments=tuple(
            replace(item, findings=tuple(replace(f, waived_by="W-1") for f in item.findings)) if item.rule == rule else item
            for item in run.assessments
        ),
    )


def test_without_a_file_each_failing_rule_is_an_action_worst_first() -> None:
    run = planned()
    assert [action.rules for action in run.plan] == [("SPC-023",), ("AD-KRB-001",), ("AD-ACC-023",), ("AD-STL-002",)]
    assert [action.number for action in run.plan] == [1, 2, 3, 4]
    # 1.5 hours, and half an hour for the second step; the only effect on care is that of the second.
    assert run.plan[0] == Action(
        1, Text("Fault of SPC-023", "Défaut de SPC-023"), ("SPC-023",), 2.0, Text("Two calls a day.", "Deux appels par jour.")
    )


def test_a_rule_with_a_finding_raised_to_critical_comes_before_rules_without_one() -> None:
    run = examples.run()
    assessments = tuple(
        replace(item, findings=(replace(item.findings[0], raised_to=Severity.CRITICAL), *item.findings[1:]))
        if item.rule == "AD-STL-002"
        else item
        for item in run.assessments
    )
    run = planned(run=replace(run, assessments=assessments))
    assert [action.rules[0] for action in run.plan] == ["SPC-023", "AD-KRB-001", "AD-STL-002", "AD-ACC-023"]


def test_the_file_comes_first_in_order_of_number_and_the_rest_follows(tmp_path: Path) -> None:
    first, second, *others = planned(file(tmp_path)).plan
    assert first == Action(
        1, Text("Close the accounts of MédiLiaison", "Fermer les comptes de MédiLiaison"), ("SPC-023", "AD-KRB-004"), 4.0,
        Text("None", "Aucune"), "A. Martin, DSI", date(2026, 12, 9), "done",
    )  # fmt: skip
    assert (second.number, second.hours, second.owner, second.due, second.state) == (2, 6.5, "", None, "")
    assert [(action.number, action.rules) for action in others] == [(3, ("AD-KRB-001",)), (4, ("AD-STL-002",))]


def test_what_each_action_removes_and_what_is_left(tmp_path: Path) -> None:
    first, second, third, fourth = plan.outcomes(planned(file(tmp_path)))
    # 12 high, 6 and 19 critical, 250 low: 287 findings.
    assert first.removed == {Severity.CRITICAL: 19}
    assert (first.total, first.hours, first.left, first.critical_left, first.unassessed) == (19, 4.0, 268, 6, ())
    assert second.removed == {Severity.HIGH: 12}
    assert (second.hours, second.left, second.critical_left, second.unassessed) == (10.5, 256, 6, ("SPC-013",))
    assert (third.removed, third.hours, third.critical_left) == ({Severity.CRITICAL: 6}, 15.0, 0)
    assert (fourth.removed, fourth.hours, fourth.left) == ({Severity.LOW: 250}, 19.5, 0)


def test_the_step_curve_and_the_hour_without_critical_findings(tmp_path: Path) -> None:
    run = planned(file(tmp_path))
    assert plan.curve(run) == ((0.0, 287), (4.0, 268), (10.5, 256), (15.0, 250), (19.5, 0))
    assert plan.hours_to_no_critical(run) == 15.0
    assert plan.hours_to_no_critical(planned(run=examples.clean_run())) == 0.0
    assert plan.curve(planned(run=examples.clean_run())) == ((0.0, 0),)
    assert plan.hours_to_no_critical(replace(run, plan=run.plan[:2])) is None


def test_a_finding_is_removed_by_the_first_action_that_names_its_rule(tmp_path: Path) -> None:
    again = PLAN + PLAN.removeprefix("actions:\n").replace("n: 2", "n: 8").replace("n: 1", "n: 7")
    _, _, third, fourth, *_ = plan.outcomes(planned(file(tmp_path, again)))
    assert (third.removed, third.hours, fourth.removed, fourth.hours) == ({}, 10.5, {}, 10.5)


def test_done_with_findings_left_is_contradicted_and_done_without_is_not(tmp_path: Path) -> None:
    assert [outcome.contradicted for outcome in plan.outcomes(planned(file(tmp_path)))] == [True, False, False, False]
    kept = plan.outcomes(planned(file(tmp_path), examples.clean_run()))
    assert [(outcome.contradicted, outcome.total, outcome.hours) for outcome in kept] == [(False, 0, 0.0), (False, 0, 0.0)]


def test_hours_of_an_action_whose_rules_could_not_be_run_count_unless_it_is_done(tmp_path: Path) -> None:
    only = "actions:\n" + PLAN[PLAN.index("  - n: 1") :].replace("[SPC-023, AD-KRB-004]", "[SPC-013]")
    assert plan.outcomes(planned(file(tmp_path, only)))[0].hours == 0
    assert plan.outcomes(planned(file(tmp_path, only.replace("done", "started"))))[0].hours == 4


def test_accepted_findings_need_no_action_and_are_not_removed(tmp_path: Path) -> None:
    run = waived(examples.run(), "SPC-023")
    assert [action.rules for action in planned(run=run).plan] == [("AD-KRB-001",), ("AD-ACC-023",), ("AD-STL-002",)]
    first = plan.outcomes(planned(file(tmp_path), run))[0]
    assert (first.removed, first.contradicted, first.left) == ({}, False, 268)


def test_an_action_lifts_the_caps_of_the_rules_it_settles(tmp_path: Path) -> None:
    run = examples.run()
    capped = tuple(
        replace(rule, cap="D", cap_reason=Text("x", "y")) if rule.id in ("SPC-023", "SPC-013", "AD-KRB-004") else rule for rule in run.rules
    )
    run = replace(run, rules=capped)
    assert [outcome.lifts for outcome in plan.outcomes(planned(file(tmp_path), run))] == [("SPC-023",), (), (), ()]
    # An accepted finding stays, and with it the fact that caps the grade.
    assert plan.outcomes(planned(file(tmp_path), waived(run, "SPC-023")))[0].lifts == ()


def test_whatever_the_file_names_every_finding_is_removed_once(tmp_path: Path) -> None:
    named = planned(file(tmp_path, "actions: []\n"))
    assert named.plan == planned().plan
    total = sum(facts.of(named).found(severity) for severity in Severity)
    for run in (named, planned(file(tmp_path))):
        assert sum(outcome.total for outcome in plan.outcomes(run)) == total == 287


MISTAKES = {
    "unknown key": ("hours: 4", "hour: 4", "actions.1.hour: is not a known key"),
    "no French title": ("{fr: Enrôler les administrateurs, en:", "{en:", "actions.0.title.fr: is missing"),
    "two of a number": ("n: 2", "n: 1", "two actions bear the number 1"),
    "number 0": ("n: 2", "n: 0", "actions.0.n: must be at least 1"),
    "no rule": ("[AD-ACC-023, SPC-013]", "[]", "actions.0.rules: needs at least one entry"),
    "unknown rule": ("SPC-013", "SPC-999", "action 2: SPC-999 is not a rule that finds anything"),
    "negative hours": ("hours: 4", "hours: -1", "actions.1.hours: must be at least 0"),
    "endless hours": ("hours: 4", "hours: inf", "actions.1.hours: must be at most 10000"),
    "hours that are none": ("hours: 4", "hours: nan", "actions.1.hours: must be"),
    "state": ("state: done", "state: finished", "actions.1.state: must be 'to-plan', 'to-approve', 'started' or 'done'"),
    "day": ("2026-12-09", "09/12/2026", "actions.1.due: not a day, write one such as 2026-01-31"),
    "day as a number": ("2026-12-09", "20261209", "actions.1.due: not a day"),
    "no such day": ("2026-12-09", "2026-02-30", "actions.1.due: there is no such day"),
    "empty file": (PLAN, "", "the file: must be a list of keys and values"),
    "duplicate key": ("hours: 4", "hours: 4\n    hours: 5", "duplicate key"),
}


@pytest.mark.parametrize("what", MISTAKES)
def test_a_mistake_is_one_sentence_in_both_languages(tmp_path: Path, what: str) -> None:
    old, new, message = MISTAKES[what]
    assert old in PLAN
    with pytest.raises(ConfigError) as caught:
        planned(file(tmp_path, PLAN.replace(old, new, 1)))
    assert message in str(caught.value)
    assert str(caught.value).startswith("plan.yaml")
    assert caught.value.text.fr != caught.value.text.en
    assert "\n" not in str(caught.value)


def test_a_combination_is_no_rule_to_plan_for(tmp_path: Path) -> None:
    run = examples.run()
    combination = replace(examples.rule("TOX-001", Severity.CRITICAL, 1), raises=("SPC-023",))
    with pytest.raises(ConfigError, match="TOX-001 is not a rule that finds anything"):
        planned(file(tmp_path, PLAN.replace("SPC-013", "TOX-001")), replace(run, rules=(*run.rules, combination)))


def test_a_plan_that_cannot_be_read_is_not_a_missing_one(tmp_path: Path) -> None:
    (tmp_path / "plan.yaml").mkdir()
    with pytest.raises(ConfigError, match="cannot be read"):
        planned(tmp_path / "plan.yaml")


def test_the_file_is_never_changed(tmp_path: Path) -> None:
    path = file(tmp_path)
    before = path.read_bytes(), path.stat().st_mtime_ns
    planned(path)
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


@given(st.permutations(("SPC-023", "AD-KRB-001", "AD-ACC-023", "AD-STL-002", "SPC-013", "AD-KRB-004")), st.integers(0, 6))
def test_the_curve_only_falls_and_ends_at_nothing(rules: list[str], split: int) -> None:
    run = examples.run()
    groups = [tuple(group) for group in (rules[:split], rules[split:]) if group]
    run = replace(run, plan=tuple(Action(n, Text("a", "b"), group, 3, Text("c", "d")) for n, group in enumerate(groups, start=1)))
    points = plan.curve(run)
    assert [left for _, left in points] == sorted({left for _, left in points}, reverse=True)
    assert (points[0], points[-1][1]) == ((0.0, 287), 0)
