"""Four ordinary weeks: nurses in three shifts on the machines of their unit, offices by day, doctors on call, tasks by night."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sample_data.generator import jobs
from sample_data.generator.facts import Facts
from sample_data.generator.model import Account, Hospital
from sample_data.generator.sign_in_plan import (
    CITRIX,
    DAYS,
    DC1,
    DC2,
    DC3,
    JUMP_HOST,
    OLD_JUMP_HOST,
    PHARMACY,
    SERVERS,
    UNITS,
    VPN,
    WINDOWS,
    Attempt,
    Plan,
    moment,
    network,
    workers,
)

CREW = 6
_SHIFTS = (6, 13, 20)
"""Hours, UTC, at which a shift begins."""
_TASKS = ("svc_ged", "svc_paie", "svc_planning", "svc_badge")
KIOSK = "10.20.21.5"


@dataclass(frozen=True)
class Crews:
    """People who sign in: nurses by unit, nurses without a unit of their own, pharmacists, doctors on call, and everybody else."""

    nurses: dict[str, list[Account]]
    floating: list[Account]
    pharmacists: list[Account]
    doctors: list[Account]
    office: list[Account]


def crews(facts: Facts, taken: set[Account]) -> Crews:
    """Everybody once; nurses of the unit first, then as many of other units as the shifts need."""
    free = [account for account in workers(facts) if account not in taken]
    nurses = [account for account in free if account.job is jobs.NURSE]
    at_home = {account: account.person.unit.name for account in nurses if account.person}
    chosen = {key: [a for a in nurses if at_home[a] == name][:CREW] for key, (name, *_) in UNITS.items()}
    spare = [account for account in nurses if not any(account in crew for crew in chosen.values())]
    for crew in chosen.values():
        while len(crew) < CREW:
            crew.append(spare.pop(0))
    others = [account for account in free if account.job is not jobs.NURSE]
    pharmacists = [account for account in others if account.job is jobs.PHARMACIST][:3]
    doctors = [account for account in others if account.job is jobs.DOCTOR][:8]
    office = [account for account in others if account not in (*pharmacists, *doctors)]
    return Crews(chosen, spare[:4], pharmacists, doctors, office[:130])


def on_duty(crew: list[Account], start: datetime, as_of: datetime) -> list[Account]:
    """Who of six works at that hour: two for each shift, four days on and two off, never both off together."""
    shift = 0 if 6 <= start.hour < 13 else 1 if 13 <= start.hour < 20 else 2
    day = (as_of - start).days
    return [account for number, account in enumerate(crew) if number % 3 == shift and (day + 3 * (number // 3)) % 6 < 4]


def add(hospital: Hospital, made: Plan, people: Crews) -> None:
    """Every hour somebody signs in on each controller; shared machines change hands with the shifts; VPN by day and on call."""
    rng = hospital.rng("sign-ins")
    admins = [account for account in hospital.accounts if account.sam.startswith("adm_")]
    ward = [hospital.account(name) for name in ("ide-urg1", "ide-rea1", "ide-cardio1", "ide-pneumo1", "bloc1")]

    def within(start: datetime) -> datetime:
        return start + timedelta(seconds=rng.randrange(3600))

    for hour in range(DAYS * 24):
        start = hospital.ago(DAYS) + timedelta(hours=hour)
        ago = (hospital.as_of - start) / timedelta(hours=1)
        present = [(a, unit) for key, unit in UNITS.items() for a in on_duty(people.nurses[key], start, hospital.as_of)]
        first, second = rng.sample(present, 2)
        # A reboot of one hour, and three hours in which the second controller said nothing.
        if ago != 9 * 24:
            made.attempts.append(Attempt(within(start), DC1, first[0], network(first[1], 11 + rng.randrange(2))))
        if not 5 * 24 - 3 < ago <= 5 * 24:
            if 8 <= start.hour < 17 and rng.randrange(3):
                number = rng.randrange(40)
                made.attempts.append(Attempt(within(start), DC2, people.office[number], f"10.20.20.{20 + number}"))
            else:
                made.attempts.append(Attempt(within(start), DC2, second[0], network(second[1], 11 + rng.randrange(2))))
        if start.hour in _SHIFTS:
            for account, (_, _, _, machine) in zip(ward, UNITS.values(), strict=True):
                at = start + timedelta(minutes=45, seconds=rng.randrange(600))
                made.attempts.append(Attempt(at, WINDOWS, account, "", host=machine, logon_type=2))
        if start.hour == 8:
            for number, server in enumerate(SERVERS):
                made.attempts.append(Attempt(within(start), WINDOWS, people.office[number], f"10.20.20.{20 + number}", host=server))
            for number, server in enumerate((JUMP_HOST, OLD_JUMP_HOST)):
                made.attempts.append(Attempt(within(start), WINDOWS, admins[number], f"10.20.20.{200 + number}", host=server))
        if 7 <= start.hour <= 18 or start.hour == 22:
            number = rng.randrange(8)
            who = people.doctors[number] if start.hour == 22 or number % 2 else people.office[number]
            made.attempts.append(Attempt(within(start), VPN, who, f"203.0.113.{10 + number + 20 * (who in people.doctors)}"))
    _add_days(hospital, made, people)
    _add_mistypes(hospital, made, people.doctors, admins[0])


def _add_days(hospital: Hospital, made: Plan, people: Crews) -> None:
    """What happens once a day: the pharmacy, tasks at night, the kiosk of the hall, a gateway."""
    rng = hospital.rng("sign-ins by day")
    for days in range(1, DAYS):
        for number, account in enumerate(people.pharmacists):
            at = moment(hospital, days, 8, rng.randrange(40) + 15 * number)
            made.attempts.append(Attempt(at, DC1, account, network(PHARMACY, 20 + number)))
        for number, name in enumerate(_TASKS):
            # One task moved to another machine two weeks before the audit: by then it is a habit.
            machine = 31 if name == "svc_planning" and days < 15 else 21 + number
            at = moment(hospital, days, 2, 5 + 10 * number, rng.randrange(60))
            made.attempts.append(Attempt(at, DC2, hospital.account(name), f"10.20.50.{machine}"))
        if days % 7 in (1, 4):
            # A kiosk that everybody passes; on one day in the last week, half as many again.
            for number, account in enumerate(people.office[40 : 55 if days == 4 else 50]):
                made.attempts.append(Attempt(moment(hospital, days, 11, 5 + 4 * number), DC1, account, KIOSK))
    for number, account in enumerate(people.office[20:32]):
        # The gateway, put into service on one evening of the last week: shared, as audit.yaml says.
        made.attempts.append(Attempt(moment(hospital, 5, 18, 3 * number), DC1, account, CITRIX))


def _add_mistypes(hospital: Hospital, made: Plan, doctors: list[Account], admin: Account) -> None:
    """What keeps every log honest: now and then a password is mistyped, at home and on the third controller, whose keeper comes daily."""
    for days in range(1, DAYS + 1):
        at = moment(hospital, days, 9, 20, 7 * days)
        if days % 5 == 0:
            made.attempts.append(Attempt(at - timedelta(seconds=30), WINDOWS, admin, "10.20.20.200", "bad_password", host=DC3))
        made.attempts.append(Attempt(at, WINDOWS, admin, "10.20.20.200", host=DC3))
        if days % 3 == 0:
            number = days % 8
            at, origin = moment(hospital, days, 19, 10, days), f"203.0.113.{30 + number}"
            made.attempts.append(Attempt(at, VPN, doctors[number], origin, "bad_password"))
            made.attempts.append(Attempt(at + timedelta(seconds=40), VPN, doctors[number], origin))
