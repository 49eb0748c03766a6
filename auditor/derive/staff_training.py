"""staff_training and joiner_training: how many of each population were trained, and of those who arrived."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pyarrow as pa

from auditor.derive.contract import Engine, rows, to_arrow
from auditor.derive.staff import Counts, Key, Staff, summed
from auditor.model import Value
from auditor.tables.training import JOINER_TRAINING, STAFF_TRAINING

YEAR = timedelta(days=365)
GRACE = timedelta(days=30)
"""How long after the arrival a training may wait."""

_RECORDS = "SELECT person_number, mail, completed_at, not_completed FROM training_record"


@dataclass
class _Record:
    """What the registers say of one person; `unclear` when a completion has no known date, or it is not known whether it was one."""

    completed: list[datetime] = field(default_factory=list)
    unclear: bool = False

    def between(self, first: datetime, last: datetime) -> bool | None:
        """A module was completed in that time; None when that cannot be known."""
        if any(first <= at <= last for at in self.completed):
            return True
        return None if self.unclear else False


class Records:
    """The registers by person, and how many of their lines concern nobody of the HR file.

    When the directory leaves unknown who is behind an address, nobody is known not to be trained.
    """

    def __init__(self, engine: Engine, staff: Staff) -> None:
        self.unmatched = 0
        self._unclear = False
        self._by_person: dict[Key, _Record] = {}
        for row in rows(engine, _RECORDS):
            key = staff.find(row["person_number"], row["mail"])
            if key is None:
                self.unmatched += 1
                self._unclear |= staff.unclear(row["mail"])
                continue
            record = self._by_person.setdefault(key, _Record())
            if row["completed_at"] is not None:
                record.completed.append(row["completed_at"])
            elif not row["not_completed"]:
                record.unclear = True

    def counts(self, key: Key, first: datetime, last: datetime, *, counted: bool | None) -> Counts:
        """One person as numbers; `counted` is None when it is not known whether the person counts."""
        record = self._by_person.get(key)
        trained = record.between(first, last) if record else False
        if trained is False and self._unclear:
            trained = None
        return {
            "people": 1 if counted else None,
            "trained": None if trained is None or not counted else int(trained),
            "recorded": int(record is not None),
        }


def staff_training(staff: Staff, records: Records, as_of: datetime) -> pa.Table:
    """One row per population of the people at work, and one for everyone."""
    since = _day(as_of) - YEAR
    people = [(person.population, records.counts(key, since, as_of, counted=person.present)) for key, person in staff.present.items()]
    found = _rows(summed(people, "people"))
    return to_arrow(STAFF_TRAINING, [{**row, "unmatched": records.unmatched if row["population"] == "everyone" else 0} for row in found])


def joiner_training(staff: Staff, records: Records, as_of: datetime) -> pa.Table:
    """One row per population of the people at work who arrived within a year and whose thirty days have run out."""
    today = _day(as_of)
    people = []
    for key, person in staff.present.items():
        arrived_at = person.arrived_at
        if arrived_at is None:
            people.append((person.population, records.counts(key, today - YEAR, as_of, counted=None)))
        elif today - YEAR <= arrived_at < today - GRACE:
            # A course sent before the first day counts.
            people.append((person.population, records.counts(key, arrived_at - YEAR, arrived_at + GRACE, counted=person.present)))
    return to_arrow(JOINER_TRAINING, _rows(summed(people, "people")))


def _day(at: datetime) -> datetime:
    """Registers and contracts know days, not hours."""
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def _rows(totals: dict[str, Counts]) -> list[dict[str, Value]]:
    """Rows with the people of populations no register speaks of; for everyone, those of all such populations."""
    silent = {population: counts["people"] if counts["recorded"] == 0 else 0 for population, counts in totals.items()}
    parts = [number for population, number in silent.items() if population != "everyone"]
    silent["everyone"] = None if None in parts else sum(number or 0 for number in parts)
    return [
        {"population": population, "people": counts["people"], "trained": counts["trained"], "unrecorded": silent[population]}
        for population, counts in totals.items()
    ]
