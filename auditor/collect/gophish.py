"""One phishing exercise, as GoPhish exports it: who received the mail, who clicked, who sent the form, who reported it.

What people typed stands in the column `details` of the events: that column is never looked at. Nor are names, addresses on the
network and places. An opened mail is no evidence of anything, because gateways and previews load pictures.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from auditor.collect import SourceError, csv_file, unread
from auditor.config_training import Gophish
from auditor.model import Text, Value
from auditor.snapshot import Writer, digest

_TABLE = "phishing_result"
_RESULTS = {name: name for name in ("status", "send_date", "reported", "modified_date", "email")}
_EVENTS = {name: name for name in ("email", "time", "message")}
_SENT = frozenset(("email sent", "email opened", "clicked link", "submitted data", "email reported"))
_NOT_SENT = frozenset(("error sending email", "scheduled", "sending", "queued", "retrying", "unknown"))
_FLAGS = {"true": True, "false": False}


@dataclass
class _Result:
    """What the results say of a recipient; `changed_at` is the last event of any kind but the sending."""

    number: int
    mail: str
    sent_at: datetime | None
    not_sent: bool
    status: str
    reported: bool
    changed_at: datetime | None


@dataclass
class _Actions:
    """What the events say of a recipient."""

    clicks: list[datetime]
    submitted: bool = False
    reported: bool = False


def collect(settings: Gophish, writer: Writer, progress: Callable[[str, int], None]) -> None:
    """Fill phishing_result. Without the events, a click followed by a report cannot be told from a gateway's: it is not known."""
    problems = csv_file.Problems(settings.results)
    try:
        results = _results(settings, problems)
        sha256 = digest(settings.results)
    except SourceError as error:
        writer.add_coverage(unread((_TABLE,), settings.name, error))
        return
    reasons = problems.reasons
    actions: dict[str, _Actions] | None = None
    if settings.events:
        event_problems = csv_file.Problems(settings.events)
        try:
            actions, strangers = _events(settings, {result.mail for result in results}, event_problems)
        except SourceError as error:
            reasons.append(error.text)
        else:
            reasons += event_problems.reasons
            if strangers:
                reasons.append(_strangers(settings, strangers))
    rows = [_row(settings, result, actions) for result in results]
    if unclear := sum(row["clicked"] is None for row in rows):
        reasons.append(_unclear(unclear))
    for row in rows:
        writer.add(_TABLE, row)
    progress(settings.name, len(rows))
    writer.add_coverage([csv_file.covered(_TABLE, settings.name, len(rows), reasons, writer.as_of)])
    # The events hold what people typed: not even their hash is kept.
    writer.add_facts(
        settings.name, {"file": settings.results.name, "sha256": sha256, "rows": len(rows), "unreadable_lines": problems.lines}
    )


def _results(settings: Gophish, problems: csv_file.Problems) -> list[_Result]:
    found = []
    for record in csv_file.records(settings.results, encoding="utf-8-sig", delimiter=",", columns=_RESULTS):
        result, problem = (None, record.problem) if record.problem else _result(record)
        if problem:
            problems.add(record, problem)
        if result:
            found.append(result)
    return found


def _result(record: csv_file.Record) -> tuple[_Result | None, Text | None]:
    """A recipient, or why the line cannot be read; no cell is repeated, because a shifted one may hold anything."""
    values = {name: value.strip() for name, value in record.values.items()}
    mail, status, reported = _mail(values["email"]), values["status"].lower(), _FLAGS.get(values["reported"].lower())
    if not mail:
        return None, Text(en="no mail address", fr="aucune adresse de messagerie")
    if status not in _SENT | _NOT_SENT or reported is None:
        return None, Text(en="its status is not one of GoPhish’s", fr="son état n’est pas un de ceux de GoPhish")
    sent_at, changed_at = _instant(values["send_date"]), _instant(values["modified_date"])
    not_sent = status in _NOT_SENT
    problem = None
    if not not_sent and (sent_at is None or changed_at is None):
        problem = Text(en="its dates cannot be read", fr="ses dates sont illisibles")
    result = _Result(
        record.number, mail, None if not_sent else sent_at, not_sent, status, reported or status == "email reported", changed_at
    )
    return result, problem


def _events(settings: Gophish, mails: set[str], problems: csv_file.Problems) -> tuple[dict[str, _Actions], int]:
    """Actions by mail address, and how many events concern nobody of the results."""
    if settings.events is None:
        return {}, 0
    found: dict[str, _Actions] = {}
    strangers = 0
    for record in csv_file.records(settings.events, encoding="utf-8-sig", delimiter=",", columns=_EVENTS):
        if record.problem:
            problems.add(record, record.problem)
            continue
        mail, message = _mail(record.values["email"]), record.values["message"].strip().lower()
        if not mail:
            continue  # the campaign itself: created, completed
        if mail not in mails:
            strangers += 1
            continue
        actions = found.setdefault(mail, _Actions([]))
        if message == "clicked link":
            at = _instant(record.values["time"].strip())
            if at is None:
                problems.add(record, Text(en="its date cannot be read", fr="sa date est illisible"))
            else:
                actions.clicks.append(at)
        elif message == "submitted data":
            actions.submitted = True
        elif message == "email reported":
            actions.reported = True
    return found, strangers


def _row(settings: Gophish, result: _Result, events: dict[str, _Actions] | None) -> dict[str, Value]:
    submitted, reported = result.status == "submitted data", result.reported
    if events is None:
        clicked, gateway = _last_click(settings, result)
    else:
        actions = events.get(result.mail, _Actions([]))
        submitted, reported = submitted or actions.submitted, reported or actions.reported
        early = [at for at in actions.clicks if _by_gateway(settings, result.sent_at, at)]
        unknown = result.sent_at is None and bool(actions.clicks)
        clicked, gateway = None if unknown else len(early) < len(actions.clicks), len(early)
    return {
        "source": settings.name,
        "row_number": result.number,
        "mail": result.mail,
        "sent_at": result.sent_at,
        "not_sent": result.not_sent,
        "clicked": submitted or clicked,
        "submitted": submitted,
        "reported": reported,
        "gateway_clicks": gateway,
    }


def _last_click(settings: Gophish, result: _Result) -> tuple[bool | None, int]:
    """Whether a person clicked, and the gateway's clicks, from the results alone: they hold the time of the last event only."""
    if result.status != "clicked link":
        return False, 0
    if result.changed_at is None or result.sent_at is None:
        return None, 0
    if _by_gateway(settings, result.sent_at, result.changed_at):
        return False, 1
    # The last event may be the report, the click before it that of the gateway.
    return None if result.reported else True, 0


def _by_gateway(settings: Gophish, sent_at: datetime | None, at: datetime) -> bool:
    return sent_at is not None and at - sent_at <= timedelta(seconds=settings.gateway_seconds)


def _mail(text: str) -> str:
    """A mail address in lower case, empty when it is not one; GoPhish writes an apostrophe before what looks like a formula."""
    mail = text.strip().removeprefix("'").lower()
    return mail if "@" in mail else ""


def _instant(text: str) -> datetime | None:
    """A time of GoPhish (RFC 3339 with nanoseconds) in UTC; None when it cannot be read, or is Go's zero."""
    try:
        at = datetime.fromisoformat(text)
        at = at.astimezone(UTC).replace(tzinfo=None) if at.tzinfo else at
    except (ValueError, OverflowError):
        return None
    return at if at.year > 1 else None


def _strangers(settings: Gophish, number: int) -> Text:
    name = settings.events.name if settings.events else ""
    several = number > 1
    return Text(
        en=f"{number} event{'s' if several else ''} of {name} concern{'' if several else 's'} nobody of {settings.results.name}: "
        "give the events of the same exercise",
        fr=f"{number} événement{'s' if several else ''} de {name} ne concerne{'nt' if several else ''} personne de "
        f"{settings.results.name}\u00a0: donnez les événements du même exercice",
    )


def _unclear(number: int) -> Text:
    several = number > 1
    return Text(
        en=f"{number} click{'s' if several else ''} cannot be told from those of a mail gateway: give the raw events too",
        fr=f"{number} clic{'s' if several else ''} ne se distingue{'nt' if several else ''} pas de ceux d’une passerelle de "
        "messagerie\u00a0: donnez aussi les événements bruts",
    )
