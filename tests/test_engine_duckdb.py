import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from time import monotonic

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from auditor.config import RuleSettings
from auditor.engine import packs
from auditor.engine.duckdb import Engine
from auditor.engine.outcome import Outcome, Query, judge
from auditor.errors import EngineError
from auditor.model import Rule, Value
from auditor.rules import load, scaffold
from auditor.snapshot import arrow_schema
from auditor.tables import ALL

AS_OF = datetime(2026, 1, 5)


def arrow(table: str, *rows: dict[str, Value]) -> pa.Table:
    full = [{column.name: row.get(column.name, column.neutral) for column in ALL[table].columns} for row in rows]
    return pa.Table.from_pylist(full, schema=arrow_schema(ALL[table]))


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine(timeout_seconds=1, memory_mb=200) as started:
        started.load(ALL["account"], arrow("account", {"account_key": "b", "enabled": None}, {"account_key": "a", "rid": 7}))
        started.lock()
        yield started


def test_rows_come_sorted_and_typed(engine: Engine) -> None:
    result = engine.query(
        "select account_key, enabled, rid, created_at, 1.25 as exact, 1 / 3 as third, cast(created_at as date) as day from account", {}
    )
    assert result.columns == ("account_key", "enabled", "rid", "created_at", "exact", "third", "day")
    assert result.rows == (("a", True, 7, AS_OF, 1.25, 0.333333, AS_OF), ("b", None, 5001, AS_OF, 1.25, 0.333333, AS_OF))


def test_only_named_parameters_are_bound_and_all_are_needed(engine: Engine) -> None:
    assert engine.query("select $as_of as t", {"as_of": AS_OF, "other": 1}).rows == ((AS_OF,),)
    with pytest.raises(EngineError, match=r"\$missing"):
        engine.query("select $missing as t", {})


def test_parquet_is_cast_to_the_columns_of_the_table(tmp_path: Path) -> None:
    path = tmp_path / "it's.parquet"
    pq.write_table(arrow("account_spn", {"account_key": "0012"}), path)
    with Engine() as engine:
        engine.load(ALL["account_spn"], path)
        assert engine.table("account_spn").to_pylist() == [{"account_key": "0012", "spn": "HTTP/neutral.test"}]


def test_a_parquet_file_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with Engine() as engine, pytest.raises(EngineError, match="could not be loaded"):
        engine.load(ALL["account"], tmp_path / "none.parquet")


def test_after_the_lock_files_cannot_be_read_and_settings_cannot_change(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "account.parquet"
    pq.write_table(arrow("account"), path)
    with pytest.raises(EngineError):
        engine.load(ALL["account"], path)
    with pytest.raises(EngineError):
        engine.query("set enable_external_access = true", {})


def test_derivations_use_all_of_duckdb_and_give_arrow() -> None:
    with Engine() as engine:
        table = engine.derive("with recursive r(n) as (select 1 union select n + 1 from r where n < $top) select n from r", {"top": 3})
        assert table.column("n").to_pylist() == [1, 2, 3]


def test_a_query_that_lasts_is_stopped_and_the_next_one_runs(engine: Engine) -> None:
    started = monotonic()
    with pytest.raises(EngineError, match="longer than 1 s"):
        engine.query("select count(*) as n from range(100000000) a cross join range(100000000) b", {})
    assert monotonic() - started < 4
    assert engine.query("select count(*) as n from account", {}).rows == ((2,),)


def test_a_query_that_needs_too_much_memory_is_stopped(engine: Engine) -> None:
    with pytest.raises(EngineError, match=r"more memory|longer than"):
        engine.query("select length(string_agg(cast(range as text), ',' order by range)) as n from range(60000000)", {})


def test_too_many_rows_several_statements_and_odd_types_are_errors(engine: Engine) -> None:
    with pytest.raises(EngineError, match="more than 10 rows"):
        engine.query("select range as n from range(11)", {}, max_rows=10)
    with pytest.raises(EngineError, match="more than one statement"):
        engine.query("select 1 as n; select 2 as n", {})
    with pytest.raises(EngineError, match="list"):
        engine.query("select [1] as n", {})


def test_errors_speak_french_too(engine: Engine) -> None:
    with pytest.raises(EngineError) as caught:
        engine.query("select nothing from account", {})
    assert caught.value.text.fr.startswith("la requête a échoué")


def test_nothing_stays_behind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    threads = threading.active_count()
    with Engine() as engine:
        engine.query("select 1 as n", {})
    assert list(tmp_path.iterdir()) == []
    assert threading.active_count() == threads


QUERY = "select account_key as resource, enabled as ok, mail as name from account where rid > 5"


def outcome(rows: list[dict[str, Value]], query: str = QUERY, scope: str | None = None, *, grouped: bool = False) -> Outcome:
    with Engine() as engine:
        engine.load(ALL["account"], arrow("account", *rows))
        return judge(engine, Query(query, scope, grouped, {}))


def test_the_worst_row_of_a_resource_counts() -> None:
    query = "select mail as resource, enabled as ok, account_key as name from account"
    rows: list[dict[str, Value]] = [
        {"mail": "mixed", "enabled": True}, {"mail": "mixed", "enabled": None}, {"mail": "mixed", "enabled": False, "account_key": "bad"},
        {"mail": "doubt", "enabled": True}, {"mail": "doubt", "enabled": None}, {"mail": "fine", "enabled": True},
    ]  # fmt: skip
    judged = outcome(rows, query)
    assert judged.by_resource() == {"doubt": "unknown", "fine": "pass", "mixed": "fail"}
    assert judged.failing == ({"resource": "mixed", "ok": False, "name": "bad"},)


def test_a_resource_whose_scope_is_not_known_is_unknown() -> None:
    rows: list[dict[str, Value]] = [{"account_key": "in"}, {"account_key": "out", "rid": 1}, {"account_key": "perhaps", "rid": None}]
    scope = "select account_key as resource from account where (rid > 5) is null"
    assert outcome(rows, scope=scope).by_resource() == {"in": "pass", "perhaps": "unknown"}


def test_in_a_grouped_query_an_unknown_row_spoils_the_verdict_and_else_a_failure_stays() -> None:
    rows: list[dict[str, Value]] = [{"account_key": "x", "enabled": False}]
    scope = "select account_key as resource from account"
    assert outcome(rows, scope=scope).by_resource() == {"x": "fail"}
    grouped = outcome(rows, scope=scope, grouped=True)
    assert (grouped.by_resource(), grouped.failing) == ({"x": "unknown"}, ())


def test_a_resource_that_cannot_be_named_is_unknown_whatever_is_said_of_it() -> None:
    query = "select mail as resource, enabled as ok, account_key as name from account"
    judged = outcome([{"mail": None, "enabled": False}, {"mail": "fine", "enabled": True}], query)
    assert (judged.failing, judged.by_resource()) == ((), {"": "unknown", "fine": "pass"})


def test_one_resource_reported_twice_is_an_error() -> None:
    query = "select mail as resource, enabled as ok, account_key as name from account"
    with pytest.raises(EngineError, match="twice"):
        outcome([{"account_key": "1", "mail": "x", "enabled": False}, {"account_key": "2", "mail": "x", "enabled": False}], query)


@pytest.mark.parametrize(
    "query", [QUERY.replace("enabled as ok", "rid as ok"), QUERY.replace("account_key as resource", "rid as resource")]
)
def test_ok_is_a_boolean_and_resource_a_text(query: str) -> None:
    with pytest.raises(EngineError, match="not text or whose ok"):
        outcome([{}], query)


@pytest.fixture
def rule(tmp_path: Path) -> Rule:
    path = tmp_path / "AD-ACC-900-new-rule.yaml"
    path.write_text(scaffold("AD-ACC-900", 1), encoding="utf-8")
    (rule,) = load([path], pack="theirs")
    return rule


def test_a_pack_gives_in_its_child_what_it_gives_here(rule: Rule, engine: Engine) -> None:
    (test,) = rule.tests
    engine.load(ALL["account"], arrow("account", *map(dict, test.given["account"])))
    answers = packs.run_pack([rule, replace(rule, id="AD-ACC-901", pack="others")], engine, AS_OF, RuleSettings())
    found = answers["AD-ACC-900"]
    assert isinstance(found, Outcome)
    assert found.by_resource() == test.expect
    assert {row["name"]: row["expires_at"] for row in found.failing}["neutral"] is not None
    assert answers["AD-ACC-901"] == found


def test_a_pack_rule_that_fails_is_an_error_in_both_languages(rule: Rule, engine: Engine) -> None:
    broken = replace(rule, query="select account_key as resource, cast(sam_account_name as bigint) = 1 as ok, 'x' as name from account")
    error = packs.run_pack([broken], engine, AS_OF, RuleSettings())["AD-ACC-900"]
    assert isinstance(error, EngineError)
    assert (error.text.en[:16], error.text.fr[:18]) == ("the query failed", "la requête a échou")


def test_a_pack_that_did_not_pass_the_gate_never_runs(rule: Rule, engine: Engine) -> None:
    with pytest.raises(EngineError, match="function now"):
        packs.run_pack([replace(rule, query="select now() as resource, true as ok, 'x' as name")], engine, AS_OF, RuleSettings())


def test_no_pack_needs_no_child(engine: Engine) -> None:
    assert packs.run_pack([], engine, AS_OF, RuleSettings()) == {}


def test_the_private_database_holds_the_tables_asked_for_and_goes_away(engine: Engine) -> None:
    with packs.private_database(engine, ["account"]) as folder:
        with Engine(database=folder / "tables.duckdb", read_only=True) as copy:
            assert copy.query("select table_name as t from information_schema.tables", {}).rows == (("account",),)
        assert not folder.stat().st_mode & 0o077
    assert not folder.exists()
