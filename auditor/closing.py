"""The end of every audit: judge, compare with earlier runs, write the reports, remember the run, and say what came out.

The order matters: the reports are written before the run enters the history, so that a run that was remembered was also reported.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING

from auditor.errors import ConfigError, os_reason
from auditor.model import Text
from auditor.steps import say, unwritable, warn

if TYPE_CHECKING:
    from auditor.config import Audit
    from auditor.model import Rule, Run
    from auditor.snapshot import Snapshot


@dataclass(frozen=True)
class Wishes:
    """What the command line asks of the end of a run.

    `baseline` is empty, `last` or a report.json; `accept_drop` names sources whose loss of rows is intended; `partial` says that only some
    rules were run: the full reports and the history then stay as they are. `tell` sends the messages of the section notify.
    """

    formats: tuple[str, ...] = ("html", "json")
    baseline: str = ""
    only_new: bool = False
    accept_drop: tuple[str, ...] = ()
    redact: bool = False
    seal: bool = False
    quiet: bool = False
    partial: bool = False
    tell: bool = True

    def __post_init__(self) -> None:
        """Refuse what cannot be, before anything is read."""
        if self.seal and "html" not in self.formats:
            raise ConfigError(
                "--seal encrypts the HTML report; add html to --format.",
                fr="--seal chiffre le rapport HTML\u00a0; ajoutez html à --format.",
            )


def finish(settings: Audit, snapshot: Snapshot, rules: tuple[Rule, ...], wishes: Wishes) -> int:
    """Judge, write the reports, remember the run and say what came out; returns the exit code."""
    from auditor import assess, history, notify, plan, redact, score, waivers
    from auditor.report import exit_code

    accepted = waivers.load(settings.waivers, rules, partial=wishes.partial)
    if wishes.redact:
        warn(redact.prepared(settings).in_language(settings.language))
    try:
        with history.opened(settings.output) as memory:
            snapshot = memory.without_losses(snapshot, settings, wishes.accept_drop)
            run = assess.assess(snapshot, settings, rules)
            run = waivers.apply(run, accepted, memory.waivers_before(run.as_of), settings.rules)
            run = replace(run, only_new=wishes.only_new)
            if not wishes.partial:
                run = replace(run, score=score.of(run), plan=plan.of(run, settings.plan))
            # The trend holds the grade of this run.
            run = memory.compared(run, wishes.baseline, partial=wishes.partial)
            run = replace(run, exit=exit_code.decide(run))
            shown = redact.redacted(run, snapshot, settings) if wishes.redact else run
            written = _write(redact.without_brand(settings) if wishes.redact else settings, shown, wishes)
            _job_summary(settings, shown)
            if not wishes.partial:
                memory.record(run, settings)
    except OSError as error:
        raise unwritable(settings.output, error) from error
    if not wishes.quiet:
        _summary(settings, shown, written)
    if wishes.tell and not wishes.partial:
        for failure in notify.send(shown, settings):
            warn(failure.in_language(settings.language))
    assert run.exit is not None  # noqa: S101 - set above
    warn(f"{run.exit.reason.in_language(settings.language)} (code {run.exit.code})")
    return run.exit.code


def _write(settings: Audit, run: Run, wishes: Wishes) -> list[Path]:
    """The files of every format, once all are made; those of a format with a folder of its own replace the whole folder."""
    from auditor import safe
    from auditor.report import formats, seal

    folder = settings.output / "only" if wishes.partial else settings.output
    made: dict[str, str | bytes] = {}
    words = ""
    for name in wishes.formats:
        files = formats.files(name, run, settings)
        if wishes.seal and name == "html":
            files, words = seal.sealed(files, settings.language)
        made |= files
    for name in sorted({file.partition("/")[0] for file in made if "/" in file}):
        _replace_folder(folder / name, made)
    written = {folder / file: content for file, content in made.items() if "/" not in file}
    safe.private_writes(written)
    if wishes.seal:
        # What an earlier run left in the clear must not lie beside it.
        (folder / "report.html").unlink(missing_ok=True)
        warn(seal.handed_over(words, settings.language, alone=wishes.formats == ("html",)))
    return list(written)


def _job_summary(settings: Audit, run: Run) -> None:
    """Add the summary to the page of a GitHub job, where the runner names its file."""
    from auditor.report import markdown_report
    from auditor.report.i18n import Phrases

    if page := os.environ.get("GITHUB_STEP_SUMMARY"):
        try:
            with Path(page).open("a", encoding="utf-8", newline="\n") as file:
                file.write(markdown_report.render(run, Phrases(settings.language)))
        except OSError as error:
            # The page is the runner's, beside the reports: without it the audit is whole.
            reason = os_reason(error)
            told = Text(
                f"GITHUB_STEP_SUMMARY: {reason.en}; the format markdown writes the same page to summary.md.",
                f"GITHUB_STEP_SUMMARY\u00a0: {reason.fr}\u00a0; le format markdown écrit la même page dans summary.md.",
            )
            warn(told.in_language(settings.language))


def _replace_folder(folder: Path, files: Mapping[str, str | bytes]) -> None:
    from auditor import safe

    with safe.whole_folder(folder) as partial:
        for file, content in files.items():
            if file.partition("/")[0] == folder.name:
                safe.private_write(partial / file.partition("/")[2], content)


def _summary(settings: Audit, run: Run, files: list[Path]) -> None:
    from auditor.report import terminal

    unicode = (sys.stdout.encoding or "").lower().startswith("utf")
    colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
    width = get_terminal_size((terminal.WIDTH, 24)).columns
    say(terminal.summary(run, settings.language, colour=colour, unicode=unicode, files=[str(path) for path in files], width=width))
