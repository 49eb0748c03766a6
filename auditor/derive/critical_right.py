"""critical_right: who may take over the objects everything depends on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import pyarrow as pa

from auditor.derive.access import EVERYONE, OWNER_RIGHTS, SELF, Descriptor, Entry, Target, takeover
from auditor.derive.contract import Engine, rows, to_arrow
from auditor.derive.privileged_membership import PRIVILEGED_GROUPS
from auditor.model import Value
from auditor.tables.derived import CRITICAL_RIGHT

_AUTHENTICATED = "S-1-5-11"
_ANONYMOUS = "S-1-5-7"
_CREATOR_OWNER = "S-1-3-0"
_NOBODY = frozenset((SELF, _CREATOR_OWNER, OWNER_RIGHTS))
_DEFAULT_HOLDERS = frozenset(("S-1-5-18", "S-1-5-9", "S-1-5-32-544"))
_DEFAULT_RIDS = frozenset(("498", "512", "516", "518", "519", "526", "527"))
_FOREST_RIDS = frozenset(("498", "518", "519", "527"))

_OBJECTS = f"""
WITH critical AS (
  SELECT domain_sid AS object_key, 'domain' AS object_type, dns_name AS object_name, domain_sid FROM domain
  UNION ALL
  SELECT account_key, 'domain_controller', sam_account_name, domain_sid FROM account WHERE is_domain_controller
  UNION ALL
  SELECT account_key, 'privileged_account', sam_account_name, domain_sid FROM account
  WHERE account_key IN (SELECT account_key FROM privileged_membership) AND is_domain_controller IS NOT TRUE
  UNION ALL
  SELECT group_key, 'privileged_group', sam_account_name, domain_sid FROM directory_group
  WHERE group_key IN (
    SELECT inner_group_key FROM group_closure WHERE outer_group_key IN (SELECT group_key FROM ({PRIVILEGED_GROUPS})))
  UNION ALL
  -- The object exists in every domain: when it was not read, its rights are not known.
  SELECT COALESCE(holder.object_key, domain.domain_sid || '/AdminSDHolder'), 'admin_sd_holder', 'AdminSDHolder', domain.domain_sid
  FROM domain
  LEFT JOIN directory_object AS root ON root.object_key = domain.domain_sid
  LEFT JOIN directory_object AS holder
    ON lower(holder.distinguished_name) = 'cn=adminsdholder,cn=system,' || lower(root.distinguished_name)
)
SELECT critical.object_key, object_type, COALESCE(object_name, critical.object_key) AS object_name, domain_sid,
  directory_object.object_class, security_descriptor.sd_id, owner_sid, dacl
FROM critical
LEFT JOIN directory_object ON directory_object.object_key = critical.object_key
LEFT JOIN security_descriptor ON security_descriptor.sd_id = directory_object.sd_id
ORDER BY ALL
"""  # noqa: S608 - made of constants

_ENTRIES = f"""
SELECT * FROM access_entry WHERE sd_id IN (SELECT sd_id FROM ({_OBJECTS})) ORDER BY sd_id, position
"""  # noqa: S608 - made of constants

_NAMES = """
SELECT account_key AS key, sam_account_name AS name FROM account WHERE sam_account_name IS NOT NULL
UNION ALL
SELECT group_key, sam_account_name FROM directory_group WHERE sam_account_name IS NOT NULL
"""

_OUTER_GROUPS = """
SELECT member_key, group_key FROM group_member
WHERE member_type <> 'account'
   OR member_key IN (SELECT trustee_sid FROM access_entry UNION SELECT owner_sid FROM security_descriptor)
"""

_TIER_0 = f"""
WITH tier_0_group AS (
  SELECT inner_group_key AS group_key FROM group_closure WHERE outer_group_key IN (SELECT group_key FROM ({PRIVILEGED_GROUPS}))
)
SELECT group_key AS key FROM tier_0_group
UNION
SELECT member_key FROM group_member WHERE member_type IN ('account', 'foreign') AND group_key IN (SELECT group_key FROM tier_0_group)
UNION
SELECT account_key FROM account WHERE is_domain_controller
"""  # noqa: S608 - made of constants


class _Principals:
    """Who is who: names, groups around a principal, and who belongs to tier 0."""

    def __init__(self, engine: Engine) -> None:
        self._names: dict[str, str] = {row["key"]: row["name"] for row in rows(engine, _NAMES)}
        self._tier_0 = {row["key"] for row in rows(engine, _TIER_0)}
        self._domains = {row["domain_sid"] for row in rows(engine, "SELECT domain_sid FROM domain")}
        self._outer: dict[str, list[str]] = defaultdict(list)
        for row in rows(engine, _OUTER_GROUPS):
            self._outer[row["member_key"]].append(row["group_key"])

    def key(self, sid: str, domain_sid: str) -> str:
        """Key of a SID found on an object of a domain: a built-in group is that of the domain."""
        return f"{domain_sid}/{sid}" if sid.startswith("S-1-5-32-") else sid

    def name(self, key: str) -> str:
        """Its name, or its SID when the directory has none for it."""
        return self._names.get(key, _sid(key))

    def token(self, sid: str, domain_sid: str) -> frozenset[str]:
        """Every SID that acts for a principal on objects of the domain: itself, its groups, and those that hold everybody."""
        everybody = {EVERYONE: (), _ANONYMOUS: ()}.get(sid, (EVERYONE, _AUTHENTICATED))
        reached = {self.key(sid, domain_sid), *everybody}
        frontier = list(reached)
        for key in frontier:
            for group_key in self._outer.get(key, ()):
                # Built-in groups of another domain mean nothing here.
                if group_key not in reached and group_key.partition("/")[0] in (domain_sid, group_key):
                    reached.add(group_key)
                    frontier.append(group_key)
        return frozenset(map(_sid, reached))

    def expected(self, sid: str, domain_sid: str) -> bool | None:
        """Whether a right over tier 0 is normal for this principal; None for the forest's own groups when their domain was not read."""
        authority, _, rid = sid.rpartition("-")
        if sid in _DEFAULT_HOLDERS or self.key(sid, domain_sid) in self._tier_0:
            return True
        if rid in _DEFAULT_RIDS and authority == domain_sid:
            return True
        if rid in _FOREST_RIDS and authority.startswith("S-1-5-21-"):
            return True if authority in self._domains else None
        return False


def derive(engine: Engine) -> pa.Table:
    """One row per critical object, principal named on it, and permission that suffices to take it over.

    Critical are the domain, AdminSDHolder, domain controllers, and every account and group that is in tier 0 by membership. An object
    whose permissions could not be read has one row without trustee and permission: who holds what there is not known.
    """
    principals = _Principals(engine)
    entries: dict[str, list[Entry]] = defaultdict(list)
    for row in rows(engine, _ENTRIES):
        entries[row["sd_id"]].append(
            Entry(
                row["allow"],
                row["mask"],
                row["trustee_sid"],
                row["object_type"],
                row["inherited_object_type"],
                row["inherited"],
                row["inherit_only"],
            )
        )
    known: dict[tuple[str, ...], list[dict[str, Value]]] = {}
    found: list[dict[str, Value]] = []
    for item in rows(engine, _OBJECTS):
        place: dict[str, Value] = {name: item[name] for name in ("object_key", "object_type", "object_name")}
        if item["dacl"] is None or item["object_class"] is None:
            found.append({**place, "trustee_key": "", "trustee_name": "", "permission": None, "expected": None})
            continue
        descriptor = Descriptor(item["owner_sid"], tuple(entries[item["sd_id"]]) if item["dacl"] == "present" else None)
        self_sid = _sid(item["object_key"])
        case: tuple[str, ...] = (item["sd_id"], item["object_type"], item["object_class"], item["domain_sid"])
        # Many objects share a descriptor; only one that names the object itself must be judged for it alone.
        if self_sid in descriptor.trustees():
            case += (self_sid,)
        if case not in known:
            target = Target(item["object_type"], item["object_class"])
            known[case] = list(_rights(descriptor, target, item["domain_sid"], self_sid, principals))
        found += ({**place, **right} for right in known[case])
    return to_arrow(CRITICAL_RIGHT, found)


def _rights(descriptor: Descriptor, target: Target, domain_sid: str, self_sid: str, principals: _Principals) -> Iterator[dict[str, Value]]:
    trustees = (EVERYONE,) if descriptor.entries is None else descriptor.trustees()
    for sid in trustees:
        if sid in _NOBODY:
            continue
        token = principals.token(sid, domain_sid) | ({SELF} if sid == self_sid else frozenset())
        key = principals.key(sid, domain_sid)
        for permission in takeover(descriptor, target, sid, token):
            yield {
                "trustee_key": key,
                "trustee_name": principals.name(key),
                "permission": permission,
                "expected": principals.expected(sid, domain_sid),
            }


def _sid(key: str) -> str:
    """The SID in a key."""
    return key.rpartition("/")[2]
