"""The only place where a table exists: collectors fill them, rules read them, docs and rule tests are made from them."""

from __future__ import annotations

from auditor.tables import derived, directory, entra, evidence, otp, people, sign_ins, training
from auditor.tables.schema import Column, ColumnType, Table

COLLECTED: dict[str, Table] = {
    table.name: table
    for table in (*directory.TABLES, *people.TABLES, *evidence.TABLES, *entra.TABLES, *training.TABLES, *otp.TABLES, *sign_ins.TABLES)
}
"""Tables a source can deliver, by name."""

DERIVED: dict[str, Table] = {
    table.name: table
    for table in (
        *derived.TABLES,
        *entra.DERIVED_TABLES,
        *training.DERIVED_TABLES,
        *otp.DERIVED_TABLES,
        *evidence.DERIVED_TABLES,
        *sign_ins.DERIVED_TABLES,
    )
}
"""Tables computed from others, by name, in the order in which they can be computed."""

ALL: dict[str, Table] = {**COLLECTED, **DERIVED}
"""Every table, by name."""

__all__ = ["ALL", "COLLECTED", "DERIVED", "Column", "ColumnType", "Table"]
