"""report.html asks nothing of a network, runs nothing of the data, says what report.json says, and reads in both languages."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import subprocess
import sys
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from auditor.model import Assessment, Counts, Language, Run, Severity, Verdict
from auditor.report import exit_code, html_report
from auditor.report.i18n import NBSP
from tests.report import examples

DIGEST = """
import hashlib
from dataclasses import replace
from auditor.model import Language
from auditor.report import exit_code, html_report, json_report, terminal
from tests.report import examples

run = examples.run()
done = exit_code.decide(run)
written = [json_report.render(replace(run, exit=done))]
for language in Language:
    written.append(html_report.render(replace(run, exit=done), language))
    written.append(terminal.summary(run, language, colour=True, unicode=True, files=["report.html"]))
print(hashlib.sha256("".join(written).encode()).hexdigest())
"""


class Page(HTMLParser):
    """Elements with their attributes, text by element, and the order of headings."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.code: dict[str, str] = {}
        self._open: list[str] = []
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag == "script" and attributes.get("type") == "application/json":
            tag = "data"  # inert: no policy concerns it
        self.elements.append((tag, attributes))
        if tag in ("script", "style", "data"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style") and self._open:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._open:
            self.code[self._open[-1]] = self.code.get(self._open[-1], "") + data
        else:
            self.text.append(data)

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.elements)

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.text).replace(NBSP, " ").split())


def render(run: Run, language: Language = Language.EN) -> str:
    return html_report.render(replace(run, exit=exit_code.decide(run)), language)


@cache
def source(language: Language = Language.EN) -> str:
    return render(examples.run(), language)


@cache
def page(language: Language = Language.EN) -> Page:
    return Page(source(language))


@pytest.mark.parametrize("language", Language)
def test_nothing_is_loaded_from_anywhere(language: Language) -> None:
    made = page(language)
    for tag, attributes in made.elements:
        assert tag not in ("link", "iframe", "object", "embed", "img", "form", "base"), tag
        assert not {"src", "srcset", "action", "background", "poster"} & attributes.keys()
        assert (attributes.get("href") or "#").startswith("#")
    assert "url(" not in re.sub(r"url\(data:font/woff2;base64,[A-Za-z0-9+/=]+\)", "", made.code["style"])
    assert "http" not in made.code["style"] + made.code["script"].replace("http://www.w3.org/2000/svg", "")
    assert "@import" not in made.code["style"]


@pytest.mark.parametrize("language", Language)
def test_policy_allows_exactly_our_style_and_script(language: Language) -> None:
    made = page(language)
    policy = next(a["content"] for tag, a in made.elements if tag == "meta" and a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    hashes = {tag: base64.b64encode(hashlib.sha256(made.code[tag].encode()).digest()).decode() for tag in ("style", "script")}
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{hashes['style']}'; script-src 'sha256-{hashes['script']}'; "
        "font-src data:; base-uri 'none'; form-action 'none'"
    )
    assert (made.count("style"), made.count("script")) == (1, 1)


@pytest.mark.parametrize("language", Language)
def test_no_element_carries_a_style_or_a_handler(language: Language) -> None:
    for tag, attributes in page(language).elements:
        assert "style" not in attributes, tag
        assert not [name for name in attributes if name.startswith("on")], tag


@pytest.mark.parametrize("language", Language)
def test_hostile_names_are_shown_as_text(language: Language) -> None:
    made, written = page(language), source(language)
    for name in (examples.SCRIPT, examples.HANDLER, examples.FORMULA):
        assert name in made.words
    assert "svc<U+202E>gpj.exe" in made.words
    assert "admin<U+001B>[2J<U+001B>]0;breached<U+0007><U+009B>31m" in made.words
    assert not set(written) & {"\x1b", "\u202e", "\x9b", "\x07", "\x00"}


def test_hostile_establishment_and_rule_stay_text_in_every_place() -> None:
    run = examples.run()
    rules = tuple(
        replace(rule, title=examples.text(examples.HANDLER), pack=examples.SCRIPT, attribution=examples.HANDLER, status=examples.SCRIPT,
                remediation=(replace(rule.remediation[0], command=examples.SCRIPT + "\u202e"),))
        for rule in run.rules
    )  # fmt: skip
    hostile = replace(run, rules=rules, establishment='x"}</style>' + examples.SCRIPT)
    made = Page(render(hostile))
    assert (made.count("script"), made.count("style"), made.count("img")) == (1, 1, 0)
    assert "</style>" not in made.code["style"]
    assert "breached" not in made.code["script"]
    assert "<U+202E>" in made.words


def test_a_huge_value_is_cut_and_says_so() -> None:
    run = examples.run()
    huge = tuple(
        replace(entry, findings=examples.findings("AD-KRB-001", (examples.LONG,))) if entry.rule == "AD-KRB-001" else entry
        for entry in run.assessments
    )
    written = render(replace(run, assessments=huge))
    assert "x" * 300 + "… (1,000,000 characters, see report.json)" in Page(written).words
    assert len(written) < 400_000


@pytest.mark.parametrize("language", Language)
def test_every_link_leads_somewhere_and_no_anchor_is_used_twice(language: Language) -> None:
    anchors = [attributes["id"] for _, attributes in page(language).elements if "id" in attributes]
    assert len(anchors) == len(set(anchors))
    for tag, attributes in page(language).elements:
        if tag == "a":
            assert (attributes["href"] or "")[1:].split("?")[0] in anchors
    for chapter in ("page", "plan", "R1", "R2", "R3", "R4", "R5", "explorer", "limits", "coverage"):
        assert chapter in anchors


@pytest.mark.parametrize("language", Language)
def test_structure_serves_those_who_do_not_see_the_page(language: Language) -> None:
    made = page(language)
    levels = [int(tag[1]) for tag, _ in made.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert made.count("main") == made.count("h1") == 1
    assert made.count("table") == made.count("caption") == made.count("thead")
    assert all(attributes.get("scope") in ("col", "row") for tag, attributes in made.elements if tag == "th")
    assert all(
        attributes.get("aria-label") or attributes.get("aria-hidden")
        for tag, attributes in made.elements
        if tag == "svg" and "role" in attributes
    )
    assert dict(made.elements[0][1]) == {"lang": language.value}


def test_headline_is_made_of_facts() -> None:
    assert "25 critical findings, 19 of them of one kind." in page().words
    assert "25 constats critiques, dont 19 de même nature." in page(Language.FR).words
    assert "At least 12" not in page().words
    assert "7 of 10 controls could be run" in page().words
    clean = Page(render(examples.clean_run())).words
    assert "No finding: 10 controls were run." in clean
    assert "Nothing to do: no control failed." in clean


@pytest.mark.parametrize(
    ("verdicts", "headline"),
    [
        ([(Verdict.FAIL, 1)], "1 critical finding."),
        ([(Verdict.FAIL, 4)], "4 critical findings, all of one kind."),
        ([(Verdict.FAIL, 2), (Verdict.FAIL, 2), (Verdict.FAIL, 2)], "6 critical findings, of 3 kinds."),
        ([(Verdict.PASS, 0), (Verdict.NOTCHECKED, 0)], "No finding, but 1 control could not be run."),
        ([(Verdict.NOTCHECKED, 0), (Verdict.ERROR, 0)], "No control could be run."),
        ([], "No control could be run."),
    ],
)
def test_headline_of_each_case(verdicts: list[tuple[Verdict, int]], headline: str) -> None:
    rules = tuple(examples.rule(f"AD-X-{place}", Severity.CRITICAL, 1) for place, _ in enumerate(verdicts))
    assessments = tuple(
        Assessment(rule.id, verdict, Counts(failed=count), findings=examples.findings(rule.id, tuple(map(str, range(count)))))
        for rule, (verdict, count) in zip(rules, verdicts, strict=True)
    )
    made = Page(render(replace(examples.run(), rules=rules, assessments=assessments)))
    assert f"{headline} " in made.words


def test_count_that_may_hide_more_says_at_least() -> None:
    run = examples.run()
    only = replace(run, rules=run.rules[:1], assessments=run.assessments[:1])
    assert "At least 12 high findings, all of one kind." in Page(render(only)).words


def test_evidence_shows_five_rows_and_links_to_all() -> None:
    part = source().split('id="AD-STL-002"')[1].split("</details>")[0]
    assert part.count('<th scope="row"') == 5
    assert '<a href="#explorer?r=AD-STL-002">All 250 objects</a>' in part


def test_what_was_not_run_is_said_with_reason_and_cure() -> None:
    limits = " ".join(source(Language.FR).split('id="limits"')[1].split())
    assert "Un contrôle non mené n’est pas un contrôle réussi." in limits
    for shown in (
        "SPC-013",
        "AD-PRV-015",
        "AD-BCK-005",
        "Pas de fichier RH.",
        "La requête a dépassé son temps.",
        "Le registre manque.",
        "AD-ACC-019",
    ):
        assert shown in limits, shown
    assert "Demander le fichier" in limits.split("<code>AD-BCK-005</code>")[1].split("</tr>")[0]
    assert f"Pas de fichier RH.{NBSP}" not in limits
    assert "a" * 64 in limits


def test_unconfirmed_rows_are_marked() -> None:
    part = source().split('<details class="rule" id="SPC-013"')[1].split("</details>")[0]
    assert part.count("<strong>unconfirmed</strong>") == 2
    assert "do not count" in part


def test_recommendation_without_control_says_so() -> None:
    assert page().words.count("This version has no control for this recommendation: the report says nothing about it, good or bad.") == 2


@pytest.mark.parametrize("language", Language)
def test_both_languages_hold_the_same_numbers(language: Language) -> None:
    def numbers(of: Language) -> list[str]:
        text = re.sub(r"<[^>]*>", " ", source(of).split("<body")[1].split('<script type="application/json"')[0])
        thousands = "\u00a0" if of is Language.FR else ","
        text = re.sub(rf"(?<=\d){thousands}(?=\d{{3}})", "", text)
        return sorted(number.replace(",", ".") for number in re.findall(r"\d+(?:[.,]\d+)*", text))

    assert numbers(language) == numbers(Language.EN)


def test_time_zone_locale_and_hash_seed_change_no_byte() -> None:
    def digest(zone: str, locale: str, seed: str) -> str:
        environment = {**os.environ, "TZ": zone, "LC_ALL": locale, "PYTHONHASHSEED": seed, "COLUMNS": "40"}
        return subprocess.run([sys.executable, "-c", DIGEST], env=environment, check=True, capture_output=True, text=True).stdout

    first = digest("Pacific/Kiritimati", "C", "1")
    assert len(first.strip()) == 64
    assert first == digest("America/Adak", "C.UTF-8", "2")
