"""Sign-ins of a VPN, a RADIUS server or an application, exported as CSV with any headers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from auditor.collect import SourceError, csv_file, unread
from auditor.collect.log_rows import Log, account, machine, position
from auditor.config_sign_ins import SignInCsv
from auditor.model import Text, Value
from auditor.snapshot import Writer, digest

_TABLES = ("sign_in", "event_coverage")
_REQUIRED = ("occurred_at", "account_name", "outcome", "origin")
_COMPUTED = (
    "source", "record_ref", "event_id", "activity", "reason_code", "account_domain", "logon_type", "protocol", "repeated", "mfa",
    "actor_name", "actor_sid", "from_profile",
)  # fmt: skip


def collect(settings: SignInCsv, writer: Writer, progress: Callable[[str, int], None]) -> None:
    """Fill sign_in and event_coverage; lines that cannot be read make them partial, with their count."""
    csv_file.check_columns(settings.name, "sign_in", settings.columns, _REQUIRED, _COMPUTED)
    log = Log(settings.name, writer, progress, _TABLES, "csv")
    zone, host = ZoneInfo(settings.timezone), machine(settings.host)
    try:
        for record in csv_file.records(settings.path, encoding=settings.encoding, delimiter=settings.delimiter, columns=settings.columns):
            place = f"{settings.path.name}:{record.line}"
            problem = record.problem or _add(settings, record, zone, host, log)
            if problem:
                log.lost(place, problem, record.lines)
        sha256 = digest(settings.path)
    except SourceError as error:
        if log.last_at is None:
            writer.add_coverage(unread(_TABLES, settings.name, error))
            return
        log.reasons.append(error.text)
        sha256 = ""
    log.close(settings.max_age_days)
    writer.add_facts(settings.name, {"file": settings.path.name, "sha256": sha256, "unreadable_records": log.unreadable})


def _add(settings: SignInCsv, record: csv_file.Record, zone: ZoneInfo, host: str, log: Log) -> Text | None:
    """Add the row of a record, or say why there is none."""
    cells = {name: value.strip() for name, value in record.values.items()}
    at = _instant(cells["occurred_at"], settings.time_format, zone)
    if at is None:
        return csv_file.bad_date(cells["occurred_at"])
    outcome = settings.outcomes.get(cells["outcome"])
    if outcome is None:
        written = csv_file.shown(cells["outcome"])
        return Text(en=f"outcome “{written}” is not declared", fr=f"le résultat «\u00a0{written}\u00a0» n’est pas déclaré")
    name, domain = account(cells["account_name"])
    said = cells.get("reason", "")
    row: dict[str, Value] = {
        "record_ref": f"{settings.path.name}:{record.number}",
        "occurred_at": at,
        "event_id": 0,
        "activity": "remote" if settings.logon_type == "remote" else "logon",
        "outcome": outcome,
        "reason": "" if outcome == "success" else settings.reasons.get(said, "other"),
        # Free text may repeat the name that was typed, and so a password.
        "reason_code": said.lower() if outcome == "failure" and said in settings.reasons else "",
        "account_name": name,
        "account_domain": domain,
        "account_sid": cells.get("account_sid", ""),
        "logon_type": settings.logon_type,
        "protocol": "unsaid",
        "host": machine(cells.get("host", "")) or host,
        "origin": machine(cells["origin"]),
        "country": cells.get("country", "").upper(),
        **position(cells.get("latitude"), cells.get("longitude")),
        "device": cells.get("device", "").lower(),
        "application": cells.get("application", ""),
        "mfa": "unsaid",
    }
    log.received(host, at, at)
    log.add("sign_in", row)
    return None


def _instant(text: str, time_format: str, zone: ZoneInfo) -> datetime | None:
    try:
        found = datetime.strptime(text, time_format)  # noqa: DTZ007 - the declared zone is added below
        aware = found if found.tzinfo else found.replace(tzinfo=zone)
        return aware.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None
