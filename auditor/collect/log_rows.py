"""What every reader of a log shares: normal forms of names and addresses, counted hours, losses, and the coverage in the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address

from auditor import safe
from auditor.collect import joined
from auditor.model import Coverage, State, Text, Value
from auditor.snapshot import Writer
from auditor.tables import COLLECTED

MAX_TEXT = 256
"""Longest text kept from a record: names are shorter, and what is longer is not a name."""
_EVERY = 20_000
_LAST_EVENT = 65_535
_UNSAID: Mapping[str, Value] = {
    "latitude": "", "longitude": "", "device": "", "actor_name": "", "actor_sid": "", "from_profile": False, "repeated": False,
}  # fmt: skip
"""What most records of a sign-in do not say."""
_MAX_WAITING = 1000


def account(written: str) -> tuple[str, str]:
    """Logon name and domain, lower case, of a name written as `user`, `DOM\\user` or `user@REALM`."""
    name = written.strip().lower()
    if name in ("", "-"):
        return "", ""
    domain, slash, rest = name.partition("\\")
    if slash:
        return rest, domain
    user, _, realm = name.partition("@")
    return (user, realm) if user else (name, "")


def machine(written: str) -> str:
    """First label of a machine's name, lower case; an address stays whole."""
    name = written.strip().strip("\\").lower()
    if name in ("", "-"):
        return ""
    return address(name) or name.split(".")[0]


def address(written: str) -> str:
    """An address in its shortest form, IPv4 in IPv6 as IPv4; empty when it is none (`-`, `LOCAL`, a name)."""
    try:
        found = ip_address(written.strip())
    except ValueError:
        return ""
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return str(mapped or found)


def position(latitude: object, longitude: object) -> dict[str, Value]:
    """The columns `latitude` and `longitude` of a sign-in, about a kilometre sharp; neither unless both are degrees.

    Zero and zero lie in the sea: they stand for a place that is not known.
    """
    found = []
    for written, limit in ((latitude, 90), (longitude, 180)):
        try:
            degrees = float(str(written).strip().replace(",", "."))
        except ValueError:
            return {}
        if not -limit <= degrees <= limit:
            return {}
        found.append(f"{degrees:.2f}")
    return {} if found == ["0.00", "0.00"] else {"latitude": found[0], "longitude": found[1]}


def event_number(value: object) -> int | None:
    """A Windows event number, which has 16 bits, written as a number or as digits; None when it is none."""
    if isinstance(value, str) and value.isdecimal() and len(value) <= len(str(_LAST_EVENT)):
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LAST_EVENT else None


@dataclass
class Log:
    """Takes what the log of one source says and hands it to the writer; `tables` are those the source can deliver."""

    source: str
    writer: Writer
    progress: Callable[[str, int], None]
    tables: tuple[str, ...]
    log_type: str
    rows: dict[str, int] = field(default_factory=dict)
    unreadable: int = 0
    reasons: list[Text] = field(default_factory=list)
    last_at: datetime | None = None
    _hours: dict[tuple[str, datetime], tuple[int, datetime, datetime]] = field(default_factory=dict)
    _first: tuple[str, Text] | None = None
    _waiting: dict[tuple[Value, Value], dict[str, Value]] = field(default_factory=dict)
    _failed: dict[tuple[Value, Value], tuple[datetime, str]] = field(default_factory=dict)

    def received(self, host: str, first_at: datetime, last_at: datetime, records: int = 1) -> None:
        """Count records of one machine, all within one hour."""
        hour = first_at.replace(minute=0, second=0, microsecond=0)
        known = self._hours.get((host, hour))
        if known:
            records, first_at, last_at = known[0] + records, min(known[1], first_at), max(known[2], last_at)
        self._hours[host, hour] = records, first_at, last_at
        self.last_at = max(self.last_at or last_at, last_at)

    def add(self, table: str, row: Mapping[str, Value]) -> None:
        """Add one row; texts lose what no file can hold and are cut at MAX_TEXT characters."""
        kept = {name: safe.clean(value)[:MAX_TEXT] if isinstance(value, str) else value for name, value in row.items()}
        if kept.get("reason") == "no_such_user" and kept["account_name"]:
            # People type their password where the name belongs; what stands before or after @ or \ went to the domain.
            kept |= {"account_name": self.writer.stand_in(str(kept["account_name"])), "account_domain": ""}
        if table == "sign_in" and kept["activity"] != "explicit":
            self._sign_in({**_UNSAID, **kept})
        else:
            self._write(table, {**_UNSAID, **kept} if table == "sign_in" else kept)

    def _write(self, table: str, row: Mapping[str, Value]) -> None:
        self.writer.add(table, {**row, "source": self.source})
        self.rows[table] = self.rows.get(table, 0) + 1
        if sum(self.rows.values()) % _EVERY == 0:
            self.progress(self.source, sum(self.rows.values()))

    def _sign_in(self, row: dict[str, Value]) -> None:
        """Write a sign-in, marked when the machine tells the same attempt twice.

        Of one wrong NTLM password Windows writes 4776, then 4625, which knows more: the former waits for the latter. After asking for a
        new password a Samba controller writes a success although nobody came in.
        """
        at, key = row["occurred_at"], (row["host"], row["account_name"])
        if not isinstance(at, datetime):
            raise TypeError("a sign-in without time")
        for waiting, held in list(self._waiting.items()):
            if waiting == key or len(self._waiting) > _MAX_WAITING or not _near(at, held["occurred_at"]):
                told_again = waiting == key and row["event_id"] == 4625 and _near(at, held["occurred_at"])
                self._write("sign_in", {**self._waiting.pop(waiting), "repeated": told_again})
        failed = self._failed.get(key)
        near = failed is not None and _near(at, failed[0])
        if row["event_id"] == 4776 and row["outcome"] == "failure" and not near:
            self._waiting[key] = row
            return
        repeated = near and failed is not None and (row["event_id"], failed[1]) in ((4776, "refused"), (4624, "renewal"))
        self._write("sign_in", {**row, "repeated": repeated})
        if row["outcome"] == "failure":
            self._failed[key] = at, "renewal" if row["reason"] == "expired" else "refused"
        else:
            self._failed.pop(key, None)

    def lost(self, place: str, problem: Text, records: int = 1) -> None:
        """Count records that could not be read, and remember the first."""
        self.unreadable += records
        self._first = self._first or (place, problem)

    def close(self, max_age_days: int) -> None:
        """Write what waits and the hours, and say what was delivered."""
        for held in self._waiting.values():
            self._write("sign_in", {**held, "repeated": False})
        for (host, hour), (records, first_at, last_at) in sorted(self._hours.items()):
            row: dict[str, Value] = {
                "host": host,
                "hour": hour,
                "log_type": self.log_type,
                "records": records,
                "first_at": first_at,
                "last_at": last_at,
            }
            self.add("event_coverage", row)
        self.progress(self.source, sum(self.rows.values()))
        self._judge_age(max_age_days)
        if self._first:
            self.reasons.insert(0, _unreadable(self.unreadable, *self._first))
        reason = joined(self.reasons) if self.reasons else None
        self.writer.add_coverage(
            Coverage(
                name,
                self.source,
                State.PARTIAL if reason else State.COMPLETE,
                self.rows.get(name, 0),
                reason,
                COLLECTED[name].cure if reason else None,
                self.last_at,
            )
            for name in self.tables
        )

    def _judge_age(self, max_age_days: int) -> None:
        if self.last_at is None:
            self.reasons.append(Text(en="no record could be read", fr="aucun enregistrement n’a pu être lu"))
            return
        days = (self.writer.as_of - self.last_at).days
        if days > max_age_days:
            self.reasons.append(
                Text(
                    en=f"the last record is {days} days old, {max_age_days} are allowed",
                    fr=f"le dernier enregistrement date de {days} jours, {max_age_days} sont admis",
                )
            )


def _near(at: datetime, other: Value) -> bool:
    return isinstance(other, datetime) and abs(at - other) <= timedelta(seconds=1)


def _unreadable(count: int, place: str, problem: Text) -> Text:
    several = count > 1
    return Text(
        en=f"{count} record{'s' if several else ''} could not be read, first {place}: {problem.en}",
        fr=f"{count} enregistrement{'s n’ont' if several else ' n’a'} pas pu être lu{'s' if several else ''}, "
        f"d’abord {place}\u00a0: {problem.fr}",
    )
