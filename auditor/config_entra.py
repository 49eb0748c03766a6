"""Sections of audit.yaml about Entra ID."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from auditor.config_base import Instant, Secret, Settings
from auditor.strict_yaml import RefusedValueError


class Entra(Settings):
    """A live Entra ID tenant, read through Microsoft Graph by an application that may only read.

    `secret` is the client secret, or the passphrase of the certificate. `login_url` and `graph_url` replace those of the cloud.
    `sign_in_days` asks for the sign-ins of the last days too (P1; 30 days are kept). A token with a permission that is not known
    to only read ends the run, unless `allow_write_permissions` turns that into a warning of the report.
    """

    type: Literal["entra"]
    name: str = "entra"
    tenant: str = Field(pattern=r"^[\w.-]+$")
    client_id: str = ""
    sign_in: Literal["certificate", "secret", "device_code", "managed_identity"] = "certificate"
    certificate: Path | None = None
    secret: Secret | None = None
    cloud: Literal["global", "us_government", "china", "bleu"] = "global"
    login_url: str = ""
    graph_url: str = ""
    ca_file: Path | None = None
    connect_timeout: int = Field(10, ge=1, le=300)
    receive_timeout: int = Field(60, ge=1, le=3600)
    deadline: int = Field(3600, ge=1)
    sign_in_days: int = Field(0, ge=0, le=30)
    professional_id_attribute: str = "extensionAttribute1"
    allow_write_permissions: bool = False

    @model_validator(mode="after")
    def _credentials(self) -> Entra:
        if self.sign_in == "certificate" and self.certificate is None:
            raise RefusedValueError(
                "sign_in: certificate needs certificate (a PEM or PFX file; secret holds its passphrase, if any)",
                "sign_in: certificate demande certificate (fichier PEM ou PFX ; secret contient sa phrase de passe, s’il y en a une)",
            )
        if self.sign_in == "secret" and self.secret is None:
            raise RefusedValueError("sign_in: secret needs secret", "sign_in: secret demande secret")
        if self.sign_in != "managed_identity" and not self.client_id:
            raise RefusedValueError(f"sign_in: {self.sign_in} needs client_id", f"sign_in: {self.sign_in} demande client_id")
        if not all(url.startswith("https://") for url in (self.login_url, self.graph_url) if url):
            raise RefusedValueError("login_url and graph_url begin with https://", "login_url et graph_url commencent par https://")
        return self


class EntraFiles(Settings):
    """Saved answers of Microsoft Graph: one folder per address (users, policies/authorizationPolicy…), pages 1.json, 2.json… in it."""

    type: Literal["entra_files"]
    name: str = "entra"
    path: Path
    sign_in_days: int = Field(0, ge=0, le=400)
    professional_id_attribute: str = "extensionAttribute1"


class Supplier(Settings):
    """A supplier and the end of its contract; what marks its applications in Entra ID: their ids, its tenant, its name, its domains."""

    company: str
    ends_at: Instant | None = None
    application_ids: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()
    publishers: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
