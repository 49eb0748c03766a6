"""Signed statements: a folder of YAML files, each a list of entries (restore tests, copies, consoles, alerts, exercises…).

An entry that is wrong (unknown or missing key, day to come, proof that is missing or was changed, said twice) is refused, counted and
named by file and line; the others are kept. Its table is then partial, because what it was meant to say is not known.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from auditor import strict_yaml
from auditor.collect import SourceError, csv_file, unread
from auditor.collect.attestation_entry import KINDS, Alerts, Console, Copy, Event, RestoreTest, Statement
from auditor.config import Attestations
from auditor.errors import ConfigError, os_reason
from auditor.model import State, Text, Value
from auditor.snapshot import Writer, digest
from auditor.tables import COLLECTED

TABLES = ("restore_test", "backup_copy", "backup_console", "backup_alert", "attestation")
_TABLE_OF = {"restore_test": "restore_test", "copy": "backup_copy", "console": "backup_console", "alerts": "backup_alert"}
MAX_FILES = 1000
MAX_PROOF = 1 << 30
"""Largest proof, in bytes."""


def collect(settings: Attestations, writer: Writer, progress: Callable[[str, int], None]) -> None:
    """Fill the tables of statements from the *.yaml of a folder."""
    refused: dict[str, list[Text]] = defaultdict(list)
    rows: dict[str, dict[tuple[Value, ...], dict[str, Value]]] = {table: {} for table in TABLES}
    facts = []
    try:
        files = _files(settings.path)
    except SourceError as error:
        writer.add_coverage(unread(TABLES, settings.name, error))
        return
    for path in files:
        try:
            raw = path.read_bytes() if path.stat().st_size <= strict_yaml.MAX_BYTES else b" " * (strict_yaml.MAX_BYTES + 1)
            document = strict_yaml.parse(raw, path.name)
            facts.append({"file": path.name, "sha256": digest(path)})
        except OSError as error:
            reason = os_reason(error)
            _refuse(refused, TABLES, Text(f"{path.name} could not be read ({reason.en})", f"{path.name} n’a pas pu être lu ({reason.fr})"))
            continue
        except ConfigError as error:
            _refuse(refused, TABLES, error.text)
            continue
        for line, kind, statement in entries(document, path, writer.as_of):
            table = _TABLE_OF.get(kind, "attestation")
            if isinstance(statement, Text):
                _refuse(refused, (table,) if kind in KINDS else TABLES, statement)
                continue
            key, row = row_of(statement, settings.name)
            if key in rows[table]:
                _refuse(refused, (table,), _place(path, line, Text("it is said twice", "elle figure deux fois")))
                continue
            rows[table][key] = row
        progress(settings.name, sum(map(len, rows.values())))
    for table in TABLES:
        for row in rows[table].values():
            writer.add(table, row)
        writer.add_coverage([csv_file.covered(table, settings.name, len(rows[table]), _reasons(refused[table]), writer.as_of)])
    writer.add_facts(settings.name, {"files": facts, "refused": sum(map(len, refused.values()))})


def _files(folder: Path) -> list[Path]:
    try:
        files = sorted(path for path in folder.iterdir() if path.suffix.lower() in (".yaml", ".yml") and path.is_file())
    except OSError as error:
        reason = os_reason(error)
        state = State.DENIED if isinstance(error, PermissionError) else State.ABSENT
        en, fr = f"the folder {folder.name} could not be read ({reason.en})", f"le dossier {folder.name} n’a pas pu être lu ({reason.fr})"
        raise SourceError(Text(en, fr), state=state) from error
    if not files:
        raise SourceError(Text(f"the folder {folder.name} holds no *.yaml", f"le dossier {folder.name} ne contient aucun *.yaml"))
    if len(files) > MAX_FILES:
        raise SourceError(
            Text(
                f"the folder {folder.name} holds more than {MAX_FILES} *.yaml; put several entries in one file",
                f"le dossier {folder.name} contient plus de {MAX_FILES} *.yaml\u00a0; réunir plusieurs attestations par fichier",
            )
        )
    return files


def entries(document: strict_yaml.Document, path: Path, as_of: datetime) -> Iterator[tuple[int, str, Statement | Text]]:
    """Line, kind and statement of each entry of a file, or what is wrong with it, with its place."""
    if document.data is None:
        return
    if not isinstance(document.data, list):
        yield 1, "", _place(path, 1, Text("the file is not a list; begin each entry with “- ”", "le fichier n’est pas une liste"))
        return
    lines: dict[int, dict[tuple[str | int, ...], int]] = defaultdict(dict)
    for place, line in document.lines.items():
        if place and isinstance(place[0], int):
            lines[place[0]][place[1:]] = line
    for number, data in enumerate(document.data):
        first = lines[number].get((), 1)
        kind = str(data.get("kind", "")) if isinstance(data, dict) else ""
        if kind not in KINDS:
            known = ", ".join(KINDS)
            yield first, "", _place(path, first, Text(f"kind is not one of {known}", f"kind n’est pas l’un de\u00a0: {known}"))
            continue
        try:
            statement = strict_yaml.validate(strict_yaml.Document(data, lines[number]), KINDS[kind], path.name)
        except ConfigError as error:
            yield first, kind, error.text
            continue
        problem = _problem(statement, path.parent, as_of)
        yield first, kind, _place(path, first, problem) if problem else statement


def _problem(statement: Statement, folder: Path, as_of: datetime) -> Text | None:
    days = [statement.date, statement.last_written] if isinstance(statement, Copy) else [statement.date]
    if max(days) > as_of:
        return Text("its day is after the audit", "sa date est postérieure à l’audit")
    if isinstance(statement, Alerts) and statement.oldest_unowned and statement.oldest_unowned > statement.date:
        return Text("oldest_unowned is after the day of the statement", "oldest_unowned est postérieur au jour de l’attestation")
    if isinstance(statement, Console) and statement.may_erase > statement.operators:
        return Text("may_erase is more than operators", "may_erase dépasse operators")
    if statement.proof_file is None or statement.sha256 is None:
        return None
    try:
        found = proof_hash(folder, statement.proof_file)
    except SourceError as error:
        return error.text
    if found != statement.sha256.lower():
        name = statement.proof_file
        return Text(
            f"{name} is not the file that was attested: its SHA-256 differs",
            f"{name} n’est pas le fichier attesté\u00a0: son SHA-256 diffère",
        )
    return None


def proof_hash(folder: Path, name: str) -> str:
    """SHA-256 of a proof; SourceError when it is not a readable file below `folder`."""
    path = folder / name
    try:
        if not path.resolve(strict=True).is_relative_to(folder.resolve()) or not path.is_file():
            raise SourceError(Text(f"{name} is not a file of this folder", f"{name} n’est pas un fichier de ce dossier"))
        if path.stat().st_size > MAX_PROOF:
            raise SourceError(Text(f"{name} is larger than 1 GiB", f"{name} dépasse 1 Gio"))
        return digest(path)
    except OSError as error:
        reason = os_reason(error)
        raise SourceError(Text(f"{name} could not be read ({reason.en})", f"{name} n’a pas pu être lu ({reason.fr})")) from error
    except RuntimeError as error:  # resolve() on a loop of links, before Python 3.13
        raise SourceError(Text(f"{name} could not be read", f"{name} n’a pas pu être lu")) from error


def row_of(statement: Statement, source: str) -> tuple[tuple[Value, ...], dict[str, Value]]:
    """The row of a statement, after its key in its table: two statements with one key contradict or repeat each other."""
    row = {"source": source, **_row(statement)}
    return tuple(row[name] for name in COLLECTED[_TABLE_OF.get(statement.kind, "attestation")].key), row


def _row(statement: Statement) -> dict[str, Value]:
    proven = statement.proof_file is not None
    match statement:
        case RestoreTest():
            return {
                "system": statement.system.lower(), "label": statement.system, "tested_at": statement.date, "scope": statement.scope,
                "from_copy": statement.from_copy, "result": statement.result,
                "duration_minutes": statement.duration_min, "target_minutes": statement.rto_target_min,
                "lost_hours": statement.rpo_h, "tester": statement.tester, "business_referent": statement.business_referent.strip(),
                "proven": proven,
            }  # fmt: skip
        case Copy():
            return {
                "system": statement.system.lower(), "label": statement.system, "copy_name": statement.name.lower(),
                "medium": statement.medium, "site": statement.site, "off_site": statement.off_site,
                "offline": statement.offline, "immutable": statement.immutable,
                "encrypted": statement.encrypted, "last_written_at": statement.last_written, "attested_at": statement.date,
                "proven": proven,
            }  # fmt: skip
        case Console():
            return {
                "console": statement.name.lower(), "auth_source": statement.auth_source, "second_factor": statement.mfa,
                "operators": statement.operators, "erasers": statement.may_erase, "attested_at": statement.date, "proven": proven,
            }  # fmt: skip
        case Alerts():
            return {
                "console": statement.console.lower(), "alerted": statement.alerted, "owner": statement.owner.strip(),
                "unowned": statement.unowned,
                "oldest_unowned_at": statement.oldest_unowned, "none_unowned": statement.oldest_unowned is None,
                "attested_at": statement.date, "proven": proven,
            }  # fmt: skip
        case Event():
            return {
                "kind": statement.kind, "topic": statement.topic, "dated_at": statement.date, "owner": statement.owner, "proven": proven,
            }  # fmt: skip


def _place(path: Path, line: int, problem: Text) -> Text:
    return Text(f"{path.name}:{line}: {problem.en}", f"{path.name}:{line}\u00a0: {problem.fr}")


def _refuse(refused: dict[str, list[Text]], tables: tuple[str, ...], problem: Text) -> None:
    for table in tables:
        refused[table].append(problem)


def _reasons(refused: list[Text]) -> list[Text]:
    """Nothing, or one sentence with the count and the first place."""
    if not refused:
        return []
    first, several = refused[0], len(refused) > 1
    return [
        Text(
            en=f"{len(refused)} statement{'s were' if several else ' was'} refused, first {first.en.rstrip('.')}",
            fr=f"{len(refused)} attestation{'s ont été refusées' if several else ' a été refusée'}, d’abord {first.fr.rstrip('.')}",
        )
    ]
