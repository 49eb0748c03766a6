"""Entra ID from saved pages, whole and damaged."""

from __future__ import annotations

import json
from pathlib import Path

from auditor.model import State
from tests.graph.reading import from_files, reason, states


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
