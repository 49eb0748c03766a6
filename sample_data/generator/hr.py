"""The HR export and the vendors' register, with the ugliness real ones have."""

from __future__ import annotations

import csv
import io
from datetime import date

from sample_data.generator.model import SITES, Contract, Hospital, Person
from sample_data.generator.names import plain

HEADER = (
    "matricule", "nom_usage", "nom_naissance", "prenom", "date_naissance", "type_contrat", "date_debut", "date_fin", "code_uf",
    "libelle_uf", "emploi", "rpps", "employeur_finess",
)  # fmt: skip
HARD_SPACE = "\u00a0"


def agents(hospital: Hospital) -> bytes:
    """hr/agents.csv: cp1252, semicolons, CRLF, one line per contract and a total at the end."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(HEADER)
    rows = [(person, contract) for person in hospital.persons for contract in person.contracts]
    for number, (person, contract) in enumerate(rows, 1):
        writer.writerow(_row(number, person, contract))
    text.write(f"TOTAL;{len(rows)}\r\n")
    return text.getvalue().encode("cp1252")


def vendors(hospital: Hospital) -> bytes:
    """vendors/prestataires.csv: UTF-8 with a byte order mark, as a spreadsheet saves it."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(("compte", "societe", "fin_contrat", "referent"))
    for contract in hospital.vendors:
        writer.writerow((contract.account, contract.company, _day(contract.end), contract.sponsor))
    return text.getvalue().encode("utf-8-sig")


def _day(day: date | None) -> str:
    return day.strftime("%d/%m/%Y") if day else ""


def _row(number: int, person: Person, contract: Contract) -> list[str]:
    """One line; every so many lines, one of the accidents of a real export."""
    surname, given, unit_name = person.surname.upper(), person.given, person.unit.name
    if number % 41 == 0:
        surname, given = plain(surname).upper(), plain(given).upper()
    if number % 97 == 0:
        surname, given = ("".join(c if c.isascii() else "?" for c in name) for name in (surname, given))
    if number % 101 == 0:
        surname = f"D’{HARD_SPACE}{surname}"
    if number % 103 == 0:
        surname = f"D' {surname} "
    if number % 61 == 0:
        unit_name = f"UF {person.unit.code} ; {unit_name}"
    if number % 157 == 0:
        unit_name = f"{unit_name}\nbâtiment B"
    return [
        f"{person.written} " if number % 53 == 0 else person.written, surname, person.birth_name, given, _day(person.birth), contract.kind,
        _day(contract.start), _day(contract.end) if contract.end else contract.open_end, person.unit.code, unit_name, person.job.label,
        person.rpps, SITES[person.site],
    ]  # fmt: skip
