"""Sign-ins to Entra ID (auditLogs/signIns) in the common table of sign-ins, one day after the other.

A period that Graph cannot deliver (too many records at once) is asked for in halves; one that fails all the same is a gap, said with its
hours, and the periods after it are read.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, time, timedelta
from functools import partial
from secrets import token_bytes

from auditor.collect import SourceError, entra_rows
from auditor.collect.entra_graph import Graph, GraphError, Item
from auditor.collect.entra_resume import Kept
from auditor.collect.entra_rows import part, text
from auditor.collect.log_rows import Log, account, address, machine, position
from auditor.model import Coverage, State, Text, Value
from auditor.snapshot import Writer
from auditor.tables import COLLECTED

TABLES = ("sign_in", "event_coverage")
_PATH = "/auditLogs/signIns"
_HOST = "entra"
_SELECT = "id,createdDateTime,userPrincipalName,appDisplayName,ipAddress,clientAppUsed,deviceDetail,location,status"
_MAX_AGE_DAYS = 2
_TOO_MUCH = (429, 504)
_SHORTEST = timedelta(hours=1)
_GAPS_IN_A_ROW = 3
_REASONS = {
    50126: "bad_password", 50034: "no_such_user", 50057: "disabled", 50055: "expired", 50053: "locked", 50074: "mfa", 50076: "mfa",
    50079: "mfa", 50072: "mfa", 500121: "mfa", 53000: "policy", 53001: "policy", 53003: "policy", 530032: "policy",
}  # fmt: skip
"""Error codes of Entra ID (AADSTS…) with a meaning of their own."""


def collect(graph: Graph, writer: Writer, source: str, days: int, progress: Callable[[str, int], None], *, asked: str = "") -> None:
    """Fill sign_in and event_coverage with the last `days` days before the audit.

    A live tenant, named by `asked`, is read day by day; saved pages (without it) as they are. v1.0 of Graph does not say whether a second
    factor was asked for: `mfa` stays unsaid.
    """
    log = Log(source, writer, progress, TABLES, "graph")
    first = writer.as_of - timedelta(days=days)
    periods = _Periods(graph, writer.as_of)
    if asked:
        kept = Kept(writer.resume, f"{asked} {_SELECT}", partial(_hidden, token_bytes()))
        for start, end in _days(first, writer.as_of):
            _add_all(log, kept.day(start, end, periods.between(start, end), periods.gaps), first)
            if periods.stopped:
                break
        if not periods.gaps:
            kept.clear()
        writer.add_facts(source, {**writer.facts.get(source, {}), "resumed_days": kept.resumed})
    else:
        _add_all(log, periods.ask(first, writer.as_of, {}), first)
    if periods.gaps and log.last_at is None:
        error = periods.gaps[0][2]
        cure = (error.cure if isinstance(error, GraphError) else None) or COLLECTED["entra_activity"].cure
        writer.add_coverage(Coverage(name, source, error.state, 0, error.text, cure, writer.as_of) for name in TABLES)
        return
    if periods.gaps:
        log.reasons.append(_not_read(periods.gaps))
    log.close(_MAX_AGE_DAYS)


class _Periods:
    """Asks Graph for periods of sign-ins; `gaps` are those it did not deliver, `stopped` says that asking on would be in vain."""

    def __init__(self, graph: Graph, until: datetime) -> None:
        self._graph = graph
        self._until = until
        self._in_a_row = 0
        self.gaps: list[tuple[datetime, datetime, SourceError]] = []
        self.stopped = False

    def between(self, start: datetime, end: datetime) -> Iterator[Item]:
        """Sign-ins from `start` to before `end`, in halves when they are too many for one question."""
        written = f"createdDateTime ge {start:%Y-%m-%dT%H:%M:%SZ} and createdDateTime lt {end:%Y-%m-%dT%H:%M:%SZ}"
        yield from self.ask(start, end, {"$filter": written, "$select": _SELECT, "$top": "1000"})

    def ask(self, start: datetime, end: datetime, query: dict[str, str]) -> Iterator[Item]:
        """What a query gives; what a half repeats is told apart by its id."""
        if self.stopped:
            return
        try:
            for page in self._graph.pages(_PATH, query):
                yield from page
            self._in_a_row = 0
        except SourceError as error:
            if isinstance(error, GraphError) and error.status in _TOO_MUCH and end - start > _SHORTEST:
                middle = start + (end - start) // 2
                middle = middle.replace(microsecond=0)
                yield from self.between(start, middle)
                yield from self.between(middle, end)
                return
            self._in_a_row += 1
            self.stopped = error.state is State.DENIED or self._in_a_row == _GAPS_IN_A_ROW
            self.gaps.append((start, self._until if self.stopped else end, error))


def _days(first: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Whole days from that of `first`, in UTC, so that each collection asks for the same; the last ends at `until`."""
    start = datetime.combine(first, time.min)
    while start < until:
        yield start, min(start + timedelta(days=1), until)
        start += timedelta(days=1)


def _not_read(gaps: list[tuple[datetime, datetime, SourceError]]) -> Text:
    start, end, error = gaps[0]
    period = f"{start:%Y-%m-%d %H:%M} – {end:%Y-%m-%d %H:%M} UTC"
    if len(gaps) == 1:
        return Text(
            f"sign-ins not read, or not to the end ({period}): {error.text.en}",
            f"connexions non lues, ou pas jusqu’au bout ({period})\u00a0: {error.text.fr}",
        )
    return Text(
        f"sign-ins of {len(gaps)} periods not read, or not to the end (the first: {period}): {error.text.en}",
        f"connexions de {len(gaps)} périodes non lues, ou pas jusqu’au bout (la première\u00a0: {period})\u00a0: {error.text.fr}",
    )


def _hidden(key: bytes, item: Item) -> Item:
    """A record without the name that nobody bears (people type their password there): a hash in its place, under a key kept nowhere.

    So such a name counts twice when it stands in a kept day and in one read later.
    """
    if _REASONS.get(part(item, "status").get("errorCode", 0)) != "no_such_user":
        return item
    name, _ = account(text(item, "userPrincipalName") or "")
    return {**item, "userPrincipalName": hmac.digest(key, name.encode(), "sha256").hex()}


def _add_all(log: Log, items: Iterable[Item], first: datetime) -> None:
    seen: set[str] = set()
    for item in items:
        _add(log, item, first, seen)


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
    location, device = part(item, "location"), part(item, "deviceDetail")
    coordinates = part(location, "geoCoordinates")
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
        "origin": address(text(item, "ipAddress") or "") or machine(text(device, "displayName") or ""),
        "country": (text(location, "countryOrRegion") or "").upper(),
        **position(coordinates.get("latitude"), coordinates.get("longitude")),
        "device": (text(device, "deviceId") or text(device, "displayName") or "").lower(),
        "application": text(item, "appDisplayName") or "",
        "mfa": "unsaid",
    }
    log.received(_HOST, at, at)
    log.add("sign_in", row)
