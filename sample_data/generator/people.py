"""People with an account, as they should be: staff, interns, agency staff, students, partners. Faults come later."""

from __future__ import annotations

import random
from datetime import date, timedelta

from sample_data.generator import jobs
from sample_data.generator.identifiers import rpps
from sample_data.generator.model import DN, DNS, SITES, Account, Contract, Hospital, Job, Person, Professional, Unit
from sample_data.generator.names import Names, plain

STAFF_OU, INTERNS_OU, AGENCY_OU = f"OU=Personnel,{DN}", f"OU=Internes,{DN}", f"OU=Interim,{DN}"
STUDENTS_OU, PARTNERS_OU = f"OU=Etudiants,{DN}", f"OU=Partenaires,{DN}"
OPEN_ENDS = ("", "", "31/12/2099", "31/12/9999", "00/00/0000")
WITH_ID = {"10": 0.88, "21": 0.85, "40": 0.85, "50": 0.85, "60": 0.47, "70": 0.5}
"""Share of the staff of each profession whose national id is known to the hospital: 62 % in all, above the gate of SPC-003."""


class People:
    """Makes people one by one, with the counters they share."""

    def __init__(self, hospital: Hospital, names: Names) -> None:
        self.hospital, self.names, self.rng = hospital, names, hospital.rng("people")
        self.units = jobs.units(130)
        self._matricule, self._rpps = 40000, 0

    def professional(self, given: str, surname: str, profession: str, category: str = "C", site: str = "CHUV") -> Professional:
        """Somebody new in the registry."""
        self._rpps += 3
        person = Professional(rpps(self._rpps), given, surname, profession, category, [(SITES[site], "S")])
        self.hospital.professionals.append(person)
        return person

    def person(self, given: str, surname: str, job: Job, contracts: list[Contract]) -> Person:
        """Somebody new in the HR file, in any unit of any of the three establishments."""
        self._matricule += 17
        site = self.rng.choices(tuple(SITES), (70, 18, 12))[0]
        birth = date(1961, 1, 1) + timedelta(days=self.rng.randrange(15000))
        person = Person(f"{self._matricule:06d}", given, surname, self.rng.choice(self.units), job, site, contracts, birth)
        self.hospital.persons.append(person)
        return person

    def account(
        self, container: str, population: str, given: str, surname: str, job: Job, login: str = "", created: tuple[int, int] = (400, 4500)
    ) -> Account:
        """A healthy account: recent password, recent sign-in, no flag."""
        hospital, rng = self.hospital, self.rng
        sam = self.names.login(login or f"{plain(given)}.{plain(surname)}")
        made = rng.randint(*created)
        account = Account(
            hospital.rid(), sam, self.names.entry(f"{given} {surname}", container), container, "person",
            hospital.ago(made, rng.randrange(36000)), population=population, given=given, surname=surname, mail=f"{sam}@{DNS}", job=job,
            password_set=hospital.ago(rng.randint(2, min(made, 330)) - 1, rng.randrange(36000)),
            last_sign_in=hospital.ago(rng.randint(0, min(made - 1, 20)), rng.randrange(36000)),
        )  # fmt: skip
        hospital.accounts.append(account)
        return account

    def employ(self, account: Account, person: Person) -> None:
        """The account belongs to that person, by HR number."""
        account.person, account.employee_id = person, person.number
        account.department = f"UF {person.unit.code} {person.unit.name}"

    def give_id(self, account: Account, professional: Professional, *, in_directory: bool, in_hr: bool) -> None:
        """The hospital knows the national id of that professional, in one place or in both."""
        account.professional, account.id_status = professional, "ok"
        if in_directory:
            account.id_written = professional.number
        if in_hr and account.person:
            account.person.rpps = professional.number


def permanent(rng: random.Random, hospital: Hospital) -> Contract:
    """A contract without end, in one of the spellings of "no end"."""
    return Contract(rng.choice(("TITULAIRE", "CDI")), hospital.day(rng.randint(420, 9000)), None, rng.choice(OPEN_ENDS))


def add(hospital: Hospital, names: Names) -> People:
    """All people, populations in the order and numbers of the plan."""
    people = People(hospital, names)
    _add_staff(people)
    _add_interns(people)
    _add_agency(people)
    _add_students_and_partners(people)
    _add_strangers(people)
    return people


def _share(rng: random.Random, count: int, share: float) -> list[bool]:
    """`count` answers of which exactly the share is yes, shuffled: exact quotas even in small samples."""
    answers = [index < round(count * share) for index in range(count)]
    rng.shuffle(answers)
    return answers


def _where(rng: random.Random) -> dict[str, bool]:
    return rng.choice(
        ({"in_directory": True, "in_hr": False}, {"in_directory": True, "in_hr": True}, {"in_directory": False, "in_hr": True})
    )


def _add_staff(people: People) -> None:
    hospital, rng = people.hospital, people.rng
    staff = len(hospital.accounts)
    for job, full in jobs.STAFF:
        count = hospital.n(full)
        for number, known in enumerate(_share(rng, count, WITH_ID.get(job.profession, 0))):
            given, surname = people.names.person()
            recent = number % 64 == 63
            account = people.account(STAFF_OU, "staff", given, surname, job, created=(6, 38) if recent else (400, 4500))
            contract = permanent(rng, hospital)
            if recent:
                contract = Contract("CDD", hospital.day(40), hospital.day(-rng.randint(60, 300)))
            elif number % 6 == 5:
                contract = Contract("CDD", hospital.day(rng.randint(120, 600)), hospital.day(-rng.randint(20, 300)))
            people.employ(account, people.person(given, surname, job, [contract]))
            if job.profession:
                professional = people.professional(
                    given, surname, job.profession, rng.choice("CM"), account.person.site if account.person else "CHUV"
                )
                if known:
                    people.give_id(account, professional, **_where(rng))
    mixed = hospital.accounts[staff:]
    rng.shuffle(mixed)
    hospital.accounts[staff:] = mixed


def _add_interns(people: People) -> None:
    hospital, rng = people.hospital, people.rng
    current, previous = hospital.n(220), hospital.n(40)
    for number, known in enumerate(_share(rng, current + previous, 0.8)):
        given, surname = people.names.person()
        start, end = (hospital.day(18), hospital.day(-162)) if number < current else (hospital.day(200), hospital.day(19))
        if number < hospital.n(20):
            start = hospital.day(-40)
        account = people.account(INTERNS_OU, "intern", given, surname, jobs.INTERN, created=(50, 70) if number < current else (200, 210))
        people.employ(account, people.person(given, surname, jobs.INTERN, [Contract("INTERNE", start, end)]))
        professional = people.professional(given, surname, "10", "E")
        if known:
            people.give_id(account, professional, **_where(rng))


def _add_agency(people: People) -> None:
    """320 accounts; faults.people decides who has which end date, in the order they are made here."""
    hospital, rng = people.hospital, people.rng
    crew = ((jobs.DOCTOR, 60, 0.7, "rempl_"), (jobs.NURSE, 150, 0.3, "int_"), (jobs.CARE_ASSISTANT, 110, 0.0, ""))
    for job, full, share, prefix in crew:
        for known in _share(rng, hospital.n(full), share):
            given, surname = people.names.person()
            login = f"{prefix}{plain(surname)}{plain(given)[0]}" if prefix else ""
            account = people.account(AGENCY_OU, "agency", given, surname, job, login, created=(60, 700))
            if job.profession:
                professional = people.professional(given, surname, job.profession)
                if known:
                    people.give_id(account, professional, in_directory=True, in_hr=False)


def _add_students_and_partners(people: People) -> None:
    hospital, rng = people.hospital, people.rng
    for number in range(hospital.n(180)):
        given, surname = people.names.person()
        login = f"etu_{plain(surname)}{plain(given)[0]}"
        account = people.account(STUDENTS_OU, "student", given, surname, jobs.STUDENT, login, created=(60, 800))
        if number % 6 == 0:
            contract = Contract("STAGE", hospital.day(60), hospital.day(-120))
            people.employ(account, people.person(given, surname, jobs.STUDENT, [contract]))
    for prefix, job, full in (("lib_", jobs.DOCTOR, 150), ("part_", jobs.NURSE, 60)):
        for known in _share(rng, hospital.n(full), 0.85):
            given, surname = people.names.person()
            login = f"{prefix}{plain(surname)}{plain(given)[0]}"
            account = people.account(PARTNERS_OU, "partner", given, surname, job, login)
            professional = people.professional(given, surname, job.profession)
            professional.sites = [("", "L")]
            if known:
                people.give_id(account, professional, in_directory=True, in_hr=False)


def _add_strangers(people: People) -> None:
    """Former staff with a disabled account, staff without any, and professionals of the region the hospital does not know."""
    hospital, rng = people.hospital, people.rng
    for number in range(hospital.n(450)):
        given, surname = people.names.person()
        job = rng.choice((jobs.NURSE, jobs.DOCTOR, jobs.CARE_ASSISTANT, jobs.SECRETARY))
        account = people.account(STAFF_OU, "staff", given, surname, job, created=(900, 4500))
        left = rng.randint(60, 800)
        account.control |= 0x2
        account.password_set, account.last_sign_in = hospital.ago(left + 90), hospital.ago(left + 1)
        person = people.person(given, surname, job, [Contract("CDD", hospital.day(left + 500), hospital.day(left))])
        people.employ(account, person)
        if job.profession and number % 2:
            people.give_id(account, people.professional(given, surname, job.profession), in_directory=True, in_hr=False)
    for _ in range(hospital.n(330)):
        given, surname = people.names.person()
        people.person(given, surname, rng.choice((jobs.LOGISTICS, jobs.CARE_ASSISTANT)), [permanent(rng, hospital)])
    mix = ("10", "10", "10", "21", "40", "50", "60", "60", "60", "60", "70")
    while len(hospital.professionals) < hospital.n(4000) + 23:
        given, surname = people.names.person()
        people.professional(given, surname, rng.choice(mix), "C").sites = [("", "L")]


def unit_team(unit: Unit, job: Job) -> str:
    """Name of the group of one job in one unit."""
    return f"GG_UF{unit.code}_{job.team}"
