"""Derived tables: what SQL rules cannot say is computed here once, and read like any other table.

Each module fills one table. Unknown inputs give NULL, and `coverage` says what the result inherits from its inputs.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from auditor.config import Audit
from auditor.derive import (
    account_hr,
    account_kind,
    account_professional,
    account_registry,
    account_role,
    critical_right,
    group_closure,
    group_role,
    privileged_membership,
)
from auditor.derive.contract import Engine
from auditor.model import Coverage, State, Text
from auditor.tables import DERIVED, Table, derived

_WORST = (State.ABSENT, State.DENIED, State.PARTIAL, State.COMPLETE)
_STATES = {
    State.ABSENT: Text(en="not collected", fr="non collectée"),
    State.DENIED: Text(en="denied", fr="refusée"),
    State.PARTIAL: Text(en="incomplete", fr="incomplète"),
}


def derive_all(engine: Engine, settings: Audit, as_of: datetime) -> None:
    """Fill `engine`, which holds every collected table, with every derived one, in the order in which they need each other."""
    engine.load(derived.GROUP_CLOSURE, group_closure.derive(engine))
    engine.load(derived.PRIVILEGED_MEMBERSHIP, privileged_membership.derive(engine))
    engine.load(derived.ACCOUNT_KIND, account_kind.derive(engine, settings.kinds))
    engine.load(derived.GROUP_ROLE, group_role.derive(engine, settings.groups))
    engine.load(derived.ACCOUNT_ROLE, account_role.derive(engine))
    engine.load(derived.ACCOUNT_HR, account_hr.derive(engine, as_of))
    engine.load(derived.ACCOUNT_PROFESSIONAL, account_professional.derive(engine, settings.establishment.finess))
    engine.load(derived.ACCOUNT_REGISTRY, account_registry.derive(engine))
    engine.load(derived.CRITICAL_RIGHT, critical_right.derive(engine))


def coverage(collected: Iterable[Coverage]) -> tuple[Coverage, ...]:
    """Coverage of the derived tables: complete only when every input is, else the worst state among them, with the inputs named.

    `rows` stays 0: a derived table is not delivered by anybody.
    """
    entries = tuple(collected)
    return tuple(_inherited(table, [entry for entry in entries if entry.table in table.derived_from]) for table in DERIVED.values())


def _inherited(table: Table, inputs: list[Coverage]) -> Coverage:
    missing = set(table.derived_from) - {entry.table for entry in inputs}
    state = State.ABSENT if missing else min((entry.state for entry in inputs), key=_WORST.index)
    times = [entry.collected_at for entry in inputs if entry.collected_at]
    at = min(times) if times else None
    if state is State.COMPLETE:
        return Coverage(table.name, "", state, collected_at=at)
    gaps = {(entry.table, entry.state) for entry in inputs if entry.state is not State.COMPLETE} | {
        (name, State.ABSENT) for name in missing
    }
    named = sorted(gaps)
    reason = Text(
        en="it is computed from " + ", ".join(f"{name} ({_STATES[gap].en})" for name, gap in named),
        fr="elle est calculée à partir de " + ", ".join(f"{name} ({_STATES[gap].fr})" for name, gap in named),
    )
    return Coverage(table.name, "", state, 0, reason, table.cure, at)
