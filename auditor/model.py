"""The words of the product as frozen values; nothing here reads or writes anything.

Verdicts are the words of XCCDF 1.2 (NIST SP 800-126): pass, fail, error, notapplicable, notchecked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from hashlib import sha256

Value = str | int | float | bool | datetime | None
"""A cell of a table or of a result: scalar, and None only for "not known"."""


class Language(StrEnum):
    """Languages every text for people exists in."""

    FR = "fr"
    EN = "en"


@dataclass(frozen=True, order=True)
class Text:
    """One sentence in both languages."""

    en: str
    fr: str

    def in_language(self, language: Language) -> str:
        """The sentence in `language`."""
        return self.fr if language is Language.FR else self.en


class State(StrEnum):
    """How much of a table a source delivered."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    DENIED = "denied"
    ABSENT = "absent"


class Severity(StrEnum):
    """Severity of a rule, worst first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def rank(self) -> int:
        """0 for critical to 3 for low."""
        return list(Severity).index(self)


class Verdict(StrEnum):
    """Outcome of one rule."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
    ERROR = "error"
    NOTAPPLICABLE = "notapplicable"
    NOTCHECKED = "notchecked"


class Change(StrEnum):
    """What became of a finding since the run it is compared with; without one, every finding is open."""

    NEW = "new"
    OPEN = "open"
    RETURNED = "returned"


@dataclass(frozen=True)
class Coverage:
    """What one source delivered of one table, and what would cure a gap.

    `rows` counts delivered rows. `reason` and `cure` are None exactly when the state is complete.
    `collected_at` is UTC without zone, None when nothing was asked.
    """

    table: str
    source: str
    state: State
    rows: int = 0
    reason: Text | None = None
    cure: Text | None = None
    collected_at: datetime | None = None


@dataclass(frozen=True, order=True)
class Notice:
    """What readers of the report must know of a source although its tables may be complete."""

    source: str
    text: Text


@dataclass(frozen=True)
class Step:
    """One step of a remediation: what to do, the command in its dry-run form, how to verify and to undo it.

    `effort_hours` is the work for a typical hospital, in hours of one administrator.
    """

    text: Text
    care_impact: Text
    effort_hours: float
    command: str = ""
    verify: str = ""
    undo: str = ""


@dataclass(frozen=True)
class RuleTest:
    """Inline rows of a rule and what each resource must come out as (`fail`, `pass` or `unknown`)."""

    given: Mapping[str, tuple[Mapping[str, Value], ...]]
    expect: Mapping[str, str]


@dataclass(frozen=True)
class Rule:
    """One rule file, validated; `file` and `query_line` tell where an error lies, `pack` names a third-party origin.

    With `raises` it is a combination, not a control: the findings of those rules rise to `severity` on every resource for which its `ok`
    is false, and `why` says the reason. `cap` is the best grade (A to E) a run can have while the rule fails, empty when it caps none;
    `cap_reason` says the fact in a few words.
    """

    id: str
    title: Text
    severity: Severity
    recommendation: int
    status: str
    references: Mapping[str, tuple[str, ...]]
    why: Text
    remediation: tuple[Step, ...]
    blind_spots: Text
    query: str
    tests: tuple[RuleTest, ...]
    params: Mapping[str, Value] = field(default_factory=dict)
    positive: tuple[str, ...] = ()
    raises: tuple[str, ...] = ()
    attribution: str = ""
    cap: str = ""
    cap_reason: Text | None = None
    file: str = ""
    query_line: int = 1
    pack: str = ""


@dataclass(frozen=True)
class Finding:
    """One failing row. `resource` is the object's stable id, qualified by its source (a SID holds its domain);
    `confirmed` is False when the data behind it was incomplete in a way that could have invented it. `raised_to` is its severity
    when the combinations `raised_by`, worst first, make it worse than that of its rule. `waived_by` is the id of the waiver that accepts
    it, empty when none does; `change` and `first_seen` come from the history of earlier runs (`first_seen` is None without one).
    `kept_fingerprint` is the keyed one where a pseudonym stands in the place of the resource."""

    rule: str
    resource: str
    evidence: Mapping[str, Value]
    confirmed: bool = True
    raised_to: Severity | None = None
    raised_by: tuple[str, ...] = ()
    waived_by: str = ""
    change: Change = Change.OPEN
    first_seen: datetime | None = None
    kept_fingerprint: str = ""

    @property
    def fingerprint(self) -> str:
        """24 hex digits that survive renames, moves and new audit dates."""
        return self.kept_fingerprint or sha256(f"{self.rule}|{self.resource}".encode()).hexdigest()[:24]


@dataclass(frozen=True)
class Counts:
    """Rows of a rule's population by outcome; `unknown` includes rows whose place in the scope is not known."""

    passed: int = 0
    failed: int = 0
    unknown: int = 0


@dataclass(frozen=True)
class Assessment:
    """Verdict of one rule with its reasons. `at_least` marks a count that incomplete data may hide more of."""

    rule: str
    verdict: Verdict
    counts: Counts = Counts()
    reasons: tuple[Text, ...] = ()
    findings: tuple[Finding, ...] = ()
    at_least: bool = False


@dataclass(frozen=True)
class Waiver:
    """An accepted finding or group of findings of one rule, until the end of the day `expires`.

    It holds for the resources it names, or those whose evidence equals every value of `columns`, or for which the boolean expression
    `where` over the rule's result columns is true. When more than `max_objects` match, it holds for none.
    """

    id: str
    rule: str
    reason: Text
    approved_by: str
    created: date
    expires: date
    max_objects: int
    resources: tuple[str, ...] = ()
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    where: str = ""
    ticket: str = ""


class WaiverState(StrEnum):
    """What a waiver does in a run; only an active or an expiring one (30 days or less) holds."""

    ACTIVE = "active"
    EXPIRING = "expiring"
    EXPIRED = "expired"
    EXCEEDED = "exceeded"
    UNUSED = "unused"


@dataclass(frozen=True)
class WaiverUse:
    """A waiver and what became of it: `matched` findings fit it; `change` compares it with the last run."""

    waiver: Waiver
    state: WaiverState
    matched: int
    change: Change = Change.OPEN


@dataclass(frozen=True)
class Action:
    """One line of the remediation plan, from plan.yaml or, without one, one per failing rule (owner, due and state then empty).

    `hours` is work of one administrator. `state` is to-plan, to-approve, started, done, or empty.
    """

    number: int
    title: Text
    rules: tuple[str, ...]
    hours: float
    care_impact: Text
    owner: str = ""
    due: date | None = None
    state: str = ""


@dataclass(frozen=True)
class Cap:
    """A fact that keeps the grade from being better than `grade`."""

    rule: str
    grade: str
    reason: Text


@dataclass(frozen=True)
class Score:
    """The grade of a run, A to E, by the model of that name; empty when `obstacles` say why there is none.

    `base` is the mean over the recommendations of coverage by target (0 to 1), `uncapped` the grade it alone would give.
    """

    model: str
    grade: str
    uncapped: str
    base: float | None
    caps: tuple[Cap, ...] = ()
    obstacles: tuple[Text, ...] = ()


@dataclass(frozen=True, order=True)
class Gone:
    """A finding of an earlier run that this one no longer has."""

    rule: str
    resource: str
    fingerprint: str
    name: str
    severity: Severity


@dataclass(frozen=True)
class Comparison:
    """What changed since an earlier run. `unseen` findings are gone, but their rule was not assessed in full: they are not fixed."""

    run_id: str
    as_of: datetime
    fixed: tuple[Gone, ...] = ()
    unseen: tuple[Gone, ...] = ()
    rules_changed: bool = False


@dataclass(frozen=True)
class Point:
    """One run of the history, this one included: findings that count by severity, coverage of the five recommendations (None: not
    measured), and the rule whose findings changed most since the point before."""

    run_id: str
    as_of: datetime
    model: str
    grade: str
    found: Mapping[Severity, int]
    ratios: tuple[float | None, ...]
    event_rule: str = ""
    event_change: int = 0


@dataclass(frozen=True)
class Bar:
    """One bar of a chart: a word of the program or a name of audit.yaml, and its parts in the order in which they are drawn."""

    name: str
    parts: tuple[tuple[str, int], ...]

    @property
    def total(self) -> int:
        """Sum of the parts."""
        return sum(count for _, count in self.parts)


@dataclass(frozen=True)
class Safeguard:
    """One requirement on the backups of a system: whether it holds (None: not known), and the day of the proof, None without one."""

    name: str
    holds: bool | None
    at: datetime | None


@dataclass(frozen=True)
class Safeguards:
    """What protects one critical system, by the name audit.yaml gives it."""

    system: str
    requirements: tuple[Safeguard, ...]


@dataclass(frozen=True)
class Figures:
    """The counts behind the charts of the chapters; they name no person and no account.

    Each is empty when its tables were not read; `incomplete` names those of which a table was cut short. `sign_ins` are successful ones by
    day of the week (Monday first) and hour in UTC. `training_target` is the share of a population to train, 0 to 1.
    """

    authentication: tuple[Bar, ...] = ()
    activity: tuple[Bar, ...] = ()
    safeguards: tuple[Safeguards, ...] = ()
    sign_ins: tuple[tuple[int, ...], ...] = ()
    training: tuple[Bar, ...] = ()
    training_target: float = 0
    incomplete: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Exit:
    """The exit code of a run and the sentence that gives its reason."""

    code: int
    reason: Text


@dataclass(frozen=True)
class Run:
    """Everything a report says: a pure function of snapshot, rules, settings, waivers, plan and the history of earlier runs.

    `combinations` are the rules that raised findings. `comparison` is None and `trend` holds this run alone when there is no earlier one.
    `targets` are the shares the establishment wants to reach, by recommendation; `only_new` says that findings known before do not decide
    about the exit code. `pseudonyms` says that personal names were replaced.
    """

    establishment: str
    as_of: datetime
    version: str
    snapshot_sha256: str
    rules_sha256: str
    rules: tuple[Rule, ...]
    assessments: tuple[Assessment, ...]
    coverage: tuple[Coverage, ...]
    fail_on: str = "critical"
    combinations: tuple[Rule, ...] = ()
    notices: tuple[Notice, ...] = ()
    targets: Mapping[int, float] = field(default_factory=dict)
    only_new: bool = False
    waivers: tuple[WaiverUse, ...] = ()
    comparison: Comparison | None = None
    trend: tuple[Point, ...] = ()
    score: Score | None = None
    plan: tuple[Action, ...] = ()
    figures: Figures = field(default_factory=Figures)
    pseudonyms: bool = False
    exit: Exit | None = None

    @property
    def id(self) -> str:
        """Report number: 12 hex digits of what the run is made of."""
        parts = (self.snapshot_sha256, self.rules_sha256, self.as_of.isoformat(), self.fail_on)
        return sha256("|".join(parts).encode()).hexdigest()[:12]
