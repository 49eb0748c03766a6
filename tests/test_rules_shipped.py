"""Every shipped rule: its tests pass, no mistake in its query goes unnoticed, and what it does not know it does not judge."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime

import pyarrow as pa
import pytest

from auditor import rule_analysis, rule_tests, rules
from auditor.engine.duckdb import Engine
from auditor.engine.outcome import Query, judge
from auditor.model import Rule, Value
from auditor.snapshot import arrow_schema
from auditor.tables import ALL, Column

SHIPPED = rules.load([rules.shipped()])
Given = Mapping[str, tuple[Mapping[str, Value], ...]]


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine(memory_mb=256, threads=1) as started:
        started.lock()
        yield started


@pytest.mark.parametrize("rule", SHIPPED, ids=lambda rule: rule.id)
def test_inline_tests_pass(rule: Rule) -> None:
    assert rule_tests.run_tests(rule) == []


@pytest.mark.parametrize("rule", SHIPPED, ids=lambda rule: rule.id)
def test_every_mutant_is_killed(rule: Rule) -> None:
    assert list(rule_tests.mutants(rule))
    assert rule_tests.surviving(rule) == []


@pytest.mark.parametrize("rule", SHIPPED, ids=lambda rule: rule.id)
def test_columns_are_named_and_texts_are_french_and_english(rule: Rule) -> None:
    columns = rule_analysis.analyse(rule.query).columns
    assert columns[:3] == rules.FIRST_COLUMNS
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", name) for name in columns)
    texts = [rule.title, rule.why, rule.blind_spots, *(text for step in rule.remediation for text in (step.text, step.care_impact))]
    for text in texts:
        assert text.en != text.fr
        assert not re.search(r"[^\W\d_]'[^\W\d_]", text.fr), f"typewriter apostrophe: {text.fr}"
        assert not re.search(r"[^\u00a0\u202f]([;?!»%](?=[\s.,)]|$)|:(?=\s|$))|«[^\u00a0]", text.fr), f"no-break space missing: {text.fr}"
        assert not re.search(r"[A-Za-z]'[a-z]", text.en), f"typewriter apostrophe: {text.en}"
        assert not re.search(r"\.\.\.|  ", text.en + text.fr), f"three points or two spaces: {text.en} {text.fr}"


@pytest.mark.slow
@pytest.mark.parametrize("rule", SHIPPED, ids=lambda rule: rule.id)
def test_a_judged_resource_does_not_depend_on_what_is_not_known(rule: Rule, engine: Engine) -> None:
    """Kleene's law, checked from outside: what is judged although a value is NULL is judged the same for any value in its place."""
    analysis = rule_analysis.analyse(rule.query)
    query = Query(rule.query, analysis.scope_query, analysis.grouped, {**rule.params, "as_of": rule_tests.AS_OF})
    for test in rule.tests:
        for table, index, column in places(analysis, test.given):
            if (table, column.name) in analysis.probes:
                continue
            load(engine, analysis, changed(test.given, table, index, column, None))
            unknown = judge(engine, query).by_resource()
            for value in candidates(column):
                load(engine, analysis, changed(test.given, table, index, column, value))
                known = judge(engine, query).by_resource()
                wrong = {r for r in known.keys() | unknown.keys() if unknown.get(r) != "unknown" and unknown.get(r) != known.get(r)}
                assert not wrong, f"{table}.{column.name} NULL against {value!r}: {wrong}"


def places(analysis: rule_analysis.Analysis, given: Given) -> Iterator[tuple[str, int, Column]]:
    for table, rows in given.items():
        for column in ALL[table].columns:
            if column.name in analysis.reads.get(table, ()) and column.name not in ALL[table].key:
                yield from ((table, index, column) for index in range(min(len(rows), 6)))


def changed(given: Given, table: str, index: int, column: Column, value: Value) -> Given:
    explanation = {column.absent_when: False} if column.absent_when else {}
    rows = list(given[table])
    rows[index] = {**rows[index], **explanation, column.name: value}
    return {**given, table: tuple(rows)}


def candidates(column: Column) -> tuple[Value, ...]:
    by_type: dict[str, tuple[Value, ...]] = {
        "boolean": (True, False),
        "bigint": (0, 10**6),
        "text": ("", "zzz"),
        "timestamp": (datetime(1990, 1, 1), datetime(2100, 1, 1)),
    }
    return by_type[column.type]


def load(engine: Engine, analysis: rule_analysis.Analysis, given: Given) -> None:
    for name in analysis.reads:
        rows = [{c.name: row.get(c.name, c.neutral) for c in ALL[name].columns} for row in given.get(name, ())]
        engine.load(ALL[name], pa.Table.from_pylist(rows, schema=arrow_schema(ALL[name])))
