"""Users, computers and managed service accounts as rows of `account`. Source: MS-ADTS 2.2.16 (userAccountControl)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from auditor.collect import directory_values as values
from auditor.collect.directory_entry import Entry, Row

FREE_TEXT = ("description", "info", "comment", "title", "adminDescription", "physicalDeliveryOfficeName")
"""Attributes in which administrators leave passwords; their text is looked at and never kept."""

_FLAGS = {
    "password_not_required": 0x20,
    "reversible_encryption": 0x80,
    "password_never_expires": 0x10000,
    "smartcard_required": 0x40000,
    "unconstrained_delegation": 0x80000,
    "not_delegated": 0x100000,
    "preauth_not_required": 0x400000,
    "protocol_transition": 0x1000000,
    "is_domain_controller": 0x2000 | 0x4000000,
}
_TEXTS = {
    "user_principal_name": "userprincipalname",
    "display_name": "displayname",
    "given_name": "givenname",
    "surname": "sn",
    "mail": "mail",
    "department": "department",
    "operating_system": "operatingsystem",
}
_CLASSES = (
    (b"msds-delegatedmanagedserviceaccount", "dmsa"),
    (b"msds-groupmanagedserviceaccount", "gmsa"),
    (b"msds-managedserviceaccount", "msa"),
    (b"computer", "computer"),
)


def account_row(entry: Entry, sid: str, person_number: Sequence[str] | None, professional_ids: Sequence[str] | None) -> Row:
    """Everything of an account but its key, source and domain. `person_number` and `professional_ids` name the attributes that hold
    these numbers, in lower case; None when no account of the directory has them, and then the numbers are not known."""
    control = entry.value("useraccountcontrol", values.integer)
    host = entry.text("dnshostname")
    admin_count = entry.integer("admincount", absent=0)
    password_last_set_at, password_never_set = entry.moment("pwdlastset")
    last_sign_in_at, never_signed_in = _last_sign_in(entry)
    expires_at, never_expires = _expiry(entry, visible=control is not None)
    classes = {value.lower() for value in entry.attributes["objectclass"]}
    return {
        "object_guid": entry.value("objectguid", values.guid),
        "rid": values.rid(sid),
        "object_class": next((word for name, word in _CLASSES if name in classes), "user"),
        "sam_account_name": entry.value("samaccountname", values.exact_text),
        "distinguished_name": entry.name,
        "parent_dn": values.parent_name(entry.name),
        "employee_id": None if person_number is None else _first(entry, person_number),
        "professional_id_raw": None if professional_ids is None else _first(entry, professional_ids),
        "enabled": None if control is None else not control & 2,
        "created_at": entry.value("whencreated", values.generalized_time),
        "password_last_set_at": password_last_set_at,
        "password_never_set": password_never_set,
        "last_sign_in_at": last_sign_in_at,
        "never_signed_in": never_signed_in,
        "expires_at": expires_at,
        "never_expires": never_expires,
        "has_key_credential": entry.has("msds-keycredentiallink"),
        "has_certificate_mapping": entry.has("altsecurityidentities", b"x509:"),
        "has_admin_count": None if admin_count is None else admin_count == 1,
        "primary_group_rid": entry.value("primarygroupid", values.integer),
        "encryption_types": entry.integer("msds-supportedencryptiontypes", absent=0),
        "secret_in_attribute": _secret(entry),
        "dns_host_name": None if host is None else host.lower(),
        **{column: entry.text(attribute) for column, attribute in _TEXTS.items()},
        **{flag: None if control is None else bool(control & bits) for flag, bits in _FLAGS.items()},
    }


def _first(entry: Entry, attributes: Sequence[str]) -> str | None:
    for attribute in attributes:
        if attribute in entry.attributes:
            found = entry.value(attribute, values.exact_text)
            if found is None:
                return None
            if found.strip():
                return found.strip()
    # A declared attribute may not exist in this directory: an export needs to hold any one of them.
    return "" if any(entry.known_absent(attribute) for attribute in attributes) else None


def _secret(entry: Entry) -> str | None:
    for attribute in FREE_TEXT:
        if any(values.holds_password(text) for text in entry.texts(attribute.lower())):
            return attribute
    return "" if entry.known_absent(*(attribute.lower() for attribute in FREE_TEXT)) else None


def _last_sign_in(entry: Entry) -> tuple[datetime | None, bool | None]:
    if "lastlogontimestamp" in entry.attributes:
        return entry.moment("lastlogontimestamp")
    # Absent: a fact only where the other logon attributes of the same object are visible.
    here, never_here = entry.moment("lastlogon")
    if here is not None:
        return here, False
    count = entry.value("logoncount", values.integer)
    if count:
        return None, False
    if (never_here or count == 0 or "badpwdcount" in entry.attributes) and entry.asked("lastlogontimestamp"):
        return None, True
    return None, None


def _expiry(entry: Entry, *, visible: bool) -> tuple[datetime | None, bool | None]:
    # accountExpires lies in the property set of userAccountControl: both are visible or neither.
    if "accountexpires" not in entry.attributes and visible and entry.asked("accountexpires"):
        return None, True
    return entry.moment("accountexpires")
