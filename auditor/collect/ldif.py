"""Directories exported as LDIF (RFC 2849), as ldifde and ldapsearch write it: read twice, line by line, never held in memory.

Refused with file and line: change records, values by URL (`attr:< file:///…`), broken base64, lines outside an entry, oversized values.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from auditor.collect import Progress, SourceError, unread
from auditor.collect.directory import Directory
from auditor.collect.directory_coverage import TABLE_NAMES
from auditor.collect.directory_index import Index
from auditor.config import Ldif
from auditor.errors import os_reason
from auditor.model import State, Text
from auditor.snapshot import Writer

MAX_VALUE = 64 << 20
"""Longest value accepted, in bytes of LDIF text."""

MAX_ENTRY = 256 << 20
"""Longest entry accepted, in bytes of LDIF text."""

_PROGRESS_EVERY = 1000
_ATTRIBUTE = re.compile(rb"[A-Za-z0-9][A-Za-z0-9.-]*(?:;[A-Za-z0-9*=-]+)*\Z")
_LONGEST_NAME = 256
_ANNOUNCED = b"# extended LDIF"
_RESULT = re.compile(rb"([0-9]{1,4})\b")

_PATH = Text(
    "Give, under paths in audit.yaml, an export that is whole and readable.",
    "Indiquer, sous paths dans audit.yaml, un export entier et lisible.",
)
_WHOLE = Text(
    "Export the domain and its configuration again, whole and today, with every attribute (* and nTSecurityDescriptor) and an account "
    "that may read all properties.",
    "Exporter de nouveau, ce jour, le domaine et sa configuration en entier, avec tous les attributs (* et nTSecurityDescriptor) et un "
    "compte qui peut lire toutes les propriétés.",
)

Entry = tuple[str, dict[str, list[bytes]]]
"""Distinguished name, and raw values by lower-case attribute name."""


class _Place:
    """The line being read, for messages."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.line = 0
        # ldapsearch announces "extended LDIF", unless told to leave comments out, and then writes a result after the entries of each page.
        self.result_owed = False

    def error(self, en: str, fr: str, line: int = 0) -> SourceError:
        place = f"{self.name}:{line or self.line}"
        return SourceError(Text(f"{place}: {en}; export the directory again.", f"{place} : {fr} ; exporter de nouveau l’annuaire."))


class CutExportError(SourceError):
    """The tool that wrote the export noted in it that the server had ended the search early."""


def read(path: Path) -> Iterator[Entry]:
    """Entries of one file, in order. SourceError with file and line when it is not LDIF content; CutExportError, at the end, when
    ldapsearch wrote a result other than success."""
    place = _Place(path.name)
    with _open(path, place) as read_line:
        record: list[tuple[str, bytes, int]] = []
        size = 0
        cut: SourceError | None = None
        for line, number in _logical_lines(read_line, place):
            if line:
                size += len(line)
                if size > MAX_ENTRY:
                    raise place.error("an entry is too large", "une entrée est trop volumineuse")
                name, value = _attribute(line, number, place)
                # ldifde writes "changetype: add" on every entry of an export; any other is an order to change a directory.
                if record and record[0][0] == "dn" and (name == "control" or (name == "changetype" and value.strip().lower() != b"add")):
                    raise place.error("change records are not an export", "des ordres de modification ne sont pas un export", number)
                record.append((name, value, number))
                continue
            cut = _result(record, place) or cut
            yield from _entry(record, place)
            record, size = [], 0
        cut = _result(record, place) or cut
        yield from _entry(record, place)
        if cut is None and place.result_owed:
            en, fr = "the closing result of ldapsearch is missing: the file was cut", "le résultat final de ldapsearch manque"
            cut = CutExportError(
                Text(
                    f"{place.name}: {en}; export the directory again.",
                    f"{place.name} : {fr} : le fichier a été coupé ; exporter de nouveau l’annuaire.",
                )
            )
        if cut:
            raise cut


@contextmanager
def _open(path: Path, place: _Place) -> Iterator[Callable[[], bytes]]:
    """A function that reads the next physical line as UTF-8; ldifde -u writes UTF-16 with a byte order mark."""
    try:
        with path.open("rb") as file:
            start = file.read(3)
            if start[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
                file.seek(0)
                wide = io.TextIOWrapper(file, "utf-16", newline="\n")
                yield lambda: wide.readline(MAX_VALUE + 2).encode("utf-8")
            else:
                file.seek(3 if start == codecs.BOM_UTF8 else 0)
                yield lambda: file.readline(MAX_VALUE + 2)
    except FileNotFoundError as error:
        text = Text(f"{path.name} does not exist; correct the path.", f"{path.name} n’existe pas ; corriger le chemin.")
        raise SourceError(text) from error
    except UnicodeError as error:
        raise place.error("the text is not UTF-16 to its end", "le texte n’est pas de l’UTF-16 jusqu’au bout", place.line + 1) from error
    except OSError as error:
        reason = os_reason(error)
        en, fr = f"{path.name} cannot be read ({reason.en})", f"{path.name} est illisible ({reason.fr})"
        raise SourceError(Text(f"{en}; check its rights.", f"{fr} ; vérifier ses droits."), state=State.DENIED) from error


def _logical_lines(read_line: Callable[[], bytes], place: _Place) -> Iterator[tuple[bytes, int]]:
    """(line, its number) with folded lines joined and comments left out; an empty line separates entries."""
    parts: list[bytes] = []
    size = first = 0
    while raw := read_line():
        place.line += 1
        line = raw.rstrip(b"\r\n")
        size += len(line)
        if size > MAX_VALUE:
            raise place.error("a value is too long", "une valeur est trop longue")
        if line[:1] == b" " and parts:
            parts.append(line[1:])
            continue
        if parts and parts[0][:1] != b"#":
            yield b"".join(parts), first
        place.result_owed = place.result_owed or parts == [_ANNOUNCED]
        parts, size, first = [], len(line), place.line
        if line:
            parts = [line]
        else:
            yield b"", first
    if parts and parts[0][:1] != b"#":
        yield b"".join(parts), first


def _attribute(line: bytes, number: int, place: _Place) -> tuple[str, bytes]:
    """(lower-case name, value) of one logical line."""
    name, colon, value = line.partition(b":")
    written = _name(name) if colon and len(name) <= _LONGEST_NAME else ""
    if not written:
        raise place.error("not a line of LDIF", "ce n’est pas une ligne LDIF", number)
    if value[:1] == b"<":
        raise place.error("values by URL are not accepted", "les valeurs par URL ne sont pas acceptées", number)
    if value[:1] != b":":
        return written, value.lstrip(b" ")
    try:
        return written, base64.b64decode(value[1:].strip(b" "), validate=True)
    except binascii.Error as error:
        raise place.error("broken base64", "base64 invalide", number) from error


@lru_cache(maxsize=1024)
def _name(written: bytes) -> str:
    """Lower-case name of an attribute, remembered because a directory has few; empty when it is none."""
    return written.decode("ascii").lower().removesuffix(";binary") if _ATTRIBUTE.match(written) else ""


def _result(record: list[tuple[str, bytes, int]], place: _Place) -> SourceError | None:
    """The closing record of ldapsearch (search:, result:), when its result is not success."""
    for name, value, number in record:
        if name == "result" and record[0][0] in ("search", "result"):
            code = _RESULT.match(value)
            if not code:
                raise place.error("the closing result is not a number", "le résultat final n’est pas un nombre", number)
            place.result_owed = any(key == "pagedresults" and not cookie.endswith(b"cookie=") for key, cookie, _ in record)
            if int(code[1]):
                en, fr = "the server ended the export early: LDAP result", "le serveur a interrompu l’export : résultat LDAP"
                return CutExportError(
                    Text(
                        f"{place.name}: {en} {int(code[1])}; export the directory again.",
                        f"{place.name} : {fr} {int(code[1])} ; exporter de nouveau l’annuaire.",
                    )
                )
    return None


def _entry(record: list[tuple[str, bytes, int]], place: _Place) -> Iterator[Entry]:
    """The entry of a record, if it is one: version lines, references and the closing result of ldapsearch are not."""
    if record and record[0][0] == "version":
        record = record[1:]
    if not record or record[0][0] in ("search", "result", "ref"):
        return
    name, value, number = record[0]
    if name != "dn":
        raise place.error("an entry must begin with dn:", "une entrée doit commencer par dn:", number)
    attributes: dict[str, list[bytes]] = {}
    for attribute, content, line in record[1:]:
        if attribute == "dn":
            raise place.error("two dn: lines in one entry", "deux lignes dn: dans une entrée", line)
        if attribute != "changetype":
            attributes.setdefault(attribute, []).append(content)
    yield value.decode("utf-8", "replace"), attributes


def collect(settings: Ldif, writer: Writer, progress: Progress) -> None:
    """Read the files into the directory tables. Files that are not LDIF to their end deliver nothing: every table is then absent or
    denied, with file, line and reason."""
    index = Index()
    cut: Text | None = None
    try:
        for path in settings.paths:
            try:
                for name, attributes in read(path):
                    index.learn(name, attributes)
            except CutExportError as error:
                index.complete, cut = False, error.text
    except SourceError as error:
        writer.add_coverage([replace(entry, cure=_PATH) for entry in unread(TABLE_NAMES, settings.name, error)])
        return
    directory = Directory(writer, settings, index)
    entries = 0
    for path in settings.paths:
        try:
            for name, attributes in read(path):
                directory.add(name, attributes)
                entries += 1
                if entries % _PROGRESS_EVERY == 0:
                    progress(settings.name, entries)
        except SourceError as error:  # known from the first pass, unless the file changed since
            cut = error.text
    directory.finish(cut)
    progress(settings.name, entries)
    writer.add_coverage(directory.gaps.coverage(settings.name, directory.rows, writer.as_of, _WHOLE))
    facts = {"files": [path.name for path in settings.paths], "entries": entries, "visible": dict(directory.visible)}
    writer.add_facts(settings.name, facts)
