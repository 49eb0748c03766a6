"""What was not seen is never green: every table × {absent, denied, partial, empty, a column unknown, a value undeclared} × every rule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache

import pyarrow as pa
import pytest

from auditor import assess, rules
from auditor.config import RuleSettings
from auditor.engine.duckdb import Engine
from auditor.model import Coverage, Rule, State, Text, Value, Verdict
from auditor.rule_analysis import analyse
from auditor.rule_tests import AS_OF
from auditor.snapshot import arrow_schema
from auditor.tables import ALL

SHIPPED = rules.load([rules.shipped()])
EMPTY_IS_A_FACT = {"delegation_target", "delegation_trustee", "password_settings", "vendor_contract"} | {
    "attestation", "backup_alert", "backup_copy", "backup_job", "restore_test",
}  # fmt: skip
EMPTY_IS_A_FACT |= {
    "application_supplier", "entra_credential", "entra_group_member", "entra_location", "entra_permission", "entra_policy",
    "entra_policy_scope", "entra_privileged",
}  # fmt: skip
EMPTY_IS_A_FACT |= {"group_change"}
EMPTY_IS_A_FACT |= {"joiner_training", "phishing_repeat", "token_account"}
"""Tables of which a real, complete source may deliver no row at all; everywhere else an empty table is a gap."""

Rows = Mapping[str, Sequence[Mapping[str, Value]]]


@cache
def engine() -> Engine:
    """One engine for all: starting one costs more than judging a rule."""
    started = Engine(threads=1)
    load(started, dict.fromkeys(ALL, ()))
    started.lock()
    return started


def load(target: Engine, rows: Rows) -> None:
    for name, present in rows.items():
        target.load(ALL[name], pa.Table.from_pylist(list(present), schema=arrow_schema(ALL[name])))


def verdict(rule: Rule, rows: Rows, states: Mapping[str, State] | None = None) -> Verdict:
    """The verdict on `rows`, which hold every table the rule reads; tables not named in `states` are complete."""
    reason = Text("gap", "lacune")
    coverage = [
        Coverage(name, "test", state := (states or {}).get(name, State.COMPLETE), 0, None if state is State.COMPLETE else reason)
        for name in rows
    ]
    load(engine(), rows)
    _, (assessment,) = assess.judge_all(engine(), [rule], coverage, AS_OF, RuleSettings())
    return assessment.verdict


def green(rule: Rule) -> Rows:
    """Rows on which the rule passes: those of an inline test without what concerns its failing and unknown resources."""
    reads = analyse(rule.query).reads
    for test in rule.tests:
        others = [set(resource.split("/")) | {resource} for resource, outcome in test.expect.items() if outcome != "pass"]
        rows: dict[str, list[dict[str, Value]]] = {}
        for name in reads:
            table = ALL[name]
            full = [{column.name: row.get(column.name, column.neutral) for column in table.columns} for row in test.given.get(name, ())]
            rows[name] = [row for row in full if not gap(name, row) and not any(concerns(row, other) for other in others)]
            if not rows[name] and name not in EMPTY_IS_A_FACT:
                # A row that concerns nobody, so that the table is not empty as a whole.
                rows[name] = [{c.name: f"nobody-{c.name}" if c.type == "text" else c.neutral for c in table.columns}]
        for need in analyse(rule.query).needs:
            if not any(row[need.column] in need.values for row in rows[need.table]):
                # Declared in audit.yaml, and true of nobody the rule asks about.
                table = ALL[need.table]
                nobody = {c.name: f"nobody-{c.name}" if c.type == "text" else c.neutral for c in table.columns}
                rows[need.table].append({**nobody, need.column: need.values[0]})
        if verdict(rule, rows) is Verdict.PASS:
            return rows
    pytest.fail(f"{rule.id}: the passing rows of no inline test make a pass on their own")


def gap(name: str, row: Mapping[str, Value]) -> bool:
    return any(row[c.name] is None and not (c.absent_when and row[c.absent_when]) for c in ALL[name].columns)


def concerns(row: Mapping[str, Value], resource: set[str]) -> bool:
    values = {str(value) for value in row.values()}
    return bool(values & resource) if len(resource) == 1 else len(values & resource) >= len(resource) - 1


def changes(rule: Rule) -> Iterator[tuple[str, Rows, dict[str, State]]]:
    base = green(rule)
    for name, columns in analyse(rule.query).reads.items():
        for state in (State.ABSENT, State.DENIED, State.PARTIAL):
            rows = base if state is State.PARTIAL else {**base, name: []}
            yield f"{name} {state}", rows, {name: state}
        if name not in EMPTY_IS_A_FACT:
            yield f"{name} empty", {**base, name: []}, {}
        for column in columns:
            companion = ALL[name].column(column).absent_when
            lost = [{**row, column: None, **({companion: False} if companion else {})} for row in base[name]]
            if lost:
                yield f"{name}.{column} unknown", {**base, name: lost}, {}
    for need in analyse(rule.query).needs:
        others = [row for row in base[need.table] if row[need.column] not in need.values]
        yield f"{need} undeclared", {**base, need.table: others}, {}


@pytest.mark.parametrize("rule", SHIPPED, ids=lambda rule: rule.id)
def test_no_gap_reads_as_pass(rule: Rule) -> None:
    assert verdict(rule, green(rule)) is Verdict.PASS
    wrong = [what for what, rows, states in changes(rule) if verdict(rule, rows, states) is Verdict.PASS]
    assert wrong == []


def test_the_exceptions_are_the_tables_that_may_be_empty() -> None:
    assert {name for name, table in ALL.items() if table.may_be_empty} == EMPTY_IS_A_FACT


def test_the_instant_of_inline_tests_is_fixed() -> None:
    assert datetime(2026, 1, 5) == AS_OF
