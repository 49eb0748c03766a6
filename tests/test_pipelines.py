"""The pipelines of docs/ci parse, ask for little, and their script steps do on the sample hospital what they promise."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from auditor.report.formats import FORMATS

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "ci"
PIPELINES = ("github", "gitlab", "azure")
PRIVATE = ("history.sqlite", "snapshot", "pseudonyms.key")

needs_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")


def pipeline(name: str) -> dict[str, Any]:
    return dict(yaml.load((FOLDER / f"{name}.yml").read_text(encoding="utf-8"), yaml.BaseLoader))  # BaseLoader: `on` stays a word


def steps(name: str) -> list[dict[str, Any]]:
    match name:
        case "github":
            return list(pipeline(name)["jobs"]["audit"]["steps"])
        case "azure":
            return list(pipeline(name)["jobs"][0]["steps"])
        case _:
            return [{"script": line} for line in pipeline(name)["identity-audit"]["script"]]


def scripts(name: str) -> list[str]:
    """The steps a shell runs, in their order."""
    return [str(step[word]) for step in steps(name) for word in ("run", "bash", "script") if word in step]


def used_files(name: str) -> set[str]:
    """Files below out/ that later steps read or keep."""
    return set(re.findall(r"\bout/([\w.]+)", (FOLDER / f"{name}.yml").read_text(encoding="utf-8"))) - {"history.sqlite"}


def run(script: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AUDIT_", "GITHUB_"))}
    return subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", script], cwd=folder, env=kept | {"PATH": path, "CI": "true"} | environment,
        capture_output=True, text=True, encoding="utf-8", timeout=300,
    )  # fmt: skip


@pytest.mark.parametrize("name", PIPELINES)
def test_pipeline_audits_once_with_formats_that_exist(name: str) -> None:
    (audit,) = [script for script in scripts(name) if script.startswith("audit ")]
    (formats,) = re.findall(r"--format (\S+)", audit)
    assert set(formats.split(",")) <= set(FORMATS)
    assert "|| true" not in audit
    assert "--no-redact" not in audit


@pytest.mark.parametrize("name", PIPELINES)
def test_pipeline_keeps_nothing_private(name: str) -> None:
    """Reports are named one by one: a folder would take the history, the snapshot and the key with it."""
    content = (FOLDER / f"{name}.yml").read_text(encoding="utf-8")
    assert not re.search(r"(path|paths|targetPath|- ):? *out/?$", content, re.MULTILINE)
    assert not {file for file in used_files(name) if file.startswith(PRIVATE)}


def test_actions_are_pinned_and_permissions_are_the_least() -> None:
    github = pipeline("github")
    assert github["permissions"] == {"contents": "read", "security-events": "write"}
    assert "permissions" not in github["jobs"]["audit"]
    assert {str(step["uses"]).partition("@")[2] for step in steps("github") if "uses" in step} == {"<commit-sha>"}
    assert {step["with"]["retention-days"] for step in steps("github") if "upload-artifact" in str(step.get("uses"))} == {"14"}
    assert steps("github")[0]["with"]["persist-credentials"] == "false"


def test_gitlab_warns_when_the_audit_is_incomplete_and_fails_otherwise() -> None:
    job = pipeline("gitlab")["identity-audit"]
    assert job["allow_failure"] == {"exit_codes": ["3"]}
    assert (job["artifacts"]["expire_in"], job["artifacts"]["access"], job["artifacts"]["when"]) == ("14 days", "developer", "always")


def test_azure_asks_for_pseudonyms_because_azure_does_not_set_ci() -> None:
    assert pipeline("azure")["variables"] == {"CI": "true"}


@needs_bash
@pytest.mark.parametrize("name", PIPELINES)
def test_pipeline_fails_when_no_source_can_be_read(name: str, tmp_path: Path) -> None:
    (tmp_path / "audit.yaml").write_text(
        "establishment: {name: Test}\nsources:\n  - {type: ldif, name: ad, paths: [missing.ldif]}\n", encoding="utf-8"
    )
    done = run(scripts(name)[0], tmp_path)
    assert done.returncode == 4, done.stderr


@needs_bash
@pytest.mark.slow
@pytest.mark.parametrize("name", PIPELINES)
def test_scripts_of_the_pipeline_run_on_the_sample_hospital(name: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "sample_data" / "hospital", tmp_path, dirs_exist_ok=True)
    page = tmp_path / "page.md"
    first, *others = scripts(name)
    done = run(first, tmp_path, **({"GITHUB_STEP_SUMMARY": str(page)} if name == "github" else {}))
    assert done.returncode == 1, done.stderr  # the sample hospital is full of critical findings
    assert done.stderr.rstrip().endswith("(code 1)")
    for script in others:
        assert run(script, tmp_path).returncode == 0
    missing = {file for file in used_files(name) if not (tmp_path / "out" / file).is_file()}
    assert missing == set()
    assert json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))["pseudonyms"] is True
    assert page.exists() == (name == "github")


@needs_bash
@pytest.mark.slow
def test_a_run_a_minute_later_in_the_same_workspace_finds_nothing_new(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "sample_data" / "hospital", tmp_path, dirs_exist_ok=True)
    command = "audit run --output out --format json --no-progress --only-new"
    assert run(command, tmp_path).returncode == 1
    second = run(f"{command} --as-of 2026-11-20T06:01:00Z", tmp_path)
    assert second.returncode == 0, second.stderr
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert report["comparison"]["as_of"] == "2026-11-20T06:00:00Z"
    assert report["summary"]["by_severity"]["critical"] > 400  # known before: shown, and not decisive
