"""What the command line prints: the summary of a run, a rule explained, the list of rules."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text as Line

from auditor.model import Language, Rule, Run, Severity, Verdict
from auditor.report import facts
from auditor.report.facts import Control, Facts, Protection, Source
from auditor.report.i18n import Phrases
from auditor.safe import visible

WIDTH = 92
"""Cells of a line where the terminal has them."""

_NARROWEST = 64
BAR = 15
_GLYPHS = {Severity.CRITICAL: ("■", "[C]"), Severity.HIGH: ("▲", "[H]"), Severity.MEDIUM: ("●", "[M]"), Severity.LOW: ("○", "[L]")}
_STYLES = {Severity.CRITICAL: "bold red", Severity.HIGH: "yellow", Severity.MEDIUM: "", Severity.LOW: "dim"}
_ASCII = str.maketrans(
    {"’": "'", "“": '"', "”": '"', "«": '"', "»": '"', "–": "-", "—": "-", "…": "...", "━": "#", "─": ".", "°": "o", "≥": ">="}
)


def summary(run: Run, language: Language, *, colour: bool, unicode: bool, files: Sequence[str], width: int = WIDTH) -> str:
    """The run in about thirty lines of at most `width` cells, between 64 and 92. No escape sequence without `colour`, only ASCII without
    `unicode`."""
    say, counted = Phrases(language), facts.of(run)
    width = max(_NARROWEST, min(width, WIDTH))
    lines = [*(_source(say, counted, source, width) for source in counted.sources), *_lacking(say, counted, width)]
    lines += [*_notices(say, run, width), Line()]
    lines += [
        Line.assemble((_shown(run.establishment, 44), "bold"), "  ", say.day(run.as_of), ", ", say.gettext("report no. %(id)s", id=run.id))
    ]
    lines += [Line(), _ran(say, counted), Line(), *(_bar(say, protection) for protection in counted.protections), Line()]
    lines += [_severities(say, counted, unicode=unicode)]
    if counted.failing:
        lines += [
            Line(),
            _first_title(say),
            *(_action(say, place, control, width) for place, control in enumerate(counted.failing[:3], start=1)),
        ]
    if files:
        lines += [Line(), *(Line("   " + visible(file)) for file in files)]
    return _print(lines, width, colour=colour, unicode=unicode)


def explain(rule: Rule, language: Language) -> str:
    """What a rule looks for, why it matters, how to correct it, and what it cannot see."""
    say = Phrases(language)
    lines = _wrapped(f"{rule.id}  {say.of(rule.title)}")
    head = [say.word("severity", rule.severity.value), say.of(facts.RECOMMENDATIONS[rule.recommendation - 1].title)]
    head += [f"{say.word('framework', framework)} {', '.join(ids)}" for framework, ids in sorted(rule.references.items()) if ids]
    lines += [*_wrapped(" · ".join(head)), "", *_wrapped(say.of(rule.why)), "", say.gettext("Correct")]
    for number, step in enumerate(rule.remediation, start=1):
        lines += _wrapped(f"{number}. {say.of(step.text)} ({say.hours(step.effort_hours)})", 2)
        for title, command in (
            (say.gettext("Command"), step.command),
            (say.gettext("Verify"), step.verify),
            (say.gettext("Undo"), step.undo),
        ):
            if command:
                lines += [f"     {title}{say.gettext(':')}", *(f"       {visible(line)}" for line in command.splitlines())]
        lines += _wrapped(say.gettext("Effect on care: %(effect)s", effect=say.of(step.care_impact)), 5)
    lines += ["", say.gettext("What it cannot see"), *_wrapped(say.of(rule.blind_spots), 2)]
    if rule.params:
        lines += ["", say.gettext("Thresholds, under rules.params in audit.yaml")]
        lines += [f"  {visible(name)}{say.gettext(':')} {visible(str(value))}" for name, value in sorted(rule.params.items())]
    if rule.attribution:
        lines += ["", *_wrapped(rule.attribution)]
    return "\n".join(lines) + "\n"


def rules_list(rules: Iterable[Rule], language: Language) -> str:
    """One line per rule: id, severity, recommendation, title."""
    say = Phrases(language)
    ordered = sorted(rules, key=lambda rule: (rule.recommendation, rule.id))
    return "".join(
        f"{visible(rule.id):<12} {say.word('severity', rule.severity.value):<9} {rule.recommendation}  {visible(say.of(rule.title))}\n"
        for rule in ordered
    )


def _source(say: Phrases, counted: Facts, source: Source, width: int) -> Line:
    line = Line("   " + set_cell_size(_shown(source.name, 20), 22))
    if not source.unread:
        line.append(", ".join(say.rows(table, count) for table, count in source.rows))
    gap = next((entry for entry in source.gaps if entry.reason), None)
    if gap and gap.reason:
        reason = visible(say.of(gap.reason)).rstrip(".")
        cost = counted.cost(source)
        lost = f" ({say.ngettext('%(count)s control not run', '%(count)s controls not run', cost)})" if cost else ""
        room = width - line.cell_len - cell_len(lost)
        said = (
            say.gettext("not read: %(reason)s", reason=reason) if source.unread else say.gettext("; incomplete: %(reason)s", reason=reason)
        )
        line.append(_shown(said, room), "yellow")
        line.append(lost, "yellow")
    return line


def _lacking(say: Phrases, counted: Facts, width: int) -> Iterator[Line]:
    """What no source delivers although controls need it."""
    if lacking := counted.lacking:
        cost = counted.cost(lacking)
        lost = f" ({say.ngettext('%(count)s control not run', '%(count)s controls not run', cost)})"
        tables = ", ".join(say.word("table", entry.table) for entry in lacking.coverage)
        line = Line("   " + set_cell_size(say.gettext("not provided"), 22))
        line.append(_shown(tables, width - line.cell_len - cell_len(lost)), "yellow")
        yield line.append(lost, "yellow")


def _notices(say: Phrases, run: Run, width: int) -> Iterator[Line]:
    """What must be known of a source, in full: it is a sentence somebody has to act on."""
    for notice in run.notices:
        said = visible(f"! {notice.source}{say.gettext(':')} {say.of(notice.text)}")
        yield from (Line(line, "yellow") for line in textwrap.wrap(said, width, initial_indent="   ", subsequent_indent="     "))


def _ran(say: Phrases, counted: Facts) -> Line:
    total = len(counted.controls)
    line = Line(
        "   "
        + say.ngettext("%(ran)s of %(count)s control could be run", "%(ran)s of %(count)s controls could be run", total, ran=counted.ran)
    )
    errors = len(counted.with_verdict(Verdict.ERROR))
    if errors:
        line.append("   " + say.ngettext("%(count)s error", "%(count)s errors", errors), "bold red")
    if counted.not_run:
        line.append("   " + say.gettext("(see Limits in the report)"), "dim")
    return line


def _bar(say: Phrases, protection: Protection) -> Line:
    title = say.of(protection.recommendation.title)
    line = Line(f"   {protection.recommendation.id}   {set_cell_size(title, 32)}  ")
    if protection.ratio is None:
        line.append("─" * BAR, "dim")
        line.append(f"  {say.gettext('not measured')}", "dim")
    else:
        full = int(protection.ratio * BAR)
        line.append("━" * full, "cyan")
        line.append("─" * (BAR - full), "dim")
        line.append(f"  {say.percent(protection.ratio):>5}  ")
        line.append(say.gettext("target %(target)s", target=say.percent(protection.recommendation.target)), "dim")
    if missing := protection.controls - protection.ran:
        line.append("  " + say.ngettext("%(count)s not run", "%(count)s not run", missing), "yellow")
    return line


def _severities(say: Phrases, counted: Facts, *, unicode: bool) -> Line:
    line = Line("")
    for severity in Severity:
        found = counted.found(severity)
        glyph = _GLYPHS[severity][0 if unicode else 1]
        more = "≥" if counted.at_least(severity) else ""
        line.append(f"   {glyph} {more}{say.short(severity, found)}", _STYLES[severity] if found else "dim")
    return line


def _first_title(say: Phrases) -> Line:
    return Line.assemble("   ", (say.gettext("First"), "bold"), ("   " + say.gettext("(audit explain RULE says how)"), "dim"))


def _action(say: Phrases, place: int, control: Control, width: int) -> Line:
    title = set_cell_size(_shown(say.of(control.rule.title), width - 40), width - 40)
    line = Line(f"    {place}  {title}  ")
    line.append(f"{say.number(control.count):>6}", _STYLES[control.rule.severity])
    line.append(f"  {say.hours(control.hours):>7}   {visible(control.rule.id)}")
    return line


def _shown(text: str, width: int) -> str:
    """One harmless line of at most `width` cells."""
    # A hostile value may be a megabyte long: no more of it is looked at than can be shown.
    line = Line(visible(text[: 4 * width]).replace("\n", " "))
    line.truncate(max(width, 1), overflow="ellipsis")
    return line.plain


def _wrapped(text: str, indent: int = 0) -> list[str]:
    return textwrap.wrap(visible(text), WIDTH, initial_indent=" " * indent, subsequent_indent=" " * indent, break_long_words=True)


def _print(lines: Iterable[Line], width: int, *, colour: bool, unicode: bool) -> str:
    output = StringIO()
    console = Console(
        file=output, width=width, force_terminal=colour, color_system="standard" if colour else None, no_color=not colour,
        highlight=False, markup=False, emoji=False, legacy_windows=False, _environ={},
    )  # fmt: skip
    for line in lines:
        line.rstrip()
        console.print(line, no_wrap=True, overflow="ellipsis", crop=True)
    return output.getvalue() if unicode else _ascii(output.getvalue())


def _ascii(text: str) -> str:
    """The nearest ASCII: accents dropped, what has none as a question mark."""
    plain = unicodedata.normalize("NFKD", text.translate(_ASCII))
    return "".join(char for char in plain if not unicodedata.combining(char)).encode("ascii", "replace").decode("ascii")
