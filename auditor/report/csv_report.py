"""Findings as CSV: one file with all of them for people, one per rule for scripts, and what became of every control.

UTF-8 with a byte order mark, semicolons, CRLF and every field quoted, so that a spreadsheet in either language opens them as they are;
no value can become a formula.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from io import StringIO

from auditor import facts, safe
from auditor.config import Audit
from auditor.facts import Control
from auditor.model import Finding, Run, Value
from auditor.report.i18n import Phrases


def files(run: Run, settings: Audit) -> Mapping[str, str]:
    """findings.csv in the language of the report, and the folder findings/ with controls.csv and one file per rule that has findings."""
    counted = facts.of(run)
    made = {"findings.csv": _all(Phrases(settings.language), counted.controls)}
    # controls.csv is always there: with it the folder is replaced, and no file of an earlier run is left, when nothing is found.
    made["findings/controls.csv"] = _controls(Phrases(settings.language), counted.controls)
    for control in counted.controls:
        if control.findings:
            made[f"findings/{control.rule.id}.csv"] = _of_rule(control)
    return made


def _all(say: Phrases, controls: Iterable[Control]) -> str:
    head = [
        say.gettext("Rule"), say.gettext("Finding"), say.gettext("Severity"), say.gettext("Recommendation"), say.gettext("State"),
        say.gettext("First seen"), say.column("name"), say.gettext("Evidence"), say.gettext("Waiver"), say.gettext("Identifier"),
        say.gettext("Fingerprint"),
    ]  # fmt: skip
    return _written(head, (_row(say, control, finding) for control in controls for finding in control.findings))


def _row(say: Phrases, control: Control, finding: Finding) -> list[Value]:
    rest = (name for name in finding.evidence if name != "name")
    return [
        control.rule.id,
        say.of(control.rule.title),
        say.word("severity", control.severity(finding).value),
        control.rule.recommendation,
        say.word("finding", control.state(finding)),
        finding.first_seen,
        finding.evidence.get("name"),
        " | ".join(f"{say.column(name)}{say.gettext(':')} {say.cell(name, finding.evidence)}" for name in rest),
        finding.waived_by,
        finding.resource,
        finding.fingerprint,
    ]


def _controls(say: Phrases, controls: Iterable[Control]) -> str:
    head = [
        say.gettext("Rule"), say.gettext("Finding"), say.gettext("Severity"), say.gettext("Recommendation"), say.gettext("Verdict"),
        say.gettext("Findings"), say.gettext("Waived"), say.gettext("Unconfirmed"), say.gettext("Reason"),
    ]  # fmt: skip
    rows = (
        [
            control.rule.id, say.of(control.rule.title), say.word("severity", control.rule.severity.value), control.rule.recommendation,
            say.word("verdict", control.assessment.verdict.value), control.count, len(control.waived), control.unconfirmed,
            " ".join(say.of(reason) for reason in control.assessment.reasons),
        ]
        for control in controls
    )  # fmt: skip
    return _written(head, rows)


def _of_rule(control: Control) -> str:
    """The result columns of a rule under their own names, for scripts; an empty field is a value that is not known."""
    names = list(dict.fromkeys(name for finding in control.findings for name in finding.evidence))
    head = ["resource", *names, "severity", "state", "first_seen", "waived_by", "fingerprint"]
    rows = (
        [
            finding.resource, *(finding.evidence.get(name) for name in names), control.severity(finding).value, control.state(finding),
            finding.first_seen, finding.waived_by, finding.fingerprint,
        ]
        for finding in control.findings
    )  # fmt: skip
    return _written(head, rows)


def _written(head: list[str], rows: Iterable[Sequence[object]]) -> str:
    out = StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n", quoting=csv.QUOTE_ALL)
    writer.writerow([safe.cell(name) for name in head])
    writer.writerows([_cell(value) for value in row] for row in rows)
    return "\ufeff" + out.getvalue()


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case datetime():
            return value.isoformat(sep=" ", timespec="seconds")
        case int() | float():
            return str(value)
        case _:
            return safe.cell(str(value))
