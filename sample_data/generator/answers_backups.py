"""Answers of recommendation 3 about backups and what is attested, and of the crisis exercise of recommendation 5."""

from __future__ import annotations

from sample_data.generator.backups import CONSOLES, EVENTS, REPOSITORIES, SYSTEMS, Job, Restore, System
from sample_data.generator.facts import Facts
from sample_data.generator.model import DNS, DOMAIN_SID

GRACE_HOURS, YEAR, COPY_DAYS, ERASERS = 2, 365, 31, 3
ENCRYPTED = ("restic", "repokey", "repokey-blake2", "keyfile", "keyfile-blake2")


def answers(facts: Facts) -> dict[str, list[str]]:
    """Rule -> failing resources."""
    hospital = facts.hospital
    year = [(system, restore) for system in SYSTEMS for restore in system.restores if restore.age + hospital.elapsed < YEAR]

    def tried(system: System, restore: Restore) -> str:
        return f"attestations/{system.key}/{hospital.day(restore.age + hospital.elapsed)} 00:00:00/{restore.scope}/{restore.copy}"

    return {
        "BKP-001": [system.key for system in SYSTEMS if _is_late(system)],
        "BKP-002": [f"{r.tool}/{r.id if r.tool == 'borg' else r.name}" for r in REPOSITORIES if r.mode not in ENCRYPTED],
        "BKP-003": [system.key for system in SYSTEMS if not _has_enough_copies(system)],
        "BKP-004": (
            [] if any(s.key == DNS and r.result == "pass" and r.scope == "ad" for s, r in year) else [DOMAIN_SID]
        ),
        "BKP-005": [f"attestations/{console.name}" for console in CONSOLES if console.auth_source == "production_directory"],
        "BKP-007": [
            system.key for system in SYSTEMS
            if not any(s is system and r.result == "pass" and r.scope != "file" and r.referent for s, r in year)
        ],
        "BKP-008": [
            f"attestations/{console.name}" for console in CONSOLES
            if not console.alerts.sent or not console.alerts.owner or console.alerts.oldest > 3
        ],
        "BKP-009": [tried(system, restore) for system, restore in year if not restore.proof],
        "BKP-010": [
            f"attestations/{system.key}/{restore.scope}/{restore.copy}" for system, restore in year
            if restore.result == "pass" and restore.minutes > restore.target
            and not any(s is system and r.age < restore.age and r.result == "pass" for s, r in year)
        ],
        "BKP-011": [f"attestations/{system.key}/{copy.name}" for system in SYSTEMS for copy in system.copies if not copy.encrypted],
        "BKP-012": [f"attestations/{console.name}" for console in CONSOLES if not console.mfa],
        "BKP-013": [f"attestations/{console.name}" for console in CONSOLES if console.may_erase > ERASERS],
        "BKP-014": [] if _held(("policy", "review"), "backup") else ["policy/backup"],
        "BKP-015": [
            system.key for system in SYSTEMS if not any(s is system and r.result == "pass" and r.copy != "local" for s, r in year)
        ],
        "TRN-005": [] if _held(("exercise",), "crisis") else ["exercise/crisis"],
    }  # fmt: skip


def _is_late(system: System) -> bool:
    return any(not isinstance(job, Job) or job.hours > system.max_age_hours + GRACE_HOURS for job in system.jobs)


def _has_enough_copies(system: System) -> bool:
    fresh = [copy for copy in system.copies if copy.age < COPY_DAYS]
    return (
        len({copy.medium for copy in fresh}) >= 2
        and any(copy.off_site for copy in fresh)
        and any(copy.offline or copy.immutable for copy in fresh)
    )


def _held(kinds: tuple[str, ...], topic: str) -> bool:
    return any(kind in kinds and about == topic and age < YEAR for kind, about, age in EVENTS)
