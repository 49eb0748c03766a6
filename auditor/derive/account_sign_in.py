"""account_sign_in: the account of the directory behind each sign-in, and where the person sat."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa

from auditor.config_sign_ins import Monitoring
from auditor.derive.contract import Engine, rows
from auditor.model import Text

_SQL = """
WITH spelling AS (
  SELECT lower(sam_account_name) AS name, account_key FROM account WHERE sam_account_name <> ''
  UNION SELECT lower(split_part(user_principal_name, '@', 1)), account_key FROM account WHERE user_principal_name <> ''
), called AS (
  SELECT name, min(account_key) AS account_key FROM spelling GROUP BY name HAVING count(*) = 1
), joined AS (
  SELECT s.*, coalesce(a.account_key, c.account_key) AS account_key,
         CASE WHEN s.logon_type IN ('interactive', 'unlock', 'cached') THEN s.host ELSE s.origin END AS place
  FROM sign_in s
  LEFT JOIN account a ON a.account_key = s.account_sid
  -- A SID that the directory does not hold is another domain's or a machine's own account: its name proves nothing.
  LEFT JOIN called c ON s.account_sid = '' AND c.name = s.account_name AND s.account_domain <> s.host
  -- Credentials given from another session: the sign-in they led to has a record of its own.
  WHERE NOT s.repeated AND s.activity <> 'explicit'
)
SELECT j.source, j.record_ref, j.account_key, j.occurred_at, j.outcome, j.reason, j.activity, j.logon_type, j.origin, j.host, j.place,
       coalesce(p.unit, '') AS place_unit, coalesce(p.pole, '') AS place_pole, coalesce(p.site, '') AS place_site,
       coalesce(p.shared, false) AS place_shared, j.country, j.country <> '' AND j.country NOT IN ({countries}) AS abroad,
       CAST(round(100 * try_cast(j.latitude AS DOUBLE)) AS BIGINT) AS latitude,
       CAST(round(100 * try_cast(j.longitude AS DOUBLE)) AS BIGINT) AS longitude,
       j.latitude = '' OR j.longitude = '' AS unlocated, j.device, {drill} AS in_drill
FROM joined j LEFT JOIN sign_in_place p ON p.place = j.place
WHERE j.account_key IS NOT NULL
ORDER BY j.source, j.record_ref
"""
# Accounts of Entra ID need not be in the directory.
_UNKNOWN = """
SELECT s.source, count(DISTINCT s.account_name) AS names FROM sign_in s
WHERE s.outcome = 'success' AND s.account_name <> '' AND s.account_name NOT LIKE '%$' AND s.logon_type <> 'cloud'
  AND EXISTS (SELECT 1 FROM account) AND s.source NOT IN (SELECT source FROM account_sign_in)
GROUP BY s.source HAVING count(DISTINCT s.account_name) >= 20
ORDER BY s.source
"""


def derive(engine: Engine, monitoring: Monitoring, countries: Sequence[str]) -> pa.Table:
    """One row per sign-in of an account that the directory holds. A name that two accounts bear stands for neither."""
    drills = " OR ".join(
        f"j.occurred_at BETWEEN '{drill.starts.isoformat()}' AND '{drill.ends.isoformat()}'" for drill in monitoring.drills
    )
    home = ", ".join(f"'{country}'" for country in countries)
    return engine.derive(_SQL.format(drill=f"({drills})" if drills else "false", countries=home))


def doubts(engine: Engine) -> Iterator[Text]:
    """Sources of which many accounts signed in and the directory knows none: another directory, or the wrong column."""
    for row in rows(engine, _UNKNOWN):
        names, source = row["names"], row["source"]
        yield Text(
            en=f"the directory knows none of the {names} accounts of {source}: check its columns and the directory that was given",
            fr=f"l’annuaire ne connaît aucun des {names} comptes de {source}\u00a0: vérifier ses colonnes et l’annuaire fourni",
        )
