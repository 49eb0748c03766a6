"""Sign-ins to Entra ID (auditLogs/signIns) in the common table of sign-ins, one day after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from auditor.collect import SourceError, entra_rows
from auditor.collect.entra_graph import Graph, Item
from auditor.collect.entra_rows import part, text
from auditor.collect.log_rows import Log, account, address, machine
from auditor.model import Coverage, Text, Value
from auditor.snapshot import Writer
from auditor.tables import COLLECTED

TABLES = ("sign_in", "event_coverage")
_PATH = "/auditLogs/signIns"
_HOST = "entra"
_SELECT = "id,createdDateTime,userPrincipalName,appDisplayName,ipAddress,clientAppUsed,deviceDetail,location,status"
_MAX_AGE_DAYS = 2
_REASONS = {
    50126: "bad_password", 50034: "no_such_user", 50057: "disabled", 50055: "expired", 50053: "locked", 50074: "mfa", 50076: "mfa",
    50079: "mfa", 50072: "mfa", 500121: "mfa", 53000: "policy", 53001: "policy", 53003: "policy", 530032: "policy",
}  # fmt: skip
"""Error codes of Entra ID (AADSTS…) with a meaning of their own."""


def collect(graph: Graph, writer: Writer, source: str, days: int, progress: Callable[[str, int], None], *, sliced: bool) -> None:
    """Fill sign_in and event_coverage with the last `days` days before the audit, asked for day by day when `sliced`.

    v1.0 of Graph does not say whether a second factor was asked for: `mfa` stays unsaid.
    """
    log = Log(source, writer, progress, TABLES, "graph")
    first = writer.as_of - timedelta(days=days)
    failure: SourceError | None = None
    try:
        for query in _slices(first, days) if sliced else ({},):
            seen: set[str] = set()
            for page in graph.pages(_PATH, query):
                for item in page:
                    _add(log, item, first, seen)
    except SourceError as error:
        failure = error
    if failure and log.last_at is None:
        cure = COLLECTED["entra_activity"].cure
        writer.add_coverage(Coverage(name, source, failure.state, 0, failure.text, cure, writer.as_of) for name in TABLES)
        return
    if failure:
        log.reasons.append(failure.text)
    log.close(_MAX_AGE_DAYS)


def _slices(first: datetime, days: int) -> Iterator[dict[str, str]]:
    """One query per day; the day's end belongs to the next."""
    for day in range(days):
        start, end = first + timedelta(days=day), first + timedelta(days=day + 1)
        period = f"createdDateTime ge {start:%Y-%m-%dT%H:%M:%SZ} and createdDateTime lt {end:%Y-%m-%dT%H:%M:%SZ}"
        yield {"$filter": period, "$select": _SELECT, "$top": "1000"}


def _add(log: Log, item: Item, first: datetime, seen: set[str]) -> None:
    """Add one sign-in, unless a page before held it or it is older than what was asked for."""
    at, key = entra_rows.moment(item, "createdDateTime"), text(item, "id")
    code = part(item, "status").get("errorCode")
    if at is None or not key or not isinstance(code, int):
        log.lost(_PATH, Text("a record without id, time or status", "un enregistrement sans identifiant, heure ou état"))
        return
    if key in seen or at < first:
        return
    seen.add(key)
    name, domain = account(text(item, "userPrincipalName") or "")
    row: dict[str, Value] = {
        "record_ref": key,
        "occurred_at": at,
        "event_id": 0,
        "activity": "logon",
        "outcome": "failure" if code else "success",
        "reason": _REASONS.get(code, "other") if code else "",
        "reason_code": str(code) if code else "",
        "account_name": name,
        "account_domain": domain,
        "account_sid": "",
        "logon_type": "cloud",
        "protocol": "unsaid",
        "host": _HOST,
        "origin": address(text(item, "ipAddress") or "") or machine(text(part(item, "deviceDetail"), "displayName") or ""),
        "country": (text(part(item, "location"), "countryOrRegion") or "").upper(),
        "application": text(item, "appDisplayName") or "",
        "mfa": "unsaid",
    }
    log.received(_HOST, at, at)
    log.add("sign_in", row)
