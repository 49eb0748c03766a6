"""The child process of a rule pack: it has limits, a read-only database and nothing else; it reads one request and answers line by line.

Started by `auditor.engine.packs` only. The request is one JSON object on stdin; the answers are JSON lines on stdout: an empty object when
ready, then for each rule its outcome or why there is none. What kills this process stays in it.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from auditor.engine.duckdb import Engine
from auditor.engine.outcome import Outcome, Query, judge
from auditor.errors import EngineError
from auditor.model import Value

MAX_ANSWER = 32 * 1024 * 1024
"""Bytes of one answer."""
_OVERHEAD = 1024
"""Address space in MiB that Python and DuckDB take beside the data."""


def main() -> None:
    """Answer the request on stdin and end."""
    request = json.load(sys.stdin.buffer)
    folder = Path(request["folder"])
    tempfile.tempdir = str(folder)
    memory_mb, timeout = int(request["memory_mb"]), float(request["timeout_seconds"])
    queries = request["queries"]
    _limit(memory_mb, cpu_seconds=int((timeout + 2) * len(queries)) + 2)
    database = folder / request["database"]
    with Engine(memory_mb=memory_mb, timeout_seconds=timeout, threads=1, database=database, read_only=True) as engine:
        engine.lock()
        _say(b"{}")
        for query in queries:
            _say(_answer(engine, query))


def _say(line: bytes) -> None:
    sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()


def _limit(memory_mb: int, cpu_seconds: int) -> None:
    """Bound memory, processor time, file size and core dumps where the system can (not on Windows, where the parent's clock remains)."""
    try:
        import resource
    except ImportError:
        return
    mebibyte = 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, ((memory_mb + _OVERHEAD) * mebibyte,) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
    resource.setrlimit(resource.RLIMIT_FSIZE, (4 * memory_mb * mebibyte,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _answer(engine: Engine, query: Mapping[str, Any]) -> bytes:
    params = {name: decoded(value) for name, value in query["params"].items()}
    try:
        outcome = judge(engine, Query(query["query"], query["scope_query"], bool(query["grouped"]), params))
    except EngineError as error:
        return _encoded_error(error)
    answer = json.dumps(_encoded_outcome(outcome)).encode()
    if len(answer) <= MAX_ANSWER:
        return answer
    size = MAX_ANSWER // 1024 // 1024
    return _encoded_error(
        EngineError(
            f"the query returned more than {size} MiB; return fewer or shorter columns.",
            fr=f"la requête a rendu plus de {size} Mio\u00a0; rendez moins de colonnes, ou plus courtes.",
        )
    )


def _encoded_error(error: EngineError) -> bytes:
    return json.dumps({"error": {"en": error.text.en, "fr": error.text.fr}}).encode()


def _encoded_outcome(outcome: Outcome) -> dict[str, object]:
    return {
        "failing": [{name: encoded(value) for name, value in row.items()} for row in outcome.failing],
        "passing": sorted(outcome.passing),
        "unknown": sorted(outcome.unknown),
    }


def decoded_outcome(answer: Mapping[str, Any]) -> Outcome | EngineError:
    """An answer line, parsed as JSON, as the outcome or the error it stands for; KeyError or TypeError when it is neither."""
    if "error" in answer:
        return EngineError(str(answer["error"]["en"]), fr=str(answer["error"]["fr"]))
    failing = tuple({str(name): decoded(value) for name, value in row.items()} for row in answer["failing"])
    return Outcome(failing, frozenset(map(str, answer["passing"])), frozenset(map(str, answer["unknown"])))


def encoded(value: Value) -> object:
    """A cell as JSON; a time becomes {"at": ISO text}."""
    return {"at": value.isoformat()} if isinstance(value, datetime) else value


def decoded(value: object) -> Value:
    """The cell that `encoded` stands for."""
    if isinstance(value, dict):
        return datetime.fromisoformat(str(value["at"]))
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    raise TypeError(type(value).__name__)
