"""report.json, the contract other tools build on; its JSON Schema is report.schema.json beside this file."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import datetime

from auditor import facts, safe
from auditor.config import Audit
from auditor.facts import Control, Protection
from auditor.model import (
    Action,
    Bar,
    Change,
    Comparison,
    Coverage,
    Figures,
    Finding,
    Gone,
    Point,
    Rule,
    Run,
    Score,
    Severity,
    Step,
    Text,
    Value,
    Verdict,
    WaiverUse,
)

SCHEMA_VERSION = "1.1"

_HARMFUL = {code: f"\\u{code:04x}" for code in safe.MARKS if code != ord("\n")}
"""Characters that could act on a terminal, as JSON escapes: the value stays exact, and `cat report.json` stays harmless."""


def files(run: Run, _settings: Audit) -> Mapping[str, str]:
    """report.json."""
    return {"report.json": render(run)}


def render(run: Run) -> str:
    """A run that has its exit as JSON: sorted keys, texts as {"en", "fr"}, UTC times ending in Z, lone surrogates replaced."""
    counted = facts.of(run)
    document = {
        "schema_version": SCHEMA_VERSION,
        "pseudonyms": run.pseudonyms,
        "run": {
            "id": run.id,
            "establishment": run.establishment,
            "as_of": time(run.as_of),
            "fail_on": run.fail_on,
            "version": run.version,
            "snapshot_sha256": run.snapshot_sha256,
            "rules_sha256": run.rules_sha256,
        },
        "coverage": [_coverage(entry) for entry in sorted(run.coverage, key=lambda c: (c.table, c.source))],
        "notices": [{"source": notice.source, "text": text(notice.text)} for notice in run.notices],
        "recommendations": [_protection(protection) for protection in counted.protections],
        "summary": {
            "by_verdict": {verdict.value: len(counted.with_verdict(verdict)) for verdict in Verdict},
            "by_severity": {severity.value: counted.found(severity) for severity in Severity},
            "by_change": {change.value: counted.changed(change) for change in Change},
            "waived": counted.waived,
        },
        "score": _score(run.score) if run.score else None,
        "comparison": _comparison(run.comparison) if run.comparison else None,
        "trend": [_point(point) for point in run.trend],
        "waivers": [_waiver(use) for use in run.waivers],
        "plan": [_action(action) for action in run.plan],
        "figures": _figures(run.figures),
        "assessments": [_assessment(control) for control in counted.controls],
        "combinations": [_combination(rule) for rule in run.combinations],
        "exit": {"code": run.exit.code, "reason": text(run.exit.reason)} if run.exit else None,
    }
    return written(document, indent=1) + "\n"


def written(document: object, *, indent: int | None = None) -> str:
    """A document as JSON that acts on no screen: sorted keys, lone surrogates replaced, control characters escaped."""
    raw = json.dumps(document, ensure_ascii=False, allow_nan=False, indent=indent, sort_keys=True)
    return safe.clean(raw).translate(_HARMFUL)


def _coverage(entry: Coverage) -> dict[str, object]:
    return {
        "table": entry.table,
        "source": entry.source,
        "state": entry.state.value,
        "rows": entry.rows,
        "reason": text(entry.reason) if entry.reason else None,
        "cure": text(entry.cure) if entry.cure else None,
        "collected_at": time(entry.collected_at) if entry.collected_at else None,
    }


def _protection(protection: Protection) -> dict[str, object]:
    return {
        "id": protection.recommendation.id,
        "title": text(protection.recommendation.title),
        "population": protection.population,
        "protected": protection.protected,
        "ratio": protection.ratio,
        "target": protection.target,
        "controls": {"total": protection.controls, "assessed": protection.ran},
    }


def _assessment(control: Control) -> dict[str, object]:
    rule, assessment = control.rule, control.assessment
    return {
        "rule": rule.id,
        "title": text(rule.title),
        "severity": rule.severity.value,
        "recommendation": rule.recommendation,
        "status": rule.status,
        "pack": rule.pack,
        "why": text(rule.why),
        "remediation": [_step(step) for step in rule.remediation],
        "blind_spots": text(rule.blind_spots),
        "references": {framework: list(ids) for framework, ids in rule.references.items()},
        "attribution": rule.attribution,
        "verdict": assessment.verdict.value,
        "counts": {"fail": assessment.counts.failed, "pass": assessment.counts.passed, "unknown": assessment.counts.unknown},
        "at_least": assessment.at_least,
        "reasons": [text(reason) for reason in assessment.reasons],
        "findings": [finding(control, found) for found in control.findings],
    }


def finding(control: Control, found: Finding) -> dict[str, object]:
    """One finding of a control, as report.json holds it."""
    return {
        "severity": control.severity(found).value,
        "raised_by": next(iter(found.raised_by), ""),
        "combinations": list(found.raised_by),
        "fingerprint": found.fingerprint,
        "resource": found.resource,
        "evidence": {name: _value(value) for name, value in found.evidence.items()},
        "state": control.state(found),
        "change": found.change.value,
        "first_seen": time(found.first_seen) if found.first_seen else None,
        "waived_by": found.waived_by,
    }


def _combination(rule: Rule) -> dict[str, object]:
    return {
        "id": rule.id,
        "title": text(rule.title),
        "why": text(rule.why),
        "severity": rule.severity.value,
        "raises": list(rule.raises),
    }


def _step(step: Step) -> dict[str, object]:
    return {
        "text": text(step.text),
        "command": step.command,
        "verify": step.verify,
        "undo": step.undo,
        "effort_hours": step.effort_hours,
        "care_impact": text(step.care_impact),
    }


def _score(score: Score) -> dict[str, object]:
    return {
        "model": score.model,
        "grade": score.grade,
        "uncapped": score.uncapped,
        "base": score.base,
        "caps": [{"rule": cap.rule, "grade": cap.grade, "reason": text(cap.reason)} for cap in score.caps],
        "obstacles": [text(obstacle) for obstacle in score.obstacles],
    }


def _comparison(comparison: Comparison) -> dict[str, object]:
    return {
        "run_id": comparison.run_id,
        "as_of": time(comparison.as_of),
        "fixed": [_gone(gone) for gone in sorted(comparison.fixed)],
        "unseen": [_gone(gone) for gone in sorted(comparison.unseen)],
        "rules_changed": comparison.rules_changed,
    }


def _gone(gone: Gone) -> dict[str, object]:
    return {
        "rule": gone.rule,
        "resource": gone.resource,
        "fingerprint": gone.fingerprint,
        "name": gone.name,
        "severity": gone.severity.value,
    }


def _point(point: Point) -> dict[str, object]:
    return {
        "run_id": point.run_id,
        "as_of": time(point.as_of),
        "model": point.model,
        "grade": point.grade,
        "found": {severity.value: point.found.get(severity, 0) for severity in Severity},
        "ratios": list(point.ratios),
        "event_rule": point.event_rule,
        "event_change": point.event_change,
    }


def _waiver(use: WaiverUse) -> dict[str, object]:
    waiver = use.waiver
    return {
        "id": waiver.id,
        "rule": waiver.rule,
        "reason": text(waiver.reason),
        "approved_by": waiver.approved_by,
        "ticket": waiver.ticket,
        "created": waiver.created.isoformat(),
        "expires": waiver.expires.isoformat(),
        "max_objects": waiver.max_objects,
        "resources": list(waiver.resources),
        "columns": {name: list(values) for name, values in waiver.columns.items()},
        "where": waiver.where,
        "state": use.state.value,
        "matched": use.matched,
        "change": use.change.value,
    }


def _action(action: Action) -> dict[str, object]:
    return {
        "number": action.number,
        "title": text(action.title),
        "rules": list(action.rules),
        "hours": action.hours,
        "care_impact": text(action.care_impact),
        "owner": action.owner,
        "due": action.due.isoformat() if action.due else None,
        "state": action.state,
    }


def _figures(figures: Figures) -> dict[str, object]:
    return {
        "authentication": [_bar(bar) for bar in figures.authentication],
        "activity": [_bar(bar) for bar in figures.activity],
        "safeguards": [
            {
                "system": entry.system,
                "requirements": [
                    {"name": requirement.name, "holds": requirement.holds, "at": time(requirement.at) if requirement.at else None}
                    for requirement in entry.requirements
                ],
            }
            for entry in figures.safeguards
        ],
        "sign_ins": [list(hours) for hours in figures.sign_ins],
        "training": [_bar(bar) for bar in figures.training],
        "training_target": figures.training_target,
        "incomplete": sorted(figures.incomplete),
    }


def _bar(bar: Bar) -> dict[str, object]:
    return {"name": bar.name, "parts": [{"name": name, "count": count} for name, count in bar.parts]}


def text(text: Text) -> dict[str, str]:
    """A bilingual text as report.json holds it."""
    return {"en": text.en, "fr": text.fr}


def _value(value: Value) -> str | int | float | bool | None:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # JSON has no word for it
    return time(value) if isinstance(value, datetime) else value


def time(moment: datetime) -> str:
    """A UTC time in ISO 8601, ending in Z."""
    return moment.isoformat() + "Z"
