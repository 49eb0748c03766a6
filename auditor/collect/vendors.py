"""The register of suppliers' accounts: which company, until when, and who answers for it."""

from __future__ import annotations

from collections.abc import Callable

from auditor.collect import SourceError, csv_file, unread
from auditor.config import Vendors
from auditor.model import Text, Value
from auditor.snapshot import Writer, digest

_TABLE = "vendor_contract"


def collect(settings: Vendors, writer: Writer, progress: Callable[[str, int], None]) -> None:
    """Fill vendor_contract; an empty end means that there is none.

    Lines that cannot be read make it partial, with their count; so does a file older than `max_age_days` at the audit instant
    (`received_at`, or else the time the file was last written), or from after it.
    """
    csv_file.check_columns(settings.name, _TABLE, settings.columns, ("sam_account_name", "ends_at"), ("source", "row_number", "open_ended"))
    problems = csv_file.Problems(settings.path)
    rows: list[dict[str, Value]] = []
    try:
        for record in csv_file.records(settings.path, encoding=settings.encoding, delimiter=settings.delimiter, columns=settings.columns):
            row, problem = _row(settings, record)
            if problem:
                problems.add(record, problem)
            if row:
                rows.append(row)
        received_at = csv_file.received(settings.path, settings.received_at)
        sha256 = digest(settings.path)
    except SourceError as error:
        writer.add_coverage(unread((_TABLE,), settings.name, error))
        return
    for row in rows:
        writer.add(_TABLE, row)
    progress(settings.name, len(rows))
    reasons = problems.reasons + csv_file.age(received_at, settings.max_age_days, writer.as_of)
    writer.add_coverage([csv_file.covered(_TABLE, settings.name, len(rows), reasons, received_at)])
    writer.add_facts(settings.name, {"file": settings.path.name, "sha256": sha256, "rows": len(rows), "unreadable_lines": problems.lines})


def _row(settings: Vendors, record: csv_file.Record) -> tuple[dict[str, Value] | None, Text | None]:
    """The row of a record, if there is one, and what is wrong with it, if anything is: an unreadable date leaves a row without date."""
    if record.problem:
        return None, record.problem
    row: dict[str, Value] = {name: value.strip() for name, value in record.values.items()}
    if not row["sam_account_name"]:
        return None, Text(en="no account name", fr="aucun nom de compte")
    # Directory names ignore case, so does the join.
    row["sam_account_name"] = str(row["sam_account_name"]).lower()
    end = str(row["ends_at"])
    row["ends_at"], row["open_ended"] = csv_file.last_day(end, settings.date_format)
    row |= {"source": settings.name, "row_number": record.number}
    return row, csv_file.bad_date(end) if row["open_ended"] is None else None
