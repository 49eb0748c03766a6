"""The fictitious hospital, audited from its files, gives its answer key: nothing missing, nothing extra."""

from __future__ import annotations

import json
from pathlib import Path

from auditor import collect, config, rules, snapshot
from auditor.assess import assess
from auditor.model import State

HOSPITAL = Path(__file__).parent.parent / "sample_data" / "hospital"


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
    found = {judged.rule: sorted(finding.resource for finding in judged.findings) for judged in run.assessments}
    for rule, resources in expected.items():
        assert found[rule] == resources, rule
    assert all(judged.verdict in ("fail", "pass") for judged in run.assessments)
