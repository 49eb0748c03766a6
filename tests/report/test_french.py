"""Every text people read is there in French, in French words and in French typography: code, rules, catalogue, templates, reports."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
import yaml
from babel.messages.pofile import read_po

from auditor import errors
from auditor.model import Language
from auditor.report import exit_code, html_report, i18n, terminal
from auditor.report.i18n import NBSP, Phrases
from tests.report import examples
from tests.report.test_i18n import forms

ROOT = Path(__file__).parents[2]
ERRORS = {name for name, found in vars(errors).items() if inspect.isclass(found) and issubclass(found, errors.AuditorError)}
ERRORS |= {"SourceError", "GraphError", "LdapError", "CutExportError", "WritingTokenError", "NoSourceError"}
PAIRS = {"Text", "RefusedValueError"}
FOR_AUTHORS = "query: {…}"
"""What the gate says of the SQL of a rule speaks to its author, in English as the SQL does."""

ENGLISH = re.compile(
    r"(?i)\b(the|and|of|is|are|was|were|not|with|without|cannot|could|this|that|these|from|which|has|have|been|must|should|would|its|their"
    r"|they|it|by|when|where|there|here|than|then|only|every|other|nothing|none|write|choose|check|remove|accounts?|rows?|findings?|files"
    r"|unknown|password|since|until|before|after|read|wrote|written|first|last|none|yes|today|target)\b"
)
"""Words no French sentence holds."""

NAMES = re.compile(
    r"`[^`]*`|\{[^}]*\}|%\(\w+\)s|https?://\S+|<[^>]+>|--[\w-]+|\b[\w-]*[_./\\=][\w./\\=-]*\b|\bRead\.All\b|\b[A-Z]\w*(?:[ .][A-Z]\w*)+\b"
)
"""Commands, settings, placeholders, file names and names of products: the same in every language."""

SETTINGS = re.compile(r"\b(?:user et password|ou last|match ou where|pas where)\b")
"""Keys of the files people edit, and values of options."""

SAME = {"permissions", "webhook"}
"""Words both languages share."""


def literal(node: ast.expr | None) -> str | None:
    """A text written in the code, with its computed parts in braces; None when it is not written there."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "{…}" for part in node.values)
    return None


@cache
def written() -> tuple[tuple[str, str, str | None], ...]:
    """(place, English, French) of every pair of texts in the code; French is None where it is missing."""
    found: list[tuple[str, str, str | None]] = []
    for file in sorted((ROOT / "auditor").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name | ast.Attribute):
                continue
            name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            if name not in PAIRS | ERRORS:
                continue
            given = {keyword.arg: keyword.value for keyword in node.keywords}
            english = literal(given.get("en") or (node.args[0] if node.args else None))
            french = given.get("fr") or (node.args[1] if name in PAIRS and len(node.args) > 1 else None)
            if english is not None:
                place = f"{file.relative_to(ROOT)}:{node.lineno}"
                found.append((place, english, (literal(french) or "{…}") if french else None))
    return tuple(found)


def rule_texts() -> Iterator[tuple[str, str]]:
    """(place, French) of every text of the shipped rules."""
    for file in sorted((ROOT / "rules").rglob("*.yaml")):
        todo = [yaml.safe_load(file.read_text(encoding="utf-8"))]
        while todo:
            node = todo.pop()
            if isinstance(node, dict):
                if set(node) == {"en", "fr"}:
                    yield file.name, node["fr"]
                else:
                    todo += node.values()
            elif isinstance(node, list):
                todo += node


def english_in(text: str) -> list[str]:
    return ENGLISH.findall(NAMES.sub(" ", SETTINGS.sub(" ", text)))


def faults(text: str) -> list[str]:
    """What French typography would write otherwise, outside of commands."""
    bare = re.sub(r"`[^`]*`", "", text)
    return re.findall(r".{0,20}(?:\w'\w| [:;!?»](?:\s|$)|« ).{0,10}", bare) + re.findall(r".{0,20}\w[;!?»](?=\s|$)", bare)


def test_every_error_and_every_text_of_the_code_has_its_french() -> None:
    assert len(written()) > 300
    assert [place for place, english, french in written() if french is None and english != FOR_AUTHORS] == []


def test_the_french_of_the_code_is_not_its_english() -> None:
    told = [(place, english) for place, english, french in written() if english == french and english not in SAME]
    same = [(place, english) for place, english in told if re.search(r"[a-z]{3}", NAMES.sub("", english))]
    assert same == []


def test_no_english_word_is_left_in_the_french_of_the_code() -> None:
    left = {place: (found, french) for place, _, french in written() if french and (found := english_in(french))}
    assert left == {}


def test_no_english_word_is_left_in_the_rules() -> None:
    left = [(place, found, text) for place, text in rule_texts() if (found := english_in(text))]
    assert left == []


def test_no_english_word_is_left_in_the_catalogue() -> None:
    with (i18n.folder() / "locale" / "fr" / "messages.po").open("rb") as file:
        messages = read_po(file, locale="fr")
    left = [(message.id, text) for message in messages for text in forms(message.string) if message.id and english_in(text)]
    assert left == []


def test_the_french_of_the_code_is_in_french_typography() -> None:
    left = [(place, found) for place, _, french in written() if french and (found := faults(french))]
    assert left == []


def test_no_text_of_a_template_bypasses_the_catalogue() -> None:
    left = {}
    for file in sorted(i18n.folder().glob("*.j2")):
        source = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", "", file.read_text(encoding="utf-8"), flags=re.DOTALL)
        shown = re.sub(r"<[^<>]*>", " ", re.sub(r"<script\b.*?</script>", "", source))
        attributes = re.findall(r'(?:aria-label|title|alt|placeholder|data-[a-z-]+)="([^"]*)"', source)
        words = set(re.findall(r"[^\W\d_]{2,}", " ".join([shown, *attributes]))) - {"SHA"}
        if words:
            left[file.name] = words
    assert left == {}


def test_a_whole_report_in_french_holds_no_english() -> None:
    run = examples.run()
    run = replace(run, exit=exit_code.decide(run), coverage=tuple(entry for entry in run.coverage if entry.state.value != "partial"))
    page = html_report.render(run, Language.FR).partition("<body>")[2].partition("<script")[0]
    labels = " ".join(re.findall(r'(?:aria-label|data-[a-z-]+)="([^"]*)"', page))
    # Names and commands stay as the hospital wrote them.
    page = re.sub(r"<(pre|code)\b.*?</\1>", " ", page, flags=re.DOTALL)
    page = re.sub(r'<div class="wide evidence".*?</div>', " ", page, flags=re.DOTALL)
    assert english_in(re.sub(r"<[^>]+>", " ", page) + labels) == []
    told = terminal.summary(run, Language.FR, colour=False, unicode=True, files=[])
    assert english_in(told.replace("audit explain", "")) == []


def test_the_probe_finds_english_where_it_is_left() -> None:
    assert english_in("Le fichier cannot be read") == ["cannot", "read"]
    assert english_in("La clé `read the file` de --only is_active %(the)s") == []
    assert faults("C'est là ; voici « un » mot !") != []
    assert faults(f"C’est là{NBSP}; voici «{NBSP}un{NBSP}» mot{NBSP}!") == []


@pytest.mark.parametrize("language", Language)
def test_none_one_and_two_of_everything_are_said_right(language: Language) -> None:
    """French says 0 as it says 1, English as it says 2; the forms differ where a number stands before a noun."""
    say = Phrases(language)
    with (i18n.folder() / "locale" / language.value / "messages.po").open("rb") as file:
        plurals = [message for message in read_po(file, locale=language.value) if isinstance(message.id, tuple | list)]
    assert len(plurals) > 50
    for message in plurals:
        one, many = forms(message.id)
        values = dict.fromkeys(re.findall(r"%\((\w+)\)s", one + many), "x")
        values.pop("count", None)
        none, single, two = (say.ngettext(one, many, count, **values) for count in (0, 1, 2))
        strings = [form % {**values, "count": "#"} for form in forms(message.string)]
        like_one = strings[0] if language is Language.FR else strings[1]
        assert [none, single, two] == [like_one.replace("#", "0"), strings[0].replace("#", "1"), strings[1].replace("#", "2")]
        assert not re.search(r"\w\((?:s|e|es|nt)\)", " ".join(strings)), message.id
