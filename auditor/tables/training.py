"""Training and phishing exercises: what was collected per person, and the counts per population that rules read.

The collected tables speak of persons and serve to count, nothing else: the derived ones hold groups of at least five people.
"""

from __future__ import annotations

from auditor.model import Text
from auditor.tables.schema import Table, flag, integer, text, time

_TRAINING = Text(
    en="Give the register of security training (HR number, module, date, result) or Moodle's activity completion report under a source "
    "of type training.",
    fr="Fournir le registre des formations à la sécurité (matricule, module, date, résultat) ou le rapport d’achèvement d’activités de "
    "Moodle, dans une source de type training.",
)
_PHISHING = Text(
    en="Export the results and the raw events of each exercise from GoPhish as CSV under a source of type gophish.",
    fr="Exporter de GoPhish les résultats et les événements bruts de chaque exercice en CSV, dans une source de type gophish.",
)
_INPUTS = Text(
    en="This table is computed: complete the sources it comes from.",
    fr="Cette table est calculée : compléter les sources dont elle provient.",
)
_POPULATION = (
    "Part of the staff, by the patterns of audit.yaml; other when none fits, unsaid when the HR file does not say, pooled for those of "
    "fewer than five people together, everyone for all."
)

TRAINING_RECORD = Table(
    "training_record",
    "One row per person and module of a training register: completed or not.",
    ("source", "row_number", "module"),
    (
        text("source", "Name of the source in audit.yaml.", "training:test"),
        integer("row_number", "Line of the file, from 1 after the header.", 1),
        text("person_number", "HR number as written; empty when the file gives none.", personal="number"),
        text("mail", "Mail address, lower case; empty when the file gives none.", personal="mail"),
        text("module", "Module or activity as written.", "phishing"),
        time(
            "completed_at",
            "Day of completion as the file has it, without zone; NULL with not_completed true when it was not, or not passed.",
            absent_when="not_completed",
        ),
        flag("not_completed", "The module was not completed, or the test was not passed."),
    ),
    _TRAINING,
)

PHISHING_RESULT = Table(
    "phishing_result",
    "One row per recipient of a phishing exercise; what was typed into the page is never read.",
    ("source", "row_number"),
    (
        text("source", "Name of the exercise, that of its source in audit.yaml.", "gophish:test"),
        integer("row_number", "Line of the results, from 1 after the header.", 1),
        text("mail", "Mail address, lower case.", "neutral@hospital.test", personal="mail"),
        time("sent_at", "When the mail left; NULL with not_sent true when it did not.", absent_when="not_sent"),
        flag("not_sent", "The mail did not leave: error, or not yet."),
        flag("clicked", "The person opened the link; clicks of a mail gateway within seconds of the sending do not count."),
        flag("submitted", "The person sent the page's form."),
        flag("reported", "The person reported the mail."),
        integer("gateway_clicks", "Clicks of the mail gateway that were left out."),
    ),
    _PHISHING,
    events=True,
)

TABLES = (TRAINING_RECORD, PHISHING_RESULT)

STAFF_TRAINING = Table(
    "staff_training",
    "How many of the people at work completed a training in the 365 days before the audit, by population.",
    ("population",),
    (
        text("population", _POPULATION, "medical"),
        integer("people", "People whose contract runs at the audit instant.", 100),
        integer("trained", "Of these, those who completed a module within the 365 days before.", 95),
        integer("unrecorded", "People of populations of which no register says anything, completed or not."),
        integer("unmatched", "Only for everyone: records of people the HR file does not know."),
    ),
    _INPUTS,
    ("account", "hr_contract", "training_record"),
    summary=True,
)

JOINER_TRAINING = Table(
    "joiner_training",
    "How many of the people who arrived 30 to 365 days before the audit, and are still there, were trained within 30 days, by population.",
    ("population",),
    (
        text("population", _POPULATION, "medical"),
        integer("people", "People who arrived in that time.", 10),
        integer("trained", "Of these, those who completed a module by the thirtieth day after their first contract began.", 10),
        integer("unrecorded", "People of populations of which no register says anything, completed or not."),
    ),
    _INPUTS,
    ("account", "hr_contract", "training_record"),
    may_be_empty=True,
    summary=True,
)

PHISHING_CAMPAIGN = Table(
    "phishing_campaign",
    "What each phishing exercise met, by population.",
    ("campaign", "population"),
    (
        text("campaign", "The exercise: name of its source in audit.yaml.", "gophish:test"),
        text("population", _POPULATION + " Recipients the HR file does not know are not_in_hr.", "medical"),
        time("launched_at", "When the first mail of the exercise left."),
        integer("sent", "Mails that left.", 100),
        integer("clicked", "People who opened the link.", 5),
        integer("gateway_clicked", "Recipients whose link a mail gateway opened; not counted as clicks."),
        integer("submitted", "People who sent the form.", 1),
        integer("reported", "People who reported the mail.", 40),
    ),
    _INPUTS,
    ("account", "hr_contract", "phishing_result"),
    summary=True,
)

PHISHING_REACH = Table(
    "phishing_reach",
    "How many of the people at work received at least one phishing exercise in the 365 days before the audit, by population.",
    ("population",),
    (
        text("population", _POPULATION, "medical"),
        integer("people", "People whose contract runs at the audit instant.", 100),
        integer("reached", "Of these, those who received an exercise.", 90),
    ),
    _INPUTS,
    ("account", "hr_contract", "phishing_result"),
    summary=True,
)

PHISHING_REPEAT = Table(
    "phishing_repeat",
    "How many people opened the link of several phishing exercises in the 365 days before the audit, by population: a count, never who.",
    ("population",),
    (
        text("population", _POPULATION, "medical"),
        integer("exposed", "People at work who received at least two exercises.", 100),
        integer("repeated", "Of these, those who opened the link, or sent the form, of at least two.", 1),
    ),
    _INPUTS,
    ("account", "hr_contract", "phishing_result"),
    may_be_empty=True,
    summary=True,
)

ACCOUNT_POPULATION = Table(
    "account_population",
    "The part of the staff that the person behind each account belongs to: from the HR file alone, nothing of a training or an exercise.",
    ("account_key",),
    (
        text("account_key", "Account.", personal="id"),
        text(
            "population",
            "Part of the staff, by the patterns of audit.yaml; other when none fits, unsaid when the HR file does not say, empty when it knows "
            "nobody behind the account, or several people.",
            "medical",
        ),
    ),
    _INPUTS,
    ("account", "hr_contract"),
)

DERIVED_TABLES = (STAFF_TRAINING, JOINER_TRAINING, PHISHING_CAMPAIGN, PHISHING_REACH, PHISHING_REPEAT, ACCOUNT_POPULATION)
