"""Sources that say less than they seem to: no rule that depends on one is called green, or not applicable."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path

import pytest

from auditor import collect, config, rules, snapshot
from auditor.assess import assess
from auditor.config import Audit, GroupRoles, KindPatterns
from auditor.model import Assessment, Rule, Run, State, Verdict
from auditor.rule_analysis import analyse
from sample_data.generator import hospital

AS_OF = datetime(2026, 11, 20, 6)
FILES = ("directory/", "registry/", "hr/", "vendors/")
SAMPLE = Path(__file__).parent.parent / "sample_data" / "hospital" / "audit.yaml"
SHIPPED = rules.load([rules.shipped()])


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample hospital made small: its directory, registry, HR file and register of suppliers."""
    folder = tmp_path_factory.mktemp("hospital")
    files = hospital.files(hospital.build(7, "small", AS_OF))
    hospital.write(folder, {name: content for name, content in files.items() if name.startswith(FILES)})
    (folder / "audit.yaml").write_text(SAMPLE.read_text(encoding="utf-8"), encoding="utf-8")
    return folder


def settings(folder: Path) -> Audit:
    audit = config.load(folder / "audit.yaml")
    kept = tuple(source for source in audit.sources if source.type in ("ldif", "registry_fr", "hr", "vendors"))
    return audit.model_copy(update={"sources": kept})


def collected(audit: Audit, folder: Path, as_of: datetime = AS_OF) -> snapshot.Snapshot:
    with snapshot.create(folder, as_of) as writer:
        for source in audit.sources:
            collect.collect(source, writer, lambda _name, _rows: None)
    return snapshot.read(folder)


@pytest.fixture(scope="module")
def whole(written: Path, tmp_path_factory: pytest.TempPathFactory) -> snapshot.Snapshot:
    return collected(settings(written), tmp_path_factory.mktemp("whole") / "snapshot")


def reading(*tables: str) -> list[Rule]:
    """Shipped controls that read one of these tables, and nothing the small hospital lacks."""
    lacking = {"account_sign_in", "sign_in", "entra_user", "otp_token", "identity"}
    return [
        rule
        for rule in SHIPPED
        if not rule.raises and analyse(rule.query).reads.keys() & set(tables) and not analyse(rule.query).reads.keys() & lacking
    ]


def needing(section: str) -> list[Rule]:
    """Controls that ask for a role or a kind; `section.value`."""
    _, value = section.split(".")
    return [rule for rule in reading("account", "group_role") if any(need.values == (value,) for need in analyse(rule.query).needs)]


def doubted(run: Run) -> None:
    """Every control is not checked or, when it found something all the same, says that there may be more; and why."""
    assert run.assessments
    wrong = [(judged.rule, judged.verdict) for judged in run.assessments if not explained(judged)]
    assert wrong == []


def explained(judged: Assessment) -> bool:
    uncertain = judged.verdict is Verdict.NOTCHECKED or (judged.verdict is Verdict.FAIL and judged.at_least)
    return uncertain and bool(judged.reasons)


def reasons(run: Run) -> str:
    return " | ".join(reason.en for judged in run.assessments for reason in judged.reasons)


def changed(audit: Audit, kind: str, **update: object) -> Audit:
    sources = tuple(source.model_copy(update=update) if source.type == kind else source for source in audit.sources)
    return audit.model_copy(update={"sources": sources})


def header_only(audit: Audit, folder: Path) -> Audit:
    (source,) = (source for source in audit.sources if source.type == "hr")
    assert isinstance(source, config.Hr)
    (folder / "agents.csv").write_bytes(source.path.read_bytes().splitlines(keepends=True)[0])
    return changed(audit, "hr", path=folder / "agents.csv")


def hr_absent(audit: Audit, folder: Path) -> Audit:
    return changed(audit, "hr", path=folder / "none.csv")


def wrong_mapping(audit: Audit, _folder: Path) -> Audit:
    (source,) = (source for source in audit.sources if source.type == "hr")
    assert isinstance(source, config.Hr)
    return changed(audit, "hr", columns={**source.columns, "person_number": source.columns["unit_code"]})


def ends_are_not_in_the_file(audit: Audit, folder: Path) -> Audit:
    (source,) = (source for source in audit.sources if source.type == "hr")
    assert isinstance(source, config.Hr)
    header, *lines = source.path.read_bytes().splitlines()
    place = header.decode(source.encoding).split(";").index(source.columns["ends_at"])
    cut = [b";".join(b"" if number == place else cell for number, cell in enumerate(line.split(b";"))) for line in lines]
    (folder / "agents.csv").write_bytes(b"\r\n".join([header, *cut, b""]))
    return changed(audit, "hr", path=folder / "agents.csv")


def without_employee_id(audit: Audit, folder: Path) -> Audit:
    (source,) = (source for source in audit.sources if source.type == "ldif")
    assert isinstance(source, config.Ldif)
    lines = source.paths[0].read_text(encoding="utf-8").splitlines(keepends=True)
    path = folder / "directory.ldif"
    path.write_text("".join(line for line in lines if not line.startswith("employeeID")), encoding="utf-8")
    return changed(audit, "ldif", paths=(path,))


def wrong_attribute(audit: Audit, _folder: Path) -> Audit:
    return changed(audit, "ldif", professional_id_attributes=("extensionAttribute15",))


HR = ("account_hr", "hr_contract")


@pytest.mark.parametrize(
    ("damage", "tables", "sentence"),
    [
        (header_only, HR, "hr_contract (incomplete)"),
        (hr_absent, HR, "hr_contract (not collected)"),
        (wrong_mapping, HR, "personal accounts match the HR file"),
        (ends_are_not_in_the_file, HR, "hr_contract (incomplete)"),
        (without_employee_id, HR, "personal accounts match the HR file"),
        (wrong_attribute, ("account_professional", "account_registry"), "no account carries a professional id"),
    ],
)
def test_a_damaged_source_leaves_nothing_green(
    damage: Callable[[Audit, Path], Audit], tables: Iterable[str], sentence: str, written: Path, tmp_path: Path
) -> None:
    audit = damage(settings(written), tmp_path)
    run = assess(collected(audit, tmp_path / "snapshot"), audit, reading(*tables))
    doubted(run)
    assert sentence in reasons(run)


@pytest.mark.parametrize("role", ["remote_access", "clinical", "prescriber", "hypervisor"])
def test_a_role_nobody_declared_is_not_a_role_nobody_holds(role: str, written: Path, whole: snapshot.Snapshot) -> None:
    audit = settings(written).model_copy(update={"groups": GroupRoles(**{role: ("^GG_VNP_",)})})
    controls = needing(f"groups.{role}")
    run = assess(whole, audit, controls)
    doubted(run)
    assert all(f"groups.{role} of audit.yaml" in " ".join(reason.en for reason in judged.reasons) for judged in run.assessments)


def test_without_the_section_groups_remote_access_is_not_checked(written: Path, whole: snapshot.Snapshot) -> None:
    audit = settings(written).model_copy(update={"groups": GroupRoles()})
    (judged,) = assess(whole, audit, [rule for rule in SHIPPED if rule.id == "SPC-030"]).assessments
    assert judged.verdict is Verdict.NOTCHECKED
    assert judged.reasons[-1].fr == "aucun compte n’est dans un groupe correspondant à groups.remote_access de audit.yaml"


@pytest.mark.parametrize("kind", ["vendor", "intern", "generic"])
def test_a_kind_whose_patterns_match_nothing_is_not_a_kind_nobody_is_of(kind: str, written: Path, whole: snapshot.Snapshot) -> None:
    audit = settings(written)
    audit = audit.model_copy(update={"kinds": audit.kinds.model_copy(update={kind: KindPatterns(names=("^mistyped_",))})})
    run = assess(whole, audit, needing(f"kinds.{kind}"))
    doubted(run)
    assert f"no account matches kinds.{kind} of audit.yaml" in reasons(run)


def test_one_release_of_the_registry_shows_no_disappearance(written: Path, tmp_path: Path) -> None:
    audit = settings(written)
    (source,) = (source for source in audit.sources if source.type == "registry_fr")
    assert isinstance(source, config.RegistryFr)
    audit = changed(audit, "registry_fr", paths=source.paths[-1:])
    doubted(assess(collected(audit, tmp_path / "snapshot"), audit, [rule for rule in SHIPPED if rule.id == "SPC-001"]))


def test_an_audit_cannot_be_dated_before_what_it_reads(written: Path, whole: snapshot.Snapshot, tmp_path: Path) -> None:
    early = datetime(2020, 1, 1)
    audit = settings(written).model_copy(update={"as_of": early})
    controls = reading("account", "hr_contract", "vendor_contract", "registry_release")
    later = assess(whole, audit, controls)
    doubted(later)
    assert "it was collected after the date of the audit" in reasons(later)
    assert all(entry.state is not State.COMPLETE for entry in later.coverage if entry.table in ("account", "hr_contract", "account_hr"))
    doubted(assess(collected(audit, tmp_path / "snapshot", early), audit, controls))


def test_the_undamaged_hospital_is_judged_without_reserve(written: Path, whole: snapshot.Snapshot) -> None:
    run = assess(whole, settings(written), reading(*HR, "account_professional", "account_registry", "account_role", "group_role"))
    assert [judged.rule for judged in run.assessments if judged.reasons] == []
    rows = {entry.table: entry.rows for entry in run.coverage}
    assert rows["account_hr"] == rows["account"] > 0


@pytest.mark.parametrize("text", ["# rien", "- {kind: exercise, topic: phishing, date: 2026-10-01}"])
def test_consoles_that_nobody_attested_are_not_green(written: Path, tmp_path: Path, text: str) -> None:
    (tmp_path / "evidence").mkdir()
    (tmp_path / "evidence" / "a.yaml").write_text(text, encoding="utf-8")
    source = config.Attestations(type="attestations", path=tmp_path / "evidence")
    audit = settings(written)
    audit = audit.model_copy(update={"sources": (*audit.sources, source)})
    run = assess(collected(audit, tmp_path / "snapshot"), audit, reading("backup_console"))
    doubted(run)
    assert {judged.verdict for judged in run.assessments} == {Verdict.NOTCHECKED}
