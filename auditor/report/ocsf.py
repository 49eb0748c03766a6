"""OCSF 1.6 for SIEMs: Compliance Finding (2003), and Detection Finding (2004) for what people and accounts did.

Times are milliseconds since 1970 (`timestamp_t`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from auditor import facts
from auditor.config import Audit
from auditor.facts import RECOMMENDATIONS, Control
from auditor.model import Change, Finding, Gone, Rule, Run, Severity, Verdict
from auditor.report import json_report, sarif, wording
from auditor.report.i18n import Phrases
from auditor.report.wording import TEXT_LIMIT
from auditor.safe import clipped

_COMPLIANCE, _DETECTION = 2003, 2004
_SEVERITIES = {Severity.CRITICAL: 5, Severity.HIGH: 4, Severity.MEDIUM: 3, Severity.LOW: 2}
_INFORMATIONAL = 1
_CREATE, _UPDATE, _CLOSE = 1, 2, 3
_NEW, _SUPPRESSED, _RESOLVED = 1, 3, 4
_PASS, _WARNING, _FAIL = 1, 2, 3
_STATES = {_NEW: "New", _SUPPRESSED: "Suppressed", _RESOLVED: "Resolved"}
_OUTCOMES = {_PASS: "Pass", _WARNING: "Warning", _FAIL: "Fail"}
_ANALYTIC_RULE = 1


def files(run: Run, settings: Audit) -> Mapping[str, str]:
    """ocsf.json: one array; an event per finding, per finding that was fixed, and per control that passed or gave no result."""
    events = sorted(_events(run, Phrases(settings.language)), key=lambda event: (str(event["_rule"]), str(event["_uid"])))
    lines = [json_report.written({name: value for name, value in event.items() if name[0] != "_"}) for event in events]
    return {"ocsf.json": "[\n" + ",\n".join(lines) + "\n]\n"}


def _events(run: Run, say: Phrases) -> Iterator[dict[str, object]]:
    counted = facts.of(run)
    rules = {control.rule.id: control.rule for control in counted.controls}
    for control in counted.controls:
        for finding in (*control.confirmed, *control.waived):
            yield _found(run, say, control, finding)
        if control.assessment.verdict is Verdict.PASS:
            yield _whole(run, say, control, _PASS)
        elif not control.ran:
            yield _whole(run, say, control, _WARNING)
    for gone in run.comparison.fixed if run.comparison else ():
        if gone.rule in rules:
            yield _fixed(run, say, rules[gone.rule], gone)


def _found(run: Run, say: Phrases, control: Control, finding: Finding) -> dict[str, object]:
    known = run.comparison is not None and finding.change is Change.OPEN
    event = _event(run, say, control.rule, finding.fingerprint, _UPDATE if known else _CREATE, finding.first_seen)
    status = _SUPPRESSED if finding.waived_by else _NEW
    event |= {
        "severity_id": _SEVERITIES[control.severity(finding)],
        **_status(status, wording.justification(say, run, finding.waived_by) if finding.waived_by else ""),
        "resources": [_resource(finding.resource, str(finding.evidence.get("name") or finding.resource))],
    }
    if event["class_uid"] == _DETECTION:
        # What such a rule shows of a time is when something was done.
        times = [_milliseconds(value) for value in finding.evidence.values() if isinstance(value, datetime)]
        event |= {"start_time": min(times), "end_time": max(times)} if times else {}
    else:
        event["compliance"] = _compliance(control.rule, _FAIL)
    return event


def _fixed(run: Run, say: Phrases, rule: Rule, gone: Gone) -> dict[str, object]:
    event = _event(run, say, rule, gone.fingerprint, _CLOSE, None)
    event |= {"severity_id": _SEVERITIES[gone.severity], **_status(_RESOLVED, ""), "resources": [_resource(gone.resource, gone.name)]}
    if event["class_uid"] == _COMPLIANCE:
        event["compliance"] = _compliance(rule, _PASS)
    return event


def _whole(run: Run, say: Phrases, control: Control, outcome: int) -> dict[str, object]:
    """A control that found nothing, or that could not be run to its end: never a detection."""
    uid = sarif.fingerprint(control.rule.id, _OUTCOMES[outcome])
    detail = wording.not_assessed(say, control) if outcome == _WARNING else ""
    event = _event(run, say, control.rule, uid, _CREATE, None, _COMPLIANCE)
    return event | {"severity_id": _INFORMATIONAL, **_status(_NEW, detail), "compliance": _compliance(control.rule, outcome)}


def _event(
    run: Run, say: Phrases, rule: Rule, uid: str, activity: int, first_seen: datetime | None, kind: int | None = None
) -> dict[str, object]:
    kind = kind or (_DETECTION if _detects(rule) else _COMPLIANCE)
    title, moment = clipped(say.of(rule.title), TEXT_LIMIT), _milliseconds(run.as_of)
    about: dict[str, object] = {
        "uid": uid,
        "title": title,
        "desc": clipped(say.of(rule.why), TEXT_LIMIT),
        "created_time": _milliseconds(first_seen) if first_seen else moment,
        "types": ["identity"],
        "analytic": {"type_id": _ANALYTIC_RULE, "type": "Rule", "name": title, "uid": clipped(rule.id, TEXT_LIMIT)},
    }
    if attacks := [_attack(technique) for technique in rule.references.get("attack", ())]:
        about["attacks"] = attacks
    steps = " ".join(f"{number}. {say.of(step.text)}" for number, step in enumerate(rule.remediation, start=1))
    return {
        "_rule": rule.id,
        "_uid": uid,
        "activity_id": activity,
        "category_uid": 2,
        "class_uid": kind,
        "type_uid": kind * 100 + activity,
        "time": moment,
        "metadata": {
            "version": "1.6.0",
            "product": {"name": "auditor", "vendor_name": "auditor", "version": run.version},
            "event_code": clipped(rule.id, TEXT_LIMIT),
            "uid": uid,
        },
        "finding_info": about,
        "remediation": {"desc": clipped(steps or title, TEXT_LIMIT)},
    }


def _detects(rule: Rule) -> bool:
    """The rule finds something that was done, rather than a setting: all of recommendation 4 but what measures the logs themselves."""
    watching = RECOMMENDATIONS[3]
    return rule.recommendation == watching.id and rule.id not in watching.measured_by


def _compliance(rule: Rule, outcome: int) -> dict[str, object]:
    standards = [f"{framework}:{reference}" for framework, ids in sorted(rule.references.items()) for reference in ids]
    return {
        "control": clipped(rule.id, TEXT_LIMIT),
        "requirements": [f"R{rule.recommendation}"],
        "standards": [clipped(standard, TEXT_LIMIT) for standard in standards],
        "status_id": outcome,
    }


def _status(status: int, detail: str) -> dict[str, object]:
    said = {"status_id": status, "status": _STATES[status]}
    return said | ({"status_detail": clipped(detail, TEXT_LIMIT)} if detail else {})


def _resource(uid: str, name: str) -> dict[str, str]:
    return {"uid": clipped(uid, TEXT_LIMIT), "name": clipped(name, TEXT_LIMIT)}


def _attack(technique: str) -> dict[str, object]:
    main, _, sub = technique.partition(".")
    attack: dict[str, object] = {"technique": {"uid": main, "name": main}}
    return attack | ({"sub_technique": {"uid": technique, "name": technique}} if sub else {})


def _milliseconds(moment: datetime) -> int:
    return round(moment.replace(tzinfo=UTC).timestamp() * 1000)
