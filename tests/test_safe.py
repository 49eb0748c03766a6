"""The guards of auditor.safe."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor import safe


@given(st.text(st.characters(codec=None, exclude_categories=())))
def test_visible_text_holds_no_control_bidi_or_surrogate_character(value: str) -> None:
    shown = safe.visible(value)
    assert not any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 or 0xD800 <= ord(c) < 0xE000 for c in shown)
    assert not set(shown) & set("\u202e\u202d\u2066\u2069\u200e\u200f\ufeff")
    shown.encode("utf-8")


@pytest.mark.parametrize(
    "value", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "\u00a0=1", "\uff1d1", "\ufeff=1", '=HYPERLINK("x")']
)
def test_a_cell_is_never_a_formula(value: str) -> None:
    field = safe.cell(value)
    assert field.startswith('"') and field.endswith('"')
    assert not field[1:].lstrip(" \u00a0").startswith(("=", "+", "-", "@", "\uff1d"))


def test_a_csv_is_quoted_for_spreadsheets() -> None:
    assert safe.csv_lines(["a", "b"], [['x"y', "é;\n"]]) == '\ufeff"a";"b"\r\n"x""y";"é;<U+000A>"\r\n'


def test_private_write_is_private_and_leaves_nothing_beside(tmp_path: Path) -> None:
    path = tmp_path / "new" / "report.html"
    before = os.umask(0)
    try:
        safe.private_write(path, "one")
        safe.private_write(path, b"two")
    finally:
        os.umask(before)
    assert path.read_bytes() == b"two"
    assert [entry.name for entry in path.parent.iterdir()] == ["report.html"]
    if os.name != "nt":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_failed_write_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    safe.private_write(path, "old")
    path.with_name("report.html.partial").mkdir()
    with pytest.raises(OSError, match="partial"):
        safe.private_write(path, "new")
    assert path.read_text() == "old"


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "snapshot"
    with safe.whole_folder(path) as folder:
        (folder / "a").write_text("1")
    with pytest.raises(RuntimeError), safe.whole_folder(path) as folder:
        (folder / "a").write_text("2")
        raise RuntimeError
    assert (path / "a").read_text() == "1"
    assert [entry.name for entry in tmp_path.iterdir()] == ["snapshot"]
