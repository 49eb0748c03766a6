"""Commands about more than one run: compare, accept, map pseudonyms back, plan the next run. Registered by auditor.cli."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from auditor.errors import ConfigError
from auditor.model import Language, Text


def diff(
    before: Annotated[str, typer.Argument(help="A report.json, or a run of the history: its number, its day, last or previous.")],
    after: Annotated[str, typer.Argument(help="The later run, named the same way.")],
    config: Annotated[Path, typer.Option("--config", envvar="AUDIT_CONFIG", help="The audit.yaml to use.")] = Path("audit.yaml"),
    output: Annotated[Path | None, typer.Option("--output", help="Folder with the history.")] = None,
    lang: Annotated[str | None, typer.Option("--lang", help="fr or en; default: the language of audit.yaml.")] = None,
    form: Annotated[str, typer.Option("--format", help="text or json.")] = "text",
    redact: Annotated[bool | None, typer.Option("--redact/--no-redact", help="Pseudonyms for names; default: only when CI=true.")] = None,
) -> None:
    """Say what changed between two runs; ends with 1 when a finding is new or has returned."""
    from auditor import comparison, history, steps
    from auditor import redact as hiding
    from auditor.report import diff_text

    if form not in ("text", "json"):
        raise ConfigError(f"--format {form}: choose text or json.", fr=f"--format {form} : choisissez text ou json.")
    settings = steps.settings_of(config, output, lang, None, None) if config.exists() else None
    language = settings.language if settings else steps.language_of(lang) or Language.FR
    folder = output or (settings.output if settings else None)

    def record(name: str) -> comparison.Record:
        if name.endswith(".json"):
            return comparison.read(Path(name))
        if folder is None or not (folder / history.NAME).is_file():
            raise ConfigError(
                f"{name}: there is no history here; name a report.json, or give --config or --output.",
                fr=f"{name} : il n’y a pas d’historique ici ; indiquez un report.json, ou donnez --config ou --output.",
            )
        with history.opened(folder) as memory:
            return memory.find(name)

    then, now = record(before), record(after)
    if then.pseudonyms != now.pseudonyms:
        raise ConfigError(
            "one of the runs holds pseudonyms and the other does not; compare two of a kind.",
            fr="l’un des audits contient des pseudonymes, l’autre non\u00a0; comparez deux audits de même sorte.",
        )
    changes = comparison.difference(then, now)
    if steps.redacted(redact) and not then.pseudonyms:
        if settings is None:
            raise ConfigError(
                "pseudonyms need the key of audit.yaml; give --config, or --no-redact.",
                fr="les pseudonymes demandent la clé d’audit.yaml\u00a0; donnez --config, ou --no-redact.",
            )
        changes = hiding.without_names(changes, settings)
    if form == "json":
        steps.say(diff_text.as_json(then, now, changes))
    else:
        rules = {rule.id: rule for rule in steps.rules_of(settings, None)}
        steps.say(diff_text.text(then, now, changes, rules, language))
    if changes.new or changes.returned:
        raise typer.Exit(1)


def waive(
    rule: Annotated[str, typer.Argument(help="Id of the rule whose findings are accepted.")],
    approved_by: Annotated[str, typer.Option("--approved-by", help="Who answers for it: name and post.")],
    expires: Annotated[str, typer.Option("--expires", help="Last day it holds, at most 366 days ahead: 2026-01-31.")],
    resource: Annotated[list[str] | None, typer.Option("--resource", help="Id of an object; may be given several times.")] = None,
    where: Annotated[str, typer.Option("--where", help="Condition over the columns of the rule: \"kind = 'device'\".")] = "",
    reason_fr: Annotated[str, typer.Option("--reason-fr", help="Why, in French; one language suffices.")] = "",
    reason_en: Annotated[str, typer.Option("--reason-en", help="Why, in English.")] = "",
    ticket: Annotated[str, typer.Option("--ticket", help="Number of the request.")] = "",
    max_objects: Annotated[int | None, typer.Option("--max-objects", min=1, help="Most it may cover; default: what it covers now.")] = None,
    config: Annotated[Path, typer.Option("--config", envvar="AUDIT_CONFIG", help="The audit.yaml to use.")] = Path("audit.yaml"),
    output: Annotated[Path | None, typer.Option("--output", help="Folder with the last report.json.")] = None,
    lang: Annotated[str | None, typer.Option("--lang", help="fr or en; default: the language of audit.yaml.")] = None,
) -> None:
    """Accept findings of a rule until a day: adds to waivers.yaml, and says how many findings of the last report that covers."""
    from auditor import safe, steps, waivers

    settings = steps.settings_of(config, output, lang, None, None)
    values: dict[str, object] = {
        "rule": rule.upper(), "reason": {"fr": reason_fr or reason_en, "en": reason_en or reason_fr}, "approved_by": approved_by,
        "ticket": ticket, "expires": expires,
    }  # fmt: skip
    values |= {"match": {"resource": resource}} if resource else {}
    values |= {"where": where} if where else {}
    values |= {} if max_objects is None else {"max_objects": max_objects}
    added, told = waivers.accept(settings, values, steps.rules_of(settings, None), steps.now(settings))
    steps.say("\n".join(map(safe.visible, added.splitlines())))
    steps.warn(told.in_language(settings.language))


def reveal(
    pseudonyms: Annotated[list[str], typer.Argument(help="As the report shows them, for example login-0123456789ab.")],
    config: Annotated[Path, typer.Option("--config", envvar="AUDIT_CONFIG", help="The audit.yaml to use.")] = Path("audit.yaml"),
    output: Annotated[Path | None, typer.Option("--output", help="Folder with the snapshot.")] = None,
    lang: Annotated[str | None, typer.Option("--lang", help="fr or en; default: the language of audit.yaml.")] = None,
) -> None:
    """Say what stands behind pseudonyms, with their key and the snapshot; ends with 1 when one is of another snapshot."""
    from auditor import plan, redact, safe, steps, waivers

    settings = steps.settings_of(config, output, lang, None, None)
    people = {waiver.approved_by for waiver in waivers.load(settings.waivers)} | set(plan.owners(settings.plan))
    behind = redact.revealed(pseudonyms, steps.snapshot_of(settings), settings, people)
    unknown = Text("not of this snapshot", "pas de cet instantané").in_language(settings.language)
    for pseudonym, found in behind.items():
        steps.say(f"{pseudonym}\t{safe.visible(' | '.join(found)) if found else f'({unknown})'}")
    if not all(behind.values()):
        raise typer.Exit(1)


def schedule(
    form: Annotated[str, typer.Option("--format", help="systemd or windows.")] = "systemd",
    config: Annotated[Path, typer.Option("--config", envvar="AUDIT_CONFIG", help="The audit.yaml to use.")] = Path("audit.yaml"),
    lang: Annotated[str | None, typer.Option("--lang", help="fr or en; default: the language of audit.yaml.")] = None,
) -> None:
    """Print a definition of the weekly run for systemd or the Windows Task Scheduler; installs nothing."""
    from auditor import schedule, steps

    if form not in _INSTALL:
        raise ConfigError(f"--format {form}: choose systemd or windows.", fr=f"--format {form}\u00a0: choisissez systemd ou windows.")
    settings = steps.settings_of(config, None, lang, None, None)
    steps.say(schedule.systemd(settings, config) if form == "systemd" else schedule.windows(settings, config))
    steps.warn(_INSTALL[form].in_language(settings.language))


_INSTALL = {
    "systemd": Text(
        "Nothing was installed. Save the two files, make audit.yaml and what it names readable for the service, then: "
        "systemctl enable --now audit.timer",
        "Rien n’a été installé. Enregistrez les deux fichiers, rendez audit.yaml et ce qu’il nomme lisibles pour le service, puis\u00a0: "
        "systemctl enable --now audit.timer",
    ),
    "windows": Text(
        "Nothing was installed. Save it as audit.xml, then: schtasks /Create /TN audit /XML audit.xml /RU ACCOUNT /RP *",
        "Rien n’a été installé. Enregistrez-le sous audit.xml, puis\u00a0: schtasks /Create /TN audit /XML audit.xml /RU COMPTE /RP *",
    ),
}


def score(config: Path, output: Path | None, language: Language) -> str:
    """The arithmetic of the grade of the last full run: that of report.json in the output folder."""
    from auditor import steps
    from auditor.report import score_text

    return score_text.explain((output or steps.settings_of(config, None, None, None, None).output) / "report.json", language)
