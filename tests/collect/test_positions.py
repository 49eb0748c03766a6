"""Where a sign-in came from and with which device, from the sources that say it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from auditor.collect.log_rows import position
from auditor.config import Establishment
from auditor.config_entra import EntraFiles
from auditor.config_sign_ins import SignInCsv
from auditor.errors import ConfigError
from auditor.model import Value
from sample_data.generator.entra_pages import paged
from sample_data.generator.hospital import write
from tests.collect.files import run
from tests.graph.reading import sign_in


@pytest.mark.parametrize(
    ("latitude", "longitude", "expected"),
    [
        (48.8566, 2.3522, ("48.86", "2.35")),
        (-90, 180, ("-90.00", "180.00")),
        ("48,8566", " -2.3 ", ("48.86", "-2.30")),
        (0.001, 2, ("0.00", "2.00")),
        *(
            (wrong, 2.35, None)
            for wrong in (None, "", "nord", 90.01, -90.01, True, "nan", "inf", "1e999", [48], {"a": 1}, "9" * 5000)
        ),
        *((48.86, wrong, None) for wrong in (None, "", 180.01, -180.01)),
        (0, 0, None),
        ("0.0", 0.001, None),
    ],
    ids=lambda value: str(value)[:20],
)  # fmt: skip
def test_a_position_is_two_numbers_of_a_place_or_nothing(latitude: object, longitude: object, expected: tuple[str, str] | None) -> None:
    assert position(latitude, longitude) == (dict(zip(("latitude", "longitude"), expected, strict=True)) if expected else {})


def said(row: dict[str, Value]) -> tuple[Value, ...]:
    return row["latitude"], row["longitude"], row["device"]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (
            {"location": {"countryOrRegion": "FR", "geoCoordinates": {"latitude": 48.8566, "longitude": 2.3522, "altitude": None}},
             "deviceDetail": {"deviceId": "AB-12", "displayName": "PC-12"}},
            ("48.86", "2.35", "ab-12"),
        ),
        ({"deviceDetail": {"deviceId": "", "displayName": "PC-12"}}, ("", "", "pc-12")),
        ({"deviceDetail": {"deviceId": None, "displayName": ""}, "location": {"geoCoordinates": None}}, ("", "", "")),
        ({"deviceDetail": None, "location": {"geoCoordinates": {"latitude": 48.8}}}, ("", "", "")),
        ({"deviceDetail": {"deviceId": 5}, "location": {"geoCoordinates": [1, 2]}}, ("", "", "")),
    ],
)  # fmt: skip
def test_graph_says_position_and_device(more: dict[str, Any], expected: tuple[str, ...], tmp_path: Path) -> None:
    write(tmp_path, paged("auditLogs/signIns", [sign_in(1, "2026-11-19T10:00:00Z", **more)]))
    (row,) = run(EntraFiles(type="entra_files", path=tmp_path / "entra", sign_in_days=7), tmp_path).rows["sign_in"]
    assert said(row) == expected


def vpn(tmp_path: Path, columns: dict[str, str]) -> list[dict[str, Value]]:
    path = tmp_path / "vpn.csv"
    path.write_text("quand;qui;issue;adresse;lat;lon;poste\n2026-11-19T10:00:00+0000;a;OK;203.0.113.5;48,85;2,35;PC-7\n", encoding="utf-8")
    wanted = {"occurred_at": "quand", "account_name": "qui", "outcome": "issue", "origin": "adresse", **columns}
    settings = SignInCsv(type="sign_in_csv", name="vpn", path=path, host="vpn", columns=wanted, outcomes={"OK": "success"})
    return run(settings, tmp_path).rows["sign_in"]


def test_a_csv_may_map_them(tmp_path: Path) -> None:
    (row,) = vpn(tmp_path, {"latitude": "lat", "longitude": "lon", "device": "poste"})
    assert said(row) == ("48.85", "2.35", "pc-7")


def test_a_csv_that_does_not_map_them_leaves_them_unsaid(tmp_path: Path) -> None:
    (row,) = vpn(tmp_path, {})
    assert said(row) == ("", "", "")


def test_what_only_windows_says_is_not_taken_from_a_csv(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="columns: actor_name is not one of"):
        vpn(tmp_path, {"actor_name": "qui"})


@pytest.mark.parametrize("written", ["fr", "FRA", "", "F1", "FR\n"])
def test_a_country_of_the_settings_is_two_capitals(written: str) -> None:
    with pytest.raises(ValidationError, match="write two capitals such as FR"):
        Establishment(name="A", countries=(written,))
    assert Establishment(name="A", countries=("FR", "BE")).countries == ("FR", "BE")
    assert Establishment(name="A").countries == ("FR",)
