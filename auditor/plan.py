"""The remediation plan: plan.yaml read back, completed by what it does not name, and what each action removes.

The file belongs to the security officer and is never written. Which findings an action removes is counted from the rules it names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from auditor import facts, strict_yaml
from auditor.config_base import Day
from auditor.errors import ConfigError
from auditor.facts import Control
from auditor.model import Action, Run, Severity, Text
from auditor.strict_yaml import RefusedValueError

DONE = "done"
"""State of an action that its owner says is finished."""


_Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Text(_Part):
    en: _Words
    fr: _Words


class _Action(_Part):
    n: int = Field(ge=1, le=9999)
    title: _Text
    rules: tuple[_Words, ...] = Field(min_length=1)
    hours: float = Field(ge=0, le=10_000)
    care_impact: _Text
    owner: str = Field("", max_length=120)
    due: Day | None = None
    state: Literal["to-plan", "to-approve", "started", "done"] | None = None


class _File(_Part):
    actions: tuple[_Action, ...]

    @model_validator(mode="after")
    def _numbered(self) -> _File:
        numbers = [action.n for action in self.actions]
        if twice := sorted({number for number in numbers if numbers.count(number) > 1}):
            raise RefusedValueError(f"two actions bear the number {twice[0]}", f"deux actions portent le numéro {twice[0]}")
        return self


@dataclass(frozen=True)
class Outcome:
    """What one action removes, and what is left once it and all those before it are done.

    `removed` counts findings by severity, worst first; a finding is removed by the first action that names its rule. `hours` adds up the
    work of the actions so far that have something left to do; `left` and `critical_left` are findings. `lifts` names the rules whose cap on
    the grade goes away, `unassessed` those of its rules that could not be run: what they would find is not known.
    """

    action: Action
    removed: Mapping[Severity, int]
    hours: float
    left: int
    critical_left: int
    lifts: tuple[str, ...] = ()
    unassessed: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        """Findings it removes."""
        return sum(self.removed.values())

    @property
    def contradicted(self) -> bool:
        """The plan says it is done, and findings are still there."""
        return self.action.state == DONE and self.total > 0


def of(run: Run, path: Path) -> tuple[Action, ...]:
    """The actions of `path` in order of number, then one per failing rule that it does not name, those with the worst findings first; only
    the latter when there is no such file. ConfigError when the file is wrong or names a rule that does not exist. The run must be a full
    one: a rule that was not chosen would be taken for unknown.
    """
    written = _written(run, path)
    named = {rule for action in written for rule in action.rules}
    first = max((action.number for action in written), default=0) + 1
    others = [control for control in facts.of(run).failing if control.count and control.rule.id not in named]
    # A combination may have raised findings above their rule: what is critical anywhere comes first.
    others.sort(key=lambda control: min(control.severity(finding).rank for finding in control.confirmed))
    return (*written, *(_from_rule(number, control) for number, control in enumerate(others, start=first)))


def owners(path: Path) -> tuple[str, ...]:
    """Who is named as owner in the file; nobody without one. ConfigError when the file is wrong."""
    return tuple(action.owner.strip() for action in _read(path) if action.owner.strip())


def outcomes(run: Run) -> tuple[Outcome, ...]:
    """The actions of `run.plan` with what each removes, in their order."""
    counted = facts.of(run)
    left = {severity: counted.found(severity) for severity in Severity}
    waiting = {control.rule.id: control for control in counted.controls}
    hours, done = 0.0, []
    for action in run.plan:
        controls = [waiting.pop(rule) for rule in dict.fromkeys(action.rules) if rule in waiting]
        unassessed = tuple(control.rule.id for control in controls if not control.ran)
        removed = {severity: count for severity in Severity if (count := sum(control.count_of(severity) for control in controls))}
        left = {severity: count - removed.get(severity, 0) for severity, count in left.items()}
        if removed or (unassessed and action.state != DONE):
            hours += action.hours
        lifts = tuple(control.rule.id for control in controls if control.rule.cap and control.failed and not control.waived)
        done.append(Outcome(action, removed, hours, sum(left.values()), left[Severity.CRITICAL], lifts, unassessed))
    return tuple(done)


def curve(run: Run) -> tuple[tuple[float, int], ...]:
    """The step curve: (hours of work so far, findings left), from (0, all of them) on, one more point per action that removes some."""
    start = sum(facts.of(run).found(severity) for severity in Severity)
    return ((0.0, start), *((outcome.hours, outcome.left) for outcome in outcomes(run) if outcome.removed))


def hours_to_no_critical(run: Run) -> float | None:
    """Hours of work after which no critical finding is left: 0 when there is none today, None when the plan leaves some."""
    if not facts.of(run).found(Severity.CRITICAL):
        return 0.0
    return next((outcome.hours for outcome in outcomes(run) if not outcome.critical_left), None)


def _read(path: Path) -> tuple[_Action, ...]:
    try:
        return strict_yaml.load(path, _File).actions
    except ConfigError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return ()
        raise


def _written(run: Run, path: Path) -> tuple[Action, ...]:
    actions = _read(path)
    known = {rule.id for rule in run.rules if not rule.raises}
    for action in actions:
        for rule in action.rules:
            if rule not in known:
                raise ConfigError(
                    f"{path.name}: action {action.n}: {rule} is not a rule that finds anything; `audit rules list` shows them.",
                    fr=f"{path.name}\u00a0: action {action.n}\u00a0: {rule} n’est pas une règle qui relève des constats\u00a0; "
                    "`audit rules list` les montre.",
                )
    return tuple(_action(action) for action in sorted(actions, key=lambda action: action.n))


def _action(entry: _Action) -> Action:
    care = Text(entry.care_impact.en, entry.care_impact.fr)
    title = Text(entry.title.en, entry.title.fr)
    return Action(entry.n, title, entry.rules, entry.hours, care, entry.owner.strip(), entry.due, entry.state or "")


def _from_rule(number: int, control: Control) -> Action:
    care = Text(" ".join(text.en for text in control.care), " ".join(text.fr for text in control.care))
    return Action(number, control.rule.title, (control.rule.id,), control.hours, care)
