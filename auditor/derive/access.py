"""Evaluation of one access list: what a principal may do to an object that amounts to taking it over.

Order of evaluation: MS-DTYP 2.5.3.2 and MS-ADTS 5.1.3.3: entries in stored order, the first decision for a right wins, a Deny counts for
the whole token; masks: MS-ADTS 5.1.3.2; GUIDs of classes, properties and property sets: the schema Microsoft publishes.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass

EVERYONE = "S-1-1-0"
OWNER_RIGHTS = "S-1-3-4"
SELF = "S-1-5-10"

_VALIDATED_WRITE, _WRITE_PROPERTY, _EXTENDED_RIGHT = 0x8, 0x20, 0x100
_WRITE_DACL, _WRITE_OWNER = 0x40000, 0x80000
_FULL_CONTROL = 0xF01FF
_GENERIC = ((0x10000000, _FULL_CONTROL), (0x20000000, 0x20004), (0x40000000, 0x20028), (0x80000000, 0x20094))

_GET_CHANGES = frozenset({"1131f6aa-9c07-11d1-f79f-00c04fc2dcd2"})
_GET_CHANGES_ALL = frozenset({"1131f6ad-9c07-11d1-f79f-00c04fc2dcd2"})
_RESET_PASSWORD = frozenset({"00299570-246d-11d0-a768-00aa006e0529"})
# Each property with the property set it belongs to: writing the set writes the property.
_MEMBER = frozenset({"bf9679c0-0de6-11d0-a285-00aa003049e2", "bc0ac240-79a9-11d0-9020-00c04fc2d4cf"})
_SPN = frozenset({"f3a64788-5306-11d1-a9c5-0000f80367c1", "e48d0154-bcf8-11d1-8702-00c04fb96050"})
_DELEGATION = frozenset({"3f78c3e5-f79a-46bd-a0b8-9d18116ddc79", "4c164200-20c0-11d0-a768-00aa006e0529"})
_KEY_CREDENTIAL = frozenset({"5b47d60f-6090-40b2-9f37-2a4de88f3063", "9b026da6-0d3c-465c-8bee-5199d7165cba"})

CLASSES = {
    "user": "bf967aba-0de6-11d0-a285-00aa003049e2",
    "inetorgperson": "4828cc14-1437-45bc-9b07-ad6f015e5f28",
    "computer": "bf967a86-0de6-11d0-a285-00aa003049e2",
    "group": "bf967a9c-0de6-11d0-a285-00aa003049e2",
    "container": "bf967a8b-0de6-11d0-a285-00aa003049e2",
    "domaindns": "19195a5b-6da0-11d0-afd3-00c04fd930c9",
    "msds-groupmanagedserviceaccount": "7b8b558a-93a5-4af7-adca-c017e67f1057",
    "msds-managedserviceaccount": "ce206244-5827-4a86-ba1c-1c0c386c1b64",
    "msds-delegatedmanagedserviceaccount": "0feb936f-47b3-49f2-9386-1dedc2c23765",
}
"""schemaIDGUID of the classes of critical objects, by lower-case name."""


@dataclass(frozen=True)
class Entry:
    """One entry of an access list, as in the table access_entry."""

    allow: bool
    mask: int
    trustee: str
    object_type: str = ""
    inherited_object_type: str = ""
    inherited: bool = False
    inherit_only: bool = False


@dataclass(frozen=True)
class Descriptor:
    """Owner and access list in stored order; `entries` is None when there is no list, which lets everybody do everything."""

    owner: str | None
    entries: tuple[Entry, ...] | None

    def trustees(self) -> tuple[str, ...]:
        """Every SID named as owner or in the list, sorted."""
        return tuple(sorted({entry.trustee for entry in self.entries or ()} | ({self.owner} if self.owner else set())))


@dataclass(frozen=True)
class _Right:
    """Bits to be granted for one of these types; without types, for the object as a whole."""

    mask: int
    types: frozenset[str] = frozenset()


_GENERIC_ALL = (_Right(_FULL_CONTROL),)
_DCSYNC = (_Right(_EXTENDED_RIGHT, _GET_CHANGES), _Right(_EXTENDED_RIGHT, _GET_CHANGES_ALL))
_WHOLE = {"write_dacl": _WRITE_DACL, "write_owner": _WRITE_OWNER, "generic_write": _WRITE_PROPERTY, "all_extended_rights": _EXTENDED_RIGHT}
_NARROW = {
    "reset_password": (_Right(_EXTENDED_RIGHT, _RESET_PASSWORD),),
    # Adding oneself is enough.
    "write_member": (_Right(_WRITE_PROPERTY, _MEMBER), _Right(_VALIDATED_WRITE, _MEMBER)),
    "write_spn": (_Right(_WRITE_PROPERTY, _SPN),),
    "write_delegation": (_Right(_WRITE_PROPERTY, _DELEGATION),),
    "write_key_credential": (_Right(_WRITE_PROPERTY, _KEY_CREDENTIAL),),
}
"""Rights over a part of an object that suffice to take it over; one of the alternatives is enough."""

_ACCOUNT = frozenset(("all_extended_rights", "reset_password", "write_spn", "write_delegation", "write_key_credential"))
_PERMISSIONS = {
    "domain": frozenset({"all_extended_rights"}),
    # Its access list is copied onto privileged accounts and groups alike.
    "admin_sd_holder": _ACCOUNT | {"write_member"},
    "domain_controller": _ACCOUNT - {"write_spn"},
    "privileged_group": frozenset({"write_member"}),
    "privileged_account": _ACCOUNT,
}
"""What makes sense on each kind of object, beside the rights that always do."""


@dataclass(frozen=True)
class Target:
    """The object of an evaluation: its kind in critical_right and its most specific class."""

    object_type: str
    object_class: str

    @property
    def class_guid(self) -> str:
        """schemaIDGUID of the class; empty when it is none of CLASSES."""
        return CLASSES.get(self.object_class.lower(), "")


def takeover(descriptor: Descriptor, target: Target, trustee: str, token: Set[str]) -> list[str]:
    """Permissions of `trustee` by which it can take the target over; those that a wider one contains are left out.

    `token` holds every SID that acts for the trustee, itself included. What the trustee holds through a group alone is the group's and
    is not returned; a permission is its own when an entry that names it, or ownership, is enough for it or needed for it.
    """
    if descriptor.entries is None:
        return ["null_dacl"] if trustee == EVERYONE else []
    guid = target.class_guid
    entries = [entry for entry in descriptor.entries if _applies(entry, guid)]
    own, found = {trustee}, []
    if descriptor.owner in token and any(entry.trustee == OWNER_RIGHTS for entry in entries):
        # Entries for OWNER RIGHTS replace what an owner may do by default.
        token = {*token, OWNER_RIGHTS}
        own |= {OWNER_RIGHTS} if trustee == descriptor.owner else set()
    elif trustee == descriptor.owner:
        found.append("owner")

    def holds(*rights: _Right) -> bool:
        def granted(allowing: Set[str]) -> bool:
            return all(_granted(entries, right, guid, token, allowing) for right in rights)

        return granted(token) and (granted(own) or not granted(token - own))

    if target.object_type == "domain" and holds(*_DCSYNC):
        found.append("dcsync")
    if holds(*_GENERIC_ALL):
        return [*found, "generic_all"]
    allowed = _PERMISSIONS[target.object_type]
    whole = [name for name, mask in _WHOLE.items() if (name in allowed or name != "all_extended_rights") and holds(_Right(mask))]
    contained = {_WHOLE[name] for name in whole}
    narrow = [
        name
        for name, alternatives in _NARROW.items()
        if name in allowed and not any(right.mask in contained for right in alternatives) and any(holds(right) for right in alternatives)
    ]
    return [*found, *whole, *narrow]


def _applies(entry: Entry, class_guid: str) -> bool:
    """Whether an entry acts on the object that carries it: a class given for inheritance counts only on inherited entries."""
    return not entry.inherit_only and not (entry.inherited and entry.inherited_object_type not in ("", class_guid))


def _granted(entries: Iterable[Entry], right: _Right, class_guid: str, token: Set[str], allowing: Set[str]) -> bool:
    """Whether every bit is granted when Deny counts for the whole token and Allow only for the SIDs of `allowing`."""
    undecided, granted = right.mask, 0
    for entry in entries:
        if entry.trustee not in (allowing if entry.allow else token):
            continue
        # The class of the object stands for the object as a whole.
        if entry.object_type not in ("", class_guid) and entry.object_type not in right.types:
            continue
        bits = _bits(entry.mask) & undecided
        undecided &= ~bits
        granted |= bits if entry.allow else 0
    return granted == right.mask


def _bits(mask: int) -> int:
    """The mask with generic rights written out for directory objects."""
    for generic, bits in _GENERIC:
        if mask & generic:
            mask |= bits
    return mask
