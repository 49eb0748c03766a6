"""Entra ID against every fault of the emulator: a result, or what is missing and why."""

from __future__ import annotations

import time

import pytest

from auditor.model import State
from tests.graph.emulator import READ, Emulator
from tests.graph.reading import Live, incomplete, reason, sign_in, states

_PASSING = ("429", "429 7", "500", "502", "503", "504", "cut", "garbage", "401")
_OF_LISTS = ("no-value", "twice")
"""A single object has no list to lack or to repeat."""
_LISTS = ("/users", "/identity/conditionalAccess/policies", "/servicePrincipals")


@pytest.mark.parametrize(
    ("path", "fault"),
    [*((path, fault) for path in _LISTS for fault in (*_PASSING, *_OF_LISTS)), *(("/policies/authorizationPolicy", f) for f in _PASSING)],
)
def test_a_passing_fault_changes_nothing(live: Live, tenant: Emulator, waits: list[float], fault: str, path: str) -> None:
    before = live()
    waits.clear()
    tenant.faults[path] = [fault]
    if fault == "no-value":
        assert incomplete(live()) != set()
        return
    after = live()
    assert incomplete(after) == set()
    assert after.sha256 == before.sha256
    assert (waits == []) == (fault in ("401", "twice"))
    assert fault != "429 7" or waits == [7.0]


def test_servers_that_do_not_answer_are_given_up_once(live: Live, waits: list[float]) -> None:
    assert set(states(live(login_url="https://localhost:1")).values()) == {State.ABSENT}
    waits.clear()
    found = live(graph_url="https://localhost:1", deadline=600)
    assert set(states(found).values()) == {State.ABSENT}
    assert "does not answer" in reason(found, "entra_user")
    assert len(waits) == 5


def test_a_server_that_never_recovers_is_given_up_after_growing_waits(live: Live, tenant: Emulator, waits: list[float]) -> None:
    tenant.faults["/users"] = ["503"] * 50
    found = live(deadline=600)
    assert incomplete(found) == {"entra_user", "entra_activity"}
    assert "503" in reason(found, "entra_user")
    assert [int(wait) for wait in waits] == [1, 2, 4, 8, 8]
    tenant.faults["/users"] = ["429 86400"]
    waits.clear()
    assert incomplete(live()) == {"entra_user", "entra_activity"}
    assert waits == []


@pytest.mark.parametrize("fault", ["stuck", "foreign", "redirect", "no-value", "404", "400"])
def test_a_wrong_answer_leaves_what_came_before_and_says_so(live: Live, tenant: Emulator, fault: str) -> None:
    tenant.page_size = 50
    tenant.faults["/servicePrincipals"] = [fault]
    found = live()
    assert incomplete(found) == {"entra_application", "entra_credential", "entra_permission"}
    assert found.coverage["entra_application"].state is (State.PARTIAL if fault in ("stuck", "foreign") else State.ABSENT)


def test_a_server_that_drips_is_stopped_by_the_deadline(live: Live, tenant: Emulator) -> None:
    tenant.faults["/reports/authenticationMethods/userRegistrationDetails"] = ["drip"]
    began = time.monotonic()
    found = live(deadline=2)
    assert time.monotonic() - began < 15
    assert "entra_registration" in incomplete(found)


@pytest.mark.parametrize("fault", ["nulls", "strange"])
def test_strange_values_are_not_known_and_lost_objects_are_counted(live: Live, tenant: Emulator, fault: str) -> None:
    tenant.page_size = 1000
    tenant.faults["/users"] = [fault]
    found = live()
    users = found.rows["entra_user"]
    assert len(users) == len(tenant.lists["/users"])
    assert all(user["enabled"] is None for user in users)
    if fault == "strange":
        assert reason(found, "entra_user") == "2 objects without a usable id"
        assert all(user["created_at"] is None for user in users)


def test_refused_sign_ins_are_denied_and_a_late_fault_leaves_them_partial(live: Live, tenant: Emulator) -> None:
    tenant.lists["/auditLogs/signIns"] = [sign_in(n, f"2026-11-19T{n:02d}:00:00Z") for n in range(7, 20)]
    tenant.page_size = 5
    tenant.faults["/auditLogs/signIns"] = ["", "403"]
    found = live(sign_in_days=1)
    assert states(found)["sign_in"] is states(found)["event_coverage"] is State.PARTIAL
    assert len(found.rows["sign_in"]) == 5
    tenant.permissions = tuple(held for held in READ if held != "AuditLog.Read.All")
    assert states(live(sign_in_days=1))["sign_in"] is State.DENIED
