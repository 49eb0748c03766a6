"""One test per row of the table of exit codes that a run can decide."""

from __future__ import annotations

from dataclasses import replace

import pytest

from auditor.model import Assessment, Counts, Run, Severity, Verdict
from auditor.report import exit_code
from auditor.report.i18n import NBSP
from tests.report import examples


def run_of(*outcomes: tuple[Severity, Verdict, int], fail_on: str = "critical", confirmed: bool = True) -> Run:
    rules = tuple(examples.rule(f"AD-X-{place}", severity, 1) for place, (severity, _, _) in enumerate(outcomes))
    assessments = tuple(
        Assessment(
            rule.id,
            verdict,
            Counts(failed=count),
            findings=examples.findings(rule.id, tuple(map(str, range(count))), confirmed=confirmed),
        )
        for rule, (_, verdict, count) in zip(rules, outcomes, strict=True)
    )
    return replace(examples.run(), rules=rules, assessments=assessments, fail_on=fail_on)


def test_findings_at_the_threshold_give_one_whatever_their_number() -> None:
    done = exit_code.decide(run_of((Severity.CRITICAL, Verdict.FAIL, 256)))
    assert done.code == 1
    assert done.reason.en == "Failed: 256 findings at the threshold “critical” or above."
    assert done.reason.fr == f"Échec{NBSP}: 256 constats au seuil «{NBSP}critique{NBSP}» ou au-dessus."


def test_findings_win_over_controls_that_could_not_run() -> None:
    assert exit_code.decide(run_of((Severity.CRITICAL, Verdict.FAIL, 1), (Severity.CRITICAL, Verdict.ERROR, 0))).code == 1


@pytest.mark.parametrize("verdict", [Verdict.NOTCHECKED, Verdict.ERROR])
def test_a_control_at_the_threshold_that_could_not_run_gives_three(verdict: Verdict) -> None:
    done = exit_code.decide(run_of((Severity.CRITICAL, verdict, 0), (Severity.HIGH, Verdict.FAIL, 4)))
    assert done.code == 3
    assert "1 control " in done.reason.en
    assert "1 contrôle " in done.reason.fr


def test_unconfirmed_findings_do_not_fail_a_run() -> None:
    assert exit_code.decide(run_of((Severity.CRITICAL, Verdict.NOTCHECKED, 5), confirmed=False)).code == 3


@pytest.mark.parametrize(("fail_on", "code"), [("critical", 0), ("high", 0), ("medium", 1), ("low", 1), ("never", 0)])
def test_the_threshold_decides(fail_on: str, code: int) -> None:
    outcomes = ((Severity.CRITICAL, Verdict.PASS, 0), (Severity.MEDIUM, Verdict.FAIL, 3), (Severity.LOW, Verdict.ERROR, 0))
    assert exit_code.decide(run_of(*outcomes, fail_on=fail_on)).code == code


def test_never_is_zero_even_when_nothing_could_run() -> None:
    done = exit_code.decide(run_of((Severity.CRITICAL, Verdict.ERROR, 0), (Severity.CRITICAL, Verdict.FAIL, 9), fail_on="never"))
    assert done.code == 0
    assert "jamais" in done.reason.fr


def test_passed_and_not_applicable_controls_give_zero() -> None:
    done = exit_code.decide(run_of((Severity.CRITICAL, Verdict.PASS, 0), (Severity.CRITICAL, Verdict.NOTAPPLICABLE, 0)))
    assert done.code == 0
    assert done.reason.en == "Passed: 1 control at the threshold “critical” or above, no finding."


def test_findings_below_the_threshold_are_not_hidden_behind_the_word_passed() -> None:
    done = exit_code.decide(run_of((Severity.HIGH, Verdict.FAIL, 12)))
    assert done.code == 0
    assert done.reason.en == "Passed: 0 controls at the threshold “critical” or above, no finding. 12 findings below it."
    assert done.reason.fr.endswith("12 constats au-dessous.")
