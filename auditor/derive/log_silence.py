"""log_silence: how long each machine's log was silent at hours when it usually writes, and which controllers were never heard."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta

import pyarrow as pa

from auditor.derive.contract import Engine, rows, to_arrow
from auditor.model import Text, Value
from auditor.tables.sign_ins import LOG_SILENCE

_SQL = "SELECT source, host, hour, first_at, last_at FROM event_coverage ORDER BY source, host, hour"
# A read-only controller changes no group. The name of an account is cut after 15 characters, that of a machine is not.
_UNHEARD = """
WITH controller AS (
  SELECT DISTINCT lower(replace(sam_account_name, '$', '')) AS name FROM account
  WHERE is_domain_controller AND enabled IS NOT FALSE AND primary_group_rid IS DISTINCT FROM 521
)
SELECT c.name FROM controller c
WHERE EXISTS (SELECT 1 FROM event_coverage)
  AND NOT EXISTS (SELECT 1 FROM event_coverage e WHERE e.log_type IN ('windows', 'samba') AND left(e.host, 15) = left(c.name, 15))
ORDER BY c.name
"""
_NAMED = 5
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


def controllers_unheard(engine: Engine) -> Iterator[Text]:
    """Domain controllers of the directory of which no log was received: what happened on them is not known."""
    found = [row["name"] for row in rows(engine, _UNHEARD)]
    if found:
        names = ", ".join(found[:_NAMED]) + (f" (+ {len(found) - _NAMED})" if len(found) > _NAMED else "")
        several = len(found) > 1
        yield Text(
            en=f"no log of the domain controller{'s' if several else ''} {names} was received",
            fr=f"aucun journal {'des contrôleurs' if several else 'du contrôleur'} de domaine {names} n’a été reçu",
        )


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
