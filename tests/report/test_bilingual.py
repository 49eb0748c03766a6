"""Both languages in one file: each whole, one shown, every anchor once, and links and the switch keep to the language that is read."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from auditor import steps
from auditor.model import Language, Run
from auditor.report import exit_code, html_report
from tests.report import chromium, examples, large
from tests.report.test_html_report import Page


def both(run: Run, language: Language = Language.FR) -> str:
    return html_report.render(replace(run, exit=exit_code.decide(run)), language, bilingual=True)


def readings(written: str) -> dict[str, str]:
    """What each language of a report holds."""
    parts = re.split(r'<div class="reading" lang="(\w\w)"', written.partition("<body>")[2].rpartition('<script type="application/json"')[0])
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize("first", Language)
def test_each_language_reads_as_it_does_alone(first: Language) -> None:
    run = examples.run()
    run = replace(run, exit=exit_code.decide(run))
    found = readings(html_report.render(run, first, bilingual=True))
    assert sorted(found) == ["en", "fr"]
    for language, text in found.items():
        alone = readings(html_report.render(run, Language(language)))[language]
        assert Page("<div" + text).words == Page("<div" + alone).words
        assert text.startswith(" hidden ") is (language != first)


def test_every_anchor_is_there_once_and_every_link_leads_to_one() -> None:
    written = both(examples.run())
    found = Counter(re.findall(r' id="([^"]+)"', written))
    assert set(found.values()) == {1}
    french, english = readings(written)["fr"], readings(written)["en"]
    for text, prefix in ((french, ""), (english, "en.")):
        links = re.findall(r' (?:aria-labelledby="|href="#)([^"]+)"', text)
        assert len(links) > 20
        assert {link for link in links if not link.startswith("explorer?")} <= set(found)
        assert all(link.startswith((prefix, "explorer?")) for link in links)
    assert 'id="SPC-023"' in french
    assert 'id="en.SPC-023"' in english


def test_names_of_the_data_are_left_alone() -> None:
    name = ' id="x" href="#y"'
    run = examples.run()
    hostile = tuple(
        replace(entry, findings=(replace(entry.findings[0], evidence={"name": name}),)) if entry.rule == "SPC-023" else entry
        for entry in run.assessments
    )
    assert all(Page("<div" + text).words.count(name.strip()) == 1 for text in readings(both(replace(run, assessments=hostile))).values())


def test_printed_pages_are_signed_in_the_language_they_are_in() -> None:
    style = re.search(r"<style>(.*?)</style>", both(examples.run()), re.DOTALL)
    assert style
    signed = re.findall(r'@page( en)?\{@bottom-left\{content:"([^"]*)"', style[1])
    assert [page for page, _ in signed] == ["", " en"]
    told = [re.sub(r"\\([0-9a-f]{6})", lambda char: chr(int(char[1], 16)), text) for _, text in signed]
    assert ["diffusion restreinte" in text.replace("\u00a0", " ") for text in told] == [True, False]
    assert ["restricted" in text for text in told] == [False, True]
    assert ".reading:lang(en){page:en}" in style[1]


def test_second_language_costs_less_than_half_of_the_file() -> None:
    run = large.run(10_000)
    one, two = len(html_report.render(run, Language.FR)), len(html_report.render(run, Language.FR, bilingual=True))
    assert two < 1.5 * one


def test_command_line_overrules_audit_yaml(tmp_path: Path) -> None:
    config = tmp_path / "audit.yaml"
    config.write_text("bilingual: true\nestablishment: {name: X}\nsources: [{type: attestations, path: .}]\n", encoding="utf-8")
    assert steps.settings_of(config, None, None, None, None).bilingual
    assert steps.settings_of(config, None, "both", None, None).bilingual
    assert not steps.settings_of(config, None, "en", None, None).bilingual


@pytest.mark.slow
@pytest.mark.skipif(chromium.PROGRAM is None, reason="no Chromium on this machine")
def test_browser_switches_and_links_keep_the_language(tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text(both(examples.run()), encoding="utf-8")
    shown = "[...document.querySelectorAll('main')].filter(part => part.checkVisibility()).map(part => part.closest('[lang]').lang).join()"
    state = f"[document.documentElement.lang, {shown}, document.querySelector('.explorer .filters').closest('[lang]').lang].join()"
    at_top = "document.getElementById({!r}).getBoundingClientRect().top < 200"
    with chromium.tab(tmp_path) as tab:
        tab.go(file)
        assert tab.run(state) == "fr,fr,fr"
        french = tab.run("document.title")
        tab.click(".reading:not([hidden]) .language")
        assert tab.run(state) == "en,en,en"
        assert tab.run("document.title") != french
        # A link made by the explorer, which knows nothing of the prefix.
        tab.run("location.hash = '#SPC-023'; new Promise(done => setTimeout(done, 300))")
        assert tab.run(state) == "en,en,en"
        assert tab.run("document.getElementById('en.SPC-023').open")
        assert tab.run(at_top.format("en.SPC-023"))
        # The same passage in the other language; a click of the mouse would scroll first.
        tab.run("document.querySelector('.reading:not([hidden]) .language').click()")
        assert tab.run(state) == "fr,fr,fr"
        assert tab.run("document.getElementById('SPC-023').open")
        assert tab.run(at_top.format("SPC-023"))
        # An English link, sent to somebody whose report opens in French.
        tab.run("location.hash = '#en.R3'; new Promise(done => setTimeout(done, 300))")
        assert tab.run(state) == "en,en,en"
        assert tab.run(at_top.format("en.R3"))
        assert tab.log == []
        assert tab.requests == []
