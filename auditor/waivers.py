"""Accepted findings: waivers.yaml, what it does to a run, and how `audit waive` adds to it.

A waiver accepts confirmed findings of one rule until the end of a day, at most a year ahead, and never more objects than it says. It hides
no verdict: a control that was not assessed stays so, and one whose findings are all accepted still fails.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from auditor import facts, safe, strict_yaml
from auditor.config import Audit, RuleSettings, naive_utc
from auditor.config_base import Day
from auditor.engine import gate
from auditor.engine.duckdb import Engine
from auditor.errors import ConfigError, EngineError, os_reason
from auditor.model import Change, Finding, Notice, Rule, Run, Text, Value, Waiver, WaiverState, WaiverUse
from auditor.rule_analysis import analyse
from auditor.strict_yaml import RefusedValueError
from auditor.tables import ALL, Table

if TYPE_CHECKING:
    import pyarrow as pa

MAX_DAYS = 366
"""Longest life of a waiver, in days."""
ENDING = timedelta(days=30)
"""How long before its end a waiver is said to end."""

_NO_RULE = Text(
    " is not a rule that finds anything; `audit rules list` shows them",
    " n’est pas une règle qui relève des constats ; `audit rules list` les montre",
)
_HOLDING = (WaiverState.ACTIVE, WaiverState.EXPIRING)
_NUMBERED = re.compile(r"W-(\d{1,6})")
_EMPTY_LIST = re.compile(r"^waivers:[ \t]*\[[ \t]*\]", re.MULTILINE)
_ENTRY = re.compile(r"^waivers:.*\n(?:[ \t]*(?:#.*)?\n)*([ ]*)-[ ]", re.MULTILINE)

_Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]
_Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]
_Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Reason(_Part):
    fr: _Words
    en: _Words


class _Waiver(_Part):
    id: _Id
    rule: _Name
    match: dict[str, Annotated[tuple[str, ...], Field(min_length=1)]] = Field(default_factory=dict)
    where: str = ""
    reason: _Reason
    approved_by: _Name
    ticket: str = Field("", max_length=120)
    created: Day
    expires: Day
    max_objects: int = Field(ge=1, le=1_000_000)

    @model_validator(mode="after")
    def _possible(self) -> _Waiver:
        if bool(self.match) == bool(self.where.strip()):
            raise RefusedValueError("give match or where, one of the two", "donnez match ou where, l’un des deux")
        if not timedelta() <= self.expires - self.created <= timedelta(days=MAX_DAYS):
            raise RefusedValueError(
                f"expires lies at most {MAX_DAYS} days after created, and not before it",
                f"expires suit created de {MAX_DAYS} jours au plus, et ne le précède pas",
            )
        return self

    def waiver(self) -> Waiver:
        columns = {name: values for name, values in self.match.items() if name != "resource"}
        return Waiver(
            self.id, self.rule, Text(self.reason.en, self.reason.fr), self.approved_by, self.created, self.expires, self.max_objects,
            self.match.get("resource", ()), columns, self.where.strip(), self.ticket.strip(),
        )  # fmt: skip


class _File(_Part):
    waivers: tuple[_Waiver, ...] | None


def load(path: Path, rules: Sequence[Rule] | None = None, *, partial: bool = False) -> tuple[Waiver, ...]:
    """The waivers of a file, in its order; none when there is no such file. ConfigError with file and line on any mistake.

    With `rules`, a waiver must fit its rule; with `partial` these are not all there are, and waivers of others are not looked at.
    """
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be read: {os_reason(error).en}; check the path and its rights.",
            fr=f"{path} ne peut pas être lu\u00a0: {os_reason(error).fr}\u00a0; vérifiez le chemin et les droits.",
        ) from error
    return _parsed(raw, path.name, rules, partial=partial)


def _parsed(raw: bytes, name: str, rules: Sequence[Rule] | None, *, partial: bool = False) -> tuple[Waiver, ...]:
    document = strict_yaml.parse(raw, name)
    if document.data is None:  # comments alone
        return ()
    waivers = tuple(entry.waiver() for entry in strict_yaml.validate(document, _File, name).waivers or ())
    known = {rule.id: rule for rule in rules or () if not rule.raises}
    seen: set[str] = set()
    for place, waiver in enumerate(waivers):
        key, mistake = "id", None
        if waiver.id in seen:
            mistake = Text(f"{waiver.id} is the id of another waiver", f"{waiver.id} est l’identifiant d’une autre dérogation")
        elif waiver.rule in known:
            key = "where" if waiver.where else "match"
            mistake = _misfit(waiver, known[waiver.rule])
        elif rules is not None and not partial:
            key = "rule"
            mistake = Text(
                f"{waiver.rule} is not a rule that finds anything; `audit rules list` shows them",
                f"{waiver.rule} n’est pas une règle qui relève des constats\u00a0; `audit rules list` les montre",
            )
        if mistake:
            line = document.line(("waivers", place, key))
            raise ConfigError(
                f"{name}:{line}: waivers.{place}.{key}: {mistake.en}.",
                fr=f"{name}:{line}\u00a0: waivers.{place}.{key}\u00a0: {mistake.fr}.",
            )
        seen.add(waiver.id)
    return waivers


def _misfit(waiver: Waiver, rule: Rule) -> Text | None:
    """Why a waiver cannot be applied to its rule."""
    columns = tuple(name for name in analyse(rule.query).columns if name != "ok")
    for name in waiver.columns:
        if name not in columns:
            known = ", ".join(columns)
            return Text(
                f"{rule.id} has no column {name}; it has: {known}", f"{rule.id} n’a pas de colonne {name}\u00a0; elle a\u00a0: {known}"
            )
    if waiver.where:
        if rule.pack:
            # Their queries run in a child process only, and the types of their columns would be asked here.
            return Text("a rule of a pack takes match, not where", "une règle tierce accepte match, pas where")
        try:
            gate.check_condition(waiver.where, columns)
            # No instant is asked here: what counts is whether the types fit.
            _fulfilling(waiver.where, rule, (), datetime(2000, 1, 1), RuleSettings())
        except EngineError as error:
            return Text(str(error).rstrip("."), f"condition refusée ({error.text.fr.rstrip('.')})")
    return None


def matched(waiver: Waiver, rule: Rule, findings: Sequence[Finding], as_of: datetime, limits: RuleSettings) -> frozenset[str]:
    """Resources of the findings that a waiver of their rule fits; EngineError when its condition fails on them."""
    if waiver.where:
        return _fulfilling(waiver.where, rule, findings, as_of, limits)
    wanted = dict(waiver.columns)
    if waiver.resources:
        wanted["resource"] = waiver.resources
    return frozenset(
        finding.resource for finding in findings
        if all(_text(finding.resource if name == "resource" else finding.evidence.get(name)) in values for name, values in wanted.items())
    )  # fmt: skip


def _text(value: Value) -> str | None:
    """A cell as people write it into match: true, 14, 2026-01-31T00:00:00; a value that is not known equals nothing."""
    if value is None or isinstance(value, str):
        return value
    return value.isoformat() if isinstance(value, datetime) else str(value).lower()


def _fulfilling(where: str, rule: Rule, findings: Sequence[Finding], as_of: datetime, limits: RuleSettings) -> frozenset[str]:
    """Resources of the findings for which a condition is true; the columns have the types the rule's query gives them."""
    params = {**rule.params, "as_of": as_of}
    with Engine(memory_mb=limits.memory_mb, timeout_seconds=limits.timeout_seconds, threads=1) as engine:
        for table in sorted(gate.check(rule.query)):
            engine.load(ALL[table], _no_rows(ALL[table]))
        types = engine.derive(f"SELECT * FROM ({rule.query}\n) AS judged", params).schema  # noqa: S608 - admitted by the gate
        engine.lock()
        return engine.matching(_rows(findings, types), where, params)


def _no_rows(table: Table) -> pa.Table:
    import pyarrow as pa

    return pa.table({column.name: pa.array([], pa.string()) for column in table.columns})


def _rows(findings: Sequence[Finding], types: pa.Schema) -> pa.Table:
    import pyarrow as pa

    def column(name: str, kind: pa.DataType) -> pa.Array:
        values = [finding.resource if name == "resource" else finding.evidence.get(name) for finding in findings]
        if pa.types.is_temporal(kind):
            return pa.array([naive_utc(value) for value in values], pa.timestamp("us"))
        if pa.types.is_boolean(kind) or pa.types.is_string(kind):
            return pa.array(values, kind)
        return pa.array(values, pa.int64() if pa.types.is_integer(kind) else pa.float64())

    return pa.table({field.name: column(field.name, field.type) for field in types if field.name != "ok"})


def apply(run: Run, waivers: Sequence[Waiver], before: frozenset[str], limits: RuleSettings) -> Run:
    """The run with its accepted findings marked and every waiver's state; `before` are the ids the last run knew.

    Waivers of rules that were not run are left out. One that begins after the day of the audit, or whose condition fails on the findings,
    holds for nothing: a notice says so.
    """
    controls = {control.rule.id: control for control in facts.of(run).controls}
    today, marks = run.as_of.date(), dict[tuple[str, str], str]()
    uses: list[WaiverUse] = []
    notices: list[Notice] = []
    for waiver in waivers:
        if waiver.rule not in controls:
            continue
        control = controls[waiver.rule]
        findings = control.confirmed
        if waiver.created > today:
            notices.append(_not_holding(waiver, _begins(waiver)))
            continue
        try:
            resources = matched(waiver, control.rule, findings, run.as_of, limits)
        except EngineError as error:
            notices.append(_not_holding(waiver, error.text))
            continue
        # Where rows are missing, what the waiver is about may be among them.
        certain = control.ran and not control.assessment.at_least
        state = _state(waiver, today, len(resources), unused=certain and not resources)
        change = Change.OPEN if waiver.id in before else Change.NEW
        uses.append(WaiverUse(waiver, state, len(resources), change))
        if state in _HOLDING:
            for resource in resources:
                marks.setdefault((waiver.rule, resource), waiver.id)
    assessments = tuple(
        replace(one, findings=tuple(replace(found, waived_by=marks.get((found.rule, found.resource), "")) for found in one.findings))
        for one in run.assessments
    )
    return replace(run, assessments=assessments, waivers=tuple(uses), notices=(*run.notices, *notices))


def _state(waiver: Waiver, today: date, count: int, *, unused: bool) -> WaiverState:
    if today > waiver.expires:
        return WaiverState.EXPIRED
    if count > waiver.max_objects:
        return WaiverState.EXCEEDED
    if unused:
        return WaiverState.UNUSED
    return WaiverState.EXPIRING if waiver.expires - today <= ENDING else WaiverState.ACTIVE


def _not_holding(waiver: Waiver, reason: Text) -> Notice:
    return Notice(
        "waivers.yaml",
        Text(
            f"Waiver {waiver.id} ({waiver.rule}) holds for nothing: {reason.en}",
            f"La dérogation {waiver.id} ({waiver.rule}) ne vaut pour rien\u00a0: {reason.fr}",
        ),
    )


def _begins(waiver: Waiver) -> Text:
    return Text(
        f"it begins on {waiver.created.isoformat()}, after the day of the audit.",
        f"elle commence le {waiver.created:%d/%m/%Y}, après le jour de l’audit.",
    )


def accept(settings: Audit, values: Mapping[str, object], rules: Sequence[Rule], as_of: datetime) -> tuple[str, Text]:
    """Append a waiver to the file of `settings`; returns the text added, and how many findings of the last report it matches.

    `values` are keys of a waiver but for `id`, `created` (the day of `as_of`) and, if it shall cover what it matches now, `max_objects`.
    ConfigError, and the file untouched, when something is not right.
    """
    before = load(settings.waivers, rules)
    data = {"id": _next_id(before), "created": as_of.date().isoformat(), "max_objects": 1, **values}
    waiver = strict_yaml.validate(strict_yaml.Document(data, {}), _Waiver, "waive").waiver()
    rule = next((rule for rule in rules if rule.id == waiver.rule and not rule.raises), None)
    if rule is None:
        raise _unwritten(Text(f"{waiver.rule}{_NO_RULE.en}", f"{waiver.rule}{_NO_RULE.fr}"))
    if mistake := _misfit(waiver, rule):
        raise _unwritten(mistake)
    findings = last_findings(settings.output / "report.json", rule.id)
    count = None if findings is None else len(matched(waiver, rule, findings, as_of, settings.rules))
    if "max_objects" not in values:
        covered = count or len(waiver.resources)
        if not covered:
            raise _unwritten(
                Text(
                    "the last report does not tell how many findings this covers; give --max-objects",
                    "le dernier rapport ne dit pas combien de constats cela couvre ; donnez --max-objects",
                )
            )
        waiver = replace(waiver, max_objects=covered)
    return _append(settings.waivers, before, waiver, rules), _told(waiver, count)


def _unwritten(text: Text) -> ConfigError:
    return ConfigError(f"{text.en}; nothing was written.", fr=f"{text.fr} ; rien n’a été écrit.")


def _told(waiver: Waiver, count: int | None) -> Text:
    if count is None:
        return Text(
            f"{waiver.id}: the last report does not tell how many findings it matches.",
            f"{waiver.id} : le dernier rapport ne dit pas combien de constats y correspondent.",
        )
    told = Text(
        f"{waiver.id} matches {count} finding{'' if count == 1 else 's'} of the last report",
        f"{waiver.id} : {count} constat{'' if count < 2 else 's'} du dernier rapport y correspond{'' if count < 2 else 'ent'}",
    )
    if count > waiver.max_objects:
        return Text(
            f"{told.en}, more than the {waiver.max_objects} it allows: it will hold for none.",
            f"{told.fr}, plus que les {waiver.max_objects} admis : elle ne vaudra pour aucun.",
        )
    return Text(f"{told.en}.", f"{told.fr}.")


def _next_id(waivers: Iterable[Waiver]) -> str:
    """The id after the highest of the form W-07."""
    numbers = [int(found[1]) for waiver in waivers if (found := _NUMBERED.fullmatch(waiver.id))]
    return f"W-{max(numbers, default=0) + 1:02}"


def _append(path: Path, before: tuple[Waiver, ...], waiver: Waiver, rules: Sequence[Rule]) -> str:
    old = path.read_bytes().decode("utf-8-sig") if path.exists() else ""
    end = "\r\n" if "\r\n" in old else "\n"
    old = _EMPTY_LIST.sub("waivers:", old.replace("\r\n", "\n"), count=1) if not before else old.replace("\r\n", "\n")
    indent = found[1] if (found := _ENTRY.search(old)) else "  "
    added = "".join(f"{indent}{line}\n" if line else "\n" for line in _yaml(waiver).splitlines())
    head = f"{old.rstrip()}\n" if old.strip() else ""
    whole = f"{head}\n{added}" if before else f"{head}{'' if 'waivers:' in head else 'waivers:' + chr(10)}{added}"
    try:
        after = _parsed(whole.encode(), path.name, rules)
    except ConfigError as error:
        raise ConfigError(
            f"{error.text.en.rstrip('.')}; nothing was written.", fr=f"{error.text.fr.rstrip('.')}\u00a0; rien n’a été écrit."
        ) from error
    if after != (*before, waiver):
        raise ConfigError(
            f"{path.name} is not laid out as one entry per line; add this by hand:\n{added}",
            fr=f"{path.name} n’est pas disposé une entrée par ligne\u00a0; ajoutez ceci à la main\u00a0:\n{added}",
        )
    try:
        safe.private_write(path, whole.replace("\n", end))
    except OSError as error:
        reason = os_reason(error)
        raise ConfigError(
            f"{path}: {reason.fr}; check the folder and its rights.",
            fr=f"{path}\u00a0: {reason.fr}\u00a0; vérifiez le dossier et ses droits.",
        ) from error
    return added


def _yaml(waiver: Waiver) -> str:
    match = {name: list(values) for name, values in waiver.columns.items()}
    if waiver.resources:
        match = {"resource": list(waiver.resources), **match}
    entry: dict[str, object] = {"id": waiver.id, "rule": waiver.rule}
    entry |= {"where": waiver.where} if waiver.where else {"match": match}
    entry |= {"reason": {"fr": waiver.reason.fr, "en": waiver.reason.en}, "approved_by": waiver.approved_by}
    entry |= {"ticket": waiver.ticket} if waiver.ticket else {}
    entry |= {"created": waiver.created.isoformat(), "expires": waiver.expires.isoformat(), "max_objects": waiver.max_objects}
    text: str = yaml.safe_dump([entry], allow_unicode=True, sort_keys=False, width=10_000)
    return text


def last_findings(report: Path, rule: str) -> tuple[Finding, ...] | None:
    """Findings of a rule that the report.json of the last run confirms; None when it tells nothing: it is not there, is of
    another format, was written with pseudonyms, or the rule was not assessed."""
    try:
        told: dict[str, Any] = json.loads(report.read_bytes())
        if told.get("pseudonyms"):
            return None
        (judged,) = (one for one in told["assessments"] if one["rule"] == rule and one["verdict"] in ("pass", "fail", "notapplicable"))
        return tuple(
            Finding(rule, str(found["resource"]), dict(found["evidence"]))
            for found in judged["findings"]
            if found["state"] != "unconfirmed"
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
