"""Logs written as one JSON object per line: read as a stream, every line that is not one counted."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from auditor.collect import SourceError, unread
from auditor.collect.log_rows import Log
from auditor.model import State, Text
from auditor.snapshot import digest

MAX_LINE = 1 << 20
"""Longest line, in bytes."""
_BROKEN = Text(en="not a JSON record", fr="ce n’est pas un enregistrement JSON")


def collect(paths: tuple[Path, ...], max_age_days: int, log: Log, take: Callable[[dict[str, Any], str], None]) -> None:
    """Give every object to `take` with its place, then close the log.

    Lines without a member of JSON belong to other logs; one that has some and does not start with a brace lost its beginning.
    """
    files: dict[str, str] = {}
    path = paths[0]
    try:
        for path in paths:
            _read(path, log, take)
            files[path.name] = digest(path)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        state = State.DENIED if isinstance(error, PermissionError) else State.ABSENT
        text = Text(en=f"{path.name} could not be read ({reason})", fr=f"{path.name} n’a pas pu être lu ({reason})")
        if log.last_at is None:
            log.writer.add_coverage(unread(log.tables, log.source, SourceError(text, state=state)))
            return
        log.reasons.append(text)
    log.close(max_age_days)
    log.writer.add_facts(log.source, {"files": files, "unreadable_records": log.unreadable})


def _read(path: Path, log: Log, take: Callable[[dict[str, Any], str], None]) -> None:
    with path.open("rb") as file:
        number = 0
        while line := file.readline(MAX_LINE):
            number += 1
            place = f"{path.name}:{number}"
            if len(line) == MAX_LINE and not line.endswith(b"\n"):
                log.lost(place, _BROKEN)
                while (rest := file.readline(MAX_LINE)) and not rest.endswith(b"\n"):
                    pass
            elif (text := line.strip()).startswith(b"{"):
                found = _parsed(text)
                if found is None:
                    log.lost(place, _BROKEN)
                else:
                    take(found, place)
            elif b'":' in text:
                log.lost(place, _BROKEN)


def _parsed(text: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
