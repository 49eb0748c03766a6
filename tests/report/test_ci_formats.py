"""SARIF, JUnit, code quality and OCSF pass their referees, the referees see a planted error, and hostile values stay values."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from auditor.errors import ConfigError
from auditor.model import Assessment, Change, Counts, Finding, Language, Run, Severity, Verdict, WaiverState
from auditor.report import formats, sarif
from auditor.report.i18n import Phrases
from auditor.rules import shipped
from auditor.safe import clean
from auditor.steps import settings_of
from tests.report import examples, referees, weekly

FILES = {"sarif": "audit.sarif", "junit": "junit.xml", "codequality": "codequality.json", "ocsf": "ocsf.json"}
REFEREES: dict[str, Callable[[str], list[str]]] = {
    "sarif": referees.sarif,
    "junit": referees.junit,
    "codequality": referees.code_quality,
    "ocsf": referees.ocsf,
}
RUNS: dict[str, Callable[[], Run]] = {
    "weekly": weekly.run,
    "first": examples.run,
    "clean": examples.clean_run,
    "waived": weekly.waived_run,
    "empty": lambda: replace(examples.run(), rules=(), assessments=(), coverage=()),
}
needs_schema = pytest.mark.skipif(
    not (referees.MULTITOOL / "sarif-2.1.0.json").exists(), reason="the schema of SARIF is not installed: make npm"
)


def made(name: str, run: Run | None = None, language: Language = Language.EN, **changes: object) -> str:
    content = formats.files(name, run or weekly.run(), weekly.settings(language, **changes))[FILES[name]]
    assert isinstance(content, str)
    return content


@needs_schema
@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("name", FILES)
def test_every_output_passes_its_referee(name: str, run: str, language: Language) -> None:
    assert REFEREES[name](made(name, RUNS[run](), language)) == []


@needs_schema
def test_sarif_per_object_passes_its_referee() -> None:
    assert referees.sarif(made("sarif", sarif_per="object")) == []


@needs_schema
@pytest.mark.parametrize("per", ["rule", "object"])
def test_sarif_passes_the_ingestion_rules_of_github(tmp_path: Path, per: str) -> None:
    file = tmp_path / "audit.sarif"
    file.write_text(made("sarif", sarif_per=per), encoding="utf-8")
    assert referees.multitool(file) == []
    spoiled = json.loads(file.read_text(encoding="utf-8"))
    del spoiled["runs"][0]["tool"]["driver"]["rules"][0]["help"]
    file.write_text(json.dumps(spoiled), encoding="utf-8")
    assert any("GH2012" in problem for problem in referees.multitool(file))


PLANTED: list[tuple[str, str, str]] = [
    ("sarif", '"level": "error"', '"level": "fatal"'),
    ("sarif", '"version": "2.1.0"', '"version": "2.2.0"'),
    ("sarif", '"message": {', '"massage": {'),
    ("sarif", '"primaryLocationLineHash"', '"someOtherHash"'),
    ("sarif", '"ruleIndex": 1,', '"ruleIndex": 0,'),
    ("junit", "<skipped ", "<ignored "),
    ("junit", 'failures="', 'faults="'),
    ("junit", 'time="0"', 'time="soon"'),
    ("junit", 'errors="1"', 'errors="0"'),
    ("codequality", '"blocker"', '"fatal"'),
    ("codequality", '"begin": 1', '"begin": 0'),
    ("codequality", '"check_name"', '"check"'),
    ("ocsf", '"severity_id": 5', '"severity_id": 50'),
    ("ocsf", '"time": 1795154400000', '"time": 1795154400'),
    ("ocsf", '"start_time": 1', '"begin_time": 1'),
    ("ocsf", '"compliance": {', '"complianse": {'),
    ("ocsf", '"requirements"', '"demands"'),
    ("ocsf", '"type_uid": 200301', '"type_uid": 200302'),
]


@needs_schema
@pytest.mark.parametrize(("name", "right", "wrong"), PLANTED)
def test_a_planted_error_is_caught(name: str, right: str, wrong: str) -> None:
    content = made(name)
    assert right in content
    assert REFEREES[name](content.replace(right, wrong)) != []


@pytest.mark.parametrize("name", FILES)
def test_order_of_the_input_does_not_change_a_byte(name: str) -> None:
    run = weekly.run()
    turned = replace(
        run,
        rules=run.rules[::-1],
        assessments=tuple(replace(entry, findings=entry.findings[::-1]) for entry in run.assessments[::-1]),
        coverage=run.coverage[::-1],
    )
    assert made(name, turned, sarif_per="object") == made(name, run, sarif_per="object")


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("value", ["]]>", "a\x00\x08\x1bb", "svc\u202egpj", "\ufffe\uffff\udfff", "x" * 1_000_000, '"><&\n\r\t'])
def test_hostile_names_stay_names(name: str, value: str) -> None:
    rule = examples.rule("AD-KRB-001", Severity.CRITICAL, 1, title=examples.text(f"Fault {value}"))
    finding = Finding(rule.id, clean(value), {"name": value})  # the snapshot holds no lone surrogate
    run = replace(
        examples.run(),
        establishment=f"Hospital {value}",
        rules=(rule,),
        assessments=(Assessment(rule.id, Verdict.FAIL, Counts(0, 1), (examples.text(value),), (finding,)),),
    )
    content = made(name, run, sarif_per="object")
    content.encode("utf-8")
    assert len(content) < 20_000
    assert name != "junit" or not set(content) & set("\ufffe\uffff")
    assert not set(content) & set("\x00\x08\x1b\u202e\r")
    if name == "sarif" and not (referees.MULTITOOL / "sarif-2.1.0.json").exists():
        pytest.skip("the schema of SARIF is not installed: make npm")
    assert REFEREES[name](content) == []


def results(**changes: object) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for result in json.loads(made("sarif", **changes))["runs"][0]["results"]:  # type: ignore[arg-type]
        found.setdefault(result["ruleId"], []).append(result)
    return found


def test_sarif_has_one_result_per_rule_with_its_counts() -> None:
    found = results()
    assert {rule: len(entries) for rule, entries in found.items()} == {
        "AD-ACC-023": 1, "AD-KRB-001": 1, "AD-STL-002": 1, "SPC-023": 1, "LOG-010": 1,
    }  # fmt: skip
    assert found["AD-ACC-023"][0]["message"]["text"] == "Fault of AD-ACC-023: At least 10 high findings, 2 findings waived"
    states = {rule: entries[0]["baselineState"] for rule, entries in found.items()}
    assert states == {
        "AD-ACC-023": "updated",
        "AD-KRB-001": "unchanged",
        "AD-STL-002": "unchanged",
        "SPC-023": "unchanged",
        "LOG-010": "new",
    }
    assert {entry["suppressions"] == [] for entries in found.values() for entry in entries} == {True}


def test_sarif_per_object_names_the_object_and_suppresses_what_is_waived() -> None:
    found = results(sarif_per="object")
    assert [len(found[rule]) for rule in ("AD-ACC-023", "SPC-023", "LOG-010")] == [12, 19, 1]
    waived = [entry for entry in found["AD-ACC-023"] if entry["suppressions"]]
    assert len(waived) == 2
    (suppression,) = waived[0]["suppressions"]
    assert (suppression["kind"], suppression["status"]) == ("external", "accepted")
    assert suppression["justification"] == "W-01: Isolated network (S. Girard, RSSI, 2026-12-01)"
    states = sorted(entry["baselineState"] for entry in found["AD-ACC-023"])
    assert states == ["new"] * 4 + ["unchanged"] * 8
    (one,) = found["LOG-010"]
    assert one["message"]["text"] == "Fault of LOG-010: user00"
    assert one["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] == "S-1-5-21-1-2-3-1100"
    assert one["partialFingerprints"]["primaryLocationLineHash"] == Finding("LOG-010", "S-1-5-21-1-2-3-1100", {}).fingerprint + ":1"


def test_sarif_suppresses_a_rule_only_when_all_of_it_is_waived() -> None:
    (result,) = [
        entry for entry in json.loads(made("sarif", weekly.waived_run()))["runs"][0]["results"] if entry["ruleId"] == "SPC-023"
    ]  # fmt: skip
    assert [entry["status"] for entry in result["suppressions"]] == ["accepted"]
    assert "19 findings waived" in result["message"]["text"]


def test_sarif_says_what_was_not_assessed_and_what_ended_in_an_error() -> None:
    (invocation,) = json.loads(made("sarif"))["runs"][0]["invocations"]
    told = [
        (entry["descriptor"]["id"], entry["level"], entry["associatedRule"]["id"]) for entry in invocation["toolExecutionNotifications"]
    ]
    assert told == [("NOT-ASSESSED", "warning", "AD-BCK-005"), ("ERROR", "error", "AD-PRV-015"), ("NOT-ASSESSED", "warning", "SPC-013")]
    texts = [entry["message"]["text"] for entry in invocation["toolExecutionNotifications"]]
    assert "The register is missing." in texts[0]
    assert "2 unconfirmed rows." in texts[2]
    assert invocation["exitCode"] == 1


def test_sarif_keeps_the_worst_results_and_says_how_many_it_left_out() -> None:
    rules = (examples.rule("AD-STL-002", Severity.LOW, 2), examples.rule("SPC-023", Severity.CRITICAL, 2))
    many = tuple(Finding("AD-STL-002", f"S-{n}", {"name": f"u{n}"}) for n in range(5_200))
    few = tuple(Finding("SPC-023", f"S-{n}", {"name": f"v{n}"}) for n in range(30))
    run = replace(
        examples.run(),
        rules=rules,
        assessments=(Assessment("AD-STL-002", Verdict.FAIL, findings=many), Assessment("SPC-023", Verdict.FAIL, findings=few)),
    )
    document = json.loads(sarif.render(run, Phrases(Language.EN), per_object=True))["runs"][0]
    assert len(document["results"]) == 5000
    assert sum(entry["ruleId"] == "SPC-023" for entry in document["results"]) == 30
    (cut,) = [entry for entry in document["invocations"][0]["toolExecutionNotifications"] if entry["descriptor"]["id"] == "CUT"]
    assert cut["message"]["text"] == "230 results are not in this file: only the worst 5,000 are."


def test_a_raised_finding_gives_its_rule_the_worst_severity() -> None:
    run = weekly.run()
    raised = tuple(
        replace(entry, findings=tuple(replace(finding, raised_to=Severity.CRITICAL) for finding in entry.findings))
        if entry.rule == "AD-STL-002"
        else entry
        for entry in run.assessments
    )
    document = json.loads(made("sarif", replace(run, assessments=raised)))["runs"][0]
    rule = next(entry for entry in document["tool"]["driver"]["rules"] if entry["id"] == "AD-STL-002")
    assert rule["properties"]["security-severity"] == "9.5"
    result = next(entry for entry in document["results"] if entry["ruleId"] == "AD-STL-002")
    assert result["level"] == "error"


def cases() -> Iterator[tuple[str, ET.Element]]:
    for case in ET.fromstring(made("junit")).iter("testcase"):
        yield case.attrib["classname"], case


def test_junit_tells_a_failure_from_what_was_not_assessed() -> None:
    outcome = {rule: [child.tag for child in case] for rule, case in cases()}
    assert outcome["AD-ACC-023"] == ["failure"]
    assert outcome["AD-KRB-004"] == []
    assert outcome["SPC-013"] == outcome["AD-BCK-005"] == outcome["AD-ACC-019"] == ["skipped"]
    assert outcome["AD-PRV-015"] == ["error"]
    reasons = {rule: case[0].attrib["message"] for rule, case in cases() if len(case)}
    assert reasons["AD-BCK-005"].endswith("The register is missing.")
    assert reasons["AD-PRV-015"].endswith("The query ran out of time.")
    assert reasons["AD-ACC-019"].endswith("No account is concerned.")


def test_junit_names_at_most_fifty_objects_and_says_how_many_more() -> None:
    failures = {rule: (case[0].text or "").splitlines() for rule, case in cases() if len(case) and case[0].tag == "failure"}
    assert len(failures["AD-STL-002"]) == 51
    assert failures["AD-STL-002"][-1] == "… and 200 more"
    assert failures["LOG-010"] == ["user00 (S-1-5-21-1-2-3-1100) new"]
    assert len(failures["AD-ACC-023"]) == 10  # two of twelve are waived


def test_code_quality_has_an_entry_per_failed_and_per_unassessed_rule() -> None:
    entries = {entry["check_name"]: entry for entry in json.loads(made("codequality"))}
    assert {name: entry["severity"] for name, entry in entries.items()} == {
        "AD-ACC-023": "critical", "AD-BCK-005": "info", "AD-KRB-001": "blocker", "AD-PRV-015": "info", "AD-STL-002": "minor",
        "LOG-010": "critical", "SPC-013": "info", "SPC-023": "blocker",
    }  # fmt: skip
    assert "The register is missing." in entries["AD-BCK-005"]["description"]


def events(run: Run | None = None) -> list[dict[str, Any]]:
    return list(json.loads(made("ocsf", run)))


def test_ocsf_tells_new_waived_and_fixed_findings_apart() -> None:
    of_rule = [event for event in events() if event["metadata"]["event_code"] == "AD-ACC-023"]
    assert sorted((event["activity_id"], event["status_id"]) for event in of_rule) == [(1, 1)] * 4 + [(2, 1)] * 6 + [(2, 3)] * 2
    fixed = [event for event in events() if event["activity_id"] == 3]
    assert [(event["class_uid"], event["status_id"], event["resources"][0]["name"]) for event in fixed] == [
        (2004, 4, "gone2"), (2003, 4, "gone1"),
    ]  # fmt: skip
    assert fixed[1]["compliance"]["status_id"] == 1


def test_ocsf_tells_a_detection_with_its_times_in_milliseconds() -> None:
    (event,) = [event for event in events() if event["class_uid"] == 2004 and event["activity_id"] == 1]
    assert (event["start_time"], event["end_time"]) == (1794967200000, 1794972600000)
    assert "compliance" not in event
    assert event["finding_info"]["attacks"] == [
        {"technique": {"uid": "T1078", "name": "T1078"}, "sub_technique": {"uid": "T1078.002", "name": "T1078.002"}}
    ]


def test_ocsf_says_what_passed_and_what_gave_no_result() -> None:
    whole = {event["metadata"]["event_code"]: event for event in events() if event["severity_id"] == 1}
    assert {rule: event["compliance"]["status_id"] for rule, event in whole.items()} == {
        "AD-BCK-002": 1, "AD-BCK-005": 2, "AD-KRB-004": 1, "AD-PRV-015": 2, "SPC-013": 2,
    }  # fmt: skip
    assert whole["AD-BCK-005"]["status_detail"].endswith("The register is missing.")


def test_without_an_earlier_run_every_finding_is_created_and_no_baseline_is_claimed() -> None:
    assert {event["activity_id"] for event in events(examples.run())} == {1}
    assert "baselineState" not in made("sarif", examples.run())


def test_states_used_here_exist() -> None:
    assert {use.state for use in weekly.run().waivers} == set(WaiverState)
    found = {finding.change for assessment in weekly.run().assessments for finding in assessment.findings}
    assert found == set(Change)


def test_what_a_result_of_sarif_stands_for_can_be_chosen_and_nothing_else() -> None:
    sample = shipped().parent / "sample_data" / "hospital" / "audit.yaml"
    assert settings_of(sample, None, None, None, None).sarif_per == "rule"
    assert settings_of(sample, None, None, None, None, "object").sarif_per == "object"
    with pytest.raises(ConfigError, match="choose rule or object"):
        settings_of(sample, None, None, None, None, "row")
