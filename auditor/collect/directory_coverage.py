"""What was not seen of a directory: gaps are counted while entries are read, and end as coverage with reasons in both languages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime

from auditor.collect import joined
from auditor.model import Coverage, State, Text
from auditor.tables import COLLECTED
from auditor.tables.directory import TABLES

TABLE_NAMES = tuple(table.name for table in TABLES)

_COUNTED = {
    "unreadable": Text("values that could not be understood: {n}", "valeurs incompréhensibles : {n}"),
    "nameless": Text("objects without a readable SID: {n}", "objets sans SID lisible : {n}"),
    "control": Text(
        "visibility is incomplete: userAccountControl was not returned for {n} accounts",
        "visibilité incomplète : userAccountControl n’a pas été renvoyé pour {n} comptes",
    ),
    "created": Text(
        "visibility is incomplete: whenCreated was not returned for {n} objects",
        "visibilité incomplète : whenCreated n’a pas été renvoyé pour {n} objets",
    ),
    "cut_list": Text("groups whose list of members is cut: {n}", "groupes dont la liste des membres est coupée : {n}"),
    "hidden_member": Text("members whose object is not visible: {n}", "membres dont l’objet n’est pas visible : {n}"),
    "hidden_builtin": Text(
        "built-in objects that every domain has and that were not seen: {n}", "objets intégrés présents dans tout domaine et non vus : {n}"
    ),
    "no_controller": Text(
        "no domain controller was seen (domains concerned: {n})", "aucun contrôleur de domaine n’a été vu (domaines concernés : {n})"
    ),
    "empty_builtin": Text(
        "groups that always have members (Domain Admins, Administrators) and show none: {n}",
        "groupes qui ont toujours des membres (Admins du domaine, Administrateurs) et n’en montrent aucun : {n}",
    ),
    "untold": Text(
        "memberships that accounts tell (memberOf) and that the lists of members do not show: {n}",
        "appartenances annoncées par les comptes (memberOf) et absentes des listes de membres : {n}",
    ),
    "hidden_primary": Text("primary groups whose object is not visible: {n}", "groupes principaux dont l’objet n’est pas visible : {n}"),
    "contradictory": Text(
        "contradictions (one name with two SIDs, one SID with two names, two values where there can be one): {n}",
        "contradictions (un nom pour deux SID, un SID pour deux noms, deux valeurs là où il n’y en a qu’une) : {n}",
    ),
    "no_primary": Text("accounts whose primary group was not returned: {n}", "comptes dont le groupe principal n’a pas été renvoyé : {n}"),
    "vanished": Text("objects counted first and not read afterwards: {n}", "objets comptés d’abord et non lus ensuite : {n}"),
    "no_descriptor": Text("objects whose permissions were not returned: {n}", "objets dont les permissions n’ont pas été renvoyées : {n}"),
    "policy": Text("password policy attributes not returned: {n}", "attributs de la stratégie de mot de passe non renvoyés : {n}"),
}


class Gaps:
    """Counts what is missing, by table, and turns it into coverage."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()
        self._notes: dict[str, dict[Text, None]] = {}
        self._unread: dict[str, tuple[State, Text]] = {}

    def count(self, kind: str, *tables: str, number: int = 1) -> None:
        """Count `number` gaps of one kind for each table."""
        for table in tables:
            self.counts[table, kind] += number

    def note(self, reason: Text, *tables: str) -> None:
        """Say that tables are partial, for a reason without a number."""
        for table in tables:
            self._notes.setdefault(table, {})[reason] = None

    def unread(self, state: State, reason: Text, *tables: str) -> None:
        """Say that nothing of these tables was to be had."""
        for table in tables:
            self._unread[table] = (state, reason)

    def cut(self, reason: Text) -> None:
        """Say that the reading of the whole directory ended early."""
        self.note(reason, *TABLE_NAMES)

    def coverage(self, source: str, rows: Mapping[str, int], collected_at: datetime | None, cure: Text | None = None) -> list[Coverage]:
        """One entry per table of the directory; without `cure`, what cures a gap is the grant that the table names."""
        return [self._entry(table, source, rows.get(table, 0), collected_at, cure) for table in TABLE_NAMES]

    def _entry(self, table: str, source: str, rows: int, collected_at: datetime | None, cure: Text | None) -> Coverage:
        state, reasons = State.COMPLETE, list(self._reasons(table))
        if table in self._unread:
            state, reason = self._unread[table]
            reasons.insert(0, reason)
        if not reasons:
            return Coverage(table, source, state, rows, None, None, collected_at)
        if state is State.COMPLETE:
            state = State.PARTIAL
        return Coverage(table, source, state, rows, joined(reasons), cure or COLLECTED[table].cure, collected_at)

    def _reasons(self, table: str) -> Iterable[Text]:
        yield from self._notes.get(table, {})
        for kind, sentence in _COUNTED.items():
            if number := self.counts[table, kind]:
                yield Text(sentence.en.format(n=number), sentence.fr.format(n=number))
