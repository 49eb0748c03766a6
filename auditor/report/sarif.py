"""SARIF 2.1.0 (OASIS), as GitHub code scanning and other viewers read it.

An account has no line of source: a result points at the rule's file and names the object as a logical location. By default there is one
result per rule, with the number of its findings; one per object is for viewers inside the hospital.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from hashlib import sha256
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

from auditor import facts
from auditor.config import Audit
from auditor.facts import Control
from auditor.model import Finding, Run, Severity, Verdict
from auditor.report import json_report, wording
from auditor.report.i18n import Phrases
from auditor.report.wording import TEXT_LIMIT
from auditor.safe import clipped

RESULTS_LIMIT = 5000
"""Results of one run that GitHub keeps."""

_NAME_LIMIT = 255
_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {Severity.CRITICAL: "error", Severity.HIGH: "error", Severity.MEDIUM: "warning", Severity.LOW: "note"}
_SCORES = {Severity.CRITICAL: 9.5, Severity.HIGH: 8.0, Severity.MEDIUM: 5.5, Severity.LOW: 2.0}


def files(run: Run, settings: Audit) -> Mapping[str, str]:
    """audit.sarif."""
    return {"audit.sarif": render(run, Phrases(settings.language), per_object=settings.sarif_per == "object")}


def fingerprint(rule: str, outcome: str = "") -> str:
    """What a line that stands for a whole rule, rather than for an object, is recognised by from run to run."""
    return sha256(f"{rule}|{outcome}".encode()).hexdigest()[:24]


def location(rule: str) -> str:
    """The place a finding without a line of source is shown at."""
    return f"rules/{quote(rule)}.yaml"


def render(run: Run, say: Phrases, *, per_object: bool) -> str:
    """A run that has its exit as SARIF, in order of rule and fingerprint; beyond the limit of results the worst are kept, and a
    notification says how many are not there."""
    controls = facts.of(run).controls
    indexed = list(enumerate(controls))
    made = [
        result
        for index, control in indexed
        if control.confirmed or control.waived
        for result in (
            (_object(run, say, index, control, finding) for finding in (*control.confirmed, *control.waived))
            if per_object
            else [_whole(run, say, index, control)]
        )
    ]
    kept = sorted(made, key=_worst_first)[:RESULTS_LIMIT]
    notifications = [_not_assessed(say, index, control) for index, control in indexed if not control.ran]
    notifications += [
        _notification("NOTICE", "warning", f"{notice.source}{say.gettext(':')} {say.of(notice.text)}") for notice in run.notices
    ]
    if cut := len(made) - len(kept):
        told = say.ngettext(
            "%(count)s result is not in this file: only the worst %(kept)s are.",
            "%(count)s results are not in this file: only the worst %(kept)s are.",
            cut,
            kept=say.number(RESULTS_LIMIT),
        )
        notifications.append(_notification("CUT", "warning", told))
    invocation: dict[str, object] = {
        "executionSuccessful": True,
        "startTimeUtc": json_report.time(run.as_of),
        "toolExecutionNotifications": notifications,
    }
    if run.exit:
        invocation |= {"exitCode": run.exit.code, "exitCodeDescription": clipped(say.of(run.exit.reason), TEXT_LIMIT)}
    category = f"auditor/{_slug(run.establishment)}/{run.as_of.date().isoformat()}"
    document = {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": _driver(run, say, controls, per_object=per_object)},
                "automationDetails": {"id": category, "guid": str(uuid5(NAMESPACE_URL, f"{category}/{run.id}"))},
                "columnKind": "utf16CodeUnits",
                "defaultEncoding": "utf-8",
                "invocations": [invocation],
                "results": sorted(kept, key=lambda result: (str(result["ruleId"]), str(result["guid"]))),
            }
        ],
    }
    return json_report.written(document, indent=1) + "\n"


def _driver(run: Run, say: Phrases, controls: tuple[Control, ...], *, per_object: bool) -> dict[str, object]:
    outcomes = {
        "NOT-ASSESSED": say.gettext("A control that was not run is not a control that passed."),
        "ERROR": say.gettext("A control ended in an error: it says nothing."),
        "NOTICE": say.gettext("What readers must know of a source."),
        "CUT": say.gettext("Results left out because of a limit."),
    }
    return {
        "name": "auditor",
        "semanticVersion": run.version,
        "language": say.language.value,
        "rules": [_rule(say, control, per_object=per_object) for control in controls],
        "notifications": [
            # GitHub asks the same texts of a notification as of a rule.
            {"id": name, "shortDescription": {"text": text}, "fullDescription": {"text": text}, "help": {"text": text}}
            for name, text in outcomes.items()
        ],
    }


def _rule(say: Phrases, control: Control, *, per_object: bool) -> dict[str, object]:
    rule = control.rule
    # GitHub shows the severity of the rule for all its results: a result that stands for all findings bears the worst.
    severity = rule.severity if per_object else wording.worst(control)
    steps = " ".join(f"{number}. {say.of(step.text)}" for number, step in enumerate(rule.remediation, start=1))
    return {
        "id": clipped(rule.id, _NAME_LIMIT),
        "name": clipped("".join(part.capitalize() for part in re.split(r"[^A-Za-z0-9]+", rule.id)), _NAME_LIMIT),
        "shortDescription": {"text": clipped(say.of(rule.title), TEXT_LIMIT)},
        "fullDescription": {"text": clipped(say.of(rule.why), TEXT_LIMIT)},
        "help": {"text": clipped(steps or say.of(rule.title), TEXT_LIMIT)},
        "defaultConfiguration": {"level": _LEVELS[severity], "rank": _SCORES[severity] * 10},
        "properties": {
            "tags": ["security", "identity", f"recommendation-{rule.recommendation}"],
            "precision": "high",
            "security-severity": str(_SCORES[severity]),
        },
    }


def _whole(run: Run, say: Phrases, index: int, control: Control) -> dict[str, object]:
    """The findings of a rule as one result; it is suppressed when waivers accept all of them."""
    new = sum(wording.is_new(finding.change) for finding in control.confirmed)
    state = "new" if new and new == control.count else "updated" if new else "unchanged"
    waivers = [] if control.confirmed else sorted({finding.waived_by for finding in control.waived})
    message = f"{say.of(control.rule.title)}{say.gettext(':')} {wording.found(say, control)}"
    return _result(run, say, index, control, wording.worst(control), message, fingerprint(control.rule.id), state, waivers)


def _object(run: Run, say: Phrases, index: int, control: Control, finding: Finding) -> dict[str, object]:
    name = str(finding.evidence.get("name") or finding.resource)
    message = f"{say.of(control.rule.title)}{say.gettext(':')} {clipped(name, _NAME_LIMIT)}"
    state = "new" if wording.is_new(finding.change) else "unchanged"
    waivers = [finding.waived_by] if finding.waived_by else []
    place = {"name": clipped(name, _NAME_LIMIT), "fullyQualifiedName": clipped(finding.resource, _NAME_LIMIT), "kind": "object"}
    return _result(run, say, index, control, control.severity(finding), message, finding.fingerprint, state, waivers, place)


def _result(
    run: Run,
    say: Phrases,
    index: int,
    control: Control,
    severity: Severity,
    message: str,
    known_by: str,
    state: str,
    waivers: list[str],
    place: Mapping[str, str] | None = None,
) -> dict[str, object]:
    region = {"startLine": 1, "startColumn": 1, "endLine": 1, "endColumn": 2}
    locations: dict[str, object] = {"physicalLocation": {"artifactLocation": {"uri": location(control.rule.id)}, "region": region}}
    if place:
        locations["logicalLocations"] = [place]
    return {
        "ruleId": clipped(control.rule.id, _NAME_LIMIT),
        "ruleIndex": index,
        "level": _LEVELS[severity],
        "rank": _SCORES[severity] * 10,
        "kind": "fail",
        "guid": str(uuid5(NAMESPACE_URL, known_by)),
        "message": {"text": clipped(message, TEXT_LIMIT)},
        "locations": [locations],
        "partialFingerprints": {"primaryLocationLineHash": f"{known_by}:1", "auditFinding/v1": known_by},
        **({"baselineState": state} if run.comparison else {}),
        # An empty list says: not suppressed; its absence would say: not known.
        "suppressions": [
            {
                "kind": "external",
                "status": "accepted",
                "justification": clipped(wording.justification(say, run, waiver), TEXT_LIMIT),
                "guid": str(uuid5(NAMESPACE_URL, f"{known_by}|{waiver}")),
            }
            for waiver in waivers
        ],
    }


def _not_assessed(say: Phrases, index: int, control: Control) -> dict[str, object]:
    name, level = ("ERROR", "error") if control.assessment.verdict is Verdict.ERROR else ("NOT-ASSESSED", "warning")
    text = f"{control.rule.id} {say.of(control.rule.title)}. {wording.not_assessed(say, control)}"
    return _notification(name, level, text) | {"associatedRule": {"id": clipped(control.rule.id, _NAME_LIMIT), "index": index}}


def _notification(name: str, level: str, text: str) -> dict[str, object]:
    return {"descriptor": {"id": name}, "level": level, "message": {"text": clipped(text, TEXT_LIMIT)}}


def _worst_first(result: Mapping[str, object]) -> tuple[bool, float, str, str]:
    return bool(result["suppressions"]), -float(str(result["rank"])), str(result["ruleId"]), str(result["guid"])


def _slug(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii").lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:80] or "establishment"
