"""What proves that the hospital could restore: backups taken, copies kept, restores tried, consoles, and signed statements."""

from __future__ import annotations

from auditor.model import Text
from auditor.tables.schema import Table, flag, integer, text, time

_BACKUPS = Text(
    en="Export the list of backups every night (restic snapshots --json, borg list --json) under a source of type restic or borg.",
    fr="Exporter chaque nuit la liste des sauvegardes (restic snapshots --json, borg list --json) dans une source de type restic ou borg.",
)
_ATTESTED = Text(
    en="Keep the statements (copies, restore tests, consoles, exercises) as YAML under a source of type attestations; `audit attest` writes them.",
    fr="Tenir les attestations (copies, essais de restauration, consoles, exercices) en YAML dans une source de type attestations ; "
    "`audit attest` les écrit.",
)
_SYSTEMS = Text(
    en="List the critical systems and what backs them up under systems in audit.yaml.",
    fr="Lister les systèmes critiques et ce qui les sauvegarde sous systems dans audit.yaml.",
)

BACKUP_REPOSITORY = Table(
    "backup_repository",
    "Where the backup software puts its backups.",
    ("source", "repository"),
    (
        text("source", "Which source described it.", "restic:test"),
        text("repository", "Identifier of the repository (borg), or name of the exported file without extension (restic)."),
        text("location", "Where it is kept, as the software says; empty when it does not.", personal="host"),
        text("tool", "restic or borg.", "restic"),
        text("encryption", "Mode of encryption in the tool’s words; restic for restic, which knows only one.", "restic"),
        flag("encrypted", "The content cannot be read without a key.", True),
    ),
    _BACKUPS,
)

BACKUP_JOB = Table(
    "backup_job",
    "Each backup that was finished and is still kept.",
    ("source", "repository", "job_id"),
    (
        text("source", "Which source described it.", "restic:test"),
        text("repository", "Repository that holds it."),
        text("job_id", "Identifier of the snapshot or archive."),
        text("host", "Machine that was backed up, as the software says; empty when it does not.", personal="host"),
        text("archive", "Name of the archive (borg); empty for restic."),
        text("paths", "What was backed up, one path a line; empty when the software does not say."),
        text("tags", "Tags given to the backup, one a line; empty when there are none."),
        time("taken_at", "When the backup began; of two moments a clock change makes possible, the earlier."),
    ),
    _BACKUPS,
    may_be_empty=True,
    events=True,
)

BACKUP_COPY = Table(
    "backup_copy",
    "Copies of the backups of a system that somebody vouches for: tapes, a second site, a cloud.",
    ("source", "system", "copy_name"),
    (
        text("source", "Which folder of statements.", "attestations:test"),
        text("system", "System, in lower case."),
        text("label", "Name of the system as written in the statement.", "neutral"),
        text("copy_name", "Name of the copy, unique for its system."),
        text("medium", "disk, tape, optical, removable or object_storage.", "disk"),
        text("site", "Where it is kept."),
        flag("off_site", "It is kept away from the site it protects."),
        flag("offline", "No network reaches it, except while it is written."),
        flag("immutable", "Nobody can change or erase it before its term, not even an administrator."),
        flag("encrypted", "It cannot be read without a key.", True),
        time("last_written_at", "Day on which it was last written."),
        time("attested_at", "Day of the statement."),
        flag("proven", "The statement comes with a file whose hash matches.", True),
    ),
    _ATTESTED,
    may_be_empty=True,
)

RESTORE_TEST = Table(
    "restore_test",
    "Each restore that was tried and recorded.",
    ("source", "system", "tested_at", "scope", "from_copy"),
    (
        text("source", "Which folder of statements.", "attestations:test"),
        text("system", "System, in lower case; for the directory, the DNS name of its domain."),
        text("label", "Name of the system as written in the statement.", "neutral"),
        time("tested_at", "Day of the test."),
        text("scope", "file, db, full or ad.", "full"),
        text("from_copy", "Copy the restore came from: offline, offsite or local.", "offline"),
        text("result", "pass, partial or fail.", "pass"),
        integer("duration_minutes", "How long the restore took.", 60),
        integer("target_minutes", "How long it may take.", 240),
        integer("lost_hours", "Age of the data when it came back: what was entered since is lost.", 24),
        text("tester", "Team that restored.", "infrastructure", personal="post"),
        text(
            "business_referent",
            "Who, on the side of care or of the trade, said that the result is usable; empty when nobody did.",
            "ward",
            personal="post",
        ),
        flag("proven", "The record comes with a file whose hash matches.", True),
    ),
    _ATTESTED,
    may_be_empty=True,
    events=True,
)

BACKUP_CONSOLE = Table(
    "backup_console",
    "Consoles from which backups are run, and erased.",
    ("source", "console"),
    (
        text("source", "Which folder of statements.", "attestations:test"),
        text("console", "Name of the console, in lower case.", personal="host"),
        text("auth_source", "What its operators sign in against: production_directory, dedicated_directory, local or cloud.", "local"),
        flag("second_factor", "A second factor is demanded of everybody.", True),
        integer("operators", "People who may sign in.", 3),
        integer("erasers", "Of these, people who may erase backups or shorten how long they are kept.", 2),
        time("attested_at", "Day of the statement."),
        flag("proven", "The statement comes with a file whose hash matches.", True),
    ),
    _ATTESTED,
)

BACKUP_ALERT = Table(
    "backup_alert",
    "What becomes of the alerts of each backup console when a backup fails.",
    ("source", "console"),
    (
        text("source", "Which folder of statements.", "attestations:test"),
        text("console", "Name of the console, in lower case.", personal="host"),
        flag("alerted", "A backup that fails sends an alert.", True),
        text("owner", "Team or post that reads the alerts; empty when nobody does.", "infrastructure", personal="post"),
        integer("unowned", "Alerts nobody has taken in hand, on the day of the statement."),
        time(
            "oldest_unowned_at", "Day of the oldest of these; NULL with none_unowned true when there is none.", absent_when="none_unowned"
        ),
        flag("none_unowned", "Somebody has taken every alert in hand."),
        time("attested_at", "Day of the statement."),
        flag("proven", "The statement comes with a file whose hash matches.", True),
    ),
    _ATTESTED,
    may_be_empty=True,
)

ATTESTATION = Table(
    "attestation",
    "Exercises held, reviews made and policies in force.",
    ("source", "kind", "topic", "dated_at"),
    (
        text("source", "Which folder of statements.", "attestations:test"),
        text("kind", "exercise, review or policy.", "exercise"),
        text("topic", "What it is about: crisis, backup, access or continuity.", "crisis"),
        time("dated_at", "Day of the exercise or review, or day the policy was last approved."),
        text("owner", "Who answers for it.", personal="post"),
        flag("proven", "The statement comes with a file whose hash matches.", True),
    ),
    _ATTESTED,
    may_be_empty=True,
)

CRITICAL_SYSTEM = Table(
    "critical_system",
    "Systems care cannot do without, as audit.yaml declares them.",
    ("system",),
    (
        text("system", "Name in lower case."),
        text("label", "Name as written in audit.yaml.", "neutral"),
        integer("max_age_hours", "Oldest backup the hospital accepts, in hours.", 24),
    ),
    _SYSTEMS,
)

SYSTEM_BACKUP = Table(
    "system_backup",
    "For each critical system, each thing that backs it up according to audit.yaml, and its latest backup.",
    ("system", "backup"),
    (
        text("system", "Name of the system in lower case."),
        text("backup", "Host, archive, path or tag, as written in audit.yaml."),
        integer("backups", "Backups found, up to the instant of the audit.", 30),
        time(
            "last_backup_at", "Start of the latest one; NULL with never_backed_up true when there is none.", absent_when="never_backed_up"
        ),
        flag("never_backed_up", "No backup was found."),
    ),
    _SYSTEMS,
    ("backup_job",),
)

TABLES = (BACKUP_REPOSITORY, BACKUP_JOB, BACKUP_COPY, RESTORE_TEST, BACKUP_CONSOLE, BACKUP_ALERT, ATTESTATION)
DERIVED_TABLES = (CRITICAL_SYSTEM, SYSTEM_BACKUP)
