"""Sign-ins to Entra ID: office days and calls from home, journeys, and the incidents that look like journeys."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from sample_data.generator import entra, jobs
from sample_data.generator.facts import Facts
from sample_data.generator.identifiers import guid_text
from sample_data.generator.model import Account, Hospital
from sample_data.generator.sign_in_plan import CLOUD, DAYS, WINDOWS, Attempt, Plan, Spot, moment, workers

FRANCE, SITE = "FR", Spot("FR", 46.81, 1.69)
MONTREAL, BARCELONA = Spot("CA", 45.5, -73.57), Spot("ES", 41.39, 2.17)
HANOI = Spot("VN", 21.03, 105.85)
EGRESS = "192.0.2.10"
"""The hospital's own way out, a trusted place of the tenant."""
_AWAY = {4: range(10, 15), 5: range(10, 15), 6: range(10, 15), 7: range(10, 15), 8: range(2, 6), 9: range(15, 21), 10: range(15, 21),
         11: range(15, 21), 12: range(3, 7), 0: range(3, 5), 1: range(1, 3), 2: range(2, 4)}  # fmt: skip
"""Days, counted back from the audit, on which somebody of the list leaves the ordinary round."""


@dataclass(frozen=True)
class Traveller:
    """Somebody of the tenant, with the machine and the home they always sign in from."""

    account: Account
    number: int

    @property
    def device(self) -> str:
        """Identifier of their own machine."""
        return guid_text(f"entra device {self.account.sid}")

    @property
    def home(self) -> Spot:
        """Less than a hundred kilometres around the hospital."""
        return Spot(FRANCE, round(46.4 + self.number * 0.04, 2), round(1.3 + self.number * 0.05, 2))

    @property
    def address(self) -> str:
        """Of their line at home."""
        return f"203.0.113.{100 + self.number}"


def people(facts: Facts) -> list[Traveller]:
    """Twenty of the staff who use the tenant, doctors first; the second has a password and nothing else."""
    users = {user.account: user for user in entra.plan(facts.hospital).users if user.enabled and _is_active(facts, user)}
    found = [account for account in workers(facts) if account in users and account.job is not jobs.NURSE]
    found.sort(key=lambda account: account.job is not jobs.DOCTOR)
    bare = next(account for account in found if not users[account].capable and not facts.has_strong_authentication(account))
    rest = [account for account in found if account is not bare]
    return [Traveller(account, number) for number, account in enumerate([rest[0], bare, *rest[1:19]])]


def _is_active(facts: Facts, user: entra.CloudUser) -> bool:
    return user.account is not None and user.last_sign_in is not None and not facts.before(user.last_sign_in, 20)


def add(hospital: Hospital, made: Plan, team: list[Traveller]) -> None:
    """Every hour of the day somebody, then who is away and who only seems to be."""
    rng = hospital.rng("sign-ins to the tenant")
    for hour in range(DAYS * 24):
        start = hospital.ago(DAYS) + timedelta(hours=hour)
        if not 6 <= start.hour <= 21:
            continue
        days = (hospital.as_of.date() - start.date()).days
        free = [who for who in team if days not in _AWAY.get(who.number, ())]
        for who in rng.sample(free, 2 if 8 <= start.hour < 17 else 1):
            _ordinary(made, who, start + timedelta(seconds=rng.randrange(3600)), rng)
    _journeys(hospital, made, team)
    _incidents(hospital, made, team)


def _ordinary(made: Plan, who: Traveller, at: datetime, rng: random.Random) -> None:
    """From the hospital by day, from home otherwise; now and then after a wrong password."""
    inside = 8 <= at.hour < 17 and who.number % 4
    origin, spot = (EGRESS, SITE) if inside else (who.address, who.home)
    if rng.randrange(40) == 0:
        made.attempts.append(Attempt(at - timedelta(seconds=30), CLOUD, who.account, origin, "bad_password", spot=spot, device=who.device))
    made.attempts.append(Attempt(at, CLOUD, who.account, origin, spot=spot, device=who.device))


def _visit(hospital: Hospital, made: Plan, who: Traveller, when: tuple[int, int, int], spot: Spot, origin: str, device: str = "") -> None:
    made.attempts.append(Attempt(moment(hospital, *when), CLOUD, who.account, origin, spot=spot, device=device or who.device))


def _journeys(hospital: Hospital, made: Plan, team: list[Traveller]) -> None:
    """Near misses: a conference town and a beach that several know, each with their own machine and time enough to get there."""
    for who in team[4:8]:
        for days in (13, 12, 11):
            _visit(hospital, made, who, (days, 14, 10 + who.number), MONTREAL, "198.51.100.130")
    for days in (5, 4, 3):
        _visit(hospital, made, team[8], (days, 15, 20), MONTREAL, "198.51.100.131")  # the first time, in the assessed week
    for who in team[9:12]:
        for days in (19, 17, 16):
            _visit(hospital, made, who, (days, 9, 5 + who.number), BARCELONA, f"198.51.100.{132 + who.number}")
    for days in (6, 5, 4):
        _visit(hospital, made, team[12], (days, 10, 0), BARCELONA, "198.51.100.150")
    # Her telephone leaves by the operator at home: far in no time, on her own machine.
    _visit(hospital, made, team[12], (5, 10, 25), team[12].home, "203.0.113.240")


def _incidents(hospital: Hospital, made: Plan, team: list[Traveller]) -> None:
    doctor, clerk, busy = team[0], team[1], team[2]
    _visit(hospital, made, doctor, (4, 17, 40), doctor.home, doctor.address)
    # A stolen password, from a country that colleagues know: only the journey is impossible.
    _visit(hospital, made, doctor, (4, 18, 25), MONTREAL, "198.51.100.140", guid_text("entra device thief 1"))
    # From where nobody ever was, with time enough to have gone there.
    _visit(hospital, made, clerk, (2, 13, 30), HANOI, "198.51.100.141", guid_text("entra device thief 2"))
    # On the ward and abroad within the hour; the ward is a habit, and abroad is where colleagues were.
    for days in (24, 20, 16, 12, 9, 3):
        at = moment(hospital, days, 9, 5)
        made.attempts.append(Attempt(at, WINDOWS, busy.account, "", host="POSTE-0001", logon_type=2))
    _visit(hospital, made, busy, (3, 9, 31), BARCELONA, "198.51.100.142", guid_text("entra device thief 3"))
    # Near miss: on the ward, and at home by the telephone left there.
    near = team[3]
    for days in (23, 19, 15, 11, 6):
        at = moment(hospital, days, 9, 40)
        made.attempts.append(Attempt(at, WINDOWS, near.account, "", host="POSTE-0013", logon_type=2))
    _visit(hospital, made, near, (6, 9, 55), near.home, near.address)
