"""application_supplier: which declared supplier an application of another company belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from auditor.config_entra import Supplier
from auditor.derive.contract import Engine, rows, to_arrow
from auditor.model import Value
from auditor.tables.entra import APPLICATION_SUPPLIER

_SQL = "SELECT application_key, app_id, owner, owner_tenant_key, publisher, domains FROM entra_application"


def derive(engine: Engine, suppliers: Sequence[Supplier]) -> pa.Table:
    """One row per application that a supplier of audit.yaml owns; the surest mark wins, then the order of audit.yaml."""
    found: list[dict[str, Value]] = []
    for application in rows(engine, _SQL):
        marks = [(mark, number) for number, supplier in enumerate(suppliers) if (mark := _mark(application, supplier)) is not None]
        if marks and application["owner"] not in ("own", "microsoft"):
            (_, how), number = min(marks)
            supplier = suppliers[number]
            found.append(
                {
                    "application_key": application["application_key"],
                    "company": supplier.company,
                    "matched_by": how,
                    "ends_at": supplier.ends_at,
                    "open_ended": supplier.ends_at is None,
                }
            )
    return to_arrow(APPLICATION_SUPPLIER, found)


def _mark(application: dict[str, Any], supplier: Supplier) -> tuple[int, str] | None:
    """The surest mark of `supplier` on an application, with its rank."""
    hosts = (application["domains"] or "").split()
    marks = (
        ("application_id", _one_of(application["app_id"], supplier.application_ids)),
        ("tenant", _one_of(application["owner_tenant_key"], supplier.tenants)),
        ("publisher", _one_of(application["publisher"], supplier.publishers)),
        ("domain", any(f".{host}".endswith(f".{domain.casefold()}") for host in hosts for domain in supplier.domains)),
    )
    return next(((rank, how) for rank, (how, holds) in enumerate(marks) if holds), None)


def _one_of(value: str | None, wanted: Sequence[str]) -> bool:
    return bool(value) and (value or "").casefold() in {word.casefold() for word in wanted}
