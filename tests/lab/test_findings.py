"""The sample hospital judged from its live directory and its live tenant gives the answer key: every resource of every rule, and no
other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import trustme

from auditor import collect, config, rules, snapshot
from auditor.assess import assess
from auditor.config_entra import Entra, EntraFiles
from auditor.model import Verdict
from tests.graph import emulator
from tests.graph.emulator import CLIENT, SECRET, TENANT, Emulator
from tests.lab.conftest import HOSPITAL
from tests.lab.samba import Lab
from tests.lab.test_equality import live_source
from tests.test_sample_findings import resources

pytestmark = pytest.mark.lab

SAMPLE = HOSPITAL.parents[1]


@pytest.fixture
def tenant(tmp_path: Path) -> Iterator[Emulator]:
    """The hospital's saved pages, served by a login server and a Graph of their own."""
    pages = {path.relative_to(SAMPLE).as_posix(): path.read_bytes() for path in (SAMPLE / "entra").rglob("*.json")}
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "graph.pem")
    with emulator.running(Emulator.of_pages(pages), authority) as started:
        yield started
    assert started.writes == []


def live(source: config.Source, lab: Lab, tenant: Emulator, folder: Path) -> config.Source:
    """The same source, read from a server in the place of its files, where there is one."""
    if isinstance(source, config.Ldif):
        said = {"name": source.name, "professional_id_attributes": source.professional_id_attributes}
        return live_source(lab, folder).model_copy(update=said)
    if not isinstance(source, EntraFiles):
        return source
    secret = folder / "client.secret"
    secret.touch(mode=0o600)
    secret.write_text(SECRET, encoding="utf-8")
    return Entra(
        type="entra", name=source.name, tenant=TENANT, client_id=CLIENT, sign_in="secret", secret=config.Secret(file=secret),
        login_url=tenant.url, graph_url=tenant.url, ca_file=folder / "graph.pem", deadline=120, sign_in_days=source.sign_in_days,
        professional_id_attribute=source.professional_id_attribute,
    )  # fmt: skip


def test_live_findings_are_those_of_the_answer_key(hospital_dc: Lab, tenant: Emulator, tmp_path: Path) -> None:
    settings = config.load(SAMPLE / "audit.yaml")
    assert settings.as_of is not None
    expected = json.loads((SAMPLE / "expected.json").read_text(encoding="utf-8"))["rules"]
    with snapshot.create(tmp_path / "snapshot", settings.as_of) as writer:
        for source in settings.sources:
            collect.collect(live(source, hospital_dc, tenant, tmp_path), writer, lambda _name, _rows: None)
        # The laboratory lives in the present, the sample on its own date: without this, the directory would be too new for the audit.
        writer.coverage = [replace(entry, collected_at=settings.as_of) for entry in writer.coverage]
    assert len(tenant.requests) > 30
    run = assess(snapshot.read(tmp_path / "snapshot"), settings, rules.load([rules.shipped()]))
    found = resources(run)
    differing = {rule: sorted(set(found.get(rule, ())) ^ set(expected[rule]))[:5] for rule in expected if found.get(rule) != expected[rule]}
    assert differing == {}
    assert [one for one in run.assessments if one.verdict not in (Verdict.FAIL, Verdict.PASS)] == []
