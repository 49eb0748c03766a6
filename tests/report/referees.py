"""The referees of the CI outputs: each returns the problems it finds in a file, none when it is valid."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import xmlschema
from junitparser import JUnitXml, TestSuite
from py_ocsf_models.events.findings.compliance_finding import ComplianceFinding
from py_ocsf_models.events.findings.detection_finding import DetectionFinding
from pydantic import BaseModel, ValidationError

_HERE = Path(__file__).parent
_PACKAGE = Path("node_modules/@microsoft/sarif-multitool-linux")
MULTITOOL = Path(os.environ.get("SARIF_MULTITOOL", _HERE.parents[1] / ".venv/npm" / _PACKAGE))
"""The npm package with the schema of SARIF 2.1.0 and the rules of GitHub's ingestion; `make test` installs it."""

# What docs.gitlab.com/ci/testing/code_quality asks of a report.
_CODE_QUALITY = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "additionalProperties": False,
        "properties": {
            "description": {"type": "string", "minLength": 1},
            "check_name": {"type": "string", "minLength": 1},
            "fingerprint": {"type": "string", "minLength": 1},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "additionalProperties": False,
                "properties": {
                    "path": {"type": "string", "pattern": "^[^./]"},
                    "lines": {
                        "type": "object",
                        "required": ["begin"],
                        "additionalProperties": False,
                        "properties": {"begin": {"type": "integer", "minimum": 1}},
                    },
                },
            },
        },
    },
}
_MILLISECONDS = range(946_684_800_000, 4_102_444_800_000)  # 2000 to 2100: seconds fall far below


def sarif(content: str) -> list[str]:
    schema = json.loads((MULTITOOL / "sarif-2.1.0.json").read_text(encoding="utf-8-sig"))
    document = json.loads(content)
    problems = [error.message for error in jsonschema.validators.validator_for(schema)(schema).iter_errors(document)]
    return problems or _github(document)


def _github(document: dict[str, Any]) -> list[str]:
    """Limits and required fields of docs.github.com, SARIF support for code scanning."""
    problems = []
    for run in document["runs"]:
        rules = run["tool"]["driver"]["rules"]
        for rule in rules:
            texts = [rule["shortDescription"]["text"], rule["fullDescription"]["text"], rule["help"]["text"]]
            problems += [f"{rule['id']}: a text is empty or too long" for said in texts if not 0 < len(said) <= 1024]
            if not 0 < float(rule["properties"]["security-severity"]) <= 10:
                problems.append(f"{rule['id']}: security-severity")
        for result in run["results"]:
            place = result["locations"][0]["physicalLocation"]
            if "primaryLocationLineHash" not in result["partialFingerprints"] or not place["artifactLocation"]["uri"]:
                problems.append(f"{result['ruleId']}: no fingerprint or no place")
            if set(place["region"]) != {"startLine", "startColumn", "endLine", "endColumn"}:
                problems.append(f"{result['ruleId']}: region")
            if rules[result["ruleIndex"]]["id"] != result["ruleId"]:
                problems.append(f"{result['ruleId']}: ruleIndex")
            if len(result["message"]["text"]) > 1024:
                problems.append(f"{result['ruleId']}: message too long")
        hashes = [result["partialFingerprints"].get("primaryLocationLineHash") for result in run["results"]]
        if len(set(hashes)) != len(hashes):
            problems.append("two results bear the same fingerprint")
        if len(run["results"]) > 5000:
            problems.append("too many results")
    return problems


def multitool(file: Path) -> list[str]:
    """Errors of the SARIF multitool, with GitHub's rules; its exit code says nothing of them (measured)."""
    program, out = MULTITOOL / "Sarif.Multitool", file.with_suffix(".checked")
    program.chmod(program.stat().st_mode | 0o100)  # npm runs no install script here
    command = [str(program), "validate", str(file), "--rule-kind", "Sarif;Ghas", "--output", str(out), "--log", "ForceOverwrite"]
    subprocess.run(command, capture_output=True, timeout=120)
    results = json.loads(out.read_text(encoding="utf-8-sig"))["runs"][0]["results"]
    return [f"{result['ruleId']} {result['message']}" for result in results if result.get("level") == "error"]


def junit(content: str) -> list[str]:
    problems = [error.reason or "?" for error in xmlschema.XMLSchema(_HERE / "junit.xsd").iter_errors(content)]
    if problems:
        return problems
    for suite in JUnitXml.fromstring(content.encode()):
        assert isinstance(suite, TestSuite)
        said = (suite.tests, suite.failures, suite.errors, suite.skipped)
        names = [case.name for case in suite]
        suite.update_statistics()  # type: ignore[no-untyped-call]
        if said != (suite.tests, suite.failures, suite.errors, suite.skipped):
            problems.append(f"{suite.name}: the totals are not those of its cases")
        if len(set(names)) != len(names):
            problems.append(f"{suite.name}: two cases bear the same name")
    return problems


def code_quality(content: str) -> list[str]:
    entries = json.loads(content)
    problems = [error.message for error in jsonschema.Draft202012Validator(_CODE_QUALITY).iter_errors(entries)]
    fingerprints = [entry.get("fingerprint") for entry in entries]
    return problems + (["two entries bear the same fingerprint"] if len(set(fingerprints)) != len(fingerprints) else [])


def ocsf(content: str) -> list[str]:
    problems: list[str] = []
    for event in json.loads(content):
        model = {2003: ComplianceFinding, 2004: DetectionFinding}.get(event.get("class_uid"))
        if model is None:
            problems.append(f"class_uid {event.get('class_uid')}")
            continue
        try:
            read = model.model_validate(event)
        except ValidationError as error:
            problems += [f"{place['loc']}: {place['msg']}" for place in error.errors()]
            continue
        problems += _unknown(event, read)
        times = {name: value for part in (event, event["finding_info"]) for name, value in part.items() if name.endswith("time")}
        problems += [f"{name}: {value} is not in milliseconds" for name, value in times.items() if value not in _MILLISECONDS]
        if event["type_uid"] != event["class_uid"] * 100 + event["activity_id"]:
            problems.append("type_uid does not follow from class_uid and activity_id")
    return problems


def _unknown(raw: object, read: object) -> list[str]:
    """Fields the models do not know; they let them pass in silence."""
    if isinstance(raw, dict) and isinstance(read, BaseModel):
        fields = type(read).model_fields
        found = [f"unknown field {name}" for name in raw if name not in fields]
        return found + [problem for name, value in raw.items() if name in fields for problem in _unknown(value, getattr(read, name))]
    if isinstance(raw, list) and isinstance(read, list):
        return [problem for one, other in zip(raw, read, strict=True) for problem in _unknown(one, other)]
    return []
