"""Rule packs of third parties: their SQL runs in a child process with nothing to read but the tables it names, and is killed when it lasts.

The gate, the child and its limits are three walls, and each is needed: honest functions (replace, nested) can still eat memory and time
that DuckDB does not bound. A rule whose child is killed or crashes is an error; the other rules of the pack run again without it.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from auditor import safe
from auditor.config import RuleSettings
from auditor.engine import child, gate
from auditor.engine.duckdb import Engine
from auditor.engine.outcome import Outcome, Query
from auditor.errors import EngineError
from auditor.model import Rule
from auditor.rule_analysis import analyse
from auditor.tables import ALL

GRACE_SECONDS = 1.0
"""What a rule gets beyond its time before its process is killed: DuckDB's own clock answers first, with a better sentence."""
_START_SECONDS = 20.0
_START = "import sys; sys.path.insert(0, sys.argv[1]); from auditor.engine import child; child.main()"
_DATABASE = "tables.duckdb"


def run_pack(rules: Iterable[Rule], engine: Engine, as_of: datetime, settings: RuleSettings) -> dict[str, Outcome | EngineError]:
    """Outcome, or the reason why there is none, of every rule by id; one child per pack, `settings` bounds each rule's time and memory.

    `engine` holds the tables; only those a pack reads are copied for it.
    """
    packs: dict[str, list[Rule]] = {}
    for rule in rules:
        packs.setdefault(rule.pack, []).append(rule)
    found: dict[str, Outcome | EngineError] = {}
    for pack in packs.values():
        queries: dict[str, Query] = {}
        tables: set[str] = set()
        for rule in pack:
            gate.check(rule.query)
            analysis = analyse(rule.query)
            tables |= analysis.reads.keys()
            queries[rule.id] = Query(rule.query, analysis.scope_query, analysis.grouped, {**rule.params, "as_of": as_of})
        with private_database(engine, tables) as folder:
            found |= run_queries(queries, folder, settings)
    return found


@contextmanager
def private_database(engine: Engine, tables: Iterable[str]) -> Iterator[Path]:
    """A private folder, gone afterwards, with a database that holds `tables` alone."""
    with tempfile.TemporaryDirectory(prefix="audit-pack-", ignore_cleanup_errors=True) as name:
        with Engine(database=Path(name) / _DATABASE) as copy:
            for table in sorted(tables):
                copy.load(ALL[table], engine.table(table))
        yield Path(name)


def run_queries(queries: dict[str, Query], folder: Path, settings: RuleSettings) -> dict[str, Outcome | EngineError]:
    """Run queries over the database of `folder` in child processes: one, and another after each that had to be killed."""
    found: dict[str, Outcome | EngineError] = {}
    while waiting := [name for name in queries if name not in found]:
        answered = _run_child([queries[name] for name in waiting], folder, settings)
        found |= dict(zip(waiting, answered, strict=False))
    return found


def _run_child(queries: Sequence[Query], folder: Path, settings: RuleSettings) -> list[Outcome | EngineError]:
    """Answers in the order of `queries`; after the first that ended the child there are no more."""
    safe.private_write(folder / "request.json", _request(queries, folder, settings))
    answers: list[Outcome | EngineError] = []
    with (folder / "request.json").open("rb") as stdin, _started(stdin, folder) as lines:
        if _line(lines, _START_SECONDS) is None:
            return [_unstarted()] * len(queries)
        while len(answers) < len(queries):
            answer = _line(lines, settings.timeout_seconds + GRACE_SECONDS)
            if answer is None:
                answers.append(_killed())
                break
            answers.append(child.decoded_outcome(answer))
    return answers


def _request(queries: Sequence[Query], folder: Path, settings: RuleSettings) -> str:
    asked = [
        {
            "query": query.query,
            "scope_query": query.scope_query,
            "grouped": query.grouped,
            "params": {name: child.encoded(value) for name, value in query.params.items()},
        }
        for query in queries
    ]
    limits = {"memory_mb": settings.memory_mb, "timeout_seconds": settings.timeout_seconds}
    return json.dumps({"folder": str(folder), "database": _DATABASE, **limits, "queries": asked})


@contextmanager
def _started(stdin: IO[bytes], folder: Path) -> Iterator[queue.Queue[bytes]]:
    """A running child and the lines it answers; it does not outlive the block. b"" marks the end."""
    kept = {name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ}
    root = str(Path(__file__).parents[2])
    command = [sys.executable, "-I", "-c", _START, root]
    process = subprocess.Popen(command, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=kept, cwd=folder)
    assert process.stdout is not None  # noqa: S101 - asked for above
    lines: queue.Queue[bytes] = queue.Queue()
    reader = threading.Thread(target=_read, args=(process.stdout, lines), daemon=True)
    reader.start()
    try:
        yield lines
    finally:
        process.kill()
        process.wait()
        reader.join()
        process.stdout.close()


def _read(stdout: IO[bytes], lines: queue.Queue[bytes]) -> None:
    while line := stdout.readline(child.MAX_ANSWER + 2):
        lines.put(line)
    lines.put(b"")


def _line(lines: queue.Queue[bytes], seconds: float) -> dict[str, Any] | None:
    """The next answer; None when none came in time or the child ended or spoke no JSON."""
    try:
        answer = json.loads(lines.get(timeout=seconds))
    except (queue.Empty, ValueError):
        return None
    return answer if isinstance(answer, dict) else None


def _unstarted() -> EngineError:
    return EngineError(
        "the process for rule packs did not start; free some memory, or raise rules.memory_mb.",
        fr="le processus des règles tierces n’a pas démarré\u00a0; libérez de la mémoire ou augmentez rules.memory_mb.",
    )


def _killed() -> EngineError:
    return EngineError(
        "the query took more time or memory than allowed and its process was ended; simplify it or drop the rule.",
        fr="la requête a pris plus de temps ou de mémoire que permis et son processus a été arrêté\u00a0; simplifiez-la ou retirez-la.",
    )
