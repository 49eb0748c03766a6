"""The words of the product as frozen values; nothing here reads or writes anything.

Verdicts are the words of XCCDF 1.2 (NIST SP 800-126): pass, fail, error, notapplicable, notchecked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
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
    is false, and `why` says the reason.
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
    file: str = ""
    query_line: int = 1
    pack: str = ""


@dataclass(frozen=True)
class Finding:
    """One failing row. `resource` is the object's stable id, qualified by its source (a SID holds its domain);
    `confirmed` is False when the data behind it was incomplete in a way that could have invented it. `raised_to` is its severity
    when the combinations `raised_by`, worst first, make it worse than that of its rule."""

    rule: str
    resource: str
    evidence: Mapping[str, Value]
    confirmed: bool = True
    raised_to: Severity | None = None
    raised_by: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> str:
        """24 hex digits that survive renames, moves and new audit dates."""
        return sha256(f"{self.rule}|{self.resource}".encode()).hexdigest()[:24]


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
class Run:
    """Everything a report says: a pure function of snapshot, rules and settings. `combinations` are the rules that raised findings."""

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

    @property
    def id(self) -> str:
        """Report number: 12 hex digits of what the run is made of."""
        parts = (self.snapshot_sha256, self.rules_sha256, self.as_of.isoformat(), self.fail_on)
        return sha256("|".join(parts).encode()).hexdigest()[:12]
