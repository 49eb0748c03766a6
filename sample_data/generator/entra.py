"""The tenant of Entra ID that the main forest is synchronised to: its plan, with planted faults and near misses.

Only part of the staff is in it, so that the saved pages stay small. Nothing of the directory is changed here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sample_data.generator import jobs
from sample_data.generator.faults_credentials import is_staff
from sample_data.generator.identifiers import guid_text
from sample_data.generator.model import DNS, DOMAIN_SID, SMARTCARD, Account, Hospital

TENANT = guid_text("entra tenant")
OTHER_TENANT = guid_text("entra other tenant")
MICROSOFT = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"
GLOBAL_ADMINISTRATOR = "62e90394-69f5-4237-9190-012177145e10"
ROLES = {
    GLOBAL_ADMINISTRATOR: "Global Administrator",
    "e8611ab8-c189-46e8-94e1-60213ab1f814": "Privileged Role Administrator",
    "fe930be7-5e62-47db-91af-98c3a49a38b1": "User Administrator",
    "29232cdf-9323-42fd-ade2-1d097af3e4de": "Exchange Administrator",
    "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3": "Application Administrator",
    "4a5d8f65-41da-4de4-8968-e035b65339cf": "Reports Reader",
}
ROLE = {name: key for key, name in ROLES.items()}
HARMLESS_ROLES = ("Reports Reader",)
APP, RESISTANT, PHONE = ("microsoftAuthenticatorPush", "mobilePhone"), ("fido2", "microsoftAuthenticatorPush"), ("mobilePhone",)
NOTHING: tuple[str, ...] = ()


@dataclass(eq=False)
class CloudUser:
    """A user of the tenant; `methods` None is not in the report of methods, `last_sign_in` None never signed in."""

    key: str
    name: str
    display: str
    kind: str
    created: datetime
    account: Account | None = None
    sid: str = ""
    enabled: bool = True
    methods: tuple[str, ...] | None = APP
    last_sign_in: datetime | None = None
    password_set: datetime | None = None
    weak_password: bool = False
    mail: str = ""

    @property
    def synced(self) -> bool:
        """Comes from the directory."""
        return bool(self.sid)

    @property
    def external(self) -> bool:
        """A guest."""
        return self.kind == "guest"

    @property
    def capable(self) -> bool:
        """Has a second factor."""
        return bool(self.methods) and set(self.methods or ()) != {"email"}


@dataclass(eq=False)
class Holding:
    """A role held by a user, by an application (its key) or by a group."""

    holder: CloudUser | CloudGroup | str
    role: str
    state: str = "active"
    permanent: bool = True


@dataclass(eq=False)
class CloudGroup:
    """A group that roles or policies refer to."""

    key: str
    name: str
    members: list[CloudUser] = field(default_factory=list)


@dataclass(eq=False)
class Key:
    """A credential of an application: its age and what is left of it, in days."""

    kind: str
    age: int
    left: int
    on: str = "registration"

    @property
    def too_long(self) -> bool:
        """Longer than 180 days for a secret, 365 for a certificate."""
        return self.age + self.left > (180 if self.kind == "secret" else 365)


@dataclass(eq=False)
class App:
    """An application and what it was allowed; `everybody` and `one` are delegated, for all users or for a single one."""

    name: str
    owner: str = "third_party"
    enabled: bool = True
    application: tuple[str, ...] = ()
    everybody: tuple[str, ...] = ()
    one: tuple[str, ...] = ()
    keys: tuple[Key, ...] = ()
    domain: str = ""
    publisher: str = ""
    supplier: str = ""
    app_id: str = ""

    @property
    def key(self) -> str:
        """Object id of the service principal."""
        return guid_text(f"entra principal {self.name}")

    @property
    def registration(self) -> str:
        """Object id of the registration of an own application."""
        return guid_text(f"entra registration {self.name}")


@dataclass(eq=False)
class Tenant:
    """Everything."""

    hospital: Hospital
    users: list[CloudUser] = field(default_factory=list)
    holdings: list[Holding] = field(default_factory=list)
    groups: list[CloudGroup] = field(default_factory=list)
    apps: list[App] = field(default_factory=list)

    def user(self, name: str, display: str, kind: str, age: int, **facts: Any) -> CloudUser:
        """A user who is not in the directory, seen three days ago."""
        hospital = self.hospital
        planned: dict[str, Any] = {
            "last_sign_in": hospital.ago(3, age), "password_set": hospital.ago(min(age, 200), 600), **facts,
        }  # fmt: skip
        made = CloudUser(guid_text(f"entra user {name}"), name, display, kind, hospital.ago(age, 900), **planned)
        self.users.append(made)
        return made


def plan(hospital: Hospital) -> Tenant:
    """The tenant of a hospital; always the same."""
    tenant = Tenant(hospital)
    rng = hospital.rng("entra")
    staff = [account for account in hospital.accounts if is_staff(account) and account.enabled]
    plain = [_synced(tenant, account, rng.randrange(1, 20)) for account in staff[::12] if account.job is not jobs.TECHNICIAN]
    technicians = [account for account in staff if account.job is jobs.TECHNICIAN]

    def take(count: int) -> list[CloudUser]:
        taken, plain[:count] = plain[:count], []
        return taken

    _plant_methods(hospital, take)
    _plant_activity(hospital, take)
    _plant_anchors(tenant)
    _add_others(tenant)
    _add_guests(tenant)
    _plant_roles(tenant, [_synced(tenant, account, 4) for account in technicians[:7]])
    tenant.apps += _applications()
    return tenant


def _synced(tenant: Tenant, account: Account, days: int, kind: str = "person") -> CloudUser:
    hospital = tenant.hospital
    user = CloudUser(
        guid_text(f"entra user {account.sid}"), f"{account.sam}@{DNS}", account.cn, kind, max(account.created, hospital.ago(900)),
        account=account, sid=account.sid, last_sign_in=hospital.ago(days, days * 91), password_set=account.password_set,
        mail=account.mail,
    )  # fmt: skip
    tenant.users.append(user)
    return user


def _plant_methods(hospital: Hospital, take: Callable[[int], list[CloudUser]]) -> None:
    """Nobody's second factor, only a telephone, a telephone beside an application, and a mail address that is no factor."""
    for number, user in enumerate(take(hospital.n(60))):
        user.methods = NOTHING if number % 4 else ("email",)
    for user in take(hospital.n(70)):
        user.methods = PHONE
    for user in take(hospital.n(10)):
        user.methods = ("email", "mobilePhone", "softwareOneTimePasscode")  # near miss
    for user in take(hospital.n(20)):
        user.methods = RESISTANT
    for user in take(3):
        user.enabled, user.methods = False, None  # near miss: the report leaves disabled users out
    for user in take(1):
        user.weak_password = True  # near miss: the directory decides on passwords of synchronised users


def _plant_activity(hospital: Hospital, take: Callable[[int], list[CloudUser]]) -> None:
    for number, user in enumerate(take(hospital.n(25))):
        user.created, user.last_sign_in = hospital.ago(800), hospital.ago(95 + number * 11)
    for user in take(2):
        user.created, user.last_sign_in = hospital.ago(800), hospital.ago(88)  # near miss
    for user in take(hospital.n(8)):
        user.created, user.last_sign_in = hospital.ago(200), None
    for user in take(2):
        user.created, user.last_sign_in = hospital.ago(12), None  # near miss


def _plant_anchors(tenant: Tenant) -> None:
    """Alive in the cloud, while the directory has disabled or deleted the account."""
    hospital = tenant.hospital
    former = [account for account in hospital.accounts if is_staff(account) and not account.enabled]
    for account in former[12:18]:
        _synced(tenant, account, 6)
    for account in former[18:21]:
        user = _synced(tenant, account, 60)
        user.enabled, user.methods = False, None  # near miss
    for number, sid in enumerate((f"{DOMAIN_SID}-990001", f"{DOMAIN_SID}-990002", "S-1-5-21-1004336348-1177238915-682003330-1190")):
        # The last one is a near miss: its forest is not part of the audit.
        tenant.user(f"ancien.agent{number + 1}@{DNS}", f"Ancien agent {number + 1}", "person", 700, sid=sid)


def _add_others(tenant: Tenant) -> None:
    """Ward and service accounts, rooms, the synchronisation, emergency access, and people who exist in the cloud alone."""
    hospital = tenant.hospital
    for kind in ("generic", "service"):
        for account in [a for a in hospital.accounts if a.kind == kind and a.is_enabled_user][:5]:
            _synced(tenant, account, 2, kind).methods = NOTHING  # near miss of ENTRA-001
    for number in (1, 2, 3):
        tenant.user(f"salle-reunion{number}@{DNS}", f"Salle de réunion {number}", "system", 500, methods=NOTHING, last_sign_in=None)
    tenant.user(f"Sync_SRV-AADC_0a1b2c3d4e5f@{DNS}", "On-Premises Directory Synchronization", "system", 900, methods=NOTHING)
    for number in range(12):
        user = tenant.user(f"recherche{number + 1:02d}@{DNS}", f"Équipe de recherche {number + 1}", "person", 400 + number)
        user.weak_password = number < 3


def _add_guests(tenant: Tenant) -> None:
    hospital = tenant.hospital
    for number in range(30):
        name = f"invite{number + 1}_partenaire.test#EXT#@{DNS}"
        guest = tenant.user(name, f"Invité {number + 1}", "guest", 300 + number, methods=None, mail=f"invite{number + 1}@partenaire.test")
        if number < 6:
            guest.last_sign_in = hospital.ago(120 + number * 20)
        elif number < 9:
            guest.last_sign_in = None
        elif number < 11:
            guest.last_sign_in, guest.created = None, hospital.ago(20)  # near miss
        elif number == 11:
            guest.last_sign_in, guest.enabled = hospital.ago(200), False  # near miss


def _plant_roles(tenant: Tenant, technicians: list[CloudUser]) -> None:
    """Nine global administrators; good ones are cloud-only, eligible and carry a key."""
    hospital, held = tenant.hospital, tenant.holdings
    glass = [
        tenant.user(f"degrade_cloud{n}@{DNS}", f"Secours {n}", "break_glass", 600, methods=("fido2",), last_sign_in=None) for n in (1, 2)
    ]
    admins = [tenant.user(f"adm.cloud{n}@{DNS}", f"Administrateur cloud {n}", "person", 500, methods=RESISTANT) for n in range(1, 7)]
    held += [Holding(user, GLOBAL_ADMINISTRATOR) for user in glass]  # near miss: permanent on purpose
    held += [Holding(user, GLOBAL_ADMINISTRATOR, "eligible", permanent=False) for user in admins[:2]]
    held.append(Holding(admins[0], GLOBAL_ADMINISTRATOR, permanent=False))  # near miss: activated for the day
    held.append(Holding(admins[2], GLOBAL_ADMINISTRATOR))
    held.append(Holding(admins[3], ROLE["User Administrator"], "eligible", permanent=False))
    admins[3].last_sign_in = hospital.ago(75)
    held.append(Holding(admins[4], ROLE["Exchange Administrator"], "eligible", permanent=False))
    admins[4].methods, admins[4].last_sign_in = APP, hospital.ago(25)  # near miss of ENTRA-055
    held.append(Holding(admins[5], ROLE["Privileged Role Administrator"], "eligible", permanent=False))
    admins[5].methods = NOTHING
    held += [Holding(user, GLOBAL_ADMINISTRATOR) for user in technicians[:2]]
    technicians[0].methods = RESISTANT
    technicians[1].methods = PHONE
    support = CloudGroup(guid_text("entra group support"), "Rôles - assistance", [*technicians[2:4], admins[2]])
    held.append(Holding(support, ROLE["User Administrator"]))
    technicians[2].methods = NOTHING
    reports = CloudGroup(guid_text("entra group reports"), "Rôles - rapports", technicians[4:6])
    held.append(Holding(reports, ROLE["Reports Reader"]))  # near miss: reads reports only
    # The account that runs the domain also holds a role of the tenant, with a key there and a password here.
    twice = next(a for a in hospital.accounts if a.sam.startswith("adm_") and not a.control & SMARTCARD and not a.certificate and a.enabled)
    synced = _synced(tenant, twice, 3)
    synced.methods = RESISTANT
    held.append(Holding(synced, ROLE["Exchange Administrator"], "eligible", permanent=False))
    guest = tenant.user(f"infogerance_presta.test#EXT#@{DNS}", "Infogérance", "guest", 800, methods=APP, mail="infogerance@presta.test")
    held.append(Holding(guest, GLOBAL_ADMINISTRATOR))
    technicians[6].enabled, technicians[6].methods = False, None  # near miss of ENTRA-052
    held += [
        Holding(technicians[6], GLOBAL_ADMINISTRATOR),
        Holding(guid_text("entra principal Provisionnement RH"), ROLE["User Administrator"]),
    ]
    excluded = CloudGroup(guid_text("entra group excluded"), "Exclus de la double authentification", [*glass, technicians[0]])
    tenant.groups += [support, reports, excluded]


def _applications() -> list[App]:
    return [
        App("Microsoft Graph", "microsoft", app_id="00000003-0000-0000-c000-000000000000"),
        App("Office 365 Exchange Online", "microsoft", app_id="00000002-0000-0ff1-ce00-000000000000",
            keys=(Key("certificate", 400, 700, "principal"),)),
        App("Office 365 SharePoint Online", "microsoft", app_id="00000003-0000-0ff1-ce00-000000000000",
            keys=(Key("certificate", 500, -100, "principal"),)),  # near miss: expired
        App("Provisionnement RH", "own", application=("User.ReadWrite.All",), keys=(Key("certificate", 100, 250),)),
        App("Sauvegarde de la messagerie", "own", application=("Mail.ReadWrite", "User.Read.All"), keys=(Key("secret", 300, 430),)),
        App("Tableau de bord DSI", "own", application=("Reports.Read.All",), keys=(Key("secret", 90, 60),)),  # near miss
        App("Ancien portail", "own", keys=(Key("secret", 400, -20),)),
        App("Passerelle SMS", "own", keys=(Key("certificate", 200, 900), Key("certificate", 10, 350))),
        App("Essai interne", "own", enabled=False, application=("RoleManagement.ReadWrite.Directory",)),  # near miss: disabled
        App("Imagéo Partage", application=("Files.Read.All",), domain="partage.imageo.test", publisher="Imagéo Services", supplier="ended"),
        App("Imagéo Planning", everybody=("User.Read", "openid"), domain="planning.imageo.test", supplier="ended"),
        App("Imagéo Mobile", domain="mobile.imageo.test", supplier="ended"),  # near miss: allowed nothing
        App("DocuPlan", one=("Mail.Read",), app_id=guid_text("entra app DocuPlan"), supplier="ended"),
        App("DocuPlan Essai", enabled=False, everybody=("Mail.Read",), publisher="DocuPlan SA", supplier="ended"),  # near miss
        App("Télépathologie Ouest", application=("Directory.ReadWrite.All",), domain="app.telepatho-ouest.test", supplier="valid"),
        App("Gardes en ligne", everybody=("Mail.Read", "Calendars.Read"), domain="gardes.test", publisher="Gardes SAS", supplier="open"),
        App("Visio Soins", everybody=("User.Read",), domain="visio-soins.test"),
        App("Sondages", one=("Files.Read.All",), domain="sondages.test"),
    ]  # fmt: skip
