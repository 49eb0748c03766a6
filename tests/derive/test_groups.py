from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from auditor.config import GroupRoles
from auditor.derive import group_closure
from auditor.engine.duckdb import Engine
from auditor.model import Value
from auditor.snapshot import arrow_schema
from auditor.tables.directory import GROUP_MEMBER
from tests.derive.hospital import DOMAIN, account, derived, group, loaded, member, settings

edges = st.lists(st.tuples(st.integers(1, 12), st.integers(1, 12)), max_size=40, unique=True)


def nearest(inside: list[tuple[int, int]]) -> dict[tuple[int, int], int]:
    """Pairs of groups with their distance, found by one search per group."""
    found = {}
    for start in range(1, 13):
        queue, seen = deque([(start, 0)]), {start}
        while queue:
            place, depth = queue.popleft()
            found[start, place] = depth
            for inner, outer in inside:
                if inner == place and outer not in seen:
                    seen.add(outer)
                    queue.append((outer, depth + 1))
    return found


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with loaded({"directory_group": [group(f"g{n}", 2000 + n) for n in range(1, 13)]}) as engine:
        yield engine


@limits(deadline=None)
@given(inside=edges)
def test_closure_and_depth_are_those_of_a_plain_search(engine: Engine, inside: list[tuple[int, int]]) -> None:
    rows = [member(2000 + outer, 2000 + inner, "group", primary_group=False) for inner, outer in inside]
    engine.load(GROUP_MEMBER, pa.Table.from_pylist(rows, schema=arrow_schema(GROUP_MEMBER)))
    found = group_closure.derive(engine).to_pylist()
    number = {f"{DOMAIN}-{2000 + n}": n for n in range(1, 13)}
    expected = nearest(inside)
    assert {(number[row["inner_group_key"]], number[row["outer_group_key"]]): row["depth"] for row in found} == expected
    assert len(found) == len(expected)
    cyclic = {number[row["inner_group_key"]] for row in found if row["in_cycle"]}
    assert cyclic == {inner for inner, outer in inside if (outer, inner) in expected}
    assert all(row["inner_group_key"] == row["outer_group_key"] for row in found if row["in_cycle"])


def test_a_member_that_is_no_group_of_the_directory_still_counts_on_the_way() -> None:
    rows = {"directory_group": [group("top", 2001)], "group_member": [member(2001, 2002, "group"), member(2002, 2003, "group")]}
    found = derived(rows, "group_closure")
    assert (f"{DOMAIN}-2003", f"{DOMAIN}-2001", 2) in {(row["inner_group_key"], row["outer_group_key"], row["depth"]) for row in found}


def test_tier_0_is_known_by_number_whatever_its_groups_are_called() -> None:
    rows = {
        "account": [account("marie", 3001), account("jean", 3002), account("paul", 3003), account("lise", 3004)],
        "directory_group": [
            group("Admins du domaine", 512),
            group("Administrateurs", 544),
            group("GG_INFO", 2001),
            group("GG_INFO_N2", 2002),
            group("Domain Admins", 2003),
            group("Contrôleurs de domaine", 516),
        ],
        "group_member": [
            member(512, 3001, primary_group=True),
            member(544, 512, "group"),
            member(512, 2001, "group"),
            member(2001, 2002, "group"),
            member(2002, 3002),
            member(2003, 3003),
            member(516, 3004),
        ],
    }
    found = {(row["account_key"], row["group_rid"]): (row["depth"], row["path"]) for row in derived(rows, "privileged_membership")}
    assert found == {
        (f"{DOMAIN}-3001", 512): (0, "Admins du domaine"),
        (f"{DOMAIN}-3001", 544): (1, "Admins du domaine > Administrateurs"),
        (f"{DOMAIN}-3002", 512): (2, "GG_INFO_N2 > GG_INFO > Admins du domaine"),
        (f"{DOMAIN}-3002", 544): (3, "GG_INFO_N2 > GG_INFO > Admins du domaine > Administrateurs"),
    }


def test_the_shortest_way_is_told_even_inside_a_loop() -> None:
    rows = {
        "account": [account("marie", 3001)],
        "directory_group": [group("DA", 512), group("a", 2001), group("b", 2002)],
        "group_member": [
            member(512, 2001, "group"),
            member(2001, 2002, "group"),
            member(2002, 512, "group"),
            member(2002, 3001),
            member(2001, 3001),
        ],
    }
    (row,) = derived(rows, "privileged_membership")
    assert (row["depth"], row["path"]) == (1, "a > DA")


ROLES = GroupRoles(clinical=(r"^GG_DPI_",), prescriber=(r"^GG_DPI_PRESCRIPTEUR$",), remote_access=(r"^gg_vpn",))


def test_roles_come_from_names_without_case() -> None:
    rows = {"directory_group": [group("gg_dpi_prescripteur", 2001), group("GG_VPN_SSL", 2002), group("GG_AUTRE", 2003), group("x", 2004)]}
    found = {(row["group_key"], row["role"]) for row in derived(rows, "group_role", settings(groups=ROLES))}
    assert found == {(f"{DOMAIN}-2001", "clinical"), (f"{DOMAIN}-2001", "prescriber"), (f"{DOMAIN}-2002", "remote_access")}


def test_an_account_holds_a_role_once_by_the_nearest_group() -> None:
    rows: dict[str, list[dict[str, Value]]] = {
        "account": [account("marie", 3001)],
        "directory_group": [group("GG_DPI_A", 2001), group("GG_DPI_B", 2002), group("GG_DPI_C", 2003)],
        "group_member": [member(2001, 2002, "group"), member(2002, 3001), member(2003, 3001)],
    }
    found = derived(rows, "account_role", settings(groups=ROLES))
    assert [(row["role"], row["group_name"]) for row in found] == [("clinical", "GG_DPI_B")]
