"""GoPhish exports: gateways are told from people, and what people typed is never seen."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditor.config_training import Gophish
from auditor.model import State
from tests.collect.files import Collected, run

SENT = "2026-03-02T08:00:00.123456789Z"
CANARY = "Hiver2026!canari"
COLUMNS = (
    "id",
    "status",
    "ip",
    "latitude",
    "longitude",
    "send_date",
    "reported",
    "modified_date",
    "email",
    "first_name",
    "last_name",
    "position",
)


def table(header: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows([header, *lines])
    return text.getvalue()


def result(mail: str, status: str = "Email Sent", *, reported: str = "false", changed: str = SENT, sent: str = SENT) -> list[str]:
    return ["abc", status, "198.51.100.7", "0", "0", sent, reported, changed, mail, "Zoé", "Quirin", "=HYPERLINK()"]


def event(mail: str, message: str, time: str = SENT, details: str = "") -> list[str]:
    return ["7", mail, time, message, details]


def exercise(tmp_path: Path, results: Sequence[Sequence[str]], events: Sequence[Sequence[str]] | None = None) -> Collected:
    (tmp_path / "results.csv").write_text(table(COLUMNS, results), encoding="utf-8")
    if events is not None:
        (tmp_path / "events.csv").write_text(table(("campaign_id", "email", "time", "message", "details"), events), encoding="utf-8")
    source = Gophish(
        type="gophish", name="spring", results=tmp_path / "results.csv", events=tmp_path / "events.csv" if events is not None else None
    )
    return run(source, tmp_path)


def reason(found: Collected) -> str:
    text = found.coverage["phishing_result"].reason
    assert text is not None
    return text.en


def test_statuses_and_the_report_are_read(tmp_path: Path) -> None:
    late = "2026-03-02T08:10:00Z"
    found = exercise(
        tmp_path,
        [
            result("A@chu.test"),
            result("b@chu.test", "Email Opened", changed=late),
            result("c@chu.test", "Clicked Link", changed=late),
            result("d@chu.test", "Submitted Data", changed=late),
            result("e@chu.test", "Email Sent", reported="true", changed=late),
            result("f@chu.test", "Error Sending Email", sent="0001-01-01T00:00:00Z"),
        ],
    )
    assert found.coverage["phishing_result"].state is State.COMPLETE
    rows = found.rows["phishing_result"]
    assert [(row["mail"][0], row["clicked"], row["submitted"], row["reported"], row["not_sent"]) for row in rows] == [  # type: ignore[index]
        ("a", False, False, False, False),
        ("b", False, False, False, False),
        ("c", True, False, False, False),
        ("d", True, True, False, False),
        ("e", False, False, True, False),
        ("f", False, False, False, True),
    ]
    assert [row["sent_at"] for row in rows][-2:] == [datetime(2026, 3, 2, 8, 0, 0, 123456), None]


def test_a_click_within_seconds_is_the_gateways(tmp_path: Path) -> None:
    found = exercise(
        tmp_path,
        [
            result("a@chu.test", "Clicked Link", changed="2026-03-02T08:00:30.123456Z"),
            result("b@chu.test", "Clicked Link", changed="2026-03-02T08:00:30.123457Z"),
        ],
    )
    assert [(row["clicked"], row["gateway_clicks"]) for row in found.rows["phishing_result"]] == [(False, 1), (True, 0)]


def test_without_events_a_click_before_a_report_is_not_known(tmp_path: Path) -> None:
    found = exercise(tmp_path, [result("a@chu.test", "Clicked Link", reported="true", changed="2026-03-02T09:00:00Z")])
    assert [row["clicked"] for row in found.rows["phishing_result"]] == [None]
    assert found.coverage["phishing_result"].state is State.PARTIAL
    assert reason(found) == "1 click cannot be told from those of a mail gateway: give the raw events too"


def test_events_tell_the_gateway_from_the_person(tmp_path: Path) -> None:
    results = [
        result("a@chu.test", "Clicked Link", reported="true", changed="2026-03-02T09:00:00Z"),
        result("b@chu.test", "Clicked Link", reported="true", changed="2026-03-02T09:00:00Z"),
    ]
    events = [
        event("", "Campaign Created"),
        *[event(mail, "Clicked Link", "2026-03-02T08:00:02Z") for mail in ("a@chu.test", "B@chu.test", "b@chu.test")],
        event("b@chu.test", "Clicked Link", "2026-03-02T08:05:00Z", '{"payload":{},"browser":{}}'),
        event("b@chu.test", "Email Opened", "2026-03-02T08:05:00Z"),
    ]
    found = exercise(tmp_path, results, events)
    assert [(row["clicked"], row["gateway_clicks"]) for row in found.rows["phishing_result"]] == [(False, 1), (True, 2)]
    assert found.coverage["phishing_result"].state is State.COMPLETE


def test_events_of_another_exercise_are_noticed(tmp_path: Path) -> None:
    found = exercise(tmp_path, [result("a@chu.test")], [event("z@chu.test", "Clicked Link"), event("z@chu.test", "Email Sent")])
    assert reason(found) == "2 events of events.csv concern nobody of results.csv: give the events of the same exercise"


def test_what_people_typed_is_nowhere(tmp_path: Path) -> None:
    details = '{"payload":{"password":["' + CANARY + '"]},"browser":{"address":"198.51.100.7"}}'
    shifted = ["7", CANARY, CANARY, "Clicked Link", CANARY]
    found = exercise(
        tmp_path,
        [result("a@chu.test", "Submitted Data"), [*result("b@chu.test"), CANARY], result("c@chu.test", CANARY), result(CANARY)],
        [event("a@chu.test", "Submitted Data", SENT, details), event("a@chu.test", "Clicked Link", CANARY), shifted, [CANARY]],
    )
    assert found.coverage["phishing_result"].state is State.PARTIAL
    assert "could not be read" in reason(found)
    snapshot = tmp_path / "snapshot"
    kept = "".join(str(pq.read_table(path).to_pylist()) for path in snapshot.glob("*.parquet")) + (snapshot / "manifest.json").read_text(
        "utf-8"
    )
    for secret in (CANARY, "Quirin", "198.51.100.7", "HYPERLINK"):
        assert secret not in kept


def test_unknown_states_and_dates_are_gaps(tmp_path: Path) -> None:
    found = exercise(
        tmp_path,
        [
            result("a@chu.test", "Brand new status"),
            result("b@chu.test", reported="perhaps"),
            result("nobody"),
            result("c@chu.test", sent="yesterday"),
            result("d@chu.test"),
        ],
    )
    assert [row["mail"] for row in found.rows["phishing_result"]] == ["c@chu.test", "d@chu.test"]
    assert reason(found) == "4 lines could not be read, first results.csv:2: its status is not one of GoPhish’s"


@pytest.mark.parametrize("missing", ["results.csv", "events.csv"])
def test_a_missing_file_is_said(tmp_path: Path, missing: str) -> None:
    exercise(tmp_path, [result("a@chu.test")], [event("a@chu.test", "Email Sent")])
    (tmp_path / missing).unlink()
    found = run(Gophish(type="gophish", name="spring", results=tmp_path / "results.csv", events=tmp_path / "events.csv"), tmp_path)
    assert reason(found) == f"{missing} does not exist"
    assert found.coverage["phishing_result"].state is (State.ABSENT if missing == "results.csv" else State.PARTIAL)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(noise=st.binary(max_size=300), where=st.sampled_from(["results.csv", "events.csv"]))
def test_any_bytes_give_a_result_or_a_reason(tmp_path: Path, noise: bytes, where: str) -> None:
    exercise(tmp_path, [result("a@chu.test")], [event("a@chu.test", "Clicked Link")])
    with (tmp_path / where).open("ab") as file:
        file.write(noise)
    found = run(Gophish(type="gophish", name="spring", results=tmp_path / "results.csv", events=tmp_path / "events.csv"), tmp_path)
    coverage = found.coverage["phishing_result"]
    assert (coverage.state is State.COMPLETE) == (coverage.reason is None)
