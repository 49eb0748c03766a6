"""borg: real repositories in several modes of encryption, and times without zone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from auditor.config import Borg
from auditor.model import State
from tests.collect.files import AS_OF, Collected, run


def borg(tmp_path: Path, *contents: str | bytes, timezone: str = "Europe/Paris", as_of: datetime = AS_OF) -> Collected:
    paths = []
    for number, content in enumerate(contents):
        path = tmp_path / f"liste-{number}.json"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        paths.append(path)
    return run(Borg(type="borg", paths=tuple(paths), timezone=timezone), tmp_path, as_of=as_of)


def listing(*archives: object, mode: object = "repokey-blake2", repository: object = "r1") -> str:
    return json.dumps({"archives": archives, "encryption": {"mode": mode}, "repository": {"id": repository, "location": "/depot"}})


def archive(start: object, name: str = "dpi-1", **more: object) -> dict[str, object]:
    return {"id": f"id-{name}", "name": name, "archive": name, "start": start, **more}


@pytest.mark.skipif(shutil.which("borg") is None, reason="borg is not installed")
@pytest.mark.parametrize(("mode", "encrypted"), [("none", False), ("authenticated", False), ("repokey-blake2", True), ("keyfile", True)])
def test_a_real_repository_is_read(tmp_path: Path, mode: str, encrypted: bool) -> None:
    env = {
        **os.environ, "BORG_BASE_DIR": str(tmp_path / "base"), "BORG_PASSPHRASE": "canary-pw", "TZ": "America/New_York",
        "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes", "BORG_REPO": str(tmp_path / "depot"),
    }  # fmt: skip
    data = tmp_path / "data"
    data.mkdir()
    (data / "f").write_text("x")

    def command(*words: str, passphrase: str = "canary-pw") -> bytes:
        done = subprocess.run(["borg", *words], env={**env, "BORG_PASSPHRASE": passphrase}, capture_output=True, timeout=60)
        return done.stdout or done.stderr

    command("init", "--encryption", mode)
    before = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    command("create", "::dpi-2026", str(data))
    found = borg(tmp_path, command("list", "--json"), timezone="America/New_York", as_of=before)
    assert found.coverage["backup_job"].state is State.COMPLETE
    (repository,) = found.rows["backup_repository"]
    assert (repository["encryption"], repository["encrypted"], repository["tool"]) == (mode, encrypted, "borg")
    assert repository["location"] == str(tmp_path / "depot")
    (job,) = found.rows["backup_job"]
    assert (job["archive"], job["host"]) == ("dpi-2026", "")
    assert isinstance(job["taken_at"], datetime)
    assert timedelta(0) <= job["taken_at"] - before < timedelta(minutes=2)

    both = borg(tmp_path, command("info", "--json", "--last", "9"), command("list", "--json"), timezone="America/New_York")
    (named,) = both.rows["backup_job"]
    assert named["host"]
    assert {**named, "host": ""} == job
    assert "canary-pw" not in str(both)

    if mode != "none":
        wrong = borg(tmp_path, command("list", "--json", passphrase="wrong"))
        assert wrong.coverage["backup_job"].state is State.DENIED


@pytest.mark.parametrize(
    ("local", "utc"),
    [
        ("2026-10-25T01:30:00.000000", datetime(2026, 10, 24, 23, 30)),
        # 02:30 happens twice that night; the earlier one makes no backup look fresher than it is.
        ("2026-10-25T02:30:00.000000", datetime(2026, 10, 25, 0, 30)),
        ("2026-10-25T03:30:00.000000", datetime(2026, 10, 25, 2, 30)),
        ("2026-07-01T02:00:00.000000", datetime(2026, 7, 1, 0, 0)),
        ("2026-11-19T02:00:00+05:00", datetime(2026, 11, 18, 21, 0)),
    ],
)
def test_times_without_zone_are_those_of_the_machine(tmp_path: Path, local: str, utc: datetime) -> None:
    assert [job["taken_at"] for job in borg(tmp_path, listing(archive(local))).rows["backup_job"]] == [utc]


def test_an_interrupted_backup_is_none(tmp_path: Path) -> None:
    day = "2026-11-19T02:00:00"
    found = borg(tmp_path, listing(archive(day, "a.checkpoint"), archive(day, "b.checkpoint.2"), archive(day, "checkpoint.db")))
    assert [job["archive"] for job in found.rows["backup_job"]] == ["checkpoint.db"]


def test_an_archive_that_cannot_be_read_is_counted(tmp_path: Path) -> None:
    found = borg(tmp_path, listing(archive("hier"), archive("2026-11-19T02:00:00", "b"), {"name": "c"}))
    coverage = found.coverage["backup_job"]
    assert coverage.state is State.PARTIAL
    assert coverage.reason is not None
    assert coverage.reason.fr.startswith("2 éléments n’ont pas pu être lus, d’abord liste-0.json, élément 1\u00a0: «\u00a0start\u00a0»")
    assert [job["archive"] for job in found.rows["backup_job"]] == ["b"]


@pytest.mark.parametrize(
    "content",
    ["[]", "{}", listing(mode=None), listing(mode=5), listing(repository=""), '{"archives": {}, "repository": {}, "encryption": {}}'],
)
def test_what_another_command_writes_is_refused(tmp_path: Path, content: str) -> None:
    coverage = borg(tmp_path, content).coverage["backup_repository"]
    assert coverage.state is State.ABSENT
    assert coverage.reason is not None
    assert coverage.reason.en == "liste-0.json is not what `borg list --json` writes"


@pytest.mark.parametrize("zone", ["Europe/Nowhere", "", "../etc/passwd", "Europe"])
def test_a_zone_that_does_not_exist_is_refused(tmp_path: Path, zone: str) -> None:
    with pytest.raises(ValueError, match="not a time zone"):
        Borg(type="borg", paths=(tmp_path / "x",), timezone=zone)
