"""entra_privileged: who holds a privileged role of the tenant."""

from __future__ import annotations

import pyarrow as pa

from auditor.derive.contract import Engine, rows, to_arrow
from auditor.tables.entra import ENTRA_PRIVILEGED

_SQL = """
SELECT principal_key, string_agg(DISTINCT role_name, ', ' ORDER BY role_name) AS roles,
  CASE WHEN bool_or(permanent) THEN true WHEN count(*) = count(permanent) THEN false END AS permanent
FROM entra_role_holder WHERE privileged GROUP BY principal_key
"""


def derive(engine: Engine) -> pa.Table:
    """One row per holder; whether a role is permanent is not known when that of one is not and none surely is."""
    return to_arrow(ENTRA_PRIVILEGED, rows(engine, _SQL))
