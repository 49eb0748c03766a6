"""Sections of audit.yaml about what becomes of a run: its memory, the look of the report, and who is told."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from auditor.config_base import Secret, Settings
from auditor.strict_yaml import RefusedValueError


class Memory(Settings):
    """The history of runs. `max_drop_percent` is by how much of its rows a source may shrink between two runs and still count as whole."""

    retention_days: int = Field(800, ge=30, le=36_500)
    max_drop_percent: float = Field(20, gt=0, lt=100)


class Branding(Settings):
    """The look of the report: a name and a logo (PNG, JPEG or SVG up to 256 kB) in its head, one accent colour (#rrggbb). Never code or
    styles. A colour that text could not be read in is darkened, and in the dark lightened."""

    name: str = Field("", max_length=120)
    logo: Path | None = None
    accent: str = Field("", pattern=r"^(#[0-9a-fA-F]{6})?$")


def _address(value: str) -> str:
    if value.count("@") != 1 or any(char.isspace() or not char.isprintable() for char in value):
        raise RefusedValueError("write one mail address", "écrivez une adresse de messagerie")
    return value


_Address = Annotated[str, AfterValidator(_address)]


class Smtp(Settings):
    """The mail server that sends the message; TLS is always verified, `ca_file` names the authority of an internal one."""

    server: str = Field(min_length=1)
    port: int = Field(587, ge=1, le=65535)
    tls: Literal["starttls", "implicit"] = "starttls"
    ca_file: Path | None = None
    user: str = ""
    password: Secret | None = None
    sender: _Address
    recipients: tuple[_Address, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _credentials(self) -> Smtp:
        if bool(self.user) != bool(self.password):
            raise RefusedValueError("user and password go together", "user et password vont ensemble")
        return self


class Webhook(Settings):
    """A chat or ticket system that takes the message by HTTPS POST; the address is a secret, because it lets whoever holds it write."""

    url: Secret
    ca_file: Path | None = None


class Notify(Settings):
    """Who is told what changed, without any name; nothing is sent when nothing did, unless `always`. `report_link` says where the report
    lies."""

    smtp: Smtp | None = None
    webhook: Webhook | None = None
    report_link: str = ""
    always: bool = False
