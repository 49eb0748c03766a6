"""The HR file: one row per contract, read as the HR software writes it.

Known habits that are not faults: a total at the end, four spellings of "no end", ids that a spreadsheet damaged (kept as written),
blanks around cells, several lines for one person.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from auditor.collect import SourceError, csv_file, unread
from auditor.config import Hr
from auditor.model import Text, Value
from auditor.snapshot import Writer

_TABLE = "hr_contract"
_EVERY = 10_000
_TOTAL = re.compile(r"(sous[- ]?)?tota(l|ux)\b", re.IGNORECASE)


def collect(settings: Hr, writer: Writer, progress: Callable[[str, int], None]) -> None:
    """Fill hr_contract.

    Lines that cannot be read make it partial, with their count; so does a file older than `max_age_days` at the audit instant
    (`received_at`, or else the time the file was last written), because people who left since then would look present.
    """
    csv_file.check_columns(
        settings.name, _TABLE, settings.columns, ("person_number", "starts_at", "ends_at"), ("source", "row_number", "open_ended")
    )
    problems = csv_file.Problems(settings.path)
    rows: list[dict[str, Value]] = []
    totals = 0
    try:
        for record in csv_file.records(settings.path, encoding=settings.encoding, delimiter=settings.delimiter, columns=settings.columns):
            if _TOTAL.match(record.first.strip()):
                totals += 1
                continue
            row, problem = _row(settings, record)
            if problem:
                problems.add(record, problem)
            if row:
                rows.append(row)
            if len(rows) % _EVERY == 0:
                progress(settings.name, len(rows))
        received_at = settings.received_at or _written_at(settings.path)
        sha256 = csv_file.digest(settings.path)
    except SourceError as error:
        writer.add_coverage(unread((_TABLE,), settings.name, error))
        return
    for row in rows:
        writer.add(_TABLE, row)
    progress(settings.name, len(rows))
    reasons = problems.reasons + _age(settings, received_at, writer.as_of)
    writer.add_coverage([csv_file.covered(_TABLE, settings.name, len(rows), reasons, received_at)])
    writer.add_facts(
        settings.name,
        {"file": settings.path.name, "sha256": sha256, "rows": len(rows), "total_lines": totals, "unreadable_lines": problems.lines},
    )


def _row(settings: Hr, record: csv_file.Record) -> tuple[dict[str, Value] | None, Text | None]:
    """The row of a record, if there is one, and what is wrong with it, if anything is: an unreadable date leaves a row without date."""
    if record.problem:
        return None, record.problem
    row: dict[str, Value] = {name: value.strip() for name, value in record.values.items()}
    if not row["person_number"]:
        return None, Text(en="no HR number", fr="aucun matricule")
    starts, ends = str(row["starts_at"]), str(row["ends_at"])
    row["starts_at"] = csv_file.day(starts, settings.date_format)
    row["ends_at"], row["open_ended"] = csv_file.last_day(ends, settings.date_format)
    row |= {"source": settings.name, "row_number": record.number}
    if row["starts_at"] is None:
        return row, csv_file.bad_date(starts)
    return row, csv_file.bad_date(ends) if row["open_ended"] is None else None


def _written_at(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).replace(tzinfo=None)


def _age(settings: Hr, received_at: datetime, as_of: datetime) -> list[Text]:
    if as_of - received_at <= timedelta(days=settings.max_age_days):
        return []
    days = (as_of - received_at).days
    return [
        Text(
            en=f"the file is {days} days old, {settings.max_age_days} are allowed",
            fr=f"le fichier date de {days} jours, {settings.max_age_days} sont admis",
        )
    ]
