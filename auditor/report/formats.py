"""The formats of --format, and the files each makes of a run."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

    from auditor.config import Audit
    from auditor.model import Run

FORMATS = {
    "html": "html_report",
    "json": "json_report",
    "csv": "csv_report",
    "jsonl": "jsonl_report",
    "markdown": "markdown_report",
    "sarif": "sarif",
    "junit": "junit",
    "codequality": "codequality",
    "ocsf": "ocsf",
}
"""The module of this package behind each format; imported when it is asked for."""


class _Module(Protocol):
    def files(self, run: Run, settings: Audit) -> Mapping[str, str | bytes]: ...


def files(name: str, run: Run, settings: Audit) -> Mapping[str, str | bytes]:
    """What the format `name` makes of a run that has its exit: relative file names with forward slashes, and their content."""
    return cast(_Module, import_module(f"auditor.report.{FORMATS[name]}")).files(run, settings)
