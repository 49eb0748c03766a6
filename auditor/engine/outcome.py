"""From the rows of a rule's query to the outcome of each resource: the one place where fail, pass and unknown are told apart.

Shipped rules, rule packs in their child process and inline tests all come through here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from auditor.engine.duckdb import Engine
from auditor.errors import EngineError
from auditor.model import Value


@dataclass(frozen=True)
class Query:
    """What to run for one rule: its query, its scope query if it has one, and its parameters (`auditor.rule_analysis.Analysis`).

    With `grouped`, a row whose place in the scope is not known changes others: its resource is unknown whatever the query says of it.
    """

    query: str
    scope_query: str | None
    grouped: bool
    params: Mapping[str, Value]


@dataclass(frozen=True)
class Outcome:
    """A rule's whole population: failing rows in order, and the resources that pass or cannot be judged; no resource is in two of them."""

    failing: tuple[Mapping[str, Value], ...]
    passing: frozenset[str]
    unknown: frozenset[str]

    def by_resource(self) -> dict[str, str]:
        """fail, pass or unknown by resource."""
        found = {str(row["resource"]): "fail" for row in self.failing}
        found |= dict.fromkeys(self.passing, "pass") | dict.fromkeys(self.unknown, "unknown")
        return dict(sorted(found.items()))


def judge(engine: Engine, query: Query) -> Outcome:
    """Run a query that passed the gate; of a resource with several rows the worst counts. EngineError when it cannot be run.

    Evidence is fetched for failing rows only: on a large directory nearly all rows pass.
    """
    judged = f"FROM ({query.query}\n) AS judged"
    rows = engine.query(f"SELECT resource, ok {judged}", query.params).rows
    scope = {_key(resource) for (resource,) in engine.query(query.scope_query, query.params).rows} if query.scope_query else set()
    found: dict[str, set[bool | None]] = {}
    for resource, ok in rows:
        if resource is None:
            found.setdefault(_key(resource), set()).add(None)
            continue
        if not isinstance(resource, str) or not (ok is None or isinstance(ok, bool)):
            raise EngineError(
                "the query returned a row whose resource is not text or whose ok is not a boolean; cast them.",
                fr="la requête a rendu une ligne dont resource n’est pas un texte ou ok pas un booléen\u00a0; convertissez-les.",
            )
        found.setdefault(resource, set()).add(ok)
    failing = {resource for resource, seen in found.items() if False in seen and not (query.grouped and resource in scope)}
    unknown = ({resource for resource, seen in found.items() if None in seen} | scope) - failing
    return Outcome(
        failing=_evidence(engine, f"SELECT * {judged} WHERE ok IS FALSE", query.params, failing),
        passing=frozenset(found.keys() - failing - unknown),
        unknown=frozenset(unknown),
    )


def _key(resource: Value) -> str:
    """A resource, or the empty text for one that cannot be named because a value is not known: it is unknown, whatever `ok` says."""
    return "" if resource is None else str(resource)


def _evidence(engine: Engine, sql: str, params: Mapping[str, Value], failing: set[str]) -> tuple[Mapping[str, Value], ...]:
    if not failing:
        return ()
    result = engine.query(sql, params)
    rows = (dict(zip(result.columns, row, strict=True)) for row in result.rows)
    kept = tuple(row for row in rows if row["resource"] in failing)
    if len(kept) > len(failing):
        # Two findings on one resource would have one fingerprint.
        raise EngineError(
            "the query reported one resource twice; group its rows.",
            fr="la requête a signalé deux fois la même ressource\u00a0; regroupez ses lignes.",
        )
    return kept
