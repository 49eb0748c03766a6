from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from auditor.config import Audit, CriticalSystem, Establishment, Ldif
from auditor.model import Value
from tests.derive.hospital import AS_OF, derived

EARLIER, LATER = AS_OF - timedelta(hours=30), AS_OF - timedelta(hours=3)


def audit(*systems: CriticalSystem) -> Audit:
    source = Ldif(type="ldif", name="ad", paths=(Path("x.ldif"),))
    return Audit(establishment=Establishment(name="Test"), sources=(source,), systems=systems)


def job(job_id: str, taken_at: datetime, **columns: Value) -> dict[str, Value]:
    return {"job_id": job_id, "taken_at": taken_at, **columns}


def latest(backup: str, *jobs: dict[str, Value]) -> tuple[Value, Value, Value]:
    (row,) = derived({"backup_job": jobs}, "system_backup", audit(CriticalSystem(name=" DPI ", backup=(backup,))))
    assert (row["system"], row["backup"]) == ("dpi", backup)
    return row["backups"], row["last_backup_at"], row["never_backed_up"]


def test_systems_are_those_of_the_settings() -> None:
    declared = audit(CriticalSystem(name=" DPI Réa", backup=("a",)), CriticalSystem(name="PACS", backup=("b",), max_age_hours=48))
    assert derived({}, "critical_system", declared) == [
        {"system": "dpi réa", "label": "DPI Réa", "max_age_hours": 24},
        {"system": "pacs", "label": "PACS", "max_age_hours": 48},
    ]
    assert derived({}, "critical_system") == []


@pytest.mark.parametrize("backup", ["SRV-dpi", "srv-*", "dpi-2026-*", "/srv/dpi", "nuit", "*"])
def test_the_latest_backup_is_found_by_host_archive_path_or_tag(backup: str) -> None:
    named = {"host": "srv-DPI", "archive": "dpi-2026-11", "paths": "/etc\n/srv/dpi", "tags": "lundi\nnuit"}
    assert latest(backup, job("1", EARLIER, **named), job("2", LATER, **named)) == (2, LATER, False)


@pytest.mark.parametrize("backup", ["srv", "srv-dpi-2", "/srv", "srv-d?i", "[s]rv-dpi.*", ""])
def test_a_name_that_does_not_fit_whole_is_no_backup(backup: str) -> None:
    assert latest(backup, job("1", LATER, host="srv-dpi.chu", paths="/srv/dpi")) == (0, None, True)


def test_a_backup_dated_after_the_audit_does_not_count() -> None:
    assert latest("h", job("1", EARLIER, host="h"), job("2", AS_OF + timedelta(seconds=1), host="h")) == (1, EARLIER, False)
    assert latest("h", job("1", AS_OF, host="h")) == (1, AS_OF, False)


def test_each_thing_that_backs_a_system_up_has_its_row() -> None:
    declared = audit(CriticalSystem(name="DPI", backup=("base", "application", "base")))
    rows = derived({"backup_job": [job("1", LATER, host="base")]}, "system_backup", declared)
    assert [(row["backup"], row["never_backed_up"]) for row in rows] == [("application", True), ("base", False)]


def test_two_systems_of_one_name_are_refused() -> None:
    with pytest.raises(ValidationError, match="two critical systems bear the same name"):
        audit(CriticalSystem(name="DPI", backup=("a",)), CriticalSystem(name="dpi ", backup=("b",)))
