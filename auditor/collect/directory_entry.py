"""One directory entry, read with types: what is missing, hidden or not understood is told apart and counted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from auditor.collect import directory_values as values
from auditor.collect.directory_coverage import Gaps
from auditor.collect.directory_index import Attributes
from auditor.model import Value

_T = TypeVar("_T")

Row = dict[str, Value]
"""One row of a table."""


class Entry:
    """An entry on its way into `table`. `asked` tells whether the reading or the export covered attributes.

    `readable` tells whether all properties of the object are visible: whenCreated is on every object and in no property set, so who
    sees it holds the right to read every property, and an optional attribute that is missing is not set.
    """

    def __init__(self, name: str, attributes: Attributes, table: str, gaps: Gaps, asked: Callable[..., bool]) -> None:
        self.name = name
        self.attributes = attributes
        self.readable = "whencreated" in attributes
        self.asked = asked
        self._table = table
        self._gaps = gaps

    def single(self, attribute: str) -> bytes | None:
        """The value of an attribute that can have only one; None when it is absent or has several, which is counted."""
        found = set(self.attributes.get(attribute, ()))
        if len(found) > 1:
            self._gaps.count("contradictory", self._table)
            return None
        return found.pop() if found else None

    def value(self, attribute: str, read: Callable[[bytes], _T]) -> _T | None:
        """The value of an attribute that can have only one; None when it is absent, has several or cannot be understood, which is
        counted."""
        raw = self.single(attribute)
        if raw is None:
            return None
        try:
            return read(raw)
        except ValueError:
            self._gaps.count("unreadable", self._table)
            return None

    def known_absent(self, *attributes: str) -> bool:
        """Whether these attributes, missing here, can be believed not to be set."""
        return self.readable and self.asked(*attributes)

    def integer(self, attribute: str, absent: int | None = None) -> int | None:
        """An integer; `absent` when the attribute is not set, None when that cannot be told."""
        if attribute in self.attributes:
            return self.value(attribute, values.integer)
        return absent if self.known_absent(attribute) else None

    def text(self, attribute: str) -> str | None:
        """A text; empty when the attribute is not set, None when that cannot be told."""
        if attribute in self.attributes:
            return self.value(attribute, values.exact_text)
        return "" if self.known_absent(attribute) else None

    def texts(self, attribute: str) -> list[str]:
        """The distinct values of an attribute, in stored order; those that are not UTF-8 are counted and kept with U+FFFD."""
        return list(dict.fromkeys(self._lenient(value) for value in self.attributes.get(attribute, ())))

    def _lenient(self, raw: bytes) -> str:
        try:
            return values.exact_text(raw)
        except ValueError:
            self._gaps.count("unreadable", self._table)
            return values.text(raw)

    def has(self, attribute: str, start: bytes = b"") -> bool | None:
        """Whether a value begins with `start` (lower case); None when that cannot be told."""
        if found := self.attributes.get(attribute):
            return any(value.lower().startswith(start) for value in found)
        return False if self.known_absent(attribute) else None

    def moment(self, attribute: str) -> tuple[datetime | None, bool | None]:
        """(time, never) of a FILETIME; both None when it is not known."""
        read = self.value(attribute, lambda raw: (values.filetime(raw),))
        return (None, None) if read is None else (read[0], read[0] is None)
