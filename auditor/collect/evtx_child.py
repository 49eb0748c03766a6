"""The child process that reads one EVTX file: it has limits, and what hangs or kills it stays in it.

Started by `auditor.collect.evtx` only. The request is one JSON object on stdin; the answers are JSON lines on stdout: {"event": …} for each
wanted record, at the end {"end": …} with what was read and what was lost.
The parser alone does not notice zeroed or cut parts, so the file is checked beside it: checksums of every 64 KiB chunk, the number of
chunks and the next record number in the header (layout: Microsoft, MS-EVEN6; libevtx documentation).
"""

from __future__ import annotations

import json
import re
import struct
import sys
import zlib
from collections import defaultdict
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from auditor.collect.windows_events import WANTED, instant

_HEADER, _CHUNK = 4096, 65536
_EVENT_ID = re.compile(r'"EventID":(?:\{[^{}]*(?:\{[^{}]*\})?[^{}]*"#text":)?"?(\d{1,9})')
_TIME = re.compile(r'"SystemTime":"([^"]{10,40})"')
_COMPUTER = re.compile(r'"Computer":"((?:[^"\\]|\\.){1,256})"')
_OVERHEAD = 256
_BLOCK = 1024
_NO_RECORD = 2**64 - 1


def main() -> None:
    """Answer the request on stdin and end."""
    request = json.load(sys.stdin.buffer)
    _limit(int(request["memory_mb"]), int(request["seconds"]))
    path = Path(request["path"])
    try:
        _say({"end": _read(path)})
    except (RuntimeError, OSError, ValueError) as error:
        _say({"error": str(error)[:200] or type(error).__name__})


def _say(answer: dict[str, Any]) -> None:
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n")


def _limit(memory_mb: int, seconds: int) -> None:
    """Bound memory, processor time and core dumps where the system can (not on Windows, where the parent's clock remains)."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, ((memory_mb + _OVERHEAD) << 20,) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _read(path: Path) -> dict[str, Any]:
    from evtx import PyEvtxParser

    with path.open("rb") as file:
        damaged, first, last = _check(file)
    read = found = undecoded = incomplete = 0
    numbers: dict[int, int] = defaultdict(int)
    hours: dict[tuple[str, str], list[Any]] = {}
    # One thread: order of the file, and no memory beyond one chunk.
    records = PyEvtxParser(str(path), number_of_threads=1).records_json()
    while True:
        try:
            record = next(records)
        except StopIteration:
            break
        except RuntimeError:
            undecoded += 1
            continue
        if record is None:
            continue
        number, data = record["event_record_id"], record["data"]
        read += 1
        # A chunk may stand twice in a file, in the place of another: records count once, and only those that must be there.
        block, bit = divmod(number, _BLOCK)
        if first <= number <= last and not numbers[block] >> bit & 1:
            numbers[block] |= 1 << bit
            found += 1
        if not _answer(data, hours):
            incomplete += 1
    return {
        "read": read,
        "unreadable": undecoded + incomplete,
        # A record that could not be decoded is not among those found either: it is not told twice.
        "missing": max(last - first + 1 - found - undecoded, 0),
        "damaged": damaged,
        "hours": [[computer, *values] for (computer, _), values in sorted(hours.items())],
    }


def _answer(data: str, hours: dict[tuple[str, str], list[Any]]) -> bool:
    """Count the record's hour and pass it on when it is wanted; False when it has no time, no machine or no content."""
    time, computer, event = _TIME.search(data), _COMPUTER.search(data), _EVENT_ID.search(data)
    at = instant(time[1]) if time else None
    if at is None or computer is None or event is None:
        return False
    text = at.isoformat()
    counted = hours.setdefault((computer[1], text[:13]), [text, text, 0])
    counted[0], counted[1], counted[2] = min(counted[0], text), max(counted[1], text), counted[2] + 1
    if int(event[1]) in WANTED:
        try:
            _say({"event": _event(json.loads(data)["Event"], at)})
        except (ValueError, KeyError, TypeError, RecursionError):
            return False
    return True


def _event(event: dict[str, Any], at: datetime) -> dict[str, Any]:
    system = event["System"]
    number = system["EventID"]
    data = event.get("EventData")
    if data is None:
        # Events of the log service itself keep their fields one level down.
        (data,) = event["UserData"].values()
    return {
        "id": int(number["#text"] if isinstance(number, dict) else number),
        "provider": str(system["Provider"]["#attributes"]["Name"]),
        "channel": str(system["Channel"]),
        "computer": str(system["Computer"]),
        "at": at.isoformat(),
        "record": int(system["EventRecordID"]),
        "data": {str(name): value for name, value in data.items() if isinstance(value, (str, int))},
    }


def _check(file: BinaryIO) -> tuple[int, int, int]:
    """Chunks that are missing or whose checksum is wrong, and the first and last record number by what is whole (1 and 0 if nothing is)."""
    header = file.read(_HEADER)
    if len(header) < _HEADER or not header.startswith(b"ElfFile\0"):
        raise ValueError("this is not an EVTX file")
    damaged = int(zlib.crc32(header[:120]) != struct.unpack_from("<I", header, 124)[0])
    (next_id,) = struct.unpack_from("<Q", header, 24)
    (chunks,) = struct.unpack_from("<H", header, 42)
    # The header of a log that was copied while it was written to is older than its chunks.
    is_open = bool(struct.unpack_from("<I", header, 120)[0] & 1)
    numbers = [next_id - 1] if next_id > 1 and not damaged and not is_open else []
    seen = 0
    starts: set[int] = set()
    while chunk := file.read(_CHUNK):
        if not chunk.startswith(b"ElfChnk\0"):
            # Space after the last chunk was never written to; anything else is damage.
            damaged += int(any(chunk))
            continue
        seen += 1
        if len(chunk) == _CHUNK and _is_whole(chunk):
            start, stop = struct.unpack_from("<QQ", chunk, 24)
            # A chunk without records ends at the largest number there is; two with the same records cannot both be in their place.
            numbers += (start, stop) if start <= stop < _NO_RECORD else ()
            damaged += int(start in starts)
            starts.add(start)
        else:
            damaged += 1
    damaged += max(chunks - seen, 0)
    return damaged, min(numbers, default=1), max(numbers, default=0)


def _is_whole(chunk: bytes) -> bool:
    end, records_sum = struct.unpack_from("<II", chunk, 48)
    (header_sum,) = struct.unpack_from("<I", chunk, 124)
    return bool(
        512 <= end <= _CHUNK and zlib.crc32(chunk[512:end]) == records_sum and zlib.crc32(chunk[:120] + chunk[128:512]) == header_sum
    )
