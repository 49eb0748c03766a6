"""The `audit` command: options, files and exit codes; the work is done elsewhere and imported when a command needs it.

Exit codes: 0 everything at or above --fail-on was assessed and nothing found · 1 findings at or above it · 2 usage, configuration
or internal error · 3 incomplete: controls at or above it could not be assessed · 4 no audit was performed.
"""

from __future__ import annotations

import locale
import os
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from auditor import __version__
from auditor.errors import AuditorError, ConfigError
from auditor.model import Language, Text

if TYPE_CHECKING:
    from auditor.config import Audit
    from auditor.model import Rule, Run
    from auditor.snapshot import Snapshot

NOTHING_AUDITED = 4
FORMATS = ("html", "json")

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="Find out who can get into the hospital, and what to close first.",
)
rules_app = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="List, test and start rules.")
app.add_typer(rules_app, name="rules")

Config = Annotated[Path, typer.Option("--config", envvar="AUDIT_CONFIG", help="The audit.yaml to use.")]
Output = Annotated[Path | None, typer.Option("--output", help="Folder for the snapshot and the reports.")]
Format = Annotated[str, typer.Option("--format", help="Reports to write, separated by commas: html, json.")]
Lang = Annotated[str | None, typer.Option("--lang", help="fr or en; default: the language of audit.yaml.")]
FailOn = Annotated[str | None, typer.Option("--fail-on", help="critical, high, medium, low or never; default: that of audit.yaml.")]
AsOf = Annotated[str | None, typer.Option("--as-of", help="Audit as if it were this date (ISO 8601, UTC).")]
Only = Annotated[list[str] | None, typer.Option("--only", help="Run this rule only; may be given several times.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print the verdict line only.")]
NoProgress = Annotated[bool, typer.Option("--no-progress", help="No progress on stderr.")]


@app.command()
def run(
    config: Config = Path("audit.yaml"), output: Output = None, formats: Format = "html,json", lang: Lang = None,
    fail_on: FailOn = None, as_of: AsOf = None, only: Only = None, quiet: Quiet = False, no_progress: NoProgress = False,
) -> None:  # fmt: skip
    """Collect, assess and report: the weekly command."""
    settings = _settings(config, output, lang, fail_on, as_of)
    chosen = _formats(formats)
    rules = _rules(settings, only)
    snapshot = _collect(settings, progress=not (no_progress or quiet))
    _finish(settings, snapshot, rules, chosen, quiet=quiet)


@app.command()
def collect(config: Config = Path("audit.yaml"), output: Output = None, as_of: AsOf = None, no_progress: NoProgress = False) -> None:
    """Read every source into a snapshot."""
    settings = _settings(config, output, None, None, as_of)
    _collect(settings, progress=not no_progress)
    _say(str(settings.output / "snapshot"))


@app.command()
def assess(
    config: Config = Path("audit.yaml"), output: Output = None, lang: Lang = None, fail_on: FailOn = None, as_of: AsOf = None,
    only: Only = None, quiet: Quiet = False,
) -> None:  # fmt: skip
    """Judge the snapshot of an earlier collect and write report.json."""
    settings = _settings(config, output, lang, fail_on, as_of)
    _finish(settings, _snapshot(settings), _rules(settings, only), ("json",), quiet=quiet)


@app.command()
def report(
    config: Config = Path("audit.yaml"), output: Output = None, formats: Format = "html", lang: Lang = None,
    fail_on: FailOn = None, as_of: AsOf = None, quiet: Quiet = False,
) -> None:  # fmt: skip
    """Write reports again from the snapshot, for example in the other language."""
    settings = _settings(config, output, lang, fail_on, as_of)
    _finish(settings, _snapshot(settings), _rules(settings, None), _formats(formats), quiet=quiet)


@app.command()
def explain(rule: str, config: Config = Path("audit.yaml"), lang: Lang = None) -> None:
    """Say what a rule looks for, why, how to correct it, and what it cannot see."""
    from auditor.report import terminal

    settings = _settings(config, None, lang, None, None) if config.exists() else None
    language = settings.language if settings else _language(lang) or Language.FR
    found = [candidate for candidate in _rules(settings, None) if candidate.id == rule.upper()]
    if not found:
        raise ConfigError(
            f"{rule} is not a rule; `audit rules list` shows them.", fr=f"{rule} n’est pas une règle ; `audit rules list` les montre."
        )
    _say(terminal.explain(found[0], language))


@app.command()
def doctor(config: Config = Path("audit.yaml"), lang: Lang = None) -> None:
    """Check every source: reachable, which rights, what it cannot see and the grant that would cure it."""
    from auditor import collect as sources
    from auditor import safe

    settings = _settings(config, None, lang, None, None)
    healthy = True
    for source in settings.sources:
        _say(source.name)
        for good, text in sources.doctor(source, _now(settings)):
            healthy = healthy and good
            _say(f"  {'ok ' if good else '!! '} {safe.visible(text.in_language(settings.language))}")
    if not healthy:
        raise typer.Exit(3)


@rules_app.command("list")
def rules_list(config: Config = Path("audit.yaml"), lang: Lang = None) -> None:
    """Show every rule: id, severity, recommendation, title."""
    from auditor.report import terminal

    settings = _settings(config, None, lang, None, None) if config.exists() else None
    language = settings.language if settings else _language(lang) or Language.FR
    _say(terminal.rules_list(_rules(settings, None), language))


@rules_app.command("test")
def rules_test(path: Annotated[Path | None, typer.Argument(help="A rule file or a folder; default: the shipped rules.")] = None) -> None:
    """Run the inline tests of rules and check that no mutant of their queries survives."""
    from auditor import rule_tests, rules

    files = rules.load([path or rules.shipped()])
    failed = 0
    for rule in files:
        problems = rule_tests.check(rule)
        failed += bool(problems)
        for problem in problems:
            _say(f"{rule.id}: {problem}")
    _say(f"{len(files) - failed} rules passed, {failed} failed")
    if failed:
        raise typer.Exit(1)


@rules_app.command("new")
def rules_new(
    rule: Annotated[str, typer.Argument(help="Id of the new rule, for example AD-ACC-900.")],
    recommendation: Annotated[int, typer.Option(min=1, max=5, help="Recommendation it belongs to.")],
    folder: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("rules"),
) -> None:
    """Write the start of a rule: a file whose own tests already pass."""
    from auditor import rules, safe

    text = rules.scaffold(rule, recommendation)
    path = folder / f"{rule}-new-rule.yaml"
    if path.exists():
        raise ConfigError(f"{path} exists already; choose another id.", fr=f"{path} existe déjà ; choisissez un autre identifiant.")
    safe.private_write(path, text)
    _say(f"{path}\naudit rules test {path}")


def _version(value: bool) -> None:
    if value:
        _say(__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")] = False,
) -> None:
    """Find out who can get into the hospital, and what to close first."""


def _settings(config: Path, output: Path | None, lang: str | None, fail_on: str | None, as_of: str | None) -> Audit:
    from auditor import config as configuration

    settings = configuration.load(config)
    changes: dict[str, object] = {}
    if output is not None:
        changes["output"] = output
    if language := _language(lang):
        changes["language"] = language
    if fail_on is not None:
        if fail_on not in ("critical", "high", "medium", "low", "never"):
            raise ConfigError(
                f"--fail-on {fail_on}: choose critical, high, medium, low or never.",
                fr=f"--fail-on {fail_on} : choisissez critical, high, medium, low ou never.",
            )
        changes["fail_on"] = fail_on
    if as_of is not None:
        try:
            changes["as_of"] = configuration.naive_utc(as_of)
        except ValueError as error:
            raise ConfigError(
                f"--as-of {as_of}: write a date such as 2026-01-31 or 2026-01-31T06:00:00Z.",
                fr=f"--as-of {as_of} : écrivez une date comme 2026-01-31 ou 2026-01-31T06:00:00Z.",
            ) from error
    return settings.model_copy(update=changes)


def _language(lang: str | None) -> Language | None:
    if lang is None:
        return None
    try:
        return Language(lang)
    except ValueError as error:
        raise ConfigError(f"--lang {lang}: choose fr or en.", fr=f"--lang {lang} : choisissez fr ou en.") from error


def _formats(formats: str) -> tuple[str, ...]:
    chosen = tuple(part.strip() for part in formats.split(",") if part.strip())
    if unknown := [part for part in chosen if part not in FORMATS]:
        known = ", ".join(FORMATS)
        raise ConfigError(f"--format {unknown[0]}: choose among {known}.", fr=f"--format {unknown[0]} : choisissez parmi {known}.")
    return chosen


def _rules(settings: Audit | None, only: list[str] | None) -> tuple[Rule, ...]:
    from auditor import rules

    loaded = list(rules.load([rules.shipped()]))
    for pack in settings.rules.packs if settings else ():
        loaded += rules.load([pack], pack=pack.name)
    ids = [rule.id for rule in loaded]
    if twice := sorted({rule for rule in ids if ids.count(rule) > 1}):
        raise ConfigError(
            f"two rules bear the id {twice[0]}; rename yours.", fr=f"deux règles portent l’identifiant {twice[0]} ; renommez la vôtre."
        )
    if unknown := sorted(set(settings.rules.params if settings else ()) - set(ids)):
        raise ConfigError(
            f"audit.yaml: rules.params.{unknown[0]}: no such rule; `audit rules list` shows them.",
            fr=f"audit.yaml : rules.params.{unknown[0]} : règle inconnue ; `audit rules list` les montre.",
        )
    wanted = {rule.upper() for rule in only or ids}
    if missing := sorted(wanted - set(ids)):
        raise ConfigError(
            f"--only {missing[0]}: no such rule; `audit rules list` shows them.",
            fr=f"--only {missing[0]} : règle inconnue ; `audit rules list` les montre.",
        )
    return tuple(sorted((rule for rule in loaded if rule.id in wanted), key=lambda rule: rule.id))


def _collect(settings: Audit, *, progress: bool) -> Snapshot:
    from auditor import collect as sources
    from auditor import snapshot
    from auditor.model import State

    show = _progress() if progress and sys.stderr.isatty() else _silent
    try:
        with snapshot.create(settings.output / "snapshot", _now(settings)) as writer:
            for source in settings.sources:
                sources.collect(source, writer, show)
            unread = [entry for entry in writer.coverage if entry.state in (State.DENIED, State.ABSENT)]
            if len(unread) == len(writer.coverage):
                # Leaving the block by an error keeps the snapshot of the last good collection.
                raise NoSourceError({entry.source: entry.reason for entry in reversed(unread) if entry.reason})
    except OSError as error:
        raise _unwritable(settings.output, error) from error
    finally:
        show("", -1)
    return snapshot.read(settings.output / "snapshot")


def _now(settings: Audit) -> datetime:
    """The instant the audit speaks of: that of the settings, else the present; nothing further on reads a clock."""
    return settings.as_of or datetime.now(UTC).replace(tzinfo=None, microsecond=0)


def _unwritable(folder: Path, error: OSError) -> ConfigError:
    reason = error.strerror or str(error)
    return ConfigError(
        f"{folder}: {reason}; free some space, correct the rights or choose another --output.",
        fr=f"{folder} : {reason} ; libérez de la place, corrigez les droits ou choisissez un autre --output.",
    )


class NoSourceError(AuditorError):
    """No source could be read: no audit was performed. `reasons` says why, per source."""

    def __init__(self, reasons: Mapping[str, Text]) -> None:
        super().__init__(
            "; ".join((*(f"{source}: {reason.en}" for source, reason in reasons.items()), "no audit was performed.")),
            fr=" ; ".join((*(f"{source} : {reason.fr}" for source, reason in reasons.items()), "aucun audit n’a été mené.")),
        )


def _snapshot(settings: Audit) -> Snapshot:
    from auditor import snapshot

    return snapshot.read(settings.output / "snapshot")


def _finish(settings: Audit, snapshot: Snapshot, rules: tuple[Rule, ...], formats: tuple[str, ...], *, quiet: bool) -> None:
    from auditor import assess as judge
    from auditor import safe
    from auditor.report import exit_code, html_report, json_report, terminal

    result = judge.assess(snapshot, settings, rules)
    code, reason = exit_code.decide(result)
    renderers: dict[str, Callable[[Run], str]] = {
        "html": lambda done: html_report.render(done, settings.language, code, reason),
        "json": lambda done: json_report.render(done, code, reason),
    }
    files = []
    try:
        for name in formats:
            path = settings.output / f"report.{name}"
            safe.private_write(path, renderers[name](result))
            files.append(path)
    except OSError as error:
        raise _unwritable(settings.output, error) from error
    if not quiet:
        unicode = (sys.stdout.encoding or "").lower().startswith("utf")
        colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
        _say(terminal.summary(result, settings.language, colour=colour, unicode=unicode, files=[str(path) for path in files]))
    _warn(f"{reason.in_language(settings.language)} (code {code})")
    if code:
        raise typer.Exit(code)


def _silent(_source: str, _rows: int) -> None:
    """No progress."""


def _progress() -> Callable[[str, int], None]:
    """A line on stderr that counts the rows of the source being read; a negative number wipes it."""

    def show(source: str, rows: int) -> None:
        sys.stderr.write(f"\r\x1b[K{source} {rows:,}" if rows >= 0 else "\r\x1b[K")
        sys.stderr.flush()

    return show


def _say(text: str) -> None:
    sys.stdout.write(text.rstrip("\n") + "\n")


def _warn(text: str) -> None:
    sys.stderr.write(text.rstrip("\n") + "\n")


def main() -> None:
    """Run the command line; whatever happens ends in one sentence and one of the documented exit codes."""
    for stream in (sys.stdout, sys.stderr):
        # A console that cannot show a character shows its escape instead of ending the audit.
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        app()
    except AuditorError as error:
        _end(error.text, NOTHING_AUDITED if isinstance(error, NoSourceError) else 2)
    except KeyboardInterrupt:
        _end(Text("interrupted; start the command again.", "interrompu ; relancez la commande."), 2)
    except Exception as error:  # noqa: BLE001 - the last net: a traceback could show data
        place = _where(error)
        _end(
            Text(f"internal error ({place}); please report it, without data.", f"erreur interne ({place}) ; signalez-la, sans données."), 2
        )


def _end(text: Text, code: int) -> NoReturn:
    from auditor.safe import visible

    _warn(f"audit: {visible(text.in_language(_spoken()))} (code {code})")
    sys.exit(code)


def _spoken() -> Language:
    """The language of a sentence that may come before audit.yaml was read: --lang, else the system's, else French."""
    arguments = sys.argv[1:]
    for name, value in pairwise(arguments):
        if name == "--lang" and value in tuple(Language):
            return Language(value)
    system = (
        next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), None) or locale.getlocale()[0] or ""
    )
    return Language.EN if system.lower().startswith(("en", "c", "posix")) else Language.FR


def _where(error: BaseException) -> str:
    """Type and innermost place of an error: enough to find it, nothing of the data it was about."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    place = f", {Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else ""
    return type(error).__name__ + place
