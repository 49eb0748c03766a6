"""The data of the explorer: every finding of a run in columns, each distinct text once, as JSON that no name can break out of."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Sequence

from markupsafe import Markup

from auditor import safe
from auditor.facts import RECOMMENDATIONS, Control, Facts
from auditor.model import Change, Finding, Language, Severity, Text, Value
from auditor.report.i18n import Phrases

COMPRESSED_FROM = 20_000
"""Above this many findings the data is compressed."""
DETAILS = 3
"""Evidence columns shown beside the name."""
MAX_TEXT = 160
"""Characters of one value; the files of findings hold it whole."""

_STATES = (Change.NEW.value, Change.RETURNED.value, Change.OPEN.value, "waived", "unconfirmed")
_ESCAPES = str.maketrans({char: f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"})


def island(facts: Facts, languages: Sequence[Language]) -> Markup:
    """The `<script>` element that holds the findings of a run and the labels of the explorer, in every one of `languages`."""
    told = _Columns([Phrases(language) for language in languages])
    for control, finding in _rows(facts):
        told.add(control, finding)
    data = {"languages": [language.value for language in languages], "labels": [_labels(say) for say in told.says], **told.columns()}
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    if len(told.rule) > COMPRESSED_FROM:
        packed = base64.b64encode(gzip.compress(text.encode("utf-8"), mtime=0)).decode("ascii")
        return Markup('<script type="text/plain" id="data" data-gzip>{}</script>').format(packed)
    return Markup('<script type="application/json" id="data">{}</script>').format(Markup(text.translate(_ESCAPES)))  # noqa: S704 - escaped


def _rows(facts: Facts) -> list[tuple[Control, Finding]]:
    """Every finding, worst first; within a severity the rules as in the report, and their findings as in the report."""
    shown = [control for recommendation in RECOMMENDATIONS for control in facts.shown(recommendation.id)]
    rows = [(control, finding) for control in sorted(shown, key=_worst_first) for finding in control.findings]
    return sorted(rows, key=lambda row: row[0].severity(row[1]).rank)


def _worst_first(control: Control) -> tuple[bool, int, int, str]:
    return not control.failed, control.rule.severity.rank, -control.count, control.rule.id


class _Columns:
    """Findings column by column; texts are kept once, as a string or, where languages differ, one string for each."""

    def __init__(self, says: list[Phrases]) -> None:
        self.says = says
        self.rule: list[int] = []
        self._severity: list[int] = []
        self._state: list[int] = []
        self._name: list[int] = []
        self._seen: list[str] = []
        self._details: tuple[list[int], ...] = tuple([] for _ in range(DETAILS))
        self._rules: dict[str, int] = {}
        self._controls: list[tuple[Control, list[str]]] = []
        self._texts: dict[tuple[str, ...], int] = {}
        self._cells: dict[tuple[str, type, Value], int] = {}

    def add(self, control: Control, finding: Finding) -> None:
        """One more row."""
        rule = self._rules.get(control.rule.id)
        if rule is None:
            rule = self._rules[control.rule.id] = len(self._rules)
            columns = [name for name in finding.evidence if name != "name"]
            self._controls.append((control, columns[:DETAILS]))
        names = self._controls[rule][1]
        self.rule.append(rule)
        self._severity.append(control.severity(finding).rank)
        self._state.append(_STATES.index(control.state(finding)))
        self._name.append(self._cell("name", finding) if "name" in finding.evidence else self._text((finding.resource,) * len(self.says)))
        self._seen.append(finding.first_seen.date().isoformat() if finding.first_seen else "")
        for place, column in enumerate(self._details):
            column.append(self._cell(names[place], finding) if place < len(names) else -1)

    def columns(self) -> dict[str, object]:
        """What the script reads."""
        return {
            "severities": [self._words("severity", severity.value) for severity in Severity],
            "severityNames": [severity.value for severity in Severity],
            "states": [self._words("finding", state) for state in _STATES],
            "stateNames": _STATES,
            "recommendations": [{"id": entry.id, "title": self._both(entry.title)} for entry in RECOMMENDATIONS],
            "rules": [
                {
                    "id": control.rule.id,
                    "recommendation": control.rule.recommendation,
                    "title": self._both(control.rule.title),
                    "columns": [_short([say.column(name) for say in self.says]) for name in names],
                }
                for control, names in self._controls
            ],
            "texts": [_short(text) for text in self._texts],
            "severity": self._severity,
            "rule": self.rule,
            "name": self._name,
            "details": self._details,
            "state": self._state,
            "seen": self._seen,
        }

    def _cell(self, name: str, finding: Finding) -> int:
        value = finding.evidence[name]
        if value is None or name == "name":
            # Other columns of the row tell how these are said.
            return self._said(name, finding)
        key = (name, type(value), value)
        found = self._cells.get(key)
        if found is None:
            found = self._cells[key] = self._said(name, finding)
        return found

    def _said(self, name: str, finding: Finding) -> int:
        return self._text(tuple(say.cell(name, finding.evidence) for say in self.says))

    def _text(self, forms: tuple[str, ...]) -> int:
        shown = tuple(safe.clipped(form, MAX_TEXT) for form in forms)
        return self._texts.setdefault(shown, len(self._texts))

    def _words(self, context: str, word: str) -> str | list[str]:
        return _short([say.word(context, word) for say in self.says])

    def _both(self, text: Text) -> str | list[str]:
        return _short([safe.visible(say.of(text)) for say in self.says])


def _short(forms: Sequence[str]) -> str | list[str]:
    """One string when every language says the same."""
    return forms[0] if len(set(forms)) == 1 else list(forms)


def _labels(say: Phrases) -> dict[str, str]:
    """What the explorer itself says."""
    return {
        "search": say.gettext("Search"),
        "hint": say.gettext("An account, a rule, a detail (key /)"),
        "severity": say.gettext("Severity"),
        "anySeverity": say.gettext("All severities"),
        "scope": say.gettext("Recommendation or rule"),
        "anyScope": say.gettext("All recommendations"),
        "allOf": say.gettext("%(number)s. All rules", number="{number}"),
        "state": say.gettext("State"),
        "anyState": say.gettext("All states"),
        "clear": say.gettext("Clear"),
        "csv": say.gettext("Export as CSV"),
        "rule": say.gettext("Rule"),
        "object": say.gettext("Object"),
        "detail": say.gettext("Detail"),
        "seen": say.gettext("First seen"),
        "findings": say.gettext("All findings"),
        "shown": say.gettext("Findings shown: %(shown)s of %(all)s", shown="{shown}", all="{all}"),
        "none": say.gettext("No finding matches."),
        "colon": say.gettext(":"),
        "hidden": say.gettext("Object %(number)s", number="{number}"),
    }
