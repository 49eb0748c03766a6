"""privileged_membership: which accounts reach tier 0 by membership, and through which groups."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import pyarrow as pa

from auditor.derive.contract import Engine, rows, to_arrow
from auditor.model import Value
from auditor.tables.derived import PRIVILEGED_MEMBERSHIP

PRIVILEGED_GROUPS = """
SELECT group_key, rid, COALESCE(sam_account_name, group_key) AS name
FROM directory_group
WHERE (rid IN (512, 518, 519, 526, 527) AND sid = domain_sid || '-' || rid)
   OR sid IN ('S-1-5-32-544', 'S-1-5-32-548', 'S-1-5-32-549', 'S-1-5-32-550', 'S-1-5-32-551', 'S-1-5-32-552')
ORDER BY group_key
"""
"""Groups that are or give tier 0 (MS-ADTS 6.1.1.6), known by RID: names are translated and changed."""

_NESTING = """
SELECT nested.group_key AS outer_key, nested.member_key AS inner_key, COALESCE(inner_group.sam_account_name, nested.member_key) AS name
FROM group_member AS nested
LEFT JOIN directory_group AS inner_group ON inner_group.group_key = nested.member_key
WHERE nested.member_type = 'group'
ORDER BY ALL
"""

_ACCOUNTS = f"""
SELECT DISTINCT group_key, member_key
FROM group_member
WHERE member_type = 'account' AND group_key IN (
  SELECT inner_group_key FROM group_closure WHERE outer_group_key IN (SELECT group_key FROM ({PRIVILEGED_GROUPS})))
ORDER BY ALL
"""  # noqa: S608 - made of constants


def derive(engine: Engine) -> pa.Table:
    """One row per account and privileged group, by the shortest way; among equals the first in the order of group keys."""
    inner = defaultdict(list)
    for row in rows(engine, _NESTING):
        inner[row["outer_key"]].append((row["inner_key"], row["name"]))
    members = defaultdict(list)
    for row in rows(engine, _ACCOUNTS):
        members[row["group_key"]].append(row["member_key"])
    found: list[dict[str, Value]] = []
    for group in rows(engine, PRIVILEGED_GROUPS):
        seen: set[str] = set()
        for way in _inside(group["group_key"], group["name"], inner):
            for account_key in members[way.group_key]:
                if account_key not in seen:
                    seen.add(account_key)
                    found.append(
                        {
                            "account_key": account_key,
                            "group_key": group["group_key"],
                            "group_rid": group["rid"],
                            "group_name": group["name"],
                            "depth": way.depth,
                            "path": way.path(),
                        }
                    )
    return to_arrow(PRIVILEGED_MEMBERSHIP, found)


@dataclass(frozen=True)
class _Way:
    """A group on the way up to a privileged one, `depth` nestings away."""

    group_key: str
    name: str
    depth: int
    outer: _Way | None

    def path(self) -> str:
        """Names from here up; made when asked for, because in a deep nesting all of them together would fill the memory."""
        names, way = [self.name], self.outer
        while way:
            names.append(way.name)
            way = way.outer
        return " > ".join(names)


def _inside(group_key: str, name: str, inner: dict[str, list[tuple[str, str]]]) -> list[_Way]:
    """The group and those nested in it, nearest first."""
    ways = [_Way(group_key, name, 0, None)]
    seen = {group_key}
    for way in ways:
        for inner_key, inner_name in inner.get(way.group_key, ()):
            if inner_key not in seen:
                seen.add(inner_key)
                ways.append(_Way(inner_key, inner_name, way.depth + 1, way))
    return ways
