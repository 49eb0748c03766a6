"""The terminal summary fits, in both languages, with and without colour and Unicode, whatever the directory holds."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from rich.cells import cell_len

from auditor.model import Cap, Coverage, Language, Notice, Run, Score, State, Text
from auditor.report import terminal
from tests.report import examples, weekly

FILES = ("audit-output/report.html", "audit-output/report.json")


def summary(language: Language = Language.EN, *, colour: bool = False, unicode: bool = True, **changes: str) -> str:
    run = examples.run()
    run = replace(run, establishment=changes.get("establishment", run.establishment))
    return terminal.summary(run, language, colour=colour, unicode=unicode, files=FILES)


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("unicode", [True, False])
def test_summary_fits_in_thirty_lines_of_ninety_two_cells(language: Language, unicode: bool) -> None:
    lines = summary(language, unicode=unicode).splitlines()
    assert len(lines) <= 30
    assert max(cell_len(line) for line in lines) <= 92


def test_summary_says_what_was_read_and_what_a_gap_costs() -> None:
    shown = summary()
    assert "ad:chu-test.test      7,404 accounts, 2,600 groups; incomplete: The read was cut short" in shown
    assert "hr                    not read: The file rh.csv does not exist (1 control not run)" in shown
    assert "7 of 10 controls could be run" in shown
    assert "1 error" in shown


def test_a_notice_is_said_in_full_and_only_when_there_is_one() -> None:
    told = Text("the application may write: " + "Mail.Send, " * 20 + "end", "fr")
    shown = terminal.summary(
        replace(examples.run(), notices=(Notice("entra", told),)), Language.EN, colour=False, unicode=True, files=FILES
    )
    assert max(cell_len(line) for line in shown.splitlines()) <= 92
    assert f"! entra: {told.en}" in " ".join(shown.split())
    assert "! " not in summary()


def test_what_no_source_delivers_is_said_with_its_cost() -> None:
    run = examples.run()
    nowhere = Coverage("hr_contract", "", State.ABSENT, 0, Text("no source", "aucune source"), Text("give it", "la donner"))
    unread = Coverage("registry_activity", "", State.ABSENT, 0, Text("no source", "aucune source"), Text("give it", "la donner"))
    coverage = (*(entry for entry in run.coverage if entry.table != "hr_contract"), nowhere, unread)
    shown = terminal.summary(replace(run, coverage=coverage), Language.EN, colour=False, unicode=True, files=[])
    assert "not provided          HR contracts (1 control not run)" in shown


def test_summary_counts_and_orders_what_to_do_first() -> None:
    shown = summary()
    assert "■ 25 critical   ▲ ≥12 high   ● 0 medium   ○ 250 low" in shown
    assert re.findall(r"^    \d  .*(AD-\S+|SPC-\S+)$", shown, re.MULTILINE) == ["SPC-023", "AD-KRB-001", "AD-ACC-023"]
    assert FILES[0] in shown


def test_recommendation_without_control_is_not_measured() -> None:
    assert shown_line("See abnormal").endswith("not measured")
    assert "87%" in shown_line("Strengthen")
    assert "2 not run" in shown_line("Keep access")


def shown_line(start: str) -> str:
    return next(line for line in summary().splitlines() if start in line)


def test_without_colour_there_is_no_escape_and_with_it_only_ours() -> None:
    assert "\x1b" not in summary()
    assert set(re.findall(r"\x1b[^m]*m?", summary(colour=True))) <= {
        f"\x1b[{code}m" for code in ("0", "1", "2", "7", "31", "32", "33", "36", "1;31")
    }


def test_without_unicode_there_is_only_ascii() -> None:
    shown = summary(Language.FR, unicode=False)
    assert shown.isascii()
    assert "[C] 25 critiques" in shown
    assert "eleves" in shown
    assert "?" not in shown


def test_names_cannot_act_on_the_terminal() -> None:
    shown = summary(establishment="Hospital\x1b]0;breached\x07\u202e[bold red]x[/]" + "y" * 1_000_000)
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "Hospital<U+001B>]0;breached<U+0007><U+202E>" in shown
    assert max(map(cell_len, shown.splitlines())) <= 92


def test_explain_gives_every_part_of_the_rule() -> None:
    rule = replace(examples.run().rules[0], params={"max_age_days": 365}, attribution="By the example authors.")
    english, french = terminal.explain(rule, Language.EN), terminal.explain(rule, Language.FR)
    parts = ["Fault of AD-ACC-023", "ANSSI vuln_example", "Anybody may come in", "Close the accounts", "-Identity LOGIN -WhatIf"]
    parts += ["Enable-ADAccount", "Two calls a day.", "What nobody wrote down.", "max_age_days: 365", "By the example authors."]
    for part in parts:
        assert part in english, part
    assert "N’importe qui peut entrer." in french
    assert "Revenir en arrière\u00a0:" in french


def test_rules_list_has_a_line_per_rule_in_order_of_recommendation() -> None:
    lines = terminal.rules_list(examples.run().rules, Language.FR).splitlines()
    assert len(lines) == 10
    assert lines[0] == "AD-ACC-019   Élevée    1  Défaut de AD-ACC-019"
    assert [line.split()[2] for line in lines] == sorted(line.split()[2] for line in lines)


def weekly_summary(run: Run | None = None, language: Language = Language.EN) -> str:
    return terminal.summary(run or weekly.run(), language, colour=False, unicode=True, files=FILES)


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("unicode", [True, False])
def test_the_summary_of_a_weekly_run_fits(language: Language, unicode: bool) -> None:
    lines = terminal.summary(weekly.run(), language, colour=False, unicode=unicode, files=FILES).splitlines()
    assert len(lines) <= 32
    assert max(cell_len(line) for line in lines) <= 92


def test_grade_is_shown_with_what_caps_it() -> None:
    shown = weekly_summary()
    assert "    D   capped by 1 fact, otherwise C" in shown
    assert re.search(r"^ {7}Suppliers still come in +SPC-023$", shown, re.MULTILINE)


def test_many_caps_are_counted() -> None:
    caps = tuple(Cap(f"AD-X-{n:03}", "D", Text(f"Fact {n}", f"Fait {n}")) for n in range(6))
    shown = weekly_summary(replace(weekly.run(), score=Score("2026.1", "D", "B", 0.8, caps)))
    assert "capped by 6 facts, otherwise B" in shown
    assert "… and 3 more" in shown


def test_a_grade_that_no_fact_lowers_names_none() -> None:
    cap = Cap("SPC-023", "D", Text("Suppliers", "Prestataires"))
    assert "capped" not in weekly_summary(replace(weekly.run(), score=Score("2026.1", "D", "D", 0.4, (cap,))))


def test_without_a_grade_the_obstacles_are_said() -> None:
    obstacle = Text("SPC-013 was not assessed.", "SPC-013 n’a pas été évaluée.")
    shown = weekly_summary(replace(weekly.run(), score=Score("2026.1", "", "", None, (), (obstacle,))))
    assert " –   No grade" in shown
    assert "SPC-013 was not assessed." in shown


def test_coverage_is_compared_with_the_run_before_when_the_same_model_measured_it() -> None:
    run = weekly.run()
    assert re.search(r"Strengthen credentials .* 87%  \+7  target 95%", weekly_summary())
    worse = replace(run, trend=(replace(run.trend[0], ratios=(0.9, None, None, None, None)), run.trend[1]))
    assert " 87%  -3  " in weekly_summary(worse)
    same = replace(run, trend=(replace(run.trend[0], ratios=(0.872, None, None, None, None)), run.trend[1]))
    assert " 87%  =  " in weekly_summary(same)
    other = replace(run, trend=(replace(run.trend[0], model="2025.1"), run.trend[1]))
    assert " 87%  target" in weekly_summary(other)
    assert " 87%  target" in weekly_summary(replace(run, trend=run.trend[1:]))


def test_what_changed_is_said_only_when_there_is_an_earlier_run() -> None:
    assert "3 new, 2 returned, 2 fixed  since 13 Nov 2026" in weekly_summary()
    assert "new" not in summary()


def test_first_actions_are_those_of_the_plan() -> None:
    found = re.findall(r"^    (\d)  (.*?)  +(\d+) +(\d+\u00a0h)   (.*)$", weekly_summary(), re.MULTILINE)
    assert found == [
        ("1", "Close the supplier accounts", "19", "4\u00a0h", "SPC-023"), ("2", "Second factor", "16", "6\u00a0h", "AD-ACC-023 +1"),
    ]  # fmt: skip
    assert "(10\u00a0h remove every critical finding" in weekly_summary()


def test_waivers_that_need_somebody_are_loud_and_the_others_silent() -> None:
    shown = weekly_summary()
    assert "waiver W-02 (AD-ACC-023): expired on 1 Nov 2026" in shown
    assert "waiver W-03 (AD-ACC-023): ends on 1 Dec 2026" in shown
    assert "waiver W-04 (AD-ACC-023): matches nothing; remove it" in shown
    assert "waiver W-05 (AD-ACC-023): holds for none: 9 objects match, 2 were accepted" in shown
    assert "W-01" not in shown
    assert "2 findings waived" in shown


def test_the_smallest_sources_read_in_full_are_counted_and_those_with_a_gap_always_shown() -> None:
    coverage = tuple(Coverage("account", f"source{n:02}", State.COMPLETE, 100 + n) for n in range(15))
    gap = Coverage("account", "zz-late", State.PARTIAL, 1, Text("cut short", "coupé"), Text("again", "encore"))
    shown = weekly_summary(replace(weekly.run(), coverage=(*coverage, gap)))
    assert re.findall(r"source\d\d", shown) == [f"source{n:02}" for n in range(9, 15)]
    assert "… and 9 more sources, read in full" in shown
    assert "zz-late" in shown


def test_all_files_are_named() -> None:
    files = ["out/report.html", *(f"out/file{n:02}.json" for n in range(12)), "elsewhere/page.md"]
    shown = terminal.summary(weekly.run(), Language.EN, colour=False, unicode=True, files=files)
    assert all(name in shown for name in ["out/report.html", "file00.json", "file11.json", "elsewhere/page.md"])
    assert max(cell_len(line) for line in shown.splitlines()) <= 92
