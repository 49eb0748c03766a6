"""Entra ID from saved pages, whole and damaged."""

from __future__ import annotations

import json
from pathlib import Path

from auditor import snapshot
from auditor.collect.entra_graph import AGAIN
from auditor.config_entra import EntraFiles
from auditor.model import State
from sample_data.generator import hospital
from tests.collect.files import run
from tests.graph.reading import from_files, incomplete, reason, states


def test_missing_saved_pages_are_absent_or_partial(pages: dict[str, bytes], tmp_path: Path) -> None:
    places = "entra/identity/conditionalAccess/namedLocations"
    cut = pages[f"{places}/1.json"].replace(b'{"value"', b'{"@odata.nextLink":"x","value"', 1)
    refused = b'{"error":{"code":"Authorization_RequestDenied"}}'
    cases: dict[str, tuple[dict[str, bytes | None], dict[str, State]]] = {
        "no users": ({f"entra/users/{n}.json": None for n in range(1, 9)}, {"entra_user": State.ABSENT, "entra_activity": State.ABSENT}),
        "no methods": (
            {"entra/policies/authenticationMethodsPolicy/1.json": None}, {"entra_method": State.ABSENT, "entra_tenant": State.PARTIAL},
        ),
        "not json": ({f"{places}/1.json": b"{"}, {"entra_location": State.ABSENT}),
        "too deep": ({f"{places}/1.json": b"[" * 200_000}, {"entra_location": State.ABSENT}),
        "an error": ({"entra/oauth2PermissionGrants/1.json": refused}, {"entra_permission": State.PARTIAL}),
        "two last pages": ({f"{places}/2.json": b'{"value":[]}'}, {"entra_location": State.PARTIAL}),
        "cut list": ({f"{places}/1.json": cut}, {"entra_location": State.PARTIAL}),
    }  # fmt: skip
    for name, (change, expected) in cases.items():
        found = from_files({n: c for n, c in {**pages, **change}.items() if c is not None}, tmp_path / name)
        assert {table: state for table, state in states(found).items() if state is not State.COMPLETE} == expected, name


def test_pages_without_activity_do_not_say_that_nobody_signed_in(pages: dict[str, bytes], tmp_path: Path) -> None:
    changed = {}
    for name, content in pages.items():
        page = json.loads(content)
        for item in page.get("value", []):
            item.pop("signInActivity", None)
        changed[name] = json.dumps(page).encode()
    found = from_files(changed, tmp_path)
    assert found.rows["entra_activity"] == []
    assert states(found)["entra_activity"] is State.DENIED


def test_an_id_cannot_lead_out_of_the_folder(pages: dict[str, bytes], tmp_path: Path) -> None:
    changed = dict(pages)
    name = "entra/roleManagement/directory/roleAssignmentScheduleInstances/1.json"
    page = json.loads(changed[name])
    for item in page["value"]:
        if item["principal"]["@odata.type"].endswith("group"):
            item["principalId"] = "../../../../etc"
    changed[name] = json.dumps(page).encode()
    found = from_files(changed, tmp_path)
    assert "2 objects" in reason(found, "entra_role_holder")


def test_a_page_saved_twice_is_a_gap(pages: dict[str, bytes], tmp_path: Path) -> None:
    page = pages["entra/users/1.json"]
    first = json.dumps({**json.loads(page), "@odata.nextLink": "https://graph.example/next"}).encode()
    found = from_files({**pages, "entra/users/1.json": first, "entra/users/2.json": page}, tmp_path)
    assert states(found)["entra_user"] is State.PARTIAL
    assert "page 2 holds what an earlier page holds" in reason(found, "entra_user")


def test_what_cures_a_missing_or_garbled_page_is_to_save_it_again(pages: dict[str, bytes], tmp_path: Path) -> None:
    name = "entra/identity/conditionalAccess/namedLocations/1.json"
    for number, content in enumerate((None, b"{", b"[]", b'{"value":3}', b'{"value":[],"@odata.nextLink":"x"}')):
        changed = {place: held for place, held in {**pages, name: content}.items() if held is not None}
        assert from_files(changed, tmp_path / str(number)).coverage["entra_location"].cure == AGAIN, content
    refused = b'{"error":{"code":"Authorization_RequestDenied"}}'
    assert "Policy.Read.All" in str(from_files({**pages, name: refused}, tmp_path / "refused").coverage["entra_location"].cure)


def test_users_of_another_tenant_are_a_gap(pages: dict[str, bytes], tmp_path: Path) -> None:
    page = json.loads(pages["entra/users/1.json"])
    members = [user for user in page["value"] if "#EXT#" not in user["userPrincipalName"]]
    members[0]["userPrincipalName"] = "someone@other.example"
    found = from_files({**pages, "entra/users/1.json": json.dumps(page).encode()}, tmp_path)
    assert incomplete(found) == {"entra_user", "entra_activity"}
    assert states(found)["entra_user"] is State.PARTIAL
    assert "1 users bear a domain that is not of this tenant (first other.example)" in reason(found, "entra_user")
    assert found.coverage["entra_user"].cure == AGAIN


def test_guests_and_tenants_whose_domains_were_not_saved_are_left_in_peace(pages: dict[str, bytes], tmp_path: Path) -> None:
    page = json.loads(pages["entra/users/1.json"])
    page["value"][0]["userPrincipalName"] = "someone_other.example#EXT#@hospital.example"
    assert not incomplete(from_files({**pages, "entra/users/1.json": json.dumps(page).encode()}, tmp_path / "guest"))
    page["value"][0]["userPrincipalName"] = "someone@other.example"
    organization = json.loads(pages["entra/organization/1.json"])
    del organization["value"][0]["verifiedDomains"]
    changed = {"entra/users/1.json": json.dumps(page).encode(), "entra/organization/1.json": json.dumps(organization).encode()}
    assert not incomplete(from_files({**pages, **changed}, tmp_path / "unsaid"))


def test_registrations_of_users_who_are_not_listed_are_a_gap_unless_they_are_few(pages: dict[str, bytes], tmp_path: Path) -> None:
    place = "entra/reports/authenticationMethods/userRegistrationDetails/1.json"
    page = json.loads(pages[place])
    strays = [{**page["value"][0], "id": f"stray-{number}"} for number in range(len(page["value"]))]
    found = from_files({**pages, place: json.dumps({**page, "value": strays}).encode()}, tmp_path / "many")
    assert incomplete(found) == {"entra_user", "entra_registration"}
    assert f"{len(strays)} registrations" in reason(found, "entra_registration")
    assert found.coverage["entra_registration"].cure == AGAIN
    usual = page["value"] + [{**page["value"][0], "id": f"listed-{number}"} for number in range(200)]
    users = json.loads(pages["entra/users/1.json"])
    users["value"] += [{**users["value"][0], "id": f"listed-{number}"} for number in range(200)]
    changed = {
        place: json.dumps({**page, "value": [*usual, strays[0]]}).encode(),
        "entra/users/1.json": json.dumps(users).encode(),
    }
    few = from_files({**pages, **changed}, tmp_path / "few")
    assert not incomplete(few)
    assert [notice.text.en[:15] for notice in snapshot.read(tmp_path / "few" / "snapshot").notices] == ["1 registrations"]


def test_a_user_list_that_is_cut_is_not_said_twice(pages: dict[str, bytes], tmp_path: Path) -> None:
    page = {**json.loads(pages["entra/users/1.json"]), "@odata.nextLink": "x"}
    page["value"] = page["value"][:5]
    found = from_files({**pages, "entra/users/1.json": json.dumps(page).encode()}, tmp_path)
    assert reason(found, "entra_user") == "users/2.json was not saved"
    assert states(found)["entra_registration"] is State.COMPLETE


def test_what_cures_missing_pages_of_sign_ins_is_to_save_them(pages: dict[str, bytes], tmp_path: Path) -> None:
    hospital.write(tmp_path / "saved", pages)
    found = run(EntraFiles(type="entra_files", path=tmp_path / "saved" / "entra", sign_in_days=7), tmp_path)
    assert states(found)["sign_in"] is State.ABSENT
    assert found.coverage["sign_in"].cure == AGAIN
