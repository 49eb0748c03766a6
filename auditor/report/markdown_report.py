"""The page a pipeline shows beside its job: grade, findings by severity, what changed, what to do first. It names no object."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from html import escape

from auditor import facts, plan
from auditor.config import Audit
from auditor.facts import Facts
from auditor.model import Change, Run, Severity, WaiverState
from auditor.report import wording
from auditor.report.i18n import Phrases
from auditor.safe import clipped

_TEXT_LIMIT = 300
_ROWS_LIMIT = 50
"""Lines of a list, so that the page stays far below the mebibyte GitHub takes."""

_LOUD = (WaiverState.EXPIRED, WaiverState.EXCEEDED, WaiverState.EXPIRING, WaiverState.UNUSED)
_ACTIVE = re.compile(r"([\\`*_\[\]|~#@!])")


def files(run: Run, settings: Audit) -> Mapping[str, str]:
    """summary.md."""
    return {"summary.md": render(run, Phrases(settings.language))}


def render(run: Run, say: Phrases) -> str:
    """A run that has its exit as GitHub-flavoured Markdown."""
    counted = facts.of(run)
    number = say.gettext("report no. %(id)s", id=run.id)
    blocks = [f"## {_text(run.establishment)}", f"{say.day(run.as_of)}, {number}"]
    if run.exit:
        blocks.append(_bold(say.of(run.exit.reason)))
    blocks += [*_grade(run, say), _severities(say, counted), _recommendations(say, counted), *_actions(run, say)]
    blocks += [*_waivers(run, say), *_limits(say, counted)]
    return "\n\n".join(blocks) + "\n"


def _grade(run: Run, say: Phrases) -> Iterable[str]:
    if not (score := run.score):
        return
    if not score.grade:
        yield _bold(say.gettext("No grade")) + "\n\n" + _list(say, [say.of(obstacle) for obstacle in score.obstacles])
        return
    yield _bold(say.gettext("Grade %(grade)s", grade=score.grade))
    if score.caps:
        yield _list(say, [f"{say.of(cap.reason)} ({cap.rule})" for cap in score.caps])


def _severities(say: Phrases, counted: Facts) -> str:
    rows = [
        [say.word("severity", severity.value), ("≥" if counted.at_least(severity) else "") + say.number(counted.found(severity))]
        for severity in Severity
    ]
    table = _table([say.gettext("Severity"), say.gettext("Findings")], rows)
    if counted.run.comparison:
        new, returned = counted.changed(Change.NEW), counted.changed(Change.RETURNED)
        table += "\n\n" + wording.changed(say, new, returned, len(counted.run.comparison.fixed))
    return table


def _recommendations(say: Phrases, counted: Facts) -> str:
    rows = [
        [
            str(protection.recommendation.id),
            say.of(protection.recommendation.title),
            say.gettext("not measured") if protection.ratio is None else say.percent(protection.ratio),
            say.percent(protection.target),
        ]
        for protection in counted.protections
    ]
    return _table(["", say.gettext("Recommendation"), say.gettext("Reached"), say.gettext("Target")], rows)


def _actions(run: Run, say: Phrases) -> Iterable[str]:
    todo = [outcome for outcome in plan.outcomes(run) if outcome.total][:3]
    if todo:
        rows = [
            [
                say.of(outcome.action.title), say.number(outcome.total), say.hours(outcome.action.hours),
                ", ".join(outcome.action.rules[:3]) + (" …" if len(outcome.action.rules) > 3 else ""),
            ]
            for outcome in todo
        ]  # fmt: skip
        head = [say.gettext("First"), say.gettext("Findings"), say.gettext("Work"), say.gettext("Rule")]
        yield _table(head, rows)


def _waivers(run: Run, say: Phrases) -> Iterable[str]:
    loud = [use for state in _LOUD for use in run.waivers if use.state is state]
    if loud:
        lines = [f"{use.waiver.id} ({use.waiver.rule}){say.gettext(':')} {wording.waiver(say, use)}" for use in loud]
        yield _bold(say.gettext("Waivers")) + "\n\n" + _list(say, lines)


def _limits(say: Phrases, counted: Facts) -> Iterable[str]:
    if counted.not_run:
        lines = [f"{control.rule.id} {say.of(control.rule.title)}. {wording.not_assessed(say, control)}" for control in counted.not_run]
        yield _bold(say.gettext("Controls that could not be run")) + "\n\n" + _list(say, lines)


def _bold(text: str) -> str:
    return f"**{_text(text)}**"


def _list(say: Phrases, lines: list[str]) -> str:
    shown = [f"- {_text(line)}" for line in lines[:_ROWS_LIMIT]]
    if more := len(lines) - len(shown):
        shown.append("- " + say.ngettext("… and %(count)s more", "… and %(count)s more", more))
    return "\n".join(shown)


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *([_text(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _text(value: str) -> str:
    """A text that is shown as it is: no link, no mention, no markup of its own."""
    return escape(_ACTIVE.sub(r"\\\1", clipped(value, _TEXT_LIMIT)), quote=False).replace("://", ":\u2060//")
