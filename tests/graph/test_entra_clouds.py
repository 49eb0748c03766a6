"""Clouds that lack a part of Graph: what they lack is said to be unavailable there, never denied and never complete."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from auditor import snapshot
from auditor.collect.entra_clouds import CLOUDS
from auditor.model import State
from tests.graph import emulator
from tests.graph.emulator import READ, Emulator
from tests.graph.reading import Live, from_files, incomplete, reason, states

POLICIES, ALIAS = "/identity/conditionalAccess/policies", "/policies/conditionalAccessPolicies"


@pytest.fixture
def bleu(tenant: Emulator) -> Emulator:
    tenant.cloud = "bleu"
    return tenant


def test_bleu_gives_its_policies_by_their_other_address_and_says_what_it_lacks(live: Live, bleu: Emulator, tmp_path: Path) -> None:
    found = live(cloud="bleu")
    assert {name: state for name, state in states(found).items() if state is not State.COMPLETE} == {
        "entra_method": State.ABSENT,
        "entra_location": State.ABSENT,
    }
    assert emulator.counted(bleu)[POLICIES] == emulator.counted(bleu)[ALIAS] == 1
    bleu.cloud = "global"
    elsewhere = live()
    assert found.rows["entra_policy"] == elsewhere.rows["entra_policy"] != []
    assert found.rows["entra_policy_scope"] == elsewhere.rows["entra_policy_scope"]
    assert found.rows["entra_user"] == elsewhere.rows["entra_user"]
    for table in ("entra_method", "entra_location"):
        entry = found.coverage[table]
        assert reason(found, table).startswith("not available in this cloud (Bleu): /")
        assert entry.reason
        assert entry.reason.fr.startswith("non disponible dans ce cloud (Bleu)\u00a0: /")
        assert entry.cure
        assert "by hand" in entry.cure.en
    # What only these would have told is not known; the rest of their rows is.
    assert {row["methods_migration"] for row in found.rows["entra_tenant"]} == {None}
    assert {row["user_consent"] for row in found.rows["entra_tenant"]} == {row["user_consent"] for row in elsewhere.rows["entra_tenant"]}
    assert {row["publisher"] for row in found.rows["entra_application"]} == {None}


def test_a_property_that_bleu_lacks_is_a_notice(live: Live, bleu: Emulator, tmp_path: Path) -> None:
    live(cloud="bleu")
    assert bleu.refusals == []
    [notice] = snapshot.read(tmp_path / "snapshot").notices
    assert notice.text.en == "verifiedPublisher is not available in this cloud (Bleu)"


def test_a_missing_permission_is_still_denied_in_bleu(live: Live, bleu: Emulator) -> None:
    bleu.permissions = tuple(held for held in READ if held != "Policy.Read.All")
    found = live(cloud="bleu")
    assert states(found)["entra_policy"] is State.DENIED
    assert states(found)["entra_method"] is State.ABSENT


def test_what_bleu_lacks_today_is_read_when_it_has_it(live: Live, tenant: Emulator) -> None:
    assert tenant.cloud == "global"
    assert incomplete(live(cloud="bleu")) == set()


def test_what_is_missing_elsewhere_is_no_property_of_the_cloud(live: Live, bleu: Emulator) -> None:
    found = live()
    assert incomplete(found) == {
        "entra_tenant",
        "entra_method",
        "entra_location",
        "entra_application",
        "entra_credential",
        "entra_permission",
    }
    assert reason(found, "entra_method").startswith("Graph answered 400")


def test_saved_policies_may_bear_either_address(pages: dict[str, bytes], tmp_path: Path) -> None:
    moved = {name.replace(POLICIES.strip("/"), ALIAS.strip("/")): content for name, content in pages.items()}
    found, usual = from_files(moved, tmp_path / "alias"), from_files(pages, tmp_path / "usual")
    assert states(found)["entra_policy"] is State.COMPLETE
    assert found.rows["entra_policy"] == usual.rows["entra_policy"]
    neither = {name: content for name, content in pages.items() if POLICIES not in f"/{name}"}
    missing = from_files(neither, tmp_path / "neither")
    assert states(missing)["entra_policy"] is State.ABSENT
    assert reason(missing, "entra_policy") == "identity/conditionalAccess/policies/1.json was not saved"
    refused = {f"entra{ALIAS}/1.json": json.dumps({"error": {"code": "Authorization_RequestDenied"}}).encode()}
    assert states(from_files({**neither, **refused}, tmp_path / "refused"))["entra_policy"] is State.DENIED


def test_each_cloud_has_hosts_of_its_own() -> None:
    hosts = [url for cloud in CLOUDS.values() for url in (cloud.login_url, cloud.graph_url)]
    assert len(set(hosts)) == len(hosts) == 8
    assert all(url.startswith("https://") for url in hosts)
