"""token_account: whose token it is, in the directory."""

from __future__ import annotations

from collections import defaultdict

import pyarrow as pa

from auditor.derive.contract import Engine, rows, to_arrow
from auditor.model import Value
from auditor.tables.otp import TOKEN_ACCOUNT

_ACCOUNTS = "SELECT account_key, sam_account_name, user_principal_name, mail FROM account"
_TOKENS = "SELECT token_key, holder, active FROM otp_token"
_WAYS = (("logon_name", "sam_account_name"), ("principal_name", "user_principal_name"), ("mail", "mail"))


def derive(engine: Engine) -> pa.Table:
    """The first of logon name, principal name and mail address under which there is an account decides; several accounts give several
    rows. A holder written DOMAIN\\name is looked for by the name. When none is found and an account's name is not known, neither is the
    owner."""
    accounts = rows(engine, _ACCOUNTS)
    index: dict[str, dict[str, list[str]]] = {way: defaultdict(list) for way, _ in _WAYS}
    for account in accounts:
        for way, column in _WAYS:
            if account[column]:
                index[way][account[column].lower()].append(account["account_key"])
    unknown = any(account[column] is None for account in accounts for _, column in _WAYS)
    found: list[dict[str, Value]] = []
    for token in rows(engine, _TOKENS):
        holder = None if token["holder"] is None else token["holder"].rpartition("\\")[2].strip().lower()
        known: dict[str, Value] = {"token_key": token["token_key"], "active": token["active"]}
        way = next((way for way, _ in _WAYS if holder in index[way]), "") if holder else ""
        if way:
            found += ({**known, "account_key": key, "matched_by": way} for key in index[way][str(holder)])
        else:
            nobody: Value = None if unknown or holder is None else ""
            found.append({**known, "account_key": nobody, "matched_by": None if nobody is None else "none"})
    return to_arrow(TOKEN_ACCOUNT, found)
