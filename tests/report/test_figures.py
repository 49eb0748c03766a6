"""The figures count what the tables hold: what is not known is a part of its own, what was not read makes no figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import pyarrow as pa
import pytest

from auditor import figures
from auditor.engine.duckdb import Engine
from auditor.model import Bar, Coverage, Figures, Rule, Severity, State, Value
from auditor.snapshot import arrow_schema
from auditor.tables import ALL
from tests.report import examples

AS_OF = datetime(2026, 11, 20, 6)
Rows = Mapping[str, Sequence[Mapping[str, Value]]]


def rules() -> tuple[Rule, ...]:
    params: dict[str, Mapping[str, Value]] = {
        "BKP-001": {"grace_hours": 2},
        "BKP-003": {"max_copy_age_days": 31, "min_media": 2},
        "BKP-007": {"max_age_days": 365},
        "TRN-001": {"min_percent": 75},
    }
    return tuple(replace(examples.rule(name, Severity.HIGH, 3), params=values) for name, values in params.items())


def made(rows: Rows, judged: Sequence[Rule] | None = None, states: Mapping[str, State] | None = None) -> Figures:
    with Engine(threads=1) as engine:
        for table in ALL.values():
            full = [{column.name: row.get(column.name, column.neutral) for column in table.columns} for row in rows.get(table.name, ())]
            engine.load(table, pa.Table.from_pylist(full, schema=arrow_schema(table)))
        engine.lock()
        coverage = [Coverage(name, "test", (states or {}).get(name, State.COMPLETE)) for name in ALL]
        return figures.of(engine, rules() if judged is None else judged, coverage, AS_OF)


def parts(bars: Sequence[Bar]) -> dict[str, dict[str, int]]:
    return {bar.name: {part: count for part, count in bar.parts if count} for bar in bars}


PEOPLE: Rows = {
    "account": [
        {"account_key": "doctor", "last_sign_in_at": datetime(2026, 8, 22, 6)},
        {"account_key": "nurse", "last_sign_in_at": datetime(2026, 8, 22, 5)},
        {"account_key": "old", "last_sign_in_at": datetime(2025, 11, 20, 5)},
        {"account_key": "fresh", "last_sign_in_at": None, "never_signed_in": True},
        {"account_key": "mystery", "last_sign_in_at": None},
        {"account_key": "closed", "enabled": False},
        {"account_key": "pc", "object_class": "computer"},
        {"account_key": "robot"},
        {"account_key": "supplier", "enabled": None},
    ],
    "account_kind": [
        *({"account_key": name} for name in ("doctor", "nurse", "old", "fresh", "mystery", "closed", "pc")),
        {"account_key": "robot", "kind": "service", "population": ""},
        {"account_key": "supplier", "kind": "vendor", "population": ""},
    ],
    "authentication_strength": [
        {"account_key": "doctor", "strength": "phishing_resistant"},
        {"account_key": "nurse", "strength": "app"},
        {"account_key": "old"},
        {"account_key": "fresh", "strength": None},
        {"account_key": "supplier", "strength": "phone", "account_type": "entra"},
    ],
    "privileged_membership": [{"account_key": "old"}, {"account_key": "old", "group_rid": 544}],
    "account_role": [{"account_key": "nurse", "role": "remote_access"}, {"account_key": "doctor", "role": "clinical"}],
}


def test_authentication_counts_each_account_once_and_shows_what_is_not_known() -> None:
    assert parts(made(PEOPLE).authentication) == {
        "administrators": {"none": 1},
        "remote_access": {"app": 1},
        "staff": {"phishing_resistant": 1, "app": 1, "none": 1, "unknown": 2},
        "vendor": {"unknown": 1},
    }


def test_activity_is_told_by_the_age_of_the_last_sign_in() -> None:
    assert parts(made(PEOPLE).activity)["staff"] == {"quarter": 1, "year": 1, "older": 1, "never": 1, "unknown": 1}


def test_order_of_bars_and_parts_is_fixed() -> None:
    first, second = made(PEOPLE), made({name: tuple(reversed(rows)) for name, rows in PEOPLE.items()})
    assert first == second
    assert [bar.name for bar in first.authentication] == ["administrators", "remote_access", "staff", "vendor"]
    assert tuple(part for part, _ in first.authentication[0].parts) == figures.STRENGTHS


def test_safeguards_say_yes_no_and_not_known_with_their_proof() -> None:
    found = made(
        {
            "critical_system": [{"system": name, "label": name.upper()} for name in ("care", "bare", "half")],
            "system_backup": [
                {"system": "care", "backup": "a", "last_backup_at": datetime(2026, 11, 19, 4)},
                {"system": "bare", "backup": "a", "last_backup_at": datetime(2026, 11, 19, 3, 59)},
                {"system": "half", "backup": "a", "last_backup_at": datetime(2026, 11, 20)},
                {"system": "half", "backup": "b", "last_backup_at": None, "never_backed_up": True},
            ],
            "backup_copy": [
                {"system": "care", "copy_name": "tape", "off_site": True, "offline": True, "last_written_at": datetime(2026, 11, 1)},
                {"system": "half", "copy_name": "disk", "off_site": None, "encrypted": False, "last_written_at": datetime(2026, 11, 2)},
                {"system": "bare", "copy_name": "stale", "off_site": True, "offline": True, "last_written_at": datetime(2026, 10, 1)},
            ],
            "restore_test": [
                {"system": "care", "tested_at": datetime(2026, 1, 5)},
                {"system": "half", "tested_at": datetime(2026, 1, 5), "scope": "file"},
                {"system": "bare", "tested_at": datetime(2025, 11, 1)},
            ],
        }
    ).safeguards
    told = {entry.system: {one.name: (one.holds, one.at and one.at.day) for one in entry.requirements} for entry in found}
    assert told == {
        "CARE": {"backed_up": (True, 19), "encrypted": (True, 1), "off_site": (True, 1), "out_of_reach": (True, 1), "restored": (True, 5)},
        "BARE": {
            "backed_up": (False, 19), "encrypted": (None, None), "off_site": (False, None), "out_of_reach": (False, None),
            "restored": (False, None),
        },
        "HALF": {
            "backed_up": (False, None), "encrypted": (False, 2), "off_site": (None, None), "out_of_reach": (False, None),
            "restored": (False, None),
        },
    }  # fmt: skip


def test_sign_ins_are_successful_ones_by_day_and_hour() -> None:
    rows: list[dict[str, Value]] = [
        {"occurred_at": datetime(2026, 11, 16, 8, 59)},
        {"occurred_at": datetime(2026, 11, 9, 8, 0)},
        {"occurred_at": datetime(2026, 11, 15, 23, 0)},
        {"occurred_at": datetime(2026, 11, 15, 23, 0), "outcome": "failure"},
        {"occurred_at": datetime(2026, 11, 15, 23, 0), "activity": "service_ticket"},
        {"occurred_at": datetime(2026, 11, 15, 23, 0), "repeated": True},
    ]
    grid = made({"sign_in": rows}).sign_ins
    assert {(day, hour): grid[day][hour] for day in range(7) for hour in range(24) if grid[day][hour]} == {(0, 8): 2, (6, 23): 1}


def test_training_leaves_those_of_whom_nothing_is_recorded_apart() -> None:
    found = made(
        {
            "staff_training": [
                {"population": "medical", "people": 100, "trained": 40, "unrecorded": 0},
                {"population": "nursing", "people": 50, "trained": 45, "unrecorded": 0},
                {"population": "intern", "people": 10, "trained": 0, "unrecorded": 10},
                {"population": "everyone", "people": 160, "trained": 85, "unrecorded": 10},
            ]
        }
    )
    assert [bar.name for bar in found.training] == ["nursing", "medical", "intern"]
    assert parts(found.training) == {
        "nursing": {"trained": 45, "untrained": 5},
        "medical": {"trained": 40, "untrained": 60},
        "intern": {"unknown": 10},
    }
    assert found.training_target == 0.75


@pytest.mark.parametrize(("kind", "tables"), figures.READS.items())
def test_a_table_that_was_not_read_makes_no_figure_and_one_cut_short_says_so(kind: str, tables: tuple[str, ...]) -> None:
    for table in tables:
        assert not getattr(made(PEOPLE, states={table: State.ABSENT}), kind)
        assert kind in made(PEOPLE, states={table: State.PARTIAL}).incomplete
    assert made(PEOPLE).incomplete == frozenset()


def test_without_the_rules_that_judge_backups_there_is_no_figure_of_them() -> None:
    assert made({"critical_system": [{"system": "care"}]}).safeguards
    assert not made({"critical_system": [{"system": "care"}]}, judged=()).safeguards
