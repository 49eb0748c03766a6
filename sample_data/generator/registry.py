"""Two weekly releases of the registry of professionals, in the exact 56-column layout: `|`, no quoting, trailing `|`."""

from __future__ import annotations

from datetime import datetime, timedelta

from sample_data.generator.model import Hospital, Professional

COLUMNS = (
    "Type d'identifiant PP", "Identifiant PP", "Identification nationale PP", "Code civilité d'exercice",
    "Libellé civilité d'exercice", "Code civilité", "Libellé civilité", "Nom d'exercice", "Prénom d'exercice", "Code profession",
    "Libellé profession", "Code catégorie professionnelle", "Libellé catégorie professionnelle", "Code type savoir-faire",
    "Libellé type savoir-faire", "Code savoir-faire", "Libellé savoir-faire", "Code mode exercice", "Libellé mode exercice",
    "Numéro SIRET site", "Numéro SIREN site", "Numéro FINESS site", "Numéro FINESS établissement juridique",
    "Identifiant technique de la structure", "Raison sociale site", "Enseigne commerciale site",
    "Complément destinataire (coord. structure)", "Complément point géographique (coord. structure)",
    "Numéro Voie (coord. structure)", "Indice répétition voie (coord. structure)", "Code type de voie (coord. structure)",
    "Libellé type de voie (coord. structure)", "Libellé Voie (coord. structure)", "Mention distribution (coord. structure)",
    "Bureau cedex (coord. structure)", "Code postal (coord. structure)", "Code commune (coord. structure)",
    "Libellé commune (coord. structure)", "Code pays (coord. structure)", "Libellé pays (coord. structure)",
    "Téléphone (coord. structure)", "Téléphone 2 (coord. structure)", "Télécopie (coord. structure)",
    "Adresse e-mail (coord. structure)", "Code Département (structure)", "Libellé Département (structure)",
    "Ancien identifiant de la structure", "Autorité d'enregistrement", "Code secteur d'activité", "Libellé secteur d'activité",
    "Code section tableau pharmaciens", "Libellé section tableau pharmaciens", "Code rôle", "Libellé rôle", "Code genre activité",
    "Libellé genre activité",
)  # fmt: skip

_PROFESSIONS = {
    "10": "Médecin", "21": "Pharmacien", "40": "Chirurgien-Dentiste", "50": "Sage-Femme", "60": "Infirmier",
    "70": "Masseur-Kinésithérapeute",
}  # fmt: skip
_CATEGORIES = {"C": "Civil", "E": "Etudiant", "M": "Agent public"}
_MODES = {"S": "Salarié", "L": "Libéral, indépendant, artisan, commerçant"}


def releases(hospital: Hospital) -> dict[str, str]:
    """File name and content of the two releases, 16 and 9 days before the audit."""
    first = [person for person in hospital.professionals if not person.unlisted and not person.new]
    second = [person for person in hospital.professionals if not person.unlisted and not person.vanished]
    files = {}
    for released, people in zip(moments(hospital), (first, second), strict=True):
        rows = [_row(person, site) for person in people for site in _sites(person, latest=people is second)]
        lines = ["|".join(COLUMNS) + "|", *rows]
        files[f"PS_LibreAcces_Personne_activite_{released:%Y%m%d%H%M}.txt"] = "\n".join(lines) + "\n"
    return files


def moments(hospital: Hospital) -> tuple[datetime, datetime]:
    """When the two releases were made."""
    return hospital.ago(16) + timedelta(minutes=12), hospital.ago(9) + timedelta(minutes=12)


def _sites(person: Professional, *, latest: bool) -> list[tuple[str, str]]:
    return person.sites[:1] if latest and person.drops_site else person.sites


def _row(person: Professional, site: tuple[str, str]) -> str:
    finess, mode = site
    doctor = person.profession == "10" and person.category != "E"
    values = {
        "Type d'identifiant PP": "8",
        "Identifiant PP": person.number,
        "Identification nationale PP": f"8{person.number}",
        "Code civilité d'exercice": "DR" if doctor else "",
        "Nom d'exercice": person.surname.upper(),
        "Prénom d'exercice": person.given.upper(),
        "Code profession": person.profession,
        "Libellé profession": _PROFESSIONS[person.profession],
        "Code catégorie professionnelle": person.category,
        "Libellé catégorie professionnelle": _CATEGORIES[person.category],
        "Code mode exercice": mode,
        "Libellé mode exercice": _MODES.get(mode, ""),
        "Numéro FINESS site": finess,
        "Numéro FINESS établissement juridique": finess,
        "Identifiant technique de la structure": f"F{finess}" if finess else f"R{person.number}",
        "Code genre activité": "GENR01",
    }
    return "|".join(values.get(column, "") for column in COLUMNS) + "|"
