"""Findings as JSON lines for log collectors: one finding per line, as report.json holds it, with what its rule says."""

from __future__ import annotations

from collections.abc import Mapping

from auditor import facts
from auditor.config import Audit
from auditor.model import Run
from auditor.report import json_report


def files(run: Run, _settings: Audit) -> Mapping[str, str]:
    """findings.jsonl: in order of rule, those that count first; without findings it is empty."""
    about = {"run": run.id, "as_of": json_report.time(run.as_of), "establishment": run.establishment}
    lines = []
    for control in facts.of(run).controls:
        rule = {
            "rule": control.rule.id,
            "title": json_report.text(control.rule.title),
            "recommendation": control.rule.recommendation,
            "verdict": control.assessment.verdict.value,
        }
        lines += [json_report.written(about | rule | json_report.finding(control, found)) for found in control.findings]
    return {"findings.jsonl": "".join(line + "\n" for line in lines)}
