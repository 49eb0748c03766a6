"""borg: what `borg list --json` and `borg info --json` list. Every archive of a repository is a backup that was finished.

Times of borg 1.2 have no zone: they are those of the machine that ran the command. Of two moments that the clock change in October
makes possible the earlier is taken, so that a backup never looks fresher than it is. `borg list` does not name the host, `borg info` does.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

from auditor.collect import backup_file
from auditor.collect.backup_file import Found
from auditor.config import Borg
from auditor.model import Value
from auditor.snapshot import Writer

_COMMAND = "borg list --json"
_CHECKPOINT = re.compile(r"\.checkpoint(\.[0-9]+)?$")
"""End of the name of an archive that was interrupted."""

_READABLE_BY_ANYBODY = frozenset({"none", "authenticated", "authenticated-blake2"})
"""Modes without encryption; the authenticated ones sign the data and leave it readable."""


def collect(settings: Borg, writer: Writer, progress: Callable[[str, int], None]) -> None:
    """Fill backup_repository and backup_job; see backup_file.collect for what is said of files that cannot be read."""
    zone = ZoneInfo(settings.timezone)
    backup_file.collect(settings, writer, progress, lambda path, found: _read(path, found, zone))


def _read(path: Path, found: Found, zone: ZoneInfo) -> None:
    document = backup_file.load(path)
    if not isinstance(document, dict):
        raise backup_file.other_shape(path, _COMMAND)
    archives, repository, encryption = document.get("archives"), document.get("repository"), document.get("encryption")
    if not (isinstance(archives, list) and isinstance(repository, dict) and isinstance(encryption, dict)):
        raise backup_file.other_shape(path, _COMMAND)
    try:
        repository_id, mode = backup_file.text(repository, "id"), backup_file.text(encryption, "mode")
        location = backup_file.text(repository, "location")
    except ValueError as error:
        raise backup_file.other_shape(path, _COMMAND) from error
    if not (repository_id and mode):
        raise backup_file.other_shape(path, _COMMAND)
    found.repositories[repository_id] = {
        "repository": repository_id, "location": location, "tool": "borg", "encryption": mode,
        "encrypted": mode not in _READABLE_BY_ANYBODY,
    }  # fmt: skip
    for number, archive in enumerate(archives, 1):
        try:
            job = _job(repository_id, archive, zone)
        except ValueError as error:
            found.refuse(path, number, backup_file.bad_key(str(error)))
            continue
        key = (repository_id, str(job["job_id"]))
        if _CHECKPOINT.search(str(job["archive"])):
            continue
        # The same archive may come from both commands: keep the one that names the host.
        if key not in found.jobs or not found.jobs[key]["host"]:
            found.jobs[key] = job


def _job(repository: str, archive: object, zone: ZoneInfo) -> dict[str, Value]:
    """One archive; ValueError with the name of the field that cannot be read."""
    if not isinstance(archive, dict):
        raise ValueError("id")  # noqa: TRY004 - one kind of error for an entry that cannot be read
    job_id = backup_file.text(archive, "id")
    if not job_id:
        raise ValueError("id")
    start = backup_file.moment(archive, "start")
    return {
        "repository": repository,
        "job_id": job_id,
        "host": backup_file.text(archive, "hostname"),
        "archive": backup_file.text(archive, "name"),
        "paths": "",
        "tags": "",
        "taken_at": backup_file.utc(start if start.tzinfo else start.replace(tzinfo=zone), "start"),
    }
