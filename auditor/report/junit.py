"""JUnit XML, as GitLab, Azure DevOps and Jenkins read it: a suite per recommendation, a case per control.

A control that was not assessed is skipped, with the reason; the exit code 3 is what stops a pipeline then, because skipped cases are green.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from auditor import facts
from auditor.config import Audit
from auditor.facts import Control
from auditor.model import Finding, Run, Verdict
from auditor.report import wording
from auditor.report.i18n import Phrases
from auditor.report.wording import TEXT_LIMIT
from auditor.safe import clipped

OBJECTS_LIMIT = 50
"""Findings named per failed case; the other outputs hold them all."""

_NO_CHARACTERS = {code: f"<U+{code:04X}>" for code in (0xFFFE, 0xFFFF)}
"""What XML 1.0 has no room for, beside the control characters that `clipped` marks."""


def files(run: Run, settings: Audit) -> Mapping[str, str]:
    """junit.xml."""
    return {"junit.xml": render(run, Phrases(settings.language))}


def render(run: Run, say: Phrases) -> str:
    """A run as JUnit XML. Times are those of the run, durations 0: the same input gives the same bytes."""
    counted = facts.of(run)
    root = Element("testsuites", {"name": _text(run.establishment, TEXT_LIMIT)} | _totals(counted.controls))
    for recommendation in facts.RECOMMENDATIONS:
        controls = counted.chapter(recommendation.id)
        name = f"{recommendation.id}. {say.of(recommendation.title)}"
        suite = SubElement(root, "testsuite", {"name": name, "timestamp": run.as_of.isoformat(timespec="seconds")} | _totals(controls))
        for control in controls:
            _case(say, suite, control)
    indent(root)
    return tostring(root, encoding="unicode", xml_declaration=False).join(('<?xml version="1.0" encoding="UTF-8"?>\n', "\n"))


def _case(say: Phrases, suite: Element, control: Control) -> None:
    # GitLab ignores all but one of the cases that bear the same name: the id makes it unique.
    name = _text(f"{control.rule.id} {say.of(control.rule.title)}", TEXT_LIMIT)
    case = SubElement(suite, "testcase", name=name, classname=_text(control.rule.id, TEXT_LIMIT), time="0")
    match control.assessment.verdict:
        case Verdict.FAIL if control.confirmed:
            failure = SubElement(case, "failure", message=wording.found(say, control), type=wording.worst(control).value)
            failure.text = "\n".join(_objects(say, control))
        case Verdict.NOTCHECKED | Verdict.NOTAPPLICABLE:
            SubElement(case, "skipped", message=_text(wording.not_assessed(say, control), TEXT_LIMIT))
        case Verdict.ERROR:
            SubElement(case, "error", message=_text(wording.not_assessed(say, control), TEXT_LIMIT), type="error")
        case _ if control.waived:
            SubElement(case, "system-out").text = wording.found(say, control)


def _objects(say: Phrases, control: Control) -> list[str]:
    # Those that count come first.
    lines = [_object(say, finding) for finding in control.findings[: min(OBJECTS_LIMIT, control.count)]]
    if more := control.count - len(lines):
        lines.append(say.ngettext("… and %(count)s more", "… and %(count)s more", more))
    return lines


def _object(say: Phrases, finding: Finding) -> str:
    name = _text(str(finding.evidence.get("name") or finding.resource), 200)
    return f"{name} ({_text(finding.resource, 200)}) {say.word('finding', finding.change.value)}"


def _totals(controls: Sequence[Control]) -> dict[str, str]:
    skipped = (Verdict.NOTCHECKED, Verdict.NOTAPPLICABLE)
    return {
        "tests": str(len(controls)),
        "failures": str(sum(bool(control.confirmed) for control in controls)),
        "errors": str(sum(control.assessment.verdict is Verdict.ERROR for control in controls)),
        "skipped": str(sum(control.assessment.verdict in skipped for control in controls)),
        "time": "0",
    }


def _text(value: str, limit: int) -> str:
    return clipped(value, limit).translate(_NO_CHARACTERS)
