"""Answers about sign-ins: one small predicate each over the planned attempts, by brute force."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from datetime import datetime, time, timedelta
from typing import TypeVar

from sample_data.generator.facts import Facts
from sample_data.generator.model import Account
from sample_data.generator.sign_in_plan import DC2, HOSTS, PLACES, SHARED, UNITS, Attempt, Plan

_K = TypeVar("_K", bound=Hashable)
_PRIVILEGED = (512, 518, 519, 520, 521, 526, 527, 544, 548, 549, 550, 551, 580)


def answers(facts: Facts, plan: Plan) -> dict[str, list[str]]:
    """Rule -> failing resources."""
    refused = [a for a in plan.attempts if a.reason in ("bad_password", "no_such_user", "disabled")]
    wrong = [a for a in plan.attempts if a.reason == "bad_password"]
    came_in = {who: visits for who, visits in _by(lambda a: a.account, (a for a in plan.attempts if a.ok)).items() if who}
    pairs = _by(lambda a: (a.who, a.origin), plan.attempts)
    return {
        "LOG-001": [
            o for o, tried in _by(lambda a: a.origin, refused).items()
            if o not in SHARED and _is_spray(tried, [a for a in plan.attempts if a.origin == o], len(came_in))
        ],
        "LOG-002": [f"{who}/{o}" for (who, o), tried in _by(lambda a: (a.who, a.origin), wrong).items() if _is_guessing(tried)],
        "LOG-003": [f"{who}/{o}" for (who, o), all_tries in pairs.items() if _is_guessed(all_tries)],
        "LOG-004": [o for o, tried in _by(lambda a: a.origin, plan.attempts).items() if o and _is_slow_spray(tried)],
        "LOG-005": [
            o for o, tried in _by(lambda a: a.origin, (a for a in plan.attempts if a.reason == "no_such_user")).items()
            if any(len({a.who for a in near}) >= 3 for near in _windows(tried, 10))
        ],
        "LOG-006": sorted({a.account.sid for a in plan.attempts if a.account and a.reason == "disabled"}),
        "LOG-019": _past_contract(facts, came_in),
        "LOG-020": [who.sid for who, visits in came_in.items() if who.kind not in ("service", "computer") and _is_everywhere(visits)],
        "LOG-023": [who.sid for who, visits in came_in.items() if who.kind == "generic" and any(_is_away(v) for v in visits)],
        "LOG-024": [who.sid for who, visits in came_in.items() if who.kind in ("person", "generic", "vendor") and _wakes(who, visits)],
        "LOG-030": [who.sid for who, visits in came_in.items() if who.kind == "service" and any(v.logon_type in (2, 10) for v in visits)],
        "LOG-050": sorted({f"{c.group.sid}/{c.member.sid}" for c in plan.changes if c.added and c.group.rid in _PRIVILEGED}),
        "LOG-051": [
            f"{c.group.sid}/{c.member.sid}" for c in plan.changes if c.added and any(
                not d.added and (d.group, d.member) == (c.group, c.member) and timedelta(0) < d.at - c.at <= timedelta(hours=1)
                for d in plan.changes
            )
        ],
        "LOG-060": [host.lower() for _, host, _ in plan.cleared],
        "LOG-062": [f"{DC2}/{HOSTS[DC2]}"],
        "LOG-070": sorted({
            a.account.sid for a in plan.attempts
            if a.account and a.account.kind == "break_glass" and not plan.drill[0] <= a.at <= plan.drill[1]
        }),
        "SPC-014": [who.sid for who, visits in came_in.items() if who.kind == "person" and _has_left(facts, who, visits)],
    }  # fmt: skip


def _by(key: Callable[[Attempt], _K], attempts: Iterable[Attempt]) -> dict[_K, list[Attempt]]:
    found: dict[_K, list[Attempt]] = defaultdict(list)
    for attempt in attempts:
        found[key(attempt)].append(attempt)
    return found


def _windows(attempts: list[Attempt], minutes: int) -> Iterable[list[Attempt]]:
    """The attempts of every stretch of less than so many minutes that starts with one of them."""
    for first in attempts:
        yield [a for a in attempts if timedelta(0) <= a.at - first.at < timedelta(minutes=minutes)]


def _is_spray(refused: list[Attempt], everything: list[Attempt], known: int) -> bool:
    """Five accounts within ten minutes, more where the logs know more than 250."""
    enough = max(5, min(20, 0.02 * known))
    for near in _windows(refused, 10):
        day = [a for a in everything if a.at.date() == near[-1].at.date()]
        if len({a.who for a in near}) >= enough and sum(not a.ok for a in day) > sum(a.ok for a in day):
            return True
    return False


def _is_guessing(wrong: list[Attempt]) -> bool:
    burst = max(len(near) for near in _windows(wrong, 5))
    return burst >= 20 or (burst >= 5 and len({a.at.date() for a in wrong}) < 5)


def _is_guessed(attempts: list[Attempt]) -> bool:
    first = next((number for number, a in enumerate(attempts) if a.ok), 0)
    before = [a for a in attempts[:first] if a.reason == "bad_password" and attempts[first].at - a.at <= timedelta(minutes=10)]
    return len(before) >= 5


def _is_slow_spray(attempts: list[Attempt]) -> bool:
    for day in {a.at.date() for a in attempts}:
        tried = [a for a in attempts if a.at.date() == day]
        failed = [a for a in tried if not a.ok]
        names = {a.who for a in failed}
        if len(names) >= 20 and len(failed) <= 2 * len(names) and 10 * (len(tried) - len(failed)) < len(failed):
            return True
    return False


def _pole(place: str) -> str:
    for _, pole, network, machine in PLACES:
        if place == machine.lower() or place.startswith(f"10.20.{network}."):
            return pole
    return ""


def _is_everywhere(visits: list[Attempt]) -> bool:
    return any(len({_pole(v.where) or v.where for v in near}) >= 5 for near in _windows(visits, 5))


def _is_away(visit: Attempt) -> bool:
    home = next((pole for key, (_, pole, _, _) in UNITS.items() if key in visit.who), "")
    seen = _pole(visit.place)
    return bool(home and seen) and home != seen


def _wakes(account: Account, visits: list[Attempt]) -> bool:
    first = min(v.at for v in visits)
    if account.last_sign_in is None:
        return account.created < first - timedelta(days=30)
    return account.last_sign_in < first - timedelta(days=60)


def _has_left(facts: Facts, account: Account, visits: list[Attempt]) -> bool:
    if account.person is None:
        return False
    tenure = facts.tenure(account.person)
    return tenure.status == "left" and tenure.end is not None and max(v.at for v in visits) >= tenure.end + timedelta(days=1)


def _past_contract(facts: Facts, came_in: dict[Account, list[Attempt]]) -> list[str]:
    ends = {contract.account.lower(): contract.end for contract in facts.hospital.vendors}
    found = []
    for account, visits in came_in.items():
        end = ends.get(account.sam.lower())
        if account.kind == "vendor" and end and max(v.at for v in visits) >= datetime.combine(end, time()) + timedelta(days=1):
            found.append(account.sid)
    return found
