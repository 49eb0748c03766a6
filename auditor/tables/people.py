"""What is known of people: professional registries over time, HR contracts, suppliers' contracts."""

from __future__ import annotations

from auditor.model import Text
from auditor.tables.schema import Table, flag, integer, text, time

_REGISTRY = Text(
    en="Give the weekly files of the registry (PS_LibreAcces_Personne_activite) under a source of type registry_fr.",
    fr="Fournir les fichiers hebdomadaires de l’annuaire santé (PS_LibreAcces_Personne_activite) dans une source de type registry_fr.",
)
_HR = Text(
    en="Export the agents and their contracts from the HR software as CSV under a source of type hr.",
    fr="Exporter les agents et leurs contrats depuis le logiciel RH en CSV, dans une source de type hr.",
)
_VENDORS = Text(
    en="Keep the register of suppliers' accounts (account, company, end of contract) as CSV under a source of type vendors.",
    fr="Tenir le registre des comptes de prestataires (compte, société, fin de contrat) en CSV, dans une source de type vendors.",
)

REGISTRY_RELEASE = Table(
    "registry_release",
    "Each registry file received, and whether it was whole enough to be believed.",
    ("registry", "released_at"),
    (
        text("registry", "Registry, for example rpps.", "rpps"),
        time("released_at", "Date of the file, from the stamp in its name."),
        integer("rows", "Rows of the file.", 1000),
        integer("persons", "Distinct people in the file.", 800),
        flag("accepted", "False when too many people are missing against the release before: the file is then not used.", True),
    ),
    _REGISTRY,
)

REGISTRY_PERSON = Table(
    "registry_person",
    "Each professional ever seen in an accepted release: a struck-off professional is a row that stops coming.",
    ("registry", "person_id"),
    (
        text("registry", "Registry, for example rpps.", "rpps"),
        text("person_id", "National professional id (RPPS: 11 digits).", "99000000002", personal="number"),
        text("family_name", "Name used in practice.", personal="person"),
        text("given_name", "First name used in practice.", personal="person"),
        text("profession_code", "Profession (TRE_G15): 10 doctor, 21 pharmacist, 40 dentist, 50 midwife, 60 nurse.", "10"),
        text("category_code", "C civil, M public agent, E student.", "C"),
        time("first_seen_at", "First accepted release that holds the person."),
        time("last_seen_at", "Last accepted release that holds the person."),
        flag("in_latest", "The person is in the latest accepted release.", True),
    ),
    _REGISTRY,
)

REGISTRY_ACTIVITY = Table(
    "registry_activity",
    "Where professionals practise, in the latest accepted release; a person has several rows or none.",
    ("registry", "person_id", "site_id", "mode"),
    (
        text("registry", "Registry, for example rpps.", "rpps"),
        text("person_id", "National professional id.", "99000000002", personal="number"),
        text("site_id", "FINESS of the site; empty when the file gives none."),
        text("legal_id", "FINESS of the legal entity; empty when the file gives none."),
        text("mode", "S salaried, L self-employed, B volunteer.", "S"),
    ),
    _REGISTRY,
)

HR_CONTRACT = Table(
    "hr_contract",
    "One row per contract line of the HR file: a person may have several.",
    ("source", "row_number"),
    (
        text("source", "Which HR file.", "hr:test"),
        integer("row_number", "Line of the file, from 1 after the header; a line broken by quotes counts once.", 1),
        text("person_number", "HR number (matricule), without surrounding blanks; leading zeros kept.", "00001", personal="number"),
        text("family_name", "Name used at work.", personal="person"),
        text("birth_name", "Family name at birth; empty when not given.", personal="person"),
        text("given_name", "First name.", personal="person"),
        text("contract_type", "Type of contract as written in the file.", "CDI"),
        time("starts_at", "First day of the contract."),
        time("ends_at", "Last day of the contract; NULL with open_ended true when it has no end.", None, absent_when="open_ended"),
        flag("open_ended", "The contract has no end (empty, 00/00/0000, 31/12/2099, 31/12/9999 in the file).", True),
        text("unit_code", "Care unit code."),
        text("unit_name", "Care unit name."),
        text("job", "Job as written in the file."),
        text("professional_id_raw", "National professional id as written in the file; empty when there is none.", personal="number"),
        text("employer_id", "FINESS of the employer, nine characters; empty when there is none."),
    ),
    _HR,
)

VENDOR_CONTRACT = Table(
    "vendor_contract",
    "The register of suppliers' accounts.",
    ("source", "row_number"),
    (
        text("source", "Which register.", "vendors:test"),
        integer("row_number", "Line of the register, from 1 after the header.", 1),
        text("sam_account_name", "Logon name of the supplier's account, lower case.", "tm_neutral", personal="login"),
        text("company", "Supplier.", "Neutral Ltd"),
        time("ends_at", "Last day of the contract; NULL with open_ended true when it has no end.", absent_when="open_ended"),
        flag("open_ended", "The contract has no end date."),
        text("sponsor", "Who answers for the account inside the hospital; empty when nobody does.", personal="post"),
    ),
    _VENDORS,
    may_be_empty=True,
)

TABLES = (REGISTRY_RELEASE, REGISTRY_PERSON, REGISTRY_ACTIVITY, HR_CONTRACT, VENDOR_CONTRACT)
