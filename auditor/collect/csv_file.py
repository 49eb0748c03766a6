"""Strict reading of delimited text: registries, HR exports, registers.

The encoding is the one declared, never guessed; a file that is not such text, or lacks a column, is refused in one sentence with its line.
A single line that cannot be read is given to the caller as such, to be counted, never dropped in silence.
"""

from __future__ import annotations

import codecs
import csv
import unicodedata
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from auditor.collect import SourceError, joined
from auditor.errors import ConfigError, os_reason
from auditor.model import Coverage, State, Text
from auditor.tables import COLLECTED

MAX_LINE = 1 << 20
"""Longest line, in characters; longer ones come from files that are not text."""
_SHOWN = 60
_OPEN_ENDS = frozenset((datetime(2099, 12, 31), datetime(9999, 12, 31)))


class Record(NamedTuple):
    """One record: `number` counts from 1 after the header, `line` is the last line of the file it takes, `lines` how many it takes.

    `first` is its first cell. `values` holds the wanted columns by name; it is empty when `problem` says why the record cannot be read.
    """

    number: int
    line: int
    lines: int
    first: str
    values: Mapping[str, str]
    problem: Text | None


class Problems:
    """Lines that could not be read: how many, and why and where the first."""

    def __init__(self, path: Path) -> None:
        self.file = path.name
        self.lines = 0
        self._first: tuple[int, Text] | None = None

    def add(self, record: Record, problem: Text) -> None:
        """Count the lines of `record`."""
        self.lines += record.lines
        self._first = self._first or (record.line, problem)

    @property
    def reasons(self) -> list[Text]:
        """Nothing, or one sentence with the count and the first place."""
        if self._first is None:
            return []
        line, problem = self._first
        several = self.lines > 1
        return [
            Text(
                en=f"{self.lines} line{'s' if several else ''} could not be read, first {self.file}:{line}: {problem.en}",
                fr=f"{self.lines} ligne{'s n’ont' if several else ' n’a'} pas pu être lue{'s' if several else ''}, "
                f"d’abord {self.file}:{line}\u00a0: {problem.fr}",
            )
        ]


def records(path: Path, *, encoding: str, delimiter: str, columns: Mapping[str, str], quoted: bool = True) -> Iterator[Record]:
    """Read `path` record by record; `columns` maps the names wanted to the headers of the file.

    Headers are compared without case, surrounding blanks and the form of apostrophes; extra columns and one trailing delimiter are
    tolerated. `quoted` says that cells may stand in double quotes and then hold delimiters and line breaks. SourceError when the file
    cannot be read at all, ConfigError when the encoding does not exist.
    """
    text = lines(path, encoding)
    found = _quoted(text, delimiter) if quoted else _plain(text, delimiter)
    header = next(found, None)
    if header is None or not header.cells:
        raise _unusable(path, 1, Text(en="there is no header", fr="il n’y a pas d’en-tête"))
    width = len(header.cells) - (header.cells[-1].strip() == "")
    wanted = places(path, header.cells[:width], columns)
    for number, row in enumerate(found, 1):
        cells = row.cells
        if cells is None:
            problem = Text(en="its quotes are not closed or not in place", fr="ses guillemets ne sont pas fermés ou sont mal placés")
            yield Record(number, row.line, row.lines, "", {}, problem)
        elif not any(map(str.strip, cells)):
            continue
        elif len(cells) == width or (len(cells) == width + 1 and not cells[-1].strip()):
            yield Record(number, row.line, row.lines, cells[0], {name: cells[place] for name, place in wanted.items()}, None)
        else:
            problem = Text(en=f"{len(cells)} columns instead of {width}", fr=f"{len(cells)} colonnes au lieu de {width}")
            yield Record(number, row.line, row.lines, cells[0], {}, problem)


class Row(NamedTuple):
    """Cells as they stand: `line` is the last line of the file they take, `lines` how many; no cells when the quotes are wrong."""

    line: int
    lines: int
    cells: list[str] | None


def rows(path: Path, *, encoding: str, delimiter: str) -> Iterator[Row]:
    """Read `path` row by row, header included, for files whose columns have no names of their own; errors as for `records`."""
    return _quoted(lines(path, encoding), delimiter)


def _quoted(lines: Iterator[str], delimiter: str) -> Iterator[Row]:
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        before = reader.line_num
        try:
            cells: list[str] | None = next(reader)
        except StopIteration:
            return
        except csv.Error:
            cells = None
        yield Row(reader.line_num, reader.line_num - before, cells)


def _plain(lines: Iterator[str], delimiter: str) -> Iterator[Row]:
    for number, line in enumerate(lines, 1):
        yield Row(number, 1, line.rstrip("\r\n").split(delimiter))


def lines(path: Path, encoding: str) -> Iterator[str]:
    """Read `path` line by line; SourceError when it is not text of that encoding or cannot be read, ConfigError when no such exists."""
    number = 0
    try:
        disguise = _Disguise(encoding)
        # Bytes that are not text become lone surrogates, so that the line and the byte can be named.
        with path.open(encoding=encoding, errors="surrogateescape", newline="\n") as file:
            while line := file.readline(MAX_LINE):
                number += 1
                if number == 1:
                    line = _without_mark(path, line, encoding)
                _check(path, number, line, encoding)
                disguise.look(number, line)
                yield line
        if disguise.first_line:
            problem = Text(en="the file is UTF-8: declare encoding: utf-8", fr="le fichier est en UTF-8\u00a0: déclarez encoding: utf-8")
            raise _unusable(path, disguise.first_line, problem)
    except LookupError as error:
        raise ConfigError(
            f"audit.yaml: encoding {encoding!r} does not exist; write utf-8 or cp1252.",
            fr=f"audit.yaml\u00a0: l’encodage {encoding!r} n’existe pas\u00a0; écrivez utf-8 ou cp1252.",
        ) from error
    except UnicodeError as error:
        raise _unusable(path, number + 1, Text(en=f"this is not {encoding} text", fr=f"ce n’est pas du texte {encoding}")) from error
    except FileNotFoundError as error:
        raise SourceError(Text(en=f"{path.name} does not exist", fr=f"{path.name} n’existe pas")) from error
    except PermissionError as error:
        text = Text(en=f"{path.name} may not be read by this user", fr=f"{path.name} ne peut pas être lu par cet utilisateur")
        raise SourceError(text, state=State.DENIED) from error
    except OSError as error:
        reason = os_reason(error)
        text = Text(en=f"{path.name} could not be read ({reason.en})", fr=f"{path.name} n’a pas pu être lu ({reason.fr})")
        raise SourceError(text) from error


class _Disguise:
    """Whether text read in a single-byte encoding is UTF-8: that happens to no line by chance, let alone to every line with an accent.

    `first_line` is the first such line as long as no line speaks against it, and 0 otherwise.
    """

    def __init__(self, encoding: str) -> None:
        self.first_line = 0
        self._encoding = encoding
        self._open = not codecs.lookup(encoding).name.startswith("utf")

    def look(self, number: int, line: str) -> None:
        """Take one more line into account."""
        if not self._open or line.isascii():
            return
        try:
            line.encode(self._encoding).decode("utf-8")
        except UnicodeError:
            self._open, self.first_line = False, 0
        else:
            self.first_line = self.first_line or number


def _without_mark(path: Path, line: str, encoding: str) -> str:
    if line.startswith("ï»¿"):
        problem = Text(en=f"the file is UTF-8, not {encoding} as declared", fr=f"le fichier est en UTF-8, non en {encoding} comme déclaré")
        raise _unusable(path, 1, problem)
    return line.removeprefix("\ufeff")


def _check(path: Path, number: int, line: str, encoding: str) -> None:
    if "\0" in line:
        problem = Text(en=f"a NUL byte: this is not {encoding} text", fr=f"un octet nul\u00a0: ce n’est pas du texte {encoding}")
        raise _unusable(path, number, problem)
    if len(line) == MAX_LINE and not line.endswith("\n"):
        problem = Text(en="the line is too long: this is not text", fr="la ligne est trop longue\u00a0: ce n’est pas du texte")
        raise _unusable(path, number, problem)
    if line.isascii():
        return
    try:
        line.encode("utf-8")
    except UnicodeEncodeError as error:
        byte = ord(line[error.start]) - 0xDC00
        problem = Text(en=f"byte 0x{byte:02X} is not {encoding} text", fr=f"l’octet 0x{byte:02X} n’est pas du texte {encoding}")
        raise _unusable(path, number, problem) from error


def _unusable(path: Path, line: int, problem: Text) -> SourceError:
    return SourceError(Text(en=f"{path.name}:{line}: {problem.en}", fr=f"{path.name}:{line}\u00a0: {problem.fr}"))


def places(path: Path, header: list[str], columns: Mapping[str, str]) -> dict[str, int]:
    """Where in `header` each wanted column stands; SourceError when one is missing or appears twice."""
    found = [_plain_header(cell) for cell in header]
    positions = {}
    for name, wanted in columns.items():
        key = _plain_header(wanted)
        if found.count(key) != 1:
            times = Text(en="is missing", fr="manque") if key not in found else Text(en="appears twice", fr="figure deux fois")
            raise _unusable(path, 1, Text(en=f"column “{wanted}” {times.en}", fr=f"la colonne «\u00a0{wanted}\u00a0» {times.fr}"))
        positions[name] = found.index(key)
    return positions


def _plain_header(text: str) -> str:
    return unicodedata.normalize("NFC", text).replace("’", "'").strip().casefold()


def check_columns(source: str, table: str, columns: Mapping[str, str], required: tuple[str, ...], computed: tuple[str, ...]) -> None:
    """ConfigError when `columns` of a source names what `table` does not take from a file, or leaves out a required column."""
    taken = [name for name in COLLECTED[table].column_names if name not in computed]
    place = Text(en=f"audit.yaml: {source}: columns: ", fr=f"audit.yaml\u00a0: {source}\u00a0: columns\u00a0: ")
    for name in columns:
        if name not in taken:
            raise ConfigError(
                f"{place.en}{name} is not one of {', '.join(taken)}; correct the name.",
                fr=f"{place.fr}{name} ne figure pas parmi {', '.join(taken)}\u00a0; corrigez le nom.",
            )
    for name in required:
        if name not in columns:
            raise ConfigError(
                f"{place.en}{name} is missing; write the header it has in the file.",
                fr=f"{place.fr}{name} manque\u00a0; écrivez son en-tête dans le fichier.",
            )


def day(text: str, date_format: str) -> datetime | None:
    """A date written in `date_format`; None when it is not one."""
    try:
        return datetime.strptime(text, date_format)  # noqa: DTZ007 - a day has no zone
    except ValueError:
        return None


def last_day(text: str, date_format: str) -> tuple[datetime | None, bool | None]:
    """The end of a contract and whether it has none: (day, False), (None, True), or (None, None) when it cannot be read.

    HR software writes "no end" as an empty cell, 00/00/0000, 31/12/2099 or 31/12/9999.
    """
    if not text or (set(text) <= set("0/-. ") and "0" in text):
        return None, True
    end = day(text, date_format)
    if end is None:
        return None, None
    return (None, True) if end in _OPEN_ENDS else (end, False)


def bad_date(text: str) -> Text:
    """What is wrong with a date that `day` or `last_day` cannot read."""
    text = shown(text)
    return Text(en=f"“{text}” is not a date in the declared format", fr=f"«\u00a0{text}\u00a0» n’est pas une date au format déclaré")


def shown(cell: str) -> str:
    """The beginning of a cell, for a sentence."""
    return cell if len(cell) <= _SHOWN else f"{cell[:_SHOWN]}…"


def received(path: Path, declared: datetime | None) -> datetime:
    """When a file was received: as declared, else when it was last written."""
    return declared or datetime.fromtimestamp(path.stat().st_mtime, UTC).replace(tzinfo=None)


def age(received_at: datetime, max_age_days: int, as_of: datetime) -> list[Text]:
    """Why a file does not show the state at the audit instant: it is too old, or from after it."""
    if received_at - as_of > timedelta(days=1):
        return [Text(en="the file was received after the date of the audit", fr="le fichier a été reçu après la date de l’audit")]
    if as_of - received_at <= timedelta(days=max_age_days):
        return []
    days = (as_of - received_at).days
    return [
        Text(
            en=f"the file is {days} days old, {max_age_days} are allowed", fr=f"le fichier date de {days} jours, {max_age_days} sont admis"
        )
    ]


def covered(table: str, source: str, rows: int, reasons: list[Text], at: datetime | None) -> Coverage:
    """Coverage of a table that was read: complete, or partial when there are `reasons`."""
    if not reasons:
        return Coverage(table, source, State.COMPLETE, rows, collected_at=at)
    return Coverage(table, source, State.PARTIAL, rows, joined(reasons), COLLECTED[table].cure, at)
