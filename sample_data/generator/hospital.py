"""The plan put together, and the files written from it."""

from __future__ import annotations

import json
import unicodedata
from datetime import datetime
from pathlib import Path

from sample_data.generator import (
    ageing,
    answers,
    backups,
    builtin,
    entra,
    entra_log,
    entra_pages,
    faults_access,
    faults_credentials,
    faults_people,
    groups,
    hr,
    ldif,
    logs,
    others,
    people,
    phishing,
    registry,
    sign_ins,
    tokens,
    training,
)
from sample_data.generator.faults_credentials import is_staff
from sample_data.generator.model import SITES, Hospital
from sample_data.generator.names import Names

SIZES = {"full": 1.0, "small": 0.2}


def build(seed: int, size: str, as_of: datetime, week: int = 1) -> Hospital:
    """The hospital of that seed, size, audit instant and week: always the same."""
    hospital = Hospital(seed, SIZES[size], as_of, week=week)
    names = Names(hospital.rng("names"))
    builtin.add(hospital)
    everybody = people.add(hospital, names)
    others.add(hospital, names)
    groups.add(hospital, everybody)
    faults_credentials.plant(hospital)
    faults_people.plant(hospital, everybody)
    faults_access.plant(hospital)
    ageing.age(hospital)
    _finish(hospital)
    return hospital


def _finish(hospital: Hospital) -> None:
    """Second places and newcomers of the registry, accents stored in two pieces, married names, and the index of primary groups."""
    for number, person in enumerate(hospital.professionals):
        if number % 97 == 5:
            person.sites = [("", "")]  # registered, without any activity
        elif number % 6 == 1 and len(person.sites) == 1:
            person.sites = [*person.sites, (SITES["CHSA"], "S") if person.sites[0][1] == "L" else ("", "L")]
    for number, person in enumerate(hospital.professionals[-8:]):
        person.new = True
        person.sites = [("", "SL"[number % 2])]
    accented = [account for account in hospital.accounts if is_staff(account) and not account.given.isascii()]
    for account in accented[::60]:
        account.given = unicodedata.normalize("NFD", account.given)
    for number, employee in enumerate(hospital.persons):
        if number % 29 == 0:
            employee.birth_name = hospital.persons[number - 1].surname.upper()
    for account in hospital.accounts:
        hospital.by_primary_group.setdefault(account.primary_group, []).append(account)


def files(hospital: Hospital) -> dict[str, bytes]:
    """Relative path -> content of every generated file."""
    content = {"directory/chu-valdore.ldif": ldif.text(hospital).encode()}
    for name, text in registry.releases(hospital).items():
        content[f"registry/{name}"] = text.encode()
    content["hr/agents.csv"] = hr.agents(hospital)
    content["vendors/prestataires.csv"] = hr.vendors(hospital)
    signed_in, tenant = sign_ins.plan(hospital), entra.plan(hospital)
    content |= logs.files(hospital, signed_in)
    content |= entra_log.files(tenant, signed_in)
    content |= entra_pages.files(tenant)
    content |= backups.files(hospital)
    for part in (training, phishing, tokens):
        content |= part.files(hospital)
    key = {"as_of": f"{hospital.as_of:%Y-%m-%dT%H:%M:%SZ}", "rules": answers.key(hospital)}
    content["expected.json"] = (json.dumps(key, indent=1) + "\n").encode()
    return content


def write(folder: Path, content: dict[str, bytes]) -> None:
    """Put the files under `folder`."""
    for name, data in content.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
