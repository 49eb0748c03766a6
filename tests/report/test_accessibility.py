"""axe-core, from npm, finds nothing to say against the report: light, dark, on a phone, every part open."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from auditor.model import Language
from auditor.report import exit_code, html_report
from tests.report import chromium
from tests.report.test_first_page import chained, told

AXE = Path(os.environ.get("AXE", Path(__file__).parents[2] / ".venv/npm/node_modules/axe-core/axe.min.js"))
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(chromium.PROGRAM is None, reason="no Chromium on this machine"),
    pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed: make npm"),
]


def violations(tab: chromium.Tab) -> list[str]:
    tab.run("for (const part of document.querySelectorAll('details')) part.open = true; 1")
    tab.run(AXE.read_text(encoding="utf-8") + "; 1")
    asked = json.dumps({"runOnly": RULES, "resultTypes": ["violations"]})
    found: list[str] = tab.run(f"axe.run(document, {asked}).then(told => told.violations.map(one => one.id + ' ' + one.nodes[0].html))")
    return found


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize(("width", "dark"), [(1280, False), (1280, True), (390, False)])
def test_axe_finds_no_violation(tmp_path: Path, language: Language, width: int, dark: bool) -> None:
    run, path = told(tmp_path), chained(member=True)
    run = replace(run, rules=(*run.rules, *path.rules), assessments=(*run.assessments, *path.assessments))
    file = tmp_path / "report.html"
    file.write_text(html_report.render(replace(run, exit=exit_code.decide(run)), language), encoding="utf-8")
    with chromium.tab(tmp_path) as tab:
        tab.screen(width, 900, dark=dark)
        tab.go(file)
        assert violations(tab) == []
        assert tab.log == []
        assert tab.requests == []
        assert tab.run("document.documentElement.scrollWidth <= innerWidth")


def test_axe_does_see_a_fault(tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text('<!doctype html><html lang="en"><title>x</title><main><h1>x</h1><button></button></main>', encoding="utf-8")
    with chromium.tab(tmp_path) as tab:
        tab.go(file)
        assert [one.partition(" ")[0] for one in violations(tab)] == ["button-name"]
