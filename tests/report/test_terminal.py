"""The terminal summary fits, in both languages, with and without colour and Unicode, whatever the directory holds."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from rich.cells import cell_len

from auditor.model import Coverage, Language, Notice, State, Text
from auditor.report import terminal
from tests.report import examples

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
    assert set(re.findall(r"\x1b[^m]*m?", summary(colour=True))) <= {f"\x1b[{code}m" for code in ("0", "1", "2", "31", "33", "36", "1;31")}


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
