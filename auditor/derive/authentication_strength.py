"""authentication_strength: the strongest proof each account can give, over all sources."""

from __future__ import annotations

import pyarrow as pa

from auditor.derive.contract import Engine, rows, to_arrow
from auditor.model import Value
from auditor.tables.entra import AUTHENTICATION_STRENGTH

_ACCOUNTS = "SELECT account_key, smartcard_required, has_key_credential, has_certificate_mapping FROM account"
_USERS = """
SELECT u.user_key, r.strength
FROM entra_user u LEFT JOIN entra_registration r ON r.user_key = u.user_key ORDER BY u.user_key
"""
_MARKS = ("smartcard_required", "has_key_credential", "has_certificate_mapping")


def derive(engine: Engine) -> pa.Table:
    """One row per account and user, each by what it signs in with itself: a card, a key or a certificate of the directory resists
    phishing, anything else there is a password; a user of Entra ID has what it registered, and is unknown when the report lacks it."""
    found: list[dict[str, Value]] = []
    for account in rows(engine, _ACCOUNTS):
        held = next((mark for mark in _MARKS if account[mark]), None)
        known = all(account[mark] is not None for mark in _MARKS)
        strength = "phishing_resistant" if held else "none" if known else "unknown"
        found.append({"account_key": account["account_key"], "account_type": "directory", "strength": strength, "evidence": held or "none"})
    for user in rows(engine, _USERS):
        strength, evidence = (user["strength"], "registration") if user["strength"] else ("unknown", "none")
        found.append({"account_key": user["user_key"], "account_type": "entra", "strength": strength, "evidence": evidence})
    return to_arrow(AUTHENTICATION_STRENGTH, found)
