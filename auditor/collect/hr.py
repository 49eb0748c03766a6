"""The HR file: one row per contract, read as the HR software writes it.

Known habits that are not faults: a total at the end, four spellings of "no end", ids that a spreadsheet damaged (kept as written),
blanks around cells, several lines for one person.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from auditor.collect import SourceError, csv_file, unread
from auditor.config import Hr
from auditor.model import Text, Value
from auditor.snapshot import Writer, digest

_TABLE = "hr_contract"
_EVERY = 10_000
_SHARED = 0.05
"""Share of lines whose number may bear several names: people change theirs, numbers do not."""
_TOTAL = re.compile(r"(sous[- ]?)?tota(l|ux)\b", re.IGNORECASE)


def collect(settings: Hr, writer: Writer, progress: Callable[[str, int], None]) -> None:
    """Fill hr_contract.

    Lines that cannot be read make it partial, with their count; so does a file older than `max_age_days` at the audit instant
    (`received_at`, or else the time the file was last written), because people who left since then would look present; so does one
    from after the audit, one without a single end of contract, and one whose numbers are not those of people.
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
        received_at = csv_file.received(settings.path, settings.received_at)
        sha256 = digest(settings.path)
    except SourceError as error:
        writer.add_coverage(unread((_TABLE,), settings.name, error))
        return
    for row in rows:
        writer.add(_TABLE, row)
    progress(settings.name, len(rows))
    reasons = problems.reasons + _doubts(rows) + csv_file.age(received_at, settings.max_age_days, writer.as_of)
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


def _doubts(rows: Sequence[Mapping[str, Value]]) -> list[Text]:
    """What shows that a column is not what it is declared to be."""
    found = []
    if rows and all(row["open_ended"] for row in rows):
        found.append(
            Text(
                en="no contract of the file has an end: check the mapping of ends_at",
                fr="aucun contrat du fichier n’a de fin\u00a0: vérifiez la correspondance de ends_at",
            )
        )
    names: dict[Value, set[tuple[str, ...]]] = defaultdict(set)
    for row in rows:
        # The name at birth does not change with a marriage.
        name = str(row.get("birth_name") or row.get("family_name") or "").casefold(), str(row.get("given_name") or "").casefold()
        names[row["person_number"]].add(name)
    shared = sum(len(names[row["person_number"]]) > 1 for row in rows)
    if shared > _SHARED * len(rows):
        found.append(
            Text(
                en=f"{shared} lines share their HR number with another name: check the mapping of person_number",
                fr=f"{shared} lignes partagent leur matricule avec un autre nom\u00a0: vérifiez la correspondance de person_number",
            )
        )
    return found
