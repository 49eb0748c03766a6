"""identity: the accounts of one person or thing, over the directory and Entra ID. First form: exact marks only, no names compared."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from auditor.derive.contract import Engine, rows, to_arrow
from auditor.derive.professional_id import normalise
from auditor.model import Value
from auditor.tables.entra import IDENTITY

_ACCOUNTS = """
SELECT a.account_key, a.mail, h.person_number, p.professional_id
FROM account a JOIN account_hr h ON h.account_key = a.account_key JOIN account_professional p ON p.account_key = a.account_key
ORDER BY a.account_key
"""
_USERS = "SELECT user_key, on_premises_sid, professional_id_raw, employee_id, mail FROM entra_user ORDER BY user_key"


def derive(engine: Engine) -> pa.Table:
    """One row per account and user. Accounts of the directory are one identity by their HR number, or else by their national id; a user
    joins one by the SID of the account it comes from, else by national id, HR number or mail when exactly one identity fits."""
    accounts, users = rows(engine, _ACCOUNTS), rows(engine, _USERS)
    found = [_account(account) for account in accounts]
    index = _Index(zip(accounts, (str(row["identity_key"]) for row in found), strict=True))
    return to_arrow(IDENTITY, [*found, *(_user(user, index) for user in users)])


def _account(account: dict[str, Any]) -> dict[str, Value]:
    if number := account["person_number"]:
        key, how = f"hr:{number}", "hr_number"
    elif national := account["professional_id"]:
        key, how = f"professional:{national}", "professional_id"
    else:
        key, how = account["account_key"], "none"
    return {"account_key": account["account_key"], "account_type": "directory", "identity_key": key, "matched_by": how}


class _Index:
    """Identities of the directory by each mark."""

    def __init__(self, accounts: Iterable[tuple[dict[str, Any], str]]) -> None:
        self.by_sid: dict[str, str] = {}
        self.by_mark: dict[tuple[str, str], set[str]] = defaultdict(set)
        for account, identity in accounts:
            self.by_sid[account["account_key"]] = identity
            for how, column in (("professional_id", "professional_id"), ("hr_number", "person_number"), ("mail", "mail")):
                if value := account[column]:
                    self.by_mark[how, value.casefold()].add(identity)

    def only(self, how: str, value: str) -> str | None:
        """The one identity that bears a mark; None when there is none, or several."""
        identities = self.by_mark.get((how, value.casefold()), set()) if value else set()
        return next(iter(identities)) if len(identities) == 1 else None


def _user(user: dict[str, Any], index: _Index) -> dict[str, Value]:
    marks = (
        ("anchor", index.by_sid.get(user["on_premises_sid"] or "")),
        ("professional_id", index.only("professional_id", normalise(user["professional_id_raw"] or "").value)),
        ("hr_number", index.only("hr_number", (user["employee_id"] or "").strip())),
        ("mail", index.only("mail", user["mail"] or "")),
    )
    how, key = next(((how, key) for how, key in marks if key), ("none", user["user_key"]))
    return {"account_key": user["user_key"], "account_type": "entra", "identity_key": key, "matched_by": how}
