"""What the plan of sign-ins is made of, where people and machines are, and who is there to sign in."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, time, timedelta

from sample_data.generator.facts import Facts
from sample_data.generator.model import Account, Group, Hospital

DAYS = 28
ASSESSED = 7
"""Days in which something new is a finding; what came before is the habit."""
DC1, DC2, VPN, WINDOWS, CLOUD = "journal-dc1", "journal-dc2", "vpn", "journaux-windows", "entra"
HOSTS = {DC1: "chuv-dc1", DC2: "chuv-dc2", VPN: "vpn", CLOUD: "entra"}
UNITS = {
    "urg": ("Urgences", "Urgences et réanimation", 1, "POSTE-0001"),
    "rea": ("Réanimation", "Urgences et réanimation", 2, "POSTE-0013"),
    "cardio": ("Cardiologie", "Cœur et poumon", 3, "POSTE-0025"),
    "pneumo": ("Pneumologie", "Cœur et poumon", 4, "POSTE-0037"),
    "bloc": ("Bloc opératoire", "Bloc opératoire", 5, "POSTE-0049"),
}
"""Key in account names: unit, pole, third number of its network, its shared machine; audit.yaml says the same in patterns."""
PHARMACY = ("Pharmacie", "Pharmacie", 10, "POSTE-0061")
"""A unit without accounts of its own, in which no nurse signs in; it lies on a site of its own, the others on one."""
PLACES = (*UNITS.values(), PHARMACY)
CITRIX, JUMP_HOST, OLD_JUMP_HOST = "10.20.40.10", "SRV-RDS02", "SRV-RDS03"
SHARED = (CITRIX, JUMP_HOST.lower())
"""What audit.yaml declares as shared; the entry of the old jump host has expired."""
DC3 = "CHUV-DC3"
"""The third controller: its log comes with those of the machines."""
SERVERS = ("SRV-RDS01", "SRV-FIC02", "SRV-APP03", "SRV-WEB04", "SRV-SQL02", "SRV-IMP03")


@dataclass(frozen=True)
class Spot:
    """A town as Graph tells it: country, latitude, longitude."""

    country: str
    latitude: float
    longitude: float


@dataclass(eq=False)
class Attempt:
    """One sign-in. `name` is what was typed when there is no such account."""

    at: datetime
    source: str
    account: Account | None
    origin: str
    reason: str = ""
    name: str = ""
    host: str = ""
    logon_type: int = 3
    spot: Spot | None = None
    device: str = ""

    @property
    def ok(self) -> bool:
        """It succeeded."""
        return not self.reason

    @property
    def who(self) -> str:
        """The name typed."""
        return self.account.sam.lower() if self.account else self.name

    @property
    def where(self) -> str:
        """The machine signed in to, or the controller."""
        return (self.host or HOSTS[self.source]).lower()

    @property
    def place(self) -> str:
        """Where the person sat."""
        return self.where if self.logon_type == 2 else self.origin

    @property
    def country(self) -> str:
        """Country that the log says, if any; the VPN of the sample is used from home."""
        return self.spot.country if self.spot else "FR" if self.source == VPN else ""


@dataclass(eq=False)
class Given:
    """Credentials of `account` given by `actor` on a machine to reach a server, with a program."""

    at: datetime
    machine: str
    actor: Account
    account: Account
    server: str
    program: str


@dataclass(eq=False)
class Change:
    """A member added to a group or removed from it."""

    at: datetime
    group: Group
    member: Account
    actor: Account
    added: bool = True


@dataclass(eq=False)
class Plan:
    """What the logs tell."""

    attempts: list[Attempt] = field(default_factory=list)
    given: list[Given] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    cleared: list[tuple[datetime, str, Account]] = field(default_factory=list)
    drill: tuple[datetime, datetime] = (datetime(1, 1, 1), datetime(1, 1, 1))


def moment(hospital: Hospital, days: int, hour: int, minute: int = 0, second: int = 0) -> datetime:
    """A time of day so many days before that of the audit."""
    return datetime.combine(hospital.day(days), time()) + timedelta(hours=hour, minutes=minute, seconds=second)


def network(place: tuple[str, str, int, str], machine: int) -> str:
    """Address of a machine in the network of a unit."""
    return f"10.20.{place[2]}.{machine}"


def unit_at(place: str) -> str:
    """Name of the unit in whose network or on whose machine a place is; empty when in none."""
    for name, _, number, machine in PLACES:
        if place == machine.lower() or place.startswith(f"10.20.{number}."):
            return name
    return ""


def workers(facts: Facts) -> list[Account]:
    """Staff in order, used lately, without privileges, mixed by dice of their own."""
    hospital = facts.hospital
    found = [
        account for account in facts.others
        if account.kind == "person" and account.population == "staff" and account.person and account.sam.isascii()
        and facts.tenure(account.person).status == "present" and account.last_sign_in and not facts.before(account.last_sign_in, 20)
        and facts.before(account.created, 90)
    ]  # fmt: skip
    hospital.rng("sign-ins of staff").shuffle(found)
    return found
