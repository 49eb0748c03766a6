"""Fixtures of the collector tests."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

import auditor.collect.hr
import auditor.collect.ldif  # noqa: F401 - both loaded while every file of the installation may still be read

NOBODY = 65534


@pytest.fixture
def refused() -> Iterator[Path]:
    """A folder of a user whom file rights stop: root, whom nothing stops, acts as nobody meanwhile."""
    if sys.platform == "win32":
        pytest.skip("file modes refuse nothing on Windows")
    with TemporaryDirectory(prefix="refused-") as name:
        if os.geteuid() != 0:
            yield Path(name)
            return
        os.chown(name, NOBODY, NOBODY)
        os.seteuid(NOBODY)
        try:
            yield Path(name)
        finally:
            os.seteuid(0)
