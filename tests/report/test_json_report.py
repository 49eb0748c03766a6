"""report.json keeps its contract: schema, order, exact values, and nothing that acts on a terminal."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.resources import files
from typing import Any

import jsonschema
import pytest

from auditor import facts
from auditor.model import Assessment, Exit, Finding, Notice, Text, Verdict
from auditor.report import exit_code, json_report
from tests.report import examples

SCHEMA = json.loads(files("auditor.report").joinpath("report.schema.json").read_text(encoding="utf-8"))


def rendered() -> str:
    run = examples.run()
    return json_report.render(replace(run, exit=exit_code.decide(run)))


def document() -> dict[str, Any]:
    return dict(json.loads(rendered()))


def test_report_follows_its_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(document(), SCHEMA)
    clean = examples.clean_run()
    jsonschema.validate(json.loads(json_report.render(replace(clean, exit=exit_code.decide(clean)))), SCHEMA)


def test_notices_are_told_with_their_source() -> None:
    run = replace(examples.run(), notices=(Notice("entra", Text("may write", "peut écrire")),))
    made = json.loads(json_report.render(replace(run, exit=exit_code.decide(run))))
    jsonschema.validate(made, SCHEMA)
    assert made["notices"] == [{"source": "entra", "text": {"en": "may write", "fr": "peut écrire"}}]
    assert document()["notices"] == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("schema_version",), "2.0"),
        (("run", "as_of"), "2026-11-20 06:00"),
        (("assessments", 0, "verdict"), "passed"),
        (("assessments", 0, "title"), "one language only"),
        (("recommendations", 0, "ratio"), 1.5),
        (("coverage", 0, "unexpected"), True),
    ],
)
def test_schema_refuses_what_breaks_the_contract(path: tuple[str | int, ...], value: object) -> None:
    made: Any = document()
    place = made
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(made, SCHEMA)


def test_keys_are_sorted_and_assessments_ordered_by_rule() -> None:
    text = rendered()
    assert json.dumps(json.loads(text), sort_keys=True) == json.dumps(json.loads(text))
    rules = [entry["rule"] for entry in document()["assessments"]]
    assert rules == sorted(rules)
    assert len(rules) == len(examples.run().rules)


def test_order_of_the_input_does_not_change_a_byte() -> None:
    run = examples.run()
    turned = replace(
        run,
        rules=run.rules[::-1],
        assessments=tuple(replace(entry, findings=entry.findings[::-1]) for entry in run.assessments[::-1]),
        coverage=run.coverage[::-1],
    )
    assert json_report.render(replace(turned, exit=exit_code.decide(turned))) == rendered()


def test_hostile_values_come_back_exactly_and_are_harmless_on_a_screen() -> None:
    found = next(entry for entry in document()["assessments"] if entry["rule"] == "AD-KRB-001")["findings"]
    assert {entry["evidence"]["name"] for entry in found} == set(examples.HOSTILE)
    assert not set(rendered()) & {"\x1b", "\u202e", "\x9b", "\x07"}


def test_values_json_has_no_word_for_are_written_as_text() -> None:
    finding = Finding("AD-KRB-001", "S-1-5-21-1", {"name": "\udfff", "share": float("nan")})
    run = examples.run()
    run = replace(run, rules=run.rules[1:2], assessments=(Assessment("AD-KRB-001", Verdict.FAIL, findings=(finding,)),))
    written = json_report.render(replace(run, exit=Exit(1, Text("a", "b"))))
    written.encode("utf-8")
    found = json.loads(written)["assessments"][0]["findings"][0]
    assert (found["resource"], found["evidence"]) == ("S-1-5-21-1", {"name": "\ufffd", "share": "nan"})
    jsonschema.validate(json.loads(written), SCHEMA)


def test_unconfirmed_findings_are_shown_and_not_counted() -> None:
    made = document()
    leavers = next(entry for entry in made["assessments"] if entry["rule"] == "SPC-013")
    assert [finding["state"] for finding in leavers["findings"]] == ["unconfirmed", "unconfirmed"]
    assert made["summary"]["by_severity"] == {"critical": 25, "high": 12, "medium": 0, "low": 250}
    assert made["summary"]["by_verdict"] == {"pass": 2, "fail": 4, "error": 1, "notapplicable": 1, "notchecked": 2}


def test_protection_counts_the_rows_of_the_rules_that_measure_it_and_never_an_unknown_one() -> None:
    first, second, third, fourth, _ = document()["recommendations"]
    # AD-ACC-023: 90 passed, 12 failed, one unknown.
    assert (first["population"], first["protected"], first["ratio"]) == (103, 90, 0.8738)
    assert first["controls"] == {"total": 4, "assessed": 4}
    # SPC-013, one of the rules that measure it, was not assessed: nothing is measured.
    assert (second["population"], second["ratio"], second["controls"]) == (0, None, {"total": 4, "assessed": 2})
    # None of the rules that measure it is in this run.
    assert (third["population"], third["ratio"], third["controls"]) == (0, None, {"total": 2, "assessed": 1})
    assert (fourth["population"], fourth["ratio"]) == (0, None)
    assert [recommendation.target for recommendation in facts.RECOMMENDATIONS] == [0.95, 0.98, 1.0, 1.0, 0.8]
