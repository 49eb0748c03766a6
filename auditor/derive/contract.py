"""What the derivations ask of an engine, and how they hand over rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from auditor.model import Value
from auditor.snapshot import arrow_schema
from auditor.tables import Table


class Engine(Protocol):
    """An engine that holds the collected tables and takes the derived ones; auditor.engine provides it."""

    def load(self, table: Table, source: Path | pa.Table) -> None:
        """Make `table` hold these rows."""

    def derive(self, sql: str, params: Mapping[str, Value] | None = None) -> pa.Table:
        """The rows of a query of ours."""


def rows(engine: Engine, sql: str, params: Mapping[str, Value] | None = None) -> list[dict[str, Any]]:
    """The rows of a query as dictionaries."""
    found: list[dict[str, Any]] = engine.derive(sql, params).to_pylist()
    return found


def to_arrow(table: Table, found: Iterable[Mapping[str, Value]]) -> pa.Table:
    """Rows as an Arrow table in the order of the table's key, so that the same input gives the same bytes."""

    def order(row: Mapping[str, Value]) -> tuple[str, ...]:
        return tuple(str(row[name]) for name in table.key)

    return pa.Table.from_pylist(sorted(found, key=order), schema=arrow_schema(table))
