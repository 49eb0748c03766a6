"""critical_system and system_backup: what audit.yaml calls critical, and the backups found for it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime

import pyarrow as pa

from auditor.config import CriticalSystem
from auditor.derive.contract import Engine, rows, to_arrow
from auditor.model import Value
from auditor.tables.evidence import CRITICAL_SYSTEM, SYSTEM_BACKUP

_JOBS = """
SELECT host, archive, paths, tags, MAX(taken_at) AS last_at, COUNT(*) AS backups
FROM backup_job WHERE taken_at <= $as_of GROUP BY host, archive, paths, tags
"""


def key(name: str) -> str:
    """The name of a system as tables hold it."""
    return name.strip().lower()


def systems(declared: Sequence[CriticalSystem]) -> pa.Table:
    """critical_system: one row per system of audit.yaml."""
    found: list[dict[str, Value]] = [
        {"system": key(system.name), "label": system.name.strip(), "max_age_hours": system.max_age_hours} for system in declared
    ]
    return to_arrow(CRITICAL_SYSTEM, found)


def backups(engine: Engine, declared: Sequence[CriticalSystem], as_of: datetime) -> pa.Table:
    """system_backup: one row per system and thing that backs it up, found or not.

    Names are compared without case with the host, the archive, each path and each tag of a backup; `*` stands for any text. A backup
    dated after `as_of` is not counted: a clock that runs ahead would keep a system fresh for ever.
    """
    jobs = [(tuple(_names(job)), job["last_at"], job["backups"]) for job in rows(engine, _JOBS, {"as_of": as_of})]
    found: list[dict[str, Value]] = []
    for system in declared:
        for wanted in dict.fromkeys(system.backup):
            matches = re.compile(".*".join(map(re.escape, wanted.strip().lower().split("*"))), re.DOTALL).fullmatch
            fitting = [(last_at, count) for names, last_at, count in jobs if any(map(matches, names))]
            last_backup_at = max((last_at for last_at, _ in fitting), default=None)
            row: dict[str, Value] = {"system": key(system.name), "backup": wanted, "backups": sum(count for _, count in fitting)}
            found.append({**row, "last_backup_at": last_backup_at, "never_backed_up": not fitting})
    return to_arrow(SYSTEM_BACKUP, found)


def _names(job: dict[str, str]) -> Iterator[str]:
    """Everything a backup may be called by."""
    for column in ("host", "archive", "paths", "tags"):
        yield from (name for name in (job[column] or "").lower().split("\n") if name)
