"""Sign-ins of a VPN, a RADIUS server or an application, exported as CSV with any headers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from auditor.collect import SourceError, csv_file, log_file
from auditor.collect.log_rows import Log, account, address, machine, position
from auditor.config_sign_ins import SignInCsv
from auditor.model import Text, Value
from auditor.snapshot import Writer, digest

_TABLES = ("sign_in", "event_coverage")
_REQUIRED = ("occurred_at", "account_name", "outcome", "origin")
_COMPUTED = (
    "source", "record_ref", "event_id", "activity", "reason_code", "account_domain", "logon_type", "protocol", "repeated", "mfa",
    "actor_name", "actor_sid", "from_profile",
)  # fmt: skip

_DECLARE = Text(en="declare encoding: utf-16", fr="déclarez encoding: utf-16")
_SWAPPED = Text(
    en="most account names are addresses: check account_name and origin under columns",
    fr="la plupart des noms de compte sont des adresses\u00a0: vérifier account_name et origin dans columns",
)


def collect(settings: SignInCsv, writer: Writer, progress: Callable[[str, int], None]) -> None:
    """Fill sign_in and event_coverage; lines that cannot be read make them partial, with their count."""
    csv_file.check_columns(settings.name, "sign_in", settings.columns, _REQUIRED, _COMPUTED)
    log = Log(settings.name, writer, progress, _TABLES, "csv")
    lines = _Lines(settings, log)
    try:
        if not settings.encoding.lower().replace("_", "-").startswith("utf-16"):
            log_file.check(settings.path, utf16=_DECLARE)
        for record in csv_file.records(settings.path, encoding=settings.encoding, delimiter=settings.delimiter, columns=settings.columns):
            place = f"{settings.path.name}:{record.line}"
            problem = record.problem or lines.add(record)
            if problem:
                log.lost(place, problem, record.lines)
        sha256 = digest(settings.path)
    except SourceError as error:
        if not log.has_records:
            log.unread(error)
            return
        log.reasons.append(error.text)
        sha256 = ""
    if lines.addresses * 2 > lines.named:
        log.reasons.append(_SWAPPED)
    log.close(settings.max_age_days)
    facts = {"file": settings.path.name, "sha256": sha256, "unreadable_records": log.unreadable, "repeated_records": log.seen.repeated}
    writer.add_facts(settings.name, facts)


class _Lines:
    """The records of one file as rows. `named` counts those that name an account, `addresses` those in which the name is an address."""

    def __init__(self, settings: SignInCsv, log: Log) -> None:
        self.named = self.addresses = 0
        self._settings = settings
        self._log = log
        self._zone, self._host = ZoneInfo(settings.timezone), machine(settings.host)
        self._now = ""
        self._told: Counter[tuple[str, ...]] = Counter()

    def add(self, record: csv_file.Record) -> Text | None:
        """Add the row of a record, or say why there is none; what an earlier export told already is left out."""
        settings, log = self._settings, self._log
        cells = {name: value.strip() for name, value in record.values.items()}
        at = _instant(cells["occurred_at"], settings.time_format, self._zone)
        if at is None:
            return csv_file.bad_date(cells["occurred_at"])
        outcome = settings.outcomes.get(cells["outcome"])
        if outcome is None:
            written = csv_file.shown(cells["outcome"])
            return Text(en=f"outcome “{written}” is not declared", fr=f"le résultat «\u00a0{written}\u00a0» n’est pas déclaré")
        if not self._is_new(cells):
            return None
        name, domain = account(cells["account_name"])
        said = cells.get("reason", "")
        host = machine(cells.get("host", "")) or self._host
        row: dict[str, Value] = {
            "record_ref": f"{settings.path.name}:{record.number}",
            "occurred_at": at,
            "event_id": 0,
            "activity": "remote" if settings.logon_type == "remote" else "logon",
            "outcome": outcome,
            "reason": "" if outcome == "success" else settings.reasons.get(said, "unsaid"),
            # Free text may repeat the name that was typed, and so a password.
            "reason_code": said.lower() if outcome == "failure" and said in settings.reasons else "",
            "account_name": name,
            "account_domain": domain,
            "account_sid": cells.get("account_sid", ""),
            "logon_type": settings.logon_type,
            "protocol": "unsaid",
            "host": host,
            "origin": machine(cells["origin"]),
            "country": cells.get("country", "").upper(),
            **position(cells.get("latitude"), cells.get("longitude")),
            "device": cells.get("device", "").lower(),
            "application": cells.get("application", ""),
            "mfa": "unsaid",
        }
        self.named += bool(name)
        self.addresses += bool(address(name))
        log.received(host, at, at)
        log.add("sign_in", row)
        return None

    def _is_new(self, cells: Mapping[str, str]) -> bool:
        """Whether this line was not there before. Clocks of such logs are coarse: lines that follow each other at one instant are as many
        attempts, and when they come back later they come back together."""
        if cells["occurred_at"] != self._now:
            self._now = cells["occurred_at"]
            self._told.clear()
        line = tuple(cells.values())
        self._told[line] += 1
        return self._log.seen.take(self._told[line], *line)


def _instant(text: str, time_format: str, zone: ZoneInfo) -> datetime | None:
    try:
        found = datetime.strptime(text, time_format)  # noqa: DTZ007 - the declared zone is added below
        aware = found if found.tzinfo else found.replace(tzinfo=zone)
        return aware.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None
