"""What the command line prints: the summary of a run, a rule explained, the list of rules."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from pathlib import Path

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text as Line

from auditor import facts, plan
from auditor.facts import Facts, Protection, Source
from auditor.model import Change, Language, Rule, Run, Severity, Verdict, WaiverState, WaiverUse
from auditor.report import wording
from auditor.report.i18n import Phrases, percentage
from auditor.safe import visible

WIDTH = 92
"""Cells of a line where the terminal has them."""

_NARROWEST = 64
BAR = 12
_FEW = 3
_SOURCES = 6
_WARNED = ((WaiverState.EXPIRING, "yellow"), (WaiverState.UNUSED, "yellow"))
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
    lines = [*_sources(say, counted, width), *_lacking(say, counted, width)]
    lines += [*_notices(say, run, width), Line()]
    lines += [
        Line.assemble((_shown(run.establishment, 44), "bold"), "  ", say.day(run.as_of), ", ", say.gettext("report no. %(id)s", id=run.id))
    ]
    lines += [Line(), *_grade(say, run, width), _ran(say, counted), Line()]
    lines += [*(_bar(say, protection, before) for protection, before in zip(counted.protections, _before(run), strict=True)), Line()]
    lines += [_severities(say, counted, unicode=unicode), *_changes(say, counted)]
    if counted.failing:
        lines += [Line(), _first_title(say, run), *_actions(say, counted, width)]
    if waivers := list(_waivers(say, run, width)):
        lines += [Line(), *waivers]
    if files:
        lines += [Line(), *_files(files, width)]
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


def _sources(say: Phrases, counted: Facts, width: int) -> Iterator[Line]:
    """Every source with a gap, and the largest of those that were read in full."""
    whole = sorted((source for source in counted.sources if not source.gaps), key=lambda source: -sum(count for _, count in source.rows))
    unsaid = whole[_SOURCES:]
    yield from (_source(say, counted, source, width) for source in counted.sources if source not in unsaid)
    if unsaid:
        told = say.ngettext("… and %(count)s more source, read in full", "… and %(count)s more sources, read in full", len(unsaid))
        yield Line("   " + told, "dim")


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


def _grade(say: Phrases, run: Run, width: int) -> Iterator[Line]:
    """The grade with the facts that cap it, or why there is none; nothing for a run of some rules only."""
    if not (score := run.score):
        return
    if not score.grade:
        yield Line.assemble("   ", (" – ", "reverse"), "  ", (say.gettext("No grade"), "bold"))
        yield from _few(say, [Line("       " + _shown(say.of(obstacle), width - 7)) for obstacle in score.obstacles])
        return
    line = Line.assemble("   ", (f" {score.grade} ", "reverse"))
    capped = score.caps if score.grade != score.uncapped else ()
    if capped:
        line.append(
            "  "
            + say.ngettext(
                "capped by %(count)s fact, otherwise %(grade)s", "capped by %(count)s facts, otherwise %(grade)s", len(capped),
                grade=score.uncapped,
            )
        )  # fmt: skip
    yield line
    room = width - 22
    yield from _few(say, [Line("       " + _fitted(say.of(cap.reason), room) + "  " + visible(cap.rule)) for cap in capped])


def _few(say: Phrases, lines: list[Line]) -> Iterator[Line]:
    yield from lines[:_FEW]
    if (more := len(lines) - _FEW) > 0:
        yield Line("       " + say.ngettext("… and %(count)s more", "… and %(count)s more", more), "dim")


def _before(run: Run) -> Sequence[float | None]:
    """Coverage of the five recommendations in the run before, where the same model measured it."""
    if len(run.trend) < 2 or run.trend[-2].model != run.trend[-1].model:
        return (None,) * len(facts.RECOMMENDATIONS)
    return run.trend[-2].ratios


def _bar(say: Phrases, protection: Protection, before: float | None) -> Line:
    title = say.of(protection.recommendation.title)
    line = Line(f"   {protection.recommendation.id}  {set_cell_size(title, 32)} ")
    if protection.ratio is None:
        line.append("─" * BAR, "dim")
        line.append(f"  {say.gettext('not measured')}", "dim")
    else:
        full = int(protection.ratio * BAR)
        line.append("━" * full, "cyan")
        line.append("─" * (BAR - full), "dim")
        line.append(f"  {say.percent(protection.ratio):>5}  ")
        if before is not None:
            points = percentage(protection.ratio) - percentage(before)
            line.append(f"{points:+d}  " if points else "=  ", "green" if points > 0 else "red" if points else "dim")
        line.append(say.gettext("target %(target)s", target=say.percent(protection.target)), "dim")
    if missing := protection.controls - protection.ran:
        line.append("  " + say.ngettext("%(count)s not run", "%(count)s not run", missing), "yellow")
    return line


def _changes(say: Phrases, counted: Facts) -> Iterator[Line]:
    if comparison := counted.run.comparison:
        told = wording.changed(say, counted.changed(Change.NEW), counted.changed(Change.RETURNED), len(comparison.fixed))
        yield Line.assemble("   ", told, ("  " + say.gettext("since %(day)s", day=say.date(comparison.as_of)), "dim"))
    if counted.waived:
        yield Line("   " + say.ngettext("%(count)s finding waived", "%(count)s findings waived", counted.waived), "dim")


def _waivers(say: Phrases, run: Run, width: int) -> Iterator[Line]:
    """What must not pass in silence: waivers that no longer hold, that soon will not, and that serve nothing."""
    for state, style in ((WaiverState.EXPIRED, "bold red"), (WaiverState.EXCEEDED, "bold red"), *_WARNED):
        uses = sorted((use for use in run.waivers if use.state is state), key=lambda use: (use.waiver.expires, use.waiver.id))
        yield from _few(say, [Line(f"   {_shown(_waiver(say, use), width - 3)}", style) for use in uses])


def _waiver(say: Phrases, use: WaiverUse) -> str:
    return say.gettext("waiver %(id)s (%(rule)s): %(state)s", id=use.waiver.id, rule=use.waiver.rule, state=wording.waiver(say, use))


def _files(files: Sequence[str], width: int) -> Iterator[Line]:
    """Where the reports are: the first with its folder, the others of that folder by name."""
    folder = Path(files[0]).parent
    names = [Path(file).name if Path(file).parent == folder else file for file in files[1:]]
    line = Line("   " + visible(files[0]))
    for name in names:
        if line.cell_len + cell_len(visible(name)) + 2 > width:
            yield line
            line = Line(" ")
        line.append("  " + visible(name), "dim")
    yield line


def _severities(say: Phrases, counted: Facts, *, unicode: bool) -> Line:
    line = Line("")
    for severity in Severity:
        found = counted.found(severity)
        glyph = _GLYPHS[severity][0 if unicode else 1]
        more = "≥" if counted.at_least(severity) else ""
        line.append(f"   {glyph} {more}{say.short(severity, found)}", _STYLES[severity] if found else "dim")
    return line


def _first_title(say: Phrases, run: Run) -> Line:
    hours = plan.hours_to_no_critical(run) if run.plan else None
    hint = say.gettext("(audit explain RULE says how)")
    if hours:
        hint = say.gettext("(%(hours)s remove every critical finding; audit explain RULE)", hours=say.hours(hours))
    return Line.assemble("   ", (say.gettext("First"), "bold"), ("   " + hint, "dim"))


def _actions(say: Phrases, counted: Facts, width: int) -> Iterator[Line]:
    """The first three actions of the plan that remove something; for a run of some rules only, the worst three."""
    outcomes = [outcome for outcome in plan.outcomes(counted.run) if outcome.total][:_FEW]
    for place, outcome in enumerate(outcomes, start=1):
        action = outcome.action
        rules = action.rules[0] + (f" +{len(action.rules) - 1}" if len(action.rules) > 1 else "")
        yield _action(say, place, say.of(action.title), outcome.total, next(iter(outcome.removed)), action.hours, rules, width)
    if not outcomes:
        for place, control in enumerate(counted.failing[:_FEW], start=1):
            title, rule = say.of(control.rule.title), control.rule
            yield _action(say, place, title, control.count, rule.severity, control.hours, rule.id, width)


def _action(say: Phrases, place: int, title: str, removed: int, severity: Severity, hours: float, rules: str, width: int) -> Line:
    line = Line(f"    {place}  {_fitted(title, width - 40)}  ")
    line.append(f"{say.number(removed):>6}", _STYLES[severity])
    line.append(f"  {say.hours(hours):>7}   {visible(rules)}")
    return line


def _fitted(text: str, width: int) -> str:
    return set_cell_size(_shown(text, width), width)


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
