"""Training registers: a table with one line per person and module, or Moodle's activity completion report.

Moodle writes the state of an activity in the language of whoever exports the report. A state that is not known is a line that cannot be
read, never "not completed": a false reproach to a whole population would cost more than a gap.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from auditor.collect import SourceError, csv_file, unread
from auditor.config_training import Training
from auditor.model import Text, Value
from auditor.snapshot import Writer, digest

_TABLE = "training_record"
_MOODLE_DATE = "%Y-%m-%d %H:%M:%S"
_COMPLETED = (
    "completed, complete, completed (achieved pass grade), passed, pass, done, yes, attended, terminé, "
    "terminé (note minimale de réussite atteinte), terminé (note pour passer atteinte), réussi, réussie, validé, validée, acquis, acquise, "
    "suivi, suivie, présent, présente, fait, oui"
)
_NOT_COMPLETED = (
    "not completed, incomplete, completed (did not achieve pass grade), failed, fail, no, absent, enrolled, in progress, pas terminé, "
    "non terminé, terminé (n'a pas atteint la note minimale de réussite), terminé (n'a pas atteint la note pour passer), échoué, échouée, "
    "échec, non validé, non validée, non acquis, non acquise, non, absente, inscrit, inscrite, en cours"
)
_STATES = dict.fromkeys(_COMPLETED.split(", "), True) | dict.fromkeys(_NOT_COMPLETED.split(", "), False)
_OVERRIDE = re.compile(r" \((set by|défini par) .*\)$")
"""What Moodle adds when somebody else set the state, with that person's name."""


def collect(settings: Training, writer: Writer, progress: Callable[[str, int], None]) -> None:
    """Fill training_record; lines that cannot be read make it partial, with their count."""
    problems = csv_file.Problems(settings.path)
    states = _STATES | {_plain(word): completed for word, completed in settings.states.items()}
    read = _register if settings.format == "register" else _moodle
    rows: list[dict[str, Value]] = []
    try:
        for record, person, module, state, date in read(settings):
            problem = record.problem
            if not problem:
                row, problem = _row(settings, states, person, state, date)
                if row:
                    rows.append({**row, "source": settings.name, "row_number": record.number, "module": module})
            if problem:
                problems.add(record, problem)
        sha256 = digest(settings.path)
    except SourceError as error:
        writer.add_coverage(unread((_TABLE,), settings.name, error))
        return
    for row in rows:
        writer.add(_TABLE, row)
    progress(settings.name, len(rows))
    writer.add_coverage([csv_file.covered(_TABLE, settings.name, len(rows), problems.reasons, writer.as_of)])
    writer.add_facts(settings.name, {"file": settings.path.name, "sha256": sha256, "rows": len(rows), "unreadable_lines": problems.lines})


_Entry = tuple[csv_file.Record, Mapping[str, str], str, str, str]
"""A record, its cells about the person, the module, the state and the date as written."""


def _register(settings: Training) -> Iterator[_Entry]:
    for record in csv_file.records(settings.path, encoding=settings.encoding, delimiter=settings.delimiter, columns=settings.columns):
        values = record.values
        yield record, values, values.get("module", "").strip(), values.get("result", ""), values.get("completed_at", "")


def _moodle(settings: Training) -> Iterator[_Entry]:
    """One entry per line and activity. The date stands in the column after the activity, whose header is empty or a due date."""
    rows = csv_file.rows(settings.path, encoding=settings.encoding, delimiter=settings.delimiter)
    header = next(rows, None)
    if header is None or not header.cells:
        raise SourceError(Text(en=f"{settings.path.name}: there is no header", fr=f"{settings.path.name}\u00a0: il n’y a pas d’en-tête"))
    width = len(header.cells)
    persons = csv_file.places(settings.path, header.cells, settings.columns)
    # A date column follows every activity; one is added so that the last activity of a file cut there is seen as such.
    modules = csv_file.places(settings.path, header.cells[: width - 1], {name: name for name in settings.modules})
    for number, row in enumerate(rows, 1):
        cells = row.cells
        problem = None
        if cells is None:
            problem = Text(en="its quotes are not closed or not in place", fr="ses guillemets ne sont pas fermés ou sont mal placés")
        elif not any(map(str.strip, cells)):
            continue
        elif len(cells) != width:
            problem = Text(en=f"{len(cells)} columns instead of {width}", fr=f"{len(cells)} colonnes au lieu de {width}")
        if problem or cells is None:
            yield csv_file.Record(number, row.line, row.lines, "", {}, problem), {}, "", "", ""
            continue
        person = {name: cells[place] for name, place in persons.items()}
        for module, place in modules.items():
            yield csv_file.Record(number, row.line, row.lines, "", {}, None), person, module, cells[place], cells[place + 1]


def _row(
    settings: Training, states: Mapping[str, bool], person: Mapping[str, str], state: str, date: str
) -> tuple[dict[str, Value] | None, Text | None]:
    """The row, if there is one, and what is wrong, if anything is: an unreadable date leaves a completion without date."""
    number, mail = person.get("person_number", "").strip(), person.get("mail", "").strip().lower()
    if not (number or mail):
        return None, Text(en="neither HR number nor mail address", fr="ni matricule ni adresse de messagerie")
    completed = states.get(_plain(state))
    if completed is None:
        word = state.strip()[:60]
        return None, Text(
            en=f"“{word}” is not a known result, declare it under states",
            fr=f"«\u00a0{word}\u00a0» n’est pas un résultat connu, à déclarer sous states",
        )
    row: dict[str, Value] = {"person_number": number, "mail": mail, "completed_at": None, "not_completed": not completed}
    if not completed:
        return row, None
    row["completed_at"] = _day(settings, date.strip())
    return row, None if row["completed_at"] else csv_file.bad_date(date.strip()[:60])


def _day(settings: Training, date: str) -> datetime | None:
    """The day alone: the hour is that of a server whose zone the file does not say."""
    at = csv_file.day(date, _MOODLE_DATE if settings.format == "moodle" else settings.date_format)
    return at and at.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)


def _plain(word: str) -> str:
    text = unicodedata.normalize("NFC", word).replace("’", "'").replace("\u00a0", " ").casefold()
    return _OVERRIDE.sub("", " ".join(text.split()))
