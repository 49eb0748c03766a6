"""First pass over a directory: what each distinguished name is, so that memberships can be told by stable keys in the second pass.

Memory holds one small tuple per principal, one number per group and nothing else of the directory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from auditor.collect.directory_values import comparable_name, integer, naming_context, rid, sid, text

Attributes = Mapping[str, Sequence[bytes]]
"""Attributes of one entry by lower-case name, option `;range=` included; values are raw bytes."""

FOREIGN_CONTAINER = "cn=foreignsecurityprincipals"
_DOMAIN_PREFIX = "S-1-5-21-"
_BUILTIN_PREFIX = "S-1-5-32-"


def kind(name: str, attributes: Attributes) -> str:
    """What an entry is to the tables: account, group, domain, policy, policies (their container), admin_sd_holder,
    directory_service, partitions, or other."""
    classes = {value.lower() for value in attributes.get("objectclass", ())}
    if b"user" in classes or b"computer" in classes:
        return "account"
    if b"group" in classes:
        return "group"
    if b"msds-passwordsettings" in classes:
        return "policy"
    if b"msds-passwordsettingscontainer" in classes:
        return "policies"
    if b"domaindns" in classes and "objectsid" in attributes:
        return "domain"
    comparable = comparable_name(name)
    for start, result in (
        ("cn=adminsdholder,cn=system,dc=", "admin_sd_holder"),
        ("cn=directory service,cn=windows nt,cn=services,cn=configuration,", "directory_service"),
        ("cn=partitions,cn=configuration,", "partitions"),
    ):
        if comparable.startswith(start):
            return result
    return "other"


def qualified(identifier: str, domain_sid: str | None) -> str:
    """Key of a principal: its SID; a SID that every domain has (S-1-5-32-…) is qualified by its domain."""
    return f"{domain_sid}/{identifier}" if domain_sid and identifier.startswith(_BUILTIN_PREFIX) else identifier


class Index:
    """What the first pass learnt."""

    def __init__(self) -> None:
        self.complete = True
        self.attributes: set[str] = set()
        self.account_attributes: set[str] = set()
        self.principals = 0
        self.unrestricted = 0
        self._by_name: dict[str, tuple[str, str, int, bool]] = {}
        self._told: Counter[str] = Counter()
        self._domains: dict[str, str] = {}
        self._domain_objects: set[str] = set()

    def learn(self, name: str, attributes: Attributes) -> None:
        """Note one entry; an entry seen before keeps what was learnt first."""
        self.attributes.update(attributes)
        entry_kind = kind(name, attributes)
        comparable = comparable_name(name)
        identifier = self._sid(attributes)
        if entry_kind == "account":
            self.account_attributes.update(attributes)
        if entry_kind == "domain" and identifier:
            self._domains[comparable] = identifier
            self._domain_objects.add(identifier)
        if entry_kind not in ("account", "group") or not identifier:
            self._by_name.setdefault(comparable, ("", "other", 0, False))
            return
        if self._by_name.get(comparable, ("",))[0]:
            return
        self.principals += 1
        # Every entry has these two, and nobody would think of wishing for both: only a list of wished attributes leaves them out.
        self.unrestricted += "instancetype" in attributes and "usnchanged" in attributes
        self._by_name[comparable] = (identifier, entry_kind, _primary_group(attributes), "memberof" in attributes)
        self._told.update({comparable_name(text(group)) for group in attributes.get("memberof", ())})
        if identifier.startswith(_DOMAIN_PREFIX):
            self._domains.setdefault(naming_context(name), identifier.rpartition("-")[0])

    @property
    def domain_sids(self) -> set[str]:
        """SIDs of the domains whose own object was read."""
        return self._domain_objects

    @property
    def domains_without_object(self) -> set[str]:
        """SIDs of the domains of which accounts or groups were read, and their own object was not."""
        return set(self._domains.values()) - self._domain_objects

    def identifier(self, name: str) -> str:
        """SID learnt first for this name; empty when there is none."""
        return self._by_name.get(comparable_name(name), ("",))[0]

    def tells(self, name: str) -> bool:
        """Whether the account or group of this name says where it belongs (memberOf)."""
        found = self._by_name.get(comparable_name(name))
        return bool(found and found[3])

    def told_groups(self) -> Iterator[tuple[str | None, int]]:
        """(group_key, number of accounts and groups that say they belong to it) of every group in the domains that were read; the key
        is None when the group was not seen."""
        for name, number in self._told.items():
            if naming_context(name) in self._domains:
                identifier = self.identifier(name)
                yield qualified(identifier, self.domain_of(identifier, name)) if identifier else None, number

    def domain_of(self, identifier: str, name: str) -> str | None:
        """SID of the domain a principal belongs to; None when nothing tells."""
        return identifier.rpartition("-")[0] if identifier.startswith(_DOMAIN_PREFIX) else self._domains.get(naming_context(name))

    def keys(self) -> set[str]:
        """Key of every account and group."""
        return {qualified(found[0], self.domain_of(found[0], name)) for name, found in self._by_name.items() if found[0]}

    def resolve(self, name: str, group_key: str) -> tuple[str, str | None, bool] | None:
        """(member_key, member_type, known) of a member of `group_key`; None when the group is the member's primary group,
        which gives a row of its own. `known` is False when the object was not seen, though its domain was read."""
        comparable = comparable_name(name)
        found = self._by_name.get(comparable)
        if found and found[0]:
            identifier, member_type, primary, _ = found
            domain_sid = self.domain_of(identifier, name)
            if primary and group_key == f"{domain_sid}-{primary}":
                return None
            return qualified(identifier, domain_sid), member_type, True
        parts = comparable.split(",")
        if len(parts) > 1 and parts[1] == FOREIGN_CONTAINER and parts[0].startswith("cn=s-1-"):
            try:
                identifier = sid(parts[0][3:].upper().encode())
            except ValueError:
                return f"dn:{name}", "other", True
            return identifier, "foreign" if identifier.startswith(_DOMAIN_PREFIX) else "well_known", True
        if found:
            return f"dn:{name}", "other", True
        if naming_context(name) not in self._domains:
            return f"dn:{name}", "foreign", True
        return f"dn:{name}", "other" if self.complete else None, False

    @staticmethod
    def _sid(attributes: Attributes) -> str:
        try:
            identifier = sid(attributes["objectsid"][0])
            rid(identifier)
        except (KeyError, IndexError, ValueError):
            return ""
        return identifier


def _primary_group(attributes: Attributes) -> int:
    try:
        return integer(attributes["primarygroupid"][0])
    except (KeyError, IndexError, ValueError):
        return 0
