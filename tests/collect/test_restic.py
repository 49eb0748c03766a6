"""restic: real repositories, and what their lists look like when something went wrong."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from auditor.collect import backup_file
from auditor.config import Restic
from auditor.model import State
from tests.collect.files import AS_OF, Collected, run

JOB = {"id": "a1", "time": "2026-11-19T02:00:00.123456789+01:00", "hostname": "srv", "paths": ["/srv/dpi", "C:\\data"], "tags": ["nuit"]}


def restic(tmp_path: Path, content: str | bytes, *, as_of: datetime = AS_OF, **settings: object) -> Collected:
    path = tmp_path / "depot.json"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return run(Restic(type="restic", paths=(path,), **settings), tmp_path, as_of=as_of)


def reason(found: Collected) -> str:
    coverage = found.coverage["backup_job"]
    assert coverage.reason is not None
    assert found.coverage["backup_repository"].reason == coverage.reason
    return coverage.reason.en


@pytest.mark.skipif(shutil.which("restic") is None, reason="restic is not installed")
def test_a_real_repository_is_read(tmp_path: Path) -> None:
    env = {**os.environ, "RESTIC_REPOSITORY": str(tmp_path / "r"), "RESTIC_CACHE_DIR": str(tmp_path / "c"), "RESTIC_PASSWORD": "canary-pw"}
    data = tmp_path / "données"
    data.mkdir()
    (data / "f").write_text("x")

    def command(*words: str, password: str = "canary-pw") -> bytes:
        done = subprocess.run(["restic", *words], env={**env, "RESTIC_PASSWORD": password}, capture_output=True, timeout=60)
        return done.stdout or done.stderr

    command("init")
    assert restic(tmp_path, command("snapshots", "--json")).rows["backup_job"] == []
    before = datetime.now(UTC).replace(tzinfo=None)
    command("backup", "--host", "srv-dpi", "--tag", "nuit", "--tag", "dpi", str(data))
    command("backup", str(data))
    found = restic(tmp_path, command("snapshots", "--json"), as_of=before)
    assert found.coverage["backup_job"].state is State.COMPLETE
    assert found.rows["backup_repository"] == [
        {"source": "restic", "repository": "depot", "location": "", "tool": "restic", "encryption": "restic", "encrypted": True}
    ]
    jobs = sorted(found.rows["backup_job"], key=lambda job: str(job["taken_at"]))
    assert [(job["host"] == "srv-dpi", job["tags"], job["paths"]) for job in jobs] == [
        (True, "nuit\ndpi", str(data)),
        (False, "", str(data)),
    ]
    for job in jobs:
        assert isinstance(job["taken_at"], datetime)
        assert timedelta(0) <= job["taken_at"] - before < timedelta(minutes=2)
    assert "canary-pw" not in str(found)

    wrong = restic(tmp_path, command("snapshots", "--json", password="wrong"))
    assert wrong.coverage["backup_job"].state is State.DENIED
    assert reason(wrong) == "depot.json is not the JSON of a list of backups: it begins with “Fatal: wrong password or no key found”"


def test_a_snapshot_is_read_with_its_offset_and_without_tags(tmp_path: Path) -> None:
    bare = {"id": "b2", "time": "2026-11-19T02:00:00.5Z"}
    found = restic(tmp_path, json.dumps([JOB, bare]))
    assert found.rows["backup_job"] == [
        {
            "source": "restic", "repository": "depot", "job_id": "a1", "host": "srv", "archive": "", "paths": "/srv/dpi\nC:\\data",
            "tags": "nuit", "taken_at": datetime(2026, 11, 19, 1, 0, 0, 123456),
        },
        {
            "source": "restic", "repository": "depot", "job_id": "b2", "host": "", "archive": "", "paths": "", "tags": "",
            "taken_at": datetime(2026, 11, 19, 2, 0, 0, 500000),
        },
    ]  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_what_windows_redirects_is_read(tmp_path: Path, encoding: str) -> None:
    found = restic(tmp_path, json.dumps([{**JOB, "hostname": "machine-é"}], ensure_ascii=False).encode(encoding))
    assert [job["host"] for job in found.rows["backup_job"]] == ["machine-é"]


@pytest.mark.parametrize(
    ("entry", "key"),
    [
        ({**JOB, "time": "2026-11-19T02:00:00"}, "time"),
        ({**JOB, "time": "yesterday"}, "time"),
        ({**JOB, "time": "0001-01-01T00:00:00+14:00"}, "time"),
        ({**JOB, "time": 5}, "time"),
        ({**JOB, "id": ""}, "id"),
        ({**JOB, "hostname": ["x"]}, "hostname"),
        ({**JOB, "paths": "x"}, "paths"),
        ({**JOB, "tags": [1]}, "tags"),
        ("text", "id"),
        (None, "id"),
    ],
)
def test_an_entry_that_cannot_be_read_is_counted_and_the_others_kept(tmp_path: Path, entry: object, key: str) -> None:
    found = restic(tmp_path, json.dumps([{**JOB, "id": "good"}, entry, entry]))
    assert found.coverage["backup_job"].state is State.PARTIAL
    assert reason(found) == f"2 entries could not be read, first depot.json, entry 2: “{key}” is missing or cannot be read"
    assert [job["job_id"] for job in found.rows["backup_job"]] == ["good"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\xff\xfe", "is empty"),
        (b" \n", "is empty"),
        (b"[" * 200_000, "holds damaged JSON"),
        (b'{"a":' * 100_000, "holds damaged JSON"),
        (b"[1" + b"0" * 100_000 + b"]", "holds damaged JSON"),
        (b'[{"id": NaN}]', "holds damaged JSON"),
        (b'[{"id": "a"', "holds damaged JSON"),
        (b'[{"id": "a", "time": "2026-11-19T02:00:00Z", "id": "b"}]', "holds damaged JSON"),
        (b"\x00\x01\x02\x03", "is not the JSON"),
        (b"\xff" * 100, "is not the JSON"),
        (b"PK\x03\x04\x1b[31m", "begins with “PK<U+0003><U+0004><U+001B>[31m”"),
        (b'{"archives": []}', "is not what `restic snapshots --json` writes"),
        (b'{"message_type":"exit_error","code":11,"message":"Fatal: repository is locked"}', "begins with “Fatal: repository is locked”"),
        (b"5", "is not what"),
    ],
)
def test_a_file_that_is_no_list_is_refused_in_one_sentence(tmp_path: Path, content: bytes, words: str) -> None:
    found = restic(tmp_path, content)
    assert found.coverage["backup_job"].state is State.ABSENT
    assert words in reason(found)
    assert "\n" not in reason(found)
    assert len(reason(found)) < 300


def test_a_file_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backup_file, "MAX_BYTES", 1 << 20)
    found = restic(tmp_path, b" " * ((1 << 20) + 1))
    assert reason(found).startswith("depot.json is larger than 1 MiB; export the latest backups only")


def test_lone_surrogates_do_not_reach_the_snapshot(tmp_path: Path) -> None:
    found = restic(tmp_path, r'[{"id": "a", "time": "2026-11-19T02:00:00Z", "hostname": "x\ud800", "paths": ["a\nb\udfff"]}]')
    assert [(job["host"], job["paths"]) for job in found.rows["backup_job"]] == [("x\ufffd", "a\ufffdb\ufffd")]


def test_an_old_list_is_partial(tmp_path: Path) -> None:
    found = restic(tmp_path, json.dumps([JOB]), received_at=AS_OF - timedelta(days=2, seconds=1))
    assert found.coverage["backup_job"].state is State.PARTIAL
    assert reason(found) == "the oldest list was exported 2 days before the audit, 2 are allowed"
    assert restic(tmp_path, json.dumps([JOB]), received_at=AS_OF - timedelta(days=2)).coverage["backup_job"].state is State.COMPLETE


def test_a_backup_dated_after_the_audit_is_a_gap(tmp_path: Path) -> None:
    found = restic(tmp_path, json.dumps([{**JOB, "time": f"{AS_OF + timedelta(days=2):%Y-%m-%dT%H:%M:%SZ}"}]))
    assert found.coverage["backup_job"].state is State.PARTIAL
    assert "dated after the audit" in str(found.coverage["backup_job"].reason)
    soon = restic(tmp_path, json.dumps([{**JOB, "time": f"{AS_OF + timedelta(hours=2):%Y-%m-%dT%H:%M:%SZ}"}]))
    assert soon.coverage["backup_job"].state is State.COMPLETE


def test_one_file_of_two_is_partial(tmp_path: Path) -> None:
    good = tmp_path / "depot.json"
    good.write_text(json.dumps([JOB]))
    found = run(Restic(type="restic", paths=(good, tmp_path / "autre.json")), tmp_path)
    assert found.coverage["backup_job"].state is State.PARTIAL
    assert reason(found) == "autre.json does not exist"
    assert len(found.rows["backup_job"]) == 1


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="two files bear the same name"):
        Restic(type="restic", paths=(tmp_path / "a" / "depot.json", tmp_path / "b" / "Depot.json"))


def test_a_folder_in_place_of_a_file_is_absent(tmp_path: Path) -> None:
    found = run(Restic(type="restic", paths=(tmp_path,)), tmp_path)
    assert found.coverage["backup_job"].state is State.ABSENT
