"""The run of `examples` a week later: compared with the run before, with waivers, a grade, a plan, and something done at night."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

from auditor.config import Audit, load
from auditor.model import (
    Action,
    Assessment,
    Cap,
    Change,
    Comparison,
    Counts,
    Exit,
    Finding,
    Gone,
    Language,
    Point,
    Run,
    Score,
    Severity,
    Verdict,
    Waiver,
    WaiverState,
    WaiverUse,
)
from auditor.report import exit_code
from auditor.rules import shipped
from tests.report import examples
from tests.report.examples import text

BEFORE = datetime(2026, 11, 13, 6)
FIRST = datetime(2026, 9, 1, 6)


def settings(language: Language = Language.EN, **changes: object) -> Audit:
    sample = load(shipped().parent / "sample_data" / "hospital" / "audit.yaml")
    return sample.model_copy(update={"language": language, **changes})


def waiver(name: str, state: WaiverState, matched: int = 1, expires: date = date(2026, 12, 1)) -> WaiverUse:
    reason = text("Isolated network", "Réseau isolé")
    return WaiverUse(Waiver(name, "AD-ACC-023", reason, "S. Girard, RSSI", date(2026, 1, 1), expires, 2), state, matched)


def run() -> Run:
    made = examples.run()
    changed = [_changed(assessment) for assessment in made.assessments]
    log = examples.rule("LOG-010", Severity.HIGH, 4)
    night = {"first_at": datetime(2026, 11, 18, 2, 0), "last_at": datetime(2026, 11, 18, 3, 30)}
    seen = (Finding("LOG-010", "S-1-5-21-1-2-3-1100", {"name": "user00", **night}, change=Change.NEW, first_seen=examples.AS_OF),)
    made = replace(
        made,
        rules=(*made.rules, log),
        assessments=(*changed, Assessment("LOG-010", Verdict.FAIL, Counts(10, 1), findings=seen)),
        waivers=(
            waiver("W-01", WaiverState.ACTIVE),
            waiver("W-02", WaiverState.EXPIRED, expires=date(2026, 11, 1)),
            waiver("W-03", WaiverState.EXPIRING),
            waiver("W-04", WaiverState.UNUSED, 0),
            waiver("W-05", WaiverState.EXCEEDED, 9),
        ),
        comparison=Comparison("0" * 12, BEFORE, fixed=(_gone("SPC-023", 1), _gone("LOG-010", 2)), unseen=(_gone("SPC-013", 3),)),
        trend=(_point("0" * 12, BEFORE, 0.80), _point("1" * 12, examples.AS_OF, 0.87)),
        score=Score("2026.1", "D", "C", 0.58, (Cap("SPC-023", "D", text("Suppliers still come in", "Des prestataires entrent encore")),)),
        plan=(
            Action(1, text("Close the supplier accounts", "Fermer les comptes de prestataires"), ("SPC-023",), 4, text("None", "Aucune")),
            Action(2, text("Second factor"), ("AD-ACC-023", "AD-KRB-001"), 6, text("None"), "DSI", date(2026, 12, 1), "started"),
        ),
    )  # fmt: skip
    return replace(made, exit=exit_code.decide(made))


def _changed(assessment: Assessment) -> Assessment:
    """Of AD-ACC-023: two waived, two returned, two new; all the others are old."""
    parts = {0: {"waived_by": "W-01"}, 1: {"waived_by": "W-01"}, 2: {"change": Change.RETURNED}, 3: {"change": Change.RETURNED}}
    parts |= {4: {"change": Change.NEW, "first_seen": examples.AS_OF}, 5: {"change": Change.NEW, "first_seen": examples.AS_OF}}
    found = tuple(
        replace(replace(finding, first_seen=FIRST), **(parts.get(place, {}) if assessment.rule == "AD-ACC-023" else {}))  # type: ignore[arg-type]
        for place, finding in enumerate(assessment.findings)
    )
    return replace(assessment, findings=found)


def _gone(rule: str, number: int) -> Gone:
    return Gone(rule, f"S-1-5-21-1-2-3-{number}", f"{number:024x}", f"gone{number}", Severity.CRITICAL)


def _point(run_id: str, as_of: datetime, ratio: float) -> Point:
    return Point(run_id, as_of, "2026.1", "D", {Severity.CRITICAL: 25}, (ratio, None, 0.5, None, 0.4))


def waived_run() -> Run:
    """Everything that was found is accepted."""
    made = run()
    assessments = tuple(
        replace(assessment, findings=tuple(replace(finding, waived_by="W-01") for finding in assessment.findings))
        for assessment in made.assessments
    )
    return replace(made, assessments=assessments, exit=Exit(0, text("fine", "bien")))
