"""Who was trained and when, planned person by person, and the registers that say so: Moodle reports and an attendance sheet."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from sample_data.generator.model import Hospital, Person

MEDICAL = ("Praticien hospitalier", "Chirurgien-dentiste", "Pharmacien", "Sage-femme")
NURSING = ("Infirmier DE", "Aide-soignant")
MODULES = ("Sensibilisation à la cybersécurité", "Reconnaître un hameçonnage")
TRAINED = {"medical": 0.55, "nursing": 0.82, "agency": 0.3, "student": 0.77, "other": 0.86}
"""Share of each population trained within a year; interns are in no register at all."""
IN_TIME = {"medical": 0.95, "nursing": 0.7, "agency": 0.2, "student": 0.94, "other": 0.96}
"""Share of the arrivals of each population trained within thirty days."""


def population(person: Person) -> str:
    """Part of the staff, by contract and job."""
    kinds = {contract.kind for contract in person.contracts}
    if "INTERNE" in kinds:
        return "intern"
    if kinds & {"CDD REMPL", "VACATAIRE"}:
        return "agency"
    if "STAGE" in kinds:
        return "student"
    return "medical" if person.job.label in MEDICAL else "nursing" if person.job.label in NURSING else "other"


@dataclass
class Plan:
    """`done` holds the day of each person's module, `failed` those who sat the test in vain; who is in neither never tried."""

    hospital: Hospital
    present: dict[str, list[Person]] = field(default_factory=dict)
    joiners: dict[str, list[Person]] = field(default_factory=dict)
    done: dict[Person, date] = field(default_factory=dict)
    failed: set[Person] = field(default_factory=set)

    @property
    def today(self) -> date:
        """Day of the audit."""
        return self.hospital.as_of.date()


def plan(hospital: Hospital) -> Plan:
    """The same plan for the same hospital, always."""
    made, rng = Plan(hospital), hospital.rng("training")
    for person in hospital.persons:
        if any(c.start <= made.today and (c.end is None or c.end >= made.today) for c in person.contracts):
            made.present.setdefault(population(person), []).append(person)
    for name, people in made.present.items():
        if name == "intern":
            continue
        arrived = [person for person in people if 31 <= (made.today - arrival(person)).days <= 365]
        made.joiners[name] = arrived
        _train(made, rng, name, people, arrived)
    former = [person for person in hospital.persons if person not in made.done and person.contracts[-1].end][:60]
    made.done |= {person: made.today - timedelta(days=rng.randint(40, 300)) for person in former if population(person) != "intern"}
    return made


def arrival(person: Person) -> date:
    """First day of the first contract."""
    return min(contract.start for contract in person.contracts)


def _train(made: Plan, rng: random.Random, name: str, people: list[Person], arrived: list[Person]) -> None:
    in_time = rng.sample(arrived, round(IN_TIME[name] * len(arrived)))
    for person in in_time:
        made.done[person] = min(arrival(person) + timedelta(days=rng.randint(2, 30)), made.today - timedelta(days=1))
    late = set(arrived) - set(in_time)
    others = [person for person in people if person not in made.done]
    wanted = round(TRAINED[name] * len(people)) - len(in_time)
    for person in rng.sample(others, max(0, wanted)):
        latest = (made.today - arrival(person)).days - 31 if person in late else 360
        made.done[person] = made.today - timedelta(days=rng.randint(0, latest))
    rest = [person for person in others if person not in made.done and person not in late]
    for person in rest[::3]:  # near miss: trained, but too long ago
        made.done[person] = made.today - timedelta(days=rng.randint(367, 700))
    made.failed |= set(rest[1::6])


def trained(made: Plan, people: list[Person], first: date | None = None) -> int:
    """How many of them completed a module since `first`, a year ago when not given."""
    start = first or made.today - timedelta(days=365)
    return sum(person in made.done and made.done[person] >= start for person in people)


def files(hospital: Hospital) -> dict[str, bytes]:
    """Moodle of the main site in CSV, that of another in its spreadsheet form, and the attendance sheet of those who came in person."""
    made = plan(hospital)
    known = [person for person in hospital.persons if population(person) not in ("intern", "agency")]
    online = [person for person in known if population(person) != "medical" and person.site != "CHB"]
    elsewhere = [person for person in known if population(person) != "medical" and person.site == "CHB"]
    return {
        "training/moodle-chu.csv": _moodle(made, online, MODULES, ",").encode("utf-8"),
        "training/moodle-brumelle.txt": _moodle(made, elsewhere, MODULES[:1], "\t").encode("utf-16"),
        "training/emargement.csv": _register(made).encode("utf-8-sig"),
    }


def _moodle(made: Plan, people: list[Person], modules: tuple[str, ...], delimiter: str) -> str:
    """Activity completion as Moodle writes it: an empty first header, then pairs of state and date."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n")
    dues = [cell for number, module in enumerate(modules) for cell in (module, "31 décembre 2026" if number == 0 else "")]
    writer.writerow(["", "Numéro d'identification", *dues])
    for number, person in enumerate(people):
        writer.writerow([f"{person.given} {person.surname}", person.number, *_states(made, person, number, len(modules))])
    return text.getvalue()


def _states(made: Plan, person: Person, number: int, modules: int) -> Iterator[str]:
    """One module is enough: the other one is sometimes done, never before."""
    day = made.done.get(person)
    first = number % modules if day else 0
    for module in range(modules):
        if day and (module == first or number % 4 == 0):
            state = "Terminé (note minimale de réussite atteinte)" if number % 5 else "Terminé"
            at = datetime.combine(day, time(8 + number % 10, number % 60, number % 59))
            yield from (f"{state} (défini par Paule Vernanoux)" if number % 311 == 0 and state == "Terminé" else state, f"{at:%F %T}")
        elif person in made.failed and module == 0:
            failed = datetime.combine(made.today - timedelta(days=20 + number % 90), time(9, number % 60))
            yield from ("Terminé (n’a pas atteint la note minimale de réussite)", f"{failed:%F %T}")
        else:
            yield from ("Pas terminé", "")


def _register(made: Plan) -> str:
    """matricule;module;date;result, with numbers that lost their zero, and people of other hospitals."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(("matricule", "module", "date", "resultat"))
    people = [person for person in made.hospital.persons if population(person) in ("medical", "agency")]
    for number, person in enumerate(people):
        written = person.number.lstrip("0") if number % 50 == 7 else f"{person.number} " if number % 71 == 3 else person.number
        if day := made.done.get(person):
            writer.writerow((written, MODULES[number % 2], f"{day:%d/%m/%Y}", "validé" if number % 9 else "présent"))
        elif person in made.failed:
            writer.writerow((written, MODULES[0], f"{made.today - timedelta(days=30):%d/%m/%Y}", "absent"))
    for number in range(12):
        writer.writerow((f"EXT{number:03d}", MODULES[0], f"{made.today - timedelta(days=60):%d/%m/%Y}", "validé"))
    return text.getvalue()
