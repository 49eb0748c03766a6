"""The first page, the plan and the charts say what the run holds: grade, decisions, what changed, and where the path is cut."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest

from auditor import facts, plan
from auditor.model import (
    Assessment,
    Bar,
    Cap,
    Change,
    Comparison,
    Counts,
    Figures,
    Finding,
    Gone,
    Language,
    Notice,
    Point,
    Run,
    Safeguard,
    Safeguards,
    Score,
    Severity,
    Text,
    Verdict,
)
from auditor.report import attack_path, story
from tests.report import examples
from tests.report.test_html_report import Page, render

PLAN = """
actions:
  - n: 1
    title: {fr: Fermer les comptes, en: Close the accounts}
    rules: [SPC-023]
    hours: 4
    care_impact: {fr: Aucune, en: None}
    owner: A. Roussel
    due: 2026-12-09
    state: to-approve
  - n: 2
    title: {fr: Traiter les tickets, en: Treat the tickets}
    rules: [AD-KRB-001]
    hours: 6
    care_impact: {fr: Aucune, en: None}
    state: done
"""


def point(run: Run, days: int, critical: int, *, model: str = "2026.1", event: tuple[str, int] = ("", 0)) -> Point:
    ratios = (0.5, 0.4, None, None, None)
    return Point(f"r{days}", run.as_of - timedelta(days=days), model, "D", {Severity.CRITICAL: critical}, ratios, *event)


@cache
def told(folder: Path) -> Run:
    """A run with everything the page can tell."""
    (folder / "plan.yaml").write_text(PLAN, encoding="utf-8")
    run = examples.run()
    rules = tuple(replace(rule, cap="D", cap_reason=Text("The fact", "Le fait")) if rule.id == "SPC-023" else rule for rule in run.rules)
    changed = tuple(
        replace(
            entry, findings=tuple(replace(one, change=Change.NEW if place < 2 else Change.OPEN) for place, one in enumerate(entry.findings))
        )
        if entry.rule == "SPC-023"
        else entry
        for entry in run.assessments
    )
    run = replace(
        run,
        rules=rules,
        assessments=changed,
        score=Score("2026.1", "D", "C", 0.58, (Cap("SPC-023", "D", Text("The fact", "Le fait")),)),
        comparison=Comparison("before", run.as_of - timedelta(days=7), (Gone("SPC-023", "x", "f", "n", Severity.CRITICAL),)),
        trend=(point(run, 91, 40), point(run, 7, 6, event=("SPC-023", -34)), point(run, 0, 25, event=("SPC-023", 19))),
        figures=Figures(
            authentication=(Bar("administrators", (("phishing_resistant", 3), ("none", 9), ("unknown", 1))),),
            activity=(Bar("staff", (("quarter", 70), ("never", 30))),),
            safeguards=(Safeguards("Dossier", (Safeguard("restored", False, None), Safeguard("off_site", None, None))),),
            sign_ins=tuple(tuple(day + hour for hour in range(24)) for day in range(7)),
            training=(Bar("medical", (("trained", 40), ("untrained", 60))),),
            training_target=0.75,
            incomplete=frozenset({"training"}),
        ),
    )
    return replace(run, plan=plan.of(run, folder / "plan.yaml"))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return told(tmp_path_factory.mktemp("plan"))


def part(written: str, section: str) -> str:
    """The words of one section, tags taken out, spaces made plain."""
    body = written.split(f'id="{section}"')[1].split("</section>")[0]
    return " ".join(re.sub(r"<[^>]+>", " ", body).replace("\u00a0", " ").split())


def labels(written: str) -> str:
    return "\n".join(re.findall(r'aria-label="([^"]*)"', written)).replace("\u00a0", " ")


def test_grade_stands_with_the_facts_that_cap_it(run: Run) -> None:
    written = render(run, Language.FR)
    assert "Note D, sur une échelle de A à E" in labels(written)
    assert "1 fait plafonne la note. Sans lui, elle serait C." in part(written, "page")
    assert '<a href="#SPC-023">Le fait</a>' in written


def test_without_a_grade_the_page_says_why(run: Run) -> None:
    none = replace(run, score=Score("2026.1", "", "", None, (), (Text("One control is missing.", "Il manque un contrôle."),)))
    written = render(none, Language.FR)
    assert "Pas de note : Il manque un contrôle." in part(written, "page")
    assert "Pas de note" in labels(written)
    assert "plafonne" not in part(written, "page")
    assert 'class="grade"' not in render(replace(run, score=None))


def test_decisions_say_who_when_how_long_what_it_disturbs_and_what_it_removes(run: Run) -> None:
    words = part(render(run), "page")
    assert (
        "Close the accounts A. Roussel, before 9 Dec 2026. 4 h of work. Care: None. Removes 19 critical findings; lifts a cap on the grade."
        in words
    )
    assert words.count("Removes") == 3


def test_what_changed_is_counted_and_the_curve_names_its_greatest_jump(run: Run) -> None:
    written = render(run)
    words = part(written, "page")
    assert "Since 13 Nov 2026" in words
    assert "1 fixed 2 new 0 returned 0 waivers about to end" in words
    assert "Critical findings by run: 40 on 21 Aug 2026, 25 on 20 Nov 2026. Greatest change: −34, Fault of SPC-023." in labels(written)


def test_the_first_run_says_that_the_curve_begins(run: Run) -> None:
    first = replace(run, comparison=None, trend=run.trend[-1:])
    written = render(first)
    assert "the curve of critical findings begins today" in part(written, "page")
    assert 'class="trend"' not in written


def test_the_curve_is_broken_where_the_score_model_changed(run: Run) -> None:
    assert story.stretches(run) == ((0, 1, 2),)
    other = replace(run, trend=(point(run, 91, 40, model="2025.1"), *run.trend[1:]))
    assert story.stretches(other) == ((0,), (1, 2))
    assert story.quarter_ago(other) is None


def test_the_ring_is_a_run_of_a_quarter_ago_and_of_no_other_day(run: Run) -> None:
    assert story.quarter_ago(run) == run.trend[0]
    assert "a quarter ago 50%" in labels(render(run))
    young = replace(run, trend=(point(run, 59, 3), *run.trend[1:]))
    assert story.quarter_ago(young) is None
    assert "quarter" not in labels(render(young))


def test_plan_shows_what_is_done_and_still_found_and_where_no_critical_is_left(run: Run) -> None:
    written = render(run)
    words = part(written, "plan")
    assert "287 findings, 4 actions, 19 h of work. After 10 h, no critical finding is left." in words
    assert "done but findings remain" in words
    rows = written.split('id="plan"')[1].split("</section>")[0].split("<tr")
    assert [place for place, row in enumerate(rows) if row.startswith(' class="cut"')] == [3]
    assert "287 today, 0 after 19 h. No critical finding is left after 10 h." in labels(written)


def test_every_chart_is_a_sentence_with_its_numbers(run: Run) -> None:
    spoken = labels(render(run))
    assert "administrators: card, key or certificate 3, password only 9, not known 1." in spoken
    assert "staff: 90 days ago or less 70, never used 30." in spoken
    assert "medical staff: trained 40, not trained 60. Target: 75%." in spoken
    assert "2,436 sign-ins, 231 of them between 0:00 and 6:00 UTC; most on Sunday at 23:00." in spoken
    words = part(render(run), "R3")
    assert "Dossier" in words
    assert "not known" in words
    assert "The data behind this chart are incomplete." in part(render(run), "R5")
    assert "incomplete" not in part(render(run), "R1")


def test_without_figures_there_is_no_chart(run: Run) -> None:
    assert '<figure class="chart"' not in part_source(render(replace(run, figures=Figures())), "R1")


def part_source(written: str, section: str) -> str:
    return written.split(f'id="{section}"')[1].split("</section>")[0]


def test_shapes_carry_their_colours_for_engines_that_apply_no_style_sheet(run: Run) -> None:
    for svg in re.findall(r"<svg.*?</svg>", render(run), re.DOTALL):
        if 'class="glyph"' not in svg:
            for shape in re.findall(r"<(?:rect|circle|path|text|line)[^>]*>", svg):
                assert 'fill="#' in shape or 'stroke="#' in shape, shape


def test_summary_of_a_rule_says_what_changed(run: Run) -> None:
    summary = render(run).split('id="SPC-023"')[1].split("</summary>")[0]
    assert "+2" in summary
    assert "−1" in summary
    assert "2 new or returned" in summary
    assert "unchanged" in render(run).split('id="AD-STL-002"')[1].split("</summary>")[0]


def test_pseudonyms_and_notices_are_said_on_page_one(run: Run) -> None:
    written = part(render(replace(run, pseudonyms=True, notices=(Notice("entra", Text("It can write.", "")),))), "page")
    assert "Names replaced by pseudonyms" in written
    assert "Contains names" not in written
    assert "entra : It can write." in written


def chained(*, member: bool, hostile: str = "helpdesk") -> Run:
    right = Finding("AD-ACL-004", "svc/help/write_spn", {"name": "svc", "permission": "write_spn", "trustee_name": hostile})
    service = Finding("AD-HOS-014", "svc", {"name": "svc", "path": "Operators > Domain Admins"})
    rules = (
        examples.rule("AD-ACL-004", Severity.CRITICAL, 2, hours=4),
        examples.rule("AD-HOS-014", Severity.CRITICAL, 2, hours=1),
    )
    assessments = [Assessment("AD-ACL-004", Verdict.FAIL, Counts(0, 1), findings=(right,))]
    if member:
        assessments.append(Assessment("AD-HOS-014", Verdict.FAIL, Counts(0, 1), findings=(service,)))
    return replace(examples.run(), rules=rules, assessments=tuple(assessments))


def test_two_findings_make_one_path_and_the_cheapest_edge_is_cut() -> None:
    path = attack_path.of(facts.of(chained(member=True)))
    assert path is not None
    assert path.stations == ("helpdesk", "svc", "Operators", "Domain Admins")
    assert [edge.relation for edge in path.edges] == ["write_spn", "member", "member"]
    assert path.cut == 1
    spoken = labels(render(chained(member=True)))
    assert (
        "How someone ordinary can take over the directory: "
        "helpdesk, write service names, svc, member of, Operators, member of, Domain Admins." in spoken
    )
    assert "Cut between svc and Operators, 1.5 h of work." in spoken


def test_a_single_right_is_a_line_of_two_stations_and_no_right_is_no_line() -> None:
    path = attack_path.of(facts.of(chained(member=False)))
    assert path is not None
    assert (path.stations, path.cut) == (("helpdesk", "svc"), 0)
    assert attack_path.of(facts.of(examples.run())) is None


def test_a_waived_right_draws_no_path() -> None:
    run = chained(member=False)
    waived = tuple(replace(entry, findings=tuple(replace(one, waived_by="W-1") for one in entry.findings)) for entry in run.assessments)
    assert attack_path.of(facts.of(replace(run, assessments=waived))) is None


def test_hostile_names_on_the_path_stay_text() -> None:
    made = Page(render(chained(member=True, hostile=examples.SCRIPT)))
    assert made.count("script") == 1
    assert all(not name.startswith("on") for _, attributes in made.elements for name in attributes)
