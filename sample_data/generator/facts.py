"""What predicates of the answer key share: who is in tier 0, who holds which role, what the dates of contracts amount to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time

from sample_data.generator.membership import accounts_inside, tier_0_accounts
from sample_data.generator.model import SMARTCARD, Account, Hospital, Person

ROLES = {
    "clinical": ("GG_DPI_PRESCRIPTEUR", "GG_DPI_IDE", "GG_DPI_REEDUCATION", "DL_DPI_CONSULTATION"),
    "prescriber": ("GG_DPI_PRESCRIPTEUR",),
    "remote_access": ("GG_VPN_SSL", "GG_CITRIX_EXT", "GG_TELEMAINTENANCE", "GG_VPN_POSTES"),
    "backup": ("GG_SAUVEGARDE_ADMINS", "GG_SAUVEGARDE_EXPLOITANTS", "GG_SAUVEGARDE_ARCHIVES", "DL_SAUVEGARDE_PORTAIL"),
    "hypervisor": ("GG_VIRTU_ADMINS",),
}
"""Groups of each role; audit.yaml finds the same ones by patterns."""

PERSONAL = ("person", "generic", "vendor")


class Facts:
    """The plan, indexed once."""

    def __init__(self, hospital: Hospital) -> None:
        self.hospital = hospital
        self.tier_0 = tier_0_accounts(hospital)
        self.roles = {
            role: {account for name in names for account in accounts_inside(hospital, hospital.group(name))}
            for role, names in ROLES.items()
        }
        self.users = [account for account in hospital.accounts if account.is_enabled_user]
        self.privileged = [account for account in self.users if account in self.tier_0]
        self.others = [account for account in self.users if account not in self.tier_0]

    def holding(self, role: str) -> list[Account]:
        """Enabled users with a role, in the order of the plan."""
        return [account for account in self.users if account in self.roles[role]]

    def before(self, moment: datetime | None, days: int) -> bool:
        """There is such a moment and it lies before so many days ago."""
        return moment is not None and moment < self.hospital.ago(days)

    def has_strong_authentication(self, account: Account) -> bool:
        """A card is required, or a certificate is mapped."""
        return bool(account.control & SMARTCARD or account.certificate)

    def tenure(self, person: Person) -> Tenure:
        """Contracts of a person counted together."""
        now = self.hospital.as_of
        spans = [(_midnight(contract.start), _midnight(contract.end) if contract.end else None) for contract in person.contracts]
        ends = [end for _, end in spans if end]
        if any(start <= now and (end is None or end >= now) for start, end in spans):
            status = "present"
        else:
            status = "future" if any(start > now for start, _ in spans) else "left"
        return Tenure(status, None if len(ends) < len(spans) else max(ends))


@dataclass(frozen=True)
class Tenure:
    """Present, future or left, and the last end; None has no end."""

    status: str
    end: datetime | None

    @property
    def is_here_or_coming(self) -> bool:
        """A contract runs, or will."""
        return self.status != "left"


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time())
