"""sign_in_place: every address and machine of the sign-ins, and what audit.yaml says of it."""

from __future__ import annotations

from datetime import datetime
from ipaddress import ip_address

import pyarrow as pa

from auditor.config_sign_ins import Monitoring, Place
from auditor.derive.contract import Engine, rows, to_arrow
from auditor.tables.sign_ins import SIGN_IN_PLACE

_SQL = """
SELECT place, bool_or(is_origin) AS is_origin FROM (
  SELECT DISTINCT origin AS place, true AS is_origin FROM sign_in UNION ALL SELECT DISTINCT host, false FROM sign_in
) WHERE place <> '' GROUP BY place
"""


def derive(engine: Engine, monitoring: Monitoring, as_of: datetime) -> pa.Table:
    """One row per place; the first unit that fits wins, an expired entry of shared_origins counts no more."""
    shared = [entry for entry in monitoring.shared_origins if entry.expires > as_of]
    found = []
    for row in rows(engine, _SQL):
        place = row["place"]
        unit = next((unit for unit in monitoring.units if _holds(unit, place)), None)
        found.append(
            {
                **row,
                "shared": any(_holds(entry, place) for entry in shared),
                "unit": unit.name if unit else "",
                "pole": unit.pole if unit else "",
                "site": unit.site if unit else "",
            }
        )
    return to_arrow(SIGN_IN_PLACE, found)


def _holds(settings: Place, place: str) -> bool:
    try:
        address = ip_address(place)
    except ValueError:
        return settings.holds_name(place)
    return any(address in network for network in settings.networks)
