"""Waivers, limits and annex: what was accepted, what could not be seen, and what the report is made of."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from auditor.model import Change, Comparison, Gone, Language, Run, Score, Severity, Text, Waiver, WaiverState, WaiverUse
from tests.report import examples
from tests.report.test_first_page import part
from tests.report.test_html_report import render


def use(number: int, state: WaiverState, *, change: Change = Change.OPEN, rule: str = "SPC-023") -> WaiverUse:
    waiver = Waiver(
        f"W-{number}", rule, Text(f"Reason {number}", f"Motif {number}"), "S. Girard", date(2026, 1, 5), date(2026, 12, number), 14,
        ticket=f"CHG-{number}",
    )  # fmt: skip
    return WaiverUse(waiver, state, 10 * number, change)


def told(*uses: WaiverUse) -> Run:
    return replace(examples.run(), waivers=uses)


STATES = (WaiverState.ACTIVE, WaiverState.EXPIRING, WaiverState.UNUSED, WaiverState.EXCEEDED, WaiverState.EXPIRED)


def test_what_no_longer_holds_comes_first() -> None:
    words = part(render(told(*(use(number, state) for number, state in enumerate(STATES, 1))), Language.FR), "waivers")
    places = [words.index(f"W-{number}") for number in (5, 4, 3, 2, 1)]
    assert places == sorted(places)
    assert "3 dérogations ne valent plus ou ne servent à rien" in words
    assert "Défaut de SPC-023" in words
    assert "ne remplace jamais un contrôle qui n’a pas été mené" in words
    for piece in ("Motif 4", "S. Girard", "CHG-4", "40 / 14", "4 déc. 2026"):
        assert piece in words


@pytest.mark.parametrize("state", STATES)
def test_only_what_asks_for_an_act_is_loud(state: WaiverState) -> None:
    written = render(told(use(1, state)), Language.EN)
    section = written.split('id="waivers"')[1].split("</section>")[0]
    loud = state in (WaiverState.UNUSED, WaiverState.EXCEEDED, WaiverState.EXPIRED)
    assert ('class="warning"' in section) is loud
    assert ('<strong class="gap">' in section) is loud


def test_without_waivers_every_finding_counts() -> None:
    assert "None: every finding counts." in part(render(examples.run()), "waivers")


def test_a_waiver_of_a_control_that_was_not_run_leaves_it_on_the_limits_page() -> None:
    words = part(render(told(use(1, WaiverState.UNUSED, rule="SPC-013"))), "limits")
    assert "SPC-013" in words
    assert "No HR file." in words


def test_a_waiver_of_a_rule_that_is_not_there_is_shown() -> None:
    assert "GONE-1" in part(render(told(use(1, WaiverState.UNUSED, rule="GONE-1"))), "waivers")


def test_findings_that_could_not_be_checked_are_counted_by_control() -> None:
    run = examples.run()
    lost = (*(Gone("SPC-013", str(n), str(n), "x", Severity.CRITICAL) for n in range(3)), Gone("GONE-1", "y", "y", "y", Severity.LOW))
    before = Comparison("b", run.as_of - timedelta(days=7), unseen=lost)
    words = part(render(replace(run, comparison=before)), "limits")
    assert "SPC-013 Fault of SPC-013: 3 findings" in words
    assert "GONE-1 1 finding" in words
    assert "neither open nor fixed" in words
    assert "could not be checked" not in part(render(run), "limits")


def test_annex_names_what_the_report_is_made_of() -> None:
    run = replace(examples.run(), score=Score("2026.1", "D", "D", 0.5))
    words = part(render(run), "annex")
    for piece in (run.id, run.version, run.snapshot_sha256, run.rules_sha256, "2026.1", "snapshot/manifest.json", "ad:chu-test.test"):
        assert piece in words
    assert "AD-KRB-001 Account under attack" in words
    assert "ANSSI vuln_example" in words


def test_changes_of_the_waiver_file_are_named() -> None:
    run = told(use(2, WaiverState.ACTIVE, change=Change.NEW), use(1, WaiverState.ACTIVE))
    run = replace(run, comparison=Comparison("b", run.as_of - timedelta(days=7)))
    assert "Waivers new or changed since 13 Nov 2026: W-2." in part(render(run), "annex")
    assert "new or changed" in part(render(run), "waivers")
