"""Sign-ins of a live tenant: periods that fail, that are too long, and those an interrupted collection had read."""

from __future__ import annotations

import os
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from auditor.collect import entra_resume
from auditor.collect import entra_sign_ins as collector
from auditor.model import State
from tests.collect.files import AS_OF
from tests.graph import emulator
from tests.graph.emulator import Emulator
from tests.graph.reading import Live, incomplete, reason, sign_in, states

PATH = "/auditLogs/signIns"
DAYS = 5


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """The instant of the collection: the day after that of the audit, unless a test appends another."""
    times = [AS_OF + timedelta(days=1)]
    monkeypatch.setattr(entra_resume, "now", lambda: times[-1])
    return times


@pytest.fixture
def month(tenant: Emulator) -> Emulator:
    """Five days of sign-ins, one an hour."""
    hours = [AS_OF - timedelta(hours=n) for n in range(24 * DAYS, 0, -1)]
    tenant.lists[PATH] = [sign_in(number, f"{at:%Y-%m-%dT%H:%M:%SZ}") for number, at in enumerate(hours)]
    for number, name in ((20, "Canary-Passw0rd"), (21, "canary-passw0rd@hopital.test"), (22, "Other"), (100, "other")):
        tenant.lists[PATH][number] |= {"status": {"errorCode": 50034}, "userPrincipalName": name}
    return tenant


def asked(tenant: Emulator) -> int:
    number = emulator.counted(tenant)[PATH]
    tenant.requests.clear()
    return number


def test_a_period_that_is_too_long_is_asked_for_in_halves(live: Live, month: Emulator) -> None:
    whole = live(sign_in_days=DAYS)
    asked(month)
    month.longest = timedelta(hours=6)
    found = live(sign_in_days=DAYS)
    assert incomplete(found) == set()
    assert found.rows["sign_in"] == whole.rows["sign_in"]
    # Six tries of each day and each half, one of each quarter; the last day is six hours long and is not cut.
    assert asked(month) == 5 * (6 + 2 * 6 + 4) + 1


def test_records_that_a_half_repeats_are_counted_once(live: Live, month: Emulator) -> None:
    month.page_size = 10
    month.faults[PATH] = ["", *["504"] * 6]
    found = live(sign_in_days=DAYS)
    assert incomplete(found) == set()
    assert len(found.rows["sign_in"]) == len(month.lists[PATH])


def test_a_day_that_fails_is_a_gap_and_the_days_after_it_are_read(live: Live, month: Emulator, tmp_path: Path) -> None:
    month.faults[PATH] = ["", "", *["500"] * 6]
    found = live(sign_in_days=DAYS)
    assert states(found)["sign_in"] is states(found)["event_coverage"] is State.PARTIAL
    assert "(2026-11-17 00:00 – 2026-11-18 00:00 UTC): Graph answered 500" in reason(found, "sign_in")
    assert {str(row["occurred_at"])[:10] for row in found.rows["sign_in"]} == {f"2026-11-{day}" for day in (15, 16, 18, 19, 20)}
    assert asked(month) == 5 + 6
    # What was read is not asked for again, except the day that is not over; the whole is as if nothing had happened.
    again = live(sign_in_days=DAYS)
    assert asked(month) == 2
    assert again.facts["resumed_days"] == 4
    assert incomplete(again) == set()
    assert not (tmp_path / "snapshot.resume").exists()
    whole = live(sign_in_days=DAYS)
    assert asked(month) == 6
    # A name that nobody bears is not kept: the same one, in a kept day and in another, gets two stand-ins.
    assert [row for row in again.rows["sign_in"] if row["record_ref"] != "s100"] == [
        row for row in whole.rows["sign_in"] if row["record_ref"] != "s100"
    ]
    assert again.rows["event_coverage"] == whole.rows["event_coverage"]


def test_a_killed_collection_is_resumed(live: Live, month: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    month.page_size = 10
    added = collector._add

    def killing(log: Any, item: Any, first: datetime, seen: set[str]) -> None:
        if item["createdDateTime"].startswith("2026-11-18T12"):
            raise KeyboardInterrupt
        added(log, item, first, seen)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(collector, "_add", killing)
        live(sign_in_days=DAYS)
    kept = sorted((tmp_path / "snapshot.resume").iterdir())
    assert sorted(file.suffix for file in kept) == [".day", ".day", ".day", ".part"]
    assert os.name == "nt" or {file.stat().st_mode & 0o777 for file in kept} == {0o600}
    assert not (tmp_path / "snapshot").exists()
    assert all(b"anary" not in file.read_bytes() for file in kept)
    month.requests.clear()
    found = live(sign_in_days=DAYS)
    names = {row["record_ref"]: row["account_name"] for row in found.rows["sign_in"]}
    assert [names[f"s{number}"] for number in (20, 21, 22)] == ["?1", "?1", "?2"]
    assert found.facts["resumed_days"] == 3
    assert incomplete(found) == set()
    assert len(found.rows["sign_in"]) == len(month.lists[PATH])


@pytest.mark.parametrize("spoiled", ["cut", "longer", "old", "future", "another tenant"])
def test_what_was_kept_is_not_believed_when_it_is_damaged_old_or_another_s(
    live: Live, month: Emulator, tmp_path: Path, spoiled: str
) -> None:
    month.faults[PATH] = [*[""] * DAYS, *["500"] * 6]
    live(sign_in_days=DAYS)
    kept = sorted((tmp_path / "snapshot.resume").glob("*.day"))
    assert len(kept) == DAYS
    changes: dict[str, Any] = {}
    for file in kept:
        lines = file.read_text().splitlines(keepends=True)
        if spoiled == "cut":
            file.write_text("".join(lines[:-2]))
        elif spoiled == "longer":
            file.write_text("".join([*lines[:1], *lines]))
        elif spoiled == "another tenant":
            changes = {"graph_url": month.url + "/"}
        else:
            at = time.time() + (100_000 if spoiled == "future" else -100_000)
            os.utime(file, (at, at))
    month.requests.clear()
    found = live(sign_in_days=DAYS, **changes)
    assert asked(month) == DAYS + 1
    assert found.facts["resumed_days"] == 0
    assert incomplete(found) == set()
    assert len(found.rows["sign_in"]) == len(month.lists[PATH])


def test_days_that_are_not_over_long_enough_are_not_kept(live: Live, month: Emulator, tmp_path: Path, clock: list[datetime]) -> None:
    clock.append(AS_OF - timedelta(seconds=1))
    month.faults[PATH] = [*[""] * DAYS, *["500"] * 6]
    live(sign_in_days=DAYS)
    # The audit is at six o'clock: yesterday has been over for a second less than six hours.
    assert len(list((tmp_path / "snapshot.resume").glob("*.day"))) == DAYS - 1


def test_a_server_that_refuses_is_not_asked_day_after_day(live: Live, month: Emulator) -> None:
    month.faults[PATH] = ["", "403"]
    found = live(sign_in_days=DAYS)
    assert asked(month) == 2
    assert "(2026-11-16 00:00 – 2026-11-20 06:00 UTC)" in reason(found, "sign_in")
    month.faults[PATH] = ["500"] * 100
    found = live(sign_in_days=DAYS, deadline=600)
    # The day read before the refusal is still there; three days in a row that fail are enough.
    assert asked(month) == 3 * 6
    assert reason(found, "sign_in").startswith("sign-ins of 3 periods not read")
