"""Logs written as one JSON object per line: read as a stream, every line that is not one counted."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from auditor.collect import SourceError, log_file
from auditor.collect.log_rows import Log
from auditor.errors import os_reason
from auditor.model import State, Text
from auditor.snapshot import digest

MAX_LINE = 1 << 20
"""Longest line, in bytes."""
_AS_UTF8 = Text(en="save it as UTF-8", fr="enregistrez-le en UTF-8")
_BROKEN = Text(en="not a JSON record", fr="ce n’est pas un enregistrement JSON")


def collect(paths: tuple[Path, ...], max_age_days: int, log: Log, take: Callable[[dict[str, Any], str, bytes], None]) -> None:
    """Give every object to `take` with its place and its line, then close the log.

    Lines without a member of JSON belong to other logs; one that has some and does not start with a brace lost its beginning.
    """
    files: dict[str, str] = {}
    path, problem = paths[0], None
    try:
        for path in paths:
            log_file.check(path, utf16=_AS_UTF8)
            _read(path, log, take)
            files[path.name] = digest(path)
    except SourceError as error:
        problem = error
    except OSError as error:
        reason = os_reason(error)
        text = Text(en=f"{path.name} could not be read ({reason.en})", fr=f"{path.name} n’a pas pu être lu ({reason.fr})")
        problem = SourceError(text, state=State.DENIED if isinstance(error, PermissionError) else State.ABSENT)
    if problem:
        if not log.has_records:
            log.unread(problem)
            return
        log.reasons.append(problem.text)
    log.close(max_age_days)
    log.writer.add_facts(log.source, {"files": files, "unreadable_records": log.unreadable, "repeated_records": log.seen.repeated})


def _read(path: Path, log: Log, take: Callable[[dict[str, Any], str, bytes], None]) -> None:
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
                    take(found, place, text)
            elif b'":' in text:
                log.lost(place, _BROKEN)


def _parsed(text: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
