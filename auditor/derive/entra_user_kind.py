"""entra_user_kind: what stands behind each user of the tenant."""

from __future__ import annotations

import re
from typing import Any

import pyarrow as pa

from auditor.config import Kinds
from auditor.derive.contract import Engine, rows, to_arrow
from auditor.tables.entra import ENTRA_USER_KIND

_SQL = "SELECT user_key, user_principal_name, sam_account_name, external, resource_account FROM entra_user"
_SYNCHRONISATION = re.compile(r"(sync_.+_[0-9a-f]{12}|adtoaadsyncserviceaccount)", re.IGNORECASE)
"""Names that Entra Connect and Cloud Sync give their own accounts."""

_PEOPLE = frozenset(("intern", "agency", "student", "partner"))


def derive(engine: Engine, kinds: Kinds) -> pa.Table:
    """One row per user; patterns are tried on the directory's logon name, or else on the name before the @."""
    return to_arrow(ENTRA_USER_KIND, ({"user_key": user["user_key"], "kind": _kind(user, kinds)} for user in rows(engine, _SQL)))


def _kind(user: dict[str, Any], kinds: Kinds) -> str | None:
    if user["external"]:
        return "guest"
    if user["external"] is None or user["user_principal_name"] is None or user["sam_account_name"] is None:
        return None
    name = user["sam_account_name"] or user["user_principal_name"].partition("@")[0]
    if user["resource_account"] or _SYNCHRONISATION.fullmatch(name):
        return "system"
    # The fields of Kinds are in the order in which they are tried.
    for kind in Kinds.model_fields:
        if any(re.search(pattern, name, re.IGNORECASE) for pattern in getattr(kinds, kind).names):
            return "person" if kind in _PEOPLE else kind
    return None if user["resource_account"] is None else "person"
