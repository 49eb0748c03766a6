"""The grade of a run by model 2026.1: how far the five recommendations are followed, capped by the facts that undo the rest.

The arithmetic uses the figures of report.json and nothing else, each rounded to four decimals, so that everybody can do it again.
"""

from __future__ import annotations

from collections.abc import Iterable

from auditor import facts
from auditor.facts import Facts, Protection
from auditor.model import Cap, Run, Score, Text, Verdict

MODEL = "2026.1"
"""Name of the model: grades of two models are not compared."""

LETTERS = (("A", 0.90), ("B", 0.75), ("C", 0.55), ("D", 0.35), ("E", 0.0))
"""Each letter and the smallest mean that earns it, best first."""

MIN_RAN_PERCENT = 80
"""Share of the controls that must have been run for a grade, in per cent."""


def of(run: Run) -> Score:
    """The grade of a full run; no grade, and the obstacles, when a capping control was not assessed, fewer than 80 % of the controls
    could be run, or a recommendation was not measured.

    A capping control that fails caps the grade even when waivers accept its findings: an accepted risk is still a risk.
    """
    counted = facts.of(run)
    base = mean(quotient(protection.ratio, protection.target) for protection in counted.protections)
    failed = (control.rule for control in counted.controls if control.rule.cap and control.failed)
    worst_first = sorted(failed, key=lambda rule: (-ord(rule.cap), rule.severity.rank, rule.id))
    caps = tuple(Cap(rule.id, rule.cap, rule.cap_reason or rule.title) for rule in worst_first)
    obstacles = (*_unassessed(counted), *_too_few(counted), *_unmeasured(counted))
    if base is None or obstacles:
        return Score(MODEL, "", "", base, caps, obstacles)
    uncapped = letter(base)
    return Score(MODEL, max([uncapped, *(cap.grade for cap in caps)]), uncapped, base, caps)


def quotient(ratio: float | None, target: float) -> float | None:
    """Coverage by target, 1 at most, four decimals; None when the coverage was not measured."""
    return None if ratio is None else round(min(1.0, ratio / target), 4)


def mean(quotients: Iterable[float | None]) -> float | None:
    """Their mean, four decimals; None when one of them was not measured."""
    known = tuple(quotients)
    measured = [value for value in known if value is not None]
    return round(sum(measured) / len(measured), 4) if len(measured) == len(known) else None


def letter(base: float) -> str:
    """The letter a mean from 0 to 1 earns."""
    return next(grade for grade, least in LETTERS if base >= least)


def _unassessed(counted: Facts) -> tuple[Text, ...]:
    """One sentence per capping control that could not be run: its fact may hold, so the grade is not known."""
    return tuple(
        Text(
            f"{control.rule.id} could cap the grade and was not assessed: {control.rule.title.en}.",
            f"{control.rule.id} pourrait plafonner la note et n’a pas été évalué\u00a0: {control.rule.title.fr}.",
        )
        for control in counted.controls
        if control.rule.cap and control.assessment.verdict in (Verdict.NOTCHECKED, Verdict.ERROR)
    )


def _too_few(counted: Facts) -> tuple[Text, ...]:
    total = len(counted.controls)
    if counted.ran * 100 >= MIN_RAN_PERCENT * total:
        return ()
    return (
        Text(
            f"Controls run: {counted.ran} of {total}; a grade needs {MIN_RAN_PERCENT}% of them.",
            f"Contrôles menés\u00a0: {counted.ran} sur {total}\u00a0; une note en demande {MIN_RAN_PERCENT}\u00a0%.",
        ),
    )


def _unmeasured(counted: Facts) -> tuple[Text, ...]:
    return tuple(_why_unmeasured(counted, protection) for protection in counted.protections if protection.ratio is None)


def _why_unmeasured(counted: Facts, protection: Protection) -> Text:
    recommendation = protection.recommendation
    measuring = [control for control in counted.chapter(recommendation.id) if control.rule.id in recommendation.measured_by]
    missing = ", ".join(control.rule.id for control in measuring if not control.ran)
    head_en = f"Recommendation {recommendation.id}, “{recommendation.title.en}”, was not measured: "
    head_fr = f"La recommandation {recommendation.id}, «\u00a0{recommendation.title.fr}\u00a0», n’a pas été mesurée\u00a0: "
    if missing:
        return Text(f"{head_en}{missing} could not be run.", f"{head_fr}faute d’avoir pu mener {missing}.")
    return Text(f"{head_en}the sources hold nothing it is about.", f"{head_fr}les sources ne contiennent rien qui la concerne.")
