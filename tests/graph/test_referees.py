"""The referees of the Graph emulator: they see every exchange, and refuse what Graph does not have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import requests
import trustme

from tests.graph import emulator, property_lists, referee
from tests.graph.emulator import Emulator
from tests.graph.reading import Live, incomplete

described = pytest.mark.skipif(not referee.DESCRIPTION.exists(), reason="the description of Microsoft Graph is not on this machine")
listed = pytest.mark.skipif(
    not property_lists.DECLARATIONS.exists(), reason="the property lists of Microsoft Graph are not installed: make npm"
)


def test_every_exchange_is_shown_to_each_referee(live: Live, tenant: Emulator) -> None:
    seen: list[str] = []
    tenant.referees.append(lambda _method, path, _query, _status, _body: seen.append(path))
    assert incomplete(live()) == set()
    tenant.premium = False
    live()
    assert seen == tenant.requests
    assert len(seen) > 30
    assert len(tenant.referees) == 1 + referee.DESCRIPTION.exists() + property_lists.DECLARATIONS.exists()


@described
@pytest.mark.parametrize(
    ("path", "query", "answer"),
    [
        ("/users", {"$select": ["id,lastLogon"]}, {"value": []}),
        ("/nothing", {}, {"value": []}),
        ("/users", {}, {"value": [{"id": 3}]}),
        ("/users", {}, {"value": [{"id": "x", "notAProperty": 1}]}),
    ],
)
def test_the_description_refuses_what_graph_does_not_know(path: str, query: dict[str, list[str]], answer: object) -> None:
    with pytest.raises(Exception, match=r".*"):
        referee.check("GET", path, query, 200, answer)


@listed
@pytest.mark.parametrize(
    ("path", "query", "item", "said"),
    [
        ("/users", {"$select": ["id,lastLogon"]}, {}, "no ['lastLogon'] to ask for"),
        ("/servicePrincipals", {"$expand": ["assignments"]}, {}, "no ['assignments'] to ask for"),
        ("/users", {}, {"id": "x", "notAProperty": None}, "User has no notAProperty"),
        ("/users", {}, {"signInActivity": {"lastSignIn": "2026-01-01"}}, "/users/signInActivity: SignInActivity has no lastSignIn"),
        ("/users", {}, {"displayName": {"fr": "x"}}, "displayName of User is not an object"),
        ("/groups/g/transitiveMembers", {}, {"@odata.type": "#microsoft.graph.group", "userType": ""}, "Group has no userType"),
        ("/groups/g/transitiveMembers", {}, {"@odata.type": "#microsoft.graph.ipNamedLocation"}, "is not a DirectoryObject"),
        ("/identity/conditionalAccess/namedLocations", {}, {"isTrusted": True}, "NamedLocation has no isTrusted"),
        ("/nothing", {}, {}, "is not listed"),
    ],
)  # fmt: skip
def test_the_property_lists_refuse_what_graph_does_not_have(
    path: str, query: dict[str, list[str]], item: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError) as refused:
        property_lists.check("GET", path, query, 200, {"value": [item]})
    assert said in str(refused.value)


@listed
def test_the_property_lists_know_what_is_inherited_and_what_is_narrower() -> None:
    location = {
        "@odata.type": "#microsoft.graph.ipNamedLocation",
        "id": "l",
        "isTrusted": True,
        "ipRanges": [{"cidrAddress": "192.0.2.0/24"}],
    }
    location["ipRanges"][0]["@odata.type"] = "#microsoft.graph.iPv4CidrRange"  # type: ignore[index]
    property_lists.check("GET", "/identity/conditionalAccess/namedLocations", {}, 200, {"value": [location]})
    property_lists.check("GET", "/users", {"$select": ["id,signInActivity"]}, 200, {"value": [{"id": "u", "signInActivity": {}}]})
    text = property_lists.DECLARATIONS.read_text(encoding="utf-8")
    assert len(property_lists.properties("User")) > 100
    assert text.count("\nexport interface ") == len(property_lists._interfaces())


@listed
def test_a_wrong_property_planted_in_the_tenant_fails_the_test_that_reads_it(
    pages: dict[str, bytes], authority: trustme.CA, tmp_path: Path
) -> None:
    authority.cert_pem.write_to_path(ca := tmp_path / "ca.pem")
    planted = Emulator.of_pages(pages)
    planted.referees = [property_lists.check]
    planted.lists["/users"][0]["favouriteColour"] = "green"
    with pytest.raises(AssertionError, match="favouriteColour"), emulator.running(planted, authority):
        requests.get(f"{planted.url}/v1.0/users", verify=str(ca), timeout=10).raise_for_status()
