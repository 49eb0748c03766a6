"""The data of the explorer: no name breaks out of it, every finding is in it, and every language it is made for."""

from __future__ import annotations

import base64
import gzip
import json
from dataclasses import replace
from datetime import datetime
from html.parser import HTMLParser
from typing import Any

from auditor import facts
from auditor.model import Assessment, Change, Language, Run, Severity
from auditor.report import explorer
from tests.report import examples, large


class Script(HTMLParser):
    """What a browser takes for the content and the attributes of the one script element."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: dict[str, str | None] = {}
        self.content = ""
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes = dict(attrs)

    def handle_data(self, data: str) -> None:
        self.content += data


def script(run: Run, *languages: Language) -> Script:
    return Script(str(explorer.island(facts.of(run), languages or (Language.EN,))))


def data(run: Run, *languages: Language) -> dict[str, Any]:
    return dict(json.loads(script(run, *languages).content))


def rows(told: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    """(rule, severity, name, state) of every row, as the script reads them."""
    return [
        (told["rules"][rule]["id"], told["severityNames"][severity], told["texts"][name], told["stateNames"][state])
        for rule, severity, name, state in zip(told["rule"], told["severity"], told["name"], told["state"], strict=True)
    ]


def test_every_finding_is_there_once_worst_first() -> None:
    run = examples.run()
    told = data(run)
    expected = sorted((finding.rule, str(finding.evidence["name"])[:5]) for entry in run.assessments for finding in entry.findings)
    assert len(expected) == 289
    assert sorted((rule, name[:5]) for rule, _, name, _ in rows(told) if rule != "AD-KRB-001") == [
        pair for pair in expected if pair[0] != "AD-KRB-001"
    ]
    assert sum(rule == "AD-KRB-001" for rule, *_ in rows(told)) == len(examples.HOSTILE)
    assert told["severity"] == sorted(told["severity"])
    # Unconfirmed rows come last of their severity.
    critical = [state for _, severity, _, state in rows(told) if severity == "critical"]
    assert critical == ["open"] * (len(critical) - 2) + ["unconfirmed"] * 2


def test_a_hostile_name_stays_data() -> None:
    made = script(examples.run())
    assert made.tags == ["script"]
    assert made.attributes == {"type": "application/json", "id": "data"}
    assert not set("<>&\u2028\u2029\u202e\x1b") & set(made.content)
    texts = json.loads(made.content)["texts"]
    assert examples.SCRIPT in texts
    assert "svc<U+202E>gpj.exe" in texts
    assert max(len(text) for text in texts) <= explorer.MAX_TEXT


def with_findings(run: Run, rule: str, **changed: Any) -> Run:
    def changed_in(entry: Assessment) -> Assessment:
        return replace(entry, findings=tuple(replace(finding, **changed) for finding in entry.findings)) if entry.rule == rule else entry

    return replace(run, assessments=tuple(changed_in(entry) for entry in run.assessments))


def test_states_dates_and_raised_severities() -> None:
    run = with_findings(examples.run(), "SPC-023", change=Change.RETURNED, first_seen=datetime(2026, 3, 2, 4))
    run = with_findings(run, "AD-ACC-023", waived_by="W1", change=Change.NEW, raised_to=Severity.CRITICAL)
    told = data(run)
    states = {(rule, severity): state for rule, severity, _, state in rows(told)}
    assert states["SPC-023", "critical"] == "returned"
    assert states["AD-ACC-023", "critical"] == "waived"
    seen = {told["rules"][rule]["id"]: day for rule, day in zip(told["rule"], told["seen"], strict=True)}
    assert (seen["SPC-023"], seen["AD-ACC-023"]) == ("2026-03-02", "")


def test_details_are_said_in_every_language_once() -> None:
    told = data(examples.run(), Language.FR, Language.EN)
    assert told["languages"] == ["fr", "en"]
    place = told["rule"].index(next(n for n, rule in enumerate(told["rules"]) if rule["id"] == "AD-STL-002"))
    rule = told["rules"][told["rule"][place]]
    cells = [told["texts"][column[place]] for column in told["details"]]
    assert rule["columns"] == [
        ["Nature du compte", "Kind of account"],
        ["Dernière connexion", "Last sign-in"],
        ["Jamais connecté", "Never signed in"],
    ]
    assert cells == [["prestataire", "supplier"], ["néant", "none"], ["oui", "yes"]]
    assert "MédiLiaison" in told["texts"]
    labels = told["labels"]
    assert labels[0].keys() == labels[1].keys()
    assert all(labels[0][key] != labels[1][key] for key in ("search", "severity", "csv", "shown", "none"))


def test_a_long_list_is_compressed_and_nothing_of_it_is_lost() -> None:
    run = large.run(explorer.COMPRESSED_FROM + 1)
    made = script(run)
    assert made.attributes == {"type": "text/plain", "id": "data", "data-gzip": None}
    told = json.loads(gzip.decompress(base64.b64decode(made.content)))
    assert len(told["rule"]) == explorer.COMPRESSED_FROM + 1
    assert made.content == script(run).content
    assert script(large.run(explorer.COMPRESSED_FROM)).attributes["type"] == "application/json"


def test_nothing_found_is_an_empty_list() -> None:
    told = data(examples.clean_run())
    assert (told["rule"], told["texts"], told["rules"]) == ([], [], [])
