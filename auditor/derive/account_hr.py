"""account_hr: each account and the person the HR file knows behind it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa

from auditor.derive.contract import Engine, rows, to_arrow
from auditor.derive.professional_id import normalise
from auditor.model import Text, Value
from auditor.tables.derived import ACCOUNT_HR

Contract = Mapping[str, Any]
"""A row of hr_contract."""

_ACCOUNTS = "SELECT account_key, employee_id, professional_id_raw FROM account"
_CONTRACTS = """
SELECT source, row_number, person_number, contract_type, job, unit_code, starts_at, ends_at, open_ended, professional_id_raw
FROM hr_contract ORDER BY source, row_number
"""
_STAFF = """
SELECT COUNT(*) AS accounts, COUNT(*) FILTER (WHERE h.matched_by <> 'none') AS matched
FROM account a
JOIN account_kind k ON k.account_key = a.account_key
JOIN account_hr h ON h.account_key = a.account_key
WHERE a.enabled AND k.kind = 'person' AND k.population = 'staff' AND EXISTS (SELECT 1 FROM hr_contract)
"""
_EARLIEST = datetime(1, 1, 1)
_UNKNOWN: dict[str, Value] = dict.fromkeys(
    ("matched_by", "person_number", "status", "contract_type", "job", "unit_code", "ends_at", "open_ended")
)
_NONE: dict[str, Value] = {
    "matched_by": "none",
    "person_number": "",
    "status": "none",
    "contract_type": "",
    "job": "",
    "unit_code": "",
    "ends_at": None,
    "open_ended": True,
}


class People:
    """The contracts of the HR file by person: a person is one number in one file."""

    def __init__(self, contracts: Iterable[Contract]) -> None:
        self._by_number: dict[str, dict[tuple[str, str], list[Contract]]] = defaultdict(lambda: defaultdict(list))
        self._by_bare_number: dict[str, dict[tuple[str, str], list[Contract]]] = defaultdict(lambda: defaultdict(list))
        self._by_professional_id: dict[str, list[Contract]] = defaultdict(list)
        for contract in contracts:
            number = contract["person_number"]
            self._by_number[number][contract["source"], number].append(contract)
            self._by_bare_number[number.lstrip("0")][contract["source"], number].append(contract)
            if professional_id := normalise(contract["professional_id_raw"] or "").value:
                self._by_professional_id[professional_id].append(contract)

    def match(self, employee_id: str | None, professional_id_raw: str | None) -> tuple[str | None, Sequence[Contract]]:
        """How a person was found (hr_number, professional_id, none, or None when that cannot be known) and all contracts of that person.

        The number comes first, as written or, when only one person fits, without leading zeros; then the professional id.
        """
        number = (employee_id or "").strip()
        fitting = (self._by_number.get(number) or self._by_bare_number.get(number.lstrip("0"), {})) if number else {}
        if len(fitting) == 1:
            return "hr_number", next(iter(fitting.values()))
        professional_id = normalise(professional_id_raw or "").value
        if professional_id in self._by_professional_id:
            return "professional_id", self._by_professional_id[professional_id]
        if fitting or employee_id is None or professional_id_raw is None:
            return None, ()
        return "none", ()


def contracts(engine: Engine) -> list[dict[str, Any]]:
    """All contracts, in the order of the file."""
    return rows(engine, _CONTRACTS)


def derive(engine: Engine, as_of: datetime) -> pa.Table:
    """One row per account; `as_of` decides who is present. A person present under one contract is present."""
    people = People(contracts(engine))
    found = []
    for account in rows(engine, _ACCOUNTS):
        how, matched = people.match(account["employee_id"], account["professional_id_raw"])
        facts = _summary(how, matched, as_of) if matched else _NONE if how else _UNKNOWN
        found.append({"account_key": account["account_key"], **facts})
    return to_arrow(ACCOUNT_HR, found)


def doubts(engine: Engine) -> list[Text]:
    """Less than half of the staff matched is no finding about the staff: the two sources do not speak of the same numbers."""
    ((accounts, matched),) = (row.values() for row in rows(engine, _STAFF))
    if 2 * matched >= accounts:
        return []
    return [
        Text(
            en=f"only {matched} of {accounts} personal accounts match the HR file: check the attribute that holds the HR number and the "
            "mapping of person_number",
            fr=f"seuls {matched} comptes personnels sur {accounts} correspondent au fichier RH\u00a0: vérifiez l’attribut qui porte le "
            "matricule et la correspondance de person_number",
        )
    ]


def _summary(how: str | None, matched: Sequence[Contract], as_of: datetime) -> dict[str, Value]:
    last = max(matched, key=_end)
    return {
        "matched_by": how,
        "person_number": last["person_number"],
        "status": status(matched, as_of),
        "contract_type": last["contract_type"],
        "job": last["job"],
        "unit_code": last["unit_code"],
        "ends_at": last["ends_at"],
        "open_ended": last["open_ended"],
    }


def _end(contract: Contract) -> tuple[int, datetime, datetime, int]:
    """Order of contracts by their end: none is last of all, an unknown one comes before it, because it may be anything."""
    rank = 2 if contract["open_ended"] else 1 if contract["ends_at"] is None else 0
    return rank, contract["ends_at"] or _EARLIEST, contract["starts_at"] or _EARLIEST, contract["row_number"]


def status(matched: Sequence[Contract], as_of: datetime) -> str | None:
    """present, future or left, by all contracts of a person together; None when a missing date leaves it unknown."""
    states = {_state(contract, as_of) for contract in matched}
    for state in ("present", None, "future"):
        if state in states:
            return state
    return "left"


def _state(contract: Contract, as_of: datetime) -> str | None:
    """Whether one contract covers the instant; the last day counts whole, and a missing date may leave it unknown."""
    starts_at, ends_at = contract["starts_at"], contract["ends_at"]
    if ends_at is not None and as_of - ends_at >= timedelta(days=1):
        return "left"
    if starts_at is not None and starts_at > as_of:
        return "future"
    known = starts_at is not None and (ends_at is not None or contract["open_ended"])
    return "present" if known else None
