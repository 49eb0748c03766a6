"""Settings of recommendation 5 and of one-time passwords: training registers, phishing exercises, populations, OATH tokens."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from auditor.config_base import Pattern, Settings
from auditor.strict_yaml import RefusedValueError

RESERVED_POPULATIONS = frozenset(("everyone", "pooled", "unsaid", "not_in_hr", "other"))
"""Names of populations that the program gives itself."""


class Training(Settings):
    """Who completed which training: a register with one line per person and module, or Moodle's activity completion report.

    `columns` maps the names of training_record to the headers of the file: person_number or mail, and for a register also module,
    completed_at and result. `modules` are the activities of the Moodle report that count. `states` adds words of the file to those
    known in French and English: true for completed, false for not.
    """

    type: Literal["training"]
    name: str = "training"
    path: Path
    format: Literal["register", "moodle"] = "register"
    encoding: str = "utf-8-sig"
    delimiter: str = Field(";", min_length=1, max_length=1)
    date_format: str = "%d/%m/%Y"
    columns: dict[str, str]
    modules: tuple[str, ...] = ()
    states: dict[str, bool] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _form(self) -> Training:
        wanted = {"module", "completed_at", "result"} if self.format == "register" else set[str]()
        known = wanted | {"person_number", "mail"}
        if unknown := sorted(self.columns.keys() - known):
            raise RefusedValueError(
                f"columns: {unknown[0]} is not one of {', '.join(sorted(known))}",
                f"columns : {unknown[0]} ne figure pas parmi {', '.join(sorted(known))}",
            )
        if missing := sorted(wanted - self.columns.keys()):
            raise RefusedValueError(f"columns: {missing[0]} is missing", f"columns : {missing[0]} manque")
        if not self.columns.keys() & {"person_number", "mail"}:
            raise RefusedValueError("columns: name person_number or mail", "columns : nommez person_number ou mail")
        if (self.format == "moodle") != bool(self.modules):
            raise RefusedValueError(
                "modules are the activities of a Moodle report: name them for format moodle, and only there",
                "modules désigne les activités d’un rapport Moodle : à nommer pour le format moodle, et seulement là",
            )
        return self


class Gophish(Settings):
    """One phishing exercise of GoPhish: its results, and its raw events, which tell a person's click from that of a mail gateway.

    Clicks within `gateway_seconds` of the sending are the gateway's: it opens every link before it delivers the mail.
    """

    type: Literal["gophish"]
    name: str
    results: Path
    events: Path | None = None
    gateway_seconds: int = Field(30, ge=0, le=600)


OTP_COLUMNS = frozenset(("holder", "serial", "secret", "period", "digits", "algorithm", "state"))
"""What a table of hardware tokens may say."""


class Otp(Settings):
    """OATH tokens: files of otpauth:// addresses, and tables of hardware tokens.

    All files of one source are compared with one another for shared seeds. `columns` maps holder, serial, secret, and if there are any
    period, digits, algorithm and state to the headers of the tables; the defaults are those of the file Entra ID takes. Addresses hold
    their seeds in base32, tables in `seed_encoding`.
    """

    type: Literal["otp"]
    name: str = "otp"
    uris: tuple[Path, ...] = ()
    tokens: tuple[Path, ...] = ()
    encoding: str = "utf-8-sig"
    delimiter: str = Field(",", min_length=1, max_length=1)
    columns: dict[str, str] = Field(
        default_factory=lambda: {"holder": "upn", "serial": "serial number", "secret": "secret key", "period": "time interval"}
    )
    seed_encoding: Literal["base32", "hex"] = "base32"
    inactive_states: tuple[str, ...] = ("disabled", "lost", "revoked", "désactivé", "perdu", "révoqué")

    @model_validator(mode="after")
    def _files(self) -> Otp:
        if not (self.uris or self.tokens):
            raise RefusedValueError("name at least one file under uris or tokens", "nommez au moins un fichier sous uris ou tokens")
        if unknown := sorted(self.columns.keys() - OTP_COLUMNS):
            raise RefusedValueError(
                f"columns: {unknown[0]} is not one of {', '.join(sorted(OTP_COLUMNS))}",
                f"columns : {unknown[0]} ne figure pas parmi {', '.join(sorted(OTP_COLUMNS))}",
            )
        if missing := sorted({"holder", "serial", "secret"} - self.columns.keys()):
            raise RefusedValueError(f"columns: {missing[0]} is missing", f"columns : {missing[0]} manque")
        headers = [header.strip().casefold() for header in self.columns.values()]
        if len(set(headers)) != len(headers):
            # A seed taken for a serial number would be kept.
            raise RefusedValueError("columns: one header is named twice", "columns : un en-tête est nommé deux fois")
        return self


class Population(Settings):
    """A part of the staff, by the type of contract or the job in the HR file: regular expressions, compared without case."""

    name: str = Field(min_length=1)
    contract_types: tuple[Pattern, ...] = ()
    jobs: tuple[Pattern, ...] = ()

    @model_validator(mode="after")
    def _named(self) -> Population:
        if self.name in RESERVED_POPULATIONS:
            raise RefusedValueError(
                f"{self.name} is a name of the program, choose another", f"{self.name} est un nom du programme ; choisissez-en un autre"
            )
        return self


POPULATIONS = (
    Population(name="intern", contract_types=(r"^interne", r"docteur junior"), jobs=(r"^interne\b", r"docteur junior")),
    Population(name="agency", contract_types=(r"int[ée]rim", r"rempl", r"vacat")),
    Population(name="student", contract_types=(r"^stag", r"apprenti"), jobs=(r"^[ée]l[èe]ve", r"^[ée]tudiant")),
    Population(name="medical", jobs=(r"praticien", r"m[ée]decin", r"chirurgien", r"pharmacien", r"sage-femme", r"ma[ïi]eutici")),
    Population(name="nursing", jobs=(r"infirmi", r"pu[ée]ricultrice", r"aide[- ]soignant", r"auxiliaire")),
)
"""Populations when audit.yaml names none, the first that matches wins; who matches none is `other`."""
