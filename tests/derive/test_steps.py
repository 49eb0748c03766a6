"""A derivation that fails, or whose result is doubtful, neither ends the audit nor passes for complete."""

from __future__ import annotations

import pytest

from auditor import derive
from auditor.derive import account_role, group_closure
from auditor.derive.steps import Steps
from auditor.engine.duckdb import Engine
from auditor.errors import EngineError
from auditor.model import Coverage, State, Text, Value
from auditor.snapshot import arrow_schema
from auditor.tables import COLLECTED, derived
from tests.derive.hospital import AS_OF, Rows, account, group, loaded, member, settings
from tests.derive.hospital import derived as rows_of

COMPLETE = [Coverage(name, "x", State.COMPLETE, 1) for name in COLLECTED]


def states(doubts: dict[str, tuple[Text, ...]]) -> dict[str, Coverage]:
    return {entry.table: entry for entry in derive.coverage(COMPLETE, doubts)}


def chain(length: int) -> Rows:
    """Groups each inside the next, the last one with a member."""
    return {
        "directory_group": [group(f"g{number}", 10_000 + number) for number in range(length)],
        "group_member": [
            *(member(10_000 + number, 10_001 + number, "group") for number in range(length - 1)),
            member(9_999 + length, 9_001),
        ],
        "account": [account("a", 9_001)],
    }


def test_a_table_that_cannot_be_computed_is_empty_and_so_said_with_those_computed_from_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_closure, "_SQL", "SELECT missing FROM directory_group")
    with loaded({"directory_group": [group("g", 5000)]}) as engine:
        found = states(derive.derive_all(engine, settings(), AS_OF))
        assert engine.table("group_closure").num_rows == 0
        assert engine.table("group_role").column_names == ["group_key", "role"]
    for name in ("group_closure", "account_role", "privileged_membership"):
        assert found[name].state is State.PARTIAL
        assert "could not be computed" in str(found[name].reason)
    assert found["account_hr"].state is State.COMPLETE


def test_a_doubt_goes_on_to_every_table_computed_from_the_doubtful_one() -> None:
    with loaded({}) as engine:
        steps = Steps(engine)
        doubt = Text("doubt", "doute")
        steps.fill(derived.GROUP_CLOSURE, lambda: group_closure.derive(steps), lambda: [doubt])
        steps.load(derived.GROUP_ROLE, arrow_schema(derived.GROUP_ROLE).empty_table())
        steps.fill(derived.ACCOUNT_ROLE, lambda: account_role.derive(steps))
        assert steps.doubts == {"group_closure": (doubt,), "account_role": (doubt,)}


def test_a_derivation_is_stopped_after_ten_times_the_time_of_a_rule() -> None:
    with Engine(timeout_seconds=0.02) as engine, pytest.raises(EngineError, match=r"longer than 0\.2 s"):
        engine.derive("SELECT COUNT(*) AS n FROM range(100000) a, range(100000) b WHERE a.range + b.range < 3")


def test_a_hostile_chain_of_groups_is_followed_so_far_and_no_further() -> None:
    with loaded(chain(2_000)) as engine:
        found = states(derive.derive_all(engine, settings(), AS_OF))
        assert engine.table("group_closure").num_rows < 2_000 * (group_closure.MAX_DEPTH + 1)
    for name in ("group_closure", "account_role"):
        assert f"nested {group_closure.MAX_DEPTH} deep or more" in str(found[name].reason)


def test_nesting_as_people_build_it_is_followed_whole() -> None:
    closure = rows_of(chain(20), "group_closure")
    assert max(int(str(row["depth"])) for row in closure) == 19
    assert len(closure) == 20 * 21 // 2
    with loaded(chain(20)) as engine:
        assert "group_closure" not in derive.derive_all(engine, settings(), AS_OF)


def test_unmatched_staff_and_a_directory_without_ids_are_doubts_only_where_there_is_something_to_match() -> None:
    staff = [account(f"p{number}", 2_000 + number, employee_id=f"{number:05}") for number in range(4)]
    contracts: list[dict[str, Value]] = [{"source": "rh", "row_number": number, "person_number": f"{number:05}"} for number in range(2)]
    for matched, doubtful in ((contracts, False), (contracts[:1], True), ([], False)):
        with loaded({"account": staff, "hr_contract": matched}) as engine:
            doubts = derive.derive_all(engine, settings(), AS_OF)
            assert ("account_hr" in doubts) is doubtful
            assert {"account_professional", "account_registry"} <= doubts.keys()
    with loaded({"account": [account("p", 2_000, professional_id_raw="99000000002")]}) as engine:
        assert "account_professional" not in derive.derive_all(engine, settings(), AS_OF)
