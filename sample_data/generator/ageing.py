"""The hospital from one week to the next: what was corrected, what went wrong, and what came back.

Week 1 lies in the repository. People keep their habits, so that the dates of what they do move along with the audit; dates of statements
stay. Nothing else changes than what is written here.
"""

from __future__ import annotations

from sample_data.generator.faults_credentials import is_staff
from sample_data.generator.model import DISABLED, NEVER_EXPIRES, NO_PREAUTH, PASSWORD_NOT_REQUIRED, REVERSIBLE, Account, Contract, Hospital

COMBINATION = "TOX-"
"""How the ids of rules begin that have no finding of their own."""


def age(hospital: Hospital) -> None:
    """Week 0 has faults that week 1 has not; week 2 corrects some, adds some, and one of week 0 is back."""
    ordinary = hospital.take(7, is_staff, share=True)
    if hospital.week in (0, 2):
        ordinary[0].control |= NO_PREAUTH
    if hospital.week == 0:
        for account in ordinary[1:3]:
            account.control |= NEVER_EXPIRES
    if hospital.week >= 2:
        _correct(hospital)
        for account in ordinary[3:6]:
            account.control |= PASSWORD_NOT_REQUIRED
        ordinary[6].texts["description"], ordinary[6].secret_in_text = "mdp : Novembre2026!", True
        # Who has not been there for months is in no log: nobody else's sign-ins change with the one who leaves.
        absent = [account for account in hospital.accounts if _is_absent(hospital, account)][-1]
        if absent.person:
            absent.person.contracts = [Contract("CDD", hospital.day(400), hospital.day(10))]


def _is_absent(hospital: Hospital, account: Account) -> bool:
    seen = account.last_sign_in
    return is_staff(account) and account.enabled and seen is not None and seen < hospital.ago(120)


def _correct(hospital: Hospital) -> None:
    """Two suppliers get an end date, the guest account is closed, and one password can no longer be read back."""
    endless = [account for account in hospital.accounts if account.kind == "vendor" and account.enabled and account.expires is None]
    for account in endless[:2]:
        account.expires = hospital.ago(-90)
    hospital.account("Invité").control |= DISABLED
    readable = next(account for account in hospital.accounts if is_staff(account) and account.enabled and account.control & REVERSIBLE)
    readable.control &= ~REVERSIBLE


def difference(weeks: list[dict[str, list[str]]]) -> dict[str, dict[str, list[str]]]:
    """What the last of these answer keys has that the one before has not, and the reverse, by rule; what an earlier one had is back."""
    *earlier, before, now = (_pairs(key) for key in weeks)
    came, once = now - before, set[tuple[str, str]]().union(*earlier)
    return {
        "new": _by_rule(came - once),
        "returned": _by_rule(came & once),
        "fixed": _by_rule(before - now),
    }


def _pairs(key: dict[str, list[str]]) -> set[tuple[str, str]]:
    return {(rule, resource) for rule, resources in key.items() if not rule.startswith(COMBINATION) for resource in resources}


def _by_rule(pairs: set[tuple[str, str]]) -> dict[str, list[str]]:
    return {rule: sorted(resource for name, resource in pairs if name == rule) for rule in sorted({rule for rule, _ in pairs})}
