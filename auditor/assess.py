"""From a snapshot to verdicts: a pure function of (snapshot, rules, settings) that reads no clock.

The table of verdicts is section 7 of docs/architecture.md; `judge` is that table.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import product

from auditor import __version__, derive, figures
from auditor.collect import joined
from auditor.config import Audit, RuleSettings
from auditor.engine import outcome, packs
from auditor.engine.duckdb import Engine
from auditor.engine.outcome import Outcome, Query
from auditor.errors import ConfigError, EngineError
from auditor.model import Assessment, Counts, Coverage, Finding, Rule, Run, State, Text, Value, Verdict
from auditor.rule_analysis import Analysis, Need, analyse
from auditor.rules import rules_sha256
from auditor.snapshot import Snapshot
from auditor.tables import ALL, COLLECTED
from auditor.tables.derived import GROUP_ROLE
from auditor.tables.directory import ACCOUNT

_STATES = {
    State.PARTIAL: Text(en="incomplete", fr="incomplète"),
    State.DENIED: Text(en="refused", fr="refusée"),
    State.ABSENT: Text(en="not collected", fr="non collectée"),
}

_NOBODY = {
    ("groups", True): Text(en="no group matches", fr="aucun groupe ne correspond à"),
    ("groups", False): Text(en="no account is in a group that matches", fr="aucun compte n’est dans un groupe correspondant à"),
    ("kinds", False): Text(en="no account matches", fr="aucun compte ne correspond à"),
}
"""What it means that no row holds a value, by section of audit.yaml and by whether the table is that of the groups themselves."""


@dataclass(frozen=True, order=True)
class Gap:
    """Rows in which a column that a rule reads is not known and nothing explains it."""

    table: str
    column: str
    rows: int


_DAY = timedelta(days=1)
_LATE_SIGN_INS = 20
"""One in so many sign-ins after the audit's date shows that the directory was read later; a clock that is wrong makes fewer."""


def assess(snapshot: Snapshot, settings: Audit, rules: Sequence[Rule]) -> Run:
    """Judge every rule on the snapshot, at the snapshot's instant unless the settings name another."""
    as_of = settings.as_of or snapshot.as_of
    chosen = tuple(with_params(rule, settings.rules) for rule in rules)
    with Engine(memory_mb=settings.rules.memory_mb, timeout_seconds=settings.rules.timeout_seconds) as engine:
        for name, table in COLLECTED.items():
            engine.load(table, snapshot.path(name))
        doubts = derive.derive_all(engine, settings, as_of)
        engine.lock()
        collected = tuple(_not_empty(engine, entry) for entry in _dated(engine, snapshot, as_of))
        computed = (replace(entry, rows=_count(engine, entry.table)) for entry in derive.coverage(collected, doubts))
        controls = tuple(rule for rule in chosen if not rule.raises)
        coverage, assessments = judge_all(engine, controls, (*collected, *computed), as_of, settings.rules)
        combinations = [rule for rule in chosen if rule.raises]
        assessments = raise_findings(engine, combinations, assessments, coverage, as_of, settings.rules)
        drawn = figures.of(engine, controls, coverage, as_of)
    return Run(
        establishment=settings.establishment.name,
        as_of=as_of,
        version=__version__,
        snapshot_sha256=snapshot.sha256,
        rules_sha256=rules_sha256(chosen),
        rules=(*controls, *(rule for rule in combinations if rule.id in {one.rule for one in assessments})),
        assessments=assessments,
        coverage=coverage,
        fail_on=settings.fail_on,
        combinations=tuple(combinations),
        notices=snapshot.notices,
        figures=drawn,
        targets={number: percent / 100 for number, percent in settings.targets.items()},
    )


def with_params(rule: Rule, settings: RuleSettings) -> Rule:
    """The rule with the thresholds of audit.yaml; a parameter the rule does not have, or of another type, is a ConfigError."""
    changed = settings.params.get(rule.id, {})
    for name, value in changed.items():
        if name not in rule.params:
            known = ", ".join(sorted(rule.params)) or "none"
            raise ConfigError(
                f"audit.yaml: rules.params.{rule.id}.{name}: no such parameter; the rule has: {known}.",
                fr=f"audit.yaml : rules.params.{rule.id}.{name} : paramètre inconnu ; la règle a : {known}.",
            )
        if type(value) is not type(rule.params[name]):
            raise ConfigError(
                f"audit.yaml: rules.params.{rule.id}.{name}: write a value like {rule.params[name]!r}.",
                fr=f"audit.yaml : rules.params.{rule.id}.{name} : écrivez une valeur comme {rule.params[name]!r}.",
            )
    return replace(rule, params={**rule.params, **changed}) if changed else rule


def judge_all(
    engine: Engine, rules: Iterable[Rule], coverage: Iterable[Coverage], as_of: datetime, settings: RuleSettings
) -> tuple[tuple[Coverage, ...], tuple[Assessment, ...]]:
    """Judge `rules` on a loaded and locked engine; also returns the coverage, corrected where a table came back empty."""
    chosen = tuple(rules)
    known = tuple(_not_empty(engine, entry) for entry in coverage)
    by_table = {name: tuple(entry for entry in known if entry.table == name) for name in ALL}
    unknown: dict[tuple[str, str], int] = {}
    assessments = []
    for rule, result in _results(engine, chosen, as_of, settings):
        analysis = analyse(rule.query)
        gaps = tuple(_gaps(engine, analysis, unknown))
        assessments.append(judge(rule, analysis, result, gaps, by_table, _undeclared(engine, analysis, by_table)))
    return known, tuple(assessments)


def raise_findings(
    engine: Engine,
    combinations: Iterable[Rule],
    assessments: Iterable[Assessment],
    coverage: Iterable[Coverage],
    as_of: datetime,
    settings: RuleSettings,
) -> tuple[Assessment, ...]:
    """The assessments with the severity of each finding raised by the combinations that hold for its resource, to that of the worst.

    Incomplete data can only hide a combination: one that reads a summary of such data raises nothing. One whose
    query fails is added as a control that ended in an error.
    """
    doubtful = {entry.table for entry in coverage if entry.state is not State.COMPLETE and ALL[entry.table].summary}
    sure = tuple(rule for rule in combinations if doubtful.isdisjoint(analyse(rule.query).reads))
    raised: dict[tuple[str, str], list[Rule]] = defaultdict(list)
    failed: list[Assessment] = []
    for rule, result in sorted(_results(engine, sure, as_of, settings), key=lambda pair: (pair[0].severity.rank, pair[0].id)):
        if isinstance(result, EngineError):
            failed.append(Assessment(rule.id, Verdict.ERROR, reasons=(result.text,)))
        else:
            for raises, row in product(rule.raises, result.failing):
                raised[raises, str(row["resource"])].append(rule)
    judged = (
        replace(one, findings=tuple(_raised(finding, raised.get((finding.rule, finding.resource), ())) for finding in one.findings))
        for one in assessments
    )
    return (*judged, *failed)


def _raised(finding: Finding, combinations: Sequence[Rule]) -> Finding:
    if not combinations:
        return finding
    return replace(finding, raised_to=combinations[0].severity, raised_by=tuple(combination.id for combination in combinations))


def _results(
    engine: Engine, rules: Sequence[Rule], as_of: datetime, settings: RuleSettings
) -> Iterator[tuple[Rule, Outcome | EngineError]]:
    """What each rule's query gave; those of third parties run in their own process."""
    foreign = packs.run_pack([rule for rule in rules if rule.pack], engine, as_of, settings)
    for rule in rules:
        yield rule, foreign[rule.id] if rule.pack else _run(engine, rule, analyse(rule.query), as_of)


def judge(
    rule: Rule,
    analysis: Analysis,
    result: Outcome | EngineError,
    gaps: Sequence[Gap],
    coverage: Mapping[str, Sequence[Coverage]],
    undeclared: Sequence[Need] = (),
) -> Assessment:
    """The verdict of one rule.

    `result` is what its query gave, or why it could not; `gaps` are the unknown values among the columns it reads; `coverage` is that
    of every table, by name; `undeclared` is what it needs of audit.yaml and does not get.
    """
    if isinstance(result, EngineError):
        return Assessment(rule.id, Verdict.ERROR, reasons=(result.text,))
    incomplete = [entry for table in sorted(analysis.reads) for entry in coverage[table] if entry.state is not State.COMPLETE]
    unknown = len(result.unknown)
    reasons = tuple(
        dict.fromkeys(
            (
                *map(_incomplete, incomplete),
                *map(_nothing_matches, undeclared),
                *map(_unknown_values, gaps),
                *((_unknown_rows(unknown),) if unknown else ()),
            )
        )
    )
    missing = {entry.table for entry in incomplete} | {need.table for need in undeclared}
    missing |= {gap.table for gap in gaps if (gap.table, gap.column) in analysis.probes}
    # The claim of a third-party rule is not believed: verifying it would run its tests outside its child process.
    doubtful = missing & (analysis.negative - (frozenset() if rule.pack else frozenset(rule.positive)))
    findings = tuple(_finding(rule, row, confirmed=not doubtful) for row in result.failing)
    counts = Counts(len(result.passing), len(findings), unknown)
    if findings and not doubtful:
        return Assessment(rule.id, Verdict.FAIL, counts, reasons, findings, at_least=bool(reasons))
    if reasons:
        return Assessment(rule.id, Verdict.NOTCHECKED, counts, reasons, findings)
    return Assessment(rule.id, Verdict.PASS if result.passing else Verdict.NOTAPPLICABLE, counts)


def _finding(rule: Rule, row: Mapping[str, Value], *, confirmed: bool) -> Finding:
    evidence = {name: value for name, value in row.items() if name not in ("resource", "ok")}
    return Finding(rule.id, str(row["resource"]), evidence, confirmed)


def _run(engine: Engine, rule: Rule, analysis: Analysis, as_of: datetime) -> Outcome | EngineError:
    query = Query(rule.query, analysis.scope_query, analysis.grouped, {**rule.params, "as_of": as_of})
    try:
        return outcome.judge(engine, query)
    except EngineError as error:
        return error


def _gaps(engine: Engine, analysis: Analysis, known: dict[tuple[str, str], int]) -> Iterable[Gap]:
    """Unknown values among the columns the rule reads; counted once per column and remembered in `known`."""
    for name in sorted(analysis.reads):
        for column in ALL[name].columns:
            if column.name not in analysis.reads[name]:
                continue
            if (name, column.name) not in known:
                explained = f' AND "{column.absent_when}" IS NOT TRUE' if column.absent_when else ""
                known[name, column.name] = _count(engine, name, f'"{column.name}" IS NULL{explained}')
            if rows := known[name, column.name]:
                yield Gap(name, column.name, rows)


def _undeclared(engine: Engine, analysis: Analysis, coverage: Mapping[str, Sequence[Coverage]]) -> tuple[Need, ...]:
    """Needs of a rule of which no row holds a value; where nothing was collected, that says enough."""
    found = []
    for need in analysis.needs:
        values = {f"v{place}": value for place, value in enumerate(need.values)}
        wanted = ", ".join(f"${name}" for name in values)
        if all(entry.state in (State.COMPLETE, State.PARTIAL) for entry in coverage[need.table]) and not _count(
            engine, need.table, f'"{need.column}" IN ({wanted})', values
        ):
            found.append(need)
    return tuple(found)


def _dated(engine: Engine, snapshot: Snapshot, as_of: datetime) -> Iterator[Coverage]:
    """Coverage of the collected tables, partial where it is later than the audit: who was there then may be gone."""
    later = _count(engine, "account", "last_sign_in_at > $limit", {"limit": as_of + _DAY}) * _LATE_SIGN_INS
    late = bool(later) and later >= _count(engine, "account", "last_sign_in_at IS NOT NULL")
    directories = {entry.source for entry in snapshot.coverage if entry.table == ACCOUNT.name} if late else set()
    reason = Text(en="it was collected after the date of the audit", fr="elle a été collectée après la date de l’audit")
    for entry in snapshot.coverage:
        at = max(snapshot.as_of, entry.collected_at or snapshot.as_of)
        if entry.state in (State.COMPLETE, State.PARTIAL) and (at - as_of > _DAY or entry.source in directories):
            reasons = (entry.reason, reason) if entry.reason else (reason,)
            yield replace(entry, state=State.PARTIAL, reason=joined(reasons), cure=ALL[entry.table].cure)
        else:
            yield entry


def _not_empty(engine: Engine, entry: Coverage) -> Coverage:
    """A table that real sources never leave empty and that came back without a row was not really collected."""
    table = ALL[entry.table]
    if entry.state is not State.COMPLETE or table.may_be_empty or _count(engine, entry.table):
        return entry
    reason = Text(en="it came back without a single row", fr="elle est revenue sans une seule ligne")
    return replace(entry, state=State.PARTIAL, reason=reason, cure=table.cure)


def _count(engine: Engine, table: str, condition: str = "true", params: Mapping[str, Value] | None = None) -> int:
    """Rows of a table that meet a condition of ours."""
    ((number,),) = engine.query(f'SELECT COUNT(*) AS n FROM "{table}" WHERE {condition}', params or {}).rows  # noqa: S608 - names come from auditor.tables
    return int(str(number))


def _incomplete(entry: Coverage) -> Text:
    state, reason = _STATES[entry.state], entry.reason or Text("", "")
    source = f" ({entry.source})" if entry.source else ""
    return Text(
        en=f"table {entry.table}{source} {state.en}: {reason.en}",
        fr=f"table {entry.table}{source} {state.fr}\u00a0: {reason.fr}",
    )


def _nothing_matches(need: Need) -> Text:
    section = ALL[need.table].column(need.column).declared
    names = ", ".join(f"{section}.{value}" for value in need.values)
    what = _NOBODY[section, need.table == GROUP_ROLE.name]
    return Text(en=f"{what.en} {names} of audit.yaml", fr=f"{what.fr} {names} de audit.yaml")


def _unknown_values(gap: Gap) -> Text:
    return Text(
        en=f"{gap.table}.{gap.column} is not known in {gap.rows} row{'s' if gap.rows > 1 else ''}",
        fr=f"{gap.table}.{gap.column} n’est pas connu dans {gap.rows} ligne{'s' if gap.rows > 1 else ''}",
    )


def _unknown_rows(rows: int) -> Text:
    if rows == 1:
        return Text("1 row could not be judged: a value is not known", "1 ligne n’a pas pu être jugée\u00a0: une valeur n’est pas connue")
    return Text(
        en=f"{rows} rows could not be judged: a value is not known",
        fr=f"{rows} lignes n’ont pas pu être jugées\u00a0: une valeur n’est pas connue",
    )
