"""What every output says of a run, counted once: controls, severities, sources, and the five recommendations."""

from __future__ import annotations

from collections import Counter
from dataclasses import astuple, dataclass
from functools import cache, cached_property
from typing import Literal

from auditor.model import Assessment, Change, Coverage, Finding, Rule, Run, Severity, State, Text, Verdict
from auditor.rule_analysis import analyse
from auditor.tables import ALL, COLLECTED

RAN = frozenset({Verdict.PASS, Verdict.FAIL, Verdict.NOTAPPLICABLE})
"""Verdicts of a control that could be run to its end."""

HEADLINE_TABLES = (
    "account",
    "directory_group",
    "registry_person",
    "hr_contract",
    "vendor_contract",
    "backup_job",
    "entra_user",
    "training_record",
    "phishing_result",
    "otp_token",
)
"""Tables whose number of rows tells people how much of a source was read, most telling first."""


@dataclass(frozen=True)
class Recommendation:
    """One of the five recommendations and how far it is followed is measured.

    `measured_by` names the rules whose populations make the figure, `unit` says what their rows are. `target` is the share to reach,
    `owner` who usually decides; audit.yaml may set another target.
    """

    id: int
    title: Text
    why: Text
    owner: Text
    target: float
    unit: Literal["access", "holder", "safeguard", "log", "population"]
    measured_by: tuple[str, ...]


RECOMMENDATIONS = (
    Recommendation(
        1,
        Text("Strengthen credentials", "Renforcer les identifiants"),
        Text(
            "A password that is guessed, stolen or read back must not be enough to come in.",
            "Un mot de passe deviné, volé ou retrouvé en clair ne doit pas suffire pour entrer.",
        ),
        Text("IT and security officer", "DSI et RSSI"),
        0.95,
        "access",
        ("AD-ACC-023", "SPC-030"),
    ),
    Recommendation(
        2,
        Text("Keep access up to date", "Tenir les accès à jour"),
        Text(
            "Every account or right too many is a door nobody watches: staff who left, contracts that ended, rights that piled up.",
            "Chaque compte ou droit de trop est une porte que personne ne surveille : agents partis, contrats terminés, droits accumulés.",
        ),
        Text("IT, with human resources and purchasing", "DSI, avec la DRH et les achats"),
        0.98,
        "holder",
        ("SPC-010", "SPC-012", "SPC-013", "SPC-023"),
    ),
    Recommendation(
        3,
        Text("Be able to restore", "Pouvoir restaurer"),
        Text(
            "After an attack, the only copy that counts is the one the attacker could not reach.",
            "Après une attaque, la seule copie qui compte est celle que l’attaquant n’a pas pu atteindre.",
        ),
        Text("IT, infrastructure team", "DSI, équipe infrastructure"),
        1.0,
        "safeguard",
        ("BKP-001", "BKP-003", "BKP-007"),
    ),
    Recommendation(
        4,
        Text("See abnormal behaviour", "Voir les comportements anormaux"),
        Text(
            "An intrusion leaves traces for days before it does harm, provided somebody reads them.",
            "Une intrusion laisse des traces pendant des jours avant de nuire, à condition que quelqu’un les lise.",
        ),
        Text("Security officer", "RSSI"),
        1.0,
        "log",
        ("LOG-062",),
    ),
    Recommendation(
        5,
        Text("Train staff", "Former les agents"),
        Text(
            "People who recognise a trap, and know whom to call, stop an attack before it starts.",
            "Un agent qui reconnaît un piège, et sait qui appeler, arrête une attaque avant qu’elle ne commence.",
        ),
        Text("Human resources and security officer", "DRH et RSSI"),
        0.8,
        "population",
        ("TRN-001",),
    ),
)


@dataclass(frozen=True)
class Control:
    """A rule and what became of it."""

    rule: Rule
    assessment: Assessment

    @property
    def failed(self) -> bool:
        """The verdict is fail."""
        return self.assessment.verdict is Verdict.FAIL

    @property
    def ran(self) -> bool:
        """The control could be run to its end."""
        return self.assessment.verdict in RAN

    @cached_property
    def confirmed(self) -> tuple[Finding, ...]:
        """Findings that count: those of a failed rule that incomplete data cannot have invented and that no waiver accepts."""
        return tuple(finding for finding in self.assessment.findings if finding.confirmed and not finding.waived_by) if self.failed else ()

    @cached_property
    def waived(self) -> tuple[Finding, ...]:
        """Findings that a waiver accepts: they are shown and counted apart."""
        return tuple(finding for finding in self.assessment.findings if finding.confirmed and finding.waived_by) if self.failed else ()

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """Every finding in the order in which reports show them: those that count first, the worst first, then by name."""
        return tuple(sorted(self.assessment.findings, key=self._place))

    def _place(self, finding: Finding) -> tuple[bool, bool, int, str, str]:
        name = str(finding.evidence.get("name", "")).casefold()
        return not finding.confirmed, bool(finding.waived_by), self.severity(finding).rank, name, finding.resource

    def severity(self, finding: Finding) -> Severity:
        """Severity of one finding: that of the rule, unless a combination raised it."""
        return finding.raised_to or self.rule.severity

    def state(self, finding: Finding) -> str:
        """What people are told of one finding: unconfirmed, waived, or its change since the earlier run (new, open, returned)."""
        if not (self.failed and finding.confirmed):
            return "unconfirmed"
        return "waived" if finding.waived_by else finding.change.value

    def count_of(self, severity: Severity) -> int:
        """How many findings of one severity count."""
        return sum(self.severity(finding) is severity for finding in self.confirmed)

    @property
    def unconfirmed(self) -> int:
        """Findings that incomplete data may have invented: they are shown but do not count."""
        return len(self.assessment.findings) - len(self.confirmed) - len(self.waived)

    @property
    def count(self) -> int:
        """How many findings count."""
        return len(self.confirmed)

    @property
    def care(self) -> tuple[Text, ...]:
        """What the remediation does to care, step by step, each effect once; steps without effect only when all are."""
        effects = tuple(dict.fromkeys(step.care_impact for step in self.rule.remediation))
        return tuple(effect for effect in effects if not effect.en.startswith(("None.", "None:"))) or effects[:1]

    @property
    def owner(self) -> Text:
        """Who usually decides on it."""
        return RECOMMENDATIONS[self.rule.recommendation - 1].owner

    @property
    def hours(self) -> float:
        """Work of the whole remediation, in hours."""
        return sum(step.effort_hours for step in self.rule.remediation)


@dataclass(frozen=True)
class Protection:
    """How far one recommendation is followed, in rows of the rules that measure it.

    A row that could not be judged is in `population` and never protected; when one of those rules could not be run, nothing is measured.
    `ratio` is None when there is nothing to divide; `target` is the establishment's.
    """

    recommendation: Recommendation
    target: float
    population: int
    protected: int
    controls: int
    ran: int

    @property
    def ratio(self) -> float | None:
        """Protected over population, four decimals."""
        return round(self.protected / self.population, 4) if self.population else None


@dataclass(frozen=True)
class Source:
    """What one source delivered, table by table, in order of table name."""

    name: str
    coverage: tuple[Coverage, ...]

    @property
    def unread(self) -> bool:
        """Nothing of it could be read."""
        return all(entry.state in (State.DENIED, State.ABSENT) for entry in self.coverage)

    @property
    def rows(self) -> tuple[tuple[str, int], ...]:
        """(table, rows) of its telling tables; a source that has none is told by ("", all its rows)."""
        rows = {entry.table: entry.rows for entry in self.coverage}
        return tuple((table, rows[table]) for table in HEADLINE_TABLES if table in rows) or (("", sum(rows.values())),)

    @property
    def gaps(self) -> tuple[Coverage, ...]:
        """Tables that are not complete."""
        return tuple(entry for entry in self.coverage if entry.state is not State.COMPLETE)


@dataclass(frozen=True)
class Facts:
    """A run, counted."""

    run: Run
    controls: tuple[Control, ...]

    @cached_property
    def failing(self) -> tuple[Control, ...]:
        """Failed controls, worst first: by severity, then most findings, then id."""
        failed = (control for control in self.controls if control.failed)
        return tuple(sorted(failed, key=lambda control: (control.rule.severity.rank, -control.count, control.rule.id)))

    @property
    def ran(self) -> int:
        """Controls that could be run."""
        return sum(control.ran for control in self.controls)

    @cached_property
    def not_run(self) -> tuple[Control, ...]:
        """Controls that could not be run, worst severity first."""
        return tuple(sorted((c for c in self.controls if not c.ran), key=lambda c: (c.rule.severity.rank, c.rule.id)))

    def with_verdict(self, verdict: Verdict) -> tuple[Control, ...]:
        """Controls that ended so."""
        return tuple(control for control in self.controls if control.assessment.verdict is verdict)

    def of_severity(self, severity: Severity) -> tuple[Control, ...]:
        """Failed controls with findings of one severity, most findings first."""
        some = (control for control in self.failing if control.count_of(severity))
        return tuple(sorted(some, key=lambda control: (-control.count_of(severity), control.rule.id)))

    def found(self, severity: Severity) -> int:
        """Confirmed findings of one severity."""
        return sum(control.count_of(severity) for control in self.failing)

    def at_least(self, severity: Severity) -> bool:
        """Incomplete data may hide more findings of this severity in rules that failed."""
        return any(control.assessment.at_least for control in self.of_severity(severity))

    def changed(self, change: Change) -> int:
        """Findings that count and have changed so since the run this one is compared with."""
        return sum(finding.change is change for control in self.failing for finding in control.confirmed)

    @property
    def waived(self) -> int:
        """Findings that waivers accept."""
        return sum(len(control.waived) for control in self.controls)

    def raised(self, control: Control) -> tuple[tuple[Rule, int], ...]:
        """Combinations that raised findings of a control, and how many."""
        by = Counter(combination for finding in control.confirmed for combination in finding.raised_by)
        return tuple((rule, by[rule.id]) for rule in self.run.combinations if rule.id in by)

    def chapter(self, recommendation: int) -> tuple[Control, ...]:
        """Controls of one recommendation, in order of id."""
        return tuple(control for control in self.controls if control.rule.recommendation == recommendation)

    def shown(self, recommendation: int) -> tuple[Control, ...]:
        """Controls of a recommendation that have rows to show: failed ones worst first, then those with unconfirmed rows."""
        failed = tuple(control for control in self.failing if control.rule.recommendation == recommendation)
        unsure = (control for control in self.not_run if control.rule.recommendation == recommendation and control.assessment.findings)
        return (*failed, *unsure)

    @cached_property
    def protections(self) -> tuple[Protection, ...]:
        """The five recommendations, measured."""
        return tuple(self._protection(recommendation) for recommendation in RECOMMENDATIONS)

    @cached_property
    def sources(self) -> tuple[Source, ...]:
        """Sources that were asked, in order of name; computed tables have none of their own."""
        asked = sorted((entry for entry in self.run.coverage if entry.table in COLLECTED), key=lambda entry: entry.table)
        names = sorted({entry.source for entry in asked} - {""})
        return tuple(Source(name, tuple(entry for entry in asked if entry.source == name)) for name in names)

    @cached_property
    def lacking(self) -> Source | None:
        """Tables that no source of the configuration delivers although a control reads them, as a source without a name."""
        wanted = {table for control in self.not_run for table in _collected(control.rule.query)}
        absent = sorted((entry for entry in self.run.coverage if not entry.source and entry.table in wanted), key=lambda entry: entry.table)
        return Source("", tuple(absent)) if absent else None

    def cures(self, control: Control) -> tuple[Text, ...]:
        """Grants and exports that would complete what a control reads, each once."""
        read = _collected(control.rule.query)
        return tuple(sorted({entry.cure for entry in self.run.coverage if entry.table in read and entry.cure}))

    def cost(self, source: Source) -> int:
        """Controls that could not be run and read a table this source did not deliver in full."""
        gaps = {entry.table for entry in source.gaps}
        return sum(not gaps.isdisjoint(_collected(control.rule.query)) for control in self.not_run)

    def _protection(self, recommendation: Recommendation) -> Protection:
        chapter = self.chapter(recommendation.id)
        measuring = [control for control in chapter if control.rule.id in recommendation.measured_by]
        counts = [control.assessment.counts for control in measuring] if all(control.ran for control in measuring) else []
        return Protection(
            recommendation,
            self.run.targets.get(recommendation.id, recommendation.target),
            population=sum(sum(astuple(count)) for count in counts),
            protected=sum(count.passed for count in counts),
            controls=len(chapter),
            ran=sum(control.ran for control in chapter),
        )


@cache
def _collected(query: str) -> frozenset[str]:
    """Tables a rule's query depends on, directly or through computed ones, and that a source or audit.yaml must deliver."""
    todo, seen = list(analyse(query).reads), set[str]()
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo += ALL[name].derived_from
    return frozenset(name for name in seen if name in COLLECTED or not ALL[name].derived_from)


def of(run: Run) -> Facts:
    """The facts of a run; rules that were not assessed are left out, in order of rule id."""
    assessments = {assessment.rule: assessment for assessment in run.assessments}
    rules = sorted((rule for rule in run.rules if rule.id in assessments), key=lambda rule: rule.id)
    return Facts(run, tuple(Control(rule, assessments[rule.id]) for rule in rules))
