"""Sign-ins joined with the directory, the places they came from, changes of groups, and silent logs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import Any

import pytest

from auditor.config import Audit
from auditor.config_sign_ins import Drill, Monitoring, SharedOrigin, Unit
from auditor.derive import derive_all
from auditor.model import Value
from tests.derive.hospital import AS_OF, DOMAIN, Rows, account, derived, group, loaded, settings

HOUR = timedelta(hours=1)


def audit(*, countries: tuple[str, ...] = ("FR",), **monitoring: Any) -> Audit:
    plain = settings()
    establishment = plain.establishment.model_copy(update={"countries": countries})
    return plain.model_copy(update={"monitoring": Monitoring(**monitoring), "establishment": establishment})


WARD = Unit(name="Urgences", pole="Nord", site="Lac", hosts=("^poste-1$",), networks=(ip_network("10.1.0.0/16"),), accounts=("^ide-urg",))
LAB = Unit(name="Labo", hosts=("^poste-",), networks=(ip_network("2001:db8::/32"), ip_network("10.0.0.0/8")), accounts=("^ide-",))


def sign_ins(*rows: dict[str, Value], accounts: Sequence[dict[str, Value]] = ()) -> Rows:
    """Sign-ins numbered from 1, of the account `anne` unless they say otherwise."""
    known = accounts or [account("anne", 1001)]
    return {"account": known, "sign_in": [{"record_ref": str(n), "account_name": "anne", **row} for n, row in enumerate(rows, 1)]}


def joined(
    *rows: dict[str, Value], accounts: Sequence[dict[str, Value]] = (), with_settings: Audit | None = None
) -> list[dict[str, Value]]:
    return derived(sign_ins(*rows, accounts=accounts), "account_sign_in", with_settings or audit())


@pytest.mark.parametrize(
    ("row", "rid"),
    [
        ({"account_sid": f"{DOMAIN}-1001", "account_name": "old.name"}, 1001),
        ({"account_name": "anne"}, 1001),
        ({"account_name": "anne.durand"}, 1001),  # local part of the UPN
        ({"account_name": "anne", "account_domain": "chu"}, 1001),
        ({"account_name": "anne", "account_domain": "pc7", "host": "pc7"}, None),  # an account of that machine
        ({"account_name": "anne", "account_sid": "S-1-5-21-9-9-9-500"}, None),  # of another domain
        ({"account_name": "twice"}, None),  # two accounts bear it
        ({"account_name": "nobody"}, None),
        ({"account_name": ""}, None),
        ({"account_name": "anne", "repeated": True}, None),
        ({"account_name": "anne", "activity": "explicit", "outcome": "attempt"}, None),
    ],
)
def test_a_sign_in_is_joined_by_sid_else_by_a_name_that_one_account_bears(row: dict[str, Value], rid: int | None) -> None:
    accounts = [
        account("Anne", 1001, user_principal_name="Anne.Durand@chu.test"),
        account("twice", 1002),
        account("x", 1003, user_principal_name="twice@chu.test"),
        account("", 1004),
    ]
    found = [r["account_key"] for r in joined(row, accounts=accounts)]
    assert found == ([f"{DOMAIN}-{rid}"] if rid else [])


@pytest.mark.parametrize(
    ("logon_type", "place", "unit"),
    [("interactive", "poste-1", "Urgences"), ("unlock", "poste-1", "Urgences"), ("cached", "poste-1", "Urgences"),
     ("network", "10.1.2.3", "Urgences"), ("remote_interactive", "10.1.2.3", "Urgences"), ("service", "10.1.2.3", "Urgences")],
)  # fmt: skip
def test_the_place_is_the_machine_itself_at_a_screen_else_the_origin(logon_type: str, place: str, unit: str) -> None:
    (row,) = joined({"logon_type": logon_type, "host": "poste-1", "origin": "10.1.2.3"}, with_settings=audit(units=(WARD,)))
    assert (row["place"], row["place_unit"], row["place_pole"], row["place_site"]) == (place, unit, "Nord", "Lac")


def test_a_place_that_fits_no_unit_has_none_and_may_be_unsaid() -> None:
    (row,) = joined({"origin": ""}, with_settings=audit(units=(WARD,)))
    assert [row[name] for name in ("place", "place_unit", "place_pole", "place_site", "place_shared")] == ["", "", "", "", False]


@pytest.mark.parametrize(("second", "in_drill"), [(-1, False), (0, True), (3600, True), (3601, False)])
def test_a_drill_holds_both_its_ends(second: int, in_drill: bool) -> None:
    drill = Drill(starts=AS_OF, ends=AS_OF + HOUR)
    (row,) = joined({"occurred_at": AS_OF + timedelta(seconds=second)}, with_settings=audit(drills=(drill,)))
    assert row["in_drill"] is in_drill


@pytest.mark.parametrize(
    ("country", "countries", "abroad"), [("BE", ("FR",), True), ("FR", ("FR",), False), ("", ("FR",), False), ("BE", ("FR", "BE"), False)]
)
def test_abroad_is_a_country_that_is_said_and_not_of_every_day(country: str, countries: tuple[str, ...], abroad: bool) -> None:
    (row,) = joined({"country": country}, with_settings=audit(countries=countries))
    assert row["abroad"] is abroad


@pytest.mark.parametrize(
    ("latitude", "longitude", "expected"),
    [
        ("48.86", "-2.35", (4886, -235, False)),
        ("-0.29", "0.58", (-29, 58, False)),  # 100 * 0.29 is 28.999…
        ("", "", (None, None, True)),
        ("48.86", "", (4886, None, True)),
        ("x", "2", (None, 200, False)),  # not known, and nothing explains it
        (None, "2", (None, 200, None)),
    ],
)
def test_a_position_in_hundredths_of_a_degree(
    latitude: str | None, longitude: str, expected: tuple[int | None, int | None, bool | None]
) -> None:
    (row,) = joined({"latitude": latitude, "longitude": longitude, "device": "pc"})
    assert (row["latitude"], row["longitude"], row["unlocated"]) == expected
    assert row["device"] == "pc"


def test_places_are_known_by_name_or_network_the_first_unit_that_fits_wins() -> None:
    shared = SharedOrigin(hosts=("^CITRIX",), networks=(ip_network("192.0.2.0/24"),), owner="DSI", expires=AS_OF + timedelta(seconds=1))
    late = SharedOrigin(hosts=("^scan",), owner="DSI", expires=AS_OF)
    rows = sign_ins(
        {"host": "poste-1", "origin": "10.1.2.3"}, {"host": "poste-2", "origin": "2001:db8::7"}, {"host": "citrix1", "origin": "192.0.2.1"},
        {"host": "poste-2", "origin": "scan1"}, {"host": "poste-1", "origin": "poste-1"}, {"host": "srv", "origin": ""},
    )  # fmt: skip
    found = derived(rows, "sign_in_place", audit(units=(WARD, LAB), shared_origins=(shared, late)))
    assert [(r["place"], r["is_origin"], r["shared"], r["unit"], r["pole"], r["site"]) for r in found] == [
        ("10.1.2.3", True, False, "Urgences", "Nord", "Lac"),
        ("192.0.2.1", True, True, "", "", ""),
        ("2001:db8::7", True, False, "Labo", "", ""),
        ("citrix1", False, True, "", "", ""),
        ("poste-1", True, False, "Urgences", "Nord", "Lac"),
        ("poste-2", False, False, "Labo", "", ""),
        ("scan1", True, False, "", "", ""),
        ("srv", False, False, "", "", ""),
    ]


def test_accounts_belong_to_the_first_unit_that_fits() -> None:
    names = {"IDE-URG1": ("Urgences", "Nord"), "ide-labo": ("Labo", ""), "anne": ("", "")}
    accounts = [account(name, 1001 + n) for n, name in enumerate(names)] + [{**account("", 1009), "sam_account_name": None}]
    found = derived({"account": accounts}, "account_unit", audit(units=(WARD, LAB)))
    assert [(row["unit"], row["pole"]) for row in found] == [*names.values(), (None, None)]


def changes(**row: Value) -> list[dict[str, Value]]:
    rows: Rows = {
        "directory_change": [{"record_ref": "1", "occurred_at": AS_OF, **row}],
        "event_coverage": [{"hour": AS_OF, "first_at": AS_OF, "last_at": AS_OF}],
        "account": [account("anne", 1001, distinguished_name="CN=Anne,DC=chu,DC=test"), account("root", 500)],
        "directory_group": [group("Admins du domaine", 512, distinguished_name="CN=Admins,DC=chu,DC=test")],
    }
    return derived(rows, "group_change")


def test_a_change_told_by_sids_takes_names_from_the_directory() -> None:
    (row,) = changes(group_sid=f"{DOMAIN}-512", group_name="GG", target_sid=f"{DOMAIN}-1001", actor_sid=f"{DOMAIN}-500")
    assert (row["group_id"], row["group_name"], row["group_rid"], row["privileged"]) == (f"{DOMAIN}-512", "GG", 512, True)
    assert (row["member_id"], row["member_name"], row["actor_name"]) == (f"{DOMAIN}-1001", "anne", "root")


def test_a_change_told_by_names_finds_the_sids() -> None:
    (row,) = changes(group_dn="cn=admins,dc=CHU,dc=test", target_dn="cn=anne,dc=chu,dc=TEST", actor_name="ROOT")
    assert (row["group_id"], row["group_name"], row["privileged"]) == (f"{DOMAIN}-512", "Admins du domaine", True)
    assert (row["member_id"], row["member_name"], row["actor_name"]) == (f"{DOMAIN}-1001", "anne", "ROOT")


def test_what_the_directory_does_not_know_keeps_the_words_of_the_log() -> None:
    (row,) = changes(group_dn="CN=X", target_dn="CN=Y", actor_sid="S-1-5-21-9-9-9-1105")
    assert (row["group_id"], row["group_name"], row["group_rid"], row["privileged"]) == ("cn=x", "CN=X", 0, False)
    assert (row["member_id"], row["member_name"], row["actor_name"]) == ("cn=y", "CN=Y", "S-1-5-21-9-9-9-1105")


@pytest.mark.parametrize(("rid", "privileged"), [(512, True), (513, False), (544, True), (545, False), (551, True), (5001, False)])
def test_ranks_go_by_rid_and_local_groups_belong_to_their_machine(rid: int, privileged: bool) -> None:
    local = 544 <= rid < 600
    (row,) = changes(group_sid=f"S-1-5-32-{rid}" if local else f"{DOMAIN}-{rid}", host="dc1")
    assert (row["group_id"], row["privileged"]) == (f"dc1/S-1-5-32-{rid}" if local else f"{DOMAIN}-{rid}", privileged)


@pytest.mark.parametrize(("actor", "minutes", "by_setup"), [("S-1-5-18", 59, True), ("S-1-5-18", 60, False), (f"{DOMAIN}-500", 0, False)])
def test_windows_itself_sets_up_groups_in_the_first_hour_of_a_machine(actor: str, minutes: int, by_setup: bool) -> None:
    (row,) = changes(actor_sid=actor, occurred_at=AS_OF + timedelta(minutes=minutes))
    assert row["by_setup"] is by_setup


def test_other_changes_are_left_out() -> None:
    assert changes(operation="password_reset") == []


def silence(hours: Sequence[datetime], others: Sequence[datetime] = ()) -> dict[str, Value]:
    rows: list[dict[str, Value]] = [
        {"host": host, "hour": hour, "first_at": hour, "last_at": hour + timedelta(minutes=59)}
        for host, heard in (("dc1", hours), ("dc2", others))
        for hour in heard
    ]
    found = derived({"event_coverage": rows}, "log_silence")
    return {name: found[0][name] for name in ("days", "silent_hours", "silent_since")}


WEEKS = [AS_OF - 28 * 24 * HOUR + number * HOUR for number in range(28 * 24)]


def test_hours_that_every_other_week_has_and_this_one_has_not_are_silent() -> None:
    gone = WEEKS[200:203] + WEEKS[300:302]
    assert silence([hour for hour in WEEKS if hour not in gone]) == {"days": 27, "silent_hours": 3, "silent_since": WEEKS[200]}
    assert silence(WEEKS) == {"days": 27, "silent_hours": 0, "silent_since": WEEKS[0]}


def test_an_hour_that_one_other_week_lacks_too_is_not_expected() -> None:
    gone = {WEEKS[200], WEEKS[200 + 7 * 24]}
    assert silence([hour for hour in WEEKS if hour not in gone])["silent_hours"] == 0


def test_with_two_weeks_no_hour_has_two_others_and_with_three_each_has() -> None:
    assert silence([hour for hour in WEEKS[: 21 * 24] if hour != WEEKS[200]])["silent_hours"] == 1
    assert silence([hour for hour in WEEKS[: 14 * 24] if hour != WEEKS[200]])["silent_hours"] == 0


def test_a_machine_that_stopped_for_good_is_expected_as_long_as_another_of_its_source_writes() -> None:
    assert silence(WEEKS[:-5]) == {"days": 27, "silent_hours": 0, "silent_since": WEEKS[0]}
    assert silence(WEEKS[:-5], WEEKS) == {"days": 27, "silent_hours": 5, "silent_since": WEEKS[-5]}


def doubts(rows: Rows, table: str) -> str:
    with loaded(rows) as engine:
        return "; ".join(doubt.en for doubt in derive_all(engine, audit(), AS_OF).get(table, ()))


def controllers(*names: str, **columns: Value) -> list[dict[str, Value]]:
    found = {"object_class": "computer", "is_domain_controller": True, "primary_group_rid": 516, **columns}
    return [account(f"{name}$", 1100 + number, **found) for number, name in enumerate(names)]


HEARD: list[dict[str, Value]] = [{"host": "dc1"}, {"host": "pc7"}]


@pytest.mark.parametrize("table", ["group_change", "log_silence"])
@pytest.mark.parametrize(
    ("accounts", "heard", "expected"),
    [
        (controllers("DC1"), HEARD, ""),
        (controllers("DC1", "DC2"), HEARD, "no log of the domain controller dc2 was received"),
        (controllers("DC1", "DC2", "DC3"), HEARD[1:], "no log of the domain controllers dc1, dc2, dc3 was received"),
        (controllers(*"ABCDEFG"), HEARD, "no log of the domain controllers a, b, c, d, e (+ 2) was received"),
        (controllers("DC1"), [{"host": "dc1", "log_type": "csv"}], "no log of the domain controller dc1 was received"),
        (controllers("CONTROLLER-OF-T"), [{"host": "controller-of-the-site"}], ""),  # names of accounts end after 15 characters
        (controllers("DC2", enabled=False), HEARD, ""),
        (controllers("DC2", primary_group_rid=521), HEARD, ""),  # read-only
        (controllers("DC2", primary_group_rid=None), HEARD, "no log of the domain controller dc2 was received"),
        (controllers("DC2", is_domain_controller=False), HEARD, ""),
        (controllers("DC1"), [], ""),  # that no log was collected is said elsewhere
        ([], HEARD, ""),
    ],
)
def test_controllers_of_which_no_log_was_received(
    accounts: list[dict[str, Value]], heard: list[dict[str, Value]], expected: str, table: str
) -> None:
    assert doubts({"account": accounts, "event_coverage": heard}, table) == expected


@pytest.mark.parametrize(
    ("row", "known", "names", "expected"),
    [
        ({}, "anne", 20, "the directory knows none of the 20 accounts of vpn: check its columns and the directory that was given"),
        ({}, "anne", 19, ""),
        ({}, "user3", 20, ""),
        ({"logon_type": "cloud"}, "anne", 20, ""),
        ({"outcome": "failure"}, "anne", 20, ""),
    ],
)
def test_a_source_whose_accounts_nobody_knows(row: dict[str, Value], known: str, names: int, expected: str) -> None:
    rows = sign_ins(*({"source": "vpn", "account_name": f"user{n}", **row} for n in range(names)), accounts=[account(known, 1001)])
    assert doubts(rows, "account_sign_in") == expected
    assert doubts({"sign_in": rows["sign_in"]}, "account_sign_in") == ""
