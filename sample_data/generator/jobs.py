"""Jobs and care units of the group."""

from __future__ import annotations

from sample_data.generator.model import Job, Unit

DOCTOR = Job("Praticien hospitalier", "MED", "10")
DENTIST = Job("Chirurgien-dentiste", "MED", "40")
PHARMACIST = Job("Pharmacien", "MED", "21")
MIDWIFE = Job("Sage-femme", "MED", "50")
NURSE = Job("Infirmier DE", "IDE", "60")
PHYSIO = Job("Masseur-kinésithérapeute", "REED", "70")
CARE_ASSISTANT = Job("Aide-soignant", "AS")
SECRETARY = Job("Adjoint administratif", "SEC")
LOGISTICS = Job("Agent des services hospitaliers", "ASH")
TECHNICIAN = Job("Technicien hospitalier", "TEC")
INTERN = Job("Interne", "MED", "10")
STUDENT = Job("Élève infirmier", "ETU")

PRESCRIBERS = (DOCTOR, DENTIST, PHARMACIST, MIDWIFE, INTERN)
CLINICAL = (*PRESCRIBERS, NURSE, PHYSIO)

STAFF = (
    (DOCTOR, 720), (PHARMACIST, 60), (MIDWIFE, 90), (DENTIST, 10), (NURSE, 1900), (PHYSIO, 150),
    (CARE_ASSISTANT, 1050), (SECRETARY, 760), (LOGISTICS, 660), (TECHNICIAN, 300),
)  # fmt: skip
"""Jobs of the 5,700 members of the staff."""

_SPECIALITIES = (
    "Cardiologie", "Pneumologie", "Néphrologie", "Neurologie", "Gériatrie", "Pédiatrie", "Néonatologie", "Maternité", "Urgences", "SMUR",
    "Réanimation", "Bloc opératoire", "Anesthésie", "Chirurgie viscérale", "Orthopédie", "Urologie", "ORL", "Ophtalmologie", "Dermatologie",
    "Oncologie", "Hématologie", "Radiothérapie", "Imagerie", "Laboratoire", "Pharmacie", "Hémodialyse", "Endocrinologie", "Rhumatologie",
    "Psychiatrie", "Soins palliatifs", "Rééducation", "Unité du cœur", "Consultations", "Hôpital de jour", "Hygiène",
    "Information médicale", "Direction", "Finances", "Ressources humaines", "Services techniques",
)  # fmt: skip


def units(count: int) -> list[Unit]:
    """Care units with their four-digit codes."""
    names = [f"{name}{suffix}" for suffix in ("", " B", " nuit", " Brumelle") for name in _SPECIALITIES]
    return [Unit(str(3110 + 10 * index), name) for index, name in enumerate(names[:count])]
