"""Answers about what people and machines never did before the last week, by brute force over the plan."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from itertools import pairwise

from sample_data.generator.facts import Facts
from sample_data.generator.model import Account
from sample_data.generator.sign_in_plan import ASSESSED, DC1, DC2, PHARMACY, SHARED, WINDOWS, Attempt, Given, Plan, Spot, unit_at

Visits = dict[Account, list[Attempt]]
"""Successful sign-ins of each account from places that are not shared, in order."""


def answers(facts: Facts, plan: Plan) -> dict[str, list[str]]:
    """Rule -> failing resources."""
    start = facts.hospital.ago(ASSESSED)
    visits: Visits = defaultdict(list)
    for attempt in plan.attempts:
        if attempt.ok and attempt.account and attempt.origin not in SHARED and attempt.place not in SHARED:
            visits[attempt.account].append(attempt)
    movers = {account: found for account, found in visits.items() if account.kind in ("person", "vendor")}
    return {
        "LOG-010": [account.sid for account, found in movers.items() if _flew(found)],
        "LOG-011": _new_countries(visits, start),
        "LOG-021": [account.sid for account, found in movers.items() if _was_in_two_places(found)],
        "LOG-022": _far_units(visits, start),
        "LOG-027": _busy_origins(visits, start),
        "LOG-031": [
            account.sid for account, found in visits.items() if account.kind == "service" and _new(found, start, lambda a: a.place)
        ],
        "LOG-034": sorted({given.actor.sid for given in plan.given if _is_borrowed(given)}),
    }


def _new(found: Iterable[Attempt], start: datetime, what: Callable[[Attempt], str]) -> set[str]:
    """What was used since `start`, and not before."""
    found = list(found)
    return {what(a) for a in found if a.at >= start} - {what(a) for a in found if a.at < start} - {""}


def _kilometres(one: Spot, other: Spot) -> float:
    """Great circle on a sphere, by the law of cosines."""
    first, second = math.radians(one.latitude), math.radians(other.latitude)
    turn = math.radians(one.longitude - other.longitude)
    cosine = math.sin(first) * math.sin(second) + math.cos(first) * math.cos(second) * math.cos(turn)
    return 6371 * math.acos(max(-1.0, min(1.0, cosine)))


def _flew(found: list[Attempt]) -> bool:
    located = [a for a in found if a.spot]
    for before, after in pairwise(located):
        if before.spot and after.spot and before.device != after.device:
            distance, hours = _kilometres(before.spot, after.spot), (after.at - before.at) / timedelta(hours=1)
            if distance > 500 and distance > 900 * hours:
                return True
    return False


def _new_countries(visits: Visits, start: datetime) -> list[str]:
    known: dict[str, set[Account]] = defaultdict(set)
    for account, found in visits.items():
        for attempt in found:
            known[attempt.country].add(account)
    return [
        account.sid for account, found in visits.items()
        if account.kind in ("person", "vendor", "generic")
        and any(len(known[country]) < 3 for country in _new(found, start, lambda a: a.country) - {"FR"})
    ]  # fmt: skip


def _was_in_two_places(found: list[Attempt]) -> bool:
    inside = [a for a in found if unit_at(a.place) and (a.logon_type == 2 or a.source in (DC1, DC2))]
    abroad = [a for a in found if a.country not in ("", "FR")]
    if any(abs(one.at - other.at) <= timedelta(hours=1) for one in inside for other in abroad):
        return True
    far = [a for a in inside if unit_at(a.place) == PHARMACY[0]]
    near = [a for a in inside if unit_at(a.place) != PHARMACY[0]]
    return any(abs(one.at - other.at) <= timedelta(minutes=10) for one in near for other in far)


def _far_units(visits: Visits, start: datetime) -> list[str]:
    used = {account: {unit_at(a.place) for a in found if a.at < start} - {""} for account, found in visits.items()}
    settled = [account for account in visits if account.kind == "person" and account.person and used[account]]

    def share(peers: list[Account], unit: str) -> float:
        return sum(unit in used[peer] for peer in peers) / len(peers) if peers else 0

    failing = []
    for account, found in visits.items():
        person = account.person
        if account.kind != "person" or person is None:
            continue
        peers = [peer for peer in settled if peer is not account and peer.person and peer.person.job is person.job]
        close = [peer for peer in peers if peer.person and peer.person.unit == person.unit]
        new = {unit for unit in _new(found, start, lambda a: unit_at(a.place)) if any(unit in units for units in used.values())}
        if any(share(peers, unit) < 0.05 and share(close, unit) < 0.1 for unit in new):
            failing.append(account.sid)
    return failing


def _busy_origins(visits: Visits, start: datetime) -> list[str]:
    by_origin: dict[str, list[Attempt]] = defaultdict(list)
    for account, found in visits.items():
        for attempt in found:
            on_network = attempt.source in (DC1, DC2) or (attempt.source == WINDOWS and attempt.logon_type != 2)
            if attempt.origin and on_network and account.kind != "computer":
                by_origin[attempt.origin].append(attempt)
    reached = {(key, a.where) for found in by_origin.values() for a in found if a.at < start for key in (a.origin, a.who)}
    failing = []
    for origin, found in by_origin.items():
        before = sorted(_accounts_until(attempt, found) for attempt in found if attempt.at < start)
        usual = before[math.ceil(0.99 * len(before)) - 1] if before else 0
        week = [attempt for attempt in found if attempt.at >= start]
        fresh = [a for a in week if (origin, a.where) not in reached and (a.who, a.where) not in reached]
        crowded = any(_accounts_until(attempt, found) > max(5, 3 * usual) for attempt in week)
        if crowded or any(len({b.where for b in fresh if _is_near(b, a)}) >= 5 for a in fresh):
            failing.append(origin)
    return failing


def _is_near(earlier: Attempt, attempt: Attempt) -> bool:
    return timedelta(0) <= attempt.at - earlier.at <= timedelta(hours=2)


def _accounts_until(attempt: Attempt, found: list[Attempt]) -> int:
    return len({other.who for other in found if _is_near(other, attempt)})


def _is_borrowed(given: Given) -> bool:
    if given.machine.lower() in SHARED or given.actor.kind not in ("person", "vendor", "break_glass"):
        return False
    from_profile = given.program.startswith("C:\\Users\\") and given.machine != given.server
    return given.account is not given.actor or from_profile
