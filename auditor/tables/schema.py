"""What a table is: its columns, their types, one sentence each, and the value rule tests take when a column is left out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from auditor.model import Text, Value

ColumnType = Literal["text", "bigint", "boolean", "timestamp"]
"""The four column types. Times are UTC without zone; identifiers are text, always: a leading zero is data."""
Personal = Literal["", "login", "person", "post", "mail", "number", "host", "domain", "site", "id"]
"""What a column tells of whom: logon name, name of a person, post that somebody holds, mail address, national or HR number, machine or its
address, domain, establishment, or the identifier of an object (SID, GUID, DN, token); empty for what points at nobody."""


@dataclass(frozen=True)
class Column:
    """One column. NULL means not known, except where the boolean column `absent_when` is true in the same row:
    then the fact is "there is none" (never signed in, never expires) and NULL is not a gap. `declared` names the section of audit.yaml
    whose keys are the values: one that occurs in no row was not declared, or its patterns match nothing. `personal` says what a
    report with pseudonyms must not show."""

    name: str
    type: ColumnType
    sentence: str
    neutral: Value
    absent_when: str = ""
    declared: Literal["", "groups", "kinds"] = ""
    personal: Personal = ""


@dataclass(frozen=True)
class Table:
    """One table. `key` orders its rows and is unique; `derived_from` names the tables a derived one inherits coverage from;
    `enriched_by` names those a hospital may do without: when no source delivers one, the table tells what the others know.
    `cure` is the grant or the export that lets a collected table be read in full. `may_be_empty` says that no row at all is
    a fact; any other table that comes back empty was not really collected. `events` says that its rows are what happened in a while, or
    what is kept of it, so that their number rises and falls by itself; any other table should not lose many rows in a week.
    `summary` says that a derived table counts rows of its inputs, or says that there is none, so that a row they lack may change any
    value in it."""

    name: str
    sentence: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    cure: Text
    derived_from: tuple[str, ...] = ()
    enriched_by: tuple[str, ...] = ()
    may_be_empty: bool = False
    summary: bool = False
    events: bool = False

    def column(self, name: str) -> Column:
        """The column called `name`; KeyError when there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names in order."""
        return tuple(column.name for column in self.columns)


def text(
    name: str,
    sentence: str,
    neutral: str = "",
    absent_when: str = "",
    declared: Literal["", "groups", "kinds"] = "",
    personal: Personal = "",
) -> Column:
    """A text column; the empty text is a fact ("there is none"), NULL is not."""
    return Column(name, "text", sentence, neutral, absent_when, declared, personal)


def integer(name: str, sentence: str, neutral: int = 0, absent_when: str = "") -> Column:
    """A 64-bit integer column."""
    return Column(name, "bigint", sentence, neutral, absent_when)


def flag(name: str, sentence: str, neutral: bool = False) -> Column:
    """A boolean column."""
    return Column(name, "boolean", sentence, neutral)


def time(name: str, sentence: str, neutral: datetime | None = datetime(2026, 1, 5), absent_when: str = "") -> Column:
    """A UTC timestamp column, microseconds, without zone."""
    return Column(name, "timestamp", sentence, neutral, absent_when)
