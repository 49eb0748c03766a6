"""Backups: what the software lists, what the hospital attests, and the faults of both. The same at any size."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from hashlib import sha256
from zoneinfo import ZoneInfo

from sample_data.generator.model import DNS, Hospital

PARIS = ZoneInfo("Europe/Paris")
NIGHTS = 30


@dataclass(frozen=True)
class Job:
    """Something backed up every night: `hours` since its latest backup, in the repository `where`. `by` is how audit.yaml names it."""

    by: str
    where: str
    host: str
    hours: float = 4.0
    path: str = "/srv/data"
    tag: str = ""


@dataclass(frozen=True)
class Copy:
    """A copy somebody vouches for; `age` in days since it was written."""

    name: str
    medium: str
    site: str
    age: int
    off_site: bool = False
    offline: bool = False
    immutable: bool = False
    encrypted: bool = True


@dataclass(frozen=True)
class Restore:
    """A restore that was tried `age` days before the audit of week 1; minutes taken and allowed."""

    age: int
    scope: str
    copy: str
    result: str = "pass"
    minutes: int = 90
    target: int = 240
    referent: str = "cadre de santé"
    proof: bool = True


@dataclass(frozen=True)
class System:
    """A critical system of audit.yaml: its name, what backs it up (a job that is None was never backed up), copies and restores."""

    name: str
    jobs: tuple[Job | str, ...]
    copies: tuple[Copy, ...] = ()
    restores: tuple[Restore, ...] = ()
    max_age_hours: int = 24

    @property
    def key(self) -> str:
        """Name as the product compares it."""
        return self.name.lower()


@dataclass(frozen=True)
class Alerts:
    """What a console does with a backup that failed: who is told, and the age in days of the oldest of those nobody took in hand."""

    sent: bool = True
    owner: str = "équipe infrastructure"
    unowned: int = 0
    oldest: int = 0


@dataclass(frozen=True)
class Console:
    """A backup console; `age` in days since the statement."""

    name: str
    auth_source: str
    mfa: bool
    operators: int
    may_erase: int
    age: int
    alerts: Alerts


@dataclass(frozen=True)
class Repository:
    """A repository: its software, its mode of encryption, and the command that listed it."""

    name: str
    tool: str
    mode: str
    command: str = "list"
    extra: tuple[tuple[str, float], ...] = field(default=())
    """Archives that are not finished backups, as (name, hours ago)."""

    @property
    def id(self) -> str:
        """Identifier, as borg draws one."""
        return _digest(f"repository {self.name}")


def _disk(age: int = 1) -> Copy:
    return Copy("disque", "disk", "salle 1", age)


def _tape(age: int = 4, **changes: bool) -> Copy:
    return Copy("bandes", "tape", "coffre, site nord", age, **{"off_site": True, "offline": True, **changes})


REPOSITORIES = (
    Repository("restic-chu", "restic", "restic"),
    Repository("restic-sites", "restic", "restic"),
    Repository("borg-imagerie", "borg", "repokey-blake2", "info"),
    Repository("borg-bureautique", "borg", "none", extra=(("messagerie-interrompue.checkpoint", 2.0),)),
    Repository("borg-plateau", "borg", "authenticated-blake2"),
)

SYSTEMS = (
    System(
        "DPI", (Job("srv-dpi-db", "restic-chu", "srv-dpi-db"), Job("srv-dpi-app", "restic-chu", "srv-dpi-app")), (_disk(), _tape()),
        (Restore(37, "full", "offline", minutes=240), Restore(200, "file", "local", "fail")),
    ),
    # A day and two hours without a backup would be late; forty-eight hours are allowed here.
    System("PACS", (Job("pacs-*", "borg-imagerie", "srv-pacs", 30),), (_disk(), _tape(30)), (Restore(120, "db", "offsite"),), 48),
    # Late, and restored from the local copy only.
    System("Laboratoire", (Job("srv-labo", "restic-chu", "srv-labo", 76),), (_disk(),), (Restore(60, "db", "local"),)),
    # One of two jobs was never made; the restore took too long.
    System(
        "Pharmacie", (Job("srv-pharma-db", "restic-chu", "srv-pharma-db"), "srv-pharma-app"), (_disk(), _tape()),
        (Restore(90, "full", "offline", minutes=300),),
    ),
    # Just in time; no tape, but a locked object storage elsewhere; slow once, then corrected.
    System(
        "Urgences", (Job("/srv/urgences", "restic-chu", "srv-urg", 25.9, "/srv/urgences"),),
        (_disk(), Copy("objet", "object_storage", "prestataire", 1, off_site=True, immutable=True)),
        (Restore(364, "full", "offsite", minutes=500), Restore(100, "full", "offsite", minutes=120)),
    ),
    # One minute too late, which only the time zone shows; the tape is stale; nobody looked at the restore.
    System(
        "Bloc opératoire", (Job("bloc-*", "borg-plateau", "srv-bloc", 26 + 1 / 60),), (_disk(), _tape(45)),
        (Restore(150, "full", "offline", referent="", proof=False),),
    ),
    System(DNS, (Job("annuaire", "restic-chu", "srv-dc1", tag="annuaire"),), (_disk(), _tape()), (
        Restore(500, "ad", "offline"), Restore(60, "ad", "offline", "partial"))),
    # The latest archive is an interrupted one.
    System(
        "Messagerie", (Job("messagerie-*", "borg-bureautique", "srv-mail", 98),), (_disk(), _tape(encrypted=False)),
        (Restore(80, "full", "offline", proof=False),),
    ),
    System(
        "Biomédical", (Job("srv-biomed", "restic-sites", "srv-biomed", 220),),
        (_disk(), Copy("second disque", "disk", "site sud", 1, off_site=True)), (Restore(30, "file", "offsite"),),
    ),
    System("Paie", (Job("srv-paie", "restic-sites", "srv-paie"),), (), (Restore(400, "full", "offline", minutes=900, proof=False),)),
    System(
        "Téléphonie", (Job("srv-tel", "restic-sites", "srv-tel"),),
        (Copy("disque", "disk", "salle 1", 1, encrypted=False), _tape(off_site=False)),
    ),
)  # fmt: skip

CONSOLES = (
    Console("console-chu", "production_directory", mfa=True, operators=9, may_erase=5, age=20, alerts=Alerts(unowned=2, oldest=12)),
    Console("robot-bandes", "local", mfa=True, operators=3, may_erase=3, age=364, alerts=Alerts(sent=False)),
    # Near miss: an alert of yesterday that somebody will take in hand.
    Console("coffre-objet", "dedicated_directory", mfa=False, operators=4, may_erase=2, age=20, alerts=Alerts(unowned=1, oldest=1)),
)

EVENTS = (
    ("policy", "backup", 400), ("exercise", "backup", 20), ("review", "access", 30), ("exercise", "crisis", 380), ("review", "crisis", 15),
)  # fmt: skip
"""Kind, topic and age in days."""


def files(hospital: Hospital) -> dict[str, bytes]:
    """backups/*.json and evidence/."""
    content = {}
    for repository in REPOSITORIES:
        document = _restic(hospital, repository) if repository.tool == "restic" else _borg(hospital, repository)
        content[f"backups/{repository.name}.json"] = document.encode()
    for name, text in _evidence(hospital).items():
        content[f"evidence/{name}"] = text.encode()
    return content


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def _moments(hospital: Hospital, job: Job) -> list[datetime]:
    """Starts of the backups of a job, oldest first, UTC."""
    hours = [job.hours + 24 * night for night in range(NIGHTS)]
    return [hospital.as_of - timedelta(hours=one) for one in reversed(hours)]


def _jobs(repository: Repository) -> list[Job]:
    return [job for system in SYSTEMS for job in system.jobs if isinstance(job, Job) and job.where == repository.name]


def _restic(hospital: Hospital, repository: Repository) -> str:
    """`restic snapshots --json`: one line, times in UTC with nanoseconds, no tags when none was set."""
    snapshots = []
    for job in _jobs(repository):
        for start in _moments(hospital, job):
            identity = _digest(f"{repository.name} {job.host} {start.isoformat()}")
            snapshot: dict[str, object] = {
                "time": start.strftime("%Y-%m-%dT%H:%M:%S.") + f"{int(identity[:7], 16) % 10**9:09d}Z", "tree": _digest(f"tree {identity}"),
                "paths": [job.path], "hostname": job.host, "username": "root",
            }  # fmt: skip
            if job.tag:
                snapshot["tags"] = [job.tag]
            snapshots.append({**snapshot, "id": identity, "short_id": identity[:8]})
    return json.dumps(sorted(snapshots, key=lambda one: str(one["time"])), separators=(",", ":"))


def _local(moment: datetime) -> str:
    """A UTC time as borg writes it: local, without zone."""
    return moment.replace(tzinfo=ZoneInfo("UTC")).astimezone(PARIS).strftime("%Y-%m-%dT%H:%M:%S.000000")


def _borg(hospital: Hospital, repository: Repository) -> str:
    """`borg list --json` or `borg info --json`: indented, keys in order."""
    archives = []
    for job in _jobs(repository):
        stem = job.by.removesuffix("*")
        named = [(f"{stem}{_local(start)[:10]}", start) for start in _moments(hospital, job)]
        named += [(name, hospital.as_of - timedelta(hours=hours)) for name, hours in repository.extra]
        archives += [_archive(repository, job, name, start) for name, start in named]
    last = max(str(archive["start"]) for archive in archives)
    document = {
        "archives": sorted(archives, key=lambda one: str(one["start"])),
        "encryption": {"mode": repository.mode},
        "repository": {"id": repository.id, "last_modified": last, "location": f"/sauvegardes/{repository.name}"},
    }
    return json.dumps(document, indent=4, sort_keys=True) + "\n"


def _archive(repository: Repository, job: Job, name: str, start: datetime) -> dict[str, object]:
    local = _local(start)
    archive: dict[str, object] = {"id": _digest(f"{repository.name} {name}"), "name": name, "start": local}
    if repository.command == "list":
        return {**archive, "archive": name, "barchive": name, "time": local}
    return {
        **archive, "end": _local(start + timedelta(minutes=50)), "duration": 3000.5, "hostname": job.host, "username": "root",
        "comment": "", "limits": {"max_archive_size": 0.02},
        "stats": {"compressed_size": 41_000_000_000, "deduplicated_size": 900_000_000, "nfiles": 120_000, "original_size": 52_000_000_000},
    }  # fmt: skip


def _evidence(hospital: Hospital) -> dict[str, str]:
    proofs: dict[str, str] = {}
    tests = [_restore(hospital, system, restore, proofs) for system in SYSTEMS for restore in system.restores]
    copies = [
        _entry(
            "copy", hospital.day(1), system=system.key, name=copy.name, medium=copy.medium, site=copy.site, off_site=copy.off_site,
            offline=copy.offline, immutable=copy.immutable, encrypted=copy.encrypted, last_written=hospital.day(copy.age),
        )
        for system in SYSTEMS for copy in system.copies
    ]  # fmt: skip
    consoles = [
        _entry(
            "console", hospital.day(console.age), name=console.name, auth_source=console.auth_source, mfa=console.mfa,
            operators=console.operators, may_erase=console.may_erase,
        )
        for console in CONSOLES
    ]  # fmt: skip
    events = [_entry(kind, hospital.day(age), topic=topic, owner="RSSI") for kind, topic, age in EVENTS]
    lists = {
        "restore_tests.yaml": tests, "copies.yaml": copies, "consoles.yaml": consoles, "gouvernance.yaml": events,
        "alertes.yaml": [_alerts(hospital, console) for console in CONSOLES],
    }  # fmt: skip
    return {**proofs, **{name: "\n".join(["# Données fictives / fictitious data", *entries]) for name, entries in lists.items()}}


def _alerts(hospital: Hospital, console: Console) -> str:
    told = console.alerts
    oldest = {"oldest_unowned": hospital.day(told.oldest)} if told.unowned else {}
    return _entry("alerts", hospital.day(1), console=console.name, alerted=told.sent, owner=told.owner, unowned=told.unowned, **oldest)


def _restore(hospital: Hospital, system: System, restore: Restore, proofs: dict[str, str]) -> str:
    day = hospital.day(restore.age + hospital.elapsed)
    values: dict[str, object] = {
        "system": system.name, "scope": restore.scope, "from_copy": restore.copy, "result": restore.result,
        "duration_min": restore.minutes, "rto_target_min": restore.target, "rpo_h": 24, "tester": "équipe infrastructure",
    }  # fmt: skip
    if restore.referent:
        values["business_referent"] = restore.referent
    if restore.proof:
        name = f"proofs/{day:%Y-%m-%d}-{_digest(system.key)[:8]}.txt"
        # Without an end of line: no checkout changes it.
        proofs[name] = f"Données fictives. Essai de restauration du {day:%d/%m/%Y} : {system.name}, {restore.minutes} min."
        values |= {"proof_file": name, "sha256": _digest(proofs[name])}
    return _entry("restore_test", day, **values)


def _entry(kind: str, day: date, **values: object) -> str:
    lines = [f"- kind: {kind}", f"  date: {day:%Y-%m-%d}"]
    for key, value in values.items():
        shown = str(value).lower() if isinstance(value, bool) else json.dumps(value, ensure_ascii=False) if key == "sha256" else value
        lines.append(f"  {key}: {shown}")
    return "\n".join([*lines, ""])
