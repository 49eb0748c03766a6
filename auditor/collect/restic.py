"""restic: what `restic snapshots --json` lists. Every snapshot of that list is a backup that was finished.

The list has neither size nor result, and does not name its repository. Times are RFC 3339 with nanoseconds and an offset; `tags` is
absent when none was given. A restic repository is always encrypted; whether its password is empty, the list does not say.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from auditor.collect import backup_file
from auditor.collect.backup_file import Found
from auditor.config import Restic
from auditor.model import Value
from auditor.snapshot import Writer


def collect(settings: Restic, writer: Writer, progress: Callable[[str, int], None]) -> None:
    """Fill backup_repository and backup_job; see backup_file.collect for what is said of files that cannot be read."""
    backup_file.collect(settings, writer, progress, _read)


def _read(path: Path, found: Found) -> None:
    document = backup_file.load(path)
    # An empty repository is written as [] by some versions and as null by others.
    snapshots = [] if document is None else document
    if not isinstance(snapshots, list):
        raise backup_file.other_shape(path, "restic snapshots --json")
    repository = path.stem
    found.repositories[repository] = {
        "repository": repository, "location": "", "tool": "restic", "encryption": "restic", "encrypted": True,
    }  # fmt: skip
    for number, snapshot in enumerate(snapshots, 1):
        try:
            job = _job(repository, snapshot)
        except ValueError as error:
            found.refuse(path, number, backup_file.bad_key(str(error)))
            continue
        found.jobs[repository, str(job["job_id"])] = job


def _job(repository: str, snapshot: object) -> dict[str, Value]:
    """One snapshot; ValueError with the name of the field that cannot be read."""
    if not isinstance(snapshot, dict):
        raise ValueError("id")  # noqa: TRY004 - one kind of error for an entry that cannot be read
    job_id = backup_file.text(snapshot, "id")
    if not job_id:
        raise ValueError("id")
    return {
        "repository": repository,
        "job_id": job_id,
        "host": backup_file.text(snapshot, "hostname"),
        "archive": "",
        "paths": backup_file.lines(snapshot, "paths"),
        "tags": backup_file.lines(snapshot, "tags"),
        "taken_at": backup_file.utc(backup_file.moment(snapshot, "time"), "time"),
    }
