"""Which accounts and users of the tenant are one person's, how that person can prove it, and when they came in."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from sample_data.generator import tokens
from sample_data.generator.entra import CloudUser, Tenant
from sample_data.generator.facts import Facts
from sample_data.generator.model import Account, Person, Professional
from sample_data.generator.sign_in_plan import Plan

Key = Person | Professional | Account | CloudUser
"""What makes accounts one person's: somebody of the HR file, else of the registry, else the account alone."""


class Identities:
    """The plan by person."""

    def __init__(self, facts: Facts, tenant: Tenant, plan: Plan) -> None:
        self._facts = facts
        self._equipped = {token.account for token in tokens.plan(facts.hospital) if token.active and token.account}
        self._accounts: dict[Key, list[Account]] = defaultdict(list)
        self._users: dict[Key, list[CloudUser]] = defaultdict(list)
        self._moments: dict[Account, list[datetime]] = defaultdict(list)
        for account in facts.hospital.accounts:
            self._accounts[self.of(account)].append(account)
        for user in tenant.users:
            self._users[self.of_user(user)].append(user)
        for attempt in plan.attempts:
            if attempt.ok and attempt.account:
                self._moments[attempt.account].append(attempt.at)

    def of(self, account: Account) -> Key:
        """Whose account it is."""
        known = account.professional if account.id_status in ("ok", "idnps_given") else None
        return account.person or known or account

    def of_user(self, user: CloudUser) -> Key:
        """Whose user it is: only those that come from the directory have somebody else's."""
        return self.of(user.account) if user.account else user

    def accounts(self, key: Key) -> list[Account]:
        """Accounts of that person in the directory, disabled ones too."""
        return self._accounts[key]

    def users(self, key: Key) -> list[CloudUser]:
        """Users of that person in the tenant, disabled ones too."""
        return self._users[key]

    def has_token(self, account: Account) -> bool:
        """An active one."""
        return account in self._equipped

    def has_only_passwords(self, key: Key) -> bool:
        """Nothing but a password, known of every account and user; the report of methods leaves disabled users out."""
        return not any(self._facts.has_strong_authentication(a) or self.has_token(a) for a in self.accounts(key)) and all(
            user.methods is not None and not user.capable for user in self.users(key)
        )

    def visits(self, key: Key) -> list[datetime]:
        """When any account of that person was used: logs, and what directory and tenant remember."""
        found = [moment for account in self.accounts(key) for moment in (*self._moments[account], account.last_sign_in) if moment]
        return found + [user.last_sign_in for user in self.users(key) if user.last_sign_in]
