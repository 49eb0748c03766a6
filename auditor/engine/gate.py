"""The gate: what a rule's query may be, judged on DuckDB's own syntax tree before anything runs.

DuckDB's settings stop files and the network, but not data-modifying CTEs, clocks, catalogues, chance or bombs. Everything here is a list of
what is allowed; whatever is not named is refused, so that a construct of a later DuckDB is refused until somebody thought about it.
"""

from __future__ import annotations

import atexit
import json
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import duckdb

from auditor.errors import EngineError
from auditor.tables import ALL

MAX_CHARACTERS = 20_000
MACROS = frozenset({"ts_us", "secs_between", "bucket", "day_of_week_iso", "haversine_km"})
"""The macros of `auditor.engine.duckdb`: names for what SQL dialects disagree on."""

_AGGREGATES = (
    "count count_star sum avg min max arg_min arg_max min_by max_by bool_or bool_and bit_or median stddev var_samp corr string_agg"
)
_WINDOWS = "row_number dense_rank percent_rank ntile lag lead first_value last_value"
_NUMBERS = "+ - * / // % & | << xor bit_count abs round floor power sqrt ln log10 sin cos asin radians greatest least trunc"
_TEXTS = (
    "|| concat concat_ws lower upper trim ltrim length substr substring replace split_part contains starts_with strpos instr "
    "regexp_matches regexp_extract regexp_replace md5 sha256 ~~ !~~ ~~* !~~* like_escape not_like_escape ilike_escape not_ilike_escape"
)
_TIMES = (
    "to_days to_hours to_minutes to_seconds to_months to_weeks to_years date_trunc date_part date_diff year month day last_day "
    "strftime strptime"
)
_OTHER = "if nullif"
FUNCTIONS = frozenset(" ".join((_AGGREGATES, _WINDOWS, _NUMBERS, _TEXTS, _TIMES, _OTHER)).split()) | MACROS
"""Functions and operators that mean the same on every engine and are no bomb by themselves.

Two that look harmless are not here: any_value depends on row order, count_if of no known value is NULL here and 0 elsewhere."""

_OPERATORS = frozenset({"OPERATOR_NOT", "OPERATOR_IS_NULL", "OPERATOR_IS_NOT_NULL", "OPERATOR_COALESCE", "COMPARE_IN", "COMPARE_NOT_IN"})
_CLASSES = frozenset(
    {
        "BETWEEN",
        "CASE",
        "CAST",
        "COLUMN_REF",
        "COMPARISON",
        "CONJUNCTION",
        "CONSTANT",
        "FUNCTION",
        "OPERATOR",
        "PARAMETER",
        "SUBQUERY",
        "TYPE",
        "WINDOW",
    }
)
_TYPES = frozenset({"text", "varchar", "bigint", "integer", "double", "boolean", "bool", "timestamp", "date"})
_NODES = frozenset({"SELECT_NODE", "SET_OPERATION_NODE"})
_SET_OPERATIONS = frozenset({"UNION", "EXCEPT", "INTERSECT"})
_SOURCES = frozenset({"BASE_TABLE", "JOIN", "SUBQUERY", "EMPTY"})
_JOINS = frozenset({"INNER", "LEFT", "SEMI", "ANTI"})
_MODIFIERS = frozenset({"ORDER_MODIFIER", "DISTINCT_MODIFIER", "LIMIT_MODIFIER"})
_ORDERS = frozenset({"ORDER_DEFAULT", "ASCENDING", "DESCENDING"})
_SUBQUERIES = frozenset({"SCALAR", "EXISTS", "NOT_EXISTS", "ANY"})

_NILADIC = frozenset(
    {
        "current_date",
        "current_time",
        "current_timestamp",
        "localtime",
        "localtimestamp",
        "user",
        "current_user",
        "session_user",
        "current_role",
        "current_catalog",
        "current_schema",
        "rowid",
    }
)
"""Words that are functions without parentheses, or pseudo-columns, and look like columns: refused anywhere, as names too."""


class RefusedError(EngineError):
    """A query is not a rule's query; `line` counts from 1 within the query."""

    def __init__(self, message: str, line: int = 1) -> None:
        super().__init__(message)
        self.line = line


@dataclass
class _Seen:
    sql: str
    tables: dict[str, int] = field(default_factory=dict)
    ctes: set[str] = field(default_factory=set)
    columns: dict[str, int] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)

    def line(self, offset: object) -> int:
        if isinstance(offset, int) and offset <= len(self.sql.encode()):
            return self.sql.encode()[:offset].count(b"\n") + 1
        return 1


def check(sql: str) -> frozenset[str]:
    """The tables that `sql` reads; RefusedError unless it is one plain SELECT over our tables with allowed functions only.

    Steps: one statement; node types; sources; tables and CTE names; functions; columns and names; types. Executes nothing of `sql`.
    """
    if len(sql) > MAX_CHARACTERS:
        raise RefusedError(f"the query is longer than {MAX_CHARACTERS} characters; split the rule.")
    if sql.rstrip().endswith(";"):
        raise RefusedError("the query ends with a semicolon; remove it.")
    if "\x00" in sql:
        raise RefusedError("the query holds a NUL character; remove it.")
    try:
        tree = _parse(sql)
        seen = _Seen(sql)
        _walk(tree, seen)
    except RecursionError as error:
        raise RefusedError("the query is nested too deeply; flatten it.") from error
    if any(modifier["type"] == "LIMIT_MODIFIER" for modifier in tree["modifiers"]):
        raise RefusedError("LIMIT on the whole query would hide findings; remove it.")
    if shadowed := sorted(seen.ctes & ALL.keys()):
        raise RefusedError(f"a CTE bears the name of table {shadowed[0]}; rename the CTE.")
    for name, line in seen.tables.items():
        if name not in ALL and name not in seen.ctes:
            raise RefusedError(f"there is no table {name}; see the list of tables.", line)
    if taken := sorted((seen.names | seen.ctes | seen.columns.keys()) & _NILADIC):
        raise RefusedError(f"{taken[0]} is not allowed, not even as a name; time comes as $as_of.", seen.columns.get(taken[0], 1))
    known = seen.names | {column.name for table in ALL.values() for column in table.columns}
    for name, line in seen.columns.items():
        if name not in known:
            raise RefusedError(f"no table of the query has a column {name}; check its spelling.", line)
    return frozenset(seen.tables.keys() & ALL.keys())


def check_condition(sql: str, columns: Collection[str]) -> None:
    """RefusedError unless `sql` is one expression over `columns` with allowed functions only: no subquery, no window, no second clause."""
    if len(sql) > MAX_CHARACTERS:
        raise RefusedError(f"the condition is longer than {MAX_CHARACTERS} characters; shorten it.")
    if "\x00" in sql or ";" in sql:
        raise RefusedError("the condition holds a semicolon or a NUL character; remove it.")
    seen = _Seen(sql)
    try:
        frames = []
        for expression in ("true", sql):
            tree = _parse(f"SELECT (\n{expression}\n)")
            chosen = tree.get("select_list", [])
            frames.append({**tree, "select_list": len(chosen)})
        # Parentheses that close too early change what surrounds the expression.
        if frames[0] != frames[1] or chosen[0].get("alias"):
            raise RefusedError("a condition is exactly one expression; remove everything else.")
        _walk(chosen, seen)
        classes = _classes(chosen)
    except RecursionError as error:
        raise RefusedError("the condition is nested too deeply; flatten it.") from error
    if classes & {"SUBQUERY", "WINDOW"}:
        raise RefusedError("a condition looks at one finding: subqueries and windows are not allowed.")
    for name in seen.columns:
        if name not in columns:
            raise RefusedError(f"the rule has no column {name}; it has: {', '.join(columns)}.")


def _classes(node: object) -> set[str]:
    """Classes of the expressions in a tree."""
    if isinstance(node, list):
        return set().union(*map(_classes, node))
    if not isinstance(node, dict):
        return set()
    own = {str(node["class"])} if "class" in node else set()
    return own.union(*map(_classes, node.values()))


@cache
def _parser() -> duckdb.DuckDBPyConnection:
    """One locked connection for parsing: some statements reach for files while they are parsed (IMPORT DATABASE)."""
    connection = duckdb.connect(":memory:", config={"threads": 1, "autoload_known_extensions": False, "python_enable_replacements": False})
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    atexit.register(connection.close)
    return connection


def _parse(sql: str) -> dict[str, list[dict[str, object]]]:
    try:
        statements = _parser().extract_statements(sql)
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise RefusedError("a rule's query is exactly one SELECT; remove everything else.")
        answer = _parser().execute("SELECT json_serialize_sql(?)", [statements[0].query]).fetchone()
    except duckdb.Error as error:
        raise RefusedError(f"not SQL that DuckDB understands ({str(error).splitlines()[0]}); correct it.") from error
    parsed: dict[str, Any] = json.loads(answer[0]) if answer else {"error": True}
    if parsed["error"] or len(parsed["statements"]) != 1:
        raise RefusedError("a rule's query is exactly one SELECT; remove everything else.")
    node: dict[str, list[dict[str, object]]] = parsed["statements"][0]["node"]
    return node


def _walk(node: object, seen: _Seen) -> None:
    if isinstance(node, list):
        for item in node:
            _walk(item, seen)
    elif isinstance(node, dict):
        line = seen.line(node.get("query_location"))
        if node.get("sample") is not None or node.get("at_clause") is not None:
            raise RefusedError("TABLESAMPLE and AT are not allowed: they bring chance or another time in.", line)
        if "class" in node:
            _expression(node, seen, line)
        elif isinstance(node.get("type"), str):
            _clause(node, seen, line)
        if isinstance(alias := node.get("alias"), str) and alias:
            seen.names.add(alias.lower())
        for value in node.values():
            _walk(value, seen)


def _clause(node: dict[str, object], seen: _Seen, line: int) -> None:
    kind = str(node["type"])
    if kind.endswith("_NODE"):
        _query_node(node, seen, kind, line)
    elif kind in _SOURCES:
        _source(node, seen, kind, line)
    elif kind == "LIMIT_MODIFIER":
        if node.get("limit_type", "ROW_COUNT") != "ROW_COUNT":
            raise RefusedError("LIMIT takes a number of rows, not a percentage.", line)
    elif kind not in _MODIFIERS and kind not in _ORDERS:
        raise RefusedError(f"{kind.lower().replace('_', ' ')} is not allowed in a rule.", line)


def _query_node(node: dict[str, object], seen: _Seen, kind: str, line: int) -> None:
    if kind == "RECURSIVE_CTE_NODE":
        raise RefusedError("WITH RECURSIVE is not allowed: on cyclic data it never ends; read a derived table such as group_closure.", line)
    if kind not in _NODES:
        raise RefusedError("a rule only reads: INSERT, UPDATE, DELETE, COPY and the like are not allowed.", line)
    if kind == "SET_OPERATION_NODE" and node["setop_type"] not in _SET_OPERATIONS:
        raise RefusedError("only UNION, EXCEPT and INTERSECT combine queries.", line)
    if node.get("aggregate_handling", "STANDARD_HANDLING") != "STANDARD_HANDLING":
        raise RefusedError("GROUP BY ALL is not allowed; name the columns.", line)
    sets, groups = node.get("group_sets", []), node.get("group_expressions", [])
    if isinstance(sets, list) and len(sets) > 1:
        raise RefusedError("grouping sets are not allowed; write one query for each.", line)
    if isinstance(groups, list) and any(group.get("class") == "CONSTANT" for group in groups):
        raise RefusedError("GROUP BY takes columns, not positions.", line)
    cte_map = node["cte_map"]
    if isinstance(cte_map, dict):
        for cte in cte_map["map"]:
            seen.ctes.add(cte["key"].lower())
            seen.names.update(alias.lower() for alias in cte["value"]["aliases"])


def _source(node: dict[str, object], seen: _Seen, kind: str, line: int) -> None:
    if kind == "BASE_TABLE":
        _plain_name(node, line)
        seen.tables.setdefault(str(node["table_name"]).lower(), line)
        seen.names.add(str(node["table_name"]).lower())
    elif kind == "JOIN":
        if node["join_type"] not in _JOINS or node["ref_type"] not in ("REGULAR", "CROSS") or node.get("ranking_expression"):
            raise RefusedError("only INNER, LEFT, SEMI, ANTI and CROSS joins with ON or USING are allowed.", line)
        if node["using_columns"]:
            seen.columns.update((str(column).lower(), line) for column in _names(node["using_columns"]))
    if aliases := node.get("column_name_alias"):
        seen.names.update(alias.lower() for alias in _names(aliases))


def _names(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []


def _plain_name(node: dict[str, object], line: int) -> None:
    qualified = node.get("qualified_name")
    path = qualified["path"] if isinstance(qualified, dict) else []
    named = node.get("schema") or node.get("catalog") or node.get("schema_name") or node.get("catalog_name")
    if named or len(path) > 1:
        raise RefusedError("schema and catalogue names are not allowed; name the table or function alone.", line)


def _expression(node: dict[str, object], seen: _Seen, line: int) -> None:
    kind = str(node["class"])
    if kind == "STAR":
        raise RefusedError("* and VALUES are not allowed; name the columns.", line)
    if kind not in _CLASSES:
        raise RefusedError(f"{kind.lower().replace('_', ' ')} expressions are not allowed in a rule.", line)
    if kind in ("FUNCTION", "WINDOW"):
        _function(node, line)
    elif kind == "OPERATOR" and node["type"] not in _OPERATORS:
        raise RefusedError(f"operator {str(node['type']).lower()} is not allowed; rules have no lists and no structs.", line)
    elif kind == "COLUMN_REF":
        names = [name.lower() for name in _names(node["column_names"])]
        if not 1 <= len(names) <= 2:
            raise RefusedError("a column is written column or table.column.", line)
        for name in names:
            seen.columns.setdefault(name, line)
    elif kind == "TYPE":
        _plain_name(node, line)
        if str(node["type_name"]).lower() not in _TYPES or node.get("children"):
            raise RefusedError(f"type {node['type_name']} is not allowed; use text, bigint, boolean or timestamp.", line)
    elif kind == "SUBQUERY" and (
        node["subquery_type"] not in _SUBQUERIES or (node["subquery_type"] == "ANY" and node["comparison_type"] != "COMPARE_EQUAL")
    ):
        raise RefusedError("subqueries are scalar, EXISTS or IN (SELECT …).", line)


def _function(node: dict[str, object], line: int) -> None:
    name = str(node["function_name"]).lower()
    _plain_name(node, line)
    if name not in FUNCTIONS or node.get("export_state"):
        raise RefusedError(f"function {name} is not allowed; use one of the portable functions.", line)
    if name == "string_agg":
        order = node.get("order_bys")
        if not (isinstance(order, dict) and order["orders"]) and not node.get("arg_orders"):
            raise RefusedError("string_agg needs ORDER BY inside its parentheses: without it the text changes from run to run.", line)
