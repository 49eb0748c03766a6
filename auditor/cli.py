"""The `audit` command: options, files and exit codes; the work is done elsewhere and imported when a command needs it.

Exit codes: 0 everything at or above --fail-on was assessed and nothing found · 1 findings at or above it · 2 usage, configuration
or internal error · 3 incomplete: controls at or above it could not be assessed · 4 no audit was performed.
"""

from __future__ import annotations

import locale
import os
import sys
from contextlib import suppress
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from auditor import __version__, cli_memory, closing, steps
from auditor.errors import AuditorError, ConfigError, os_reason
from auditor.model import Language, Text

NOTHING_AUDITED = 4

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="Find out who can get into the hospital, and what to close first.",
)
rules_app = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="List, test and start rules.")
app.add_typer(rules_app, name="rules")
otp_app = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="One-time password tokens.")
app.add_typer(otp_app, name="otp")

Config = Annotated[Path, typer.Option("--config", envvar="AUDIT_CONFIG", help="The audit.yaml to use.")]
Output = Annotated[Path | None, typer.Option("--output", help="Folder for the snapshot and the reports.")]
Format = Annotated[
    str,
    typer.Option(
        "--format",
        help="Reports to write, separated by commas: html, json, csv, jsonl, markdown, sarif, junit, codequality, ocsf.",
    ),
]
Lang = Annotated[str | None, typer.Option("--lang", help="fr or en; default: the language of audit.yaml.")]
ReportLang = Annotated[str | None, typer.Option("--lang", help="fr, en, or both: an HTML report that switches; default: audit.yaml.")]
Baseline = Annotated[str, typer.Option("--baseline", help="Compare with the run before (last) or with a report.json; default: last.")]
OnlyNew = Annotated[bool, typer.Option("--only-new", help="Only new and returned findings decide about the exit code.")]
AcceptDrop = Annotated[list[str] | None, typer.Option("--accept-drop", help="Source whose loss of rows since the last run is intended.")]
Redact = Annotated[
    bool | None, typer.Option("--redact/--no-redact", help="Replace names by pseudonyms in every report; default: only when CI=true.")
]
SarifPer = Annotated[str | None, typer.Option("--sarif-per", help="One SARIF result per rule or per object; default: rule.")]
Seal = Annotated[bool, typer.Option("--seal", help="Encrypt the HTML report; the passphrase is printed once.")]
FailOn = Annotated[str | None, typer.Option("--fail-on", help="critical, high, medium, low or never; default: that of audit.yaml.")]
AsOf = Annotated[str | None, typer.Option("--as-of", help="Audit as if it were this date (ISO 8601, UTC).")]
Only = Annotated[list[str] | None, typer.Option("--only", help="Run this rule only; may be given several times.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print the verdict line only.")]
NoProgress = Annotated[bool, typer.Option("--no-progress", help="No progress on stderr.")]


@app.command()
def run(
    config: Config = Path("audit.yaml"), output: Output = None, formats: Format = "html,json", lang: ReportLang = None,
    fail_on: FailOn = None, as_of: AsOf = None, only: Only = None, baseline: Baseline = "last", only_new: OnlyNew = False,
    accept_drop: AcceptDrop = None, redact: Redact = None, seal: Seal = False, sarif_per: SarifPer = None, quiet: Quiet = False,
    no_progress: NoProgress = False,
) -> None:  # fmt: skip
    """Collect, assess and report: the weekly command."""
    settings = steps.settings_of(config, output, lang, fail_on, as_of, sarif_per)
    wishes = closing.Wishes(
        steps.formats_of(formats), baseline, only_new, tuple(accept_drop or ()), steps.redacted(redact), seal, quiet, partial=bool(only)
    )
    rules = steps.rules_of(settings, only)
    with steps.alone(settings.output):
        snapshot = steps.collect(settings, progress=not (no_progress or quiet))
        code = closing.finish(settings, snapshot, rules, wishes)
    raise typer.Exit(code)


@app.command()
def collect(config: Config = Path("audit.yaml"), output: Output = None, as_of: AsOf = None, no_progress: NoProgress = False) -> None:
    """Read every source into a snapshot."""
    settings = steps.settings_of(config, output, None, None, as_of)
    with steps.alone(settings.output):
        steps.collect(settings, progress=not no_progress)
    steps.say(str(settings.output / "snapshot"))


@app.command()
def assess(
    config: Config = Path("audit.yaml"), output: Output = None, lang: Lang = None, fail_on: FailOn = None, as_of: AsOf = None,
    only: Only = None, baseline: Baseline = "last", only_new: OnlyNew = False, accept_drop: AcceptDrop = None, redact: Redact = None,
    quiet: Quiet = False,
) -> None:  # fmt: skip
    """Judge the snapshot of an earlier collect and write report.json."""
    settings = steps.settings_of(config, output, lang, fail_on, as_of)
    wishes = closing.Wishes(
        ("json",), baseline, only_new, tuple(accept_drop or ()), steps.redacted(redact), quiet=quiet, partial=bool(only)
    )  # fmt: skip
    rules, snapshot = steps.rules_of(settings, only), steps.snapshot_of(settings)
    with steps.alone(settings.output):
        code = closing.finish(settings, snapshot, rules, wishes)
    raise typer.Exit(code)


@app.command()
def report(
    config: Config = Path("audit.yaml"), output: Output = None, formats: Format = "html", lang: ReportLang = None,
    fail_on: FailOn = None, as_of: AsOf = None, baseline: Baseline = "last", only_new: OnlyNew = False, accept_drop: AcceptDrop = None,
    redact: Redact = None, seal: Seal = False, sarif_per: SarifPer = None, quiet: Quiet = False,
) -> None:  # fmt: skip
    """Write reports again from the snapshot, for example in the other language, with pseudonyms or sealed."""
    settings = steps.settings_of(config, output, lang, fail_on, as_of, sarif_per)
    wishes = closing.Wishes(
        steps.formats_of(formats), baseline, only_new, tuple(accept_drop or ()), steps.redacted(redact), seal, quiet, tell=False
    )
    rules, snapshot = steps.rules_of(settings, None), steps.snapshot_of(settings)
    with steps.alone(settings.output):
        code = closing.finish(settings, snapshot, rules, wishes)
    raise typer.Exit(code)


app.command()(cli_memory.diff)
app.command()(cli_memory.waive)
app.command()(cli_memory.reveal)
app.command()(cli_memory.schedule)


@app.command()
def explain(
    rule: Annotated[str, typer.Argument(help="Id of a rule, or score: the arithmetic of the grade.")],
    config: Config = Path("audit.yaml"), output: Output = None, lang: Lang = None,
) -> None:  # fmt: skip
    """Say what a rule looks for, why, how to correct it, and what it cannot see."""
    from auditor.report import terminal

    settings = steps.settings_of(config, output, lang, None, None) if config.exists() else None
    language = settings.language if settings else steps.language_of(lang) or Language.FR
    if rule.lower() == "score":
        steps.say(cli_memory.score(config, output, language))
        return
    found = [candidate for candidate in steps.rules_of(settings, None) if candidate.id == rule.upper()]
    if not found:
        raise ConfigError(
            f"{rule} is not a rule; `audit rules list` shows them.", fr=f"{rule} n’est pas une règle ; `audit rules list` les montre."
        )
    steps.say(terminal.explain(found[0], language))


@app.command()
def doctor(config: Config = Path("audit.yaml"), lang: Lang = None) -> None:
    """Check every source: reachable, which rights, what it cannot see and the grant that would cure it."""
    from auditor import collect as sources
    from auditor import safe

    settings = steps.settings_of(config, None, lang, None, None)
    healthy = True
    for source in settings.sources:
        steps.say(safe.visible(source.name))
        for good, text in sources.doctor(source, steps.now(settings)):
            healthy = healthy and good
            steps.say(f"  {'ok ' if good else '!! '} {safe.visible(text.in_language(settings.language))}")
    if not healthy:
        raise typer.Exit(3)


@app.command()
def attest(
    kind: Annotated[str, typer.Argument(help="restore_test, copy, console, exercise, review or policy.")],
    path: Annotated[Path, typer.Argument(help="File of the evidence folder to add it to, for example evidence/restore_tests.yaml.")],
    values: Annotated[list[str], typer.Argument(help="What is stated: key=value …")],
    proof: Annotated[Path | None, typer.Option(help="Signed report, kept in that folder; its SHA-256 is written down.")] = None,
) -> None:
    """Write down what no log proves: a restore test, a copy, a console, an exercise, a review, a policy."""
    from auditor import attest as statements

    steps.say(statements.add(path, kind, values, proof, datetime.now(UTC).replace(tzinfo=None)))


@rules_app.command("list")
def rules_list(config: Config = Path("audit.yaml"), lang: Lang = None) -> None:
    """Show every rule: id, severity, recommendation, title."""
    from auditor.report import terminal

    settings = steps.settings_of(config, None, lang, None, None) if config.exists() else None
    language = settings.language if settings else steps.language_of(lang) or Language.FR
    steps.say(terminal.rules_list(steps.rules_of(settings, None), language))


@rules_app.command("test")
def rules_test(path: Annotated[Path | None, typer.Argument(help="A rule file or a folder; default: the shipped rules.")] = None) -> None:
    """Run the inline tests of rules and check that no mutant of their queries survives."""
    from auditor import rule_tests, rules
    from auditor.safe import visible

    files = rules.load([path or rules.shipped()])
    failed = 0
    for rule in files:
        problems = rule_tests.check(rule)
        failed += bool(problems)
        for problem in problems:
            steps.say(f"{rule.id}: {visible(problem)}")
    steps.say(f"{len(files) - failed} rules passed, {failed} failed")
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
        raise ConfigError(f"{path} exists already; choose another id.", fr=f"{path} existe déjà ; choisissez un autre identifiant.")
    safe.private_write(path, text)
    steps.say(f"{path}\naudit rules test {path}")


@otp_app.command("verify")
def otp_verify(
    seed_file: Annotated[Path | None, typer.Option(help="Private file with the seed (base32 or otpauth address); default: asked.")] = None,
    window: Annotated[int, typer.Option(min=0, max=1000, help="Steps to look before and after the present one.")] = 10,
    lang: Lang = None,
) -> None:
    """At a drill: does the code of a break-glass token match its seed, and how far has its clock drifted?"""
    from auditor import otp_drill
    from auditor.collect import secrets
    from auditor.config import Secret

    seed = secrets.resolve(Secret(file=seed_file) if seed_file else Secret(prompt=True), "seed")
    try:
        code = typer.prompt("code", err=True)
    except typer.Abort:
        raise ConfigError(
            "no code was given; type what the token shows.", fr="aucun code\u00a0; saisissez ce qu’affiche le jeton."
        ) from None
    drift = otp_drill.drift(seed, code, datetime.now(UTC), window)
    steps.say(otp_drill.sentence(drift, window).in_language(steps.language_of(lang) or Language.FR))
    if drift is None:
        raise typer.Exit(1)


def _version(value: bool) -> None:
    if value:
        steps.say(__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")] = False,
) -> None:
    """Find out who can get into the hospital, and what to close first."""


def main() -> None:
    """Run the command line; whatever happens ends in one sentence and one of the documented exit codes."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the caller (>&-)
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - open until the end
        # A console that cannot show a character shows its escape instead of ending the audit.
        getattr(sys, name).reconfigure(errors="backslashreplace")
    try:
        try:
            app()
        finally:
            sys.stdout.flush()
    except OSError as error:
        reason = os_reason(error)
        _end(Text(f"{reason.en}; check where the output goes.", f"{reason.fr}\u00a0; vérifiez où va la sortie."), 2)
    except AuditorError as error:
        _end(error.text, NOTHING_AUDITED if isinstance(error, steps.NoSourceError) else 2)
    except KeyboardInterrupt:
        _end(Text("interrupted; start the command again.", "interrompu ; relancez la commande."), 2)
    except Exception as error:  # noqa: BLE001 - the last net: a traceback could show data
        place = _where(error)
        _end(
            Text(
                f"internal error ({place}); please report it, without data.",
                f"erreur interne ({place}) ; signalez-la, sans y joindre de données.",
            ),
            2,
        )


def _end(text: Text, code: int) -> NoReturn:
    from auditor.safe import visible

    steps.warn(f"audit: {visible(text.in_language(_spoken()))} (code {code})")
    sys.exit(code)


def _spoken() -> Language:
    """The language of a sentence that may come before audit.yaml was read: --lang, else audit.yaml's where it can be read, else the
    system's, else French."""
    given = dict(pairwise(sys.argv[1:]))
    if given.get("--lang") in tuple(Language):
        return Language(given["--lang"])
    path = Path(given.get("--config") or os.environ.get("AUDIT_CONFIG") or "audit.yaml")
    if path.is_file():
        with suppress(AuditorError):
            return steps.settings_of(path, None, None, None, None).language
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
