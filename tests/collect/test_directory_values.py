from __future__ import annotations

import time
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.collect import directory_values as values

EPOCH = datetime(1601, 1, 1)
MOMENTS = st.datetimes(min_value=EPOCH + timedelta(microseconds=1), max_value=datetime(9999, 12, 31, 23, 59, 59, 999999))
SUB_AUTHORITIES = st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=15)


def as_filetime(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1) * 10


def as_binary_sid(authority: int, parts: list[int]) -> bytes:
    return bytes((1, len(parts))) + authority.to_bytes(6, "big") + b"".join(part.to_bytes(4, "little") for part in parts)


@settings(deadline=None)
@given(MOMENTS)
def test_a_filetime_gives_back_the_moment_it_was_made_from(moment: datetime) -> None:
    assert values.filetime(str(as_filetime(moment)).encode()) == moment


@pytest.mark.parametrize("never", [0, -1, 2**63 - 1])
def test_the_three_marks_for_never_are_no_moment(never: int) -> None:
    assert values.filetime(str(never).encode()) is None


@pytest.mark.parametrize("raw", [b"-2", b"2650467744000000000", b"9223372036854775808", b"", b"x", b"1 ", b"1\n", "١".encode(), b"1e5"])
def test_a_filetime_out_of_range_or_of_another_form_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError):
        values.filetime(raw)


@settings(deadline=None)
@given(st.integers(1, 2_650_467_743_999_999_999), st.integers(1, 2_650_467_743_999_999_999))
def test_filetimes_keep_their_order(first: int, second: int) -> None:
    low, high = (values.filetime(str(value).encode()) for value in sorted((first, second)))
    assert low is not None and high is not None and low <= high


@settings(deadline=None)
@given(st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30)))
def test_a_generalized_time_gives_back_the_second_it_was_made_from(moment: datetime) -> None:
    whole = moment.replace(microsecond=0)
    assert values.generalized_time(f"{whole.year:04}{whole:%m%d%H%M%S}.0Z".encode()) == whole


def test_a_generalized_time_in_another_zone_is_brought_to_utc() -> None:
    assert values.generalized_time(b"20260105100000+0200") == datetime(2026, 1, 5, 8)
    assert values.generalized_time(b"20260105100000,5-0130") == datetime(2026, 1, 5, 11, 30)


@pytest.mark.parametrize(
    "raw", [b"20260230000000Z", b"2026", b"00000101000000Z", b"20260105100000", b"99991231235959-1400", b"20260105100000.Z"]
)
def test_a_time_that_is_none_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError):
        values.generalized_time(raw)


@settings(deadline=None)
@given(st.integers(0, 2**48 - 1), SUB_AUTHORITIES)
def test_a_sid_reads_the_same_from_bytes_and_from_text(authority: int, parts: list[int]) -> None:
    written = "-".join(map(str, ("S-1", authority, *parts)))
    assert values.sid(as_binary_sid(authority, parts)) == written
    assert values.sid(written.encode()) == written
    assert values.rid(written) == parts[-1]


@settings(deadline=None)
@given(st.integers(0, 2**48 - 1), SUB_AUTHORITIES, st.binary(min_size=1, max_size=8))
def test_a_sid_with_bytes_missing_or_added_is_refused(authority: int, parts: list[int], more: bytes) -> None:
    raw = as_binary_sid(authority, parts)
    for wrong in (raw[:-1], raw + more):
        with pytest.raises(ValueError):
            values.sid(wrong)


@settings(deadline=None)
@given(st.uuids())
def test_a_guid_reads_the_same_from_bytes_and_from_text(identifier: UUID) -> None:
    assert values.guid(identifier.bytes_le) == values.guid(f"{{{identifier}}}".upper().encode()) == str(identifier)


@settings(deadline=None)
@given(st.binary(max_size=80))
def test_whatever_the_bytes_a_value_is_read_or_refused(raw: bytes) -> None:
    readers = (values.filetime, values.generalized_time, values.sid, values.guid, values.integer, values.interval, values.boolean)
    for read in readers:
        try:
            read(raw)
        except ValueError:
            continue
    values.text(raw).encode("utf-8")


@settings(deadline=None)
@given(st.integers(1, 2**63 - 1))
def test_an_interval_is_as_long_as_its_count(count: int) -> None:
    assert values.interval(str(-count).encode()) == timedelta(microseconds=count // 10)


def test_an_interval_without_limit_is_none_and_a_positive_one_is_refused() -> None:
    assert values.interval(b"0") is None
    assert values.interval(b"-9223372036854775808") is None
    with pytest.raises(ValueError):
        values.interval(b"864000000000")


@pytest.mark.parametrize(("left", "right"), [
    ("CN=Dupont\\, Anne,OU=Soins,DC=chu,DC=test", "cn=Dupont\\2C Anne, ou=Soins, dc=chu, dc=test"),
    ("CN=Ren\\C3\\A9e,DC=chu,DC=test", "CN=Renée,DC=CHU,DC=test"),
    ("CN=a\\+b,DC=test", "cn=A\\2Bb,dc=test"),
])  # fmt: skip
def test_two_spellings_of_a_name_are_equal(left: str, right: str) -> None:
    assert values.comparable_name(left) == values.comparable_name(right)


def test_names_that_differ_by_an_escaped_comma_are_not_equal() -> None:
    assert values.comparable_name("CN=a\\,DC=b,DC=test") != values.comparable_name("CN=a,DC=b,DC=test")


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8"), max_size=60))
def test_the_parts_of_any_name_make_the_name_again(name: str) -> None:
    assert ",".join(values.split_name(name)) == name
    values.comparable_name(name)


def test_the_container_and_the_domain_of_a_name() -> None:
    assert values.parent_name("CN=Dupont\\, Anne,OU=Soins,DC=chu,DC=test") == "OU=Soins,DC=chu,DC=test"
    assert values.naming_context("CN=Dupont\\, Anne,OU=Soins,DC=CHU,DC=test") == "dc=chu,dc=test"
    assert values.parent_name("DC=test") == ""


@pytest.mark.parametrize(("spn", "host"), [
    ("cifs/Files.chu.test", "files.chu.test"),
    ("MSSQLSvc/db1.chu.test:1433", "db1.chu.test"),
    ("ldap/dc1.chu.test/chu.test", "dc1.chu.test"),
    ("http/portal.chu.test@CHU.TEST", "portal.chu.test"),
    ("krbtgt/CHU.TEST", "krbtgt"),
    ("krbtgt", "krbtgt"),
    ("alone", "alone"),
    ("", ""),
])  # fmt: skip
def test_the_host_of_a_delegation_target(spn: str, host: str) -> None:
    assert values.delegation_host(spn) == host


@pytest.mark.parametrize("text", [
    "mdp : Hiver2024!", "MDP=Azerty", "mot de passe: Bloc-2021", "Mot de passe : « Été2020 »", "password=Welcome1", "Pwd -> sc4nner",
    "pass: x7kd", "code: 4512", "mdp temporaire : Accueil1", "scanner 3e, mdp Valdore2019", "Mot de passe est Ete2023!", "m.d.p: toto12",
    "login svc / pwd: Abcd-12",
])  # fmt: skip
def test_a_password_in_free_text_is_noticed(text: str) -> None:
    assert values.holds_password(text)


@pytest.mark.parametrize("text", [
    "", "Bureau 214", "Passerelle HL7 : port 2575", "Mot de passe au coffre-fort", "mdp : voir KeePass", "password: see vault",
    "Changer le mot de passe à la prise de poste", "Mot de passe expire le 12/03/2026", "Passage de consignes : 7h30", "mdp: ********",
    "pass sanitaire 2021",
    "Code postal : 26000", "Code UF 3412", "compass: nord", "password reset 2024", "mot de passe : aucun",
])  # fmt: skip
def test_a_text_that_only_looks_like_it_is_left_alone(text: str) -> None:
    assert not values.holds_password(text)


def test_a_hostile_text_is_searched_in_no_time() -> None:
    started = time.perf_counter()
    for text in ("mdp " * 100_000, "mot de passe" + " " * 100_000, "pwd: " + "*" * 100_000, "code" * 100_000):
        values.holds_password(text)
    assert time.perf_counter() - started < 2
