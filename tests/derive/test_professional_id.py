from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.derive.professional_id import ProfessionalId, luhn, normalise

OK = (
    "10005173140", "10000013994", "10005355572", "10000927870",
    "99000000002", "99000000010", "99000000028", "99123456784", "99999999990",
)  # fmt: skip
SITES = ("990000002", "990000010", "990000028", "991234568", "010780195", "750712184", "130786049", "690781810", "540023264")


@pytest.mark.parametrize("rpps", OK)
def test_a_valid_rpps_is_kept_as_it_is(rpps: str) -> None:
    assert normalise(rpps) == ("ok", rpps)


@pytest.mark.parametrize("rpps", ["10003461033", "10102727017", "00000000001"])
def test_a_wrong_check_digit_gives_no_id(rpps: str) -> None:
    assert normalise(rpps) == ("bad_checksum", "")
    assert normalise("8" + rpps) == ("bad_checksum", "")


def test_the_number_of_the_card_is_the_rpps_after_an_eight() -> None:
    assert normalise("810005173140") == ("idnps_given", "10005173140")
    assert not luhn("810005173140")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (" 10005173140 ", "10005173140"),
        ("10005173140\u00a0", "10005173140"),
        ("1000 5173 140", "10005173140"),
        ("100.051.731-40", "10005173140"),
        ("'10005173140", "10005173140"),
        ("’10005173140", "10005173140"),
        ("8 10005173140", "10005173140"),
    ],
)
def test_blanks_and_marks_around_digits_do_not_count(written: str, meant: str) -> None:
    assert normalise(written).value == meant


@pytest.mark.parametrize("written", ["1,00052E+10", "1.00052E+10", "9,90000E+10", "1E+10", " 1,00052e+10 ", "'9,9E10"])
def test_a_number_damaged_by_a_spreadsheet_is_not_repaired(written: str) -> None:
    assert normalise(written) == ("excel_damaged", "")


@pytest.mark.parametrize("site", SITES)
def test_a_site_number_in_the_field_of_a_person(site: str) -> None:
    assert luhn(site)
    assert normalise(site, frozenset(SITES)) == ("finess_in_field", "")
    assert normalise(site) == ("legacy_adeli", "")


def test_a_site_number_without_its_leading_zero_is_still_known() -> None:
    assert normalise("10780195", frozenset(SITES)).status == "finess_in_field"
    assert normalise("2a0000014", frozenset(["2A0000014"])).status == "finess_in_field"


@pytest.mark.parametrize("written", ["751234567", "0751234567", "51234567", "2A1234567"])
def test_a_legacy_number_is_told_from_a_wrong_one(written: str) -> None:
    assert normalise(written) == ("legacy_adeli", "")


@pytest.mark.parametrize("written", ["", " ", "\u00a0", "'", "-", "."])
def test_nothing_is_missing_not_malformed(written: str) -> None:
    assert normalise(written) == ("missing", "")


@pytest.mark.parametrize(
    "written", ["néant", "1234", "1234567890", "912345678901", "1000517314A", "１０００５１７３１４０", "=1+1", "3B1234567", "\x00"]
)
def test_anything_else_is_malformed(written: str) -> None:
    assert normalise(written) == ("bad_format", "")


@given(st.text(max_size=30))
def test_any_text_gets_one_status_and_an_id_only_when_it_is_valid(text: str) -> None:
    judged = normalise(text, frozenset(SITES))
    assert judged.status in {
        "ok", "idnps_given", "legacy_adeli", "finess_in_field", "excel_damaged", "bad_checksum", "bad_format", "missing",
    }  # fmt: skip
    assert bool(judged.value) == (judged.status in ("ok", "idnps_given"))
    if judged.value:
        assert len(judged.value) == 11
        assert luhn(judged.value)


@given(st.from_regex(r"[0-9]{10}", fullmatch=True), st.integers(0, 10), st.integers(1, 9))
def test_one_wrong_digit_is_always_found(body: str, place: int, shift: int) -> None:
    rpps = next(body + digit for digit in "0123456789" if luhn(body + digit))
    assert normalise(rpps) == ProfessionalId("ok", rpps)
    wrong = rpps[:place] + str((int(rpps[place]) + shift) % 10) + rpps[place + 1 :]
    assert normalise(wrong).status == "bad_checksum"
