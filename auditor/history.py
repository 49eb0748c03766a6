"""The memory between runs: history.sqlite in the output folder, private, one transaction per run.

It keeps what the comparison of two runs needs: verdicts, findings (rule, stable id, severity and the name last shown, so that a finding
that is gone can still be named), counts of rows, and nothing else of a person; what is older than the retention is erased. An instant has
one run: recording a run of the same instant replaces the earlier one. Write-ahead log and full synchronisation: a run that was
acknowledged survives a kill, one that was not leaves no trace (https://www.sqlite.org/wal.html).
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

from auditor import comparison, facts, safe
from auditor.comparison import Judged, Known, Record
from auditor.config import Audit
from auditor.errors import ConfigError, HistoryError
from auditor.model import Coverage, Gone, Point, Run, Severity, State, Text, Verdict
from auditor.snapshot import Snapshot
from auditor.tables import COLLECTED

NAME = "history.sqlite"
VERSION = 1
LEAST_LOSS = 10
"""Fewer lost rows never count: a small table changes by whole per cents when one person leaves."""

_SCHEMA = """
create table run (
    number integer primary key, id text not null, as_of text not null unique, version text not null, snapshot_sha256 text not null,
    rules_sha256 text not null, model text not null, grade text not null, critical integer not null, high integer not null,
    medium integer not null, low integer not null, r1 real, r2 real, r3 real, r4 real, r5 real
);
create table verdict (
    run integer not null references run on delete cascade, rule text not null, verdict text not null, at_least integer not null,
    in_full integer not null, findings integer, primary key (run, rule)
) without rowid;
create table finding (
    number integer primary key, fingerprint text not null unique, rule text not null, resource text not null, name text not null,
    first_seen text not null
);
create table seen (
    run integer not null references run on delete cascade, finding integer not null, severity text not null, primary key (run, finding)
) without rowid;
create table delivered (
    run integer not null references run on delete cascade, source text not null, table_name text not null, rows integer not null,
    whole integer not null, primary key (run, source, table_name)
) without rowid;
create table waiver (
    run integer not null references run on delete cascade, id text not null, primary key (run, id)
) without rowid;
"""
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class History:
    """What earlier runs left behind. Runs count as earlier by the instant they speak of, so that a run made again compares the same."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def without_losses(self, snapshot: Snapshot, settings: Audit, accepted: tuple[str, ...]) -> Snapshot:
        """The snapshot in which a table that lost more of its rows than `memory.max_drop_percent` since the last run that had it whole is
        partial: a cut export would otherwise look like a cleaner directory. Tables of events rise and fall by themselves and are left
        alone; so is a source in `accepted`, now and when the same snapshot is judged again."""
        if unknown := sorted(set(accepted) - {entry.source for entry in snapshot.coverage}):
            raise ConfigError(
                f"--accept-drop {unknown[0]}: no source of audit.yaml has this name.",
                fr=f"--accept-drop {unknown[0]}\u00a0: aucune source d’audit.yaml ne porte ce nom.",
            )
        as_of = settings.as_of or snapshot.as_of
        before = self._whole(as_of)
        known = self._accepted(snapshot.sha256)

        def checked(entry: Coverage) -> Coverage:
            key = (entry.source, entry.table)
            if entry.state is not State.COMPLETE or entry.source in accepted or key in known or key not in before:
                return entry
            rows, seen_at = before[key]
            lost = rows - entry.rows
            if COLLECTED[entry.table].events or lost < LEAST_LOSS or 100 * lost <= settings.memory.max_drop_percent * rows:
                return entry
            return replace(entry, state=State.PARTIAL, reason=_loss(entry, rows, seen_at), cure=_cure(entry.source))

        return replace(snapshot, coverage=tuple(checked(entry) for entry in snapshot.coverage))

    def _whole(self, as_of: datetime) -> Mapping[tuple[str, str], tuple[int, datetime]]:
        """(source, table) -> rows in the last earlier run that had them whole, and its instant."""
        query = (
            "select source, table_name, rows, max(as_of) from delivered join run on run.number = run "
            "where whole and as_of < ? group by source, table_name"
        )
        rows = self._database.execute(query, (as_of.isoformat(),))
        return {(source, table): (count, datetime.fromisoformat(at)) for source, table, count, at in rows}

    def _accepted(self, snapshot_sha256: str) -> frozenset[tuple[str, str]]:
        """(source, table) that a recorded run of the same snapshot counted as whole."""
        query = "select source, table_name from delivered join run on run.number = run where whole and snapshot_sha256 = ?"
        return frozenset(self._database.execute(query, (snapshot_sha256,)))

    def waivers_before(self, as_of: datetime) -> frozenset[str]:
        """Ids of the waivers that the last run before `as_of` knew."""
        query = "select id from waiver where run = (select number from run where as_of < ? order by as_of desc limit 1)"
        return frozenset(name for (name,) in self._database.execute(query, (as_of.isoformat(),)))

    def compared(self, run: Run, baseline: str, *, partial: bool = False) -> Run:
        """The run with what changed since the baseline: `last` is the last run that speaks of an earlier instant, anything else a
        report.json, empty compares with nothing. The trend ends with this run; a `partial` one (some rules only) has none of its own."""
        before = self._latest(run.as_of) if baseline == "last" else comparison.read(Path(baseline)) if baseline else None
        if before and before.pseudonyms:
            raise ConfigError(
                f"{baseline} holds pseudonyms, which fit no real run; give a report.json written with --no-redact.",
                fr=f"{baseline} contient des pseudonymes, étrangers à tout audit réel\u00a0; donnez un report.json écrit avec --no-redact.",
            )
        if before:
            run = comparison.compared(run, before, partial=partial)
        return run if partial else replace(run, trend=self._trend(run))

    def record(self, run: Run, settings: Audit) -> None:
        """Remember a run in one transaction, in place of one of the same id or instant, and erase what is older than the retention."""
        record, counted = comparison.of(run), facts.of(run)
        run_row = (
            run.id, run.as_of.isoformat(), run.version, run.snapshot_sha256, run.rules_sha256, record.model, record.grade,
            *(counted.found(severity) for severity in Severity), *record.ratios,
        )  # fmt: skip
        with _transaction(self._database) as write:
            write.execute("delete from run where id = ? or as_of = ?", run_row[:2])
            number = write.execute(
                f"insert into run values (null, {', '.join('?' * len(run_row))})",  # noqa: S608 - question marks
                run_row,
            ).lastrowid
            write.executemany(
                "insert into verdict values (?, ?, ?, ?, ?, ?)",
                (
                    (number, rule, judged.verdict, judged.at_least, judged.in_full, judged.count)
                    for rule, judged in sorted(record.judged.items())
                ),
            )
            for known in record.known.values():
                finding, first_seen = known.finding, known.first_seen.isoformat()
                write.execute(
                    "insert into finding (fingerprint, rule, resource, name, first_seen) values (?, ?, ?, ?, ?) on conflict (fingerprint) "
                    "do update set name = excluded.name, first_seen = min(first_seen, excluded.first_seen)",
                    (finding.fingerprint, finding.rule, safe.clean(finding.resource), safe.clean(finding.name), first_seen),
                )
                write.execute(
                    "insert into seen select ?, number, ? from finding where fingerprint = ?",
                    (number, finding.severity, finding.fingerprint),
                )
            write.executemany(
                "insert into delivered values (?, ?, ?, ?, ?)",
                (
                    (number, entry.source, entry.table, entry.rows, entry.state is State.COMPLETE)
                    for entry in run.coverage if entry.table in COLLECTED and entry.source
                ),
            )  # fmt: skip
            write.executemany("insert into waiver values (?, ?)", ((number, use.waiver.id) for use in run.waivers))
            # Counted from the last run but one: a single run with a wrong clock erases nothing.
            before_last = write.execute("select as_of from run order by as_of desc limit 1 offset 1").fetchone()
            if before_last:
                oldest = datetime.fromisoformat(before_last[0]) - timedelta(days=settings.memory.retention_days)
                write.execute("delete from run where as_of < ?", (oldest.isoformat(),))
            write.execute("delete from finding where number not in (select finding from seen)")

    def find(self, name: str) -> Record:
        """A recorded run by its id, its day (2026-01-31), or `last` and `previous`; ConfigError when there is none."""
        order = {"last": 0, "previous": 1}.get(name)
        if order is not None:
            found = self._database.execute("select as_of from run order by as_of desc limit 1 offset ?", (order,)).fetchone()
        else:
            query = "select as_of from run where id = ? or as_of like ? || '%' order by as_of desc limit 1"
            found = self._database.execute(query, (name, _day(name))).fetchone()
        if not found:
            known = ", ".join(f"{at[:10]} ({run_id})" for run_id, at in self._runs(3)) or "–"
            raise ConfigError(
                f"{name}: no such run in the history; the last ones: {known}.",
                fr=f"{name}\u00a0: aucun audit de ce nom dans l’historique\u00a0; les derniers\u00a0: {known}.",
            )
        return self._record(found[0])

    def _runs(self, count: int) -> list[tuple[str, str]]:
        return self._database.execute("select id, as_of from run order by as_of desc limit ?", (count,)).fetchall()

    def _latest(self, before: datetime) -> Record | None:
        """The last run that speaks of an earlier instant."""
        query = "select as_of from run where as_of < ? order by as_of desc limit 1"
        found = self._database.execute(query, (before.isoformat(),)).fetchone()
        return self._record(found[0]) if found else None

    def _record(self, at: str) -> Record:
        """Everything known at the end of the run of that instant."""
        number, run_id, rules_sha256, model, grade, *ratios = self._database.execute(
            "select number, id, rules_sha256, model, grade, r1, r2, r3, r4, r5 from run where as_of = ?", (at,)
        ).fetchone()
        verdicts = self._database.execute("select rule, verdict, at_least, findings from verdict where run = ?", (number,))
        judged = {rule: Judged(Verdict(verdict), bool(at_least), count) for rule, verdict, at_least, count in verdicts}
        query = "select rule, max(as_of) from verdict join run on run.number = run where in_full and as_of <= ? group by rule"
        in_full = dict(self._database.execute(query, (at,)))
        known: dict[str, Known] = {}
        ended: dict[str, datetime] = {}
        # SQLite takes the other columns of a group from the row that holds its maximum.
        rows = self._database.execute(
            "select fingerprint, rule, resource, name, first_seen, severity, max(as_of) from seen join run on run.number = seen.run "
            "join finding on finding.number = seen.finding where as_of <= ? group by finding.number",
            (at,),
        )
        for fingerprint, rule, resource, name, first_seen, severity, last_seen in rows:
            first = datetime.fromisoformat(first_seen)
            if in_full.get(rule, "") > last_seen:
                ended[fingerprint] = first
            else:
                gone = Gone(rule, resource, fingerprint, name, Severity(severity))
                known[fingerprint] = Known(gone, first, datetime.fromisoformat(last_seen))
        return Record(run_id, datetime.fromisoformat(at), rules_sha256, model, grade, tuple(ratios), judged, known, ended)

    def _trend(self, run: Run) -> tuple[Point, ...]:
        """Every earlier run and this one, oldest first."""
        rows = self._database.execute(
            "select number, id, as_of, model, grade, critical, high, medium, low, r1, r2, r3, r4, r5 from run where as_of < ? "
            "order by as_of",
            (run.as_of.isoformat(),),
        ).fetchall()
        counts: dict[int, dict[str, int]] = {number: {} for number, *_ in rows}
        for number, rule, count in self._database.execute("select run, rule, findings from verdict where findings is not null"):
            if number in counts:
                counts[number][rule] = count
        points = [
            Point(run_id, datetime.fromisoformat(at), model, grade, dict(zip(Severity, figures[:4], strict=True)), tuple(figures[4:]))
            for _, run_id, at, model, grade, *figures in rows
        ]
        this, counted = comparison.of(run), facts.of(run)
        found = {severity: counted.found(severity) for severity in Severity}
        points.append(Point(run.id, run.as_of, this.model, this.grade, found, this.ratios))
        figures_of = [*counts.values(), {rule: judged.count for rule, judged in this.judged.items() if judged.count is not None}]
        events = [("", 0), *(_event(before, after) for before, after in pairwise(figures_of))]
        return tuple(replace(point, event_rule=rule, event_change=change) for point, (rule, change) in zip(points, events, strict=True))


def _event(before: Mapping[str, int], after: Mapping[str, int]) -> tuple[str, int]:
    """The rule whose findings changed most among those that ran both times, and by how many; none when nothing changed."""
    changes = [(rule, after[rule] - before[rule]) for rule in sorted(before.keys() & after.keys())]
    rule, change = max(changes, key=lambda pair: abs(pair[1]), default=("", 0))
    return (rule, change) if change else ("", 0)


def _loss(entry: Coverage, before: int, seen_at: datetime) -> Text:
    return Text(
        en=f"{entry.rows} rows were read, {before} in the audit of {seen_at:%Y-%m-%d}: the export may be cut short",
        fr=f"{entry.rows} lignes lues, {before} lors de l’audit du {seen_at:%d/%m/%Y} : l’export est peut-être tronqué",
    )


def _cure(source: str) -> Text:
    return Text(
        en=f"Check the export of {source}; if the loss is intended, run the audit once with --accept-drop {source}.",
        fr=f"Vérifier l’export de {source} ; si la baisse est voulue, lancer une fois l’audit avec --accept-drop {source}.",
    )


def _day(name: str) -> str:
    """The date a person wrote, `-` (which no instant starts with) when it is none: % and _ would match anything."""
    try:
        return datetime.fromisoformat(name).date().isoformat()
    except ValueError:
        return "-"


@contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    database.execute("begin immediate")
    try:
        yield database
    except BaseException:
        database.execute("rollback")
        raise
    database.execute("commit")


@contextmanager
def opened(folder: Path) -> Iterator[History]:
    """The history of an output folder, made when there is none. A file that is damaged, of a newer version or not a history is a
    HistoryError and stays as it is."""
    path = folder / NAME
    safe.private_folder(folder)
    # Made by us, so that nobody else can read it from the start; SQLite gives its companion files the same rights.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    database = sqlite3.connect(path, timeout=30, isolation_level=None)
    try:
        _prepare(database, path)
        yield History(database)
    except sqlite3.DatabaseError as error:
        raise _unusable(path, error) from error
    finally:
        database.close()


def _prepare(database: sqlite3.Connection, path: Path) -> None:
    for setting in ("journal_mode = wal", "synchronous = full", "foreign_keys = on", "secure_delete = on"):
        database.execute(f"pragma {setting}")
    with _transaction(database) as write:
        (version,) = write.execute("pragma user_version").fetchone()
        (tables,) = write.execute("select count(*) from sqlite_schema").fetchone()
        if version == 0 and not tables:
            for statement in _SCHEMA.split(";"):
                write.execute(statement)
            write.execute(f"pragma user_version = {VERSION}")
        elif version != VERSION:
            raise HistoryError(
                f"{path} was written by another version of this program ({version}); update it, or move the file away to start anew.",
                fr=f"{path} vient d’une autre version de ce programme ({version})\u00a0; mettez-le à jour, ou déplacez le fichier "
                "pour repartir de zéro.",
            )


def _unusable(path: Path, error: sqlite3.DatabaseError) -> HistoryError:
    if getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED:
        return HistoryError(
            f"{path} is damaged; restore it from a backup, or move it away to start a new history.",
            fr=f"{path} est endommagé\u00a0; restaurez-le depuis une sauvegarde, ou déplacez-le pour commencer un nouvel historique.",
        )
    return HistoryError(
        f"{path}: {error}; free some space, correct the rights, or wait for the end of another audit.",
        fr=f"{path}\u00a0: {error}\u00a0; libérez de la place, corrigez les droits, ou attendez la fin d’un autre audit.",
    )
