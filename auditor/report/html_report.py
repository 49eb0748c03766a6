"""report.html: one file that asks nothing of any network, reads without JavaScript, and prints.

Whatever a directory says is text here: every value is escaped, the policy in the page allows one style sheet and one script by
their hashes, and characters that hide or reorder text are shown as marks.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from auditor import safe
from auditor.model import Finding, Language, Run, Severity, Text, Value, Verdict
from auditor.report import facts, i18n
from auditor.report.facts import Facts
from auditor.report.i18n import Phrases

FIRST_ROWS = 5
MAX_ROWS = 200
MAX_CELL = 300
"""Characters of one evidence value; the rest is in report.json."""

_FONTS = (
    ("Source Sans 3", 400, "source-sans-3-latin-400-normal.woff2"),
    ("Source Sans 3", 600, "source-sans-3-latin-600-normal.woff2"),
    ("Source Serif 4", 400, "source-serif-4-latin-400-normal.woff2"),
    ("Source Serif 4", 600, "source-serif-4-latin-600-normal.woff2"),
    ("Atkinson Hyperlegible Mono", 400, "atkinson-hyperlegible-mono-latin-400-normal.woff2"),
)
_MARKS = {code: str(escape(mark)) for code, mark in safe.MARKS.items() if chr(code) not in "\t\n"}


def render(run: Run, language: Language, exit_code: int, exit_reason: Text) -> str:
    """The report of a run in one language."""
    say, counted = Phrases(language), facts.of(run)
    style = _fonts() + _template_text("report.css") + _page_footer(say, run)
    script = _template_text("report.js")
    page = _environment(language).get_template("report.html.j2").render(
        run=run, facts=counted, language=language.value, headline=_headline(say, counted), others=_others(say, counted),
        style=Markup(style), style_hash=_csp_hash(style), script=Markup(script), script_hash=_csp_hash(script),  # noqa: S704 - our own files
        exit_code=exit_code, exit_reason=exit_reason,
    )  # fmt: skip
    return safe.clean(page).translate(_MARKS)


@cache
def _environment(language: Language) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(i18n.folder()), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    say = Phrases(language)
    environment.globals.update(
        say=say, gettext=say.gettext, ngettext=say.ngettext, Severity=Severity, Verdict=Verdict, FIRST_ROWS=FIRST_ROWS, MAX_ROWS=MAX_ROWS,
        cell=lambda name, finding: _cell(say, name, finding),
        care=lambda control: " ".join(say.of(effect) for effect in control.care),
        first_sentence=lambda text: say.of(text).split(". ")[0].rstrip(".") + ".",
    )  # fmt: skip
    return environment


@cache
def _template_text(name: str) -> str:
    return (i18n.folder() / name).read_text(encoding="utf-8")


@cache
def _fonts() -> str:
    """The five fonts as data: URLs: a report opened in ten years looks the same."""
    rules = []
    for family, weight, name in _FONTS:
        data = base64.b64encode((i18n.folder() / "fonts" / name).read_bytes()).decode("ascii")
        source = f"url(data:font/woff2;base64,{data}) format('woff2')"
        rules.append(f"@font-face{{font-family:'{family}';font-weight:{weight};font-display:block;src:{source}}}\n")
    return "".join(rules)


def _page_footer(say: Phrases, run: Run) -> str:
    """Running text of printed pages; the only data that reaches the style sheet, letter by letter."""
    text = say.gettext(
        "%(establishment)s, audit of identities, %(day)s. Contains names: restricted.",
        establishment=run.establishment[:60],
        day=say.day(run.as_of),
    )
    shown = "".join(char if char.isalnum() and char.isascii() else f"\\{ord(char):06x}" for char in safe.visible(text))
    return f'@page{{@bottom-left{{content:"{shown}"}}}}\n'


def _csp_hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


def _cell(say: Phrases, name: str, finding: Finding) -> str:
    evidence: dict[str, Value] = dict(finding.evidence)
    value = evidence[name]
    if isinstance(value, str) and len(value) > MAX_CELL:
        return say.gettext("%(start)s… (%(length)s characters, see report.json)", start=value[:MAX_CELL], length=say.number(len(value)))
    return say.cell(name, evidence)


def _headline(say: Phrases, counted: Facts) -> str:
    """The verdict in one sentence, made of facts."""
    worst = next((severity for severity in Severity if counted.found(severity)), None)
    missing = len(counted.not_run)
    if worst is None:
        if not counted.ran:
            return say.gettext("No control could be run.")
        if missing:
            return say.ngettext(
                "No finding, but %(count)s control could not be run.", "No finding, but %(count)s controls could not be run.", missing
            )
        return say.ngettext("No finding: %(count)s control was run.", "No finding: %(count)s controls were run.", counted.ran)
    total, controls = counted.found(worst), counted.of_severity(worst)
    told = say.findings(worst, total)
    if counted.at_least(worst):
        told = say.gettext("At least %(findings)s", findings=told)
    if total == 1:
        return say.gettext("%(findings)s.", findings=told)
    if len(controls) == 1:
        return say.gettext("%(findings)s, all of one kind.", findings=told)
    if 2 * (most := controls[0].count_of(worst)) >= total:
        return say.gettext("%(findings)s, %(part)s of them of one kind.", findings=told, part=say.number(most))
    return say.gettext("%(findings)s, of %(kinds)s kinds.", findings=told, kinds=say.number(len(controls)))


def _others(say: Phrases, counted: Facts) -> str:
    """Findings of the severities below the worst one; empty when there are none."""
    found = [severity for severity in Severity if counted.found(severity)]
    return say.words([say.findings(severity, counted.found(severity)) for severity in found[1:]]) if found[1:] else ""
