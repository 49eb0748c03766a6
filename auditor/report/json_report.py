"""report.json, the contract other tools build on; its JSON Schema is report.schema.json beside this file."""

from __future__ import annotations

import json
import math
from datetime import datetime

from auditor import safe
from auditor.model import Coverage, Finding, Rule, Run, Severity, Step, Text, Value, Verdict
from auditor.report import facts
from auditor.report.facts import Control, Protection

SCHEMA_VERSION = "1.0"

_HARMFUL = {code: f"\\u{code:04x}" for code in safe.MARKS if code != ord("\n")}
"""Characters that could act on a terminal, as JSON escapes: the value stays exact, and `cat report.json` stays harmless."""


def render(run: Run, exit_code: int, exit_reason: Text) -> str:
    """The run as JSON: sorted keys, texts as {"en", "fr"}, UTC times ending in Z, lone surrogates replaced."""
    counted = facts.of(run)
    document = {
        "schema_version": SCHEMA_VERSION,
        "run": {
            "id": run.id,
            "establishment": run.establishment,
            "as_of": _time(run.as_of),
            "fail_on": run.fail_on,
            "version": run.version,
            "snapshot_sha256": run.snapshot_sha256,
            "rules_sha256": run.rules_sha256,
        },
        "coverage": [_coverage(entry) for entry in sorted(run.coverage, key=lambda c: (c.table, c.source))],
        "notices": [{"source": notice.source, "text": _text(notice.text)} for notice in run.notices],
        "recommendations": [_protection(protection) for protection in counted.protections],
        "summary": {
            "by_verdict": {verdict.value: len(counted.with_verdict(verdict)) for verdict in Verdict},
            "by_severity": {severity.value: counted.found(severity) for severity in Severity},
        },
        "assessments": [_assessment(control) for control in counted.controls],
        "combinations": [_combination(rule) for rule in run.combinations],
        "exit": {"code": exit_code, "reason": _text(exit_reason)},
    }
    written = json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1, sort_keys=True)
    return safe.clean(written).translate(_HARMFUL) + "\n"


def _coverage(entry: Coverage) -> dict[str, object]:
    return {
        "table": entry.table,
        "source": entry.source,
        "state": entry.state.value,
        "rows": entry.rows,
        "reason": _text(entry.reason) if entry.reason else None,
        "cure": _text(entry.cure) if entry.cure else None,
        "collected_at": _time(entry.collected_at) if entry.collected_at else None,
    }


def _protection(protection: Protection) -> dict[str, object]:
    return {
        "id": protection.recommendation.id,
        "title": _text(protection.recommendation.title),
        "population": protection.population,
        "protected": protection.protected,
        "ratio": protection.ratio,
        "target": protection.recommendation.target,
        "controls": {"total": protection.controls, "assessed": protection.ran},
    }


def _assessment(control: Control) -> dict[str, object]:
    rule, assessment = control.rule, control.assessment
    return {
        "rule": rule.id,
        "title": _text(rule.title),
        "severity": rule.severity.value,
        "recommendation": rule.recommendation,
        "status": rule.status,
        "pack": rule.pack,
        "why": _text(rule.why),
        "remediation": [_step(step) for step in rule.remediation],
        "blind_spots": _text(rule.blind_spots),
        "references": {framework: list(ids) for framework, ids in rule.references.items()},
        "attribution": rule.attribution,
        "verdict": assessment.verdict.value,
        "counts": {"fail": assessment.counts.failed, "pass": assessment.counts.passed, "unknown": assessment.counts.unknown},
        "at_least": assessment.at_least,
        "reasons": [_text(reason) for reason in assessment.reasons],
        "findings": [_finding(control, finding) for finding in control.findings],
    }


def _finding(control: Control, finding: Finding) -> dict[str, object]:
    return {
        "severity": control.severity(finding).value,
        "raised_by": next(iter(finding.raised_by), ""),
        "combinations": list(finding.raised_by),
        "fingerprint": finding.fingerprint,
        "resource": finding.resource,
        "evidence": {name: _value(value) for name, value in finding.evidence.items()},
        "state": "open" if finding.confirmed else "unconfirmed",
    }


def _combination(rule: Rule) -> dict[str, object]:
    return {
        "id": rule.id,
        "title": _text(rule.title),
        "why": _text(rule.why),
        "severity": rule.severity.value,
        "raises": list(rule.raises),
    }


def _step(step: Step) -> dict[str, object]:
    return {
        "text": _text(step.text),
        "command": step.command,
        "verify": step.verify,
        "undo": step.undo,
        "effort_hours": step.effort_hours,
        "care_impact": _text(step.care_impact),
    }


def _text(text: Text) -> dict[str, str]:
    return {"en": text.en, "fr": text.fr}


def _value(value: Value) -> str | int | float | bool | None:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # JSON has no word for it
    return _time(value) if isinstance(value, datetime) else value


def _time(moment: datetime) -> str:
    return moment.isoformat() + "Z"
