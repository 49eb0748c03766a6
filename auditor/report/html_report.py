"""report.html: one file that asks nothing of any network, reads without JavaScript, and prints.

Whatever a directory says is text here: every value is escaped, the policy in the page allows one style sheet and one script by
their hashes, and characters that hide or reorder text are shown as marks.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from functools import cache

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from auditor import facts, plan, safe
from auditor.config import Audit
from auditor.facts import Facts
from auditor.model import Action, Change, Finding, Language, Rule, Run, Severity, Text, Value, Verdict, WaiverState
from auditor.report import attack_path, brand, explorer, i18n, story, wording
from auditor.report.brand import Brand
from auditor.report.i18n import Phrases

FIRST_ROWS = 5
MAX_CELL = 300
"""Characters of one evidence value; the rest is in report.json."""

_FONTS = (
    ("Source Sans 3", 400, "source-sans-3-latin-400-normal.woff2"),
    ("Source Sans 3", 600, "source-sans-3-latin-600-normal.woff2"),
    ("Source Serif 4", 400, "source-serif-4-latin-400-normal.woff2"),
    ("Source Serif 4", 600, "source-serif-4-latin-600-normal.woff2"),
    ("Atkinson Hyperlegible Mono", 400, "atkinson-hyperlegible-mono-latin-400-normal.woff2"),
)
_NAMES = {Language.FR: "Français", Language.EN: "English"}
_ANCHOR = re.compile(r'( (?:id="|aria-labelledby="|href="#))(?!explorer\?)')
_MARKS = {code: str(escape(mark)) for code, mark in safe.MARKS.items() if chr(code) not in "\t\n"}


def files(run: Run, settings: Audit) -> Mapping[str, str]:
    """report.html in the language of audit.yaml, or in both."""
    return {"report.html": render(run, settings.language, bilingual=settings.bilingual, look=brand.of(settings.branding))}


def render(run: Run, language: Language, *, bilingual: bool = False, look: Brand = brand.PLAIN) -> str:
    """The report of a run that has its exit: in one language, or in both with `language` first."""
    languages = tuple(sorted(Language, key=lambda other: other is not language)) if bilingual else (language,)
    counted, says = facts.of(run), [Phrases(spoken) for spoken in languages]
    style = _fonts() + _template_text("report.css") + _template_text("explorer.css") + look.style
    style += "".join(_page_footer(say, run, first=say is says[0]) for say in says)
    script = _template_text("report.js") + _template_text("explorer.js")
    page = _environment(language).get_template("report.html.j2").render(
        language=language.value, title=_title(says[0], run), brand=look,
        readings=[_reading(say, run, counted, look, first=say is says[0]) for say in says], island=explorer.island(counted, languages),
        style=Markup(style), style_hash=_csp_hash(style), script=Markup(script), script_hash=_csp_hash(script),  # noqa: S704 - our own files
    )  # fmt: skip
    return safe.clean(page).translate(_MARKS)


def _reading(say: Phrases, run: Run, counted: Facts, look: Brand, *, first: bool) -> Markup:
    """The report in one language. Anchors of the second carry its name before theirs, so that both can be linked to."""
    language = say.language
    text = _environment(language).get_template("reading.html.j2").render(
        run=run, facts=counted, language=language.value, first=first, title=_title(say, run), own_name=_NAMES[language], brand=look,
        headline=_headline(say, counted), others=_others(say, counted),
    )  # fmt: skip
    # Quotes in data are escaped: what looks like one of our attributes is one. The explorer is looked up by its script.
    return Markup(text if first else _ANCHOR.sub(rf"\1{language.value}.", text))  # noqa: S704 - made by a template that escapes


def _title(say: Phrases, run: Run) -> str:
    return f"{say.gettext('Audit of identities and access')}, {run.establishment[:80]}, {say.day(run.as_of)}"


@cache
def _environment(language: Language) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(i18n.folder()), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    say = Phrases(language)
    environment.globals.update(
        say=say, gettext=say.gettext, ngettext=say.ngettext, Severity=Severity, Verdict=Verdict, FIRST_ROWS=FIRST_ROWS,
        cell=lambda name, finding: _cell(say, name, finding),
        plan=plan, story=story, Change=Change, WaiverState=WaiverState,
        usual_owner=lambda facts, action: say.words([say.of(owner) for owner in _owners(facts, action)]),
        removed=lambda outcome: say.words([say.findings(severity, count) for severity, count in outcome.removed.items()]),
        logo=brand.picture, waiver_told=lambda use: wording.waiver(say, use),
        attack_path=attack_path.of, change=lambda told: _change(say, *told),
        relation=lambda word: say.gettext("member of") if word == "member" else say.word("permission", word),
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


def _page_footer(say: Phrases, run: Run, *, first: bool) -> str:
    """Running text of printed pages; the only data that reaches the style sheet, letter by letter."""
    values = {"establishment": run.establishment[:60], "day": say.day(run.as_of)}
    text = (
        say.gettext("%(establishment)s, audit of identities, %(day)s. Names replaced by pseudonyms.", **values)
        if run.pseudonyms
        else say.gettext("%(establishment)s, audit of identities, %(day)s. Contains names: restricted.", **values)
    )
    shown = "".join(char if char.isalnum() and char.isascii() else f"\\{ord(char):06x}" for char in safe.visible(text))
    page = "" if first else f" {say.language.value}"
    chosen = "" if first else f".reading:lang({say.language.value}){{page:{say.language.value}}}\n"
    return f'@page{page}{{@bottom-left{{content:"{shown}"}}}}\n{chosen}'


def _csp_hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


def _cell(say: Phrases, name: str, finding: Finding) -> str:
    evidence: dict[str, Value] = dict(finding.evidence)
    value = evidence[name]
    if isinstance(value, str) and len(value) > MAX_CELL:
        return say.gettext("%(start)s… (%(length)s characters, see report.json)", start=value[:MAX_CELL], length=say.number(len(value)))
    return say.cell(name, evidence)


def _owners(counted: Facts, action: Action) -> tuple[Text, ...]:
    """Who usually decides on the faults of an action, each once."""
    return tuple(dict.fromkeys(control.owner for control in counted.failing if control.rule.id in action.rules))


def _change(say: Phrases, _place: int, rule: Rule, number: int) -> str:
    """What the curve says of its greatest jump: the rule and how many findings more or fewer."""
    return say.gettext("%(change)s, %(rule)s", rule=say.of(rule.title), change=f"{'+' if number > 0 else '−'}{say.number(abs(number))}")


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
