"""log_silence: how long each machine's log was silent at hours when it usually writes."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

import pyarrow as pa

from auditor.derive.contract import Engine, rows, to_arrow
from auditor.model import Value
from auditor.tables.sign_ins import LOG_SILENCE

_SQL = "SELECT source, host, hour, first_at, last_at FROM event_coverage ORDER BY source, host, hour"
_HOUR, _WEEK = timedelta(hours=1), timedelta(days=7)
_HORIZON = timedelta(days=400)
"""How far back silence is looked for: a wrong clock must not make the walk endless."""
_WEEKS = 2
"""Other weeks that must have the hour, and all of them records in it, before its silence means anything."""


def derive(engine: Engine) -> pa.Table:
    """One row per machine and source. A machine is expected until the last record of its source, whoever wrote that."""
    hours: dict[tuple[str, str], list[datetime]] = defaultdict(list)
    first: dict[tuple[str, str], datetime] = {}
    last: dict[tuple[str, str], datetime] = {}
    end: dict[str, datetime] = {}
    for row in rows(engine, _SQL):
        key = row["source"], row["host"]
        hours[key].append(row["hour"])
        first[key] = min(first.get(key, row["first_at"]), row["first_at"])
        last[key] = max(last.get(key, row["last_at"]), row["last_at"])
        end[row["source"]] = max(end.get(row["source"], row["hour"]), row["hour"])
    found = []
    for key, heard in hours.items():
        since, silent = _longest(set(heard), max(min(heard), end[key[0]] - _HORIZON), end[key[0]])
        facts: dict[str, Value] = {"source": key[0], "host": key[1], "days": (last[key] - first[key]).days}
        found.append({**facts, "silent_hours": silent, "silent_since": since or first[key]})
    return to_arrow(LOG_SILENCE, found)


def _longest(heard: set[datetime], start: datetime, end: datetime) -> tuple[datetime | None, int]:
    """Start and length of the longest run of hours that are silent and expected."""
    best: tuple[datetime | None, int] = (None, 0)
    run = 0
    for number in range(int((end - start) / _HOUR) + 1):
        hour = start + number * _HOUR
        run = run + 1 if hour not in heard and _is_expected(hour, heard, start, end) else 0
        if run > best[1]:
            best = hour - (run - 1) * _HOUR, run
    return best


def _is_expected(hour: datetime, heard: set[datetime], start: datetime, end: datetime) -> bool:
    weeks = [hour + number * _WEEK for number in range(-4, 5) if number and start <= hour + number * _WEEK <= end]
    return len(weeks) >= _WEEKS and all(week in heard for week in weeks)
