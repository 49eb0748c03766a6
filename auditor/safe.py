"""The guards: nothing that comes from a directory, a file or a log becomes code, formula, terminal sequence or half-written file."""

from __future__ import annotations

import os
import re
import shutil
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def clean(value: str) -> str:
    """Replace lone surrogates, which neither Arrow nor JSON can carry, by U+FFFD."""
    return _SURROGATES.sub("\ufffd", value)


def visible(value: str) -> str:
    """Show control and direction-changing characters as marks such as <U+202E>, so that none acts on a reader's screen."""
    return _CONTROLS.sub(lambda match: f"<U+{ord(match[0]):04X}>", clean(value))


def cell(value: str) -> str:
    """A quoted CSV field that no spreadsheet takes for a formula."""
    shown = visible(value)
    if shown.lstrip(" \u00a0").startswith(_FORMULA):
        shown = "'" + shown
    return '"' + shown.replace('"', '""') + '"'


def private_folder(path: Path) -> Path:
    """Make `path` and any missing parent, readable by its owner alone (0700; on Windows the parent's rights apply)."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def private_write(path: Path, data: str | bytes) -> None:
    """Write `data` to `path` so that a reader sees the old file or the whole new one, readable by its owner alone (0600)."""
    raw = data.encode("utf-8") if isinstance(data, str) else data
    private_folder(path.parent)
    # One fixed temporary name: a killed run leaves at most one file, and the next run overwrites it.
    temporary = path.with_name(path.name + ".partial")
    temporary.unlink(missing_ok=True)
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Make a rename in `path` survive a power cut; Windows has no such call and needs none."""
    if os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Fill a folder beside `path`, then put it in its place at once; on any error `path` stays as it was."""
    private_folder(path.parent)
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


def csv_lines(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A CSV text for spreadsheets: BOM, semicolons, CRLF, every field quoted and harmless."""
    lines = [";".join(cell(value) for value in row) for row in (header, *rows)]
    return "\ufeff" + "\r\n".join(lines) + "\r\n"
