from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from auditor.collect.security_descriptor import Entry, SecurityDescriptor
from auditor.model import State
from tests.collect.directories import (
    CREATED,
    DOMAIN,
    DOMAIN_SID,
    Attributes,
    Taken,
    attributes,
    domain,
    group,
    ldif,
    take_entries,
    take_files,
    user,
)
from tests.collect.test_security_descriptor import binary

SOINS = f"OU=Soins,{DOMAIN}"
ANNE = f"CN=Anne,{SOINS}"
KEY = f"{DOMAIN_SID}-1105"
DESCRIPTOR = SecurityDescriptor("S-1-5-18", (Entry(True, 0x100, "", "", f"{DOMAIN_SID}-512", False, False),), protected=True)
SECURITY = ("directory_object", "security_descriptor", "access_entry")


def anne(folder: Path, **others: object) -> Taken:
    return take_entries(folder, {ANNE: user(1105, "anne", **others)})


def test_a_whole_domain_is_complete_but_for_permissions_nobody_exported(tmp_path: Path) -> None:
    taken = take_entries(tmp_path)
    for table in ("account", "account_spn", "delegation_target", "delegation_trustee", "directory_group", "group_member", "domain"):
        assert taken.coverage(table).state is State.COMPLETE, taken.reason(table)
    assert taken.coverage("password_settings").state is State.COMPLETE
    for table in SECURITY:
        assert taken.coverage(table).state is State.ABSENT


def test_an_account_is_read_in_full(tmp_path: Path) -> None:
    taken = anne(
        tmp_path, displayName="Anne Martin", givenName="Anne", sn="Martin", mail="anne@chu.test", employeeID="00042",
        employeeNumber="99000000002", department="Cardiologie", userPrincipalName="anne@chu.test", adminCount=1,
        userAccountControl=512 | 0x10000 | 0x40000, accountExpires=133_800_000_000_000_000, altSecurityIdentities=["X509:<I>x<S>y"],
        servicePrincipalName=["HTTP/a.chu.test", "HTTP/a.chu.test"], msDS_SupportedEncryptionTypes=24,
    )  # fmt: skip
    row = taken.account("anne")
    expected = {
        "account_key": KEY, "source": "ad", "domain_sid": DOMAIN_SID, "rid": 1105, "object_class": "user", "display_name": "Anne Martin",
        "given_name": "Anne", "surname": "Martin", "mail": "anne@chu.test", "employee_id": "00042", "professional_id_raw": "99000000002",
        "department": "Cardiologie", "user_principal_name": "anne@chu.test", "distinguished_name": ANNE, "parent_dn": SOINS,
        "enabled": True, "created_at": datetime(2020, 1, 1, 8),
        "password_last_set_at": datetime(2022, 6, 18, 4, 26, 40), "password_never_set": False,
        "last_sign_in_at": datetime(2024, 1, 17, 21, 20), "never_signed_in": False, "expires_at": datetime(2024, 12, 30, 2, 40),
        "never_expires": False, "password_never_expires": True, "smartcard_required": True, "password_not_required": False,
        "has_certificate_mapping": True, "has_key_credential": False, "has_admin_count": True, "primary_group_rid": 513,
        "encryption_types": 24, "secret_in_attribute": "", "is_domain_controller": False, "operating_system": "", "dns_host_name": "",
    }  # fmt: skip
    assert {column: row[column] for column in expected} == expected
    assert [spn["spn"] for spn in taken.tables["account_spn"]] == ["HTTP/a.chu.test"]


@pytest.mark.parametrize(("bit", "column"), [
    (0x20, "password_not_required"), (0x80, "reversible_encryption"), (0x10000, "password_never_expires"), (0x40000, "smartcard_required"),
    (0x80000, "unconstrained_delegation"), (0x100000, "not_delegated"), (0x400000, "preauth_not_required"),
    (0x1000000, "protocol_transition"), (0x2000, "is_domain_controller"), (0x4000000, "is_domain_controller"),
])  # fmt: skip
def test_each_bit_of_account_control_has_its_column(tmp_path: Path, bit: int, column: str) -> None:
    flags = {
        "password_not_required", "reversible_encryption", "password_never_expires", "smartcard_required", "unconstrained_delegation",
        "not_delegated", "preauth_not_required", "protocol_transition", "is_domain_controller",
    }  # fmt: skip
    row = anne(tmp_path, userAccountControl=bit).account("anne")
    assert {flag for flag in flags if row[flag]} == {column}
    assert row["enabled"] is True
    assert anne(tmp_path, userAccountControl=-2147483646).account("anne")["enabled"] is False


@pytest.mark.parametrize(("classes", "word"), [
    (["top", "person", "organizationalPerson", "user", "computer"], "computer"),
    (["top", "user", "computer", "msDS-GroupManagedServiceAccount"], "gmsa"),
    (["top", "user", "computer", "msDS-ManagedServiceAccount"], "msa"),
    (["top", "user", "computer", "msDS-DelegatedManagedServiceAccount"], "dmsa"),
    (["top", "person", "organizationalPerson", "user", "inetOrgPerson"], "user"),
])  # fmt: skip
def test_the_class_of_an_account(tmp_path: Path, classes: list[str], word: str) -> None:
    assert anne(tmp_path, objectClass=classes).account("anne")["object_class"] == word


def test_hidden_account_control_makes_accounts_partial_and_flags_unknown(tmp_path: Path) -> None:
    taken = anne(tmp_path, userAccountControl=None, accountExpires=None)
    row = taken.account("anne")
    for column in ("enabled", "password_not_required", "is_domain_controller", "never_expires", "expires_at"):
        assert row[column] is None
    assert taken.coverage("account").state is State.PARTIAL
    assert "userAccountControl was not returned for 1 accounts" in taken.reason("account")


def test_hidden_creation_time_makes_every_absence_unknown(tmp_path: Path) -> None:
    taken = anne(tmp_path, whenCreated=None)
    row = taken.account("anne")
    columns = (
        "created_at", "mail", "employee_id", "professional_id_raw", "has_admin_count", "has_key_credential", "has_certificate_mapping",
        "secret_in_attribute", "encryption_types",
    )  # fmt: skip
    assert [row[column] for column in columns] == [None] * len(columns)
    for table in ("account", "account_spn", "delegation_target", "delegation_trustee"):
        assert taken.coverage(table).state is State.PARTIAL


def test_an_export_with_chosen_attributes_does_not_take_the_others_for_empty(tmp_path: Path) -> None:
    entries = domain()
    for found in entries.values():
        found.pop("instanceType", None)
    taken = take_files(tmp_path, ldif({**entries, ANNE: user(1105, "anne", instanceType=None, mail="anne@chu.test")}))
    administrator = taken.account("Administrator")
    assert administrator["mail"] == ""
    for column in ("display_name", "has_key_credential", "secret_in_attribute", "professional_id_raw"):
        assert administrator[column] is None
    for table, attribute in (("account_spn", "servicePrincipalName"), ("delegation_target", "msDS-AllowedToDelegateTo")):
        assert taken.coverage(table).state is State.PARTIAL
        assert attribute in taken.reason(table)


@pytest.mark.parametrize(("given", "at", "never"), [
    ({"lastLogonTimestamp": 0}, None, True),
    ({"lastLogonTimestamp": None, "logonCount": 0}, None, True),
    ({"lastLogonTimestamp": None, "logonCount": None, "badPwdCount": 0}, None, True),
    ({"lastLogonTimestamp": None, "logonCount": None, "lastLogon": 0}, None, True),
    ({"lastLogonTimestamp": None, "logonCount": None}, None, None),
    ({"lastLogonTimestamp": None, "logonCount": 3}, None, False),
    ({"lastLogonTimestamp": None, "lastLogon": 133_500_000_000_000_000}, datetime(2024, 1, 17, 21, 20), False),
    ({"lastLogonTimestamp": "soon"}, None, None),
])  # fmt: skip
def test_never_signed_in_is_a_fact_only_where_logons_are_visible(
    tmp_path: Path, given: dict[str, object], at: datetime | None, never: bool | None
) -> None:
    row = anne(tmp_path, **given).account("anne")
    assert (row["last_sign_in_at"], row["never_signed_in"]) == (at, never)


@pytest.mark.parametrize(("given", "never"), [(0, True), (2**63 - 1, True), (None, True), ("x", None), (133_800_000_000_000_000, False)])
def test_an_account_without_expiry_date(tmp_path: Path, given: object, never: bool | None) -> None:
    assert anne(tmp_path, accountExpires=given).account("anne")["never_expires"] is never


@pytest.mark.parametrize(("given", "never"), [(0, True), (None, None), (133_000_000_000_000_000, False)])
def test_a_password_that_was_never_set(tmp_path: Path, given: object, never: bool | None) -> None:
    assert anne(tmp_path, pwdLastSet=given).account("anne")["password_never_set"] is never


def test_values_that_cannot_be_understood_are_counted(tmp_path: Path) -> None:
    taken = anne(tmp_path, whenCreated="yesterday", pwdLastSet="x", objectGUID=b"short", userAccountControl=512)
    assert taken.coverage("account").state is State.PARTIAL
    assert "values that could not be understood: 3" in taken.reason("account")
    assert taken.account("anne")["password_last_set_at"] is None


def test_an_account_without_a_readable_sid_is_counted(tmp_path: Path) -> None:
    taken = anne(tmp_path, objectSid=b"nonsense")
    assert "objects without a readable SID: 1" in taken.reason("account")
    assert "objects without a readable SID: 1" in taken.reason("group_member")


@pytest.mark.parametrize("attribute", ["description", "info", "comment", "title", "adminDescription", "physicalDeliveryOfficeName"])
def test_a_password_in_free_text_is_named_by_its_attribute_and_kept_nowhere(tmp_path: Path, attribute: str) -> None:
    canary = "Zx9-Canari"
    taken = anne(tmp_path, **{attribute: ["rien", f"mdp : {canary}"]})
    assert taken.account("anne")["secret_in_attribute"] == attribute
    kept = repr(taken.tables) + (taken.snapshot.folder / "manifest.json").read_text(encoding="utf-8")
    assert canary not in kept


def test_memberships_of_every_sort(tmp_path: Path) -> None:
    team = f"CN=Equipe,{SOINS}"
    members = [
        ANNE, f"CN=S-1-5-11,CN=ForeignSecurityPrincipals,{DOMAIN}", f"CN=S-1-5-21-9-8-7-1105,CN=ForeignSecurityPrincipals,{DOMAIN}",
        f"CN=contact,{SOINS}", "CN=Paul,OU=Filiale,DC=autre,DC=test", f"CN=Administrators,CN=Builtin,{DOMAIN}",
    ]  # fmt: skip
    contact = attributes({"objectClass": ["top", "contact"], "instanceType": 4, "whenCreated": CREATED})
    taken = take_entries(tmp_path, {ANNE: user(1105, "anne"), team: group(2001, "equipe", member=members), f"CN=contact,{SOINS}": contact})
    assert taken.members(f"{DOMAIN_SID}-2001") == {
        (KEY, "account", False),
        ("S-1-5-11", "well_known", False),
        ("S-1-5-21-9-8-7-1105", "foreign", False),
        (f"dn:CN=contact,{SOINS}", "other", False),
        ("dn:CN=Paul,OU=Filiale,DC=autre,DC=test", "foreign", False),
        (f"{DOMAIN_SID}/S-1-5-32-544", "group", False),
    }
    assert (KEY, "account", True) in taken.members(f"{DOMAIN_SID}-513")
    assert taken.coverage("group_member").state is State.COMPLETE


def test_a_member_nobody_can_see_makes_memberships_partial(tmp_path: Path) -> None:
    taken = take_entries(tmp_path, {f"CN=Equipe,{SOINS}": group(2001, "equipe", member=[f"CN=Caché,{SOINS}"])})
    assert taken.members(f"{DOMAIN_SID}-2001") == {(f"dn:CN=Caché,{SOINS}", "other", False)}
    assert "members whose object is not visible: 1" in taken.reason("group_member")


def test_a_member_is_found_under_any_spelling_and_only_once(tmp_path: Path) -> None:
    name = f"CN=Dupont\\, Renée,{SOINS}"
    spellings = [name, f"cn=dupont\\2C Ren\\C3\\A9e, ou=soins,{DOMAIN.lower()}"]
    taken = take_entries(tmp_path, {name: user(1105, "renee"), f"CN=Equipe,{SOINS}": group(2001, "equipe", member=spellings)})
    assert taken.members(f"{DOMAIN_SID}-2001") == {(KEY, "account", False)}


def test_a_membership_by_primary_group_and_by_list_is_one_row(tmp_path: Path) -> None:
    taken = take_entries(
        tmp_path, {ANNE: user(1105, "anne", primaryGroupID=2001), f"CN=Equipe,{SOINS}": group(2001, "equipe", member=[ANNE])}
    )
    assert taken.members(f"{DOMAIN_SID}-2001") == {(KEY, "account", True)}


def ranged(**parts: str) -> Attributes:
    found = group(2001, "equipe")
    found.update(
        {f"member;range={part.removeprefix('r').replace('_', '-').replace('end', '*')}": [value.encode()] for part, value in parts.items()}
    )
    return found


def test_a_list_in_parts_is_whole_when_the_parts_meet(tmp_path: Path) -> None:
    team = f"CN=Equipe,{SOINS}"
    entries = {ANNE: user(1105, "anne"), f"CN=Paul,{SOINS}": user(1106, "paul")}
    taken = take_entries(tmp_path, entries, {team: ranged(r0_0=ANNE, r1_end=f"CN=Paul,{SOINS}")})
    assert {key for key, _, _ in taken.members(f"{DOMAIN_SID}-2001")} == {KEY, f"{DOMAIN_SID}-1106"}
    assert taken.coverage("group_member").state is State.COMPLETE


@pytest.mark.parametrize(
    "parts", [{"r0_0": ANNE}, {"r1_end": ANNE}, {"r0_0": ANNE, "r2_end": ANNE}, {"r0_x": ANNE}, {"r0_5": ANNE, "r3_end": ANNE}]
)
def test_a_list_with_a_part_missing_is_said_to_be_cut(tmp_path: Path, parts: dict[str, str]) -> None:
    taken = take_entries(tmp_path, {ANNE: user(1105, "anne"), f"CN=Equipe,{SOINS}": ranged(**parts)})
    assert "groups whose list of members is cut: 1" in taken.reason("group_member")
    assert taken.coverage("group_member").state is State.PARTIAL


@pytest.mark.parametrize(("bits", "scope", "security"), [
    (-2147483646, "global", True), (-2147483644, "domain_local", True), (-2147483640, "universal", True), (-2147483643, "builtin", True),
    (2, "global", False), (8, "universal", False), (0, None, False),
])  # fmt: skip
def test_scope_and_sort_of_a_group(tmp_path: Path, bits: int, scope: str | None, security: bool) -> None:
    taken = take_entries(tmp_path, {f"CN=Equipe,{SOINS}": group(2001, "equipe", groupType=bits)})
    row = next(row for row in taken.tables["directory_group"] if row["rid"] == 2001)
    assert (row["scope"], row["security_enabled"]) == (scope, security)


@pytest.mark.parametrize(("name", "table"), [
    (f"CN=Administrator,CN=Users,{DOMAIN}", "account"), (f"CN=krbtgt,CN=Users,{DOMAIN}", "account"),
    (f"CN=Domain Admins,CN=Users,{DOMAIN}", "directory_group"), (f"CN=Administrators,CN=Builtin,{DOMAIN}", "directory_group"),
])  # fmt: skip
def test_a_built_in_object_that_is_not_seen_makes_its_table_partial(tmp_path: Path, name: str, table: str) -> None:
    entries = domain()
    del entries[name]
    taken = take_files(tmp_path, ldif(entries))
    assert taken.coverage(table).state is State.PARTIAL
    assert "built-in objects" in taken.reason(table)


def test_administrators_without_members_means_members_are_hidden(tmp_path: Path) -> None:
    taken = take_entries(tmp_path, {f"CN=Administrators,CN=Builtin,{DOMAIN}": group("S-1-5-32-544", "Administrators")})
    assert taken.coverage("group_member").state is State.PARTIAL


def test_without_the_domain_object_nothing_is_complete(tmp_path: Path) -> None:
    entries = domain()
    del entries[DOMAIN]
    taken = take_files(tmp_path, ldif(entries))
    assert taken.coverage("domain").state is State.ABSENT
    for table in ("account", "directory_group", "group_member"):
        assert taken.coverage(table).state is State.PARTIAL
    assert any(row["group_key"] == f"{DOMAIN_SID}/S-1-5-32-544" for row in taken.tables["directory_group"])


def described(raw: bytes, *without: str) -> dict[str, Attributes]:
    entries = domain()
    sd_holder = {"objectClass": ["top", "container"], "instanceType": 4, "whenCreated": CREATED, "objectGUID": b"\x01" * 16}
    entries[f"CN=AdminSDHolder,CN=System,{DOMAIN}"] = attributes(sd_holder)
    for name, found in entries.items():
        if name not in without:
            found["nTSecurityDescriptor"] = [raw]
    return entries


def test_a_descriptor_is_kept_once_for_all_objects_that_carry_it(tmp_path: Path) -> None:
    taken = take_files(tmp_path, ldif(described(binary(DESCRIPTOR))))
    (held,) = taken.tables["security_descriptor"]
    assert (held["owner_sid"], held["dacl"], held["dacl_protected"]) == ("S-1-5-18", "present", True)
    (entry,) = taken.tables["access_entry"]
    assert (entry["position"], entry["allow"], entry["mask"], entry["trustee_sid"]) == (0, True, 0x100, f"{DOMAIN_SID}-512")
    objects = {row["object_key"]: row for row in taken.tables["directory_object"]}
    assert {row["sd_id"] for row in objects.values()} == {held["sd_id"]}
    assert objects[DOMAIN_SID]["object_class"] == "domainDNS"
    assert objects["01010101-0101-0101-0101-010101010101"]["object_class"] == "container"
    assert objects[f"{DOMAIN_SID}/S-1-5-32-544"]["object_class"] == "group"
    for table in SECURITY:
        assert taken.coverage(table).state is State.COMPLETE


@pytest.mark.parametrize(
    "name", [DOMAIN, f"CN=AdminSDHolder,CN=System,{DOMAIN}", f"CN=Administrator,CN=Users,{DOMAIN}", f"CN=Domain Admins,CN=Users,{DOMAIN}"]
)
def test_permissions_missing_on_what_matters_most_are_counted(tmp_path: Path, name: str) -> None:
    taken = take_files(tmp_path, ldif(described(binary(DESCRIPTOR), name)))
    for table in SECURITY:
        assert "objects whose permissions were not returned: 1" in taken.reason(table)


def test_permissions_missing_on_ordinary_objects_of_an_export_are_unknown_there(tmp_path: Path) -> None:
    taken = take_files(tmp_path, ldif(described(binary(DESCRIPTOR), f"CN=Domain Users,CN=Users,{DOMAIN}")))
    assert taken.coverage("directory_object").state is State.COMPLETE
    objects = {row["object_key"]: row["sd_id"] for row in taken.tables["directory_object"]}
    assert objects[f"{DOMAIN_SID}-513"] is None


def test_a_malformed_descriptor_is_unknown_and_counted(tmp_path: Path) -> None:
    entries = described(binary(DESCRIPTOR))
    entries[DOMAIN]["nTSecurityDescriptor"] = [binary(DESCRIPTOR)[:-1]]
    taken = take_files(tmp_path, ldif(entries))
    objects = {row["object_key"]: row["sd_id"] for row in taken.tables["directory_object"]}
    assert objects[DOMAIN_SID] is None
    assert "values that could not be understood: 1" in taken.reason("access_entry")


def test_delegation_targets_and_trustees(tmp_path: Path) -> None:
    trustees = (
        Entry(True, 0xF01FF, "", "", f"{DOMAIN_SID}-1200", False, False),
        Entry(False, 0xF01FF, "", "", f"{DOMAIN_SID}-1201", False, False),
        Entry(True, 0xF01FF, "", "", "S-1-5-32-544", False, False),
    )
    raw = binary(SecurityDescriptor("S-1-5-32-544", trustees, protected=False))
    given = {"msDS-AllowedToActOnBehalfOfOtherIdentity": raw, "msDS-AllowedToDelegateTo": ["cifs/DC1.chu.test:445"]}
    taken = anne(tmp_path, **given)
    assert {row["trustee_key"] for row in taken.tables["delegation_trustee"]} == {f"{DOMAIN_SID}-1200", f"{DOMAIN_SID}/S-1-5-32-544"}
    assert taken.tables["delegation_target"] == [{"account_key": KEY, "spn": "cifs/DC1.chu.test:445", "target_host": "dc1.chu.test"}]


def test_a_delegation_without_an_access_list_is_for_everybody(tmp_path: Path) -> None:
    raw = binary(SecurityDescriptor("S-1-5-32-544", None, protected=False))
    taken = anne(tmp_path, **{"msDS-AllowedToActOnBehalfOfOtherIdentity": raw})
    assert [row["trustee_key"] for row in taken.tables["delegation_trustee"]] == ["S-1-1-0"]


def test_deleted_objects_and_repeated_entries_give_no_rows(tmp_path: Path) -> None:
    entries = [
        *domain().items(),
        (ANNE, user(1105, "anne")),
        (ANNE, user(1105, "anne")),
        (f"CN=X,{SOINS}", user(1106, "x", isDeleted="TRUE")),
    ]
    taken = take_files(tmp_path, ldif(entries))
    assert [row["sam_account_name"] for row in taken.tables["account"]].count("anne") == 1
    assert "x" not in {row["sam_account_name"] for row in taken.tables["account"]}


def test_visibility_is_told_in_the_facts_of_the_source(tmp_path: Path) -> None:
    facts = anne(tmp_path, pwdLastSet=None).snapshot.facts["ad"]["visible"]
    assert facts == {
        "accounts": 4,
        "userAccountControl": 4,
        "pwdLastSet": 3,
        "whenCreated": 4,
        "adminCount": 2,
        "lastLogonTimestamp": 4,
        "logonCount": 4,
    }
