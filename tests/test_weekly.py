"""The sample hospital, week after week: the planned difference exactly, and a cut export that does not look like progress."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sample_data.generator import hospital, ldif, weeks
from sample_data.generator.__main__ import AS_OF, SEED
from tests.test_cli import audit

pytestmark = pytest.mark.slow

GRADES = "ABCDE-"


def ran(config: Path, output: Path, code: int, *options: str | Path) -> dict[str, Any]:
    """The report.json of a run that ends with `code`."""
    done = audit("run", "--config", config, "--output", output, "--format", "json", "--no-progress", *options)
    assert done.returncode == code, done.stderr
    return dict(json.loads((output / "report.json").read_text(encoding="utf-8")))


@dataclass(frozen=True)
class Sample:
    """Three weeks audited into one output folder: the folders of the weeks, their reports, and the history after each."""

    folder: Path
    reports: tuple[dict[str, Any], ...]

    def config(self, week: int) -> Path:
        return self.folder / f"week-{week}" / "audit.yaml"

    def report(self, week: int) -> Path:
        return self.folder / f"report-{week}.json"

    def output(self, week: int, copy: Path) -> Path:
        """An output folder as it was after that week."""
        copy.mkdir()
        shutil.copyfile(self.folder / f"history-{week}.sqlite", copy / "history.sqlite")
        return copy


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    folder = tmp_path_factory.mktemp("weeks")
    reports = []
    for week in range(3):
        hospital.write(folder / f"week-{week}", weeks.files(SEED, "full", AS_OF, week))
        reports.append(ran(folder / f"week-{week}" / "audit.yaml", folder / "out", 1))
        shutil.copyfile(folder / "out" / "report.json", folder / f"report-{week}.json")
        shutil.copyfile(folder / "out" / "history.sqlite", folder / f"history-{week}.sqlite")
    return Sample(folder, tuple(reports))


def changed(report: dict[str, Any], change: str) -> dict[str, list[str]]:
    """Resources of the findings that have changed so, by rule."""
    found = {
        judged["rule"]: sorted(finding["resource"] for finding in judged["findings"] if finding["change"] == change)
        for judged in report["assessments"]
    }
    return {rule: resources for rule, resources in sorted(found.items()) if resources}


def gone(report: dict[str, Any], kind: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for finding in report["comparison"][kind]:
        found.setdefault(finding["rule"], []).append(finding["resource"])
    return {rule: sorted(resources) for rule, resources in sorted(found.items())}


def planned(sample: Sample, week: int) -> dict[str, dict[str, list[str]]]:
    return dict(json.loads((sample.config(week).parent / "expected-diff.json").read_text(encoding="utf-8")))


def test_week_1_is_the_sample_of_the_repository(sample: Sample) -> None:
    for path in weeks.WRITTEN.rglob("*"):
        if path.is_file() and path.suffix != ".md":
            assert (sample.config(1).parent / path.relative_to(weeks.WRITTEN)).read_bytes() == path.read_bytes(), path


@pytest.mark.parametrize("week", [1, 2])
def test_difference_from_week_to_week_is_the_planned_one(sample: Sample, week: int) -> None:
    report, expected = sample.reports[week], planned(sample, week)
    assert changed(report, "new") == expected["new"]
    assert changed(report, "returned") == expected["returned"]
    assert gone(report, "fixed") == expected["fixed"]
    assert gone(report, "unseen") == {}
    assert len(report["trend"]) == week + 1


def test_plan_holds_something_of_each_kind(sample: Sample) -> None:
    assert all(planned(sample, 2)[kind] for kind in ("new", "returned", "fixed"))
    assert not sample.config(0).with_name("expected-diff.json").exists()


def test_diff_tells_the_same_from_history_and_from_files(sample: Sample) -> None:
    by_history = audit("diff", "previous", "last", "--output", sample.folder / "out", "--format", "json")
    by_file = audit("diff", sample.report(1), sample.report(2), "--format", "json")
    assert by_history.returncode == by_file.returncode == 1, by_history.stderr + by_file.stderr
    assert json.loads(by_history.stdout) == json.loads(by_file.stdout)
    told = json.loads(by_history.stdout)
    assert [one["resource"] for one in told["returned"]] == [one for ones in planned(sample, 2)["returned"].values() for one in ones]
    assert told["unseen"] == []
    calm = audit("diff", sample.report(0), sample.report(1), "--format", "json")
    assert calm.returncode == 0
    assert len(json.loads(calm.stdout)["fixed"]) == sum(map(len, planned(sample, 1)["fixed"].values()))


@pytest.mark.parametrize(
    ("lang", "words"), [("fr", ("6 nouveaux", "1 réapparu", "5 corrigés")), ("en", ("6 new", "1 returned", "5 fixed"))]
)
def test_diff_reads_in_both_languages_and_fits_the_terminal(sample: Sample, lang: str, words: tuple[str, ...]) -> None:
    said = audit("diff", "2026-11-20", "last", "--output", sample.folder / "out", "--lang", lang)
    assert said.returncode == 1, said.stderr
    lines = said.stdout.splitlines()
    assert set(words) <= set(lines)
    assert max(map(len, lines)) <= 92


def test_diff_without_a_history_is_one_sentence(tmp_path: Path) -> None:
    done = audit("diff", "previous", "last", "--output", tmp_path)
    assert done.returncode == 2
    assert done.stderr == "audit: previous: there is no history here; name a report.json, or give --config or --output. (code 2)\n"


def test_only_new_decides_by_what_is_new(sample: Sample, tmp_path: Path) -> None:
    """Week 1 brings nothing new, week 2 a critical finding; compared with its own report, it brings nothing."""
    ran(sample.config(1), sample.output(0, tmp_path / "1"), 0, "--only-new")
    ran(sample.config(2), sample.output(1, tmp_path / "2"), 1, "--only-new", "--baseline", "last")
    ran(sample.config(2), sample.output(1, tmp_path / "3"), 0, "--only-new", "--baseline", sample.report(2))


@pytest.fixture(scope="module")
def cut(sample: Sample) -> Path:
    """The configuration of week 2 with a fifth of the accounts gone from the directory's export, those of new findings among them."""
    folder = sample.folder / "cut"
    shutil.copytree(sample.config(2).parent, folder)
    expected = planned(sample, 2)
    wanted = {sid for kind in ("new", "returned") for sids in expected[kind].values() for sid in sids}
    made = weeks.build(SEED, "full", AS_OF, 2)
    fifth = len(made.accounts) // 5 + 20
    staff = [account for account in made.accounts if account.population == "staff" and account.enabled]
    gone = sorted(staff, key=lambda account: account.sid not in wanted)[:fifth]
    made.accounts = [account for account in made.accounts if account not in gone]
    for group in made.groups:
        # No trace is left of them: the export alone does not show that it was cut.
        group.members = [member for member in group.members if member not in gone]
    for accounts in made.by_primary_group.values():
        accounts[:] = [account for account in accounts if account not in gone]
    (folder / "directory" / "chu-valdore.ldif").write_text(ldif.text(made), encoding="utf-8", newline="")
    return folder / "audit.yaml"


def test_fifth_of_the_accounts_gone_is_incomplete_and_not_greener(sample: Sample, cut: Path, tmp_path: Path) -> None:
    output = sample.output(1, tmp_path / "out")
    report = ran(cut, output, 3, "--only-new")
    lost = next(entry for entry in report["coverage"] if (entry["table"], entry["source"]) == ("account", "chu-valdore"))
    assert lost["state"] == "partial"
    assert "--accept-drop chu-valdore" in lost["cure"]["en"]
    unseen = gone(report, "unseen")
    assert sum(map(len, unseen.values())) > 100
    by_account = {rule for rule in gone(report, "fixed") if rule.startswith(("AD-ACC", "AD-STL", "AD-HOS", "SPC"))}
    assert by_account == set()
    grades = [week["score"]["grade"] or "-" for week in (sample.reports[1], report)]
    assert GRADES.index(grades[1]) >= GRADES.index(grades[0])

    # Accepted, they are gone: users of the tenant whose account no longer exists are new findings.
    accepted = ran(cut, output, 1, "--only-new", "--accept-drop", "chu-valdore")
    assert {rule for rule, found in changed(accepted, "new").items() if len(found) > 100} == {"ENTRA-075"}
    assert gone(accepted, "unseen") == {}
    assert sum(map(len, gone(accepted, "fixed").values())) > 100
    again = audit("report", "--config", cut, "--output", output, "--format", "json", "--only-new")
    assert again.returncode == 1, again.stderr
    assert json.loads((output / "report.json").read_text(encoding="utf-8")) == accepted


WAIVER = """waivers:
  - id: W-1
    rule: AD-ACC-009
    match: {resource: [%s]}
    reason: {fr: Ancien logiciel, en: Old software}
    approved_by: RSSI
    created: 2026-11-01
    expires: 2026-11-26
    max_objects: 1
"""


def test_waiver_holds_until_the_end_of_its_day(sample: Sample, tmp_path: Path) -> None:
    folder, output = shutil.copytree(sample.config(1).parent, tmp_path / "week"), tmp_path / "out"
    key = json.loads((folder / "expected.json").read_text(encoding="utf-8"))["rules"]["AD-ACC-009"]
    (folder / "waivers.yaml").write_text(WAIVER % key[0], encoding="utf-8")
    assert audit("collect", "--config", folder / "audit.yaml", "--output", output).returncode == 0
    told = []
    for moment in ("2026-11-26T23:59:59Z", "2026-11-27T00:00:00Z"):
        options = ("--only", "AD-ACC-009", "--as-of", moment, "--fail-on", "low")
        done = audit("assess", "--config", folder / "audit.yaml", "--output", output, *options)
        report = json.loads((output / "only" / "report.json").read_text(encoding="utf-8"))
        told.append((done.returncode, report["waivers"][0]["state"], report["assessments"][0]["findings"][0]["state"]))
    assert told == [(0, "expiring", "waived"), (1, "expired", "open")]
