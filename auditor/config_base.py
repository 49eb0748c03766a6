"""What every section of audit.yaml is made of: the strict base, patterns, instants and pointers to secrets."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, model_validator

from auditor.strict_yaml import RefusedValueError


class Settings(BaseModel):
    """Base of every section: frozen, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise RefusedValueError(f"not a regular expression ({error})", f"ce n’est pas une expression régulière ({error})") from error
    return value


def naive_utc(value: object) -> object:
    """A date or time given as text as a UTC datetime without zone; other values pass through for pydantic to judge."""
    if isinstance(value, str):
        try:
            parsed = datetime.fromisoformat(value)
        except ValueError as error:
            raise RefusedValueError(
                "not a date, write one such as 2026-01-31", "ce n’est pas une date ; écrivez par exemple 2026-01-31"
            ) from error
    elif isinstance(value, date) and not isinstance(value, datetime):
        parsed = datetime(value.year, value.month, value.day)
    elif isinstance(value, datetime):
        parsed = value
    else:
        return value
    try:
        return parsed.astimezone(UTC).replace(tzinfo=None) if parsed.tzinfo else parsed
    except OverflowError as error:
        raise RefusedValueError("outside the years 1 to 9999", "hors des années 1 à 9999") from error


def _day(value: object) -> object:
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        raise RefusedValueError("not a day, write one such as 2026-01-31", "ce n’est pas un jour ; écrivez par exemple 2026-01-31")
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise RefusedValueError("there is no such day in the calendar", "ce jour n’existe pas dans le calendrier") from error


def _country(value: str) -> str:
    if not re.fullmatch("[A-Z]{2}", value):
        raise RefusedValueError("not a country, write two capitals such as FR", "ce n’est pas un pays ; écrivez deux majuscules comme FR")
    return value


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (LookupError, ValueError, OSError) as error:
        raise RefusedValueError(
            "not a time zone, write one such as Europe/Paris", "ce n’est pas un fuseau horaire ; écrivez par exemple Europe/Paris"
        ) from error
    return value


Pattern = Annotated[str, AfterValidator(_pattern)]
Instant = Annotated[datetime, BeforeValidator(naive_utc)]
Day = Annotated[date, BeforeValidator(_day)]
Country = Annotated[str, AfterValidator(_country)]
"""Two capitals (ISO 3166)."""
TimeZone = Annotated[str, AfterValidator(_zone)]


class Secret(Settings):
    """Where a password is kept: exactly one of the system keyring, an environment variable, a private file, or a prompt."""

    keyring: str | None = None
    env: str | None = None
    file: Path | None = None
    prompt: bool = False

    @model_validator(mode="before")
    @classmethod
    def _not_written_here(cls, value: object) -> object:
        if isinstance(value, str):
            raise RefusedValueError(
                "a password is never written here, use {prompt: true}, {env: NAME}, {file: PATH} or {keyring: NAME}",
                "un mot de passe ne s’écrit jamais ici ; utilisez {prompt: true}, {env: NOM}, {file: CHEMIN} ou {keyring: NOM}",
            )
        return value

    @model_validator(mode="after")
    def _one_place(self) -> Secret:
        if sum((self.keyring is not None, self.env is not None, self.file is not None, self.prompt)) != 1:
            raise RefusedValueError(
                "name exactly one of keyring, env, file or prompt", "nommez un seul emplacement : keyring, env, file ou prompt"
            )
        return self
