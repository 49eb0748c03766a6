"""group_role: what the hospital uses a group for."""

from __future__ import annotations

import re

import pyarrow as pa

from auditor.config import GroupRoles
from auditor.derive.contract import Engine, rows, to_arrow
from auditor.tables.derived import GROUP_ROLE

_SQL = "SELECT group_key, sam_account_name FROM directory_group WHERE sam_account_name IS NOT NULL"


def derive(engine: Engine, roles: GroupRoles) -> pa.Table:
    """One row per group and role that one of the role's patterns gives it; names are compared without case."""
    patterns = [(role, pattern) for role in GroupRoles.model_fields for pattern in getattr(roles, role)]
    found = {
        (group["group_key"], role)
        for group in rows(engine, _SQL)
        for role, pattern in patterns
        if re.search(pattern, group["sam_account_name"], re.IGNORECASE)
    }
    return to_arrow(GROUP_ROLE, ({"group_key": group_key, "role": role} for group_key, role in found))
