"""What changed between two runs: new, returned, fixed and unseen findings.

A finding is fixed only when its rule was assessed in full without it; otherwise it is unseen, which says nothing about its cure.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from auditor import facts
from auditor.errors import ConfigError, os_reason
from auditor.model import Change, Comparison, Finding, Gone, Run, Severity, Verdict


@dataclass(frozen=True)
class Judged:
    """Verdict of one rule; `count` are its findings that count, None when the rule did not run to its end."""

    verdict: Verdict
    at_least: bool
    count: int | None

    @property
    def in_full(self) -> bool:
        """A finding that the rule does not have is not there: nothing incomplete can hide it."""
        return self.verdict in facts.RAN and not self.at_least


@dataclass(frozen=True)
class Known:
    """A finding as a run knows it. `last_seen` lies before the run when its rule has not been assessed in full since then; `returned` says
    that the run itself found it again after it had been fixed."""

    finding: Gone
    first_seen: datetime
    last_seen: datetime
    returned: bool = False


@dataclass(frozen=True)
class Record:
    """What is remembered of a run. `known` are its findings, waived ones included, and those unseen since an earlier run; `ended` tells
    when findings that were fixed before were first seen. Both go by fingerprint. `ratios` are the coverage of the five recommendations.
    With `pseudonyms` the fingerprints are keyed and fit no others."""

    run_id: str
    as_of: datetime
    rules_sha256: str
    model: str
    grade: str
    ratios: tuple[float | None, ...]
    judged: Mapping[str, Judged]
    known: Mapping[str, Known]
    ended: Mapping[str, datetime] = field(default_factory=dict)
    pseudonyms: bool = False

    @property
    def present(self) -> Mapping[str, Known]:
        """Findings the run itself has."""
        return {fingerprint: known for fingerprint, known in self.known.items() if known.last_seen == self.as_of}


@dataclass(frozen=True)
class Difference:
    """Findings that came and went from one run to another, in order, and rules whose verdict is not the same."""

    new: tuple[Gone, ...]
    returned: tuple[Gone, ...]
    fixed: tuple[Gone, ...]
    unseen: tuple[Gone, ...]
    verdicts: tuple[tuple[str, Verdict | None, Verdict | None], ...]


def of(run: Run) -> Record:
    """What there is to remember of a run."""
    counted = facts.of(run)
    present = {
        finding.fingerprint: Known(
            Gone(finding.rule, finding.resource, finding.fingerprint, str(finding.evidence.get("name") or ""), control.severity(finding)),
            finding.first_seen or run.as_of,
            run.as_of,
            finding.change is Change.RETURNED,
        )
        for control in counted.controls
        for finding in (*control.confirmed, *control.waived)
    }
    judged = {
        control.rule.id: Judged(control.assessment.verdict, control.assessment.at_least, control.count if control.ran else None)
        for control in counted.controls
    }
    return Record(
        run.id,
        run.as_of,
        run.rules_sha256,
        run.score.model if run.score else "",
        run.score.grade if run.score else "",
        tuple(protection.ratio for protection in counted.protections),
        judged,
        present,
    )


def difference(before: Record, after: Record) -> Difference:
    """What changed from one run to a later one. Findings that were unseen before and of which `after` does not know the rule are left
    out: they were told of when the rule went."""
    present = after.present
    came = {fingerprint: known for fingerprint, known in present.items() if fingerprint not in before.known}
    back = {fingerprint for fingerprint, known in came.items() if known.returned or fingerprint in before.ended}
    went = [
        known.finding for fingerprint, known in before.known.items()
        if fingerprint not in present and (known.last_seen == before.as_of or known.finding.rule in after.judged)
    ]  # fmt: skip

    def is_fixed(finding: Gone) -> bool:
        judged = after.judged.get(finding.rule)
        return finding.fingerprint in after.ended or (judged is not None and judged.in_full)

    rules = sorted(before.judged.keys() | after.judged.keys())
    verdicts = ((rule, _verdict(before, rule), _verdict(after, rule)) for rule in rules)
    return Difference(
        new=_sorted(known.finding for fingerprint, known in came.items() if fingerprint not in back),
        returned=_sorted(known.finding for fingerprint, known in came.items() if fingerprint in back),
        fixed=_sorted(finding for finding in went if is_fixed(finding)),
        unseen=_sorted(finding for finding in went if not is_fixed(finding)),
        verdicts=tuple(change for change in verdicts if change[1] is not change[2]),
    )


def _sorted(findings: Iterable[Gone]) -> tuple[Gone, ...]:
    return tuple(sorted(findings, key=lambda finding: (finding.severity.rank, finding.rule, finding.name.casefold(), finding.resource)))


def _verdict(record: Record, rule: str) -> Verdict | None:
    judged = record.judged.get(rule)
    return judged.verdict if judged else None


def compared(run: Run, before: Record, *, partial: bool) -> Run:
    """The run with the change of each finding since `before`; of a run of some rules only, the others say nothing."""
    changes = difference(before, of(run))
    ran = {assessment.rule for assessment in run.assessments}

    def gone(findings: tuple[Gone, ...]) -> tuple[Gone, ...]:
        return tuple(finding for finding in findings if not partial or finding.rule in ran)

    new = {finding.fingerprint for finding in changes.new}
    returned = {finding.fingerprint for finding in changes.returned}

    def dated(finding: Finding) -> Finding:
        mark = finding.fingerprint
        change = Change.NEW if mark in new else Change.RETURNED if mark in returned else Change.OPEN
        known = before.known.get(mark)
        first = known.first_seen if known else before.ended.get(mark) or (run.as_of if change is Change.NEW else None)
        return replace(finding, change=change, first_seen=first)

    return replace(
        run,
        assessments=tuple(replace(one, findings=tuple(dated(finding) for finding in one.findings)) for one in run.assessments),
        comparison=Comparison(
            before.run_id,
            before.as_of,
            fixed=gone(changes.fixed),
            unseen=gone(changes.unseen),
            rules_changed=before.rules_sha256 != run.rules_sha256 and not partial,
        ),
    )


class _Part(BaseModel):
    """A part of report.json: what is not needed here is not looked at (docs/architecture.md, section 8)."""

    model_config = ConfigDict(frozen=True)


class _Found(_Part):
    fingerprint: str = Field(pattern=r"^[0-9a-f]{24}$")
    resource: str
    severity: Severity
    evidence: dict[str, str | int | float | bool | None]
    state: str
    change: Change = Change.OPEN
    first_seen: datetime | None = None


class _Assessed(_Part):
    rule: str
    verdict: Verdict
    at_least: bool
    findings: tuple[_Found, ...]


class _Head(_Part):
    id: str
    as_of: datetime
    rules_sha256: str


class _Protected(_Part):
    ratio: float | None


class _Graded(_Part):
    model: str = ""
    grade: str | None = None


class _Report(_Part):
    schema_version: str = Field(pattern=r"^1\.\d+$")
    run: _Head
    recommendations: tuple[_Protected, ...] = Field(min_length=5, max_length=5)
    assessments: tuple[_Assessed, ...]
    score: _Graded | None = None
    pseudonyms: bool = False


def read(path: Path) -> Record:
    """The run that a report.json tells of; a file that is none is a ConfigError."""
    try:
        report = _Report.model_validate(json.loads(path.read_bytes()))
    except OSError as error:
        raise ConfigError(
            f"{path}: {os_reason(error).en}; name a report.json of an earlier run, or last.",
            fr=f"{path}\u00a0: {os_reason(error).fr}\u00a0; indiquez le report.json d’un audit précédent, ou last.",
        ) from error
    except (ValueError, RecursionError) as error:
        place = ".".join(str(part) for part in error.errors()[0]["loc"]) if isinstance(error, ValidationError) else ""
        where = f" ({place})" if place else ""
        raise ConfigError(
            f"{path} is not a report.json of this program{where}; name one that `audit run` wrote.",
            fr=f"{path} n’est pas un report.json de ce programme{where}\u00a0; indiquez-en un écrit par `audit run`.",
        ) from error
    as_of = _naive(report.run.as_of)
    present = {
        found.fingerprint: Known(
            Gone(assessed.rule, found.resource, found.fingerprint, str(found.evidence.get("name") or ""), found.severity),
            _naive(found.first_seen) if found.first_seen else as_of,
            as_of,
            found.change is Change.RETURNED,
        )
        for assessed in report.assessments
        for found in assessed.findings
        if found.state != "unconfirmed" and assessed.verdict is Verdict.FAIL
    }
    judged = {
        assessed.rule: Judged(assessed.verdict, assessed.at_least, len(assessed.findings) if assessed.verdict in facts.RAN else None)
        for assessed in report.assessments
    }
    return Record(
        report.run.id,
        as_of,
        report.run.rules_sha256,
        report.score.model if report.score else "",
        (report.score.grade or "") if report.score else "",
        tuple(protected.ratio for protected in report.recommendations),
        judged,
        present,
        pseudonyms=report.pseudonyms,
    )


def _naive(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
