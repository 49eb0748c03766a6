"""Third-party SQL against the gate, and against the child process with the gate left out: nothing is reached, everything ends in time."""

from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import duckdb
import pyarrow as pa
import pytest

from auditor.config import RuleSettings
from auditor.engine import gate, packs
from auditor.engine.duckdb import Engine
from auditor.engine.outcome import Outcome, Query
from auditor.errors import EngineError
from auditor.snapshot import arrow_schema
from auditor.tables import ALL
from tests.hostile.rules import queries

CANARY = "canary-5d1f"
SETTINGS = RuleSettings(timeout_seconds=1, memory_mb=200)
REACH, IMPURE, BOMBS, ALLOWED = (queries(f"{name}.sql") for name in ("reach", "impure", "bombs", "allowed_bombs"))

CONTROLS = ("read_csv of a file", "read_text of a file", "query given as text", "serialized query")


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with Engine() as engine:
        rows = [{column.name: column.neutral for column in ALL["account"].columns} | {"account_key": f"a{n}"} for n in range(2000)]
        engine.load(ALL["account"], pa.Table.from_pylist(rows, schema=arrow_schema(ALL["account"])))
        with packs.private_database(engine, ["account"]) as path:
            yield path


def in_child(folder: Path, sql: str) -> Outcome | EngineError:
    started = monotonic()
    answers = packs.run_queries({"attack": Query(sql, None, False, {})}, folder, SETTINGS)
    assert monotonic() - started < SETTINGS.timeout_seconds + packs.GRACE_SECONDS + 2
    return answers["attack"]


def test_there_are_enough_attacks() -> None:
    assert len(REACH) + len(IMPURE) + len(BOMBS) + len(ALLOWED) >= 100


@pytest.mark.parametrize("name", [*REACH, *IMPURE, *BOMBS])
def test_the_gate_refuses(name: str) -> None:
    with pytest.raises(gate.RefusedError, match=r"[.;)]"):
        gate.check((REACH | IMPURE | BOMBS)[name])


@pytest.mark.parametrize("name", REACH)
def test_the_child_reaches_nothing_even_without_the_gate(name: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    SECRET_FRAME = pa.table({"secret": [CANARY]})  # noqa: N806, F841 - what the query would find by name
    monkeypatch.setenv("AUDIT_CANARY", CANARY)
    secret, out = tmp_path / "secret.csv", tmp_path / "out"
    secret.write_text(CANARY)
    database = (folder / "tables.duckdb").read_bytes()
    answer = in_child(folder, REACH[name].replace("{secret}", secret.as_posix()).replace("{out}", out.as_posix()))
    assert isinstance(answer, EngineError)
    assert CANARY not in str(answer)
    assert not out.exists()
    assert (folder / "tables.duckdb").read_bytes() == database


def test_the_canary_is_found_where_nothing_is_locked(tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text(CANARY)
    with duckdb.connect() as unlocked:
        found = [unlocked.sql(REACH[name].replace("{secret}", secret.as_posix())).fetchall() for name in CONTROLS]
    assert all(CANARY in str(rows) for rows in found)


@pytest.mark.slow
@pytest.mark.parametrize("name", IMPURE)
def test_the_child_answers_or_refuses_impure_queries_in_time(name: str, folder: Path) -> None:
    in_child(folder, IMPURE[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", [*BOMBS, *ALLOWED])
def test_the_child_stops_bombs_in_time(name: str, folder: Path) -> None:
    assert isinstance(in_child(folder, (BOMBS | ALLOWED)[name]), EngineError)


@pytest.mark.parametrize("name", ALLOWED)
def test_the_gate_alone_would_let_these_bombs_pass(name: str) -> None:
    assert gate.check(ALLOWED[name]) <= {"account"}


def test_the_other_rules_of_a_pack_run_when_one_is_killed(folder: Path) -> None:
    good = Query("select account_key as resource, enabled as ok, 'x' as name from account where account_key = 'a1'", None, False, {})
    bad = Query(BOMBS["lpad"], None, False, {})
    answers = packs.run_queries({"first": good, "bad": bad, "last": good}, folder, SETTINGS)
    assert answers["first"] == answers["last"] == Outcome((), frozenset({"a1"}), frozenset())
    assert isinstance(answers["bad"], EngineError)
