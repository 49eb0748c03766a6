"""The staff by population, for counts: who works here, how to find them, and how to add them up without pointing at anybody."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from auditor.config_training import Population
from auditor.derive import account_hr
from auditor.derive.account_hr import Contract
from auditor.derive.contract import Engine, rows

SMALLEST = 5
"""Fewest people a count may be about: with fewer, a colleague could tell who is meant."""

_CONTRACTS = """
SELECT source, row_number, person_number, contract_type, job, starts_at, ends_at, open_ended, professional_id_raw
FROM hr_contract ORDER BY source, row_number
"""
_ACCOUNTS = "SELECT account_key, mail, user_principal_name, employee_id, professional_id_raw FROM account ORDER BY account_key"

Key = tuple[str, str]
"""A person: HR file and number in it."""
Counts = dict[str, int | None]
"""Numbers by name; None is not known."""


@dataclass(frozen=True)
class Person:
    """Somebody the HR file knows: whether a contract runs at the audit instant, and the first day of the first one."""

    population: str
    present: bool | None
    arrived_at: datetime | None


class Staff:
    """People of the HR file at one instant, found by HR number or, through the directory, by mail address.

    `population_of` names the population of the person behind each account: empty when the HR file knows nobody behind it, or several
    people; None when that cannot be known.
    """

    def __init__(self, engine: Engine, populations: Sequence[Population], as_of: datetime) -> None:
        contracts = rows(engine, _CONTRACTS)
        self._numbers = account_hr.People(contracts)
        grouped: dict[Key, list[Contract]] = defaultdict(list)
        for contract in contracts:
            grouped[contract["source"], contract["person_number"]].append(contract)
        self.people = {key: _person(own, populations, as_of) for key, own in grouped.items()}
        self.present = {key: person for key, person in self.people.items() if person.present is not False}
        self.population_of: dict[str, str | None] = {}
        self._mails: dict[str, set[Key]] = defaultdict(set)
        self._unclear: set[str] = set()
        for account in rows(engine, _ACCOUNTS):
            how, contracts_of = self._numbers.match(account["employee_id"], account["professional_id_raw"])
            keys = _keys(contracts_of)
            known = self.people[next(iter(keys))].population if len(keys) == 1 else ""
            self.population_of[account["account_key"]] = known if how else None
            for mail in {(account[name] or "").lower() for name in ("mail", "user_principal_name")} - {""}:
                self._mails[mail] |= keys
                if how is None:
                    self._unclear.add(mail)

    def find(self, person_number: str | None, mail: str | None) -> Key | None:
        """The person of an HR number, or else of a mail address; None when there is none, or several fit."""
        keys = _keys(self._numbers.match(person_number, "")[1]) if person_number else set()
        if len(keys) != 1 and mail:
            keys = self._mails.get(mail, set())
        return next(iter(keys)) if len(keys) == 1 else None

    def unclear(self, mail: str | None) -> bool:
        """Whether the directory leaves unknown who is behind a mail address."""
        return mail is None or mail in self._unclear


def _keys(contracts: Iterable[Contract]) -> set[Key]:
    return {(contract["source"], contract["person_number"]) for contract in contracts}


def _person(contracts: Sequence[Contract], populations: Sequence[Population], as_of: datetime) -> Person:
    status = account_hr.status(contracts, as_of)
    present = None if status is None else status == "present"
    running = [contract for contract in contracts if account_hr.status([contract], as_of) == "present"]
    starts = [contract["starts_at"] for contract in contracts]
    return Person(_population(running or contracts, populations), present, None if None in starts else min(starts))


def _population(contracts: Sequence[Contract], populations: Sequence[Population]) -> str:
    """The first population one of the contracts fits."""
    for population in populations:
        for contract in contracts:
            if _fits(population.contract_types, contract["contract_type"]) or _fits(population.jobs, contract["job"]):
                return population.name
    unsaid = any(contract["contract_type"] is None or contract["job"] is None for contract in contracts)
    return "unsaid" if unsaid else "other"


def _fits(patterns: Iterable[str], text: str | None) -> bool:
    composed = unicodedata.normalize("NFC", text or "")
    return any(re.search(pattern, composed, re.IGNORECASE) for pattern in patterns)


def summed(people: Iterable[tuple[str, Counts]], size: str) -> dict[str, Counts]:
    """Counts of single people added up by population, with a last one, everyone, for all.

    Populations whose `size` is under SMALLEST are pooled; when the pool itself is smaller, the next smallest population joins it, so that
    nothing about a few people can be had by subtraction. Nothing at all when everybody together are too few. An unknown number makes the
    sum unknown.
    """
    totals: dict[str, Counts] = {}
    sizes: dict[str, int] = defaultdict(int)
    for population, counts in people:
        _add(totals, population, counts)
        sizes[population] += counts[size] or 0
    by_size = sorted(totals, key=lambda population: (sizes[population], population))
    pooled = [population for population in by_size if sizes[population] < SMALLEST]
    rest = by_size[len(pooled) :]
    while pooled and sum(sizes[population] for population in pooled) < SMALLEST:
        if not rest:
            return {}
        pooled.append(rest.pop(0))
    found: dict[str, Counts] = {}
    for population in sorted(totals):
        _add(found, "pooled" if population in pooled else population, totals[population])
    for counts in tuple(found.values()):
        _add(found, "everyone", counts)
    return found


def _add(totals: dict[str, Counts], population: str, counts: Mapping[str, int | None]) -> None:
    total = totals.setdefault(population, dict.fromkeys(counts, 0))
    for name, number in counts.items():
        before = total[name]
        total[name] = None if before is None or number is None else before + number
