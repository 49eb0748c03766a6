"""The guards of auditor.safe."""

from __future__ import annotations

import os
import stat
import unicodedata
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from auditor import safe

BIDI = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})
MARKS = "\u061c\u200e\u200f\ufeff"


@example("\u061c\u2028\u2029")
@given(st.text(st.characters(codec=None, exclude_categories=())))
def test_visible_text_holds_no_control_bidi_or_surrogate_character(value: str) -> None:
    shown = safe.visible(value)
    assert not any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 or 0xD800 <= ord(c) < 0xE000 for c in shown)
    assert not any(unicodedata.bidirectional(c) in BIDI or unicodedata.category(c) in ("Zl", "Zp") or c in MARKS for c in shown)
    shown.encode("utf-8")


def test_private_write_is_private_and_leaves_nothing_beside(tmp_path: Path) -> None:
    path = tmp_path / "new" / "deeper" / "report.html"
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
        assert [stat.S_IMODE(folder.stat().st_mode) for folder in (path.parent, path.parent.parent)] == [0o700, 0o700]


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


def test_a_folder_put_aside_by_a_killed_run_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "snapshot"
    with safe.whole_folder(path) as folder:
        (folder / "a").write_text("1")
    path.rename(tmp_path / "snapshot.old")
    with pytest.raises(RuntimeError), safe.whole_folder(path):
        raise RuntimeError
    assert (path / "a").read_text() == "1"
