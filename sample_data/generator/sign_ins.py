"""Four weeks of sign-ins: shifts on shared machines, on-call VPN, planted incidents, and what looks like them and is none."""

from __future__ import annotations

from datetime import datetime, timedelta

from sample_data.generator import sign_ins_cloud, sign_ins_daily, sign_ins_habits
from sample_data.generator.facts import Facts
from sample_data.generator.model import Account, Hospital
from sample_data.generator.sign_in_plan import DAYS, DC1, DC2, SERVERS, UNITS, VPN, WINDOWS, Attempt, Change, Plan, moment


def plan(hospital: Hospital) -> Plan:
    """The plan of that hospital: always the same."""
    facts = Facts(hospital)
    made = Plan()
    team = sign_ins_cloud.people(facts)
    people = sign_ins_daily.crews(facts, {who.account for who in team})
    office = people.office
    sign_ins_daily.add(hospital, made, people)
    sign_ins_cloud.add(hospital, made, team)
    sign_ins_habits.add(hospital, made, people)
    admin = next(a for a in facts.privileged if a.person and a.sam.isascii() and a.last_sign_in and not facts.before(a.last_sign_in, 20))
    _guesses(hospital, made, office[80:], admin)
    _accounts(hospital, facts, made)
    _machines(hospital, made, office[56:60])
    _groups(hospital, made, office[40:50])
    made.attempts.sort(key=lambda attempt: (attempt.at, attempt.source, attempt.who, attempt.host))
    made.given.sort(key=lambda given: (given.at, given.machine))
    return made


def _guesses(hospital: Hospital, made: Plan, staff: list[Account], admin: Account) -> None:
    """Attacks on passwords, and people who only mistype."""

    def tries(accounts: list[Account], at: datetime, step: int, origin: str, reason: str = "bad_password", source: str = DC1) -> datetime:
        for number, account in enumerate(accounts):
            made.attempts.append(Attempt(at + timedelta(seconds=step * number), source, account, origin, reason))
        return at + timedelta(seconds=step * len(accounts))

    tries(staff[:12], moment(hospital, 6, 1, 10), 20, "10.20.4.166")  # spray
    tries(staff[12:36], moment(hospital, 11, 0, 5), 360, "10.20.9.40", source=DC2)  # slow spray
    tries(staff[12:30], moment(hospital, 12, 0, 5), 360, "10.20.9.41", source=DC2)  # two accounts too few
    kiosk = staff[36:41]
    end = tries(kiosk, moment(hospital, 3, 13, 44), 50, "10.20.21.6")  # five typos at the change of shift, and everybody comes in
    for number, account in enumerate((*kiosk, kiosk[0])):
        made.attempts.append(Attempt(end + timedelta(seconds=30 * number), DC1, account, "10.20.21.6"))
    guessed, typist, nearly, phone = staff[41:45]
    end = tries([guessed] * 12, moment(hospital, 8, 3, 0), 18, "10.20.7.91")
    made.attempts.append(Attempt(end, DC1, guessed, "10.20.7.91"))  # guessed, then in
    end = tries([admin] * 9, moment(hospital, 9, 4, 0), 20, "10.20.7.92")
    made.attempts.append(Attempt(end, DC1, admin, "10.20.7.92"))  # the same with somebody who runs the domain
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
    asleep = [a for a in enabled if a.person and facts.tenure(a.person).status == "present" and facts.before(a.last_sign_in, 104)]
    remote = facts.roles["remote_access"]
    asleep = [*[a for a in asleep if a in remote][:1], *[a for a in asleep if a not in remote][:1]]
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
