"""The sample hospital judged from its live directory gives the answer key: every resource of every rule, and no other."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from auditor import collect, config, rules, snapshot
from auditor.assess import assess
from auditor.model import Verdict
from tests.lab.conftest import HOSPITAL
from tests.lab.samba import Lab
from tests.lab.test_equality import live_source
from tests.test_sample_findings import resources

pytestmark = pytest.mark.lab

SAMPLE = HOSPITAL.parents[1]


def test_live_findings_are_those_of_the_answer_key(hospital_dc: Lab, tmp_path: Path) -> None:
    settings = config.load(SAMPLE / "audit.yaml")
    assert settings.as_of is not None
    expected = json.loads((SAMPLE / "expected.json").read_text(encoding="utf-8"))["rules"]
    live = live_source(hospital_dc, tmp_path)
    sources = [
        live.model_copy(update={"name": source.name, "professional_id_attributes": source.professional_id_attributes})
        if isinstance(source, config.Ldif)
        else source
        for source in settings.sources
    ]
    with snapshot.create(tmp_path / "snapshot", settings.as_of) as writer:
        for source in sources:
            collect.collect(source, writer, lambda _name, _rows: None)
        # The laboratory lives in the present, the sample on its own date: without this, the directory would be too new for the audit.
        writer.coverage = [replace(entry, collected_at=settings.as_of) for entry in writer.coverage]
    run = assess(snapshot.read(tmp_path / "snapshot"), settings, rules.load([rules.shipped()]))
    found = resources(run)
    differing = {rule: sorted(set(found.get(rule, ())) ^ set(expected[rule]))[:5] for rule in expected if found.get(rule) != expected[rule]}
    assert differing == {}
    assert [one for one in run.assessments if one.verdict not in (Verdict.FAIL, Verdict.PASS)] == []
