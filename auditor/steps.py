"""The steps the commands are made of: settings, rules, collection, and what is written and said at the end.

Everything heavy is imported by the function that needs it, so that `audit --help` stays quick.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from auditor.errors import AuditorError, ConfigError, os_reason
from auditor.model import Language, Text

if TYPE_CHECKING:
    from auditor.config import Audit
    from auditor.model import Rule
    from auditor.snapshot import Snapshot


def settings_of(
    config: Path, output: Path | None, lang: str | None, fail_on: str | None, as_of: str | None, sarif_per: str | None = None
) -> Audit:
    """audit.yaml with the options of the command line on top."""
    from auditor import config as configuration

    settings = configuration.load(config)
    changes: dict[str, object] = {}
    if output is not None:
        changes["output"] = output
    if lang == "both":
        changes["bilingual"] = True
    elif language := language_of(lang):
        changes |= {"language": language, "bilingual": False}
    if fail_on is not None:
        if fail_on not in ("critical", "high", "medium", "low", "never"):
            raise ConfigError(
                f"--fail-on {fail_on}: choose critical, high, medium, low or never.",
                fr=f"--fail-on {fail_on} : choisissez critical, high, medium, low ou never.",
            )
        changes["fail_on"] = fail_on
    if as_of is not None:
        try:
            changes["as_of"] = configuration.naive_utc(as_of)
        except ValueError as error:
            raise ConfigError(
                f"--as-of {as_of}: write a date such as 2026-01-31 or 2026-01-31T06:00:00Z.",
                fr=f"--as-of {as_of} : écrivez une date comme 2026-01-31 ou 2026-01-31T06:00:00Z.",
            ) from error
    if sarif_per is not None:
        if sarif_per not in ("rule", "object"):
            raise ConfigError(
                f"--sarif-per {sarif_per}: choose rule or object.", fr=f"--sarif-per {sarif_per} : choisissez rule ou object."
            )
        changes["sarif_per"] = sarif_per
    if settings.branding.logo:
        from auditor.report import brand

        # A logo that cannot be used is said before hours of collection.
        brand.of(settings.branding)
    return settings.model_copy(update=changes)


def language_of(lang: str | None) -> Language | None:
    """The language of --lang, None without it."""
    if lang is None:
        return None
    try:
        return Language(lang)
    except ValueError as error:
        raise ConfigError(f"--lang {lang}: choose fr or en.", fr=f"--lang {lang} : choisissez fr ou en.") from error


def redacted(wished: bool | None) -> bool:  # noqa: FBT001 - an option
    """--redact and --no-redact decide; without either, a pipeline (CI=true) gets pseudonyms."""
    return os.environ.get("CI", "").lower() in ("true", "1") if wished is None else wished


def formats_of(formats: str) -> tuple[str, ...]:
    """The formats of --format."""
    from auditor.report.formats import FORMATS

    chosen = tuple(part.strip() for part in formats.split(",") if part.strip())
    if unknown := [part for part in chosen or ("",) if part not in FORMATS]:
        known = ", ".join(FORMATS)
        raise ConfigError(f"--format {unknown[0]}: choose among {known}.", fr=f"--format {unknown[0]} : choisissez parmi {known}.")
    return chosen


def rules_of(settings: Audit | None, only: list[str] | None) -> tuple[Rule, ...]:
    """The shipped rules and those of the packs, or those named by --only."""
    from auditor import rules

    loaded = list(rules.load([rules.shipped()]))
    for pack in settings.rules.packs if settings else ():
        # A drive or the root has no name, and an empty name would mean: one of ours.
        loaded += rules.load([pack], pack=pack.name or str(pack))
    ids = [rule.id for rule in loaded]
    if twice := sorted({rule for rule in ids if ids.count(rule) > 1}):
        raise ConfigError(
            f"two rules bear the id {twice[0]}; rename yours.", fr=f"deux règles portent l’identifiant {twice[0]} ; renommez la vôtre."
        )
    if unknown := sorted(set(settings.rules.params if settings else ()) - set(ids)):
        raise ConfigError(
            f"audit.yaml: rules.params.{unknown[0]}: no such rule; `audit rules list` shows them.",
            fr=f"audit.yaml : rules.params.{unknown[0]} : règle inconnue ; `audit rules list` les montre.",
        )
    wanted = {rule.upper() for rule in only or ids}
    if missing := sorted(wanted - set(ids)):
        raise ConfigError(
            f"--only {missing[0]}: no such rule; `audit rules list` shows them.",
            fr=f"--only {missing[0]} : règle inconnue ; `audit rules list` les montre.",
        )
    # A combination and the rules it raises belong together: either alone would tell another severity than the whole audit.
    wanted |= {rule.id for rule in loaded if wanted & set(rule.raises)}
    wanted |= {raised for rule in loaded if rule.id in wanted for raised in rule.raises}
    return tuple(sorted((rule for rule in loaded if rule.id in wanted), key=lambda rule: rule.id))


def collect(settings: Audit, *, progress: bool) -> Snapshot:
    """Read every source into the snapshot of the output folder; NoSourceError, and the old snapshot kept, when none could be read."""
    from auditor import collect as sources
    from auditor import snapshot
    from auditor.model import State

    show = _progress() if progress and sys.stderr.isatty() else _silent
    try:
        with snapshot.create(settings.output / "snapshot", now(settings)) as writer:
            for source in settings.sources:
                sources.collect(source, writer, show)
            unread = [entry for entry in writer.coverage if entry.state in (State.DENIED, State.ABSENT)]
            if len(unread) == len(writer.coverage):
                # Leaving the block by an error keeps the snapshot of the last good collection.
                raise NoSourceError({entry.source: entry.reason for entry in reversed(unread) if entry.reason})
    except OSError as error:
        raise unwritable(settings.output, error) from error
    finally:
        show("", -1)
    return snapshot.read(settings.output / "snapshot")


def now(settings: Audit) -> datetime:
    """The instant the audit speaks of: that of the settings, else the present; nothing further on reads a clock."""
    return settings.as_of or datetime.now(UTC).replace(tzinfo=None, microsecond=0)


def unwritable(folder: Path, error: OSError) -> ConfigError:
    """What to do about a file that could not be written, or a source that went away while it was read."""
    reason, path = os_reason(error), str(error.filename or "")
    if path and not path.startswith(str(folder)):
        return ConfigError(
            f"{path}: {reason.en}; leave the sources in place while the audit reads them.",
            fr=f"{path}\u00a0: {reason.fr}\u00a0; laissez les sources en place pendant que l’audit les lit.",
        )
    return ConfigError(
        f"{folder}: {reason.en}; free some space, correct the rights or choose another --output.",
        fr=f"{folder}\u00a0: {reason.fr}\u00a0; libérez de la place, corrigez les droits ou choisissez un autre --output.",
    )


class NoSourceError(AuditorError):
    """No source could be read: no audit was performed. `reasons` says why, per source."""

    def __init__(self, reasons: Mapping[str, Text]) -> None:
        super().__init__(
            "; ".join((*(f"{source}: {reason.en}" for source, reason in reasons.items()), "no audit was performed.")),
            fr=" ; ".join((*(f"{source} : {reason.fr}" for source, reason in reasons.items()), "aucun audit n’a été mené.")),
        )


def snapshot_of(settings: Audit) -> Snapshot:
    """The snapshot of an earlier collection."""
    from auditor import snapshot

    return snapshot.read(settings.output / "snapshot")


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold the output folder: two audits that write to it at once would mix their files."""
    from filelock import FileLock, Timeout

    from auditor import safe

    try:
        safe.private_folder(folder)
        lock = FileLock(folder / ".lock", timeout=0, mode=0o600)
        lock.acquire()
    except Timeout as error:
        raise ConfigError(
            f"another audit is writing to {folder}; wait for its end or choose another --output.",
            fr=f"un autre audit écrit dans {folder}\u00a0; attendez qu’il finisse ou choisissez un autre --output.",
        ) from error
    except OSError as error:
        raise unwritable(folder, error) from error
    try:
        yield
    finally:
        lock.release()


def _silent(_source: str, _rows: int) -> None:
    """No progress."""


def _progress() -> Callable[[str, int], None]:
    """A line on stderr that counts the rows of the source being read; a negative number wipes it."""

    def show(source: str, rows: int) -> None:
        sys.stderr.write(f"\r\x1b[K{source} {rows:,}" if rows >= 0 else "\r\x1b[K")
        sys.stderr.flush()

    return show


def say(text: str) -> None:
    """Write a result to stdout."""
    sys.stdout.write(text.rstrip("\n") + "\n")


def warn(text: str) -> None:
    """Write a message to stderr."""
    sys.stderr.write(text.rstrip("\n") + "\n")
