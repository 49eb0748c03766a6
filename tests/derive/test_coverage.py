from __future__ import annotations

from datetime import datetime

import pytest

from auditor import derive
from auditor.model import Coverage, State, Text
from auditor.snapshot import absent
from auditor.tables import COLLECTED, DERIVED

AT = datetime(2026, 11, 20)
FROM_SETTINGS = "critical_system"
"""The one table that is computed from audit.yaml alone."""


def complete() -> list[Coverage]:
    return [Coverage(name, "x", State.COMPLETE, 1, collected_at=AT) for name in COLLECTED]


def test_complete_inputs_make_complete_tables() -> None:
    found = derive.coverage(complete(), {})
    assert [entry.table for entry in found] == list(DERIVED)
    assert {(entry.state, entry.reason) for entry in found} == {(State.COMPLETE, None)}
    assert {entry.collected_at for entry in found if entry.table != FROM_SETTINGS} == {AT}


@pytest.mark.parametrize("state", [State.PARTIAL, State.DENIED, State.ABSENT])
@pytest.mark.parametrize("table", sorted(COLLECTED))
def test_a_gap_reaches_every_table_computed_from_it_and_no_other(table: str, state: State) -> None:
    gap = Coverage(table, "y", state, 0, Text("gap", "lacune"), Text("cure", "remède"))
    for entry in derive.coverage([*complete(), gap], {}):
        if table in (*DERIVED[entry.table].derived_from, *DERIVED[entry.table].enriched_by):
            assert entry.state is state
            assert entry.reason is not None
            assert table in entry.reason.en
            assert table in entry.reason.fr
            assert entry.cure is not None
        else:
            assert entry.state is State.COMPLETE


def test_the_worst_gap_counts_and_all_are_named() -> None:
    gaps = [Coverage("account", "y", State.PARTIAL), Coverage("hr_contract", "z", State.ABSENT)]
    entries = [entry for entry in complete() if entry.table != "hr_contract"] + gaps
    found = {entry.table: entry for entry in derive.coverage(entries, {})}
    assert found["account_hr"].state is State.ABSENT
    assert found["account_hr"].reason == Text(
        en="it is computed from account (incomplete), hr_contract (not collected)",
        fr="elle est calculée à partir de account (incomplète), hr_contract (non collectée)",
    )
    assert found["account_kind"].state is State.PARTIAL


def test_what_no_source_promised_is_no_gap_of_the_tables_it_would_enrich() -> None:
    missing = {name for table in DERIVED.values() for name in table.enriched_by}
    assert missing == {"otp_token", "entra_user", "entra_registration"}
    entries = [entry for entry in complete() if entry.table not in missing] + [absent(COLLECTED[name]) for name in sorted(missing)]
    found = {entry.table: entry.state for entry in derive.coverage(entries, {})}
    assert (found["token_account"], found["authentication_strength"]) == (State.COMPLETE, State.COMPLETE)
    assert found["entra_user_kind"] is State.ABSENT


def test_a_table_nobody_speaks_of_is_absent() -> None:
    states = {entry.table: entry.state for entry in derive.coverage([], {})}
    assert states.pop(FROM_SETTINGS) is State.COMPLETE
    assert set(states.values()) == {State.ABSENT}


def test_a_doubt_makes_a_table_partial_and_joins_what_is_missing() -> None:
    doubt = Text("doubt", "doute")
    found = {entry.table: entry for entry in derive.coverage(complete(), {"account_hr": [doubt]})}
    assert (found["account_hr"].state, found["account_hr"].reason) == (State.PARTIAL, doubt)
    assert [entry.table for entry in found.values() if entry.state is not State.COMPLETE] == ["account_hr"]
    gap = Coverage("account", "y", State.DENIED, 0, Text("gap", "lacune"))
    found = {entry.table: entry for entry in derive.coverage([*complete(), gap], {"account_hr": [doubt]})}
    assert found["account_hr"].state is State.DENIED
    assert str(found["account_hr"].reason).count("doubt") == 1
