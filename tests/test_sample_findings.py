"""The fictitious hospital, audited from its files, gives its answer key: nothing missing, nothing extra."""

from __future__ import annotations

import json
from pathlib import Path

from auditor import collect, config, rules, snapshot
from auditor.assess import assess
from auditor.model import Run, State

HOSPITAL = Path(__file__).parent.parent / "sample_data" / "hospital"


def resources(run: Run) -> dict[str, list[str]]:
    """What each rule found, and on what each combination raised a finding."""
    found: dict[str, list[str]] = {rule.id: [] for rule in (*run.rules, *run.combinations)}
    for finding in (finding for judged in run.assessments for finding in judged.findings):
        found[finding.rule].append(finding.resource)
        if finding.raised_by:
            found[finding.raised_by].append(finding.resource)
    return {rule: sorted(named) for rule, named in found.items()}


def test_findings_are_those_of_the_answer_key(tmp_path: Path) -> None:
    settings = config.load(HOSPITAL / "audit.yaml")
    assert settings.as_of is not None
    with snapshot.create(tmp_path / "snapshot", settings.as_of) as writer:
        for source in settings.sources:
            collect.collect(source, writer, lambda _name, _rows: None)
    shipped = rules.load([rules.shipped()])
    run = assess(snapshot.read(tmp_path / "snapshot"), settings, shipped)
    assert [entry for entry in run.coverage if entry.state is not State.COMPLETE] == []
    expected = json.loads((HOSPITAL / "expected.json").read_text(encoding="utf-8"))["rules"]
    assert set(expected) == {rule.id for rule in shipped}
    found = resources(run)
    for rule, answers in expected.items():
        assert found[rule] == answers, rule
    assert all(judged.verdict in ("fail", "pass") for judged in run.assessments)
