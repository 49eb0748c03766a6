"""audit.yaml as typed settings: unknown keys are errors, secrets are only pointed at, paths are relative to the file."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from auditor import strict_yaml
from auditor.model import Language, Severity


class Settings(BaseModel):
    """Base of every section: frozen, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"not a regular expression ({error})") from error
    return value


def naive_utc(value: object) -> object:
    """A date or time given as text as a UTC datetime without zone; other values pass through for pydantic to judge."""
    if isinstance(value, str):
        parsed = datetime.fromisoformat(value)
    elif isinstance(value, date) and not isinstance(value, datetime):
        parsed = datetime(value.year, value.month, value.day)
    elif isinstance(value, datetime):
        parsed = value
    else:
        return value
    return parsed.astimezone(UTC).replace(tzinfo=None) if parsed.tzinfo else parsed


_T = TypeVar("_T", bound=BaseModel)
Pattern = Annotated[str, AfterValidator(_pattern)]
Instant = Annotated[datetime, BeforeValidator(naive_utc)]


class Secret(Settings):
    """Where a password is kept: exactly one of the system keyring, an environment variable, a private file, or a prompt."""

    keyring: str | None = None
    env: str | None = None
    file: Path | None = None
    prompt: bool = False

    @model_validator(mode="after")
    def _one_place(self) -> Secret:
        if sum((self.keyring is not None, self.env is not None, self.file is not None, self.prompt)) != 1:
            raise ValueError("name exactly one of keyring, env, file or prompt")
        return self


class ActiveDirectory(Settings):
    """A live domain, read over verified TLS, or Kerberos with its own sealing."""

    type: Literal["active_directory"]
    name: str
    server: str
    port: int | None = Field(None, ge=1, le=65535)
    tls: Literal["ldaps", "starttls"] = "ldaps"
    ca_file: Path | None = None
    bind: Literal["simple", "kerberos"] = "simple"
    user: str = ""
    password: Secret | None = None
    connect_timeout: int = Field(10, ge=1, le=300)
    receive_timeout: int = Field(60, ge=1, le=3600)
    deadline: int = Field(3600, ge=1)
    page_size: int = Field(500, ge=10, le=1000)
    professional_id_attributes: tuple[str, ...] = ("extensionAttribute1", "employeeNumber")

    @model_validator(mode="after")
    def _credentials(self) -> ActiveDirectory:
        if self.bind == "simple" and not (self.user and self.password):
            raise ValueError("a simple bind needs user and password")
        return self


class Ldif(Settings):
    """A directory exported as LDIF (ldifde, ldapsearch), one file or several."""

    type: Literal["ldif"]
    name: str
    paths: tuple[Path, ...] = Field(min_length=1)
    professional_id_attributes: tuple[str, ...] = ("extensionAttribute1", "employeeNumber")


class RegistryFr(Settings):
    """Weekly files of the French registry of professionals (PS_LibreAcces_Personne_activite), oldest first or in any order."""

    type: Literal["registry_fr"]
    name: str = "rpps"
    paths: tuple[Path, ...] = Field(min_length=1)
    max_drop: float = Field(0.05, gt=0, lt=1)
    max_age_days: int = Field(14, ge=1)


class Hr(Settings):
    """The HR file; `columns` maps the names of hr_contract to the headers of the file."""

    type: Literal["hr"]
    name: str = "hr"
    path: Path
    encoding: str = "cp1252"
    delimiter: str = Field(";", min_length=1, max_length=1)
    date_format: str = "%d/%m/%Y"
    columns: dict[str, str]
    received_at: Instant | None = None
    max_age_days: int = Field(7, ge=1)


class Vendors(Settings):
    """The register of suppliers' accounts; `columns` maps the names of vendor_contract to the headers of the file."""

    type: Literal["vendors"]
    name: str = "vendors"
    path: Path
    encoding: str = "utf-8-sig"
    delimiter: str = Field(";", min_length=1, max_length=1)
    date_format: str = "%d/%m/%Y"
    columns: dict[str, str]


Source = Annotated[ActiveDirectory | Ldif | RegistryFr | Hr | Vendors, Field(discriminator="type")]


class KindPatterns(Settings):
    """What marks an account of one kind: regular expressions on the logon name, or ends of the container's DN."""

    names: tuple[Pattern, ...] = ()
    containers: tuple[str, ...] = ()


class Kinds(Settings):
    """Patterns by kind; the first kind that matches, in this order, wins, and what matches none is a person of the staff."""

    break_glass: KindPatterns = KindPatterns(names=(r"^degrade_",))
    service: KindPatterns = KindPatterns(names=(r"^svc[_-]",))
    vendor: KindPatterns = KindPatterns(names=(r"^(tm|presta)_",))
    device: KindPatterns = KindPatterns()
    generic: KindPatterns = KindPatterns()
    intern: KindPatterns = KindPatterns()
    agency: KindPatterns = KindPatterns(names=(r"^(int|rempl)_",))
    student: KindPatterns = KindPatterns(names=(r"^etu_",))
    partner: KindPatterns = KindPatterns(names=(r"^(lib|part)_",))


class GroupRoles(Settings):
    """Regular expressions on group names, by role."""

    remote_access: tuple[Pattern, ...] = ()
    clinical: tuple[Pattern, ...] = ()
    prescriber: tuple[Pattern, ...] = ()
    backup: tuple[Pattern, ...] = (r"(?i)veeam|sauvegarde|backup_admin|commvault|rubrik|cohesity",)
    hypervisor: tuple[Pattern, ...] = (r"(?i)vcenter|vmware|esx|hyper-?v_admin|nutanix|proxmox",)


class Establishment(Settings):
    """Who is audited; `finess` lists the sites' nine-character FINESS numbers."""

    name: str
    finess: tuple[str, ...] = ()


class RuleSettings(Settings):
    """Thresholds by rule and parameter, and folders of third-party rules."""

    params: dict[str, dict[str, int | float | str | bool]] = {}
    packs: tuple[Path, ...] = ()
    timeout_seconds: int = Field(30, ge=1, le=3600)
    memory_mb: int = Field(1024, ge=64)


class Audit(Settings):
    """The whole of audit.yaml."""

    establishment: Establishment
    sources: tuple[Source, ...] = Field(min_length=1)
    language: Language = Language.FR
    output: Path = Path("audit-output")
    fail_on: Literal["critical", "high", "medium", "low", "never"] = "critical"
    as_of: Instant | None = None
    kinds: Kinds = Kinds()
    groups: GroupRoles = GroupRoles()
    rules: RuleSettings = RuleSettings()

    @model_validator(mode="after")
    def _distinct_names(self) -> Audit:
        names = [source.name for source in self.sources]
        if len(set(names)) != len(names):
            raise ValueError("two sources bear the same name")
        return self


def threshold(fail_on: str) -> frozenset[Severity]:
    """Severities at or above `fail_on`; empty for never."""
    if fail_on == "never":
        return frozenset()
    return frozenset(severity for severity in Severity if severity.rank <= Severity(fail_on).rank)


def load(path: Path) -> Audit:
    """Read audit.yaml; every relative path in it is taken from the file's folder."""
    audit = strict_yaml.load(path, Audit)
    base = path.resolve().parent
    return _rebase(audit, base)


def _rebase(settings: _T, base: Path) -> _T:
    changes: dict[str, object] = {}
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, Path):
            changes[name] = base / value
        elif isinstance(value, BaseModel):
            changes[name] = _rebase(value, base)
        elif isinstance(value, tuple):
            changes[name] = tuple(
                base / item if isinstance(item, Path) else _rebase(item, base) if isinstance(item, BaseModel) else item for item in value
            )
    return settings.model_copy(update=changes)
