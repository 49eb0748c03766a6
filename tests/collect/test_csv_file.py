from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.collect import SourceError, csv_file
from auditor.errors import ConfigError
from auditor.model import State

COLUMNS = {"number": "Matricule", "name": "Nom d'usage"}


def read(path: Path, raw: bytes, *, encoding: str = "utf-8", delimiter: str = ";", quoted: bool = True) -> list[csv_file.Record]:
    path.write_bytes(raw)
    return list(csv_file.records(path, encoding=encoding, delimiter=delimiter, columns=COLUMNS, quoted=quoted))


@pytest.mark.parametrize(
    ("raw", "encoding"),
    [
        ("matricule;NOM D’USAGE \n1;œuf\n".encode(), "utf-8"),
        ("\ufeffMatricule;Nom d'usage\r\n1;œuf\r\n".encode(), "utf-8"),
        ("\ufeffMatricule;Nom d'usage\r\n1;œuf\r\n".encode(), "utf-8-sig"),
        ("Prénom;Nom d'usage;Matricule;\nLise;œuf;1;\n".encode("cp1252"), "cp1252"),
        ("Matricule;Nom d'usage\n1;œuf".encode("utf-16"), "utf-16"),
        ("Matricule;Nom d'usage\n\n1;œuf\n;\n".encode("iso8859-15"), "iso8859-15"),
    ],
)
def test_columns_are_found_by_name_in_the_declared_encoding(tmp_path: Path, raw: bytes, encoding: str) -> None:
    assert [dict(row.values) for row in read(tmp_path / "f.csv", raw, encoding=encoding)] == [{"number": "1", "name": "œuf"}]


def test_quoted_cells_hold_delimiters_and_line_breaks(tmp_path: Path) -> None:
    rows = read(tmp_path / "f.csv", b'Matricule;Nom d\'usage\r\n1;"UF 3120 ; \r\nnuit ""B"""\r\n2;b\r\n')
    assert [(row.number, row.line, row.lines, row.values["name"]) for row in rows] == [(1, 3, 2, 'UF 3120 ; \r\nnuit "B"'), (2, 4, 1, "b")]


def test_without_quoting_a_quote_is_a_letter(tmp_path: Path) -> None:
    rows = read(tmp_path / "f.csv", b"Matricule|Nom d'usage|\n1|\"L'Or|\n2||\n", delimiter="|", quoted=False)
    assert [row.values["name"] for row in rows] == ["\"L'Or", ""]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"1", "1 columns instead of 2"),
        (b"1;a;b", "3 columns instead of 2"),
        (b'1;"a"b', "its quotes are not closed or not in place"),
    ],
)
def test_a_bad_line_is_told_and_the_next_one_read(tmp_path: Path, line: bytes, problem: str) -> None:
    first, second = read(tmp_path / "f.csv", b"Matricule;Nom d'usage\n" + line + b"\n2;b\n")
    assert first.problem is not None
    assert (first.problem.en, first.line, dict(first.values)) == (problem, 2, {})
    assert second.values["name"] == "b"


def test_an_open_quote_counts_every_line_it_swallows(tmp_path: Path) -> None:
    rows = read(tmp_path / "f.csv", b"Matricule;Nom d'usage\n1;a\n" + b'2;"b\n' + b"3;c\n" * 9)
    assert [row.problem is None for row in rows] == [True, False]
    assert rows[1].lines == 10


@pytest.mark.parametrize(
    ("raw", "encoding", "sentence"),
    [
        (b"", "utf-8", "f.csv:1: there is no header"),
        (b"\n", "utf-8", "f.csv:1: there is no header"),
        (b"Matricule;Nom\n1;a\n", "utf-8", "f.csv:1: column “Nom d'usage” is missing"),
        (b"Matricule,Nom d'usage\n1,a\n", "utf-8", "f.csv:1: column “Matricule” is missing"),
        (b"Matricule;Nom d'usage;MATRICULE\n1;a;2\n", "utf-8", "f.csv:1: column “Matricule” appears twice"),
        (b"Matricule;Nom d'usage\n1;a\n2;\xe9t\xe9\n", "utf-8", "f.csv:3: byte 0xE9 is not utf-8 text"),
        (b"Matricule;Nom d'usage\n1;\x81\n", "cp1252", "f.csv:2: byte 0x81 is not cp1252 text"),
        (b"\xef\xbb\xbfMatricule;Nom d'usage\n", "cp1252", "f.csv:1: the file is UTF-8, not cp1252 as declared"),
        ("Matricule;Nom d'usage\n".encode("utf-16"), "cp1252", "f.csv:1: a NUL byte: this is not cp1252 text"),
        (b"Matricule;Nom d'usage\n1;a\0b\n", "utf-8", "f.csv:2: a NUL byte: this is not utf-8 text"),
        (b"PK\x03\x04\x14\x00\x06", "utf-8", "f.csv:1: a NUL byte: this is not utf-8 text"),
        (b"\x00\xd8\x00\xd8\n\x00", "utf-16-le", "f.csv:1: this is not utf-16-le text"),
        (b"Matricule;Nom d'usage\n1;" + b"x" * (1 << 21), "utf-8", "f.csv:2: the line is too long: this is not text"),
    ],
)
def test_a_file_that_is_not_what_was_declared_is_refused_with_its_line(tmp_path: Path, raw: bytes, encoding: str, sentence: str) -> None:
    with pytest.raises(SourceError) as caught:
        read(tmp_path / "f.csv", raw, encoding=encoding)
    assert str(caught.value) == sentence
    assert caught.value.text.fr != sentence
    assert caught.value.state is State.ABSENT


def test_an_encoding_that_does_not_exist_is_a_fault_of_the_settings(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="encoding 'cp-1252-bis' does not exist"):
        read(tmp_path / "f.csv", b"x", encoding="cp-1252-bis")


def test_a_folder_in_place_of_a_file(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"could not be read|may not be read"):
        list(csv_file.records(tmp_path, encoding="utf-8", delimiter=";", columns=COLUMNS))


@given(st.binary(max_size=300), st.sampled_from(["utf-8", "cp1252", "utf-16"]), st.booleans())
def test_any_bytes_give_records_or_one_sentence(tmp_path_factory: pytest.TempPathFactory, raw: bytes, encoding: str, quoted: bool) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    try:
        rows = read(path, b"Matricule;Nom d'usage\n" + raw, encoding=encoding, quoted=quoted)
    except SourceError as error:
        assert str(error).startswith("any.csv:")
    else:
        assert all((row.problem is None) == bool(row.values) for row in rows)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", (None, True)),
        ("00/00/0000", (None, True)),
        ("31/12/2099", (None, True)),
        ("31/12/9999", (None, True)),
        ("31/12/2026", (datetime(2026, 12, 31), False)),
        ("2026-12-31", (None, None)),
        ("31/02/2026", (None, None)),
        ("30/12/2099", (datetime(2099, 12, 30), False)),
        ("-", (None, None)),
        ("CDI", (None, None)),
    ],
)
def test_no_end_is_written_in_four_ways(text: str, expected: tuple[datetime | None, bool | None]) -> None:
    assert csv_file.last_day(text, "%d/%m/%Y") == expected
