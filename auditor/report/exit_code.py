"""The exit code of a run and the sentence that gives its reason (docs/architecture.md, Verdict)."""

from __future__ import annotations

from auditor import facts
from auditor.config import threshold
from auditor.model import Change, Exit, Run, Severity, Verdict
from auditor.report import i18n

NOTHING_FOUND = 0
FOUND = 1
INCOMPLETE = 3


def decide(run: Run) -> Exit:
    """1 when confirmed findings reach `run.fail_on`, else 3 when a control at or above it was not assessed or ended in
    an error, else 0; `never` is always 0. Findings that a waiver accepts do not count, nor, with `run.only_new`, those known before.
    Codes 2 and 4 belong to the command line: no Run exists then."""
    at_stake = threshold(run.fail_on)
    if not at_stake:
        return Exit(NOTHING_FOUND, i18n.both(lambda say: say.gettext("Findings do not decide: the threshold is “never”.")))
    counted = facts.of(run)
    controls = [control for control in counted.controls if control.rule.severity in at_stake]
    counting = [
        finding for control in counted.failing for finding in control.confirmed
        if control.severity(finding) in at_stake and not (run.only_new and run.comparison and finding.change is Change.OPEN)
    ]  # fmt: skip
    missing = sum(control.assessment.verdict in (Verdict.NOTCHECKED, Verdict.ERROR) for control in controls)
    if counting:
        return Exit(FOUND, i18n.both(lambda say: _failed(say, run, len(counting))))
    if missing:
        return Exit(
            INCOMPLETE,
            i18n.both(
                lambda say: say.ngettext(
                    "Incomplete: %(count)s control at the threshold “%(threshold)s” or above could not be assessed.",
                    "Incomplete: %(count)s controls at the threshold “%(threshold)s” or above could not be assessed.",
                    missing,
                    threshold=say.word("threshold", run.fail_on),
                )
            ),
        )
    known = sum(counted.found(severity) for severity in at_stake)
    ran = sum(control.assessment.verdict in (Verdict.PASS, Verdict.FAIL) for control in controls)
    below = sum(counted.found(severity) for severity in Severity if severity not in at_stake)

    def nothing(say: i18n.Phrases) -> str:
        if known:
            return say.ngettext(
                "Passed: no new finding at the threshold “%(threshold)s” or above; %(count)s was known before.",
                "Passed: no new finding at the threshold “%(threshold)s” or above; %(count)s were known before.",
                known,
                threshold=say.word("threshold", run.fail_on),
            )
        told = say.ngettext(
            "Passed: %(count)s control at the threshold “%(threshold)s” or above, no finding.",
            "Passed: %(count)s controls at the threshold “%(threshold)s” or above, no finding.",
            ran,
            threshold=say.word("threshold", run.fail_on),
        )
        others = say.ngettext("%(count)s finding below it.", "%(count)s findings below it.", below)
        return f"{told} {others}" if below else told

    return Exit(NOTHING_FOUND, i18n.both(nothing))


def _failed(say: i18n.Phrases, run: Run, found: int) -> str:
    threshold_word = say.word("threshold", run.fail_on)
    if run.only_new and run.comparison:
        return say.ngettext(
            "Failed: %(count)s new finding at the threshold “%(threshold)s” or above.",
            "Failed: %(count)s new findings at the threshold “%(threshold)s” or above.",
            found,
            threshold=threshold_word,
        )
    return say.ngettext(
        "Failed: %(count)s finding at the threshold “%(threshold)s” or above.",
        "Failed: %(count)s findings at the threshold “%(threshold)s” or above.",
        found,
        threshold=threshold_word,
    )
