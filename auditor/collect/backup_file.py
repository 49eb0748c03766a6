"""What the readers of backup lists share: one JSON document per file, read whole, and what is said of it.

A file that is not the JSON the software writes is refused in one sentence; a single entry that cannot be read is counted.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn

from auditor import safe
from auditor.collect import SourceError, csv_file, joined, unread
from auditor.config import Borg, Restic
from auditor.errors import os_reason
from auditor.model import State, Text, Value
from auditor.snapshot import Writer, digest

TABLES = ("backup_repository", "backup_job")

MAX_BYTES = 16 << 20
"""Largest file, in bytes: some 30,000 backups. Reading one takes at worst about 500 MiB of memory."""

Entry = Mapping[str, object]
"""A JSON object."""


class Found:
    """What the files of one source held, file by file."""

    def __init__(self) -> None:
        self.repositories: dict[str, dict[str, Value]] = {}
        self.jobs: dict[tuple[str, str], dict[str, Value]] = {}
        self.unreadable = 0
        self.first: Text | None = None

    def refuse(self, path: Path, number: int, problem: Text) -> None:
        """Count an entry that cannot be read; `number` counts from 1 within its file."""
        self.unreadable += 1
        self.first = self.first or Text(
            en=f"{path.name}, entry {number}: {problem.en}", fr=f"{path.name}, élément {number}\u00a0: {problem.fr}"
        )

    @property
    def reasons(self) -> list[Text]:
        """Nothing, or one sentence with the count and the first place."""
        if self.first is None:
            return []
        several = self.unreadable > 1
        return [
            Text(
                en=f"{self.unreadable} entr{'ies' if several else 'y'} could not be read, first {self.first.en}",
                fr=f"{self.unreadable} élément{'s n’ont' if several else ' n’a'} pas pu être lu{'s' if several else ''}, "
                f"d’abord {self.first.fr}",
            )
        ]


def collect(settings: Restic | Borg, writer: Writer, progress: Callable[[str, int], None], read: Callable[[Path, Found], None]) -> None:
    """Fill backup_repository and backup_job from the files of a source; `read` takes one file.

    One file that cannot be read, one unreadable entry or an old export makes both tables partial: what is missing could be the
    backup that somebody looks for. When no file can be read they are absent, or denied when the password was wrong.
    """
    found, errors, facts, times = Found(), list[SourceError](), list[Mapping[str, object]](), list[datetime]()
    for path in settings.paths:
        try:
            read(path, found)
            times.append(settings.received_at or datetime.fromtimestamp(path.stat().st_mtime, UTC).replace(tzinfo=None))
            facts.append({"file": path.name, "sha256": digest(path)})
        except SourceError as error:
            errors.append(error)
        except OSError as error:
            errors.append(_unreadable(path, error))
        progress(settings.name, len(found.jobs))
    if not facts:
        worst = SourceError(joined(error.text for error in errors), state=errors[0].state)
        writer.add_coverage(unread(TABLES, settings.name, worst))
        return
    for repository in found.repositories.values():
        writer.add(TABLES[0], {"source": settings.name, **repository})
    for job in found.jobs.values():
        writer.add(TABLES[1], {"source": settings.name, **job})
    reasons = [*(error.text for error in errors), *found.reasons, *_age(settings, min(times), writer.as_of), *_future(found, writer.as_of)]
    counts = (len(found.repositories), len(found.jobs))
    for table, rows in zip(TABLES, counts, strict=True):
        writer.add_coverage([csv_file.covered(table, settings.name, rows, reasons, min(times))])
    writer.add_facts(settings.name, {"files": facts, "backups": len(found.jobs), "unreadable_entries": found.unreadable})


def _age(settings: Restic | Borg, exported_at: datetime, as_of: datetime) -> list[Text]:
    """An old list says nothing of the backups made since: a system would look late that is not."""
    if as_of - exported_at <= timedelta(days=settings.max_age_days):
        return []
    days = (as_of - exported_at).days
    return [
        Text(
            en=f"the oldest list was exported {days} days before the audit, {settings.max_age_days} are allowed",
            fr=f"la liste la plus ancienne a été exportée {days} jours avant l’audit, {settings.max_age_days} sont admis",
        )
    ]


def _future(found: Found, as_of: datetime) -> list[Text]:
    """A backup dated after the audit proves nothing: the clock of a machine, or the declared zone, is wrong."""
    late = sum(isinstance(job["taken_at"], datetime) and job["taken_at"] > as_of + timedelta(days=1) for job in found.jobs.values())
    if not late:
        return []
    return [
        Text(
            en=f"{late} backup{'s are' if late > 1 else ' is'} dated after the audit: the clock or the declared zone is wrong",
            fr=f"{late} sauvegarde{'s' if late > 1 else ''} de date postérieure à l’audit\u00a0: l’horloge ou le fuseau déclaré est faux",
        )
    ]


def load(path: Path) -> object:
    """The JSON document of a file, in UTF-8, UTF-16 or UTF-32 (Windows PowerShell redirects in UTF-16); SourceError when it is none.

    What the software printed instead of JSON is quoted; denied when it speaks of the password.
    """
    try:
        if not path.is_file():
            raise SourceError(Text(en=f"{path.name} does not exist", fr=f"{path.name} n’existe pas"))
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise _unreadable(path, error) from error
    if len(raw) > MAX_BYTES:
        raise SourceError(
            Text(
                en=f"{path.name} is larger than {MAX_BYTES >> 20} MiB; export the latest backups only (restic --latest, borg --last)",
                fr=f"{path.name} dépasse {MAX_BYTES >> 20} Mio ; n’exporter que les dernières sauvegardes (restic --latest, borg --last)",
            )
        )
    text = raw.decode(json.detect_encoding(raw), errors="replace")
    if not text.strip("\0 \r\n\t"):
        raise SourceError(
            Text(
                en=f"{path.name} is empty: the export failed, often for a wrong password",
                fr=f"{path.name} est vide : l’export a échoué, souvent à cause d’un mauvais mot de passe",
            )
        )
    try:
        document = json.loads(text, parse_constant=_no_constant, object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        if text.lstrip("\ufeff \r\n\t").startswith(("[", "{")):
            raise SourceError(
                Text(
                    en=f"{path.name} holds damaged JSON, perhaps cut short; export it again",
                    fr=f"{path.name} contient du JSON abîmé, peut-être coupé\u00a0; l’exporter de nouveau",
                )
            ) from error
        raise _not_json(path, text) from error
    if isinstance(document, dict) and document.get("message_type") == "exit_error":
        raise _not_json(path, str(document.get("message", "")))
    return document


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """A JSON object in which every key stands once: two entries that damage ran together would read as one."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _not_json(path: Path, text: str) -> SourceError:
    first = safe.visible(next(iter(text.strip().splitlines()), "").strip()[:120])
    denied = any(word in text[:2000].lower() for word in ("password", "passphrase"))
    return SourceError(
        Text(
            en=f"{path.name} is not the JSON of a list of backups: it begins with “{first}”",
            fr=f"{path.name} n’est pas le JSON d’une liste de sauvegardes : il commence par « {first} »",
        ),
        state=State.DENIED if denied else State.ABSENT,
    )


def other_shape(path: Path, expected: str) -> SourceError:
    """The refusal of a JSON document that `expected`, a command, does not write."""
    return SourceError(
        Text(en=f"{path.name} is not what `{expected}` writes", fr=f"{path.name} n’est pas ce qu’écrit `{expected}`"),
    )


def _unreadable(path: Path, error: OSError) -> SourceError:
    reason = os_reason(error)
    state = State.DENIED if isinstance(error, PermissionError) else State.ABSENT
    text = Text(en=f"{path.name} could not be read ({reason.en})", fr=f"{path.name} n’a pas pu être lu ({reason.fr})")
    return SourceError(text, state=state)


def text(entry: Entry, key: str) -> str:
    """A text of a JSON object, harmless for Arrow; empty when it is not there. ValueError(key) when it is not text."""
    value = entry.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(key)  # noqa: TRY004 - one kind of error for an entry that cannot be read
    return safe.clean(value)


def lines(entry: Entry, key: str) -> str:
    """A list of texts of a JSON object, one a line; empty when it is not there. ValueError(key) when it is anything else."""
    value = entry.get(key)
    if value is None:
        return ""
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError(key)
    return "\n".join(safe.clean(item).replace("\n", "\ufffd") for item in value)


def moment(entry: Entry, key: str) -> datetime:
    """An ISO 8601 time of a JSON object, with its zone or without one; ValueError(key) when there is none."""
    value = entry.get(key)
    if not isinstance(value, str):
        raise ValueError(key)  # noqa: TRY004 - as in `text`
    try:
        return datetime.fromisoformat(value)
    except ValueError as error:
        raise ValueError(key) from error


def utc(value: datetime, key: str) -> datetime:
    """A time that has a zone in UTC without it; ValueError(key) when it has none or leaves the calendar."""
    try:
        if value.tzinfo is None:
            raise ValueError(key)
        return value.astimezone(UTC).replace(tzinfo=None)
    except OverflowError as error:
        raise ValueError(key) from error


def bad_key(key: str) -> Text:
    """What is wrong with an entry whose `key` is missing or of another form."""
    return Text(en=f"“{key}” is missing or cannot be read", fr=f"« {key} » manque ou ne peut pas être lu")
