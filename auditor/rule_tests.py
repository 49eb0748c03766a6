"""Runs a rule's inline tests, and breaks its query on purpose to see whether the tests notice (mutation testing).

The same runner serves shipped and third-party rules. A mutant is the query with one small mistake; one that no test notices survives,
which means that the rule could be wrong in that place without anybody knowing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
from sqlglot import exp

from auditor import rule_analysis
from auditor.engine.duckdb import Engine
from auditor.engine.outcome import Outcome, Query, judge
from auditor.errors import EngineError
from auditor.model import Rule, RuleTest, Value
from auditor.snapshot import arrow_schema
from auditor.tables import ALL

AS_OF = datetime(2026, 1, 5)
"""`$as_of` of every inline test."""

_NEIGHBOURS: dict[type[exp.Expr], type[exp.Expr]] = {
    exp.EQ: exp.NEQ, exp.NEQ: exp.EQ, exp.LT: exp.LTE, exp.LTE: exp.LT, exp.GT: exp.GTE, exp.GTE: exp.GT,
    exp.Max: exp.Min, exp.Min: exp.Max,
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """A query with one mistake; `text` shows the place before and after."""

    text: str
    query: Query


def check(rule: Rule) -> list[str]:
    """All that speaks against a rule: failed tests, or, when they pass, surviving mutants."""
    return run_tests(rule) or [f"no test notices this mistake: {mutant}" for mutant in surviving(rule)]


def run_tests(rule: Rule) -> list[str]:
    """What is wrong with the outcomes of the inline tests and with the `positive` claims: sentences, none when all is well."""
    with _engine() as engine:
        query = _plain(rule)
        problems: list[str] = []
        for number, test in enumerate(rule.tests, 1):
            try:
                problems += _problems(engine, rule, query, number, test)
            except EngineError as error:
                problems.append(f"test {number}: {error}")
        return problems


def surviving(rule: Rule) -> list[str]:
    """The mutants that no inline test notices, as text; the rule's tests must pass."""
    alive = list(mutants(rule))
    with _engine() as engine:
        for test in rule.tests:
            _load(engine, rule, test.given)
            alive = [mutant for mutant in alive if not _killed(engine, mutant, test)]
    return [mutant.text for mutant in alive]


def mutants(rule: Rule) -> Iterator[Mutant]:
    """Every single mistake of a fixed list, made where it can change an outcome: evidence columns are left alone."""
    tree = rule_analysis.parse(rule.query)
    expressions, selects = rule_analysis.deciding(tree)
    seen = {tree.sql(dialect=rule_analysis.DIALECT)}
    for node, changed in _changes(expressions, selects):
        shown = node.parent if isinstance(node, (exp.Literal, exp.Column)) and node.parent else node
        before = shown.sql(dialect=rule_analysis.DIALECT)
        node.replace(changed)
        after = (changed if shown is node else shown).sql(dialect=rule_analysis.DIALECT)
        query = tree.sql(dialect=rule_analysis.DIALECT)
        scope_query, grouped = rule_analysis.scope(tree)
        changed.replace(node)
        if query not in seen:
            seen.add(query)
            yield Mutant(f"{_short(before)} -> {_short(after)}", _query(rule, query, scope_query, grouped=grouped))


def _changes(expressions: list[exp.Expr], selects: list[exp.Select]) -> Iterator[tuple[exp.Expr, exp.Expr]]:
    for root in expressions:
        for node in list(root.walk(prune=lambda node: isinstance(node, (exp.Query, exp.DataType)))):
            for changed in _mistakes(node):
                yield node, changed
    for select in selects:
        where = select.args.get("where")
        if where and not isinstance(where.this, exp.And):
            yield where, exp.Where(this=exp.true())
        for join in select.args.get("joins") or ():
            if join.side == "LEFT":
                inner = join.copy()
                inner.set("side", None)
                yield join, inner


def _mistakes(node: exp.Expr) -> Iterator[exp.Expr]:
    kind = type(node)
    if isinstance(node, (exp.And, exp.Or)):
        yield node.left.copy()
        yield node.right.copy()
        other = exp.Or if isinstance(node, exp.And) else exp.And
        yield exp.Paren(this=other(this=node.left.copy(), expression=node.right.copy()))
    elif kind in _NEIGHBOURS:
        changed = node.copy()
        yield _NEIGHBOURS[kind](**changed.args)
    elif isinstance(node, exp.Not):
        yield node.this.copy()
    elif isinstance(node, (exp.Is, exp.Exists, exp.In)) and not isinstance(node.parent, exp.Not):
        yield exp.Not(this=node.copy())
    elif isinstance(node, (exp.Coalesce, exp.Filter)):
        yield node.this.copy()
    elif isinstance(node, exp.Column) and isinstance(node.parent, (exp.And, exp.Or, exp.Where, exp.Alias)) and _is_flag(node):
        yield exp.Not(this=node.copy())
    elif isinstance(node, exp.Literal) and (not node.is_string or isinstance(node.parent, exp.Interval)) and node.name.isdigit():
        yield exp.Literal(this=str(int(node.name) + 1), is_string=node.is_string)


def _is_flag(column: exp.Column) -> bool:
    """Whether a column stands as a condition: an operand of AND or OR, a WHERE, or `ok` itself."""
    return not isinstance(column.parent, exp.Alias) or column.parent.alias == "ok"


def _short(sql: str) -> str:
    return sql if len(sql) <= 150 else f"{sql[:147]}..."


def _engine() -> Engine:
    engine = Engine(memory_mb=256, timeout_seconds=5, threads=1)
    engine.lock()
    return engine


def _query(rule: Rule, sql: str, scope_query: str | None, *, grouped: bool) -> Query:
    return Query(sql, scope_query, grouped, {**rule.params, "as_of": AS_OF})


def _plain(rule: Rule) -> Query:
    analysis = rule_analysis.analyse(rule.query)
    return _query(rule, rule.query, analysis.scope_query, grouped=analysis.grouped)


def _load(engine: Engine, rule: Rule, given: Mapping[str, tuple[Mapping[str, Value], ...]]) -> None:
    for name in rule_analysis.analyse(rule.query).reads:
        _load_table(engine, name, given.get(name, ()))


def _load_table(engine: Engine, name: str, rows: Sequence[Mapping[str, Value]]) -> None:
    table = ALL[name]
    full = [{column.name: row.get(column.name, column.neutral) for column in table.columns} for row in rows]
    engine.load(table, pa.Table.from_pylist(full, schema=arrow_schema(table)))


def _killed(engine: Engine, mutant: Mutant, test: RuleTest) -> bool:
    try:
        return judge(engine, mutant.query).by_resource() != dict(test.expect)
    except EngineError:
        return True


def _problems(engine: Engine, rule: Rule, query: Query, number: int, test: RuleTest) -> Iterator[str]:
    _load(engine, rule, test.given)
    outcomes = judge(engine, query).by_resource()
    for resource in sorted(outcomes.keys() | test.expect.keys()):
        expected, found = test.expect.get(resource, "nothing"), outcomes.get(resource, "nothing")
        if expected != found:
            yield f"test {number}: {resource} is expected to give {expected} and gives {found}"
    failing = {resource for resource, outcome in outcomes.items() if outcome == "fail"}
    for table in rule.positive:
        rows = test.given.get(table, ())
        for fewer in [(), *(rows[:index] + rows[index + 1 :] for index in range(len(rows)))]:
            _load_table(engine, table, fewer)
            invented = _failing(judge(engine, query)) - failing
            if invented:
                yield f"test {number}: {table} is claimed to be positive, but losing rows of it makes {min(invented)} fail"
                break
        _load_table(engine, table, rows)


def _failing(outcome: Outcome) -> set[str]:
    return {str(row["resource"]) for row in outcome.failing}
