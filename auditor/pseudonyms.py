"""Keyed stable pseudonyms: which values of a snapshot tell of whom, and their replacement in any text.

A pseudonym is a word of its kind and the start of HMAC-SHA256 (RFC 2104) over the value, whose case and accents do not count, under the
key of the hospital: the same object is the same pseudonym in every report and every week, and nobody without the key can test a guess.
"""

from __future__ import annotations

import hmac
import re
import secrets
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache, cached_property
from pathlib import Path

import ahocorasick
import pyarrow.compute as pc
import pyarrow.parquet as pq

from auditor import safe
from auditor.config import Audit
from auditor.errors import ConfigError, os_reason
from auditor.snapshot import Snapshot
from auditor.tables import COLLECTED, Table

WORDS = {
    "login": "login", "person": "agent", "post": "agent", "mail": "mail", "number": "code", "host": "machine", "domain": "domain",
    "site": "site", "id": "id",
}  # fmt: skip
"""First word of the pseudonym of each kind of value: words that French and English share."""

PSEUDONYM = re.compile(rf"({'|'.join(sorted(set(WORDS.values())))})-([0-9a-f]{{12,64}})")
_DIGITS = 12
"""48 bits; a pseudonym that two values of one run would share gets four digits more for the second."""

_NATIONAL = frozenset({"registry_person", "registry_activity"})
"""A national registry holds every family name there is: looked up as words, they would shred any text. Its numbers have a form."""

_SID = r"S-1-(?:5-21|12-1)(?:-\d+){3,}"
_GUID = r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"
_RDN = r"(?:cn|ou|uid|o|l|st|c)=(?:\\.|[^,\\\n]){1,300},\s?"
_FORMS = {
    "sid": rf"{_SID}(?![\d-])",
    "guid": rf"(?<![0-9a-f-]){_GUID}(?![0-9a-f-])",
    "dn": rf"(?<![\w,=])(?:{_RDN}){{0,40}}dc=[\w-]+(?:,\s?dc=[\w-]+){{0,40}}",
    "mail": r"(?:(?<=^)|(?<=[\s,;:<>()\[\]\"'/\\]))[^\s@,;:<>()\[\]\"'/\\]{1,300}@\w[\w-]*(?:\.[\w-]+)*",
    "address": r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?!\.?\d)",
    "address6": r"(?<![\w:])(?:(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}|(?:[0-9a-f]{1,4}:)+:[0-9a-f:]*)",
    "home": r"(?<=/home/)[^/\s]+|(?<=\\Users\\)[^\\\s]+",
    "phone": r"(?<![\d+])(?:\+33[ .-]?|0)[1-9](?:[ .-]?\d{2}){4}(?!\d)",
    "national": r"(?<!\d)\d{11}(?!\d)",
}
_GUIDS = re.compile(_GUID)
_KIND_OF_FORM = {
    "sid": "id", "guid": "id", "dn": "id", "mail": "mail", "address": "host", "address6": "host", "home": "login", "phone": "number",
    "national": "number", "name": "host",
}  # fmt: skip
_TOLD_BY_FORM = re.compile("|".join(_FORMS[form] for form in ("sid", "dn", "mail", "national")), re.IGNORECASE)


def folded(text: str) -> str:
    """The text without regard to case and accents, character by character: positions stay the same."""
    return text.lower() if text.isascii() else "".join(map(_folded, text))


@cache
def _folded(character: str) -> str:
    base = unicodedata.normalize("NFD", character)[0].lower()
    return base if len(base) == 1 else character


def key_of(path: Path, output: Path, *, create: bool) -> tuple[bytes, bool]:
    """The key of the hospital, and whether it was made just now; ConfigError when it is missing and must not be made, can be read by
    others, lies among the reports or is damaged."""
    if path.resolve().is_relative_to(output.resolve()):
        raise ConfigError(
            f"{path} lies among the reports, and whoever has both knows every name; set pseudonym_key outside the output folder.",
            fr=f"{path} se trouve parmi les rapports, et qui a les deux connaît tous les noms\u00a0; placez pseudonym_key hors du dossier "
            "de sortie.",
        )
    made = create and not path.exists()
    try:
        if made:
            safe.private_write(path, secrets.token_hex(32) + "\n")
        if safe.readable_by_others(path):
            raise ConfigError(
                f"{path} can be read by others; run `chmod 600` on it.",
                fr=f"{path} peut être lu par d’autres\u00a0; lancez `chmod 600` sur ce fichier.",
            )
        text = path.read_text(encoding="ascii").strip()
    except FileNotFoundError as error:
        raise ConfigError(
            f"{path} does not exist: pseudonyms can only be read with the key that made them; bring it back from where the report was "
            "made.",
            fr=f"{path} n’existe pas\u00a0: les pseudonymes ne se lisent qu’avec la clé qui les a faits\u00a0; rapportez-la de "
            "l’endroit où le rapport a été produit.",
        ) from error
    except OSError as error:
        raise ConfigError(
            f"{path}: {os_reason(error).en}; correct the rights or set pseudonym_key elsewhere.",
            fr=f"{path}\u00a0: {os_reason(error).fr}\u00a0; corrigez les droits ou placez pseudonym_key ailleurs.",
        ) from error
    except UnicodeDecodeError:
        text = ""
    if not re.fullmatch("[0-9a-f]{64}", text):
        raise ConfigError(
            f"{path} is not a key of this program (64 hexadecimal digits); bring it back from a copy, or remove it to get new pseudonyms.",
            fr=f"{path} n’est pas une clé de ce programme (64 chiffres hexadécimaux)\u00a0; rapportez-la d’une copie, ou supprimez-la pour "
            "obtenir de nouveaux pseudonymes.",
        )
    return bytes.fromhex(text), made


def digest(key: bytes, value: str) -> str:
    """All 64 hexadecimal digits that pseudonyms of `value` begin."""
    return hmac.digest(key, folded(unicodedata.normalize("NFC", value)).encode("utf-8", "surrogatepass"), "sha256").hex()


def values(snapshot: Snapshot, settings: Audit) -> Iterator[tuple[str, str]]:
    """(kind, value) of everything personal in the collected tables and in audit.yaml; full names in both orders as well."""
    yield "site", settings.establishment.name
    for source in settings.sources:
        for name, kind in (("server", "host"), ("user", "login"), ("tenant", "domain")):
            yield kind, str(getattr(source, name, ""))
    for name, table in COLLECTED.items():
        for kind, value in _of_table(table, snapshot.path(name)):
            if name not in _NATIONAL or kind == "number":
                yield kind, value


def _of_table(table: Table, path: Path) -> Iterator[tuple[str, str]]:
    kinds = {column.name: column.personal for column in table.columns if column.personal}
    if not kinds:
        return
    data = pq.read_table(path, columns=list(kinds))
    for column, kind in kinds.items():
        yield from ((kind, value) for value in pc.unique(data[column]).to_pylist() if value)
        if kind == "domain":
            yield from ((kind, value.partition(".")[0]) for value in pc.unique(data[column]).to_pylist() if value)
    given = "given_name"
    for surname in {"surname", "family_name", "birth_name"} & kinds.keys() if given in kinds else ():
        for first, last in set(zip(data[given].to_pylist(), data[surname].to_pylist(), strict=True)):
            if first and last:
                yield "person", f"{first} {last}"
                yield "person", f"{last} {first}"


class Pseudonyms:
    """Replaces what it knows, and what has the form of an identifier, in any text.

    `known` are (kind, value) pairs; the first kind of a value counts. Posts are not looked for, because their names are those of care
    units too. `ordinary` are the words of the program's own texts, as written there: a single word among them stays where it is part of a
    longer text.
    """

    def __init__(self, key: bytes, known: Iterable[tuple[str, str]], ordinary: frozenset[str]) -> None:
        self._key = key
        self._ordinary = ordinary
        self._given: dict[str, str] = {}
        self._cache: dict[str, str] = {}
        self._kinds: dict[str, str] = {}
        for kind, value in known:
            if value and kind != "post" and not _TOLD_BY_FORM.fullmatch(value):
                self._kinds.setdefault(folded(unicodedata.normalize("NFC", value)), kind)

    def of(self, kind: str, value: str) -> str:
        """The pseudonym of a value."""
        whole, digits = digest(self._key, value), _DIGITS
        while self._given.setdefault(f"{WORDS[kind]}-{whole[:digits]}", whole) != whole:
            digits += 4
        return f"{WORDS[kind]}-{whole[:digits]}"

    def fingerprint(self, real: str) -> str:
        """What stands for a fingerprint: whoever has a directory could try its SIDs until the real one fits."""
        return digest(self._key, f"fingerprint|{real}")[:24]

    def exactly(self, value: str) -> str | None:
        """The pseudonym of a value that is one identifier as a whole, None when it is not known to be one."""
        value = unicodedata.normalize("NFC", value)
        if found := self._form.fullmatch(value):
            return self.of(_KIND_OF_FORM[str(found.lastgroup)], value) if self._counts(found) else None
        kind = self._kinds.get(folded(value))
        return self.of(kind, value) if kind else None

    def within(self, text: str) -> str:
        """The text with every identifier replaced, the longest first where two begin together."""
        if text not in self._cache:
            self._cache[text] = self._replaced(unicodedata.normalize("NFC", text))
        return self._cache[text]

    def all_of(self, text: str) -> str:
        """A list of names and ids joined by slashes, nothing of which may stay: parts that are not known are replaced as well."""
        if PSEUDONYM.fullmatch(text):
            return text
        return self.exactly(text) or "/".join(
            part if not part or PSEUDONYM.fullmatch(part) else self.exactly(part) or self.of("id", part) for part in text.split("/")
        )

    def _replaced(self, text: str) -> str:
        found = [(match.start(), match.end(), str(match.lastgroup)) for match in self._form.finditer(text) if self._counts(match)]
        spans = [(start, end, _KIND_OF_FORM[form]) for start, end, form in found]
        low = folded(text)
        for last, entry in self._automaton.iter(low):
            start, end = last + 1 - len(entry), last + 1
            if self._stands_alone(text, low, start, end):
                spans.append((start, end, self._kinds[entry]))
        parts, done = [], 0
        for start, end, kind in sorted(spans, key=lambda span: (span[0], -span[1])):
            if start >= done:
                parts += [text[done:start], self.of(kind, text[start:end])]
                done = end
        return "".join((*parts, text[done:]))

    def _counts(self, match: re.Match[str]) -> bool:
        """Applications and policies have GUIDs too; only those of accounts and of the hospital are replaced."""
        return match.lastgroup != "guid" or folded(match[0]) in self._kinds

    def _stands_alone(self, text: str, low: str, start: int, end: int) -> bool:
        """The entry is a word of its own there, and not an ordinary one."""
        length = end - start
        for beside in (low[start - 1 : start], low[end : end + 1]):
            if beside.isalnum() or (beside == "_" and length < 5):
                return False
        written = text[start:end]
        if written.isdigit():
            return length > 4
        if written.isalpha():
            if length < 4 and not (length == 3 and written[0].isupper() and self._kinds[low[start:end]] == "person"):
                return False
            return written not in self._ordinary
        return length > 2

    @cached_property
    def _form(self) -> re.Pattern[str]:
        """What is known by its form alone, and names of machines in the domains of the hospital."""
        domains = sorted(
            (value for value, kind in self._kinds.items() if kind == "domain" and "." in value), key=lambda name: (-len(name), name)
        )
        forms = dict(_FORMS)
        if domains:
            forms["name"] = rf"(?<![\w.-])(?:[\w-]+\.)+(?:{'|'.join(map(re.escape, domains))})(?![\w-])"
        return re.compile("|".join(f"(?P<{name}>{form})" for name, form in forms.items()), re.IGNORECASE)

    @cached_property
    def _automaton(self) -> ahocorasick.Automaton:
        """Every known value that no form tells, searched for all at once (Aho and Corasick 1975)."""
        automaton = ahocorasick.Automaton()
        # Never empty: an automaton without a word cannot search.
        automaton.add_word("\0", "\0")
        for value in self._kinds:
            if not _GUIDS.fullmatch(value):
                automaton.add_word(value, value)
        automaton.make_automaton()
        return automaton
