"""One normaliser for every way of reading a directory: entries become rows of the directory tables.

A live domain and an LDIF export of it give the same rows. Sources: MS-ADTS 2.2.12 (groupType), 3.1.1.3.1.3.3 (range retrieval),
6.1.1.2.4.1.2 (dSHeuristics), 3.1.1.9 (optional features).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from hashlib import sha256

from auditor.collect import directory_values as values
from auditor.collect import security_descriptor
from auditor.collect.directory_account import FREE_TEXT, account_row
from auditor.collect.directory_canaries import Canaries
from auditor.collect.directory_coverage import Gaps
from auditor.collect.directory_entry import Entry, Row
from auditor.collect.directory_index import Attributes, Index, kind, qualified
from auditor.collect.directory_policy import REQUIRED, domain_row, recycle_bin, settings_row
from auditor.collect.directory_values import comparable_name
from auditor.config import ActiveDirectory, Ldif
from auditor.model import State, Text
from auditor.snapshot import Writer

ATTRIBUTES = (
    "objectClass", "objectSid", "objectGUID", "instanceType", "isDeleted", "whenCreated", "name", "nTSecurityDescriptor", "adminCount",
    "sAMAccountName", "userPrincipalName", "displayName", "givenName", "sn", "mail", "department",
    "userAccountControl", "pwdLastSet", "lastLogonTimestamp", "lastLogon", "logonCount", "badPwdCount", "accountExpires", "primaryGroupID",
    "msDS-SupportedEncryptionTypes", "msDS-KeyCredentialLink", "altSecurityIdentities", "servicePrincipalName", "operatingSystem",
    "dNSHostName", "msDS-AllowedToDelegateTo", "msDS-AllowedToActOnBehalfOfOtherIdentity", "msDS-PSOApplied", *FREE_TEXT,
    "groupType", "member",
    "minPwdLength", "pwdHistoryLength", "maxPwdAge", "minPwdAge", "pwdProperties", "lockoutThreshold", "lockOutObservationWindow",
    "ms-DS-MachineAccountQuota", "msDS-Behavior-Version", "msDS-EnabledFeature", "dSHeuristics",
    "msDS-PasswordSettingsPrecedence", "msDS-MinimumPasswordLength", "msDS-PasswordHistoryLength", "msDS-MaximumPasswordAge",
    "msDS-PasswordComplexityEnabled", "msDS-PasswordReversibleEncryptionEnabled", "msDS-LockoutThreshold", "msDS-PSOAppliesTo",
)  # fmt: skip
"""Everything a live reading asks for, besides the attributes declared to hold the numbers of persons."""

# Attributes that came back, told in the facts of a source: each family is readable or hidden as a whole.
_FAMILIES = ("userAccountControl", "pwdLastSet", "whenCreated", "adminCount", "lastLogonTimestamp", "logonCount")
_SECURITY = ("directory_object", "security_descriptor", "access_entry")
_PROTECTED_RIDS = frozenset((512, 516, 518, 519, 526, 527, 544, 548, 549, 550, 551, 552))
# Tables that an attribute alone fills: when an export leaves it out, an empty table says nothing.
_ALONE = (
    ("servicePrincipalName", "account_spn"),
    ("msDS-AllowedToDelegateTo", "delegation_target"),
    ("msDS-AllowedToActOnBehalfOfOtherIdentity", "delegation_trustee"),
    ("member", "group_member"),
    ("primaryGroupID", "group_member"),
)


class Directory:
    """Second pass: turns entries into rows of `writer`, counting what is missing.

    A live reading asks for every attribute by name; an export may have left attributes out, and then what appears nowhere in it is not
    known rather than "none".
    """

    def __init__(self, writer: Writer, settings: ActiveDirectory | Ldif, index: Index) -> None:
        self.rows: Counter[str] = Counter()
        self.gaps = Gaps()
        self.visible: Counter[str] = Counter()
        self.seen: dict[str, str] = {}
        self._writer = writer
        self._settings = settings
        self._source = settings.name
        self._person_number = declared(index, settings.person_number_attribute)
        self._professional_ids = declared(index, *settings.professional_id_attributes)
        self._index = index
        self._live = isinstance(settings, ActiveDirectory)
        self._canaries = Canaries()
        self._whole = self._live or (index.principals > 0 and index.unrestricted == index.principals)
        self._descriptors: dict[str, bool] = {}
        self._domains: list[Row] = []
        self._ds_heuristics: str | None = None
        self._recycle_bin: bool | None = None
        self._policies_read = self._policies_applied = False
        self._ranges: dict[str, tuple[set[tuple[int, int]], set[str]]] = {}

    def add(self, name: str, attributes: Attributes) -> None:
        """Add the rows of one entry; entries the tables do not speak of, and deleted ones, give none."""
        if attributes.get("isdeleted", (b"",))[0].upper() == b"TRUE":
            return
        self._policies_applied = self._policies_applied or "msds-psoapplied" in attributes
        match kind(name, attributes):
            case "account":
                self._account(self._entry(name, attributes, "account"))
            case "group":
                self._group(self._entry(name, attributes, "directory_group"))
            case "domain":
                self._domain(self._entry(name, attributes, "domain"))
            case "policy":
                self._policy(self._entry(name, attributes, "password_settings"))
            case "policies":
                self._policies_read = self._policies_read or "whencreated" in attributes
            case "admin_sd_holder":
                entry = self._entry(name, attributes, "directory_object")
                key = entry.value("objectguid", values.guid)
                if key and self._first(key, entry, *_SECURITY):
                    self._object(key, entry, protected=True)
            case "directory_service":
                self._ds_heuristics = self._entry(name, attributes, "domain").text("dsheuristics")
            case "partitions":
                # Everybody may read msDS-EnabledFeature and msDS-Behavior-Version of this object, and little else of it.
                entry = self._entry(name, attributes, "domain")
                readable = entry.readable or "msds-behavior-version" in attributes
                if recycle_bin(entry):
                    self._recycle_bin = True
                elif readable and self._asked("msds-enabledfeature") and self._recycle_bin is None:
                    self._recycle_bin = False

    def finish(self, cut: Text | None = None) -> None:
        """Write the rows that need the whole directory, and check what every directory holds.

        `cut` is why the reading ended early: every table is then partial.
        """
        missing = State.DENIED if self._live else State.ABSENT
        for row in self._domains:
            self._put("domain", {**row, "ds_heuristics": self._ds_heuristics, "recycle_bin_enabled": self._recycle_bin})
        if not self._domains:
            reason = Text("the object of the domain was not seen", "l’objet du domaine n’a pas été vu")
            self.gaps.unread(missing, reason, "domain")
        self._canaries.check(self.gaps, self._index, self.seen, live=self._live)
        if isinstance(self._settings, Ldif):
            self._canaries.check_age(self.gaps, self._writer.as_of, self._settings.max_age_days)
        self.gaps.count("cut_list", "group_member", number=sum(not _gapless(parts) for parts, _ in self._ranges.values()))
        self._finish_policies(missing)
        if not self.rows["security_descriptor"]:
            reason = Text("no permission (nTSecurityDescriptor) was returned", "aucune permission (nTSecurityDescriptor) renvoyée")
            self.gaps.unread(missing, reason, *_SECURITY)
        for attribute, table in _ALONE:
            if not self._asked(attribute.lower()):
                en = f"the export leaves attributes out and {attribute} appears nowhere in it"
                self.gaps.note(Text(en, f"l’export omet des attributs et {attribute} n’y figure nulle part"), table)
        if cut:
            self.gaps.cut(cut)

    def _finish_policies(self, missing: State) -> None:
        table = "password_settings"
        if not self._policies_read and not self.rows[table]:
            name = "Password Settings Container"
            self.gaps.unread(missing, Text(f"{name} was not seen", f"{name} n’a pas été vu"), table)
        elif self._policies_applied and not self.rows[table]:
            en = "password settings apply to accounts but none could be read"
            self.gaps.unread(missing, Text(en, "des stratégies s’appliquent à des comptes mais aucune n’a pu être lue"), table)

    def _asked(self, *names: str) -> bool:
        """Whether the reading or the export covered these attributes, so that absence means "none"."""
        return self._whole or self._index.attributes.issuperset(names)

    def _entry(self, name: str, attributes: Attributes, table: str) -> Entry:
        if "\ufffd" in name:
            self.gaps.count("unreadable", table)
        return Entry(name, attributes, table, self.gaps, self._asked)

    def _put(self, table: str, row: Row) -> None:
        self.rows[table] += 1
        self._writer.add(table, row)

    def _first(self, key: str, entry: Entry, *tables: str) -> bool:
        """Whether a key comes for the first time: overlapping exports repeat entries. The same key under another name is counted."""
        name = comparable_name(entry.name)
        known = self.seen.get(key)
        if known is None:
            self.seen[key] = name
        elif known != name:
            self.gaps.count("contradictory", *tables)
        return known is None

    def _principal(self, entry: Entry, *tables: str) -> tuple[str, str, str | None] | None:
        """(key, SID, SID of the domain) of an account or group; None, counted, when its SID is not readable."""
        sid = entry.value("objectsid", values.sid)
        if sid is None:
            self.gaps.count("nameless", *tables)
            return None
        if self._index.identifier(entry.name) not in (sid, ""):
            self.gaps.count("contradictory", *tables)
        domain_sid = self._index.domain_of(sid, entry.name)
        return qualified(sid, domain_sid), sid, domain_sid

    def _account(self, entry: Entry) -> None:
        principal = self._principal(entry, "account", "group_member")
        if principal is None or not self._first(principal[0], entry, "account", "group_member"):
            return
        key, sid, domain_sid = principal
        self.visible["accounts"] += 1
        self.visible.update(family for family in _FAMILIES if family.lower() in entry.attributes)
        if not entry.readable:
            self.gaps.count("created", "account", "account_spn", "delegation_target", "delegation_trustee")
        row = {
            "account_key": key,
            "source": self._source,
            "domain_sid": domain_sid,
            **account_row(entry, sid, self._person_number, self._professional_ids),
        }
        if row["enabled"] is None:
            self.gaps.count("control", "account")
        self._put("account", row)
        self._canaries.account(row)
        for spn in entry.texts("serviceprincipalname"):
            self._put("account_spn", {"account_key": key, "spn": spn})
        for spn in entry.texts("msds-allowedtodelegateto"):
            self._put("delegation_target", {"account_key": key, "spn": spn, "target_host": values.delegation_host(spn)})
        self._delegation_trustees(key, domain_sid, entry)
        if row["primary_group_rid"] is None or domain_sid is None:
            self.gaps.count("no_primary", "group_member")
        else:
            group_key = f"{domain_sid}-{row['primary_group_rid']}"
            self._canaries.members[group_key] += 1
            self._put("group_member", {"group_key": group_key, "member_key": key, "member_type": "account", "primary_group": True})
        self._object(key, entry, protected=bool(row["has_admin_count"] or row["is_domain_controller"]))

    def _delegation_trustees(self, key: str, domain_sid: str | None, entry: Entry) -> None:
        raw = entry.single("msds-allowedtoactonbehalfofotheridentity")
        if not raw:
            return
        try:
            entries = security_descriptor.parse(raw).entries
        except ValueError:
            self.gaps.count("unreadable", "delegation_trustee")
            return
        # Without an access list everybody may impersonate.
        trustees = {"S-1-1-0"} if entries is None else {item.trustee for item in entries if item.allow}
        for trustee in sorted(trustees):
            self._put("delegation_trustee", {"account_key": key, "trustee_key": qualified(trustee, domain_sid)})

    def _group(self, entry: Entry) -> None:
        principal = self._principal(entry, "directory_group", "group_member")
        if principal is None:
            return
        key, sid, domain_sid = principal
        if self._first(key, entry, "directory_group", "group_member"):
            if not entry.readable:
                self.gaps.count("created", "directory_group", "group_member")
            bits = entry.value("grouptype", values.integer)
            self._put("directory_group", {
                "group_key": key,
                "source": self._source,
                "domain_sid": domain_sid,
                "sid": sid,
                "rid": values.rid(sid),
                "object_guid": entry.value("objectguid", values.guid),
                "sam_account_name": entry.value("samaccountname", values.exact_text),
                "distinguished_name": entry.name,
                "scope": None if bits is None else _scope(bits),
                "security_enabled": None if bits is None else bool(bits & 0x80000000),
                "created_at": entry.value("whencreated", values.generalized_time),
            })  # fmt: skip
            protected = values.rid(sid) in _PROTECTED_RIDS or entry.integer("admincount") == 1
            self._object(key, entry, protected=protected)
            self._add_members(key, entry.attributes.get("member", ()), set())
        # Parts of a long list (member;range=0-1499); gaps between the parts are looked for at the end.
        for attribute, members in entry.attributes.items():
            if attribute.startswith("member;range="):
                parts, written = self._ranges.setdefault(key, (set(), set()))
                parts.add(_part(attribute))
                self._add_members(key, members, written)

    def _add_members(self, key: str, members: Iterable[bytes], written: set[str]) -> None:
        """Add the members that are not in `written`, under one spelling each."""
        for member in members:
            self._canaries.members[key] += 1
            name = values.text(member)
            found = self._index.resolve(name, key)
            if found and found[0] in written:
                continue
            self._canaries.listed(key, told=self._index.tells(name))
            if found is None:
                continue
            member_key, member_type, known = found
            written.add(member_key)
            if not known:
                self.gaps.count("hidden_member", "group_member")
            self._put("group_member", {"group_key": key, "member_key": member_key, "member_type": member_type, "primary_group": False})

    def _domain(self, entry: Entry) -> None:
        sid = entry.value("objectsid", values.sid)
        if sid is None or not self._first(sid, entry, "domain"):
            return
        row = domain_row(entry)
        self.gaps.count("policy", "domain", number=sum(row[column] is None for column in REQUIRED))
        if recycle_bin(entry):
            self._recycle_bin = True
        self._domains.append({"domain_sid": sid, "source": self._source, **row})
        self._object(sid, entry, protected=True)

    def _policy(self, entry: Entry) -> None:
        key = entry.value("objectguid", values.guid)
        if key is None:
            self.gaps.count("nameless", "password_settings")
        elif self._first(key, entry, "password_settings"):
            if not entry.readable:
                self.gaps.count("created", "password_settings")
            self._put("password_settings", {"policy_key": key, "source": self._source, **settings_row(entry)})

    def _object(self, key: str, entry: Entry, *, protected: bool) -> None:
        """The permissions of one object. A live reading owes them all; an export owes at least those of what matters most."""
        raw = entry.single("ntsecuritydescriptor")
        sd_id = sha256(raw).hexdigest()[:32] if raw else None
        if raw and sd_id and not self._descriptor(sd_id, raw):
            sd_id = None
            self.gaps.count("unreadable", *_SECURITY)
        elif sd_id is None and (protected or self._live):
            self.gaps.count("no_descriptor", *_SECURITY)
        classes = entry.texts("objectclass")
        self._put("directory_object", {
            "object_key": key,
            "source": self._source,
            "object_class": classes[-1] if classes else None,
            "distinguished_name": entry.name,
            "sd_id": sd_id,
        })  # fmt: skip

    def _descriptor(self, sd_id: str, raw: bytes) -> bool:
        """Write a descriptor the first time it is seen; False when it cannot be decoded."""
        if sd_id in self._descriptors:
            return self._descriptors[sd_id]
        try:
            descriptor = security_descriptor.parse(raw)
        except ValueError:
            self._descriptors[sd_id] = False
            return False
        self._descriptors[sd_id] = True
        dacl = "null" if descriptor.entries is None else "present"
        row: Row = {"sd_id": sd_id, "owner_sid": descriptor.owner, "dacl": dacl, "dacl_protected": descriptor.protected}
        self._put("security_descriptor", row)
        for position, item in enumerate(descriptor.entries or ()):
            self._put("access_entry", {
                "sd_id": sd_id,
                "position": position,
                "allow": item.allow,
                "mask": item.mask,
                "object_type": item.object_type,
                "inherited_object_type": item.inherited_object_type,
                "trustee_sid": item.trustee,
                "inherited": item.inherited,
                "inherit_only": item.inherit_only,
            })  # fmt: skip
        return True


def declared(index: Index, *names: str) -> tuple[str, ...] | None:
    """Attributes that audit.yaml names, in lower case; None when no account has any of them: then nothing is known by them, and an
    account without them says nothing."""
    lower = tuple(name.lower() for name in names)
    return lower if index.account_attributes.intersection(lower) else None


def _scope(bits: int) -> str | None:
    """Scope from groupType."""
    if bits & 1:
        return "builtin"
    return next((word for bit, word in ((2, "global"), (4, "domain_local"), (8, "universal")) if bits & bit), None)


def _part(attribute: str) -> tuple[int, int]:
    """(first, last) of member;range=first-last, last -1 for the end of the list; (-1, -1) when it is neither."""
    try:
        return values.value_range(attribute.removeprefix("member;range="))
    except ValueError:
        return -1, -1


def _gapless(parts: set[tuple[int, int]]) -> bool:
    """Whether the parts of a list follow each other from 0 to its end."""
    expected = 0
    for low, high in sorted(parts):
        if low != expected:
            return False
        if high == -1:
            return True
        expected = high + 1
    return False
