"""The French registry of health professionals, as its weekly open file PS_LibreAcces_Personne_activite.

UTF-8, header, `|` without quoting and at the end of every line; one line is one activity, so a person has several. The file carries no
"struck off" status: such people stop appearing, which is why releases are compared over time and a cut release must not be believed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from auditor.collect import SourceError, csv_file, joined, unread
from auditor.config import RegistryFr
from auditor.model import State, Text
from auditor.snapshot import Writer, digest

TABLES = ("registry_release", "registry_person", "registry_activity")

_COLUMNS = {
    "id_type": "Type d'identifiant PP",
    "person_id": "Identifiant PP",
    "national_id": "Identification nationale PP",
    "family_name": "Nom d'exercice",
    "given_name": "Prénom d'exercice",
    "profession_code": "Code profession",
    "category_code": "Code catégorie professionnelle",
    "mode": "Code mode exercice",
    "site_id": "Numéro FINESS site",
    "legal_id": "Numéro FINESS établissement juridique",
}
"""The columns without which a file is refused; any other may be there or not (48 columns until 2023, 56 since)."""

_KEPT = tuple(name for name in _COLUMNS if name != "national_id")
_STAMP = re.compile(r"(?<!\d)(\d{12})(?!\d)")
_RPPS_TYPE = "8"
_ID = {_RPPS_TYPE: re.compile(r"[0-9]{11}"), "0": re.compile(r"[0-9A-Z]{9}")}
_BATCH = 50_000
_NOISE = 10
"""People a single profession or kind of id may lose whatever its size: small professions move by more than a few per cent."""


@dataclass
class _Release:
    """One file: when it is from, what it holds, and why it is not believed, if it is not."""

    path: Path
    released_at: datetime
    activities: pa.Table
    problems: csv_file.Problems
    rejected: list[Text] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return int(self.activities.num_rows)

    def persons_by(self, column: str) -> dict[str, int]:
        """Distinct people for each value of `column`."""
        people = self.activities.select(["person_id", column]).group_by(["person_id", column]).aggregate([])
        counts = people.group_by(column).aggregate([("person_id", "count")])
        return dict(zip(counts[column].to_pylist(), counts["person_id_count"].to_pylist(), strict=True))

    def persons(self) -> int:
        """Distinct people."""
        return int(self.activities.group_by("person_id").aggregate([]).num_rows)


def collect(settings: RegistryFr, writer: Writer, progress: Callable[[str, int], None]) -> None:
    """Fill registry_release, registry_person and registry_activity from releases in any order of their files.

    A release that lost `max_drop` of its rows, its people, the people of a profession or of a kind of id against the accepted release
    before it, or that is dated after the audit, is rejected and fills nothing. registry_person and registry_activity are partial when
    the newest release was rejected, when the latest accepted one is older than `max_age_days` at the audit instant, or when lines could
    not be read.
    """
    unreadable: list[SourceError] = []
    accepted: _Release | None = None
    history: pa.Table | None = None
    facts: list[dict[str, object]] = []
    reasons: list[Text] = []
    newest_rejected: list[Text] = []
    for path, released_at in _dated(settings.paths, unreadable):
        try:
            release = _read(path, released_at, settings.name, progress)
            sha256 = digest(path)
        except SourceError as error:
            unreadable.append(error)
            continue
        release.rejected = _doubts(release, accepted, settings.max_drop, writer.as_of)
        newest_rejected = release.rejected
        facts.append(_add_release(writer, settings.name, release, sha256))
        if not release.rejected:
            accepted = release
            reasons += release.problems.reasons
            history = _merge(history, release)
    writer.add_facts(settings.name, {"releases": facts})
    if accepted is None or history is None:
        _add_nothing(settings, writer, unreadable, newest_rejected, len(facts))
        return
    _add_persons(writer, settings.name, history, accepted.released_at)
    activities = _add_activities(writer, settings.name, accepted)
    reasons += newest_rejected + [error.text for error in unreadable] + _age(accepted.released_at, writer.as_of, settings.max_age_days)
    rows = {"registry_release": len(facts), "registry_person": history.num_rows, "registry_activity": activities}
    for table in TABLES:
        why = [error.text for error in unreadable] if table == "registry_release" else reasons
        writer.add_coverage([csv_file.covered(table, settings.name, rows[table], why, accepted.released_at)])


def _dated(paths: Iterable[Path], unreadable: list[SourceError]) -> list[tuple[Path, datetime]]:
    """The files oldest first; those without a usable stamp, or with the stamp of another, go to `unreadable`."""
    dated: dict[datetime, Path] = {}
    for path in sorted(paths):
        match = _STAMP.search(path.name)
        released_at = csv_file.day(match[1], "%Y%m%d%H%M") if match else None
        if released_at is None:
            unreadable.append(
                SourceError(
                    Text(
                        en=f"{path.name} has no stamp yyyymmddhhmm in its name",
                        fr=f"{path.name} ne porte pas d’horodatage aaaammjjhhmm dans son nom",
                    )
                )
            )
        elif released_at in dated:
            other = dated[released_at].name
            unreadable.append(
                SourceError(Text(en=f"{path.name} has the same stamp as {other}", fr=f"{path.name} porte le même horodatage que {other}"))
            )
        else:
            dated[released_at] = path
    return [(dated[released_at], released_at) for released_at in sorted(dated)]


def _read(path: Path, released_at: datetime, source: str, progress: Callable[[str, int], None]) -> _Release:
    problems = csv_file.Problems(path)
    schema = pa.schema([(name, pa.string()) for name in _KEPT])
    batches: list[pa.RecordBatch] = []
    rows: list[dict[str, str]] = []
    total = 0
    for record in csv_file.records(path, encoding="utf-8", delimiter="|", columns=_COLUMNS, quoted=False):
        row, problem = _row(record)
        if problem:
            problems.add(record, problem)
            continue
        rows.append(row)
        if len(rows) == _BATCH:
            total += _BATCH
            batches.append(pa.RecordBatch.from_pylist(rows, schema=schema))
            rows = []
            progress(source, total)
    batches.append(pa.RecordBatch.from_pylist(rows, schema=schema))
    progress(source, total + len(rows))
    return _Release(path, released_at, pa.Table.from_batches(batches, schema=schema), problems)


def _row(record: csv_file.Record) -> tuple[dict[str, str], Text | None]:
    if record.problem:
        return {}, record.problem
    row = {name: value.strip() for name, value in record.values.items()}
    pattern = _ID.get(row["id_type"])
    if pattern is None:
        return {}, Text(en=f"unknown kind of id “{row['id_type']}”", fr=f"type d’identifiant «\u00a0{row['id_type']}\u00a0» inconnu")
    if row["id_type"] == _RPPS_TYPE and len(row["person_id"]) == 12:
        row["person_id"] = row["person_id"].removeprefix(_RPPS_TYPE)
    if not pattern.fullmatch(row["person_id"]):
        return {}, Text(en="the id is not an RPPS or ADELI number", fr="l’identifiant n’est ni un numéro RPPS ni un numéro ADELI")
    del row["national_id"]
    return row, None


def _doubts(release: _Release, before: _Release | None, max_drop: float, as_of: datetime) -> list[Text]:
    """Why a release is not to be believed; nothing when it is."""
    name = release.path.name
    if not release.rows:
        return [Text(en=f"{name} has no usable line", fr=f"{name} n’a aucune ligne exploitable")]
    if release.released_at - as_of > timedelta(days=1):
        return [Text(en=f"{name} is dated after the audit", fr=f"{name} est daté d’après l’audit")]
    if before is None:
        return []
    return [
        Text(
            en=f"{name} is rejected: {what.en} fell from {old} to {new}",
            fr=f"{name} est rejeté\u00a0: {what.fr} passe de {old} à {new}",
        )
        for what, old, new in _drops(release, before, max_drop)
    ]


def _drops(release: _Release, before: _Release, max_drop: float) -> Iterator[tuple[Text, int, int]]:
    totals = (
        (Text(en="the number of rows", fr="le nombre de lignes"), before.rows, release.rows),
        (Text(en="the number of people", fr="le nombre de personnes"), before.persons(), release.persons()),
    )
    yield from ((what, old, new) for what, old, new in totals if old - new >= max_drop * old)
    for column, label in (
        ("profession_code", Text(en="the number of people of profession", fr="le nombre de personnes de la profession")),
        ("id_type", Text(en="the number of people with id type", fr="le nombre de personnes de type d’identifiant")),
    ):
        now = release.persons_by(column)
        for value, old in sorted(before.persons_by(column).items()):
            new = now.get(value, 0)
            if old - new >= max(_NOISE, max_drop * old):
                yield Text(en=f"{label.en} {value}", fr=f"{label.fr} {value}"), old, new


def _add_release(writer: Writer, registry: str, release: _Release, sha256: str) -> dict[str, object]:
    persons, accepted = release.persons(), not release.rejected
    writer.add(
        "registry_release",
        {"registry": registry, "released_at": release.released_at, "rows": release.rows, "persons": persons, "accepted": accepted},
    )
    return {
        "file": release.path.name,
        "sha256": sha256,
        "rows": release.rows,
        "persons": persons,
        "accepted": accepted,
        "unreadable_lines": release.problems.lines,
    }


def _merge(history: pa.Table | None, release: _Release) -> pa.Table:
    """One row per person ever seen: names and profession of the last release that holds them, first and last date."""
    activities = release.activities
    # A person with several professions counts under one: practising before student, then the lowest code.
    student = pc.equal(activities["category_code"], "E").cast(pa.int8()).cast(pa.string())
    exercise = pc.binary_join_element_wise(student, activities["profession_code"], activities["category_code"], "|")
    dates = pa.array([release.released_at] * activities.num_rows, pa.timestamp("us"))
    people = (
        activities.select(["person_id", "family_name", "given_name"])
        .append_column("exercise", exercise)
        .append_column("first_seen_at", dates)
        .append_column("last_seen_at", dates)
        .group_by("person_id", use_threads=False)
        .aggregate([("family_name", "min"), ("given_name", "min"), ("exercise", "min"), ("first_seen_at", "min"), ("last_seen_at", "max")])
    )
    people = people.rename_columns([name.removesuffix("_min").removesuffix("_max") for name in people.column_names])
    if history is None:
        return people
    last = [(name, "last") for name in ("family_name", "given_name", "exercise")]
    both = pa.concat_tables([history.select(people.column_names), people])
    merged = both.group_by("person_id", use_threads=False).aggregate([*last, ("first_seen_at", "min"), ("last_seen_at", "max")])
    return merged.rename_columns([re.sub("_(last|min|max)$", "", name) for name in merged.column_names])


def _add_persons(writer: Writer, registry: str, history: pa.Table, latest: datetime) -> None:
    for batch in history.to_batches(_BATCH):
        for row in batch.to_pylist():
            _, profession, category = row.pop("exercise").split("|")
            writer.add(
                "registry_person",
                row
                | {
                    "registry": registry,
                    "profession_code": profession,
                    "category_code": category,
                    "in_latest": row["last_seen_at"] == latest,
                },
            )


def _add_activities(writer: Writer, registry: str, release: _Release) -> int:
    """Each place and mode of practice once; returns how many."""
    keys = ["person_id", "site_id", "mode"]
    places = release.activities.select([*keys, "legal_id"]).group_by(keys, use_threads=False).aggregate([("legal_id", "max")])
    for batch in places.rename_columns([*keys, "legal_id"]).to_batches(_BATCH):
        for row in batch.to_pylist():
            writer.add("registry_activity", row | {"registry": registry})
    return int(places.num_rows)


def _add_nothing(settings: RegistryFr, writer: Writer, unreadable: list[SourceError], rejected: list[Text], releases: int) -> None:
    """Coverage when no release was accepted."""
    reasons = [error.text for error in unreadable]
    denied = any(error.state is State.DENIED for error in unreadable)
    error = SourceError(joined(reasons + rejected), state=State.DENIED if denied else State.ABSENT)
    writer.add_coverage(unread(TABLES[1:] if releases else TABLES, settings.name, error))
    if releases:
        writer.add_coverage([csv_file.covered("registry_release", settings.name, releases, reasons, None)])


def _age(released_at: datetime, as_of: datetime, max_age_days: int) -> list[Text]:
    days = (as_of - released_at).days
    if as_of - released_at <= timedelta(days=max_age_days):
        return []
    return [
        Text(
            en=f"the latest accepted release is {days} days old, {max_age_days} are allowed",
            fr=f"la dernière version acceptée date de {days} jours, {max_age_days} sont admis",
        )
    ]
