from __future__ import annotations

from datetime import datetime

import pytest

from auditor.config import KindPatterns, Kinds
from auditor.config_entra import Supplier
from auditor.model import Value
from tests.derive.hospital import account, derived, settings

RPPS, OTHER = "99000000002", "99000000010"


def kinds(**user: Value) -> Value:
    names = Kinds(generic=KindPatterns(names=(r"^ide-",)), intern=KindPatterns(names=(r"^interne",)))
    ((row),) = derived({"entra_user": [{"user_key": "u", **user}]}, "entra_user_kind", settings(kinds=names))
    return row["kind"]


@pytest.mark.parametrize(
    ("user", "kind"),
    [
        ({"user_principal_name": "marie.durand@hopital.test"}, "person"),
        ({"user_principal_name": "marie@hopital.test", "sam_account_name": "IDE-cardio"}, "generic"),
        ({"user_principal_name": "ide-cardio@hopital.test"}, "generic"),
        ({"user_principal_name": "interne3@hopital.test"}, "person"),
        ({"user_principal_name": "svc_scan@hopital.test"}, "service"),
        ({"user_principal_name": "ide-x_ville.test#EXT#@hopital.test", "external": True}, "guest"),
        ({"user_principal_name": "Sync_SRV1_0a1b2c3d4e5f@hopital.test"}, "system"),
        ({"user_principal_name": "sync_le.roux@hopital.test"}, "person"),
        ({"user_principal_name": "salle1@hopital.test", "resource_account": True}, "system"),
        ({"user_principal_name": "x@hopital.test", "resource_account": None}, None),
        ({"user_principal_name": None}, None),
        ({"user_principal_name": "x@hopital.test", "external": None}, None),
    ],
)
def test_kind_of_a_user(user: dict[str, Value], kind: str | None) -> None:
    assert kinds(**user) == kind


def test_privileged_holders_are_counted_once_and_permanence_may_be_unknown() -> None:
    def holder(key: str, **columns: Value) -> dict[str, Value]:
        return {"principal_key": key, **columns}

    rows = [
        holder("a", role_name="User Administrator", role_key="r2", permanent=False), holder("a", permanent=True),
        holder("b", privileged=False), holder("c", permanent=None), holder("c", state="eligible", permanent=False),
        holder("d", state="eligible", permanent=False),
    ]  # fmt: skip
    found = derived({"entra_role_holder": rows}, "entra_privileged")
    assert [(row["principal_key"], row["roles"], row["permanent"]) for row in found] == [
        ("a", "Global Administrator, User Administrator", True), ("c", "Global Administrator", None), ("d", "Global Administrator", False),
    ]  # fmt: skip


def test_applications_are_given_to_the_supplier_that_marks_them_most_surely() -> None:
    ended, running = datetime(2026, 6, 30), None
    audit = settings().model_copy(
        update={
            "suppliers": (
                Supplier(company="By domain", ends_at=ended, domains=("imageo.test",), publishers=("Imagéo",)),
                Supplier(company="By id", ends_at=running, application_ids=("APP-7",), tenants=("tenant-7",)),
            )
        }
    )

    def application(key: str, **columns: Value) -> dict[str, Value]:
        return {"application_key": key, **columns}

    rows = [
        application("domain", domains="a.test portail.imageo.test"), application("look-alike", domains="notimageo.test"),
        application("both", app_id="app-7", domains="imageo.test"), application("publisher", publisher="IMAGÉO"),
        application("tenant", owner_tenant_key="tenant-7"), application("own", owner="own", domains="imageo.test"),
        application("unread", domains=None, publisher=None, app_id=None, owner_tenant_key=None), application("nobody"),
    ]  # fmt: skip
    found = derived({"entra_application": rows}, "application_supplier", audit)
    assert {row["application_key"]: (row["company"], row["matched_by"], row["ends_at"], row["open_ended"]) for row in found} == {
        "domain": ("By domain", "domain", ended, False),
        "both": ("By id", "application_id", None, True),
        "publisher": ("By domain", "publisher", ended, False),
        "tenant": ("By id", "tenant", None, True),
    }


def test_accounts_of_one_person_share_an_identity() -> None:
    contract: dict[str, Value] = {"person_number": "00042", "open_ended": True, "starts_at": datetime(2020, 1, 1)}
    accounts = [
        account("m.durand", 2001, employee_id="00042", mail="m.durand@hopital.test"),
        account("adm_durand", 2002, employee_id="42", mail="shared@hopital.test"),
        account("l.martin", 2003, professional_id_raw=RPPS, mail="shared@hopital.test"),
        account("svc_x", 2004),
    ]
    users: list[dict[str, Value]] = [
        {"user_key": "by-sid", "on_premises_sid": accounts[3]["account_key"], "employee_id": "00042"},
        {"user_key": "by-rpps", "professional_id_raw": RPPS},
        {"user_key": "by-number", "employee_id": "00042", "professional_id_raw": OTHER},
        {"user_key": "by-mail", "mail": "M.Durand@hopital.test"},
        {"user_key": "two-fit", "mail": "shared@hopital.test"},
        {"user_key": "alone", "on_premises_sid": None, "employee_id": None, "mail": None, "professional_id_raw": None},
    ]
    found = derived({"account": accounts, "hr_contract": [contract], "entra_user": users}, "identity")
    rows = {row["account_key"]: (row["identity_key"], row["matched_by"]) for row in found}
    person, doctor = ("hr:00042", "hr_number"), (f"professional:{RPPS}", "professional_id")
    sids = [str(entry["account_key"]) for entry in accounts]
    assert rows == {
        sids[0]: person,
        sids[1]: person,
        sids[2]: doctor,
        sids[3]: (sids[3], "none"),
        "by-sid": (sids[3], "anchor"),
        "by-rpps": doctor,
        "by-number": person,
        "by-mail": ("hr:00042", "mail"),
        "two-fit": ("two-fit", "none"),
        "alone": ("alone", "none"),
    }


def test_strength_of_each_account_by_what_it_signs_in_with_itself() -> None:
    accounts = [
        account("card", 1, smartcard_required=True), account("mapped", 2, has_certificate_mapping=True), account("plain", 3),
        account("unread", 4, has_key_credential=None),
    ]  # fmt: skip
    users = [{"user_key": name} for name in ("key", "phone", "not-reported")]
    registrations = [{"user_key": "key"}, {"user_key": "phone", "strength": "phone"}]
    found = derived({"account": accounts, "entra_user": users, "entra_registration": registrations}, "authentication_strength")
    assert [(row["account_type"], row["strength"], row["evidence"]) for row in found] == [
        ("directory", "phishing_resistant", "smartcard_required"),
        ("directory", "phishing_resistant", "has_certificate_mapping"),
        ("directory", "none", "none"),
        ("directory", None, None),
        ("entra", "phishing_resistant", "registration"),
        ("entra", None, None),
        ("entra", "phone", "registration"),
    ]


def token(holder: str | None, *, active: bool | None = True) -> dict[str, Value]:
    return {"token_key": f"t-{holder}-{active}", "holder": holder, "active": active}


@pytest.mark.parametrize(
    ("tokens", "columns", "strength"),
    [
        ([], {}, "none"),
        ([token("marie")], {}, "app"),
        ([token("marie", active=False)], {}, "none"),
        ([token("marie", active=None)], {}, None),
        ([token("marie", active=None), token("marie")], {}, "app"),
        ([token("marie")], {"has_key_credential": True}, "phishing_resistant"),
        ([token("marie")], {"has_key_credential": None}, None),
        ([token("other")], {}, "none"),
        ([token("other")], {"mail": None}, None),
        ([token("other", active=False)], {"mail": None}, "none"),
        ([token("other", active=None)], {"mail": None}, None),
        ([token(None)], {}, None),
    ],
)
def test_an_active_token_is_a_second_factor_of_its_owner(
    tokens: list[dict[str, Value]], columns: dict[str, Value], strength: str | None
) -> None:
    marie = account("marie", 1, user_principal_name="marie@chu.test", **{"mail": "", **columns})
    (row,) = derived({"account": [marie], "otp_token": tokens}, "authentication_strength")
    evidence = {"none": "none", "app": "oath_token", "phishing_resistant": "has_key_credential", None: None}[strength]
    assert (row["strength"], row["evidence"]) == (strength, evidence)


def test_a_token_whose_owner_is_not_known_leaves_only_unread_accounts_unknown() -> None:
    accounts = [account("read", 1, user_principal_name="", mail=""), account("unread", 2, user_principal_name=None, mail="")]
    found = derived({"account": accounts, "otp_token": [token("nobody")]}, "authentication_strength")
    assert [row["strength"] for row in found] == ["none", None]
