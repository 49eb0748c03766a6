"""What the outputs for machines say of a control in one line, and the limits of those that read them."""

from __future__ import annotations

from auditor.facts import Control
from auditor.model import Change, Run, Severity, WaiverState, WaiverUse
from auditor.report.i18n import Phrases

TEXT_LIMIT = 1024
"""Characters of a text that GitHub shows."""


def found(say: Phrases, control: Control) -> str:
    """How many findings of which severity count, and how many are waived: at least 6 critical findings; 2 findings waived."""
    parts = []
    if control.count:
        counts = say.words([say.findings(severity, number) for severity in Severity if (number := control.count_of(severity))])
        parts.append(say.gettext("At least %(findings)s", findings=counts) if control.assessment.at_least else counts)
    if control.waived:
        parts.append(say.ngettext("%(count)s finding waived", "%(count)s findings waived", len(control.waived)))
    return ", ".join(parts)


def changed(say: Phrases, new: int, returned: int, fixed: int | None = None) -> str:
    """What changed since the run before: 3 new, 1 returned, 12 fixed; `fixed` is left out when it is None."""
    parts = [
        say.ngettext("%(count)s new", "%(count)s new", new),
        say.ngettext("%(count)s returned", "%(count)s returned", returned),
    ]
    if fixed is not None:
        parts.append(say.ngettext("%(count)s fixed", "%(count)s fixed", fixed))
    return ", ".join(parts)


def not_assessed(say: Phrases, control: Control) -> str:
    """Why a control gave no result, with the rows that incomplete data may have invented."""
    reasons = " ".join(say.of(reason) for reason in control.assessment.reasons)
    verdict = say.word("verdict", control.assessment.verdict.value)
    if control.unconfirmed:
        unsure = say.ngettext("%(count)s unconfirmed row.", "%(count)s unconfirmed rows.", control.unconfirmed)
        reasons = f"{reasons} {unsure}".strip()
    return f"{verdict}{say.gettext(':')} {reasons}" if reasons else verdict


def worst(control: Control) -> Severity:
    """The worst severity among the findings that count: that of the rule, unless a combination raised one."""
    return min(
        (control.severity(finding) for finding in control.confirmed), key=lambda severity: severity.rank, default=control.rule.severity
    )


def is_new(change: Change) -> bool:
    """Not there in the run before: new, or back."""
    return change is not Change.OPEN


def justification(say: Phrases, run: Run, waiver: str) -> str:
    """Why a finding was accepted and by whom."""
    for use in run.waivers:
        if use.waiver.id == waiver:
            return f"{waiver}{say.gettext(':')} {say.of(use.waiver.reason)} ({use.waiver.approved_by}, {use.waiver.expires.isoformat()})"
    return waiver


def waiver(say: Phrases, use: WaiverUse) -> str:
    """What is to be known of a waiver: when it ends or ended, that it holds for nothing, or for more than was accepted."""
    day = say.date(use.waiver.expires)
    match use.state:
        case WaiverState.EXPIRED:
            return say.gettext("expired on %(day)s", day=day)
        case WaiverState.EXCEEDED:
            return say.gettext(
                "holds for none: %(matched)s objects match, %(limit)s were accepted",
                matched=say.number(use.matched),
                limit=say.number(use.waiver.max_objects),
            )
        case WaiverState.UNUSED:
            return say.gettext("matches nothing; remove it")
        case WaiverState.EXPIRING:
            return say.gettext("ends on %(day)s", day=day)
        case WaiverState.ACTIVE:
            return say.gettext("holds until %(day)s", day=day)
