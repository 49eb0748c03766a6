"""A small directory in memory: tables with the neutral value wherever a test says nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pyarrow as pa

from auditor import derive
from auditor.config import Audit, Establishment, GroupRoles, KindPatterns, Kinds, Ldif
from auditor.engine.duckdb import Engine
from auditor.model import Value
from auditor.snapshot import arrow_schema
from auditor.tables import ALL, COLLECTED

AS_OF = datetime(2026, 11, 20, 6)
DOMAIN = "S-1-5-21-1-2-3"
Rows = Mapping[str, Sequence[Mapping[str, Value]]]


def settings(*, kinds: Kinds | None = None, groups: GroupRoles | None = None, finess: tuple[str, ...] = ()) -> Audit:
    source = Ldif(type="ldif", name="ad", paths=(Path("x.ldif"),))
    return Audit(
        establishment=Establishment(name="Test", finess=finess), sources=(source,), kinds=kinds or Kinds(), groups=groups or GroupRoles()
    )


@contextmanager
def loaded(rows: Rows) -> Iterator[Engine]:
    """An engine with the collected tables; columns left out take the neutral value."""
    with Engine(threads=1) as engine:
        for name, table in COLLECTED.items():
            neutral = {column.name: column.neutral for column in table.columns}
            full = [{**neutral, **row} for row in rows.get(name, ())]
            engine.load(table, pa.Table.from_pylist(full, schema=arrow_schema(table)))
        yield engine


def derived(rows: Rows, table: str, audit: Audit | None = None) -> list[dict[str, Value]]:
    """One derived table over `rows`, everything derived in order."""
    with loaded(rows) as engine:
        derive.derive_all(engine, audit or settings(), AS_OF)
        found: list[dict[str, Value]] = engine.table(table).to_pylist()
    assert all(set(row) == set(ALL[table].column_names) for row in found)
    return found


def account(name: str, rid: int, **columns: Value) -> dict[str, Value]:
    return {"account_key": f"{DOMAIN}-{rid}", "rid": rid, "sam_account_name": name, "domain_sid": DOMAIN, **columns}


def group(name: str, rid: int, **columns: Value) -> dict[str, Value]:
    sid = f"S-1-5-32-{rid}" if 544 <= rid < 600 else f"{DOMAIN}-{rid}"
    key = f"{DOMAIN}/{sid}" if 544 <= rid < 600 else sid
    return {"group_key": key, "sid": sid, "rid": rid, "sam_account_name": name, "domain_sid": DOMAIN, **columns}


def member(group_rid: int, member_rid: int, member_type: str = "account", **columns: Value) -> dict[str, Value]:
    def key(rid: int) -> str:
        return f"{DOMAIN}/S-1-5-32-{rid}" if 544 <= rid < 600 else f"{DOMAIN}-{rid}"

    return {"group_key": key(group_rid), "member_key": key(member_rid), "member_type": member_type, **columns}


__all__ = ["AS_OF", "DOMAIN", "KindPatterns", "Rows", "account", "derived", "group", "loaded", "member", "settings"]
