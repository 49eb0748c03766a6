"""The guards: nothing that comes from a directory, a file or a log becomes code, terminal sequence or half-written file."""

from __future__ import annotations

import os
import re
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

_ACTING = (range(0x20), range(0x7F, 0xA0), (0x061C, 0x200E, 0x200F), range(0x2028, 0x202F), range(0x2066, 0x206A), (0xFEFF,))
MARKS = {code: f"<U+{code:04X}>" for codes in _ACTING for code in codes}
"""Characters that control a screen, break a line or change the direction of a text, by code, and what is shown instead."""

_SURROGATES = re.compile("[\ud800-\udfff]")

_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
_CELL_LIMIT = 32_767


def clean(value: str) -> str:
    """Replace lone surrogates, which neither Arrow nor JSON can carry, by U+FFFD."""
    return _SURROGATES.sub("\ufffd", value)


def visible(value: str) -> str:
    """Show control and direction-changing characters as marks such as <U+202E>, so that none acts on a reader's screen."""
    return clean(value).translate(MARKS)


def clipped(value: str, limit: int) -> str:
    """The visible form of a value in at most `limit` characters; an ellipsis says that there was more."""
    # A hostile value may be a megabyte long: no more of it is looked at than can be shown.
    shown = visible(value[: limit + 1])
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def cell(value: str) -> str:
    """A text for a cell of a spreadsheet: never a formula, never a line break, no longer than Excel takes."""
    shown = clipped(value, _CELL_LIMIT - 1)
    return "'" + shown if shown.lstrip().startswith(_FORMULA) else shown


def private_folder(path: Path) -> None:
    """Make `path` and any missing parent, readable by its owner alone (0700; on Windows the parent's rights apply)."""
    # mkdir(parents=True) would give the mode to the last folder only.
    if not path.parent.exists():
        private_folder(path.parent)
    path.mkdir(mode=0o700, exist_ok=True)


def private_write(path: Path, data: str | bytes) -> None:
    """Write `data` to `path` so that a reader sees the old file or the whole new one, readable by its owner alone (0600)."""
    private_writes({path: data})


def private_writes(files: Mapping[Path, str | bytes]) -> None:
    """Write several files as private_write does; on a full disk every one of them stays as it was."""
    # One fixed temporary name each: a killed run leaves at most one file apiece, and the next run overwrites it.
    temporary = {path: path.with_name(path.name + ".partial") for path in files}
    try:
        for path, data in files.items():
            private_folder(path.parent)
            temporary[path].unlink(missing_ok=True)
            handle = os.open(temporary[path], os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(data.encode("utf-8") if isinstance(data, str) else data)
                file.flush()
                os.fsync(file.fileno())
        for path in files:
            temporary[path].replace(path)
    except BaseException:
        for path in temporary.values():
            path.unlink(missing_ok=True)
        raise
    for folder in sorted({path.parent for path in files}):
        sync_folder(folder)


def sync_folder(path: Path) -> None:
    """Make a rename in `path` survive a power cut; Windows has no such call and needs none."""
    if os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def put_back(path: Path) -> None:
    """Where a run was killed between the two renames of whole_folder, what it put aside is the last good folder."""
    old = path.with_name(path.name + ".old")
    if old.exists() and not path.exists():
        old.rename(path)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Fill a folder beside `path`, then put it in its place at once; on any error `path` stays as it was."""
    private_folder(path.parent)
    put_back(path)
    partial, old = path.with_name(path.name + ".partial"), path.with_name(path.name + ".old")
    for leftover in (partial, old):
        shutil.rmtree(leftover, ignore_errors=True)
    partial.mkdir(mode=0o700)
    try:
        yield partial
        if path.exists():
            path.rename(old)
        partial.rename(path)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        if old.exists() and not path.exists():
            old.rename(path)
        raise
    shutil.rmtree(old, ignore_errors=True)
    sync_folder(path.parent)


def readable_by_others(path: Path) -> bool:
    """Whether a secret file may be read by anybody but its owner (always False on Windows, where modes say nothing)."""
    return os.name != "nt" and bool(path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))
