"""The plan of the hospital: who exists and which facts each account carries. Writers and the answer key read it, nothing else."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sample_data.generator.identifiers import finess, guid_bytes, guid_text

DNS = "chu-valdore.test"
DN = "DC=chu-valdore,DC=test"
DOMAIN_SID = "S-1-5-21-2610413867-1459385731-3084571420"

# userAccountControl (MS-ADTS 2.2.16)
DISABLED = 0x2
PASSWORD_NOT_REQUIRED = 0x20
REVERSIBLE = 0x80
NEVER_EXPIRES = 0x10000
SMARTCARD = 0x40000
UNCONSTRAINED = 0x80000
NO_PREAUTH = 0x400000
PROTOCOL_TRANSITION = 0x1000000
NORMAL, WORKSTATION, DOMAIN_CONTROLLER = 0x200, 0x1000, 0x2000

PROTECTED = ("domain", "admin_sd_holder")
"""Targets of access entries that are neither accounts nor groups."""

SITES = {"CHUV": finess(10), "CHB": finess(20), "CHSA": finess(30)}
"""The three establishments of the group and their legal entities' numbers."""


@dataclass(eq=False)
class Contract:
    """One line of the HR file; `end` None has no end, and is written in the way `open_end` says."""

    kind: str
    start: date
    end: date | None = None
    open_end: str = ""


@dataclass(eq=False)
class Person:
    """Somebody the HR file knows. `written` is the number as the HR file has it, damaged or not; `rpps` likewise."""

    number: str
    given: str
    surname: str
    unit: Unit
    job: Job
    site: str
    contracts: list[Contract]
    birth: date
    birth_name: str = ""
    written: str = ""
    rpps: str = ""

    def __post_init__(self) -> None:
        self.written = self.written or self.number


@dataclass(frozen=True)
class Unit:
    """A care unit or an office."""

    code: str
    name: str


@dataclass(frozen=True)
class Job:
    """A job: its label in the HR file, the suffix of its unit group, its profession code in the registry, if any."""

    label: str
    team: str
    profession: str = ""


@dataclass(eq=False)
class Professional:
    """Somebody of the registry; `unlisted` ones are in no release, `vanished` ones only in the first."""

    number: str
    given: str
    surname: str
    profession: str
    category: str
    sites: list[tuple[str, str]]
    unlisted: bool = False
    vanished: bool = False
    drops_site: bool = False
    new: bool = False


@dataclass(eq=False)
class Account:
    """A user, computer or managed service account and every fact planned for it. Times are UTC; None means never."""

    rid: int
    sam: str
    cn: str
    container: str
    kind: str
    created: datetime
    population: str = ""
    object_class: str = "user"
    control: int = NORMAL
    primary_group: int = 513
    given: str = ""
    surname: str = ""
    mail: str = ""
    department: str = ""
    texts: dict[str, str] = field(default_factory=dict)
    password_set: datetime | None = None
    last_sign_in: datetime | None = None
    expires: datetime | None = None
    certificate: str = ""
    admin_count: bool = False
    spns: list[str] = field(default_factory=list)
    delegates_to: list[str] = field(default_factory=list)
    impersonators: list[Account] = field(default_factory=list)
    operating_system: str = ""
    host_name: str = ""
    employee_id: str = ""
    id_written: str = ""
    id_status: str = "missing"
    professional: Professional | None = None
    person: Person | None = None
    job: Job | None = None
    secret_in_text: bool = False

    @property
    def sid(self) -> str:
        """SID as text, the key of the account."""
        return f"{DOMAIN_SID}-{self.rid}"

    @property
    def dn(self) -> str:
        """Distinguished name."""
        return f"CN={self.cn},{self.container}"

    @property
    def enabled(self) -> bool:
        """Not disabled."""
        return not self.control & DISABLED

    @property
    def is_enabled_user(self) -> bool:
        """What most rules judge."""
        return self.enabled and self.object_class == "user"

    @property
    def is_domain_controller(self) -> bool:
        """A writable domain controller."""
        return bool(self.control & DOMAIN_CONTROLLER)


@dataclass(eq=False)
class Foreign:
    """A principal of another domain, or a well-known one such as Everyone."""

    sid: str

    @property
    def dn(self) -> str:
        """Distinguished name."""
        return f"CN={self.sid},CN=ForeignSecurityPrincipals,{DN}"


@dataclass(eq=False)
class Group:
    """A group and its direct members."""

    name: str
    cn: str
    container: str
    rid: int
    created: datetime
    scope: str = "global"
    security: bool = True
    sid: str = ""
    members: list[Account | Group | Foreign] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.sid = self.sid or f"{DOMAIN_SID}-{self.rid}"

    @property
    def key(self) -> str:
        """Built-in groups are qualified by their domain, their SID being the same everywhere."""
        return f"{DOMAIN_SID}/{self.sid}" if self.sid.startswith("S-1-5-32-") else self.sid

    @property
    def dn(self) -> str:
        """Distinguished name."""
        return f"CN={self.cn},{self.container}"


@dataclass(eq=False)
class VendorContract:
    """A line of the vendors' register."""

    account: str
    company: str
    end: date | None
    sponsor: str


@dataclass(eq=False)
class PasswordPolicy:
    """A fine-grained password policy."""

    name: str
    precedence: int
    min_length: int
    lockout: int
    targets: list[Group]
    complexity: bool = True
    reversible: bool = False

    @property
    def guid(self) -> bytes:
        """objectGUID."""
        return guid_bytes(f"policy {self.name}")

    @property
    def key(self) -> str:
        """objectGUID as text."""
        return guid_text(f"policy {self.name}")


@dataclass(eq=False)
class Grant:
    """A planted access entry: `ace` in SDDL with {sid} for the trustee, on one object.

    `permission` is the takeover it gives an outsider; empty when it gives none. An `ace` of "owner" makes the trustee the owner."""

    target: Account | Group | str
    trustee: Account | Group
    ace: str
    permission: str = ""


@dataclass(eq=False)
class Hospital:
    """Everything."""

    seed: int
    factor: float
    as_of: datetime
    accounts: list[Account] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    foreign: list[Foreign] = field(default_factory=list)
    persons: list[Person] = field(default_factory=list)
    professionals: list[Professional] = field(default_factory=list)
    vendors: list[VendorContract] = field(default_factory=list)
    policies: list[PasswordPolicy] = field(default_factory=list)
    grants: list[Grant] = field(default_factory=list)
    by_primary_group: dict[int, list[Account]] = field(default_factory=dict)
    used: set[int] = field(default_factory=set)
    next_rid: int = 1103
    week: int = 1

    @property
    def elapsed(self) -> int:
        """Days since the audit of week 1, which is the one that lies in the repository; negative before it."""
        return 7 * (self.week - 1)

    def n(self, full: int) -> int:
        """A quantity at this size, never less than one."""
        return max(1, round(full * self.factor))

    def rng(self, part: str) -> random.Random:
        """The dice of one part: independent of the other parts."""
        return random.Random(f"{self.seed} {part}")

    def rid(self) -> int:
        """The next free RID."""
        self.next_rid += 1
        return self.next_rid - 1

    def ago(self, days: int, seconds: int = 0) -> datetime:
        """A moment before the audit."""
        return self.as_of - timedelta(days=days, seconds=seconds)

    def day(self, days: int) -> date:
        """The day so many days before the audit; negative ones lie ahead."""
        return (self.as_of - timedelta(days=days)).date()

    def group(self, name: str) -> Group:
        """The group of that name."""
        return next(group for group in self.groups if group.name == name)

    def account(self, sam: str) -> Account:
        """The account of that logon name."""
        return next(account for account in self.accounts if account.sam == sam)

    def take(self, count: int, wanted: Callable[[Account], bool], *, share: bool = False) -> list[Account]:
        """The first enabled accounts that are wanted and carry no planted fact yet; taken ones are not given twice unless `share`."""
        found: list[Account] = []
        for account in self.accounts:
            if len(found) == count:
                break
            if account.rid not in self.used and account.enabled and wanted(account):
                found.append(account)
        if len(found) < count:
            raise ValueError(f"only {len(found)} of {count} accounts left to plant a fact on")
        if not share:
            self.used.update(account.rid for account in found)
        return found
