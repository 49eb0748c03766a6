"""Both languages are complete, in the right plural and the right typography."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
import yaml
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po

from auditor import tables
from auditor.model import Language, Severity, State, Text, Verdict
from auditor.report import i18n
from auditor.report.i18n import NBSP, Phrases
from auditor.rule_analysis import analyse

ROOT = Path(__file__).parents[2]
RULES = sorted((ROOT / "rules").glob("*/*.yaml"))


def catalogue(language: Language) -> Catalog:
    with (i18n.folder() / "locale" / language.value / "messages.po").open("rb") as file:
        return read_po(file, locale=language.value)


def used() -> Iterator[str | tuple[str, ...]]:
    """Messages the code and the templates ask for."""
    keywords = {"gettext": None, "ngettext": (1, 2)}
    for file in (*sorted((ROOT / "auditor" / "report").glob("*.py")), ROOT / "auditor" / "notify.py"):
        yield from (found[1] for found in extract_from_file("python", file, keywords=keywords))
    for file in sorted(i18n.folder().glob("*.j2")):
        options = {"trim_blocks": "true", "lstrip_blocks": "true", "silent": "false"}
        yield from (found[1] for found in extract_from_file("jinja2.ext:babel_extract", file, keywords=keywords, options=options))


def forms(string: str | tuple[str, ...] | list[str] | None) -> list[str]:
    return [string] if isinstance(string, str) else list(string or ())


def words() -> Iterator[tuple[str, str]]:
    """Words of the model that outputs ask for by (context, word)."""
    yield from (("severity", severity.value) for severity in Severity)
    yield from (("threshold", severity.value) for severity in Severity)
    yield from (("verdict", verdict.value) for verdict in Verdict)
    yield from (("state", state.value) for state in State)
    yield from (("status", status) for status in ("stable", "preview"))
    yield from (("framework", framework) for framework in ("anssi", "attack", "cis", "peer"))
    yield from (("table", table) for table in tables.ALL)
    yield from (("column", column.name) for table in tables.ALL.values() for column in table.columns)


@pytest.mark.parametrize("language", Language)
def test_every_message_is_translated_and_none_is_left_over(language: Language) -> None:
    messages = catalogue(language)
    asked = {message if isinstance(message, str) else message[0] for message in used()}
    held = {message.id if isinstance(message.id, str) else message.id[0] for message in messages if message.id and not message.context}
    assert held == asked
    for message in messages:
        texts = forms(message.string)
        assert all(texts), message.id
        assert len(texts) == (1 if isinstance(message.id, str) else 2), message.id


@pytest.mark.parametrize("language", Language)
def test_translations_keep_every_placeholder(language: Language) -> None:
    for message in catalogue(language):
        if message.id:
            ids = forms(message.id)
            texts = forms(message.string)
            expected = set(re.findall(r"%\(\w+\)s", ids[-1]))
            found = [set(re.findall(r"%\(\w+\)s", text)) for text in texts]
            assert found[-1] == expected, message.id
            assert found[0] <= expected, message.id  # “the other one” needs no number


@pytest.mark.parametrize("language", Language)
def test_every_word_of_the_model_has_a_label(language: Language) -> None:
    messages = catalogue(language)
    missing = [(context, word) for context, word in words() if messages.get(word, context=context) is None]
    assert missing == []


def test_every_evidence_column_of_the_shipped_rules_has_a_label() -> None:
    assert RULES
    for language in Language:
        messages = catalogue(language)
        for file in RULES:
            rule = yaml.safe_load(file.read_text(encoding="utf-8"))
            for column in analyse(rule["query"]).columns:
                if column not in ("resource", "ok"):
                    assert messages.get(column, context="column") is not None, f"{file.name}: column {column} has no label in {language}"


def test_coded_columns_are_translated() -> None:
    french = Phrases(Language.FR)
    assert french.cell("kind", {"kind": "vendor"}) == "prestataire"
    assert french.cell("permission", {"permission": "write_dacl"}) == "modifier les permissions"
    assert french.cell("name", {"name": "crisis_exercise", "topic": "crisis_exercise"}) == "exercice de crise"
    assert Phrases(Language.EN).cell("name", {"name": "backup_policy", "topic": "backup_policy"}) == "backup policy"
    assert french.cell("kind", {"kind": "a kind of a third-party pack"}) == "a kind of a third-party pack"


def test_plural_of_none_one_and_two_follows_each_language() -> None:
    def counted(language: Language) -> list[str]:
        say = Phrases(language)
        return [say.findings(Severity.CRITICAL, count) for count in (0, 1, 2, 2431)]

    assert counted(Language.FR) == ["0 constat critique", "1 constat critique", "2 constats critiques", f"2{NBSP}431 constats critiques"]
    assert counted(Language.EN) == ["0 critical findings", "1 critical finding", "2 critical findings", "2,431 critical findings"]


def test_french_catalogue_is_in_french_typography() -> None:
    for message in catalogue(Language.FR):
        for text in forms(message.string):
            assert text == i18n.typography(text, Language.FR), text
            assert "'" not in text
            assert "\u202f" not in text


def test_typography_of_rule_texts() -> None:
    plain = "L'accès : « ouvert » ? 1 234 comptes, 5 % ; 3 h !"
    n = NBSP
    assert Phrases(Language.FR).of(Text("", plain)) == f"L’accès{n}: «{n}ouvert{n}»{n}? 1{n}234{n}comptes, 5{n}%{n}; 3{n}h{n}!"
    assert Phrases(Language.EN).of(Text(plain, "")) == plain


def test_numbers_and_dates_of_each_language() -> None:
    french, english = Phrases(Language.FR), Phrases(Language.EN)
    moment = datetime(2026, 1, 5, 6, 30)
    assert (french.day(moment), english.day(moment)) == ("lundi 5 janvier 2026", "Monday, 5 January 2026")
    assert (french.moment(moment), english.moment(moment)) == ("5 janv. 2026 à 06:30 UTC", "5 Jan 2026, 06:30 UTC")
    assert (french.number(1234567), english.number(1234.5)) == (f"1{NBSP}234{NBSP}567", "1,234.5")
    assert (french.hours(1.5), english.hours(1.5), french.hours(0.25), french.hours(0)) == (
        f"1,5{NBSP}h", f"1.5{NBSP}h", f"15{NBSP}min", f"0{NBSP}h",
    )  # fmt: skip


def test_only_the_whole_reads_one_hundred_per_cent() -> None:
    french = Phrases(Language.FR)
    assert [french.percent(ratio) for ratio in (0, 0.29, 0.9999, 1)] == [f"{whole}{NBSP}%" for whole in (0, 29, 99, 100)]


def test_a_missing_value_says_whether_it_is_none_or_unknown() -> None:
    say = Phrases(Language.EN)
    assert say.cell("last_sign_in_at", {"last_sign_in_at": None, "never_signed_in": True}) == "none"
    assert say.cell("last_sign_in_at", {"last_sign_in_at": None, "never_signed_in": None}) == "unknown"
    assert say.cell("last_sign_in_at", {"last_sign_in_at": None}) == "none or unknown"
    assert say.cell("enabled", {"enabled": None}) == "unknown"
    assert say.cell("enabled", {"enabled": False}) == "no"
    assert say.cell("company", {"company": ""}) == "none"
    assert say.cell("rid", {"rid": 5001}) == "5,001"
