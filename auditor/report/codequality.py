"""GitLab code quality: one entry per rule with findings, and one for every control that could not be run."""

from __future__ import annotations

from collections.abc import Mapping

from auditor import facts, safe
from auditor.config import Audit
from auditor.model import Run, Severity
from auditor.report import json_report, sarif, wording
from auditor.report.i18n import Phrases
from auditor.report.wording import TEXT_LIMIT

_SEVERITIES = {Severity.CRITICAL: "blocker", Severity.HIGH: "critical", Severity.MEDIUM: "major", Severity.LOW: "minor"}


def files(run: Run, settings: Audit) -> Mapping[str, str]:
    """codequality.json: entries in order of rule; the place of a finding without a line of source is the file of its rule."""
    say = Phrases(settings.language)
    entries = []
    for control in facts.of(run).controls:
        title = f"{say.of(control.rule.title)}{say.gettext(':')} "
        if control.confirmed:
            entries.append(_entry(control.rule.id, title + wording.found(say, control), _SEVERITIES[wording.worst(control)], "fail"))
        elif not control.ran:
            entries.append(_entry(control.rule.id, title + wording.not_assessed(say, control), "info", "not assessed"))
    return {"codequality.json": json_report.written(entries, indent=1) + "\n"}


def _entry(rule: str, description: str, severity: str, outcome: str) -> dict[str, object]:
    return {
        "description": safe.clipped(description, TEXT_LIMIT),
        "check_name": safe.clipped(rule, TEXT_LIMIT),
        "fingerprint": sarif.fingerprint(rule, outcome),
        "severity": severity,
        "location": {"path": sarif.location(rule), "lines": {"begin": 1}},
    }
