"""Accounts against the HR file and the registry."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from auditor.model import Value
from tests.derive.hospital import AS_OF, DOMAIN, Rows, account, derived, settings

RPPS, OTHER, WRONG = "99000000002", "99000000010", "99000000011"
DAY = timedelta(days=1)
TODAY = datetime(2026, 11, 20)


def contract(number: str, starts: datetime | None, ends: datetime | str | None, **columns: Value) -> dict[str, Value]:
    """`ends` is a day, "open", or None when it could not be read."""
    open_ended = True if ends == "open" else None if ends is None else False
    end = ends if isinstance(ends, datetime) else None
    return {"person_number": number, "starts_at": starts, "ends_at": end, "open_ended": open_ended, **columns}


def hr(accounts: list[dict[str, Value]], contracts: list[dict[str, Value]], table: str = "account_hr") -> dict[Value, dict[str, Value]]:
    rows = [{"row_number": number, **row} for number, row in enumerate(contracts, 1)]
    found = derived({"account": accounts, "hr_contract": rows}, table, settings(finess=("990000028",)))
    return {row["account_key"]: row for row in found}


def one(employee_id: str | None, raw: str | None, contracts: list[dict[str, Value]], table: str = "account_hr") -> dict[str, Value]:
    (row,) = hr([account("marie", 1, employee_id=employee_id, professional_id_raw=raw)], contracts, table).values()
    return row


PAST, SOON = contract("00012", TODAY - 90 * DAY, TODAY - DAY), contract("00012", TODAY + DAY, TODAY + 90 * DAY)
NOW, OPEN = contract("00012", TODAY - DAY, TODAY), contract("00012", TODAY - DAY, "open")
LATEST = datetime(9999, 12, 31, 23, 59)
NO_END, NO_START = contract("00012", TODAY - DAY, None), contract("00012", None, TODAY + DAY)


@pytest.mark.parametrize(
    ("contracts", "status", "ends_at", "open_ended"),
    [
        ([PAST], "left", PAST["ends_at"], False),
        ([NOW], "present", TODAY, False),
        ([contract("00012", TODAY, TODAY)], "present", TODAY, False),
        ([OPEN], "present", None, True),
        ([contract("00012", TODAY, LATEST)], "present", LATEST, False),
        ([SOON], "future", SOON["ends_at"], False),
        ([PAST, SOON], "future", SOON["ends_at"], False),
        ([OPEN, PAST], "present", None, True),
        ([NOW, SOON, PAST], "present", SOON["ends_at"], False),
        ([NO_END], None, None, None),
        ([NO_END, PAST], None, None, None),
        ([NO_END, SOON], None, None, None),
        ([NO_END, NOW], "present", None, None),
        ([NO_END, OPEN], "present", None, True),
        ([NO_START], None, TODAY + DAY, False),
        ([contract("00012", None, TODAY - DAY)], "left", TODAY - DAY, False),
        ([contract("00012", TODAY + DAY, None)], "future", None, None),
    ],
)
def test_several_contracts_count_together(
    contracts: list[dict[str, Value]], status: str | None, ends_at: datetime | None, open_ended: bool | None
) -> None:
    row = one("00012", "", contracts)
    assert row["matched_by"] == "hr_number"
    assert row["person_number"] == "00012"
    assert (row["status"], row["ends_at"], row["open_ended"]) == (status, ends_at, open_ended)


MATCHES: list[tuple[str | None, str | None, str | None, str | None]] = [
    ("00012", "", "hr_number", "00012"),
    ("12", "", "hr_number", "00012"),
    ("000012", "", "hr_number", "00012"),
    (" 00012 ", "", "hr_number", "00012"),
    ("00077", "", "hr_number", "00077"),
    ("77", "", "hr_number", "77"),
    ("0077", "", None, None),  # 00077 or 77
    ("0077", RPPS, "professional_id", "00012"),
    ("99999", RPPS, "professional_id", "00012"),
    ("", "8" + RPPS, "professional_id", "00012"),
    ("", OTHER, "none", ""),
    ("", WRONG, "none", ""),
    ("", "", "none", ""),
    ("0", "", "none", ""),
    ("99999", "", "none", ""),
    (None, "", None, None),
    ("99999", None, None, None),
    ("00012", None, "hr_number", "00012"),
    (None, RPPS, "professional_id", "00012"),
]


@pytest.fixture(scope="module")
def matches() -> dict[Value, dict[str, Value]]:
    accounts = [account("x", rid, employee_id=case[0], professional_id_raw=case[1]) for rid, case in enumerate(MATCHES)]
    return hr(accounts, [{**OPEN, "professional_id_raw": RPPS}, contract("00077", TODAY, "open"), contract("77", TODAY, "open")])


@pytest.mark.parametrize("case", range(len(MATCHES)), ids=lambda case: f"{MATCHES[case][0]}-{MATCHES[case][1]}")
def test_an_account_is_matched_by_number_then_by_professional_id(case: int, matches: dict[Value, dict[str, Value]]) -> None:
    matched_by, person_number = MATCHES[case][2:]
    row = matches[f"{DOMAIN}-{case}"]
    assert (row["matched_by"], row["person_number"]) == (matched_by, person_number)
    if matched_by is None:
        assert row["status"] is None
    if matched_by == "none":
        assert (row["status"], row["open_ended"], row["ends_at"]) == ("none", True, None)


def test_one_number_in_two_hr_files_is_not_a_match() -> None:
    two = [contract("00012", TODAY, "open", source="chu"), contract("00012", TODAY, TODAY, source="ch")]
    assert one("00012", "", two)["matched_by"] is None


def test_a_professional_id_gathers_the_contracts_of_several_numbers() -> None:
    several = [{**PAST, "professional_id_raw": RPPS}, {**OPEN, "person_number": "7", "professional_id_raw": "8" + RPPS}]
    row = one("", RPPS, several)
    assert (row["status"], row["person_number"]) == ("present", "7")


@pytest.mark.parametrize(
    ("employee_id", "raw", "in_hr", "expected"),
    [
        ("00012", RPPS, OTHER, ("exact_id", RPPS, "ok")),
        ("00012", "8" + RPPS, "", ("exact_id", RPPS, "idnps_given")),
        ("00012", WRONG, RPPS, ("exact_id", "", "bad_checksum")),
        ("00012", "990000028", RPPS, ("exact_id", "", "finess_in_field")),
        ("00012", "", RPPS, ("via_hr", RPPS, "ok")),
        ("00012", "", "9,90000E+10", ("via_hr", "", "excel_damaged")),
        ("00012", "", "", ("none", "", "missing")),
        ("00012", "", None, ("none", "", "missing")),
        ("", "", RPPS, ("none", "", "missing")),
        ("00012", None, RPPS, ("via_hr", RPPS, "ok")),
        ("00012", None, "", (None, None, None)),
        (None, "", RPPS, (None, None, None)),
    ],
)
def test_the_directory_decides_and_the_hr_file_fills_in(
    employee_id: str | None, raw: str | None, in_hr: str | None, expected: tuple[str | None, ...]
) -> None:
    row = one(employee_id, raw, [{**OPEN, "professional_id_raw": in_hr}], "account_professional")
    assert (row["found_by"], row["professional_id"], row["id_status"]) == expected


def test_a_valid_id_of_any_contract_is_preferred() -> None:
    several = [{**PAST, "professional_id_raw": "9,90000E+10"}, {**OPEN, "professional_id_raw": RPPS}]
    assert one("00012", "", several, "account_professional")["professional_id"] == RPPS


def registry(accepted: list[bool], people: list[dict[str, Value]]) -> dict[Value, dict[str, Value]]:
    releases: list[dict[str, Value]] = [{"released_at": AS_OF - n * 7 * DAY, "accepted": flag} for n, flag in enumerate(accepted)]
    accounts = [account("x", rid, professional_id_raw=raw) for rid, raw in enumerate((RPPS, OTHER, WRONG), 1)]
    rows: Rows = {"account": accounts, "registry_release": releases, "registry_person": people}
    return {row["professional_id"]: row for row in derived(rows, "account_registry")}


def test_the_registry_speaks_of_valid_ids_only() -> None:
    found = registry([True], [{"person_id": RPPS, "last_seen_at": AS_OF, "profession_code": "10", "category_code": "C"}])
    assert set(found) == {RPPS, OTHER}
    assert found[RPPS] == {
        "account_key": "S-1-5-21-1-2-3-1",
        "professional_id": RPPS,
        "ever_seen": True,
        "in_latest": True,
        "last_seen_at": AS_OF,
        "never_seen": False,
        "profession_code": "10",
        "category_code": "C",
    }
    unseen = found[OTHER]
    assert (unseen["ever_seen"], unseen["in_latest"], unseen["never_seen"]) == (False, False, True)
    assert (unseen["last_seen_at"], unseen["profession_code"], unseen["category_code"]) == (None, "", "")


@pytest.mark.parametrize("accepted", [[], [False]])
def test_without_an_accepted_release_nothing_is_known(accepted: list[bool]) -> None:
    row = registry(accepted, [])[RPPS]
    assert {name for name, value in row.items() if value is not None} == {"account_key", "professional_id"}
