"""One derivation after the other: what fails or is doubtful in one table is known of every table computed from it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from auditor.derive.contract import Engine
from auditor.errors import EngineError
from auditor.model import Text, Value
from auditor.snapshot import arrow_schema
from auditor.tables import DERIVED, Table

_WORD = re.compile(r"\w+")


class Steps:
    """Fills derived tables, and is the engine through which they read.

    A table that cannot be computed (memory, time) is left empty instead of ending the audit. `doubts` says by table why its rows are not
    all there is; the queries tell which tables a later one is computed from, so that nobody has to declare it.
    """

    def __init__(self, engine: Engine) -> None:
        self.doubts: dict[str, tuple[Text, ...]] = {}
        self._engine = engine
        self._read: set[str] = set()

    def load(self, table: Table, source: Path | pa.Table) -> None:
        """Make `table` hold these rows."""
        self._engine.load(table, source)

    def derive(self, sql: str, params: Mapping[str, Value] | None = None) -> pa.Table:
        """The rows of a query of ours; the derived tables it names are inputs of the step."""
        self._read.update(DERIVED.keys() & _WORD.findall(sql))
        return self._engine.derive(sql, params)

    def fill(self, table: Table, compute: Callable[[], pa.Table], doubts: Callable[[], Iterable[Text]] = tuple) -> None:
        """Fill `table`; `doubts` looks at the result."""
        self.fill_all((table,), lambda: (compute(),), doubts)

    def fill_all(
        self, tables: Sequence[Table], compute: Callable[[], Sequence[pa.Table]], doubts: Callable[[], Iterable[Text]] = tuple
    ) -> None:
        """Fill tables that are computed together, in their order."""
        self._read = set()
        try:
            for table, found in zip(tables, compute(), strict=True):
                self.load(table, found)
            inherited = [doubt for name in DERIVED if name in self._read for doubt in self.doubts.get(name, ())]
            reasons = [*inherited, *doubts()]
        except EngineError as error:
            for table in tables:
                self.load(table, arrow_schema(table).empty_table())
            reasons = [Text(en=f"it could not be computed: {error.text.en}", fr=f"elle n’a pas pu être calculée\u00a0: {error.text.fr}")]
        if reasons:
            self.doubts |= dict.fromkeys((table.name for table in tables), tuple(dict.fromkeys(reasons)))
