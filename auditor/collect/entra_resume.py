"""Days of sign-ins that an interrupted collection had read to their end: the next one within a day takes them from here.

A month of sign-ins takes long at the pace that Graph allows. Kept beside the snapshot, private, and only whole days that were over long
enough for Graph to have received the last of their records; gone as soon as a collection reads everything.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Sized
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from auditor import safe
from auditor.collect.entra_graph import Item

_SETTLED = timedelta(hours=6)
"""How long after the end of a day its records may still come in."""
_EXPIRES = 24 * 3600


def now() -> datetime:
    """The present, in UTC: whether a day is over has nothing to do with the instant the audit speaks of."""
    return datetime.now(UTC).replace(tzinfo=None)


class Kept:
    """The days kept in `folder` (None: nothing is kept) for what `asked` names: server, tenant and question. `hide` takes out of a record
    what may not be kept."""

    def __init__(self, folder: Path | None, asked: str, hide: Callable[[Item], Item]) -> None:
        self._folder = folder
        self._asked = asked
        self._hide = hide
        self._files: list[Path] = []
        self.resumed = 0
        if folder and folder.exists():
            for file in folder.iterdir():
                if file.suffix != ".day" or not 0 <= time.time() - file.stat().st_mtime < _EXPIRES:
                    file.unlink()

    def day(self, start: datetime, end: datetime, read: Iterator[Item], gaps: Sized) -> Iterator[Item]:
        """The records from `start` to `end`: those kept, else those of `read`, kept in their turn unless it adds to `gaps`."""
        if not self._folder or end - start != timedelta(days=1) or end + _SETTLED > now():
            yield from read
            return
        file = self._folder / f"{sha256(f'{self._asked} {start}'.encode()).hexdigest()[:32]}.day"
        self._files.append(file)
        if _complete(file):
            self.resumed += 1
            with file.open(encoding="ascii") as lines:
                yield from (item for line in lines if isinstance(item := json.loads(line), dict))
            return
        safe.private_folder(self._folder)
        part, before, count = file.with_suffix(".part"), len(gaps), 0
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as lines:
            for item in read:
                lines.write(json.dumps(self._hide(item)) + "\n")
                count += 1
                yield item
            lines.write(f"{count}\n")
            lines.flush()
            os.fsync(lines.fileno())
        if len(gaps) == before:
            part.replace(file)

    def clear(self) -> None:
        """Everything was read: nothing is left to resume, unless another tenant is kept here too."""
        for file in self._files:
            file.unlink(missing_ok=True)
        if self._files and self._folder and not any(self._folder.iterdir()):
            self._folder.rmdir()


def _complete(file: Path) -> bool:
    """Whether a kept day has as many records as the number in its last line."""
    number, line = 0, ""
    try:
        with file.open(encoding="ascii") as lines:
            for number, line in enumerate(lines):  # noqa: B007 - the last ones are used below
                pass
    except (OSError, UnicodeDecodeError):
        return False
    return line == f"{number}\n"
