"""The snapshot: a private folder with one Parquet file per collected table and manifest.json.

Written beside its place and moved there whole; `manifest.json` carries the SHA-256 of every file, the coverage of every table,
the instant the audit speaks of, and per-source facts. Rows are sorted by key, so that two readings of one directory compare equal.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import file_digest, sha256
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from auditor import __version__, safe
from auditor.errors import SnapshotError
from auditor.model import Coverage, Notice, State, Text, Value
from auditor.tables import COLLECTED, Table

FORMAT = 1
_ARROW = {"text": pa.string(), "bigint": pa.int64(), "boolean": pa.bool_(), "timestamp": pa.timestamp("us")}
_BATCH = 10_000
_COLUMNS = {name: frozenset(table.column_names) for name, table in COLLECTED.items()}


def arrow_schema(table: Table) -> pa.Schema:
    """The Arrow schema of a table; every column nullable, because NULL means not known."""
    return pa.schema([pa.field(column.name, _ARROW[column.type]) for column in table.columns])


def digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


class Writer:
    """Takes rows from collectors and streams them to Parquet; memory holds one batch per table until `seal` sorts each table.

    `resume` is where a collector may keep what a next run need not read again, None where there is no next run.
    """

    def __init__(self, folder: Path, as_of: datetime, resume: Path | None = None) -> None:
        self.folder = folder
        self.as_of = as_of
        self.resume = resume
        self.coverage: list[Coverage] = []
        self.facts: dict[str, Mapping[str, object]] = {}
        self.notices: list[Notice] = []
        self._pending: dict[str, list[Mapping[str, Value]]] = {}
        self._stand_ins: dict[str, str] = {}
        self._files: dict[str, pq.ParquetWriter] = {}

    def add(self, table: str, row: Mapping[str, Value]) -> None:
        """Add one row; columns left out are NULL (not known), a column the table does not have is a programming error."""
        if unknown := row.keys() - _COLUMNS[table]:
            raise KeyError(f"{table} has no column {sorted(unknown)}")
        pending = self._pending.setdefault(table, [])
        pending.append(row)
        if len(pending) >= _BATCH:
            self._flush(table)

    def stand_in(self, text: str) -> str:
        """What is kept of a text that must not be: `?` and a number, the same for the same text of any source of this snapshot."""
        return self._stand_ins.setdefault(text, f"?{len(self._stand_ins) + 1}")

    def add_coverage(self, entries: Iterable[Coverage]) -> None:
        """Say what a source delivered; exactly one entry per table and source."""
        self.coverage.extend(entries)

    def add_facts(self, source: str, facts: Mapping[str, object]) -> None:
        """Keep JSON facts about a source (counts, server, stamps) for the annex and for the next reader of the folder."""
        self.facts[source] = facts

    def add_notice(self, source: str, text: Text) -> None:
        """Say something that readers of the report must know of a source although its tables may be complete."""
        self.notices.append(Notice(source, text))

    def _flush(self, table: str) -> None:
        rows = self._pending.pop(table, [])
        if not rows:
            return
        schema = arrow_schema(COLLECTED[table])
        if table not in self._files:
            self._files[table] = pq.ParquetWriter(self.folder / f"{table}.part", schema, compression="zstd")
        self._files[table].write_table(pa.Table.from_pylist(rows, schema=schema))

    def close(self) -> None:
        """Finish the files being written; nothing can be added afterwards."""
        for name in COLLECTED:
            self._flush(name)
        for file in self._files.values():
            file.close()

    def seal(self) -> None:
        """Sort and hash every table, then write the manifest; tables nobody delivered are said to be absent."""
        self.close()
        files = {}
        for name, table in COLLECTED.items():
            if name not in self._files:
                data = arrow_schema(table).empty_table()
            else:
                part = self.folder / f"{name}.part"
                data = pq.read_table(part).sort_by([(key, "ascending") for key in table.key])
                part.unlink()
            path = self.folder / f"{name}.parquet"
            pq.write_table(data, path, compression="zstd")
            path.chmod(0o600)
            files[name] = {"sha256": digest(path), "rows": data.num_rows}
        covered = {entry.table for entry in self.coverage}
        self.coverage += [absent(table) for name, table in COLLECTED.items() if name not in covered]
        manifest = {
            "format": FORMAT,
            "version": __version__,
            "as_of": self.as_of.isoformat(),
            "files": files,
            "coverage": [_coverage_json(entry) for entry in sorted(self.coverage, key=lambda e: (e.table, e.source))],
            "facts": self.facts,
            "notices": [{"source": notice.source, "text": _text_json(notice.text)} for notice in sorted(self.notices)],
        }
        safe.private_write(self.folder / "manifest.json", json.dumps(manifest, indent=1, sort_keys=True, ensure_ascii=False))


def absent(table: Table) -> Coverage:
    """Coverage of a table that no source of the configuration delivers."""
    reason = Text(en="no source delivers this table", fr="aucune source ne fournit cette table")
    return Coverage(table.name, "", State.ABSENT, 0, reason, table.cure)


@contextmanager
def create(path: Path, as_of: datetime) -> Iterator[Writer]:
    """Write a snapshot to `path`, replacing an older one at once when everything is there."""
    with safe.whole_folder(path) as folder:
        writer = Writer(folder, as_of, path.with_name(path.name + ".resume"))
        try:
            yield writer
            writer.seal()
        finally:
            # An open file could not be removed on Windows.
            writer.close()


@dataclass(frozen=True)
class Snapshot:
    """A verified snapshot; `sha256` is the hash of its manifest, which holds the hash of every file."""

    folder: Path
    as_of: datetime
    sha256: str
    coverage: tuple[Coverage, ...]
    facts: Mapping[str, Mapping[str, object]]
    notices: tuple[Notice, ...] = ()

    def path(self, table: str) -> Path:
        """Parquet file of a collected table."""
        return self.folder / f"{table}.parquet"


def read(path: Path) -> Snapshot:
    """Open a snapshot and verify every file against the manifest; SnapshotError when anything differs."""
    try:
        safe.put_back(path)
        raw = (path / "manifest.json").read_bytes()
        manifest = json.loads(raw)
        if manifest["format"] != FORMAT:
            raise SnapshotError(
                f"{path}: snapshot of format {manifest['format']}, this version reads {FORMAT}; collect again.",
                fr=f"{path} : instantané au format {manifest['format']}, cette version lit le format {FORMAT} ; relancez la collecte.",
            )
        for name in COLLECTED:
            if digest(path / f"{name}.parquet") != manifest["files"][name]["sha256"]:
                raise SnapshotError(
                    f"{path}: {name}.parquet was changed after it was written; collect again.",
                    fr=f"{path} : {name}.parquet a été modifié après son écriture ; relancez la collecte.",
                )
        coverage = tuple(_coverage(entry) for entry in manifest["coverage"])
        notices = tuple(Notice(notice["source"], Text(**notice["text"])) for notice in manifest.get("notices", ()))
        return Snapshot(path, datetime.fromisoformat(manifest["as_of"]), sha256(raw).hexdigest(), coverage, manifest["facts"], notices)
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise SnapshotError(
            f"{path} is not a whole snapshot ({type(error).__name__}); run `audit collect` first.",
            fr=f"{path} n’est pas un instantané complet ({type(error).__name__}) ; lancez d’abord `audit collect`.",
        ) from error


def _text_json(text: Text | None) -> dict[str, str] | None:
    return {"en": text.en, "fr": text.fr} if text else None


def _coverage_json(entry: Coverage) -> dict[str, object]:
    return {
        "table": entry.table,
        "source": entry.source,
        "state": entry.state.value,
        "rows": entry.rows,
        "reason": _text_json(entry.reason),
        "cure": _text_json(entry.cure),
        "collected_at": entry.collected_at.isoformat() if entry.collected_at else None,
    }


def _coverage(entry: Mapping[str, object]) -> Coverage:
    def text(value: object) -> Text | None:
        return Text(**value) if isinstance(value, dict) else None

    at = entry["collected_at"]
    rows = entry["rows"]
    if not isinstance(rows, int):
        raise TypeError("rows")
    return Coverage(
        str(entry["table"]),
        str(entry["source"]),
        State(str(entry["state"])),
        rows,
        text(entry["reason"]),
        text(entry["cure"]),
        datetime.fromisoformat(str(at)) if at else None,
    )
