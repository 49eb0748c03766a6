"""What the first page says of the weeks before: where a recommendation stood a quarter ago, and what made the curve jump."""

from __future__ import annotations

from datetime import timedelta
from itertools import groupby

from auditor.model import Point, Rule, Run

QUARTER = timedelta(days=91)
_NEAR = timedelta(days=31)


def quarter_ago(run: Run) -> Point | None:
    """The earlier run nearest to 91 days ago, by the same score model; None when none is within a month of that day."""
    day = run.as_of - QUARTER
    points = [point for point in earlier(run) if abs(point.as_of - day) <= _NEAR and point.model == run.trend[-1].model]
    return min(points, key=lambda point: (abs(point.as_of - day), point.run_id), default=None)


def earlier(run: Run) -> tuple[Point, ...]:
    """Runs before this one, oldest first."""
    return tuple(point for point in run.trend if point.as_of < run.as_of)


def event(run: Run) -> tuple[int, Rule, int] | None:
    """The point after the first whose rule changed most: its position, the rule, by how many findings; None when nothing explains."""
    rules = {rule.id: rule for rule in run.rules}
    told = [
        (place, rules[point.event_rule], point.event_change) for place, point in enumerate(run.trend) if place and point.event_rule in rules
    ]
    return max(told, key=lambda item: (abs(item[2]), item[0]), default=None)


def stretches(run: Run) -> tuple[tuple[int, ...], ...]:
    """Positions of the points of the curve by stretches of one score model: the curve is broken where the model changed."""
    places = range(len(run.trend))
    return tuple(tuple(part) for _, part in groupby(places, key=lambda place: run.trend[place].model))
