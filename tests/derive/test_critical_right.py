from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from auditor.derive.access import CLASSES, EVERYONE, OWNER_RIGHTS, SELF, Descriptor, Entry, Target, takeover
from auditor.model import Value
from tests.derive.hospital import DOMAIN, account, derived, group, member

READ, WRITE, CONTROL, VALIDATED, WRITE_DACL, WRITE_OWNER = 0x20094, 0x20, 0x100, 0x8, 0x40000, 0x80000
FULL, GENERIC_ALL, GENERIC_WRITE = 0xF01FF, 0x10000000, 0x40000000
GET_CHANGES, GET_CHANGES_ALL = "1131f6aa-9c07-11d1-f79f-00c04fc2dcd2", "1131f6ad-9c07-11d1-f79f-00c04fc2dcd2"
RESET, MEMBER, SPN = "00299570-246d-11d0-a768-00aa006e0529", "bf9679c0-0de6-11d0-a285-00aa003049e2", "f3a64788-5306-11d1-a9c5-0000f80367c1"
ACT, KEYS = "3f78c3e5-f79a-46bd-a0b8-9d18116ddc79", "5b47d60f-6090-40b2-9f37-2a4de88f3063"
MEMBERSHIP, PUBLIC, RESTRICTIONS = (
    "bc0ac240-79a9-11d0-9020-00c04fc2d4cf",
    "e48d0154-bcf8-11d1-8702-00c04fb96050",
    "4c164200-20c0-11d0-a768-00aa006e0529",
)
DESCRIPTION, CHANGE = "bf967950-0de6-11d0-a285-00aa003049e2", "ab721a53-1e2f-11d0-9819-00aa0040529b"
CERTIFICATE, EXCHANGE_CLASS = "bf967a7f-0de6-11d0-a285-00aa003049e2", "c975c901-6cea-4b6f-8319-d67f45449506"
T, G, H = f"{DOMAIN}-3001", f"{DOMAIN}-2001", f"{DOMAIN}-2002"
TARGETS = {
    "domain": "domainDNS",
    "admin_sd_holder": "container",
    "domain_controller": "computer",
    "privileged_group": "group",
    "privileged_account": "user",
}


def held(object_type: str, *entries: Entry, owner: str = "S-1-5-18", groups: Sequence[str] = (), trustee: str = T) -> list[str]:
    token = frozenset((trustee, EVERYONE, "S-1-5-11", *groups))
    return takeover(Descriptor(owner, entries), Target(object_type, TARGETS[object_type]), trustee, token)


def allow(mask: int, object_type: str = "", trustee: str = T, **flags: object) -> Entry:
    return Entry(allow=True, mask=mask, trustee=trustee, object_type=object_type, **flags)  # type: ignore[arg-type]


def deny(mask: int, object_type: str = "", trustee: str = T) -> Entry:
    return Entry(allow=False, mask=mask, trustee=trustee, object_type=object_type)


@pytest.mark.parametrize(
    ("object_type", "entry", "expected"),
    [
        ("privileged_group", allow(FULL), ["generic_all"]),
        ("privileged_group", allow(GENERIC_ALL), ["generic_all"]),
        ("domain", allow(FULL), ["dcsync", "generic_all"]),
        ("domain", allow(CONTROL), ["dcsync", "all_extended_rights"]),
        ("domain", allow(CONTROL, GET_CHANGES), []),
        ("domain", allow(CONTROL, GET_CHANGES_ALL), []),
        ("admin_sd_holder", allow(WRITE_DACL), ["write_dacl"]),
        ("admin_sd_holder", allow(WRITE_OWNER), ["write_owner"]),
        ("privileged_group", allow(WRITE), ["generic_write"]),
        ("privileged_account", allow(GENERIC_WRITE), ["generic_write"]),
        ("privileged_group", allow(WRITE, MEMBER), ["write_member"]),
        ("privileged_group", allow(WRITE, MEMBERSHIP), ["write_member"]),
        ("privileged_group", allow(VALIDATED, MEMBER), ["write_member"]),
        ("privileged_group", allow(VALIDATED), ["write_member"]),
        ("privileged_group", allow(CONTROL), []),
        ("privileged_account", allow(CONTROL), ["all_extended_rights"]),
        ("privileged_account", allow(CONTROL, RESET), ["reset_password"]),
        ("privileged_account", allow(CONTROL, CHANGE), []),
        ("privileged_account", allow(WRITE, SPN), ["write_spn"]),
        ("privileged_account", allow(WRITE, PUBLIC), ["write_spn"]),
        ("privileged_account", allow(WRITE, RESTRICTIONS), ["write_delegation"]),
        ("privileged_account", allow(VALIDATED, SPN), []),
        ("domain_controller", allow(WRITE, ACT), ["write_delegation"]),
        ("domain_controller", allow(WRITE, KEYS), ["write_key_credential"]),
        ("domain_controller", allow(WRITE, SPN), []),
        ("privileged_account", allow(WRITE, DESCRIPTION), []),
        ("privileged_account", allow(WRITE, CERTIFICATE), []),
        ("privileged_account", allow(READ), []),
        # A type that is not the object's own class narrows every right; its own class stands for the whole object.
        ("privileged_group", allow(FULL, EXCHANGE_CLASS), []),
        ("privileged_group", allow(FULL, CLASSES["group"]), ["generic_all"]),
        ("privileged_account", allow(WRITE_DACL, EXCHANGE_CLASS), []),
        ("privileged_group", allow(FULL, inherit_only=True), []),
        ("privileged_group", allow(FULL, inherited=True), ["generic_all"]),
        ("privileged_group", allow(FULL, inherited=True, inherited_object_type=CLASSES["user"]), []),
        ("privileged_group", allow(FULL, inherited=True, inherited_object_type=CLASSES["group"]), ["generic_all"]),
        # Without the inherited flag the class steers inheritance only: the entry still acts here.
        ("privileged_group", allow(FULL, inherited_object_type=CLASSES["user"]), ["generic_all"]),
        # An extended right named without the bit that grants extended rights grants nothing.
        ("privileged_account", allow(WRITE, RESET), []),
    ],
)
def test_one_entry(object_type: str, entry: Entry, expected: list[str]) -> None:
    assert held(object_type, entry) == expected


def test_replication_needs_both_rights() -> None:
    assert held("domain", allow(CONTROL, GET_CHANGES), allow(CONTROL, GET_CHANGES_ALL)) == ["dcsync"]
    assert held("domain", allow(CONTROL, GET_CHANGES), allow(CONTROL, GET_CHANGES_ALL, trustee=G), groups=[G]) == ["dcsync"]
    assert held("domain", allow(CONTROL, GET_CHANGES), allow(CONTROL, GET_CHANGES_ALL, trustee=H), groups=[G]) == []


def test_a_deny_counts_for_the_whole_token_and_order_decides() -> None:
    assert held("privileged_group", deny(WRITE_DACL, trustee=H), allow(WRITE_DACL), groups=[G, H]) == []
    assert held("privileged_group", deny(WRITE_DACL, trustee=H), allow(WRITE_DACL), groups=[G]) == ["write_dacl"]
    assert held("privileged_group", allow(WRITE_DACL), deny(WRITE_DACL), groups=[H]) == ["write_dacl"]
    assert held("privileged_group", deny(WRITE_DACL, trustee=EVERYONE), allow(FULL)) == ["write_owner", "generic_write"]
    assert held("domain", deny(CONTROL, GET_CHANGES_ALL), allow(CONTROL)) == ["all_extended_rights"]
    assert held("privileged_group", deny(WRITE, MEMBERSHIP), allow(WRITE, MEMBER)) == []


def test_rights_held_through_a_group_are_the_groups() -> None:
    assert held("privileged_group", allow(FULL, trustee=G), allow(READ), groups=[G]) == []
    assert held("privileged_group", allow(FULL, trustee=G), allow(FULL), groups=[G]) == ["generic_all"]
    assert held("privileged_group", allow(FULL, trustee=G), deny(FULL, trustee=H), allow(FULL), groups=[G, H]) == []
    assert held("privileged_group", allow(FULL & ~WRITE, trustee=G), allow(WRITE), groups=[G]) == ["generic_all"]


def test_an_owner_may_change_permissions_unless_owner_rights_say_otherwise() -> None:
    assert held("privileged_group", owner=T) == ["owner"]
    assert held("privileged_group", owner=G, groups=[G]) == []
    assert held("privileged_group", deny(WRITE_DACL), owner=T) == ["owner"]
    assert held("privileged_group", allow(READ, trustee=OWNER_RIGHTS), owner=T) == []
    assert held("privileged_group", allow(WRITE_DACL, trustee=OWNER_RIGHTS), owner=T) == ["write_dacl"]
    assert held("privileged_group", allow(READ, trustee=OWNER_RIGHTS, inherit_only=True), owner=T) == ["owner"]


def test_no_list_lets_everybody_in_and_an_empty_list_nobody() -> None:
    target = Target("domain", "domainDNS")
    assert takeover(Descriptor("S-1-5-18", None), target, EVERYONE, {EVERYONE}) == ["null_dacl"]
    assert takeover(Descriptor("S-1-5-18", ()), target, EVERYONE, {EVERYONE}) == []


def test_self_counts_for_the_object_alone() -> None:
    assert held("privileged_account", allow(FULL, trustee=SELF), allow(READ), groups=[SELF]) == []
    assert held("privileged_account", deny(WRITE_DACL, trustee=SELF), allow(WRITE_DACL), groups=[SELF]) == []


def ace(sd_id: str, position: int, trustee: str, mask: int, object_type: str = "", **columns: Value) -> dict[str, Value]:
    return {"sd_id": sd_id, "position": position, "trustee_sid": trustee, "mask": mask, "object_type": object_type, **columns}


ROOT, HOLDER = "DC=test", "11111111-2222-3333-4444-555555555555"
OBJECTS: list[dict[str, Value]] = [
    {"object_key": DOMAIN, "object_class": "domainDNS", "distinguished_name": ROOT, "sd_id": "empty"},
    {"object_key": HOLDER, "object_class": "container", "distinguished_name": "CN=AdminSDHolder,CN=System,DC=Test", "sd_id": "empty"},
    {"object_key": f"{DOMAIN}-512", "object_class": "group", "sd_id": "empty"},
    {"object_key": f"{DOMAIN}/S-1-5-32-544", "object_class": "group", "sd_id": "empty"},
    {"object_key": f"{DOMAIN}-1000", "object_class": "computer", "sd_id": "empty"},
    {"object_key": f"{DOMAIN}-3009", "object_class": "user", "sd_id": "empty"},
    {"object_key": f"{DOMAIN}-2009", "object_class": "group", "sd_id": "empty"},
    {"object_key": f"{DOMAIN}-3001", "object_class": "user", "sd_id": "ordinary"},
    {"object_key": f"{DOMAIN}-3010", "object_class": "user", "sd_id": "ordinary"},
]


def directory(
    sd_of: Mapping[str, str | None], entries: Sequence[dict[str, Value]], members: Sequence[dict[str, Value]] = (), **sds: Value
) -> list[dict[str, Value]]:
    rows: dict[str, Sequence[Mapping[str, Value]]] = {
        "domain": [{"domain_sid": DOMAIN, "dns_name": "test"}],
        "account": [
            account("DC1$", 1000, object_class="computer", is_domain_controller=True),
            account("helpdesk1", 3001),
            account("adm_lise", 3009),
            account("helpdesk2", 3010),
        ],
        "directory_group": [
            group("Admins du domaine", 512),
            group("Administrateurs", 544),
            group("GG_HELPDESK", 2001),
            group("GG_N3", 2009),
            group("Invités", 546),
        ],
        "group_member": [member(512, 3009), member(544, 512, "group"), member(512, 2009, "group"), *members],
        "directory_object": [{**item, "sd_id": sd_of.get(str(item["object_key"]), item["sd_id"])} for item in OBJECTS],
        "security_descriptor": [
            {"sd_id": sd_id, "owner_sid": "S-1-5-32-544", "dacl": "present"} for sd_id in ("empty", "ordinary", "planted")
        ]
        + [{"sd_id": "null", "owner_sid": "S-1-5-18", "dacl": "null"}]
        + [{"sd_id": name, "owner_sid": owner, "dacl": "present"} for name, owner in sds.items()],
        "access_entry": [ace("ordinary", 0, f"{DOMAIN}-2001", FULL), *entries],
    }
    return derived(rows, "critical_right")


def surprising(found: Sequence[dict[str, Value]]) -> set[tuple[Value, ...]]:
    return {
        (row["object_name"], row["object_type"], row["trustee_name"], row["permission"]) for row in found if row["expected"] is not True
    }


def test_only_critical_objects_are_looked_at_and_default_holders_are_expected() -> None:
    found = directory({}, [])
    assert surprising(found) == set()
    assert {(row["object_type"], row["object_name"]) for row in found} == {
        ("domain", "test"),
        ("admin_sd_holder", "AdminSDHolder"),
        ("domain_controller", "DC1$"),
        ("privileged_group", "Admins du domaine"),
        ("privileged_group", "Administrateurs"),
        ("privileged_group", "GG_N3"),
        ("privileged_account", "adm_lise"),
    }
    assert {row["trustee_key"] for row in found} == {f"{DOMAIN}/S-1-5-32-544"}


def test_a_planted_right_is_found_with_names() -> None:
    found = directory({HOLDER: "planted"}, [ace("planted", 0, f"{DOMAIN}-2001", WRITE_DACL)])
    assert surprising(found) == {("AdminSDHolder", "admin_sd_holder", "GG_HELPDESK", "write_dacl")}
    (row,) = (row for row in found if row["expected"] is False)
    assert (row["object_key"], row["trustee_key"]) == (HOLDER, f"{DOMAIN}-2001")


HOLDERS: dict[str, bool | None] = {
    "S-1-5-18": True,
    "S-1-5-9": True,
    "S-1-5-32-544": True,
    "S-1-5-32-548": False,  # the group is not in this directory, so it is not in tier 0
    "S-1-5-32-546": False,
    f"{DOMAIN}-512": True,
    f"{DOMAIN}-519": True,
    f"{DOMAIN}-527": True,
    f"{DOMAIN}-516": True,
    f"{DOMAIN}-513": False,
    f"{DOMAIN}-3009": True,
    f"{DOMAIN}-2009": True,
    f"{DOMAIN}-1000": True,
    f"{DOMAIN}-3001": False,
    "S-1-5-21-9-9-9-519": None,
    "S-1-5-21-9-9-9-512": False,
    "S-1-5-21-9-9-9-1234": False,
    "S-1-1-0": False,
    "S-1-5-11": False,
}


@pytest.fixture(scope="module")
def holders() -> dict[Value, Value]:
    found = directory({f"{DOMAIN}-3009": "planted"}, [ace("planted", n, trustee, CONTROL, RESET) for n, trustee in enumerate(HOLDERS)])
    return {
        str(row["trustee_key"]).removeprefix(f"{DOMAIN}/"): row["expected"]
        for row in found
        if row["object_name"] == "adm_lise" and row["permission"] == "reset_password"
    }


@pytest.mark.parametrize("trustee", HOLDERS)
def test_who_may_hold_tier_0(trustee: str, holders: dict[Value, Value]) -> None:
    assert holders[trustee] is HOLDERS[trustee]


def test_the_forests_own_groups_are_expected_once_their_domain_was_read() -> None:
    rows: dict[str, list[dict[str, Value]]] = {
        "domain": [{"domain_sid": DOMAIN}, {"domain_sid": "S-1-5-21-9-9-9"}],
        "directory_object": [{"object_key": DOMAIN, "object_class": "domainDNS", "sd_id": "planted"}],
        "security_descriptor": [{"sd_id": "planted", "owner_sid": "S-1-5-18"}],
        "access_entry": [
            ace("planted", n, f"S-1-5-21-{part}", WRITE_DACL) for n, part in enumerate(("9-9-9-519", "8-8-8-519", "9-9-9-512"))
        ],
    }
    found = {row["trustee_key"]: row["expected"] for row in derived(rows, "critical_right") if row["permission"] == "write_dacl"}
    assert found == {"S-1-5-21-9-9-9-519": True, "S-1-5-21-8-8-8-519": None, "S-1-5-21-9-9-9-512": False}


def test_a_deny_reaches_through_nested_groups_of_the_directory() -> None:
    entries = [
        ace("planted", 0, f"{DOMAIN}-2002", WRITE_DACL, allow=False),
        ace("planted", 1, f"{DOMAIN}-3001", WRITE_DACL),
    ]
    nested = [member(2001, 3001), member(2002, 2001, "group")]
    assert surprising(directory({HOLDER: "planted"}, entries, nested)) == set()
    assert surprising(directory({HOLDER: "planted"}, entries)) == {("AdminSDHolder", "admin_sd_holder", "helpdesk1", "write_dacl")}


def test_authenticated_users_bring_their_groups() -> None:
    entries = [ace("planted", 0, "S-1-5-32-546", WRITE_DACL, allow=False), ace("planted", 1, f"{DOMAIN}-3001", WRITE_DACL)]
    everybody: dict[str, Value] = {"group_key": f"{DOMAIN}/S-1-5-32-546", "member_key": "S-1-5-11", "member_type": "well_known"}
    elsewhere: dict[str, Value] = {"group_key": "S-1-5-21-9-9-9/S-1-5-32-546", "member_key": "S-1-5-11", "member_type": "well_known"}
    assert surprising(directory({HOLDER: "planted"}, entries, [everybody])) == set()
    assert surprising(directory({HOLDER: "planted"}, entries, [elsewhere])) != set()


def test_a_foreign_member_of_tier_0_is_expected_and_everyone_never() -> None:
    members: list[dict[str, Value]] = [
        {"group_key": f"{DOMAIN}/S-1-5-32-544", "member_key": "S-1-5-21-9-9-9-519", "member_type": "foreign"},
        {"group_key": f"{DOMAIN}/S-1-5-32-544", "member_key": "S-1-1-0", "member_type": "well_known"},
    ]
    entries = [ace("planted", 0, "S-1-5-21-9-9-9-519", WRITE_DACL), ace("planted", 1, "S-1-1-0", WRITE_DACL)]
    found = directory({HOLDER: "planted"}, entries, members)
    assert surprising(found) == {("AdminSDHolder", "admin_sd_holder", "S-1-1-0", "write_dacl")}


def test_an_ordinary_owner_and_a_missing_list_are_found() -> None:
    found = directory({f"{DOMAIN}-512": "mine", DOMAIN: "null"}, [], mine=f"{DOMAIN}-3001")
    assert surprising(found) == {
        ("Admins du domaine", "privileged_group", "helpdesk1", "owner"),
        ("test", "domain", "S-1-1-0", "null_dacl"),
    }


def test_self_and_creator_owner_have_no_row() -> None:
    entries = [ace("planted", 0, SELF, FULL), ace("planted", 1, "S-1-3-0", FULL)]
    assert surprising(directory({f"{DOMAIN}-3009": "planted"}, entries)) == set()


def test_an_account_that_names_itself_is_judged_apart_from_others_with_the_same_list() -> None:
    entries = [ace("planted", 0, SELF, WRITE_DACL, allow=False), ace("planted", 1, f"{DOMAIN}-3009", WRITE_DACL)]
    for first, second in ((3001, 3009), (3009, 3010)):
        found = directory(
            {f"{DOMAIN}-{first}": "planted", f"{DOMAIN}-{second}": "planted"}, entries, [member(512, 3001), member(512, 3010)]
        )
        assert {row["object_key"] for row in found if row["trustee_name"] == "adm_lise"} == {f"{DOMAIN}-{first + second - 3009}"}


def test_unreadable_permissions_are_not_known_rather_than_none() -> None:
    found = directory({f"{DOMAIN}-512": None, DOMAIN: "lost"}, [])
    unknown = {row["object_name"]: row for row in found if row["permission"] is None}
    assert set(unknown) == {"Admins du domaine", "test"}
    assert all(row["expected"] is None and row["trustee_key"] == "" for row in unknown.values())


def test_a_missing_admin_sd_holder_is_not_known() -> None:
    rows = {"domain": [{"domain_sid": DOMAIN, "dns_name": "test"}]}
    found = {row["object_type"]: row for row in derived(rows, "critical_right")}
    assert found["admin_sd_holder"]["object_key"] == f"{DOMAIN}/AdminSDHolder"
    assert found["admin_sd_holder"]["expected"] is None
    assert found["domain"]["permission"] is None
