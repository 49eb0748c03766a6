"""The engine: an embedded DuckDB that holds the tables of one audit, derives with our SQL, then is locked and runs the rules' SQL.

After `lock` a query reaches no file, no network, no extension and no Python variable, and no setting can be changed; time and memory are
bounded. DuckDB checks its clock only between blocks of rows: a single long scalar call outlives it, which is why third-party rules
run in a child process (`auditor.engine.packs`).
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import duckdb

from auditor.errors import EngineError
from auditor.model import Text, Value
from auditor.tables import Table

if TYPE_CHECKING:
    import pyarrow as pa  # a rule pack's child process never needs it

MAX_ROWS = 200_000
"""Rows a rule may return: one per account of a very large hospital, and then some."""

_TYPES = {"text": "VARCHAR", "bigint": "BIGINT", "boolean": "BOOLEAN", "timestamp": "TIMESTAMP"}
_SAFE: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "allow_unsigned_extensions": "false",
    "python_enable_replacements": "false",
}
_MACROS = (
    "ts_us(t) AS epoch_us(t)",
    "secs_between(a, b) AS CAST(FLOOR((epoch_us(b) - epoch_us(a)) / 1000000) AS BIGINT)",
    "bucket(t, n) AS CAST(FLOOR(epoch_us(t) / (CAST(n AS BIGINT) * 1000000)) AS BIGINT)",
    "day_of_week_iso(t) AS CAST(isodow(t) AS INTEGER)",
    """haversine_km(a, b, c, d) AS 2 * 6371.0 * ASIN(SQRT(LEAST(1.0,
      POWER(SIN(RADIANS(c - a) / 2), 2) + COS(RADIANS(a)) * COS(RADIANS(c)) * POWER(SIN(RADIANS(d - b) / 2), 2))))""",
)
_DECIMALS = 6


@dataclass(frozen=True)
class Result:
    """What a query returned: column names, and rows of scalars sorted by value so that equal data gives equal order."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]


class Engine:
    """One DuckDB for one audit, in memory or, for rule packs, in a private file.

    `memory_mb` and `timeout_seconds` bound every query after `lock`; data beyond memory spills to a private temporary folder that
    disappears with the engine. Use as a context manager. Errors are EngineError in one sentence.
    """

    def __init__(
        self,
        *,
        memory_mb: int = 1024,
        timeout_seconds: float = 30.0,
        threads: int = 2,
        database: Path | None = None,
        read_only: bool = False,
    ) -> None:
        self.timeout_seconds = timeout_seconds
        self._spill = tempfile.TemporaryDirectory(prefix="audit-", ignore_cleanup_errors=True)
        config = _SAFE | {
            "memory_limit": f"{memory_mb}MB",
            "threads": str(threads),
            "temp_directory": self._spill.name,
            "max_temp_directory_size": f"{4 * memory_mb}MB",
        }
        try:
            self._connection = duckdb.connect(str(database or ":memory:"), read_only=read_only, config=config)
            for macro in _MACROS:
                self._connection.execute(f"CREATE TEMP MACRO {macro}")
            self._connection.execute("SET enable_progress_bar = false")
        except duckdb.Error as error:
            self._spill.cleanup()
            raise _sentence(error, "start") from error

    def __enter__(self) -> Engine:  # noqa: D105
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:  # noqa: D105
        self._connection.close()
        self._spill.cleanup()

    def load(self, table: Table, source: Path | pa.Table) -> None:
        """Make `table` hold the rows of a Parquet file (before `lock` only) or of an Arrow table, cast to its columns."""
        columns = ", ".join(f'CAST("{column.name}" AS {_TYPES[column.type]}) AS "{column.name}"' for column in table.columns)
        create = f'CREATE OR REPLACE TABLE "{table.name}" AS SELECT {columns} FROM'
        try:
            if isinstance(source, Path):
                self._connection.execute(f"{create} read_parquet($path)", {"path": str(source)})
            else:
                with self._registered(source) as name:
                    self._connection.execute(f"{create} {name}")
        except duckdb.Error as error:
            raise _sentence(error, "load") from error

    @contextmanager
    def _registered(self, source: pa.Table) -> Iterator[str]:
        self._connection.register("arrow_source", source)
        try:
            yield "arrow_source"
        finally:
            self._connection.unregister("arrow_source")

    def derive(self, sql: str, params: Mapping[str, Value] | None = None) -> pa.Table:
        """The rows of one of our own queries as an Arrow table; all of DuckDB may be used, `$name` parameters are bound.

        EngineError when it fails, exceeds the memory, or lasts ten times as long as a rule may.
        """
        try:
            with self._watched(10 * self.timeout_seconds):
                return self._connection.sql(sql, params=self._bound(sql, params or {})).to_arrow_table()
        except duckdb.Error as error:
            raise _sentence(error, "derive") from error

    @contextmanager
    def _watched(self, seconds: float) -> Iterator[None]:
        watchdog = threading.Timer(seconds, self._connection.interrupt)
        watchdog.daemon = True
        watchdog.start()
        try:
            yield
        except duckdb.InterruptException as error:
            raise EngineError(
                f"the query ran longer than {seconds:g} s; raise rules.timeout_seconds or simplify it.",
                fr=f"la requête a duré plus de {seconds:g} s\u00a0; augmentez rules.timeout_seconds ou simplifiez-la.",
            ) from error
        finally:
            watchdog.cancel()

    def table(self, name: str) -> pa.Table:
        """A loaded table as Arrow, in its own row order."""
        return self._connection.table(name).to_arrow_table()

    def lock(self) -> None:
        """Close every way out, for good: from here on only `load` with Arrow rows, `table` and `query` work."""
        for setting in (
            "allow_persistent_secrets = false",
            "enable_external_access = false",
            f"max_execution_time = {int(self.timeout_seconds * 1000)}",
            "lock_configuration = true",
        ):
            self._connection.execute(f"SET {setting}")

    def query(self, sql: str, params: Mapping[str, Value], max_rows: int = MAX_ROWS) -> Result:
        """Run a rule's query that passed the gate; only the parameters it names are bound.

        EngineError when it fails, outlives `timeout_seconds`, exceeds the memory, or returns more than `max_rows` rows.
        """
        try:
            with self._watched(self.timeout_seconds):
                cursor = self._connection.execute(sql, self._bound(sql, params))
                columns = tuple(str(column[0]) for column in cursor.description or ())
                rows = cursor.fetchmany(max_rows + 1)
        except duckdb.Error as error:
            raise _sentence(error, "query") from error
        if len(rows) > max_rows:
            raise EngineError(
                f"the query returned more than {max_rows} rows; a rule returns one row per resource, narrow it.",
                fr=f"la requête a rendu plus de {max_rows} lignes\u00a0; une règle rend une ligne par ressource, restreignez-la.",
            )
        return Result(columns, tuple(sorted((tuple(map(_scalar, row)) for row in rows), key=_order)))

    def matching(self, rows: pa.Table, condition: str, params: Mapping[str, Value]) -> frozenset[str]:
        """The `resource` of the Arrow rows for which a condition that passed the gate is true; bounds and errors as for `query`."""
        with self._registered(rows) as name:
            sql = f"SELECT resource FROM {name} WHERE CAST((\n{condition}\n) AS BOOLEAN)"  # noqa: S608 - admitted by the gate
            return frozenset(str(resource) for (resource,) in self.query(sql, params).rows)

    def _bound(self, sql: str, params: Mapping[str, Value]) -> dict[str, Value]:
        statements = self._connection.extract_statements(sql)
        if len(statements) != 1:
            raise EngineError("more than one statement; write one query.", fr="plus d’une instruction\u00a0; écrivez une seule requête.")
        named = statements[0].named_parameters
        if missing := sorted(named - params.keys()):
            raise EngineError(
                f"the query names ${missing[0]}, which has no value; declare it under params.",
                fr=f"la requête nomme ${missing[0]}, qui n’a pas de valeur\u00a0; déclarez-le sous params.",
            )
        return {name: params[name] for name in named}


def _scalar(value: object) -> Value:
    if value is None or isinstance(value, (bool, int, str, datetime)):
        return value
    if isinstance(value, (float, Decimal)):
        return round(float(value), _DECIMALS)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    kind = type(value).__name__
    raise EngineError(
        f"the query returned a {kind}; cast it to text, a number, a boolean or a timestamp.",
        fr=f"la requête a rendu une valeur de type {kind}\u00a0; convertissez-la en texte, nombre, booléen ou date.",
    )


def _order(row: tuple[Value, ...]) -> tuple[tuple[bool, str], ...]:
    return tuple((value is None, str(value)) for value in row)


_WHAT = {
    "start": Text(en="the engine could not start", fr="le moteur n’a pas pu démarrer"),
    "load": Text(en="a table could not be loaded", fr="une table n’a pas pu être chargée"),
    "derive": Text(en="a derived table could not be computed", fr="une table dérivée n’a pas pu être calculée"),
    "query": Text(en="the query failed", fr="la requête a échoué"),
}


def _sentence(error: duckdb.Error, key: str) -> EngineError:
    what = _WHAT[key]
    if isinstance(error, duckdb.OutOfMemoryException):
        return EngineError(
            f"{what.en}: it needs more memory than allowed; raise rules.memory_mb.",
            fr=f"{what.fr}\u00a0: il lui faut plus de mémoire que permis\u00a0; augmentez rules.memory_mb.",
        )
    reason = str(error).strip().splitlines()[0]
    return EngineError(
        f"{what.en} ({reason}); correct the query or its data.",
        fr=f"{what.fr} ({reason})\u00a0; corrigez la requête ou ses données.",
    )
