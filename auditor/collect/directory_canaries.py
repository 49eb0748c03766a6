"""What every real directory holds: where it is missing, the reading was cut short or something is hidden, though nothing said so.

Sources: MS-ADTS 6.1.1.4 and 6.1.1.6 (well-known objects), 3.1.1.3.4.5 (memberOf is computed from the member lists of groups).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable
from datetime import datetime, timedelta

from auditor.collect.directory_coverage import TABLE_NAMES, Gaps
from auditor.collect.directory_entry import Row
from auditor.collect.directory_index import Index
from auditor.model import Text

_BUILTIN_ACCOUNTS = (500, 502)
_CONTROLLER_GROUPS = (516, 521)
_TRACES = ("last_sign_in_at", "password_last_set_at", "created_at")


class Canaries:
    """Notes, while rows are made, what tells at the end whether the directory was seen whole."""

    def __init__(self) -> None:
        self.members: Counter[str] = Counter()
        self._listed: Counter[str] = Counter()
        self._controllers: set[object] = set()
        self._newest: datetime | None = None

    def account(self, row: Row) -> None:
        """Note one row of `account`."""
        if row["is_domain_controller"] or row["primary_group_rid"] in _CONTROLLER_GROUPS:
            self._controllers.add(row["domain_sid"])
        for column in _TRACES:
            moment = row[column]
            if isinstance(moment, datetime) and (self._newest is None or moment > self._newest):
                self._newest = moment

    def listed(self, group_key: str, *, told: bool) -> None:
        """Note one member of a group; `told` when the member says itself where it belongs (memberOf)."""
        self._listed[group_key] += told

    def check(self, gaps: Gaps, index: Index, seen: Container[str], *, live: bool) -> None:
        """Count what is missing. An object that every domain has and that does not come means that others may be missing too: then
        every table is partial; so is every table of an export in which groups name objects it does not hold."""
        for sid in sorted(index.domain_sids):
            groups = (f"{sid}-512", f"{sid}/S-1-5-32-544")
            builtin = (*(f"{sid}-{rid}" for rid in _BUILTIN_ACCOUNTS), *groups)
            gaps.count("hidden_builtin", *TABLE_NAMES, number=sum(key not in seen for key in builtin))
            gaps.count("no_controller", *TABLE_NAMES, number=int(sid not in self._controllers))
            gaps.count("empty_builtin", "group_member", number=sum(not self.members[group] for group in groups))
        if not index.domain_sids or index.domains_without_object:
            gaps.note(Text("the object of the domain was not seen", "l’objet du domaine n’a pas été vu"), *TABLE_NAMES)
        unseen = sum(key not in seen for key in self.members)
        gaps.count("hidden_primary", *(("directory_group", "group_member") if live else TABLE_NAMES), number=unseen)
        if not live and (hidden := gaps.counts["group_member", "hidden_member"]):
            gaps.count("hidden_member", *(table for table in TABLE_NAMES if table != "group_member"), number=hidden)
        gaps.count("untold", "group_member", number=self._missing(index.told_groups()))

    def _missing(self, told: Iterable[tuple[str | None, int]]) -> int:
        """How many memberships the accounts tell and the member lists lack; those of a group that was not seen are all missing."""
        return sum(max(0, number - self._listed[key]) if key else number for key, number in told)

    def check_age(self, gaps: Gaps, as_of: datetime, max_age_days: int) -> None:
        """Judge the age of an export by the newest trace in it: a domain in use leaves one every day."""
        if self._newest is None:
            en, fr = "no trace of activity tells the age of the export", "aucune trace d’activité ne dit l’âge de l’export"
        elif self._newest < as_of - timedelta(days=max_age_days):
            date = self._newest.date().isoformat()
            en, fr = f"the newest trace in the export is of {date}", f"la trace la plus récente de l’export date du {date}"
            en, fr = f"{en}, more than {max_age_days} days before the audit", f"{fr}, plus de {max_age_days} jours avant l’audit"
        elif self._newest > as_of + timedelta(days=1):
            date = self._newest.date().isoformat()
            en = f"the export is later than the date of the audit: it holds a trace of {date}"
            fr = f"l’export est postérieur à la date de l’audit\u00a0: il contient une trace du {date}"
        else:
            return
        gaps.note(Text(en, fr), *TABLE_NAMES)
