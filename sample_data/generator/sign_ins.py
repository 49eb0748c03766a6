"""Four weeks of sign-ins: shifts on shared machines, on-call VPN, planted incidents, and what looks like them and is none."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, time, timedelta

from sample_data.generator.facts import Facts
from sample_data.generator.model import Account, Group, Hospital

DAYS = 28
DC1, DC2, VPN, WINDOWS = "journal-dc1", "journal-dc2", "vpn", "journaux-windows"
HOSTS = {DC1: "chuv-dc1", DC2: "chuv-dc2", VPN: "vpn"}
UNITS = {
    "urg": ("Urgences", "Urgences et réanimation", 1, "POSTE-0001"),
    "rea": ("Réanimation", "Urgences et réanimation", 2, "POSTE-0013"),
    "cardio": ("Cardiologie", "Cœur et poumon", 3, "POSTE-0025"),
    "pneumo": ("Pneumologie", "Cœur et poumon", 4, "POSTE-0037"),
    "bloc": ("Bloc opératoire", "Bloc opératoire", 5, "POSTE-0049"),
}
"""Key in account names: unit, pole, third number of its network, its shared machine; audit.yaml says the same in patterns."""
SERVERS = ("SRV-RDS01", "SRV-FIC02", "SRV-APP03", "SRV-WEB04")


@dataclass(eq=False)
class Attempt:
    """One sign-in. `name` is what was typed when there is no such account."""

    at: datetime
    source: str
    account: Account | None
    origin: str
    reason: str = ""
    name: str = ""
    host: str = ""
    logon_type: int = 3

    @property
    def ok(self) -> bool:
        """It succeeded."""
        return not self.reason

    @property
    def who(self) -> str:
        """The name typed."""
        return self.account.sam.lower() if self.account else self.name


@dataclass(eq=False)
class Change:
    """A member added to a group or removed from it."""

    at: datetime
    group: Group
    member: Account
    actor: Account
    added: bool = True


@dataclass(eq=False)
class Plan:
    """What the logs tell."""

    attempts: list[Attempt] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    cleared: list[tuple[datetime, str, Account]] = field(default_factory=list)
    drill: tuple[datetime, datetime] = (datetime(1, 1, 1), datetime(1, 1, 1))


def plan(hospital: Hospital) -> Plan:
    """The plan of that hospital: always the same."""
    facts = Facts(hospital)
    made = Plan()
    staff = _staff(facts)
    _shifts(hospital, made, staff)
    _guesses(hospital, made, staff[60:])
    _accounts(hospital, facts, made)
    _machines(hospital, made, staff[50:60])
    _groups(hospital, made, staff[40:50])
    made.attempts.sort(key=lambda attempt: (attempt.at, attempt.source, attempt.who, attempt.host))
    return made


def moment(hospital: Hospital, days: int, hour: int, minute: int = 0, second: int = 0) -> datetime:
    """A time of day so many days before that of the audit."""
    return datetime.combine(hospital.day(days), time()) + timedelta(hours=hour, minutes=minute, seconds=second)


def _staff(facts: Facts) -> list[Account]:
    """Staff in order, used lately, without privileges, mixed by dice of their own."""
    hospital = facts.hospital
    found = [
        account for account in facts.others
        if account.kind == "person" and account.population == "staff" and account.person and account.sam.isascii()
        and facts.tenure(account.person).status == "present" and account.last_sign_in and not facts.before(account.last_sign_in, 20)
        and facts.before(account.created, 90)
    ]  # fmt: skip
    hospital.rng("sign-ins of staff").shuffle(found)
    return found[:120]


def _desk(number: int) -> str:
    """Where somebody of the pool sits."""
    return f"10.20.{1 + number % 5}.{20 + number // 5}"


def _shifts(hospital: Hospital, made: Plan, staff: list[Account]) -> None:
    """Every hour somebody signs in on each controller; shared machines change hands with the shifts; VPN by day and on call."""
    rng = hospital.rng("sign-ins")
    ward = [hospital.account(name) for name in ("ide-urg1", "ide-rea1", "ide-cardio1", "ide-pneumo1", "bloc1")]
    for hour in range(DAYS * 24):
        start = hospital.ago(DAYS) + timedelta(hours=hour)
        ago = (hospital.as_of - start) / timedelta(hours=1)
        for source, count in ((DC1, 2), (DC2, 1)):
            # A reboot of one hour, and three hours in which the second controller said nothing.
            if (source == DC1 and ago == 9 * 24) or (source == DC2 and 5 * 24 - 3 < ago <= 5 * 24):
                continue
            for _ in range(count):
                number = rng.randrange(40)
                made.attempts.append(Attempt(_within(rng.randrange(3600), start), source, staff[number], _desk(number)))
        if start.hour in (6, 13, 20):
            for account, (_, _, _, machine) in zip(ward, UNITS.values(), strict=True):
                made.attempts.append(
                    Attempt(start + timedelta(minutes=45, seconds=rng.randrange(600)), WINDOWS, account, "", host=machine, logon_type=2)
                )
        if start.hour == 8:
            for number, server in enumerate(SERVERS):
                made.attempts.append(Attempt(_within(rng.randrange(3600), start), WINDOWS, staff[number], _desk(number), host=server))
        if 7 <= start.hour <= 18 or start.hour == 22:
            number = rng.randrange(12)
            made.attempts.append(Attempt(_within(rng.randrange(3600), start), VPN, staff[number], f"203.0.113.{10 + number}"))


def _within(second: int, start: datetime) -> datetime:
    return start + timedelta(seconds=second)


def _guesses(hospital: Hospital, made: Plan, staff: list[Account]) -> None:
    """Attacks on passwords, and people who only mistype."""

    def tries(accounts: list[Account], at: datetime, step: int, origin: str, reason: str = "bad_password", source: str = DC1) -> datetime:
        for number, account in enumerate(accounts):
            made.attempts.append(Attempt(at + timedelta(seconds=step * number), source, account, origin, reason))
        return at + timedelta(seconds=step * len(accounts))

    tries(staff[:12], moment(hospital, 6, 1, 10), 20, "10.20.4.166")  # spray
    tries(staff[12:36], moment(hospital, 11, 0, 5), 360, "10.20.9.40", source=DC2)  # slow spray
    tries(staff[12:30], moment(hospital, 12, 0, 5), 360, "10.20.9.41", source=DC2)  # two accounts too few
    kiosk = staff[36:41]
    end = tries(kiosk, moment(hospital, 3, 13, 44), 50, "10.20.1.15")  # five typos at the change of shift, and everybody comes in
    for number, account in enumerate((*kiosk, kiosk[0])):
        made.attempts.append(Attempt(end + timedelta(seconds=30 * number), DC1, account, "10.20.1.15"))
    guessed, typist, nearly, phone = staff[41:45]
    end = tries([guessed] * 12, moment(hospital, 8, 3, 0), 18, "10.20.7.91")
    made.attempts.append(Attempt(end, DC1, guessed, "10.20.7.91"))  # guessed, then in
    for account, count in ((typist, 6), (nearly, 4)):
        made.attempts.append(Attempt(moment(hospital, 20, 7, 5), DC1, account, "10.20.3.88"))
        end = tries([account] * count, moment(hospital, 2, 7, 5), 25, "10.20.3.88")
        made.attempts.append(Attempt(end, DC1, account, "10.20.3.88"))
    for days in range(10, 17):  # a telephone that keeps an old password
        tries([phone] * 5, moment(hospital, days, 6, 30), 40, "10.20.8.30")
    for names, origin in ((("jdupontel", "amartinot", "support1", "test_scan"), "10.20.4.167"), (("acceuil", "pharmcie"), "10.20.2.71")):
        for number, name in enumerate(names):
            at = moment(hospital, 7, 2, 20, 25 * number)
            made.attempts.append(Attempt(at, DC1, None, origin, "no_such_user", name))


def _accounts(hospital: Hospital, facts: Facts, made: Plan) -> None:
    """Accounts that should not have been used, and neighbours that may."""
    enabled = [a for a in facts.users if a.person and a.kind == "person" and a.population == "staff" and a.sam.isascii()]
    asleep = [a for a in enabled if a.person and facts.tenure(a.person).status == "present" and facts.before(a.last_sign_in, 104)][:2]
    gone = [a for a in enabled if a.person and facts.tenure(a.person).status == "left"]
    ended = {contract.account.lower(): contract.end for contract in hospital.vendors}
    suppliers = [a for a in facts.users if a.kind == "vendor" and a.sam.isascii()]
    late = [a for a in suppliers if (end := ended.get(a.sam.lower())) and end < hospital.day(DAYS)][:2]
    valid = [a for a in suppliers if (end := ended.get(a.sam.lower())) and end > hospital.day(0)][:3]
    for number, account in enumerate((*asleep, *gone[2:4], *late, *valid)):
        at = moment(hospital, 4 if account not in valid else 5, 19, 12 + number)
        made.attempts.append(Attempt(at, VPN, account, f"198.51.100.{20 + number}"))
    for account in gone:
        end = facts.tenure(account.person).end if account.person else None
        if end and hospital.ago(DAYS - 2) < end and account not in gone[2:4]:
            made.attempts.append(Attempt(end + timedelta(hours=9), VPN, account, "198.51.100.60"))  # on the last day
    closed = [a for a in hospital.accounts if not a.enabled and a.kind == "person" and a.object_class == "user" and a.sam.isascii()]
    for days in range(1, 8):  # a task that nobody cleaned up
        made.attempts.append(Attempt(moment(hospital, days, 2, 15), DC1, closed[0], "10.20.50.12", "disabled"))
    made.attempts.append(Attempt(moment(hospital, 13, 4, 40), DC1, hospital.account("degrade_03"), "10.20.6.14", "bad_password"))
    made.drill = moment(hospital, 17, 13), moment(hospital, 17, 15)
    made.attempts.append(Attempt(moment(hospital, 17, 13, 30), DC1, hospital.account("degrade_05"), "10.20.6.10"))


def _machines(hospital: Hospital, made: Plan, staff: list[Account]) -> None:
    """What only the logs of machines show."""
    machines = [*(machine for _, _, _, machine in UNITS.values()), *SERVERS]
    for number, machine in enumerate(machines):  # one account everywhere within two minutes
        made.attempts.append(Attempt(moment(hospital, 10, 2, 0, 12 * number), WINDOWS, staff[0], "10.20.9.77", host=machine))
    for number, machine in enumerate(machines[:5]):  # a round through three poles
        made.attempts.append(Attempt(moment(hospital, 10, 9, 0, 50 * number), WINDOWS, staff[1], "", host=machine, logon_type=2))
    for days, name, machine, kind in (
        (15, "ide-urg1", "POSTE-0049", 2),  # off its ward
        (15, "ide-cardio1", "POSTE-0037", 2),  # next door, in the same pole
        (18, "svc_etl", "SRV-RDS01", 10),
        (18, "svc_sql", "SRV-FIC02", 3),
    ):
        origin = "" if kind == 2 else "10.20.9.12"
        made.attempts.append(
            Attempt(moment(hospital, days, 23, 20), WINDOWS, hospital.account(name), origin, host=machine, logon_type=kind)
        )
    made.cleared.append((moment(hospital, 18, 23, 50), "SRV-RDS01", hospital.account("svc_etl")))


def _groups(hospital: Hospital, made: Plan, staff: list[Account]) -> None:
    """Changes of groups: one that gives the domain, one that comes and goes, and everyday ones."""
    admins = next(group for group in hospital.groups if group.rid == 512)
    vpn, backup = hospital.group("GG_VPN_SSL"), hospital.group("GG_SAUVEGARDE_EXPLOITANTS")
    actor = next(account for account in hospital.accounts if account.sam.startswith("adm_"))
    for days, hour, minute, group, member, added in (
        (14, 22, 5, admins, staff[0], True),
        (16, 9, 0, admins, staff[1], False),
        (9, 10, 0, vpn, staff[2], True),
        (8, 15, 0, backup, staff[3], True),
        (8, 15, 20, backup, staff[3], False),
        (7, 9, 0, vpn, staff[4], True),
        (7, 12, 0, vpn, staff[4], False),
    ):
        made.changes.append(Change(moment(hospital, days, hour, minute), group, member, actor, added))
    made.changes.sort(key=lambda change: change.at)
