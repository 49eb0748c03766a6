"""The counts behind the charts of the chapters: small aggregates of the tables, made by SQL, that name no person and no account.

A figure is made only where every table it reads was read; what is not known is a part of its own and never counted as good.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from auditor.engine.duckdb import Engine
from auditor.model import Bar, Coverage, Figures, Rule, Safeguard, Safeguards, State, Value

STRENGTHS = ("phishing_resistant", "app", "phone", "none", "unknown")
"""Parts of the bars of authentication, strongest first."""

AGES = ("quarter", "year", "older", "never", "unknown")
"""Parts of the bars of activity: last sign-in at most 90 days ago, at most 365, longer ago, never, or not known."""

TRAINED = ("trained", "untrained", "unknown")
"""Parts of the bars of training; unknown are people of whom no register says anything."""

GROUPS = ("administrators", "remote_access", "staff", "intern", "agency", "student", "partner", "person", "vendor", "generic")
"""Bars of accounts from top to bottom: two groups by what they may do, then every account by the kind of its holder."""

READS: Mapping[str, tuple[str, ...]] = {
    "authentication": ("account", "account_kind", "account_role", "privileged_membership", "authentication_strength"),
    "activity": ("account", "account_kind"),
    "safeguards": ("critical_system", "system_backup", "backup_copy", "restore_test"),
    "sign_ins": ("sign_in",),
    "training": ("staff_training",),
}
"""Tables behind each figure."""

_PEOPLE = """
  select a.account_key, coalesce(nullif(k.population, ''), k.kind, 'person') as bar
  from account a join account_kind k on k.account_key = a.account_key
  where a.enabled is not false and a.object_class = 'user' and k.kind in ('person', 'vendor', 'generic')
"""

_AUTHENTICATION = f"""
  with people as ({_PEOPLE}), grouped as (
    select account_key, bar from people
    union all
    select p.account_key, 'administrators' from people p
    where p.account_key in (select m.account_key from privileged_membership m)
    union all
    select p.account_key, 'remote_access' from people p
    where p.account_key in (select r.account_key from account_role r where r.role = 'remote_access')
  )
  select g.bar, coalesce(s.strength, 'unknown') as part, count(*) as n
  from grouped g
  left join authentication_strength s on s.account_key = g.account_key and s.account_type = 'directory'
  group by all
"""  # noqa: S608 - our own text

_ACTIVITY = f"""
  with people as ({_PEOPLE})
  select p.bar,
    case
      when a.never_signed_in then 'never'
      when a.last_sign_in_at is null then 'unknown'
      when a.last_sign_in_at >= $as_of - interval 90 day then 'quarter'
      when a.last_sign_in_at >= $as_of - interval 365 day then 'year'
      else 'older'
    end as part,
    count(*) as n
  from people p join account a on a.account_key = p.account_key
  group by all
"""  # noqa: S608 - our own text

_SAFEGUARDS = """
  with backup as (
    select b.system, case when not bool_or(b.never_backed_up) then min(b.last_backup_at) end as at,
      case
        when bool_or(b.never_backed_up) then false
        when bool_or(b.last_backup_at < $as_of - (s.max_age_hours + $grace_hours) * interval 1 hour) then false
        when count(b.last_backup_at) = count(*) then true
      end as holds
    from system_backup b join critical_system s on s.system = b.system
    group by b.system
  ), copy as (
    select c.system, bool_and(c.encrypted) as encrypted, bool_or(c.off_site) as off_site, bool_or(c.offline or c.immutable) as safe,
      max(c.last_written_at) as at, max(c.last_written_at) filter (c.off_site) as off_site_at,
      max(c.last_written_at) filter (c.offline or c.immutable) as safe_at
    from backup_copy c
    where c.last_written_at >= $as_of - $max_copy_age_days * interval 1 day
    group by c.system
  ), test as (
    select t.system, max(t.tested_at) as at
    from restore_test t
    where t.result = 'pass' and t.scope <> 'file' and t.business_referent <> '' and t.tested_at >= $as_of - $max_age_days * interval 1 day
    group by t.system
  )
  select s.label, b.holds, b.at, c.encrypted, c.at, case when c.system is null then false else c.off_site end, c.off_site_at,
    case when c.system is null then false else c.safe end, c.safe_at, t.at is not null, t.at
  from critical_system s
  left join backup b on b.system = s.system
  left join copy c on c.system = s.system
  left join test t on t.system = s.system
"""

_SIGN_INS = """
  select isodow(s.occurred_at) - 1 as day, hour(s.occurred_at) as hour, count(*) as n
  from sign_in s
  where s.outcome = 'success' and s.activity <> 'service_ticket' and not coalesce(s.repeated, false)
  group by all
"""

_TRAINING = """
  select t.population, t.people, t.trained, t.unrecorded
  from staff_training t
  where t.people > 0 and t.population <> 'everyone'
"""


def of(engine: Engine, rules: Iterable[Rule], coverage: Iterable[Coverage], as_of: datetime) -> Figures:
    """The figures of a loaded and locked engine; thresholds are those of the rules that judge the same, so that both say one thing."""
    states: dict[str, list[State]] = defaultdict(list)
    for entry in coverage:
        states[entry.table].append(entry.state)
    read = {name for name, tables in READS.items() if all(_delivered(states[table]) for table in tables)}
    params: dict[str, Mapping[str, Value]] = {rule.id: rule.params for rule in rules}
    judged = {"BKP-001", "BKP-003", "BKP-007"} <= params.keys()
    return Figures(
        authentication=_accounts(engine, _AUTHENTICATION, STRENGTHS, as_of) if "authentication" in read else (),
        activity=_accounts(engine, _ACTIVITY, AGES, as_of) if "activity" in read else (),
        safeguards=_safeguards(engine, params, as_of) if "safeguards" in read and judged else (),
        sign_ins=_sign_ins(engine) if "sign_ins" in read else (),
        training=_training(engine) if "training" in read else (),
        training_target=float(str(params["TRN-001"]["min_percent"])) / 100 if "TRN-001" in params else 0,
        incomplete=frozenset(name for name in read if any(State.COMPLETE is not state for table in READS[name] for state in states[table])),
    )


def _delivered(states: Sequence[State]) -> bool:
    return any(state in (State.COMPLETE, State.PARTIAL) for state in states)


def _accounts(engine: Engine, sql: str, parts: Sequence[str], as_of: datetime) -> tuple[Bar, ...]:
    counts = {(str(bar), str(part)): int(str(number)) for bar, part, number in engine.query(sql, {"as_of": as_of}).rows}
    bars = (Bar(name, tuple((part, counts.get((name, part), 0)) for part in parts)) for name in GROUPS)
    return tuple(bar for bar in bars if bar.total)


def _safeguards(engine: Engine, params: Mapping[str, Mapping[str, Value]], as_of: datetime) -> tuple[Safeguards, ...]:
    thresholds = {**params["BKP-001"], **params["BKP-003"], **params["BKP-007"], "as_of": as_of}
    names = ("backed_up", "encrypted", "off_site", "out_of_reach", "restored")
    return tuple(
        Safeguards(str(system), tuple(Safeguard(name, _flag(proof[2 * n]), _time(proof[2 * n + 1])) for n, name in enumerate(names)))
        for system, *proof in engine.query(_SAFEGUARDS, thresholds).rows
    )


def _flag(value: Value) -> bool | None:
    return None if value is None else bool(value)


def _time(value: Value) -> datetime | None:
    return value if isinstance(value, datetime) else None


def _sign_ins(engine: Engine) -> tuple[tuple[int, ...], ...]:
    counts = {(day, hour): int(str(number)) for day, hour, number in engine.query(_SIGN_INS, {}).rows}
    return tuple(tuple(counts.get((day, hour), 0) for hour in range(24)) for day in range(7)) if counts else ()


def _training(engine: Engine) -> tuple[Bar, ...]:
    bars = []
    for population, people, trained, unrecorded in engine.query(_TRAINING, {}).rows:
        known = [int(str(number)) if number is not None else 0 for number in (people, trained, unrecorded)]
        rest = max(known[0] - known[1] - known[2], 0)
        bars.append(Bar(str(population), tuple(zip(TRAINED, (known[1], rest, known[2]), strict=True))))
    return tuple(sorted(bars, key=lambda bar: (-bar.parts[0][1] / max(bar.total, 1), bar.name)))
