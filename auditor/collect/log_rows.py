"""What every reader of a log shares: normal forms of names and addresses, counted hours, losses, and the coverage in the end."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import blake2b
from ipaddress import IPv6Address, ip_address
from secrets import token_bytes

from auditor import safe
from auditor.collect import SourceError, joined, unread
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
_WITH_PORT = re.compile(r"(?:\[([^\[\]]+)\]|(\d+\.\d+\.\d+\.\d+))(?::\d{1,5})?")
"""`[2001:db8::1]:443` or `192.0.2.1:443`, the port being optional."""
_NUMBERED = re.compile(r"\d+\.\d")
"""How an address begins that cannot be read: its first number is not the first label of a name."""
_AHEAD = timedelta(days=1)
_SUCCESSES, _SPAN = 200, timedelta(days=7)
"""So many successes over so much time without one failure: nobody types that well."""
_CURES = {
    "csv": Text(
        en="Export the log again, and check path, encoding, delimiter, time_format, columns and outcomes of this source.",
        fr="Exporter à nouveau le journal, et vérifier path, encoding, delimiter, time_format, columns et outcomes de cette source.",
    ),
    "graph": COLLECTED["entra_activity"].cure,
}
_FAILURE_CURES = {
    "windows": Text(
        en="Record failures too: in the audit policy of the machines, Failure for Logon, Kerberos Authentication Service and Credential "
        "Validation (auditpol /get /category:* shows it).",
        fr="Enregistrer aussi les échecs\u00a0: dans la stratégie d’audit des machines, Échec pour Ouvrir la session, Service "
        "d’authentification Kerberos et Validation des informations d’identification (auditpol /get /category:* la montre).",
    ),
    "samba": Text(
        en="Give the whole JSON audit log, unfiltered, written with log level auth_json_audit:5.",
        fr="Fournir tout le journal d’audit JSON, sans filtre, écrit avec log level auth_json_audit:5.",
    ),
    "csv": Text(
        en="Export refused sign-ins too, not only those that succeeded.",
        fr="Exporter aussi les connexions refusées, pas seulement celles qui ont réussi.",
    ),
    "graph": Text(en="Read all sign-ins, without a filter on their status.", fr="Lire toutes les connexions, sans filtre sur leur état."),
}


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
    if found := address(name):
        return found
    return name if ":" in name or _NUMBERED.match(name) else name.split(".")[0]


def address(written: str) -> str:
    """An address in its shortest form, without port and zone, IPv4 in IPv6 as IPv4; empty when it is none (`-`, `LOCAL`, a name)."""
    text = written.strip()
    if with_port := _WITH_PORT.fullmatch(text):
        text = with_port[1] or with_port[2]
    try:
        found = ip_address(text)
    except ValueError:
        return ""
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return str(mapped or found).partition("%")[0]


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


class Seen:
    """What was already taken of a source: exports overlap. Of each record eight bytes are kept, a hash under a key nobody knows."""

    def __init__(self) -> None:
        self.repeated = 0
        self._key = token_bytes(16)
        self._taken: set[int] = set()

    def take(self, *parts: object) -> bool:
        """Whether a record with these parts is new."""
        size = len(self._taken)
        self._taken.add(int.from_bytes(blake2b(repr(parts).encode(), digest_size=8, key=self._key).digest()))
        new = len(self._taken) > size
        self.repeated += not new
        return new


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
    seen: Seen = field(default_factory=Seen)
    _ahead: int = 0
    _farthest: datetime | None = None
    _successes: int = 0
    _failures: int = 0
    _succeeded: tuple[datetime, datetime] | None = None
    _hours: dict[tuple[str, datetime], tuple[int, datetime, datetime]] = field(default_factory=dict)
    _first: tuple[str, Text] | None = None
    _waiting: dict[tuple[Value, Value], dict[str, Value]] = field(default_factory=dict)
    _failed: dict[tuple[Value, Value], tuple[datetime, str]] = field(default_factory=dict)

    def received(self, host: str, first_at: datetime, last_at: datetime, records: int = 1) -> None:
        """Count records of one machine, all within one hour."""
        if last_at > self.writer.as_of + _AHEAD:
            self._ahead += records
            self._farthest = max(self._farthest or last_at, last_at)
        else:
            self.last_at = max(self.last_at or last_at, last_at)
        hour = first_at.replace(minute=0, second=0, microsecond=0)
        known = self._hours.get((host, hour))
        if known:
            records, first_at, last_at = known[0] + records, min(known[1], first_at), max(known[2], last_at)
        self._hours[host, hour] = records, first_at, last_at

    @property
    def has_records(self) -> bool:
        """Whether any record was received."""
        return bool(self._hours)

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
        if table == "sign_in" and not str(row["account_name"]).endswith("$"):
            self._count(row)
        self.writer.add(table, {**row, "source": self.source})
        self.rows[table] = self.rows.get(table, 0) + 1
        if sum(self.rows.values()) % _EVERY == 0:
            self.progress(self.source, sum(self.rows.values()))

    def _count(self, row: Mapping[str, Value]) -> None:
        at = row["occurred_at"]
        if row["outcome"] == "failure":
            self._failures += 1
        elif row["outcome"] == "success" and isinstance(at, datetime):
            self._successes += 1
            first, last = self._succeeded or (at, at)
            self._succeeded = min(first, at), max(last, at)

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
        self.writer.add_coverage(map(self._covered, self.tables))

    def unread(self, error: SourceError) -> None:
        """Say why nothing could be read."""
        cure = _CURES.get(self.log_type)
        self.writer.add_coverage(replace(entry, cure=cure or entry.cure) for entry in unread(self.tables, self.source, error))

    def _covered(self, table: str) -> Coverage:
        reasons, cure = self.reasons, _CURES.get(self.log_type, COLLECTED[table].cure)
        silent = self._without_failures() if table == "sign_in" else None
        if silent:
            reasons, cure = [*reasons, silent], cure if reasons else _FAILURE_CURES[self.log_type]
        if not reasons:
            return Coverage(table, self.source, State.COMPLETE, self.rows.get(table, 0), collected_at=self.last_at)
        return Coverage(table, self.source, State.PARTIAL, self.rows.get(table, 0), joined(reasons), cure, self.last_at)

    def _without_failures(self) -> Text | None:
        first, last = self._succeeded or (self.writer.as_of, self.writer.as_of)
        if self._failures or self._successes < _SUCCESSES or last - first < _SPAN:
            return None
        days = (last - first).days
        return Text(
            en=f"{self._successes} successes and no failure in {days} days: failures are probably not recorded",
            fr=f"{self._successes} réussites et aucun échec en {days} jours\u00a0: les échecs ne sont probablement pas enregistrés",
        )

    def _judge_age(self, max_age_days: int) -> None:
        if self._farthest:
            self.reasons.append(self._from_after(self._farthest))
        if self.last_at is None:
            if not self._farthest:
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

    def _from_after(self, farthest: datetime) -> Text:
        several, is_csv = self._ahead > 1, self.log_type == "csv"
        return Text(
            en=f"{self._ahead} record{'s are' if several else ' is'} dated after the audit, up to {farthest:%Y-%m-%d}: check the "
            f"clock of the machine{' and time_format and timezone of the source' if is_csv else ''}",
            fr=f"{self._ahead} enregistrement{'s portent' if several else ' porte'} une date postérieure à l’audit, jusqu’au "
            f"{farthest:%d/%m/%Y}\u00a0: vérifier l’horloge de la machine"
            f"{' ainsi que time_format et timezone de la source' if is_csv else ''}",
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
