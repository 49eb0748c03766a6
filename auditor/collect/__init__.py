"""Collectors: each reads one kind of source into the tables of a snapshot and says what it could not read.

A collector is a module with `collect(settings, writer, progress) -> None`. It adds its rows, its facts and exactly one Coverage for
every table it can deliver, and returns: a source that cannot be read is a fact (denied or absent, with the reason), not an error.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from auditor.config import Source
from auditor.errors import CollectError
from auditor.model import Coverage, State, Text
from auditor.snapshot import Writer
from auditor.tables import COLLECTED

Progress = Callable[[str, int], None]
"""Told the name of the source and the rows read so far, from time to time."""

Collector = Callable[[Any, Writer, Progress], None]
"""Reads one source of the configuration into the writer."""


class SourceError(CollectError):
    """A source cannot be read, or not to its end; `text` says why in both languages.

    `state` is what its tables are when nothing could be read: denied (the source said no) or absent (it could not be asked).
    """

    def __init__(self, text: Text, *, source: str = "", state: State = State.ABSENT) -> None:
        super().__init__(text.en, source=source)
        self.text = text
        self.state = state


def _lazy(source_type: str) -> Collector:
    def run(settings: Source, writer: Writer, progress: Progress) -> None:
        import_module(f"auditor.collect.{source_type}").collect(settings, writer, progress)

    return run


SOURCES: Mapping[str, Collector] = {name: _lazy(name) for name in ("active_directory", "ldif", "registry_fr", "hr", "vendors")}
"""Collectors by `type` in audit.yaml; a module is imported when it is used, so that files need no LDAP client."""


def collect(settings: Source, writer: Writer, progress: Progress) -> None:
    """Read one source of the configuration into the snapshot."""
    SOURCES[settings.type](settings, writer, progress)


def unread(tables: tuple[str, ...], source: str, error: SourceError, collected_at: datetime | None = None) -> list[Coverage]:
    """Coverage of tables of which nothing could be read."""
    return [Coverage(name, source, error.state, 0, error.text, COLLECTED[name].cure, collected_at) for name in tables]


def doctor(settings: Source, as_of: datetime) -> list[tuple[bool, Text]]:
    """What a collection of this source would meet, as (good, sentence). A file is read as a collection would, into a folder that is
    thrown away; of a live directory a few entries are."""
    if settings.type == "active_directory":
        return list(import_module("auditor.collect.active_directory").doctor(settings))
    with tempfile.TemporaryDirectory(prefix="audit-") as folder:
        writer = Writer(Path(folder), as_of)
        collect(settings, writer, lambda _source, _rows: None)
        writer.close()
    return [_examined(entry) for entry in writer.coverage]


def _examined(entry: Coverage) -> tuple[bool, Text]:
    if entry.reason is None or entry.cure is None:
        return True, Text(f"{entry.table}: {entry.rows} rows", f"{entry.table} : {entry.rows} lignes")
    return False, Text(
        f"{entry.table}: {entry.rows} rows; {entry.reason.en}. {entry.cure.en}",
        f"{entry.table} : {entry.rows} lignes ; {entry.reason.fr}. {entry.cure.fr}",
    )
