"""What a signed statement holds, kind by kind. One mechanism writes them (`audit attest`) and reads them (source attestations)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from auditor.config_base import Settings
from auditor.strict_yaml import RefusedValueError


def _day(value: object) -> object:
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        raise RefusedValueError("write the day as 2026-01-31", "écrivez le jour comme 2026-01-31")
    return datetime.fromisoformat(value)


def _relative(value: str) -> str:
    """A path below the statement's own folder: a statement must not make the auditor read anything else."""
    parts = value.split("/")
    if "\\" in value or ":" in value or "\0" in value or any(part in ("", ".", "..") for part in parts):
        raise RefusedValueError(
            "write a path below this folder, with / between names", "écrivez un chemin à l’intérieur de ce dossier, avec / entre les noms"
        )
    return value


Day = Annotated[datetime, BeforeValidator(_day)]
Words = Annotated[str, Field(min_length=1, max_length=200)]
Name = Annotated[Words, AfterValidator(str.strip)]
"""A name others join on: compared in lower case, kept as typed."""
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-fA-F]{64}$")]
Minutes = Annotated[int, Field(ge=0, le=1_000_000)]


class Entry(Settings):
    """What every statement holds: its day, and a proof with its SHA-256, or neither."""

    date: Day
    proof_file: Annotated[str, AfterValidator(_relative)] | None = None
    sha256: Sha256 | None = None

    @model_validator(mode="after")
    def _proof_with_hash(self) -> Entry:
        if (self.proof_file is None) != (self.sha256 is None):
            raise RefusedValueError("proof_file and sha256 go together", "proof_file et sha256 vont ensemble")
        return self


class RestoreTest(Entry):
    """A restore that was tried."""

    kind: Literal["restore_test"]
    system: Name
    scope: Literal["file", "db", "full", "ad"]
    from_copy: Literal["offline", "offsite", "local"]
    result: Literal["pass", "partial", "fail"]
    duration_min: Minutes
    rto_target_min: Minutes
    rpo_h: Minutes
    tester: Words
    business_referent: str = ""


class Copy(Entry):
    """A copy of the backups of a system."""

    kind: Literal["copy"]
    system: Name
    name: Name
    medium: Literal["disk", "tape", "optical", "removable", "object_storage"]
    site: Words
    off_site: bool
    offline: bool
    immutable: bool
    encrypted: bool
    last_written: Day


class Console(Entry):
    """A backup console and who may use it; people are counted, not named."""

    kind: Literal["console"]
    name: Name
    auth_source: Literal["production_directory", "dedicated_directory", "local", "cloud"]
    mfa: bool
    operators: Annotated[int, Field(ge=0, le=100_000)]
    may_erase: Annotated[int, Field(ge=0, le=100_000)]


class Alerts(Entry):
    """What becomes of the alerts of a backup console on the day of the statement."""

    kind: Literal["alerts"]
    console: Name
    alerted: bool
    owner: Annotated[str, Field(max_length=200)] = ""
    unowned: Annotated[int, Field(ge=0, le=1_000_000)]
    oldest_unowned: Day | None = None

    @model_validator(mode="after")
    def _oldest_of_some(self) -> Alerts:
        if (self.oldest_unowned is None) != (self.unowned == 0):
            raise RefusedValueError(
                "give oldest_unowned when unowned is above 0, and only then",
                "donnez oldest_unowned quand unowned dépasse 0, et seulement alors",
            )
        return self


class Event(Entry):
    """An exercise held, a review made, or a policy approved."""

    kind: Literal["exercise", "review", "policy"]
    topic: Literal["crisis", "backup", "access", "continuity"]
    owner: Words


Statement = RestoreTest | Copy | Console | Alerts | Event

KINDS: Mapping[str, type[Statement]] = {
    "restore_test": RestoreTest, "copy": Copy, "console": Console, "alerts": Alerts,
    "exercise": Event, "review": Event, "policy": Event,
}  # fmt: skip
"""Model of each kind of statement."""
