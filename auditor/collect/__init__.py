"""Collectors: each reads one kind of source into the tables of a snapshot and says what it could not read.

A collector is a module with `collect(settings, writer, progress) -> None`. It adds its rows, its facts and exactly one Coverage for
every table it can deliver, and returns: a source that cannot be read is a fact (denied or absent, with the reason), not an error.
Only a source that must not be read (a token of Entra ID that can write) ends the whole collection, by a CollectError.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from datetime import datetime
from importlib import import_module
from pathlib import Path

from auditor.config import Source
from auditor.errors import CollectError
from auditor.model import Coverage, State, Text
from auditor.snapshot import Writer
from auditor.tables import COLLECTED

Progress = Callable[[str, int], None]
"""Told the name of the source and the rows read so far, from time to time."""


class SourceError(CollectError):
    """A source cannot be read, or not to its end; `text` says why in both languages.

    `state` is what its tables are when nothing could be read: denied (the source said no) or absent (it could not be asked).
    """

    def __init__(self, text: Text, *, state: State = State.ABSENT) -> None:
        super().__init__(text.en, fr=text.fr)
        self.state = state


def collect(settings: Source, writer: Writer, progress: Progress) -> None:
    """Read one source of the configuration into the snapshot, by the module that bears the name of its type."""
    # Imported when it is used, so that files need no LDAP client.
    import_module(f"auditor.collect.{settings.type}").collect(settings, writer, progress)


def joined(reasons: Iterable[Text]) -> Text:
    """Several reasons as one text."""
    listed = list(reasons)
    listed[:-1] = [Text(reason.en.removesuffix("."), reason.fr.removesuffix(".")) for reason in listed[:-1]]
    return Text(en="; ".join(reason.en for reason in listed), fr="\u00a0; ".join(reason.fr for reason in listed))


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
        try:
            collect(settings, writer, lambda _source, _rows: None)
        except CollectError as error:
            return [(False, error.text)]
        finally:
            # An open file could not be removed on Windows.
            writer.close()
    return [*(_examined(entry) for entry in writer.coverage), *((False, notice.text) for notice in writer.notices)]


def _examined(entry: Coverage) -> tuple[bool, Text]:
    if entry.reason is None or entry.cure is None:
        return True, Text(f"{entry.table}: {entry.rows} rows", f"{entry.table} : {entry.rows} lignes")
    return False, Text(
        f"{entry.table}: {entry.rows} rows; {entry.reason.en.removesuffix('.')}. {entry.cure.en}",
        f"{entry.table} : {entry.rows} lignes ; {entry.reason.fr.removesuffix('.')}. {entry.cure.fr}",
    )
