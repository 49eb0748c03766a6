"""account_role: which accounts hold which role through groups, nested ones included."""

from __future__ import annotations

import pyarrow as pa

from auditor.derive.contract import Engine

_SQL = """
SELECT account_key, role, group_key, group_name
FROM (
  SELECT member.member_key AS account_key, group_role.role, group_role.group_key, directory_group.sam_account_name AS group_name,
    ROW_NUMBER() OVER (
      PARTITION BY member.member_key, group_role.role
      ORDER BY group_closure.depth, directory_group.sam_account_name, group_role.group_key
    ) AS nearness
  FROM group_role
  JOIN directory_group ON directory_group.group_key = group_role.group_key
  JOIN group_closure ON group_closure.outer_group_key = group_role.group_key
  JOIN group_member AS member ON member.group_key = group_closure.inner_group_key AND member.member_type = 'account'
)
WHERE nearness = 1
ORDER BY ALL
"""


def derive(engine: Engine) -> pa.Table:
    """One row per account and role, with the nearest group that gives it; among equals the first by name."""
    return engine.derive(_SQL)
