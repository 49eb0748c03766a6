"""The fictitious hospital, audited from its files, gives its answer key: nothing missing, nothing extra."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from auditor import collect, config, rules, snapshot
from auditor.assess import assess
from auditor.config import Audit
from auditor.model import Run, State
from sample_data.generator import hospital, sign_ins_cloud, sign_ins_daily
from sample_data.generator.__main__ import AS_OF, SEED
from sample_data.generator.facts import Facts
from sample_data.generator.sign_in_plan import CITRIX

HOSPITAL = Path(__file__).parent.parent / "sample_data" / "hospital"


def resources(run: Run) -> dict[str, list[str]]:
    """What each rule found, and on what each combination raised a finding."""
    found: dict[str, list[str]] = {rule.id: [] for rule in (*run.rules, *run.combinations)}
    for finding in (finding for judged in run.assessments for finding in judged.findings):
        found[finding.rule].append(finding.resource)
        for combination in finding.raised_by:
            found[combination].append(finding.resource)
    return {rule: sorted(named) for rule, named in found.items()}


@pytest.fixture(scope="module")
def settings() -> Audit:
    return config.load(HOSPITAL / "audit.yaml")


@pytest.fixture(scope="module")
def collected(settings: Audit, tmp_path_factory: pytest.TempPathFactory) -> snapshot.Snapshot:
    folder = tmp_path_factory.mktemp("sample") / "snapshot"
    assert settings.as_of is not None
    with snapshot.create(folder, settings.as_of) as writer:
        for source in settings.sources:
            collect.collect(source, writer, lambda _name, _rows: None)
    return snapshot.read(folder)


def test_findings_are_those_of_the_answer_key(settings: Audit, collected: snapshot.Snapshot) -> None:
    shipped = rules.load([rules.shipped()])
    run = assess(collected, settings, shipped)
    assert [entry for entry in run.coverage if entry.state is not State.COMPLETE] == []
    expected = json.loads((HOSPITAL / "expected.json").read_text(encoding="utf-8"))["rules"]
    assert set(expected) == {rule.id for rule in shipped}
    found = resources(run)
    for rule, answers in expected.items():
        assert found[rule] == answers, rule
    assert all(judged.verdict in ("fail", "pass") for judged in run.assessments)


def test_near_misses_of_sign_ins_stay_quiet_for_their_own_reason(settings: Audit, collected: snapshot.Snapshot) -> None:
    """With the guard taken away, each of them is found."""
    loose = {
        "LOG-011": {"min_accounts": 7}, "LOG-021": {"walk_minutes": 600}, "LOG-022": {"role_percent": 100, "unit_percent": 100},
        "LOG-027": {"times": 1},
    }  # fmt: skip
    bare = settings.model_copy(
        update={
            "monitoring": settings.monitoring.model_copy(update={"shared_origins": ()}),
            "rules": settings.rules.model_copy(update={"params": loose}),
        }
    )
    chosen = [rule for rule in rules.load([rules.shipped()]) if rule.id in {*loose, "LOG-034"}]
    found = resources(assess(collected, bare, chosen))
    made = hospital.build(SEED, "full", AS_OF)
    team = sign_ins_cloud.people(Facts(made))
    people = sign_ins_daily.crews(Facts(made), {who.account for who in team})
    guest, beach = team[8].account.sid, team[12].account.sid
    transferred, pool = (account.sid for account in people.floating[:2])
    assert {guest, beach} <= set(found["LOG-011"])
    assert people.pharmacists[1].sid in found["LOG-021"]
    assert {transferred, pool} <= set(found["LOG-022"])
    assert {CITRIX, sign_ins_daily.KIOSK} <= set(found["LOG-027"])
    assert next(account.sid for account in made.accounts if account.sam.startswith("adm_")) in found["LOG-034"]
