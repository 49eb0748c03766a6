"""What accounts and machines did before, against what they did in the assessed days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import Any

import pytest

from auditor.config import Audit
from auditor.config_sign_ins import Monitoring, SharedOrigin, Unit
from auditor.model import Value
from tests.derive.hospital import AS_OF, DOMAIN, Rows, account, derived, settings

NOW = AS_OF - timedelta(days=7)
BEFORE = NOW - timedelta(seconds=1)
UNITS = tuple(Unit(name=name, networks=(ip_network(f"10.{number}.0.0/16"),)) for number, name in enumerate(("Urgences", "Labo"), 1))
GATEWAY = SharedOrigin(networks=(ip_network("10.1.9.0/24"),), owner="DSI", expires=AS_OF + timedelta(days=1))


def audit(**monitoring: Any) -> Audit:
    return settings().model_copy(update={"monitoring": Monitoring(units=UNITS, shared_origins=(GATEWAY,), **monitoring)})


def came(name: str, at: datetime = NOW, **columns: Any) -> dict[str, Value]:
    return {"account_name": name, "occurred_at": at, **columns}


def _class(name: str) -> str:
    return "computer" if name.endswith("$") else "user"


def over(
    table: str,
    sign_ins: Sequence[dict[str, Value]],
    *,
    names: Sequence[str] = ("anne", "svc_etl"),
    log: Sequence[tuple[str, datetime]] = (),
    jobs: Sequence[tuple[str, str | None, str]] = (),
    **monitoring: Any,
) -> list[dict[str, Value]]:
    """One derived table; `jobs` are (account, job, unit code) of the HR file, `log` the (source, hour) received."""
    unknown = [{**account("", 1999), "account_key": "unnamed", "sam_account_name": None}]
    rows: Rows = {
        "account": [account(name, 1001 + n, employee_id=name, object_class=_class(name)) for n, name in enumerate(names)] + unknown,
        "sign_in": [{"record_ref": str(n), **row} for n, row in enumerate(sign_ins)],
        "event_coverage": [{"source": source, "hour": hour, "first_at": hour, "last_at": hour} for source, hour in log],
        "hr_contract": [
            {"row_number": n, "person_number": name, "job": job, "unit_code": unit} for n, (name, job, unit) in enumerate(jobs, 1)
        ],
    }
    return derived(rows, table, audit(**monitoring))


def habits(*sign_ins: dict[str, Value], **more: Any) -> dict[tuple[Value, Value], dict[str, Value]]:
    return {(row["kind"], row["value"]): row for row in over("account_habit", sign_ins, **more)}


def test_the_assessed_days_begin_to_the_second() -> None:
    found = habits(came("anne", BEFORE, origin="10.1.0.1"), came("anne", NOW, origin="10.2.0.1"))
    flags = {value: (row["used_before"], row["used_now"]) for (_, value), row in found.items()}
    assert flags == {"Urgences": (True, False), "Labo": (False, True)}
    assert {row["known_before"] for row in found.values()} == {True}
    (row,) = habits(came("anne", AS_OF - timedelta(days=2), origin="10.1.0.1"), assessed_days=1).values()
    assert (row["used_before"], row["used_now"]) == (True, False)


def test_first_and_last_use_and_one_place() -> None:
    (row,) = habits(
        came("anne", AS_OF, origin="10.1.0.7"), came("anne", BEFORE, origin="10.1.0.5"), came("anne", origin="10.1.0.6")
    ).values()
    assert (row["first_at"], row["last_at"], row["place"]) == (BEFORE, AS_OF, "10.1.0.5")


@pytest.mark.parametrize(
    "row", [{"outcome": "failure"}, {"outcome": "attempt"}, {"origin": "10.1.9.1"}, {"origin": "10.7.0.1"}, {"origin": ""}], ids=str
)
def test_failures_shared_places_and_places_without_unit_make_no_habit(row: dict[str, Any]) -> None:
    assert habits(came("anne", **{"origin": "10.1.0.1", **row})) == {}


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"country": "FR"}, {("country", "FR", True)}),
        ({"country": "PT", "logon_type": "cloud"}, {("country", "PT", False)}),
        ({"logon_type": "cloud"}, {("country", "", False)}),
        ({"logon_type": "remote"}, {("country", "", False)}),
        ({"logon_type": "network"}, set()),
    ],
)
def test_a_remote_sign_in_whose_country_is_unsaid_counts_as_such(row: dict[str, Any], expected: set[tuple[str, str, bool]]) -> None:
    assert {(r["kind"], r["value"], r["domestic"]) for r in habits(came("anne", **row)).values()} == expected


@pytest.mark.parametrize(
    ("row", "origin"),
    [
        ({"logon_type": "network", "origin": "10.7.0.1"}, "10.7.0.1"),
        ({"logon_type": "network"}, None),
        ({"logon_type": "interactive", "origin": "10.7.0.1"}, "srv1"),
        ({"logon_type": "service"}, "srv1"),
        ({"logon_type": "batch", "origin": "10.7.0.1"}, "srv1"),
    ],
)
def test_only_service_accounts_have_origins_as_habits(row: dict[str, Any], origin: str | None) -> None:
    found = habits(came("svc_etl", host="srv1", **row))
    assert [value for kind, value in found if kind == "origin"] == ([origin] if origin else [])
    assert not habits(came("anne", host="srv1", **row))


def test_accounts_are_counted_ever_and_before() -> None:
    names = ("anne", "paul", "lea")
    rows = [came("anne", origin="10.1.0.1"), came("paul", BEFORE, origin="10.1.0.2"), came("paul", origin="10.1.0.3")]
    found = over("account_habit", [*rows, came("lea", BEFORE, origin="10.2.0.1"), came("lea", country="Labo")], names=names)
    assert [(r["value"], r["accounts"], r["accounts_before"], r["known_before"]) for r in found] == [
        ("Urgences", 2, 1, False), ("Urgences", 2, 1, True), ("Labo", 1, 0, False), ("Labo", 1, 1, True),
    ]  # fmt: skip


def test_the_baseline_counts_days_of_the_log_that_shows_the_use_and_the_shortest_decides() -> None:
    day = timedelta(days=1)
    hour = NOW.replace(minute=0)
    log = [("dc1", hour - n * day) for n in range(15)] + [("dc1", hour - 2 * day + timedelta(hours=1)), ("dc2", hour - day), ("dc3", hour)]
    for sources, days in ((("dc1",), 14), (("dc1", "dc2"), 1), (("dc3",), 0), (("dc4",), 0)):
        rows = [came("anne", origin="10.1.0.1", source=source) for source in sources]
        assert habits(*rows, log=log)["unit", "Urgences"]["baseline_days"] == days
        (reach,) = over("origin_reach", rows, log=log)
        assert reach["baseline_days"] == days


def peers(*sign_ins: dict[str, Value], jobs: Sequence[tuple[str, str | None, str]]) -> dict[tuple[Value, Value], tuple[Value, ...]]:
    names = [name for name, _, _ in jobs]
    columns = ("job", "peers", "peers_before", "unit_peers", "unit_peers_before")
    found = over("account_peers", sign_ins, names=names, jobs=jobs)
    return {(names[int(str(row["account_key"])[-1]) - 1], row["unit"]): tuple(row[name] for name in columns) for row in found}


def test_peers_have_the_job_and_were_seen_before_and_nobody_is_their_own() -> None:
    jobs = [("anne", "IDE", "1"), ("paul", "IDE", "1"), ("lea", "IDE", "2"), ("new", "IDE", "1"), ("dr", "PH", "1"), ("svc_x", "IDE", "1")]
    before = [came("anne", BEFORE, origin="10.1.0.1"), came("paul", BEFORE, origin="10.1.0.2"), came("paul", BEFORE, origin="10.2.0.1")]
    before += [came("lea", BEFORE, origin="10.1.0.3"), came("dr", BEFORE, origin="10.2.0.2"), came("svc_x", BEFORE, origin="10.2.0.3")]
    now = [came("anne", origin="10.2.0.9"), came("anne", origin="10.1.0.9"), came("new", origin="10.1.0.9"), came("dr", origin="10.1.0.9")]
    found = peers(*before, *now, jobs=jobs)
    assert found == {
        ("anne", "Labo"): ("IDE", 2, 1, 1, 1),
        ("anne", "Urgences"): ("IDE", 2, 2, 1, 1),
        ("new", "Urgences"): ("IDE", 3, 3, 2, 2),
        ("dr", "Urgences"): ("PH", 0, 0, 0, 0),
    }


def test_without_job_there_are_no_peers_and_an_unknown_one_leaves_them_unknown() -> None:
    jobs: list[tuple[str, str | None, str]] = [
        ("anne", "", "1"),
        ("paul", None, "1"),
        ("lea", "IDE", ""),
        ("eva", "IDE", ""),
        ("max", "", "1"),
    ]
    rows = [came(name, origin="10.1.0.1") for name in ("anne", "paul", "lea")]
    rows += [came(name, BEFORE, origin="10.1.0.1") for name in ("eva", "max")]
    found = peers(*rows, jobs=jobs)
    assert found["anne", "Urgences"] == ("", 0, 0, 0, 0)
    assert found["paul", "Urgences"] == (None, None, None, None, None)
    assert found["lea", "Urgences"] == ("IDE", 1, 1, 0, 0)


def test_job_and_unit_are_those_of_the_contract_that_ends_last() -> None:
    rows: Rows = {
        "account": [account("anne", 1001, employee_id="7"), account("paul", 1002, employee_id="")],
        "hr_contract": [
            {"row_number": 1, "person_number": "7", "job": "IDE", "unit_code": "1", "open_ended": True},
            {"row_number": 2, "person_number": "7", "job": "AS", "unit_code": "2", "open_ended": False, "ends_at": AS_OF},
        ],
    }
    assert [(row["job"], row["unit_code"]) for row in derived(rows, "account_hr")] == [("IDE", "1"), ("", "")]


def reach(*sign_ins: dict[str, Value], **more: Any) -> dict[Value, dict[str, Value]]:
    names = (*(f"p{number}" for number in range(9)), "pc$", "svc_etl")
    return {row["origin"]: row for row in over("origin_reach", sign_ins, names=names, **more)}


def wave(count: int, minutes: int, start: datetime = NOW, **columns: Value) -> list[dict[str, Value]]:
    """So many accounts from one machine, one after the other."""
    return [came(f"p{number}", start + timedelta(minutes=minutes * number), origin="pc", **columns) for number in range(count)]


@pytest.mark.parametrize(("minutes", "accounts"), [(30, 5), (31, 4), (120, 2), (121, 1)])
def test_accounts_within_two_hours_both_ends_included(minutes: int, accounts: int) -> None:
    row = reach(*wave(8, minutes))["pc"]
    assert (row["accounts"], row["accounts_at"]) == (accounts, NOW + timedelta(minutes=minutes * (accounts - 1)))


def test_the_usual_number_is_the_99th_percentile_of_the_sign_ins_before() -> None:
    quiet = [came("p0", NOW - timedelta(days=3, hours=3 * n), origin="pc") for n in range(100)]
    day = NOW - timedelta(days=2)
    assert reach(*quiet, *wave(1, 1))["pc"]["usual_accounts"] == 1
    # One sign-in in 104 with four accounts, then three of four of them twice.
    assert reach(*quiet, *wave(4, 1, day), *wave(1, 1))["pc"]["usual_accounts"] == 3
    busy = reach(*wave(4, 1, day), *wave(1, 1))["pc"]
    assert (busy["usual_accounts"], busy["accounts"]) == (4, 1)
    assert reach(*wave(1, 1))["pc"]["usual_accounts"] == 0


def test_sign_ins_before_and_now_within_the_same_two_hours_count_together_now() -> None:
    assert reach(*wave(3, 1, NOW - timedelta(minutes=2)))["pc"]["accounts"] == 3
    assert reach(*wave(3, 1, NOW - timedelta(hours=1))) == {}


@pytest.mark.parametrize("logon_type", ["interactive", "unlock", "cached", "batch", "service", "remote", "cloud"])
def test_only_the_network_counts(logon_type: str) -> None:
    assert reach(*wave(3, 1, logon_type=logon_type)) == {}


def test_who_counts() -> None:
    rows = [came("p0", origin="pc"), came("svc_etl", origin="pc"), came("pc$", origin="pc"), came("p1", origin="pc", outcome="failure")]
    rows += [came("", origin="pc", account_sid="unnamed"), came("p2", origin=""), came("p3", origin="10.1.9.1")]
    found = reach(*rows)
    assert {origin: (row["accounts"], row["shared"]) for origin, row in found.items()} == {"pc": (3, False), "10.1.9.1": (1, True)}


def test_new_targets_were_reached_neither_from_there_nor_by_the_account() -> None:
    def visit(name: str, host: str, at: datetime = NOW, origin: str = "pc") -> dict[str, Value]:
        return came(name, at, host=host, origin=origin)

    known = [visit("p1", "srv1", BEFORE), visit("p0", "srv2", BEFORE, origin="other"), visit("p1", "srv3", BEFORE, origin="other")]
    now = [visit("p0", f"srv{number}", NOW + timedelta(minutes=number)) for number in (1, 2, 3, 4, 4)]
    row = reach(*known, *now)["pc"]
    assert (row["new_targets"], row["targets_at"]) == (2, NOW + timedelta(minutes=4))
    apart = [visit("p0", "srv3"), visit("p0", "srv4", NOW + timedelta(minutes=121)), visit("p0", "srv5", NOW + timedelta(minutes=241))]
    assert reach(*known, *apart)["pc"]["new_targets"] == 2
    twice = [visit("p0", "srv4"), visit("p0", "srv5", NOW + timedelta(minutes=200))]
    assert reach(*known, *twice)["pc"]["targets_at"] == NOW
    row = reach(*known, visit("p0", "srv1"))["pc"]
    assert (row["new_targets"], row["targets_at"]) == (0, row["accounts_at"])


def test_keys_are_sids() -> None:
    (row,) = over("account_habit", [came("anne", country="FR")])
    assert row["account_key"] == f"{DOMAIN}-1001"
