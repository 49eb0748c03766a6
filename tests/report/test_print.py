"""The report on A4, printed by the real browser: page 1 stands alone, nothing is cut off, closed rules are open, every page is signed."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from auditor.model import Language
from auditor.report import exit_code, html_report
from tests.report import chromium, examples

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(chromium.PROGRAM is None, reason="no Chromium on this machine"),
    pytest.mark.skipif(shutil.which("pdftotext") is None, reason="no poppler-utils on this machine"),
]

WIDTH, MARGIN = 595, 42
"""Of A4 paper in points, and a little less than the 16 mm that stay free on each side."""


def poppler(program: str, *arguments: str | Path) -> str:
    done = subprocess.run([program, *arguments], capture_output=True, check=True, encoding="utf-8", timeout=60)
    return done.stdout.replace("\u00a0", " ")


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A report in both languages, printed in each, and its first page alone."""
    folder = tmp_path_factory.mktemp("print")
    run = examples.run()
    page = folder / "report.html"
    page.write_text(html_report.render(replace(run, exit=exit_code.decide(run)), Language.FR, bilingual=True), encoding="utf-8")
    files = {name: folder / f"{name}.pdf" for name in ("fr", "en", "first")}
    with chromium.tab(folder) as tab:
        tab.go(page)
        files["fr"].write_bytes(tab.pdf())
        tab.run("document.documentElement.dataset.print = 'page'")
        files["first"].write_bytes(tab.pdf())
        tab.run("delete document.documentElement.dataset.print; document.querySelector('.language').click()")
        files["en"].write_bytes(tab.pdf())
        assert tab.log == []
    return files


def pages(file: Path) -> list[str]:
    return poppler("pdftotext", "-layout", file, "-").split("\f")[:-1]


@pytest.mark.parametrize(
    ("language", "plan", "signed"), [("fr", "Plan de remédiation", "diffusion restreinte"), ("en", "Work plan", "restricted")]
)
def test_page_one_stands_alone_and_every_page_is_signed(printed: dict[str, Path], language: str, plan: str, signed: str) -> None:
    told = pages(printed[language])
    assert "Page size:       594.96 x 841.92 pts (A4)" in poppler("pdfinfo", printed[language])
    assert "Tagged:          yes" in poppler("pdfinfo", printed[language])
    assert 5 <= len(told) <= 40
    assert plan not in told[0]
    assert plan in told[1]
    for number, text in enumerate(told, 1):
        assert re.search(rf"\b{number} ?/ ?{len(told)}\b", text)
        assert "Centre hospitalier de Test" in text
        assert signed in text


def test_first_page_is_printed_by_itself(printed: dict[str, Path]) -> None:
    told = pages(printed["first"])
    assert len(told) == 1
    assert re.search(r"\b1 ?/ ?1\b", told[0])


def test_only_the_language_that_is_read_is_printed(printed: dict[str, Path]) -> None:
    french, english = (" ".join(pages(printed[name])) for name in ("fr", "en"))
    assert "Work plan" not in french
    assert "Plan de remédiation" not in english


def test_closed_rules_are_printed_and_controls_are_not(printed: dict[str, Path]) -> None:
    told = " ".join(" ".join(pages(printed["en"])).split())
    # A rule that is closed on screen, with its command.
    assert told.count("Disable-ADAccount -Identity LOGIN -WhatIf") >= 4
    assert "findings.csv" in told
    for control in ("Hide names on screen", "Print all", "Copy", "Skip to the report"):
        assert control not in told


@pytest.mark.parametrize("language", ["fr", "en"])
def test_no_word_leaves_the_paper(printed: dict[str, Path], language: str) -> None:
    boxes = re.findall(r'<word xMin="([-\d.]+)" yMin="[-\d.]+" xMax="([-\d.]+)"', poppler("pdftotext", "-bbox", printed[language], "-"))
    assert len(boxes) > 1000
    assert [box for box in boxes if float(box[0]) < MARGIN or float(box[1]) > WIDTH - MARGIN] == []
