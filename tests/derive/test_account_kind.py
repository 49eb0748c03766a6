from __future__ import annotations

import pytest

from auditor.config import KindPatterns, Kinds
from auditor.model import Value
from tests.derive.hospital import derived, settings

KINDS = Kinds(
    device=KindPatterns(names=(r"^echo_",)),
    generic=KindPatterns(names=(r"^sec-", r"^ide-")),
    intern=KindPatterns(containers=("OU=Internes,DC=test",)),
    student=KindPatterns(names=(r"^etu_",), containers=("OU=Internes,DC=test",)),
)


CASES: list[tuple[dict[str, Value], str | None, str | None]] = [
    ({"name": "marie.durand"}, "person", "staff"),
    ({"name": "Administrateur", "rid": 500}, "system", ""),
    ({"name": "Invité", "rid": 501}, "system", ""),
    ({"name": "KRBTGT_4711"}, "system", ""),
    ({"name": "svc_pc$", "object_class": "computer"}, "computer", ""),
    ({"name": "gmsa_bdd$", "object_class": "gmsa"}, "service", ""),
    ({"name": "degrade_svc"}, "break_glass", ""),
    ({"name": "SVC_PACS"}, "service", ""),
    ({"name": "presta_dupont"}, "vendor", ""),
    ({"name": "echo_03"}, "device", ""),
    ({"name": "IDE-cardio1"}, "generic", ""),
    ({"name": "int_martin"}, "person", "agency"),
    ({"name": "etu_martin"}, "person", "student"),
    ({"name": "lib_martin"}, "person", "partner"),
    ({"name": "luc.petit", "parent_dn": "ou=internes,dc=TEST"}, "person", "intern"),
    ({"name": "luc.petit", "parent_dn": "OU=Nord,OU=Internes,DC=test"}, "person", "intern"),
    ({"name": "etu_petit", "parent_dn": "OU=Internes,DC=test"}, "person", "intern"),
    ({"name": "luc.petit", "parent_dn": "OU=AnciensInternes,DC=test"}, "person", "staff"),
    ({"name": None}, None, None),
    ({"name": None, "rid": 500}, "system", ""),
]


@pytest.fixture(scope="module")
def kinds() -> dict[Value, dict[str, Value]]:
    cases = [{"sam_account_name" if key == "name" else key: value for key, value in case[0].items()} for case in CASES]
    accounts = [{"account_key": str(number), "rid": 5001, **columns} for number, columns in enumerate(cases)]
    return {row["account_key"]: row for row in derived({"account": accounts}, "account_kind", settings(kinds=KINDS))}


@pytest.mark.parametrize("case", range(len(CASES)), ids=lambda case: str(CASES[case][0]["name"]))
def test_the_first_kind_that_fits_wins(case: int, kinds: dict[Value, dict[str, Value]]) -> None:
    row = kinds[str(case)]
    assert (row["kind"], row["population"]) == CASES[case][1:]
    assert (row["evidence"] is None) == (row["kind"] is None)
