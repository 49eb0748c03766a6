"""audit.yaml as typed settings: unknown keys are errors, secrets are only pointed at, paths are relative to the file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, Field, model_validator

from auditor import strict_yaml
from auditor.config_base import Country, Instant, Pattern, Settings, TimeZone
from auditor.config_base import Secret as Secret
from auditor.config_base import naive_utc as naive_utc
from auditor.config_entra import Entra, EntraFiles, Supplier
from auditor.config_report import Branding, Memory, Notify
from auditor.config_sign_ins import Evtx, Monitoring, SambaLog, SignInCsv, WindowsJson
from auditor.config_training import POPULATIONS, Gophish, Otp, Population, Training
from auditor.model import Language, Severity
from auditor.strict_yaml import RefusedValueError

_T = TypeVar("_T", bound=BaseModel)


class ActiveDirectory(Settings):
    """A live domain, read over verified TLS, or Kerberos with its own sealing.

    `person_number_attribute` holds the HR number, `professional_id_attributes` the national professional id, first found wins.
    """

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
    person_number_attribute: str = Field("employeeID", min_length=1)
    professional_id_attributes: tuple[str, ...] = ("extensionAttribute1", "employeeNumber")

    @model_validator(mode="after")
    def _credentials(self) -> ActiveDirectory:
        if self.bind == "simple" and not (self.user and self.password):
            raise RefusedValueError("a simple bind needs user and password", "une authentification simple demande user et password")
        return self


class Ldif(Settings):
    """A directory exported as LDIF (ldifde, ldapsearch), one file or several.

    `max_age_days` is how long before the audit the newest trace of activity in the export may lie.
    """

    type: Literal["ldif"]
    name: str
    paths: tuple[Path, ...] = Field(min_length=1)
    person_number_attribute: str = Field("employeeID", min_length=1)
    professional_id_attributes: tuple[str, ...] = ("extensionAttribute1", "employeeNumber")
    max_age_days: int = Field(14, ge=1)


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
    received_at: Instant | None = None
    max_age_days: int = Field(366, ge=1)


class _BackupExports(Settings):
    """Files exported from backup repositories, one or several per repository.

    `received_at` is when they were exported; without it, when each file was last written.
    """

    name: str
    paths: tuple[Path, ...] = Field(min_length=1)
    received_at: Instant | None = None
    max_age_days: int = Field(2, ge=1)


class Restic(_BackupExports):
    """Lists of `restic snapshots --json`; a repository is known by the name of its file."""

    type: Literal["restic"]
    name: str = "restic"

    @model_validator(mode="after")
    def _distinct_files(self) -> Restic:
        if len({path.stem.casefold() for path in self.paths}) != len(self.paths):
            raise RefusedValueError(
                "two files bear the same name; each repository needs its own",
                "deux fichiers portent le même nom ; chaque dépôt demande le sien",
            )
        return self


class Borg(_BackupExports):
    """Lists of `borg list --json` or `borg info --json`; their times have no zone, so `timezone` says where the machine stands."""

    type: Literal["borg"]
    name: str = "borg"
    timezone: TimeZone


class Attestations(Settings):
    """A folder of signed statements in YAML: restore tests, copies, consoles, exercises, reviews, policies."""

    type: Literal["attestations"]
    name: str = "attestations"
    path: Path


Source = Annotated[
    ActiveDirectory
    | Ldif
    | RegistryFr
    | Hr
    | Vendors
    | Restic
    | Borg
    | Attestations
    | Entra
    | EntraFiles
    | Training
    | Gophish
    | Otp
    | Evtx
    | SambaLog
    | SignInCsv
    | WindowsJson,
    Field(discriminator="type"),
]


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


class CriticalSystem(Settings):
    """A system care cannot do without. `backup` names the hosts, archives, paths or tags that back it up (`*` stands for any text)."""

    name: str = Field(min_length=1)
    backup: tuple[str, ...] = Field(min_length=1)
    max_age_hours: int = Field(24, ge=1)


class Establishment(Settings):
    """Who is audited; `finess` lists the sites' nine-character FINESS numbers.

    `countries` are those people sign in from every day, two letters each: its own, and the neighbour's near a border.
    """

    name: str
    finess: tuple[str, ...] = ()
    countries: tuple[Country, ...] = Field(("FR",), min_length=1)


class RuleSettings(Settings):
    """Thresholds by rule and parameter, and folders of third-party rules."""

    params: dict[str, dict[str, int | float | str | bool]] = Field(default_factory=dict)
    packs: tuple[Path, ...] = ()
    timeout_seconds: int = Field(30, ge=1, le=3600)
    memory_mb: int = Field(1024, ge=64)


class Audit(Settings):
    """The whole of audit.yaml.

    `bilingual` puts the other language into the HTML report as well; `targets` are per cents to reach, by recommendation; `waivers` and
    `plan` need not exist. `sarif_per` says what one SARIF result stands for: a rule, or one object it found.
    """

    establishment: Establishment
    sources: tuple[Source, ...] = Field(min_length=1)
    language: Language = Language.FR
    bilingual: bool = False
    output: Path = Path("audit-output")
    fail_on: Literal["critical", "high", "medium", "low", "never"] = "critical"
    as_of: Instant | None = None
    kinds: Kinds = Kinds()
    groups: GroupRoles = GroupRoles()
    populations: tuple[Population, ...] = POPULATIONS
    systems: tuple[CriticalSystem, ...] = ()
    suppliers: tuple[Supplier, ...] = ()
    monitoring: Monitoring = Monitoring()
    rules: RuleSettings = RuleSettings()
    targets: dict[Annotated[int, Field(ge=1, le=5)], Annotated[float, Field(gt=0, le=100)]] = Field(default_factory=dict)
    waivers: Path = Path("waivers.yaml")
    plan: Path = Path("plan.yaml")
    sarif_per: Literal["rule", "object"] = "rule"
    pseudonym_key: Path = Path("pseudonyms.key")
    memory: Memory = Memory()
    branding: Branding = Branding()
    notify: Notify = Notify()

    @model_validator(mode="after")
    def _distinct_names(self) -> Audit:
        names = [source.name for source in self.sources]
        if len(set(names)) != len(names):
            raise RefusedValueError("two sources bear the same name; rename one", "deux sources portent le même nom ; renommez-en une")
        populations = [population.name for population in self.populations]
        if len(set(populations)) != len(populations):
            raise RefusedValueError(
                "two populations bear the same name; rename one", "deux populations portent le même nom ; renommez-en une"
            )
        systems = [system.name.strip().lower() for system in self.systems]
        if len(set(systems)) != len(systems):
            raise RefusedValueError(
                "two critical systems bear the same name; rename one", "deux systèmes critiques portent le même nom ; renommez-en un"
            )
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
