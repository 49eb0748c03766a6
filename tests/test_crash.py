"""What an audit leaves when it is killed or the disk is full: the old files or the whole new ones, and nothing remembered is lost."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from auditor import closing, history, snapshot
from auditor.errors import AuditorError
from auditor.model import Coverage, State
from auditor.report import exit_code
from auditor.tables import COLLECTED
from tests.report import examples, weekly

ROOT = Path(__file__).parent.parent
START = datetime(2026, 1, 5, 6)
FORMATS = ("html", "json", "csv", "sarif", "junit")


def audit(folder: Path, number: int) -> None:
    """What a run leaves, for real: snapshot, reports, history; week `number`."""
    at = START + timedelta(weeks=number)
    settings = weekly.settings(output=folder)
    with snapshot.create(folder / "snapshot", at) as writer:
        for person in range(500):
            writer.add("account", {"account_key": f"S-1-5-21-1-{person}", "sam_account_name": f"agent{person}", "source": "ad"})
        writer.add_coverage([Coverage(name, "ad", State.COMPLETE, 0, collected_at=at) for name in COLLECTED])
    with history.opened(folder) as memory:
        run = memory.compared(replace(examples.run(), as_of=at, snapshot_sha256=snapshot.read(folder / "snapshot").sha256), "last")
        run = replace(run, exit=exit_code.decide(run))
        closing._write(settings, run, closing.Wishes(FORMATS))
        memory.record(run, settings)


def readable(folder: Path) -> datetime | None:
    """Read everything that is there to its end; the newest instant in the history."""
    if (folder / "snapshot").exists() or (folder / "snapshot.old").exists():
        assert snapshot.read(folder / "snapshot").as_of >= START
    for name in ("report.json", "audit.sarif"):
        if (folder / name).exists():
            json.loads((folder / name).read_text(encoding="utf-8"))
    if (folder / "report.html").exists():
        assert (folder / "report.html").read_text(encoding="utf-8").endswith("</html>\n")
    if (folder / "findings.csv").exists():
        assert (folder / "findings.csv").read_bytes().endswith(b"\r\n")
    with history.opened(folder) as memory:
        assert memory._database.execute("pragma integrity_check").fetchone() == ("ok",)
        newest = memory._database.execute("select max(as_of) from run").fetchone()[0]
    return datetime.fromisoformat(newest) if newest else None


_WRITER = """
import sys
from pathlib import Path
from tests.test_crash import audit
print("ready", flush=True)
for number in range(int(sys.argv[2]), 100_000):
    audit(Path(sys.argv[1]), number)
    print(number, flush=True)
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is a Unix signal")
def test_killed_300_times_everything_reads_and_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    dice, number, acknowledged = Random(20261121), 0, 0
    for _ in range(300):
        with subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(tmp_path), str(number)], stdout=subprocess.PIPE, text=True, cwd=ROOT
        ) as process:  # fmt: skip
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            time.sleep(dice.uniform(0, 0.6))
            process.send_signal(signal.SIGKILL)
            told = [int(line) for line in process.stdout if line.endswith("\n")]
        acknowledged += len(told)
        newest = readable(tmp_path)
        if told:
            assert newest is not None
            assert newest >= START + timedelta(weeks=told[-1])
        number = round((newest - START) / timedelta(weeks=1)) + 1 if newest else 0
    assert acknowledged > 30


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of a few megabytes of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    if mount is None or subprocess.run([mount, "-t", "tmpfs", "-o", "size=12m", "none", str(folder)], capture_output=True).returncode:
        pytest.skip("this user may not mount a disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_leaves_every_old_file_as_it_was(small_disk: Path) -> None:
    out = small_disk / "out"
    audit(out, 0)
    before = {path: path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file() and "history" not in path.name}
    assert len(before) > 10
    for left in (0, 4096, 100_000, 300_000, 600_000):
        (small_disk / "ballast").write_bytes(b"\0" * (shutil.disk_usage(small_disk).free - left))
        with pytest.raises((OSError, AuditorError)):
            audit(out, 1)
        (small_disk / "ballast").unlink()
        assert readable(out) == START
        if left < 100_000:  # not even the snapshot could be written
            assert {path: path.read_bytes() for path in before} == before
    reports = {path: content for path, content in before.items() if path.parent == out}
    assert {path: path.read_bytes() for path in reports} == reports
