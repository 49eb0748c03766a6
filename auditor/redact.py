"""Reports without names: pseudonyms in place of everything in a run that tells of a person, an account, a machine or the establishment.

Every file of every format, and the terminal, is made from the Run, so the Run is the place. Rule texts are the program's own and stay; what
stays too: names of groups, care units, suppliers, systems and applications, roles, dates and counts. Fingerprints are keyed like names: a
plain one is a hash that anybody with the directory could find the SID of.
The snapshot, the history and the settings stay as they are: they never leave the hospital.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import chain

from auditor.comparison import Difference
from auditor.config import Audit
from auditor.config_report import Branding
from auditor.errors import ConfigError
from auditor.model import Assessment, Comparison, Finding, Gone, Run, Text, Value, WaiverUse
from auditor.pseudonyms import PSEUDONYM, Pseudonyms, digest, key_of, values
from auditor.snapshot import Snapshot
from auditor.tables import ALL

_ALIASES = frozenset({"name", "sam_account_name"})
"""Columns whose name says nothing of what they hold: of a group or a policy as well as of an account."""

_PERSONAL = {
    column.name: column.personal for table in ALL.values() for column in table.columns if column.personal and column.name not in _ALIASES
}
_PLAIN = frozenset(column.name for table in ALL.values() for column in table.columns) - _PERSONAL.keys() - _ALIASES
_WELL_KNOWN = re.compile(r"S-1-\d{1,2}(-\d{1,3}){0,2}")
_LITERAL = re.compile("'((?:[^']|'')*)'")


def redacted(run: Run, snapshot: Snapshot, settings: Audit) -> Run:
    """The run with pseudonyms; ConfigError when the key cannot be used."""
    key, _ = key_of(settings.pseudonym_key, settings.output, create=True)
    return _Redaction(Pseudonyms(key, values(snapshot, settings), _ordinary(run))).run(run)


def prepared(settings: Audit) -> Text:
    """Make the key where there is none, and say where it lies; ConfigError when it cannot be used."""
    path = settings.pseudonym_key
    _, made = key_of(path, settings.output, create=True)
    if made:
        return Text(
            f"Names are replaced by pseudonyms; their key was made now: {path}. Keep it: without it nobody can read them back, and the "
            "next report has others.",
            f"Les noms sont remplacés par des pseudonymes\u00a0; leur clé vient d’être créée\u00a0: {path}. Gardez-la\u00a0: sans elle, "
            "personne ne peut les relire, et le prochain rapport en aura d’autres.",
        )
    return Text(
        f"Names are replaced by pseudonyms; their key is {path}.",
        f"Les noms sont remplacés par des pseudonymes\u00a0; leur clé est {path}.",
    )


def without_brand(settings: Audit) -> Audit:
    """The settings for reports with pseudonyms: no name and no logo of the establishment."""
    return settings.model_copy(update={"branding": Branding(accent=settings.branding.accent)})


def revealed(pseudonyms: Iterable[str], snapshot: Snapshot, settings: Audit, others: Iterable[str] = ()) -> Mapping[str, tuple[str, ...]]:
    """What stands behind each pseudonym, as written in the snapshot, in audit.yaml or in `others`; nothing behind one that is not of them.

    ConfigError when a text is not a pseudonym, or the key is not there.
    """
    wanted: dict[str, str] = {}
    for pseudonym in pseudonyms:
        if not (match := PSEUDONYM.fullmatch(pseudonym.strip().lower())):
            raise ConfigError(
                f"{pseudonym} is not a pseudonym; write one as the report shows it, for example login-0123456789ab.",
                fr=f"{pseudonym} n’est pas un pseudonyme\u00a0; écrivez-le comme dans le rapport, par exemple login-0123456789ab.",
            )
        wanted[pseudonym] = match[2]
    key, _ = key_of(settings.pseudonym_key, settings.output, create=False)
    found: dict[str, set[str]] = {pseudonym: set() for pseudonym in wanted}
    starts = {digits[:12] for digits in wanted.values()}
    for value in chain((value for _, value in values(snapshot, settings)), others):
        whole = digest(key, value)
        if whole[:12] in starts:
            for pseudonym, digits in wanted.items():
                if whole.startswith(digits):
                    found[pseudonym].add(value)
    return {pseudonym: tuple(sorted(behind)) for pseudonym, behind in found.items()}


def _ordinary(run: Run) -> frozenset[str]:
    """Words of the program's own sentences, as written in rules and tables."""
    texts: list[str | None] = []
    for rule in (*run.rules, *run.combinations):
        own = (rule.title, rule.why, rule.blind_spots, *(text for step in rule.remediation for text in (step.text, step.care_impact)))
        texts += [rule.query, *(text.en for text in own), *(text.fr for text in own)]
    for table in ALL.values():
        texts += [table.sentence, table.cure.en, table.cure.fr, *(column.sentence for column in table.columns)]
    return frozenset(word for text in texts if text for word in re.findall(r"[^\W\d_]+", text))


class _Redaction:
    """Walks through a run; what is read there decides how much of a text has to go."""

    def __init__(self, names: Pseudonyms) -> None:
        self._names = names

    def run(self, run: Run) -> Run:
        names = self._names
        return replace(
            run,
            pseudonyms=True,
            establishment=names.of("site", run.establishment),
            assessments=tuple(map(self._assessment, run.assessments)),
            coverage=tuple(
                replace(entry, source=names.within(entry.source), reason=self._maybe(entry.reason), cure=self._maybe(entry.cure))
                for entry in run.coverage
            ),
            notices=tuple(replace(notice, source=names.within(notice.source), text=self._text(notice.text)) for notice in run.notices),
            waivers=tuple(map(self._waiver, run.waivers)),
            comparison=self._comparison(run.comparison) if run.comparison else None,
            score=replace(run.score, obstacles=tuple(map(self._text, run.score.obstacles))) if run.score else None,
            plan=tuple(
                replace(
                    action,
                    title=self._text(action.title),
                    care_impact=self._text(action.care_impact),
                    owner=names.of("person", action.owner) if action.owner else "",
                )
                for action in run.plan
            ),
            figures=replace(
                run.figures,
                safeguards=tuple(replace(entry, system=self._resource(entry.system)) for entry in run.figures.safeguards),
            ),
            exit=replace(run.exit, reason=self._text(run.exit.reason)) if run.exit else None,
        )

    def _text(self, text: Text) -> Text:
        return Text(self._names.within(text.en), self._names.within(text.fr))

    def _maybe(self, text: Text | None) -> Text | None:
        return self._text(text) if text else None

    def _assessment(self, assessment: Assessment) -> Assessment:
        return replace(
            assessment, reasons=tuple(map(self._text, assessment.reasons)), findings=tuple(map(self._finding, assessment.findings))
        )

    def _finding(self, finding: Finding) -> Finding:
        evidence = {column: self._value(column, value) for column, value in finding.evidence.items()}
        mark = self._names.fingerprint(finding.fingerprint)
        return replace(finding, resource=self._resource(finding.resource), evidence=evidence, kept_fingerprint=mark)

    def _resource(self, resource: str) -> str:
        return self._names.exactly(resource) or self._names.within(resource)

    def _value(self, column: str, value: Value) -> Value:
        if not isinstance(value, str) or not value or _WELL_KNOWN.fullmatch(value):
            return value
        if column in _PLAIN:
            return self._names.within(value)
        exact = self._names.exactly(value)
        if exact or column not in _PERSONAL:
            return exact or self._names.within(value)
        inside = self._names.within(value)
        return inside if _PERSONAL[column] == "id" and inside != value else self._names.of(_PERSONAL[column], value)

    def _waiver(self, use: WaiverUse) -> WaiverUse:
        waiver, names = use.waiver, self._names
        columns = {
            column: tuple(found if column in _PLAIN else names.all_of(found) for found in accepted)
            for column, accepted in waiver.columns.items()
        }
        where = _LITERAL.sub(lambda literal: f"'{names.all_of(literal[1])}'" if literal[1] else literal[0], waiver.where)
        hidden = replace(
            waiver,
            reason=self._text(waiver.reason),
            approved_by=names.of("person", waiver.approved_by),
            resources=tuple(map(names.all_of, waiver.resources)),
            columns=columns,
            where=where,
        )
        return replace(use, waiver=hidden)

    def _comparison(self, comparison: Comparison) -> Comparison:
        # What an earlier run found may be gone from the directory, and with it from what the snapshot knows.
        fixed, unseen = (tuple(_gone(self._names, entry) for entry in entries) for entries in (comparison.fixed, comparison.unseen))
        return replace(comparison, fixed=fixed, unseen=unseen)


def _gone(names: Pseudonyms, entry: Gone) -> Gone:
    mark = names.fingerprint(entry.fingerprint)
    return replace(entry, resource=names.all_of(entry.resource), name=names.all_of(entry.name), fingerprint=mark)


def without_names(changes: Difference, settings: Audit) -> Difference:
    """What changed between two runs, every object by its pseudonym; no snapshot is asked, so that each is of the kind `id`."""
    names = Pseudonyms(key_of(settings.pseudonym_key, settings.output, create=True)[0], (), frozenset())
    new, returned, fixed, unseen = (
        tuple(_gone(names, entry) for entry in entries) for entries in (changes.new, changes.returned, changes.fixed, changes.unseen)
    )
    return replace(changes, new=new, returned=returned, fixed=fixed, unseen=unseen)
