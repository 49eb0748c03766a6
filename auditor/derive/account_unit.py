"""account_unit: the care unit each account belongs to."""

from __future__ import annotations

import re

import pyarrow as pa

from auditor.config_sign_ins import Monitoring
from auditor.derive.contract import Engine, rows, to_arrow
from auditor.tables.sign_ins import ACCOUNT_UNIT

_SQL = "SELECT account_key, sam_account_name FROM account"


def derive(engine: Engine, monitoring: Monitoring) -> pa.Table:
    """One row per account; the first unit that fits wins; not known when the name is not known."""
    found = []
    for account in rows(engine, _SQL):
        name = account["sam_account_name"]
        unit = next((u for u in monitoring.units if any(re.search(p, name or "", re.IGNORECASE) for p in u.accounts)), None)
        facts = {"unit": unit.name, "pole": unit.pole} if unit else {"unit": "", "pole": ""}
        found.append({"account_key": account["account_key"], **(dict.fromkeys(facts) if name is None else facts)})
    return to_arrow(ACCOUNT_UNIT, found)
