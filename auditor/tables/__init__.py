"""The only place where a table exists: collectors fill them, rules read them, docs and rule tests are made from them."""

from __future__ import annotations

from auditor.tables import derived, directory, people
from auditor.tables.schema import Column, ColumnType, Table

COLLECTED: dict[str, Table] = {table.name: table for table in (*directory.TABLES, *people.TABLES)}
"""Tables a source can deliver, by name."""

DERIVED: dict[str, Table] = {table.name: table for table in derived.TABLES}
"""Tables computed from others, by name, in the order in which they can be computed."""

ALL: dict[str, Table] = {**COLLECTED, **DERIVED}
"""Every table, by name."""

__all__ = ["ALL", "COLLECTED", "DERIVED", "Column", "ColumnType", "Table"]
