"""A source that loses a fifth of its rows makes the run incomplete, until the loss is accepted."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from auditor import history
from auditor.config import Audit
from auditor.errors import ConfigError
from auditor.model import Coverage, Notice, State, Text
from auditor.snapshot import Snapshot
from tests.test_history import START, settings_in, week


@pytest.fixture
def settings(tmp_path: Path) -> Audit:
    return settings_in(tmp_path)


def snapshot(rows: int, number: int, table: str = "account", state: State = State.COMPLETE) -> Snapshot:
    reason = None if state is State.COMPLETE else Text("cut", "coupé")
    entry = Coverage(table, "annuaire", state, rows, reason, reason)
    return Snapshot(Path("unused"), START + timedelta(weeks=number), f"{number:064}", (entry,), {}, (Notice("annuaire", Text("x", "x")),))


def read(folder: Path, settings: Audit, seen: Snapshot, *accepted: str) -> Coverage:
    """Check a snapshot for losses and remember the run made from it."""
    with history.opened(folder) as memory:
        checked = memory.without_losses(seen, settings, accepted)
        memory.record(replace(week(0, {}), as_of=seen.as_of, snapshot_sha256=seen.sha256, coverage=checked.coverage), settings)
    return checked.coverage[0]


@pytest.mark.parametrize(
    ("before", "after", "state"),
    [(100, 80, State.COMPLETE), (100, 79, State.PARTIAL), (100, 300, State.COMPLETE), (20, 11, State.COMPLETE), (20, 10, State.PARTIAL)],
)
def test_source_that_lost_more_than_a_fifth_is_partial(tmp_path: Path, settings: Audit, before: int, after: int, state: State) -> None:
    read(tmp_path, settings, snapshot(before, 0))
    entry = read(tmp_path, settings, snapshot(after, 1))
    assert entry.state is state
    assert (entry.reason is not None) is (entry.cure is not None) is (state is State.PARTIAL)


def test_loss_says_how_much_since_when_and_what_to_do(tmp_path: Path, settings: Audit) -> None:
    read(tmp_path, settings, snapshot(7404, 0))
    entry = read(tmp_path, settings, snapshot(5000, 1))
    assert entry.reason is not None
    assert entry.cure is not None
    assert entry.reason.en == "5000 rows were read, 7404 in the audit of 2026-01-05: the export may be cut short"
    assert "--accept-drop annuaire" in entry.cure.fr


def test_loss_stays_until_it_is_accepted_and_then_is_the_new_level(tmp_path: Path, settings: Audit) -> None:
    read(tmp_path, settings, snapshot(1000, 0))
    assert read(tmp_path, settings, snapshot(700, 1)).state is State.PARTIAL
    assert read(tmp_path, settings, snapshot(700, 2)).state is State.PARTIAL
    assert read(tmp_path, settings, snapshot(700, 3), "annuaire").state is State.COMPLETE
    assert read(tmp_path, settings, snapshot(700, 3)).state is State.COMPLETE  # the same snapshot, judged again
    assert read(tmp_path, settings, snapshot(650, 4)).state is State.COMPLETE


def test_level_is_that_of_the_last_whole_run(tmp_path: Path, settings: Audit) -> None:
    read(tmp_path, settings, snapshot(1000, 0))
    read(tmp_path, settings, snapshot(100, 1, state=State.PARTIAL))
    assert read(tmp_path, settings, snapshot(500, 2)).state is State.PARTIAL


def test_events_rise_and_fall(tmp_path: Path, settings: Audit) -> None:
    read(tmp_path, settings, snapshot(1000, 0, "sign_in"))
    assert read(tmp_path, settings, snapshot(100, 1, "sign_in")).state is State.COMPLETE


def test_accepting_the_loss_of_an_unknown_source_is_refused(tmp_path: Path, settings: Audit) -> None:
    with pytest.raises(ConfigError, match="--accept-drop anuaire") as caught:
        read(tmp_path, settings, snapshot(1000, 0), "anuaire")
    assert "aucune source" in caught.value.text.fr
