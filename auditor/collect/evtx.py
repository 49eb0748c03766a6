"""Windows event logs (.evtx) of domain controllers and members.

Each file is read in a child process that is killed when it lasts: damaged files can make the parser run for ever. A record that could
not be read, a gap in the record numbers, a damaged chunk or a killed child makes the source partial, with counts.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from auditor.collect import SourceError, log_file, unread
from auditor.collect import windows_events as windows
from auditor.collect.log_rows import Log, machine
from auditor.config_sign_ins import Evtx
from auditor.errors import os_reason
from auditor.model import State, Text
from auditor.snapshot import Writer, digest

_TABLES = ("sign_in", "directory_change", "event_coverage")
_START = "import sys; sys.path.insert(0, sys.argv[1]); from auditor.collect import evtx_child; evtx_child.main()"
_START_SECONDS, _SECONDS_PER_MIB = 20, 5
_MAX_LINE = 1 << 22
_BLOCK = 8192
_AS_EVTX = Text(en="export the log as an event file (.evtx)", fr="exportez le journal comme fichier d’événements (.evtx)")


class _Seen:
    """Record numbers already taken, by machine and log: exports overlap. One bit each, in blocks."""

    def __init__(self) -> None:
        self._blocks: dict[tuple[str, str, int], bytearray] = defaultdict(lambda: bytearray(_BLOCK // 8))
        self.repeated = 0

    def take(self, record: windows.Record) -> bool:
        """Whether the record is new."""
        block, place = divmod(record.record_id, _BLOCK)
        bits = self._blocks[record.computer.lower(), record.channel, block]
        mask = 1 << (place & 7)
        if bits[place >> 3] & mask:
            self.repeated += 1
            return False
        bits[place >> 3] |= mask
        return True


def collect(settings: Evtx, writer: Writer, progress: Callable[[str, int], None]) -> None:
    """Fill sign_in, directory_change and event_coverage from every file; what was lost makes them partial."""
    log = Log(settings.name, writer, progress, _TABLES, "windows")
    seen = _Seen()
    files: dict[str, str] = {}
    try:
        paths = _files(settings.paths)
        for path in paths:
            # A file name may stand in two folders.
            files["/".join(path.parts[-2:])] = digest(path)
    except SourceError as error:
        writer.add_coverage(unread(_TABLES, settings.name, error))
        return
    except OSError as error:
        state = State.DENIED if isinstance(error, PermissionError) else State.ABSENT
        writer.add_coverage(unread(_TABLES, settings.name, SourceError(_unopened(path, error), state=state)))
        return
    for path in paths:
        _read(path, settings.memory_mb, log, seen)
    log.close(settings.max_age_days)
    writer.add_facts(settings.name, {"files": files, "unreadable_records": log.unreadable, "repeated_records": seen.repeated})


def _unopened(path: Path, error: OSError) -> Text:
    reason = os_reason(error)
    return Text(en=f"{path.name} could not be read ({reason.en})", fr=f"{path.name} n’a pas pu être lu ({reason.fr})")


def _files(paths: tuple[Path, ...]) -> list[Path]:
    found: list[Path] = []
    for path in paths:
        inside = sorted(file for file in path.rglob("*") if file.suffix.lower() == ".evtx") if path.is_dir() else [path]
        if not inside:
            raise SourceError(Text(en=f"{path.name} holds no .evtx file", fr=f"{path.name} ne contient aucun fichier .evtx"))
        found += inside
    return found


def _read(path: Path, memory_mb: int, log: Log, seen: _Seen) -> None:
    try:
        log_file.check(path, utf16=_AS_EVTX)
    except SourceError as error:
        log.reasons.append(error.text)
        return
    seconds = _START_SECONDS + _SECONDS_PER_MIB * (path.stat().st_size >> 20)
    request = json.dumps({"path": str(path), "memory_mb": memory_mb, "seconds": seconds}).encode()
    end: Mapping[str, Any] | None = None
    with _started(request, seconds) as answers:
        while line := answers.readline(_MAX_LINE):
            answer = _parsed(line)
            if "event" in answer:
                _take(answer["event"], log, seen)
            elif "error" in answer:
                log.lost(path.name, Text(en=f"the file is damaged ({answer['error']})", fr=f"le fichier est abîmé ({answer['error']})"))
                return
            elif "end" in answer:
                end = answer["end"]
    if end is None:
        log.lost(path.name, Text(en=f"reading stopped before the end ({seconds} s)", fr=f"lecture arrêtée avant la fin ({seconds} s)"))
        return
    for computer, first, last, records in end["hours"]:
        log.received(machine(computer), datetime.fromisoformat(first), datetime.fromisoformat(last), records)
    if end["unreadable"]:
        log.lost(path.name, Text(en="damaged records", fr="enregistrements abîmés"), end["unreadable"])
    if end["missing"]:
        log.lost(path.name, Text(en="gap in the record numbers", fr="trou dans les numéros d’enregistrement"), end["missing"])
    if end["damaged"]:
        text = Text(en=f"{end['damaged']} parts of the file are damaged", fr=f"{end['damaged']} parties du fichier sont abîmées")
        log.lost(path.name, text, 0 if end["unreadable"] or end["missing"] else 1)


def _parsed(line: bytes) -> Mapping[str, Any]:
    try:
        answer = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _take(event: Mapping[str, Any], log: Log, seen: _Seen) -> None:
    at = datetime.fromisoformat(event["at"])
    record = windows.Record(event["id"], event["provider"], event["channel"], event["computer"], at, event["record"], event["data"])
    if not seen.take(record):
        return
    found = windows.row(record)
    if found:
        log.add(*found)


@contextmanager
def _started(request: bytes, seconds: int) -> Iterator[IO[bytes]]:
    """The child's answers; it is killed when it lasts longer than `seconds`, or when the block ends."""
    root = str(Path(__file__).resolve().parents[2])
    # A secret that audit.yaml takes from a variable is none of its business.
    kept = {name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ}
    command = [sys.executable, "-I", "-c", _START, root]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=kept)
    clock = threading.Timer(seconds, process.kill)
    clock.daemon = True
    clock.start()
    try:
        if process.stdin is None or process.stdout is None:
            raise ValueError("a child without pipes")
        try:
            with process.stdin as pipe:
                pipe.write(request)
        except OSError:
            pass  # the child died at once: its empty answer says so
        yield process.stdout
    finally:
        clock.cancel()
        process.kill()
        if process.stdout:
            process.stdout.close()
        process.wait()
