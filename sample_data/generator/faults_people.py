"""Planted faults between directory, HR, registry and vendors' register, each with near misses that must stay quiet."""

from __future__ import annotations

from datetime import timedelta

from sample_data.generator import jobs
from sample_data.generator.faults_credentials import is_staff
from sample_data.generator.model import SITES, Account, Contract, Hospital, Person
from sample_data.generator.people import OPEN_ENDS, People

EXCEL = "9,90000E+10"
"""What a spreadsheet leaves of an RPPS number."""


def plant(hospital: Hospital, people: People) -> None:
    """Everything of this file."""
    _plant_registry(hospital)
    _plant_identifiers(hospital)
    _plant_leavers(hospital)
    _plant_interns_and_students(hospital)
    _plant_agency(hospital, people)
    _plant_unmatched(hospital)
    _damage_hr(hospital)


def _identified(account: Account) -> bool:
    return is_staff(account) and account.id_status == "ok" and account.id_written != ""


def _plant_registry(hospital: Hospital) -> None:
    """Twelve professionals vanish between the two releases; others lose one of two places, which means nothing."""
    doctors = hospital.take(2, lambda account: _identified(account) and account.job is jobs.DOCTOR)
    nurses = hospital.take(10, lambda account: _identified(account) and account.job is jobs.NURSE)
    for account in (*doctors, *nurses):
        if account.professional:
            account.professional.vanished = True
    nurses[0].last_sign_in = hospital.ago(25)  # near miss of TOX-004: not seen since
    vpn = hospital.group("GG_VPN_SSL")
    vpn.members += [account for account in (doctors[0], *nurses[:2]) if account not in vpn.members]
    former = [account for account in hospital.accounts if is_staff(account) and not account.enabled]
    former[9].id_written, former[9].id_status, former[9].professional = doctors[1].id_written, "ok", doctors[1].professional
    for account in hospital.take(5, lambda account: _identified(account) and account.job is jobs.DOCTOR):
        if account.professional:
            account.professional.sites = [(SITES["CHUV"], "S"), (SITES["CHB"], "S")]
            account.professional.drops_site = True
    for account in hospital.take(hospital.n(15), lambda account: _identified(account) and account.job is jobs.NURSE):
        if account.professional:
            account.professional.unlisted = True
    prescribers = hospital.group("GG_DPI_PRESCRIPTEUR")
    prescribers.members += hospital.take(5, lambda account: _identified(account) and account.job is jobs.NURSE)
    prescribers.members += hospital.take(1, lambda account: _identified(account) and account.job is jobs.PHYSIO)
    prescribers.members += hospital.take(
        2, lambda account: is_staff(account) and account.job is jobs.NURSE and account.id_status == "missing"
    )


def _plant_identifiers(hospital: Hospital) -> None:
    """Identifiers that are wrong, old, damaged or shared."""
    plan = (
        ("bad_checksum", 34), ("legacy_adeli", 46), ("finess_in_field", 5), ("excel_damaged", 2), ("bad_format", 3), ("idnps_given", 69),
    )  # fmt: skip
    for status, full in plan:
        for account in hospital.take(hospital.n(full), lambda account: _identified(account) and account.job in jobs.CLINICAL):
            account.id_status = status
            if status == "idnps_given":
                account.id_written = f"8{account.id_written}"
                continue
            number = account.id_written
            account.id_written = {
                "bad_checksum": number[:-1] + str((int(number[-1]) + 1) % 10),
                "legacy_adeli": f"75{number[2:9]}",
                "finess_in_field": SITES["CHUV"],
                "excel_damaged": EXCEL,
                "bad_format": f"RPPS {number[:6]}",
            }[status]
            account.professional = None
            if account.person:
                account.person.rpps = ""
    for account in hospital.take(3, lambda account: is_staff(account) and account.job is jobs.NURSE and account.id_status == "missing"):
        account.id_status = "excel_damaged"
        _person(account).rpps = EXCEL
    for account in hospital.take(4, _identified):
        _person(account).rpps = EXCEL  # near miss: the directory holds the right number
    nurses = hospital.take(14 if hospital.factor >= 1 else 4, lambda account: _identified(account) and account.job is jobs.NURSE)
    for first, second in zip(nurses[::2], nurses[1::2], strict=True):
        second.id_written, second.professional = first.id_written, first.professional
        _person(second).rpps = ""
    partners = [a for a in hospital.accounts if a.population == "partner" and a.id_status == "missing" and a.rid not in hospital.used][:3]
    doctors = hospital.take(len(partners), lambda account: _identified(account) and account.job is jobs.DOCTOR)
    for partner, doctor in zip(partners, doctors, strict=True):  # near miss: one person, two accounts
        _person(doctor).rpps = doctor.id_written
        partner.id_written, partner.id_status, partner.professional = doctor.id_written, "ok", doctor.professional
        partner.person = doctor.person
        hospital.used.add(partner.rid)


def _person(account: Account) -> Person:
    if account.person is None:
        raise ValueError(f"{account.sam} has no HR person")
    return account.person


def _plant_leavers(hospital: Hospital) -> None:
    """Sixty people gone with an open account; some left two days ago, some come back, some hold several contracts."""
    for number, account in enumerate(hospital.take(hospital.n(60), is_staff)):
        gone = 10 + number * 6
        _person(account).contracts = [Contract("CDD", hospital.day(gone + 400), hospital.day(gone))]
        account.last_sign_in = hospital.ago(min(gone + 2, 95)) if number % 3 else hospital.ago(3)
    for account in hospital.take(6, is_staff):
        _person(account).contracts = [Contract("CDD", hospital.day(300), hospital.day(2))]
    for account in hospital.take(5, is_staff):
        _person(account).contracts = [
            Contract("CDD", hospital.day(300), hospital.day(20)),
            Contract("CDD", hospital.day(-20), hospital.day(-200)),
        ]
    for account in hospital.take(hospital.n(150), is_staff):
        end = hospital.day(-60 - account.rid % 100)
        _person(account).contracts = [
            Contract("CDD", hospital.day(500), hospital.day(380)),
            Contract("CDD", hospital.day(379), hospital.day(30)),
            Contract("CDD", hospital.day(45), end),
        ]


def _plant_interns_and_students(hospital: Hospital) -> None:
    current = [a for a in hospital.accounts if a.population == "intern" and _person(a).contracts[0].start < hospital.day(0)]
    for account in [a for a in current if (_person(a).contracts[0].end or hospital.day(0)) > hospital.day(0)][:5]:
        _person(account).contracts[0].end = hospital.day(12)
    students = [account for account in hospital.accounts if account.population == "student" and account.person]
    for account in students[: hospital.n(4)]:
        _person(account).contracts[0].end = hospital.day(45)


def _plant_agency(hospital: Hospital, people: People) -> None:
    """Who of the agency staff has which end, in HR or in the directory; dormant accounts are spread over all of them."""
    accounts = [account for account in hospital.accounts if account.population == "agency"]
    hospital.rng("agency").shuffle(accounts)

    def hire(account: Account, start: int, end: int | None) -> None:
        contract = Contract(
            "CDD REMPL", hospital.day(start), None if end is None else hospital.day(end), OPEN_ENDS[account.rid % 5] if end is None else ""
        )
        person = people.person(account.given, account.surname, account.job or jobs.NURSE, [contract])
        people.employ(account, person)

    def batch(full: int) -> list[Account]:
        count = hospital.n(full)
        taken, accounts[:count] = accounts[:count], []
        return taken

    batch(60)  # neither HR nor the directory knows an end
    for number, account in enumerate(batch(30)):
        hire(account, 200, 10 + number)
        account.expires = hospital.ago(5) if number % 3 == 0 else hospital.ago(-90)
    for account in batch(15):
        account.expires = hospital.ago(9)
    for account in batch(10):
        hire(account, 100, None)
    for account in batch(10):
        hire(account, 100, None)
        account.expires = hospital.ago(-60)  # near miss: the directory has an end
    for account in batch(8):
        hire(account, 100, 2)  # near miss: ended two days ago
    for account in batch(67):
        account.expires = hospital.ago(-30 - account.rid % 60)
    for account in accounts:
        hire(account, 50, -40)


def _plant_unmatched(hospital: Hospital) -> None:
    """Accounts no HR line stands behind; others are found again by their national id."""
    plain = hospital.take(hospital.n(45), lambda account: is_staff(account) and account.id_status == "missing")
    for number, account in enumerate(plain):
        hospital.persons.remove(_person(account))
        account.person = None
        account.employee_id = f"899{number:03d}" if number % 9 < 4 else ""
    both = hospital.take(hospital.n(25), lambda account: _identified(account) and _person(account).rpps == account.id_written)
    for account in both:
        account.employee_id = ""


def _damage_hr(hospital: Hospital) -> None:
    """Lost leading zeros, second and third numbers of one person in other establishments."""
    with_zero = [person for person in hospital.persons if person.number.startswith("0")]
    for person in with_zero[::40]:
        person.written = person.number.lstrip("0")
    doctors = hospital.take(10, lambda account: is_staff(account) and account.job is jobs.DOCTOR and account.employee_id != "")
    for number, account in enumerate(doctors):
        person = _person(account)
        for offset, site in enumerate(("CHB", "CHSA")):
            contract = Contract("VACATAIRE", hospital.day(400), hospital.day(100) if offset else hospital.day(-100))
            hospital.persons.append(
                Person(
                    f"7{number:04d}{offset}", person.given, person.surname, person.unit, person.job, site, [contract], person.birth,
                    rpps=person.rpps,
                )
            )  # fmt: skip
    for account in hospital.accounts:
        if account.person and account.last_sign_in and account.created > account.last_sign_in:
            account.created = account.last_sign_in - timedelta(days=20)
