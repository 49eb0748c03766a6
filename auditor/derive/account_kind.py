"""account_kind: what stands behind each account."""

from __future__ import annotations

import re
from typing import Any

import pyarrow as pa

from auditor.config import KindPatterns, Kinds
from auditor.derive.contract import Engine, rows, to_arrow
from auditor.model import Value
from auditor.tables.derived import ACCOUNT_KIND

_SQL = "SELECT account_key, rid, object_class, sam_account_name, parent_dn FROM account"
_BUILT_IN = frozenset((500, 501, 502))
_SERVICES = frozenset(("gmsa", "msa", "dmsa"))
_POPULATIONS = frozenset(("intern", "agency", "student", "partner"))


def derive(engine: Engine, kinds: Kinds) -> pa.Table:
    """One row per account; names are compared without case, containers by the end of the DN; not known when the name is not known."""
    return to_arrow(ACCOUNT_KIND, (_row(account, kinds) for account in rows(engine, _SQL)))


def _row(account: dict[str, Any], kinds: Kinds) -> dict[str, Value]:
    kind, evidence = _kind(account, kinds)
    population: str | None = ""
    if kind == "person":
        population = "staff"
    elif kind in _POPULATIONS:
        kind, population = "person", kind
    elif kind is None:
        population = None
    return {"account_key": account["account_key"], "kind": kind, "population": population, "evidence": evidence}


def _kind(account: dict[str, Any], kinds: Kinds) -> tuple[str | None, str | None]:
    """The kind, or the population of a person, and what decided."""
    name, object_class = account["sam_account_name"], account["object_class"]
    if account["rid"] in _BUILT_IN:
        return "system", f"rid {account['rid']}"
    if name is None:
        return None, None
    if name.lower().startswith("krbtgt"):
        return "system", "name krbtgt"
    if object_class == "computer":
        return "computer", "object_class computer"
    # The fields of Kinds are in the order in which they are tried.
    for kind in Kinds.model_fields:
        evidence = _match(account, getattr(kinds, kind))
        if evidence is None and kind == "service" and object_class in _SERVICES:
            evidence = f"object_class {object_class}"
        if evidence:
            return kind, evidence
    return "person", "default"


def _match(account: dict[str, Any], patterns: KindPatterns) -> str | None:
    for pattern in patterns.names:
        if re.search(pattern, account["sam_account_name"], re.IGNORECASE):
            return f"name {pattern}"
    parent = (account["parent_dn"] or "").casefold()
    for container in patterns.containers:
        if f",{parent}".endswith(f",{container.casefold()}"):
            return f"container {container}"
    return None
