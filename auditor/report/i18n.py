"""Words, numbers and dates in French and English: gettext catalogues read with Babel, CLDR formats, French typography.

No locale of the machine and no clock is asked: the same run gives the same bytes everywhere.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from functools import cache
from io import BytesIO
from pathlib import Path

from babel.dates import format_date, format_datetime, get_day_names
from babel.lists import format_list
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from babel.support import Translations

from auditor import tables
from auditor.errors import RenderError
from auditor.model import Language, Severity, Text, Value

NBSP = "\u00a0"
CODED = frozenset(
    {"found_by", "id_status", "kind", "matched_by", "member_type", "object_class", "object_type", "permission", "population", "topic"}
    | {"profession_code", "role", "status"}
    | {"guest_role", "invitations", "user_consent"}
    | {"auth_source", "from_copy", "medium", "scope"}
)
"""Columns whose values are words of this program; the catalogues translate them under the column's name as context."""

_LOCALES = {Language.FR: "fr_FR", Language.EN: "en_GB"}
_UNITS = "h|min|jours?|comptes?|mois|ans?|heures?|constats?|contrôles?|caractères?|objets?"
_FRENCH = (
    (re.compile(r"(?<=\w)'(?=\w)"), "’"),
    (re.compile(r" (?=[:;!?»]|(?<=\d )%)"), NBSP),
    (re.compile(r"(?<=«) "), NBSP),
    (re.compile(rf"(?<=\d) (?=(?:{_UNITS})\b)"), NBSP),
    (re.compile(r"(?<=\d) (?=\d{3}\b)"), NBSP),
)


@cache
def folder() -> Path:
    """The folder of templates, fonts and catalogues: inside the installed package, or `reports/` of a checkout."""
    package = Path(__file__).resolve().parents[1]
    for candidate in (package / "_data" / "reports", package.parent / "reports"):
        if (candidate / "report.html.j2").is_file():
            return candidate
    raise RenderError(
        "the report templates are missing; install the program again.",
        fr="les modèles de rapport manquent ; réinstallez le programme.",
    )


@cache
def catalogue(language: Language) -> Translations:
    """The catalogue of `language`, compiled in memory from its messages.po."""
    path = folder() / "locale" / language.value / "messages.po"
    with path.open("rb") as source:
        messages = read_po(source, locale=language.value)
    compiled = BytesIO()
    write_mo(compiled, messages)
    compiled.seek(0)
    return Translations(compiled)


def typography(text: str, language: Language) -> str:
    """French no-break spaces and apostrophes in a sentence written with plain ones; English stays as it is."""
    if language is Language.FR:
        for pattern, replacement in _FRENCH:
            text = pattern.sub(replacement, text)
    return text


def percentage(ratio: float) -> int:
    """A ratio in whole per cents, rounded down."""
    # The epsilon keeps 0.29 * 100 = 28.999… at 29.
    return math.floor(ratio * 100 + 1e-9)


def both(say: Callable[[Phrases], str]) -> Text:
    """What `say` makes of each language."""
    return Text(en=say(Phrases(Language.EN)), fr=say(Phrases(Language.FR)))


class Phrases:
    """What a reader of one language reads."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self._catalogue = catalogue(language)
        self._locale = _LOCALES[language]

    def gettext(self, message: str, **values: object) -> str:
        """The message in this language, with `values` in its %(name)s places."""
        return str(self._catalogue.gettext(message)) % values

    def ngettext(self, one: str, many: str, number: int, **values: object) -> str:
        """The message in the plural form that `number` asks for; %(count)s is the number, written out."""
        values["count"] = self.number(number)
        return str(self._catalogue.ngettext(one, many, number)) % values

    def rows(self, table: str, count: int) -> str:
        """How many rows of a table were read, in the words of that table."""
        match table:
            case "account":
                return self.ngettext("%(count)s account", "%(count)s accounts", count)
            case "directory_group":
                return self.ngettext("%(count)s group", "%(count)s groups", count)
            case "registry_person":
                return self.ngettext("%(count)s professional", "%(count)s professionals", count)
            case "hr_contract":
                return self.ngettext("%(count)s contract", "%(count)s contracts", count)
            case "vendor_contract":
                return self.ngettext("%(count)s supplier account", "%(count)s supplier accounts", count)
            case "backup_job":
                return self.ngettext("%(count)s backup", "%(count)s backups", count)
            case "entra_user":
                return self.ngettext("%(count)s cloud user", "%(count)s cloud users", count)
            case "training_record":
                return self.ngettext("%(count)s training record", "%(count)s training records", count)
            case "phishing_result":
                return self.ngettext("%(count)s exercise recipient", "%(count)s exercise recipients", count)
            case "otp_token":
                return self.ngettext("%(count)s token", "%(count)s tokens", count)
            case _:
                return self.ngettext("%(count)s row", "%(count)s rows", count)

    def findings(self, severity: Severity, count: int) -> str:
        """A number of findings of one severity, as a noun: 31 critical findings."""
        match severity:
            case Severity.CRITICAL:
                return self.ngettext("%(count)s critical finding", "%(count)s critical findings", count)
            case Severity.HIGH:
                return self.ngettext("%(count)s high finding", "%(count)s high findings", count)
            case Severity.MEDIUM:
                return self.ngettext("%(count)s medium finding", "%(count)s medium findings", count)
            case Severity.LOW:
                return self.ngettext("%(count)s low finding", "%(count)s low findings", count)

    def short(self, severity: Severity, count: int) -> str:
        """The same without the noun: 31 critical."""
        match severity:
            case Severity.CRITICAL:
                return self.ngettext("%(count)s critical", "%(count)s critical", count)
            case Severity.HIGH:
                return self.ngettext("%(count)s high", "%(count)s high", count)
            case Severity.MEDIUM:
                return self.ngettext("%(count)s medium", "%(count)s medium", count)
            case Severity.LOW:
                return self.ngettext("%(count)s low", "%(count)s low", count)

    def words(self, parts: Sequence[str]) -> str:
        """An enumeration: a, b and c."""
        return str(format_list(list(parts), locale=self._locale))

    def word(self, context: str, word: str) -> str:
        """A word of the model (a severity, a verdict, a code of a column) for people; itself when the catalogue has none."""
        return str(self._catalogue.pgettext(context, word))

    def of(self, text: Text) -> str:
        """A bilingual text, in this language's typography."""
        return typography(text.in_language(self.language), self.language)

    def number(self, value: float) -> str:
        """A number with the language's separators, at most one decimal."""
        return str(format_decimal(value, "#,##0.#", locale=self._locale)).replace("\u202f", NBSP)

    def exact(self, value: float) -> str:
        """A figure of the score, which is rounded to four decimals: at least two of them."""
        return str(format_decimal(value, "0.00##", locale=self._locale))

    def percent(self, ratio: float) -> str:
        """A ratio as a whole per cent, rounded down: only what is whole reads 100 %."""
        whole = self.number(percentage(ratio))
        return f"{whole}{NBSP}%" if self.language is Language.FR else f"{whole}%"

    def hours(self, hours: float) -> str:
        """A duration of work given in hours."""
        return f"{self.number(round(hours * 60))}{NBSP}min" if 0 < hours < 1 else f"{self.number(hours)}{NBSP}h"

    def day(self, moment: datetime) -> str:
        """The day of a UTC time, in full."""
        return str(format_date(moment.date(), "full", locale=self._locale)).replace("\u202f", NBSP)

    def date(self, moment: date) -> str:
        """A day, short."""
        return str(format_date(moment, "medium", locale=self._locale)).replace("\u202f", NBSP)

    def weekday(self, day: int) -> str:
        """The name of a day of the week, 0 for Monday."""
        return str(get_day_names("wide", locale=self._locale)[day])

    def moment(self, moment: datetime) -> str:
        """A UTC time, to the minute."""
        pattern = "d MMM y, HH:mm 'UTC'" if self.language is Language.EN else "d MMM y 'à' HH:mm 'UTC'"
        return str(format_datetime(moment, pattern, locale=self._locale)).replace("\u202f", NBSP)

    def column(self, name: str) -> str:
        """The heading of an evidence column."""
        label = self.word("column", name)
        return label if label != name else name.replace("_", " ")

    def cell(self, name: str, evidence: Mapping[str, Value]) -> str:
        """The value of an evidence column as people read it. A missing value is said to be none where the row proves it,
        unknown where the row or the table says it cannot be none, and otherwise either."""
        value = evidence[name]
        if value is None:
            return self._missing(name, evidence)
        if isinstance(value, bool):
            return self.gettext("yes") if value else self.gettext("no")
        if isinstance(value, datetime):
            return str(format_date(value.date(), "medium", locale=self._locale)).replace("\u202f", NBSP)
        if isinstance(value, int | float):
            return self.number(value)
        if not value:
            return self.gettext("none")
        for coded in ("population", "topic"):
            if name == "name" and evidence.get(coded) == value:
                return self.word(coded, value)
        return self.word(name, value) if name in CODED else value

    def _missing(self, name: str, evidence: Mapping[str, Value]) -> str:
        flags = {column.absent_when for table in tables.ALL.values() for column in table.columns if column.name == name} - {""}
        if not flags:
            return self.gettext("unknown")
        told = [evidence[flag] for flag in sorted(flags) if flag in evidence]
        if any(value is True for value in told):
            return self.gettext("none")
        return self.gettext("unknown") if told else self.gettext("none or unknown")
