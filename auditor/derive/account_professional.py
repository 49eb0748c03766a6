"""account_professional: each account and its national professional id."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from auditor.derive import account_hr
from auditor.derive.contract import Engine, rows, to_arrow
from auditor.derive.professional_id import ProfessionalId, normalise
from auditor.model import Text, Value
from auditor.tables.derived import ACCOUNT_PROFESSIONAL

_SQL = "SELECT account_key, employee_id, professional_id_raw FROM account"

_WRITTEN = """
SELECT COUNT(*) AS accounts, COUNT(*) FILTER (WHERE p.found_by = 'exact_id') AS written
FROM account a
JOIN account_kind k ON k.account_key = a.account_key
JOIN account_professional p ON p.account_key = a.account_key
WHERE k.kind = 'person'
"""


def derive(engine: Engine, finess: Sequence[str]) -> pa.Table:
    """One row per account: a value in the directory decides, be it malformed; the HR file is asked only when there is none.

    `finess` are the hospital's own sites.
    """
    sites = frozenset(finess)
    people = account_hr.People(account_hr.contracts(engine))
    found: list[dict[str, Value]] = []
    for account in rows(engine, _SQL):
        raw = account["professional_id_raw"]
        found_by: str | None = "exact_id"
        judged: ProfessionalId | None = normalise(raw or "", sites)
        if judged and judged.status == "missing":
            how, contracts = people.match(account["employee_id"], raw)
            judged = _through_hr(contracts, sites)
            found_by = "via_hr"
            if judged is None:
                unknown = raw is None or how is None
                found_by, judged = (None, None) if unknown else ("none", ProfessionalId("missing"))
        status, value = judged or (None, None)
        found.append({"account_key": account["account_key"], "found_by": found_by, "professional_id": value, "id_status": status})
    return to_arrow(ACCOUNT_PROFESSIONAL, found)


def doubts(engine: Engine) -> list[Text]:
    """A directory without a single id does not show that nobody has one: the attribute may be another."""
    ((accounts, written),) = (row.values() for row in rows(engine, _WRITTEN))
    if written or not accounts:
        return []
    return [
        Text(
            en="no account carries a professional id in the declared attributes: check professional_id_attributes of audit.yaml",
            fr="aucun compte ne porte d’identifiant professionnel dans les attributs déclarés\u00a0: vérifiez professional_id_attributes "
            "de audit.yaml",
        )
    ]


def _through_hr(contracts: Sequence[account_hr.Contract], sites: frozenset[str]) -> ProfessionalId | None:
    """A valid id of any contract, or else the first that is written there."""
    judged = [normalise(contract["professional_id_raw"] or "", sites) for contract in contracts]
    written = [one for one in judged if one.status != "missing"]
    return next((one for one in written if one.value), written[0] if written else None)
