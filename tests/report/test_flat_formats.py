"""CSV, JSON lines and the Markdown summary: exact bytes, no formula, no name where none belongs, and nothing left out in silence."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from io import StringIO

import jsonschema
import pytest

from auditor import closing, safe
from auditor.model import Assessment, Finding, Language, Run, Score, Verdict
from auditor.report import formats, json_report
from tests.report import examples, weekly
from tests.report.test_json_report import SCHEMA


def made(name: str, run: Run | None = None, language: Language = Language.EN) -> dict[str, str]:
    return {file: str(content) for file, content in formats.files(name, run or weekly.run(), weekly.settings(language)).items()}


def rows(content: str) -> list[list[str]]:
    assert content.startswith("\ufeff")
    return list(csv.reader(StringIO(content[1:], newline=""), delimiter=";", strict=True))


def one(value: object, **evidence: object) -> Run:
    finding = Finding("AD-KRB-001", "S-1-5-21-1", {"name": value, **evidence})  # type: ignore[dict-item]
    return replace(examples.run(), assessments=(Assessment("AD-KRB-001", Verdict.FAIL, findings=(finding,)),))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("plain", "plain"),
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("  =1", "'  =1"),
        ("\u00a0=1", "'\u00a0=1"),
        ("＝1", "'＝1"),
        ("＋1", "'＋1"),
        ("－1", "'－1"),
        ("＠a", "'＠a"),
        ("\t=1", "<U+0009>=1"),
        ("\r=1", "<U+000D>=1"),
        ("\ufeff=1", "<U+FEFF>=1"),
        ("a\r\nb", "a<U+000D><U+000A>b"),
        ("svc\u202egpj", "svc<U+202E>gpj"),
        ('say "a;b"', 'say "a;b"'),
        ("x" * 40_000, "x" * 32_765 + "…"),
        ("=" + "x" * 40_000, "'=" + "x" * 32_764 + "…"),
    ],
)
def test_a_cell_is_never_a_formula(value: str, shown: str) -> None:
    assert safe.cell(value) == shown
    assert len(shown) <= 32_767
    head, row = rows(made("csv", one(value))["findings/AD-KRB-001.csv"])
    assert dict(zip(head, row, strict=True))["name"] == shown


def test_csv_bytes_are_those_a_spreadsheet_in_either_language_opens() -> None:
    content = made("csv", one('a "b"', last_sign_in_at=examples.AS_OF, share=0.5, stale=True, gone=None, count=-3))
    assert content["findings/AD-KRB-001.csv"].encode().hex(" ").startswith("ef bb bf 22")
    assert content["findings/AD-KRB-001.csv"] == (
        '\ufeff"resource";"name";"last_sign_in_at";"share";"stale";"gone";"count";"severity";"state";"first_seen";"waived_by";"fingerprint"\r\n'
        f'"S-1-5-21-1";"a ""b""";"2026-11-20 06:00:00";"0.5";"true";"";"-3";"critical";"open";"";"";'
        f'"{Finding("AD-KRB-001", "S-1-5-21-1", {}).fingerprint}"\r\n'
    )


def test_findings_csv_holds_every_finding_in_words_of_the_language() -> None:
    english, french = (rows(made("csv", language=language)["findings.csv"]) for language in (Language.EN, Language.FR))
    total = sum(len(assessment.findings) for assessment in weekly.run().assessments)
    assert len(english) == len(french) == total + 1
    assert french[0][:6] == ["Règle", "Constat", "Sévérité", "Recommandation", "État", "Vu depuis"]
    states = [row[4] for row in french if row[0] == "AD-ACC-023"]
    assert sorted(states) == ["dérogé"] * 2 + ["nouveau"] * 2 + ["ouvert"] * 6 + ["réapparu"] * 2
    assert {row[4] for row in english if row[0] == "SPC-013"} == {"unconfirmed"}


def test_csv_says_what_became_of_every_control_and_replaces_the_folder_even_when_nothing_is_found() -> None:
    table = {row[0]: row for row in rows(made("csv")["findings/controls.csv"])}
    assert len(table) == len(weekly.run().rules) + 1
    assert table["AD-ACC-023"][4:8] == ["finding", "10", "2", "0"]
    assert table["SPC-013"][4:] == ["not assessed", "0", "0", "2", "No HR file."]
    assert table["AD-PRV-015"][8] == "The query ran out of time."
    assert set(made("csv", examples.clean_run())) == {"findings.csv", "findings/controls.csv"}


def test_json_lines_hold_what_report_json_holds() -> None:
    run = weekly.run()
    whole = json.loads(json_report.render(run))
    jsonschema.validate(whole, SCHEMA)
    expected = [(entry["rule"], finding) for entry in whole["assessments"] for finding in entry["findings"]]
    content = made("jsonl", run)["findings.jsonl"]
    lines = [json.loads(line) for line in content.splitlines()]
    assert [(line["rule"], {name: line[name] for name in finding}) for line, (_, finding) in zip(lines, expected, strict=True)] == expected
    assert not set(content) & {"\x1b", "\u202e", "\u2028", "\r"}
    assert made("jsonl", examples.clean_run())["findings.jsonl"] == ""


def test_report_json_tells_score_comparison_trend_waivers_and_plan() -> None:
    whole = json.loads(json_report.render(weekly.run()))
    assert whole["score"]["caps"][0]["rule"] == "SPC-023"
    assert [gone["name"] for gone in whole["comparison"]["fixed"]] == ["gone2", "gone1"]
    assert [point["ratios"][0] for point in whole["trend"]] == [0.8, 0.87]
    assert {use["id"]: use["state"] for use in whole["waivers"]} == {
        "W-01": "active", "W-02": "expired", "W-03": "expiring", "W-04": "unused", "W-05": "exceeded",
    }  # fmt: skip
    assert [action["due"] for action in whole["plan"]] == [None, "2026-12-01"]
    assert whole["summary"]["by_change"] == {"new": 3, "open": 281, "returned": 2}
    assert whole["summary"]["waived"] == 2
    found = next(entry for entry in whole["assessments"] if entry["rule"] == "AD-ACC-023")["findings"]
    assert [finding["state"] for finding in found][-2:] == ["waived", "waived"]
    assert found[-1]["waived_by"] == "W-01"
    assert found[0]["first_seen"] == "2026-09-01T06:00:00Z"


@pytest.mark.parametrize("language", Language)
def test_markdown_summary_names_no_object(language: Language) -> None:
    content = made("markdown", language=language)["summary.md"]
    names = {str(finding.evidence["name"]) for assessment in weekly.run().assessments for finding in assessment.findings}
    names |= {finding.resource for assessment in weekly.run().assessments for finding in assessment.findings}
    assert [name for name in names if name in content] == []


def test_markdown_summary_says_grade_change_actions_waivers_and_limits() -> None:
    content = made("markdown")["summary.md"]
    assert "**Grade D**" in content
    assert "- Suppliers still come in (SPC-023)" in content
    assert "| Critical | 25 |" in content
    assert "3 new, 2 returned, 2 fixed" in content
    assert "| Close the supplier accounts | 19 | 4\u00a0h | SPC-023 |" in content
    assert "- W-02 (AD-ACC-023): expired on 1 Nov 2026" in content
    assert "W-01" not in content
    assert "- AD-BCK-005 Fault of AD-BCK-005. not assessed: The register is missing." in content


def test_markdown_summary_says_why_there_is_no_grade() -> None:
    run = replace(weekly.run(), score=Score("2026.1", "", "", None, obstacles=(examples.text("Too little was run."),)))
    content = made("markdown", run)["summary.md"]
    assert "**No grade**\n\n- Too little was run." in content
    assert "Grade" not in made("markdown", replace(run, score=None))["summary.md"].replace("No grade", "")


def test_markdown_is_inert_and_small() -> None:
    late = examples.text("<img src=x> [a](https://evil.test) | @all `x` \u202e\n# Title " + "y" * 1_000_000)
    entries = [replace(entry, reasons=(late,)) for entry in examples.run().assessments]
    content = made("markdown", replace(examples.run(), establishment="A | <b>\n# B", assessments=tuple(entries)))["summary.md"]
    assert len(content.encode()) < 100_000
    for active in ("<img", "https://", "[a](", "\u202e", "\n# Title", "\n# B", " @all"):
        assert active not in content


def test_many_controls_that_were_not_run_are_listed_up_to_a_limit_and_counted() -> None:
    rules = tuple(replace(examples.run().rules[0], id=f"AD-X-{n:03}") for n in range(80))
    run = replace(examples.run(), rules=rules, assessments=tuple(Assessment(rule.id, Verdict.NOTCHECKED) for rule in rules))
    content = made("markdown", run)["summary.md"]
    assert content.count("- AD-X-") == 50
    assert "… and 30 more" in content


def test_the_summary_is_added_to_the_page_of_a_github_job(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    page = tmp_path / "page.md"
    page.write_text("before\n", encoding="utf-8")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))
    closing._job_summary(weekly.settings(Language.EN), weekly.run())
    assert page.read_text(encoding="utf-8") == "before\n" + made("markdown")["summary.md"]


def test_a_page_that_cannot_be_written_is_said_and_stops_nothing(tmp_path, monkeypatch, capsys) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "missing" / "page.md"))
    closing._job_summary(weekly.settings(Language.EN), weekly.run())
    assert capsys.readouterr().err.startswith("GITHUB_STEP_SUMMARY: No such file")
