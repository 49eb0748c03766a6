"""phishing_campaign, phishing_reach and phishing_repeat: what exercises met, whom they left out, how many were caught again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pyarrow as pa

from auditor.derive.contract import Engine, rows, to_arrow
from auditor.derive.staff import Counts, Key, Staff, summed
from auditor.derive.staff_training import YEAR
from auditor.model import Value
from auditor.tables.training import PHISHING_CAMPAIGN, PHISHING_REACH, PHISHING_REPEAT

_RESULTS = """
SELECT source, mail, sent_at, clicked, submitted, reported, gateway_clicks
FROM phishing_result WHERE not_sent IS NOT TRUE ORDER BY source, row_number
"""


class Results:
    """Delivered mails of all exercises, with the person behind each address when the HR file knows one.

    `unclear` when the directory leaves unknown who is behind one: nobody is then known not to have received, or not to have clicked.
    """

    def __init__(self, engine: Engine, staff: Staff) -> None:
        self.by_campaign: dict[str, list[tuple[Key | None, Mapping[str, Any]]]] = defaultdict(list)
        self.unclear = False
        for row in rows(engine, _RESULTS):
            key = staff.find(None, row["mail"])
            self.unclear |= key is None and staff.unclear(row["mail"])
            self.by_campaign[row["source"]].append((key, row))

    def recent(self, as_of: datetime) -> dict[Key, dict[str, bool | None]]:
        """Of each person, the exercises received in the 365 days before, and whether the person was caught by them."""
        found: dict[Key, dict[str, bool | None]] = defaultdict(dict)
        for campaign, results in self.by_campaign.items():
            for key, row in results:
                if key and row["sent_at"] and as_of - YEAR <= row["sent_at"] <= as_of:
                    outcomes = (row["clicked"], row["submitted"])
                    found[key][campaign] = True if True in outcomes else None if None in outcomes else False
        return found


def phishing_campaign(staff: Staff, results: Results) -> pa.Table:
    """One row per exercise and population, and one for everyone; an exercise of too few people has none."""
    found: list[dict[str, Value]] = []
    for campaign, mails in results.by_campaign.items():
        launched_at = min((row["sent_at"] for _, row in mails if row["sent_at"]), default=None)
        people = [(staff.people[key].population if key else "not_in_hr", _counts(row)) for key, row in mails]
        found += (
            {"campaign": campaign, "population": population, "launched_at": launched_at, **counts}
            for population, counts in summed(people, "sent").items()
        )
    return to_arrow(PHISHING_CAMPAIGN, found)


def _counts(row: Mapping[str, Any]) -> Counts:
    def number(name: str) -> int | None:
        return None if row[name] is None else int(row[name])

    gateway = row["gateway_clicks"]
    return {
        "sent": 1,
        "clicked": number("clicked"),
        "gateway_clicked": None if gateway is None else int(gateway > 0),
        "submitted": number("submitted"),
        "reported": number("reported"),
    }


def phishing_reach(staff: Staff, results: Results, as_of: datetime) -> pa.Table:
    """One row per population of the people at work, and one for everyone."""
    received = results.recent(as_of)
    people: list[tuple[str, Counts]] = []
    for key, person in staff.present.items():
        reached = 1 if key in received else None if results.unclear else 0
        people.append((person.population, {"people": 1, "reached": reached} if person.present else {"people": None, "reached": None}))
    return to_arrow(PHISHING_REACH, _rows(summed(people, "people")))


def phishing_repeat(staff: Staff, results: Results, as_of: datetime) -> pa.Table:
    """One row per population of the people at work who received several exercises, and one for everyone."""
    people: list[tuple[str, Counts]] = []
    for key, caught in results.recent(as_of).items():
        person = staff.present.get(key)
        if person is None or len(caught) < 2:
            continue
        sure, possible = sum(one is True for one in caught.values()), sum(one is not False for one in caught.values())
        repeated = 1 if sure > 1 else 0 if possible < 2 and not results.unclear else None
        people.append((person.population, {"exposed": 1, "repeated": repeated} if person.present else {"exposed": None, "repeated": None}))
    return to_arrow(PHISHING_REPEAT, _rows(summed(people, "exposed")))


def _rows(totals: Mapping[str, Counts]) -> list[dict[str, Value]]:
    return [{"population": population, **counts} for population, counts in totals.items()]
