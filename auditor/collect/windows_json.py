"""Windows event logs as a forwarder writes them, one JSON object per line: Winlogbeat (`winlog`), Logstash (`event_data`), NXLog (flat)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from auditor.collect import json_lines
from auditor.collect import windows_events as windows
from auditor.collect.log_rows import Log, event_number, machine
from auditor.config_sign_ins import WindowsJson
from auditor.model import Text
from auditor.snapshot import Writer

_TABLES = ("sign_in", "directory_change", "event_coverage")
_INCOMPLETE = Text(en="the record lacks its time, machine or number", fr="l’enregistrement n’a pas d’heure, de machine ou de numéro")
_NAMES = {
    "event_id": ("event_id", "EventID"),
    "provider": ("provider_name", "source_name", "SourceName"),
    "channel": ("channel", "log_name", "Channel"),
    "computer": ("computer_name", "Hostname", "Computer"),
    "record": ("record_id", "record_number", "RecordNumber", "EventRecordID"),
}
"""Names that forwarders give to the same thing."""


def collect(settings: WindowsJson, writer: Writer, progress: Callable[[str, int], None]) -> None:
    """Fill sign_in, directory_change and event_coverage; lines that cannot be read make them partial, with their count."""
    log = Log(settings.name, writer, progress, _TABLES, "windows")
    json_lines.collect(settings.paths, settings.max_age_days, log, lambda found, place, line: _line(found, place, line, log))


def _line(found: dict[str, Any], place: str, line: bytes, log: Log) -> None:
    system = found["winlog"] if isinstance(found.get("winlog"), dict) else found
    values = {name: next((system[key] for key in keys if system.get(key) is not None), "") for name, keys in _NAMES.items()}
    # NXLog's EventTime is local time without zone: it is the last resort.
    at = windows.instant(str(found.get("@timestamp") or found.get("EventTime") or ""))
    number = event_number(values["event_id"])
    if at is None or not values["computer"] or number is None:
        log.lost(place, _INCOMPLETE)
        return
    # A forwarder that sends a record again may tell it in other words.
    known = (values["computer"], values["channel"], values["record"], number, at) if values["record"] else (line,)
    if not log.seen.take(*map(str, known)):
        return
    data = next((part for name in ("event_data", "user_data") if isinstance(part := system.get(name), dict)), found)
    record = windows.Record(
        event_id=number,
        provider=str(values["provider"]),
        channel=str(values["channel"]),
        computer=str(values["computer"]),
        occurred_at=at,
        # The place of the line stands for the record.
        record_id=0,
        data=_texts(data),
    )
    log.received(machine(record.computer), at, at)
    row = windows.row(record)
    if row:
        log.add(row[0], {**row[1], "record_ref": place})


def _texts(data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in data.items() if isinstance(value, (str, int))}
