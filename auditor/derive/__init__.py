"""Derived tables: what SQL rules cannot say is computed here once, and read like any other table.

Each module fills one table. Unknown inputs give NULL, and `coverage` says what the result inherits from its inputs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import pyarrow as pa

from auditor.collect import joined
from auditor.config import Audit
from auditor.config_training import Population
from auditor.derive import (
    account_habit,
    account_hr,
    account_kind,
    account_peers,
    account_professional,
    account_registry,
    account_role,
    account_sign_in,
    account_unit,
    application_supplier,
    authentication_strength,
    critical_right,
    critical_system,
    entra_privileged,
    entra_user_kind,
    group_change,
    group_closure,
    group_role,
    identity,
    log_silence,
    origin_reach,
    phishing_exercise,
    privileged_membership,
    sign_in_place,
    staff_training,
    token_account,
)
from auditor.derive.contract import Engine, to_arrow
from auditor.derive.staff import Staff
from auditor.derive.steps import Steps
from auditor.model import Coverage, State, Text
from auditor.tables import DERIVED, Table, derived, entra, evidence, otp, sign_ins, training

_WORST = (State.ABSENT, State.DENIED, State.PARTIAL, State.COMPLETE)
_STATES = {
    State.ABSENT: Text(en="not collected", fr="non collectée"),
    State.DENIED: Text(en="denied", fr="refusée"),
    State.PARTIAL: Text(en="incomplete", fr="incomplète"),
}


def derive_all(engine: Engine, settings: Audit, as_of: datetime) -> dict[str, tuple[Text, ...]]:
    """Fill `engine`, which holds every collected table, with every derived one, in the order in which they need each other.

    Returns, by table, why its rows are not all there is, for `coverage`.
    """
    steps = Steps(engine)
    steps.fill(derived.GROUP_CLOSURE, lambda: group_closure.derive(steps), lambda: group_closure.doubts(steps))
    steps.fill(derived.PRIVILEGED_MEMBERSHIP, lambda: privileged_membership.derive(steps))
    steps.fill(derived.ACCOUNT_KIND, lambda: account_kind.derive(steps, settings.kinds))
    steps.fill(derived.GROUP_ROLE, lambda: group_role.derive(steps, settings.groups))
    steps.fill(derived.ACCOUNT_ROLE, lambda: account_role.derive(steps))
    steps.fill(derived.ACCOUNT_HR, lambda: account_hr.derive(steps, as_of), lambda: account_hr.doubts(steps))
    steps.fill(
        derived.ACCOUNT_PROFESSIONAL,
        lambda: account_professional.derive(steps, settings.establishment.finess),
        lambda: account_professional.doubts(steps),
    )
    steps.fill(derived.ACCOUNT_REGISTRY, lambda: account_registry.derive(steps))
    steps.fill(derived.CRITICAL_RIGHT, lambda: critical_right.derive(steps))
    steps.fill(entra.ENTRA_USER_KIND, lambda: entra_user_kind.derive(steps, settings.kinds))
    steps.fill(entra.ENTRA_PRIVILEGED, lambda: entra_privileged.derive(steps))
    steps.fill(entra.APPLICATION_SUPPLIER, lambda: application_supplier.derive(steps, settings.suppliers))
    steps.fill(entra.IDENTITY, lambda: identity.derive(steps))
    steps.fill(otp.TOKEN_ACCOUNT, lambda: token_account.derive(steps))
    steps.fill(entra.AUTHENTICATION_STRENGTH, lambda: authentication_strength.derive(steps))
    steps.fill(evidence.CRITICAL_SYSTEM, lambda: critical_system.systems(settings.systems))
    steps.fill(evidence.SYSTEM_BACKUP, lambda: critical_system.backups(steps, settings.systems, as_of))
    steps.fill(sign_ins.SIGN_IN_PLACE, lambda: sign_in_place.derive(steps, settings.monitoring, as_of))
    steps.fill(sign_ins.ACCOUNT_UNIT, lambda: account_unit.derive(steps, settings.monitoring))
    steps.fill(
        sign_ins.ACCOUNT_SIGN_IN,
        lambda: account_sign_in.derive(steps, settings.monitoring, settings.establishment.countries),
        lambda: account_sign_in.doubts(steps),
    )
    now = as_of - timedelta(days=settings.monitoring.assessed_days)
    steps.fill(sign_ins.ACCOUNT_HABIT, lambda: account_habit.derive(steps, settings.establishment.countries, now))
    steps.fill(sign_ins.ACCOUNT_PEERS, lambda: account_peers.derive(steps))
    steps.fill(sign_ins.ORIGIN_REACH, lambda: origin_reach.derive(steps, now))
    steps.fill(sign_ins.GROUP_CHANGE, lambda: group_change.derive(steps), lambda: log_silence.controllers_unheard(steps))
    steps.fill(sign_ins.LOG_SILENCE, lambda: log_silence.derive(steps), lambda: log_silence.controllers_unheard(steps))
    steps.fill_all(training.DERIVED_TABLES, lambda: _training(steps, settings.populations, as_of))
    return steps.doubts


def _training(engine: Engine, populations: Sequence[Population], as_of: datetime) -> tuple[pa.Table, ...]:
    """The tables about the staff, in the order of training.DERIVED_TABLES."""
    staff = Staff(engine, populations, as_of)
    records, results = staff_training.Records(engine, staff), phishing_exercise.Results(engine, staff)
    return (
        staff_training.staff_training(staff, records, as_of),
        staff_training.joiner_training(staff, records, as_of),
        phishing_exercise.phishing_campaign(staff, results),
        phishing_exercise.phishing_reach(staff, results, as_of),
        phishing_exercise.phishing_repeat(staff, results, as_of),
        to_arrow(training.ACCOUNT_POPULATION, ({"account_key": key, "population": name} for key, name in staff.population_of.items())),
    )


def coverage(collected: Iterable[Coverage], doubts: Mapping[str, Sequence[Text]]) -> tuple[Coverage, ...]:
    """Coverage of the derived tables: complete only when every input is and nothing in `doubts` speaks against it.

    Else it is the worst state among the inputs, which are named, and partial at best. `rows` stays 0.
    """
    entries = tuple(collected)
    return tuple(
        _inherited(table, [entry for entry in entries if _input(entry, table)], doubts.get(table.name, ())) for table in DERIVED.values()
    )


def _input(entry: Coverage, table: Table) -> bool:
    """Whether a table depends on what `entry` tells: no source promised an enriching table whose coverage names none."""
    return entry.table in table.derived_from or (entry.table in table.enriched_by and bool(entry.source))


def _inherited(table: Table, inputs: list[Coverage], doubts: Sequence[Text]) -> Coverage:
    missing = set(table.derived_from) - {entry.table for entry in inputs}
    states = [entry.state for entry in inputs] + [State.ABSENT] * bool(missing) + [State.PARTIAL] * bool(doubts)
    state = min(states, key=_WORST.index, default=State.COMPLETE)
    times = [entry.collected_at for entry in inputs if entry.collected_at]
    at = min(times) if times else None
    gaps = {(entry.table, entry.state) for entry in inputs if entry.state is not State.COMPLETE} | {
        (name, State.ABSENT) for name in missing
    }
    named = sorted(gaps)
    reasons = list(doubts)
    if named:
        inputs_named = Text(
            en="it is computed from " + ", ".join(f"{name} ({_STATES[gap].en})" for name, gap in named),
            fr="elle est calculée à partir de " + ", ".join(f"{name} ({_STATES[gap].fr})" for name, gap in named),
        )
        reasons.insert(0, inputs_named)
    if not reasons:
        return Coverage(table.name, "", state, collected_at=at)
    return Coverage(table.name, "", state, 0, joined(reasons), table.cure, at)
