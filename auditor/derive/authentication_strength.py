"""authentication_strength: the strongest proof each account can give, over all sources."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from auditor.derive.contract import Engine, rows, to_arrow
from auditor.model import Value
from auditor.tables.entra import AUTHENTICATION_STRENGTH

_ACCOUNTS = """
SELECT a.account_key, a.smartcard_required, a.has_key_credential, a.has_certificate_mapping,
       EXISTS (SELECT 1 FROM token_account t WHERE t.account_key = a.account_key AND t.active) AS token,
       EXISTS (SELECT 1 FROM token_account t WHERE t.account_key = a.account_key AND t.active IS NULL) OR EXISTS (
         -- A token without a known owner may be that of any account one of whose names is not known.
         SELECT 1 FROM token_account t JOIN otp_token o ON o.token_key = t.token_key
         WHERE t.account_key IS NULL AND t.active IS NOT FALSE
           AND (o.holder IS NULL OR a.sam_account_name IS NULL OR a.user_principal_name IS NULL OR a.mail IS NULL)
       ) AS token_unknown
FROM account a
"""
_USERS = "SELECT u.user_key, r.strength FROM entra_user u LEFT JOIN entra_registration r ON r.user_key = u.user_key"
_MARKS = ("smartcard_required", "has_key_credential", "has_certificate_mapping")


def derive(engine: Engine) -> pa.Table:
    """One row per account and user, each by what it signs in with itself: a card, a key or a certificate of the directory resists
    phishing, an active token is a second factor, anything else there is a password; a user of Entra ID has what it registered.

    Not known when the directory leaves a mark unknown, when an active token may be the account's, or when the report lacks the user.
    """
    found: list[dict[str, Value]] = []
    for account in rows(engine, _ACCOUNTS):
        strength, evidence = _of_account(account)
        found.append({"account_key": account["account_key"], "account_type": "directory", "strength": strength, "evidence": evidence})
    for user in rows(engine, _USERS):
        evidence = "registration" if user["strength"] else None
        found.append({"account_key": user["user_key"], "account_type": "entra", "strength": user["strength"], "evidence": evidence})
    return to_arrow(AUTHENTICATION_STRENGTH, found)


def _of_account(account: dict[str, Any]) -> tuple[str | None, str | None]:
    """Strength of a directory account, and the fact that decided."""
    held = next((mark for mark in _MARKS if account[mark]), None)
    if held:
        return "phishing_resistant", held
    if any(account[mark] is None for mark in _MARKS):
        return None, None
    if account["token"]:
        return "app", "oath_token"
    return (None, None) if account["token_unknown"] else ("none", "none")
