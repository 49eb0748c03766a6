"""What the tests of Entra ID share: reading saved pages, and what is said of a reading."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from auditor.config_entra import EntraFiles
from auditor.model import State
from sample_data.generator import hospital
from tests.collect.files import Collected, run

Live = Callable[..., Collected]


def from_files(pages: dict[str, bytes], folder: Path) -> Collected:
    hospital.write(folder / "saved", pages)
    return run(EntraFiles(type="entra_files", path=folder / "saved" / "entra"), folder)


def states(found: Collected) -> dict[str, State]:
    return {name: entry.state for name, entry in found.coverage.items()}


def incomplete(found: Collected) -> set[str]:
    return {name for name, state in states(found).items() if state is not State.COMPLETE}


def reason(found: Collected, table: str) -> str:
    entry = found.coverage[table]
    assert entry.reason is not None
    assert entry.cure is not None
    return entry.reason.en


def sign_in(number: int, at: str, code: int = 0, **more: Any) -> dict[str, Any]:
    return {
        "id": f"s{number}", "createdDateTime": at, "userPrincipalName": "Marie.Durand@hopital.test", "appDisplayName": "Messagerie",
        "ipAddress": "203.0.113.7", "clientAppUsed": "Browser", "status": {"errorCode": code}, "location": {"countryOrRegion": "fr"},
        "deviceDetail": {"displayName": "PC-12"}, **more,
    }  # fmt: skip
