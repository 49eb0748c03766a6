"""account_habit: the care units, countries and origins each account used before and now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pyarrow as pa

from auditor.derive.contract import Engine

BASELINE = """
SELECT source, count(DISTINCT date_trunc('day', hour)) FILTER (WHERE hour < $now) AS days FROM event_coverage GROUP BY source
"""
"""How many days before now the log of each source was received."""
_SQL = """
WITH came_in AS (
  -- What Windows starts by itself comes from the machine it runs on.
  SELECT s.*,
         CASE WHEN k.kind <> 'service' THEN '' WHEN s.logon_type IN ('batch', 'service') THEN s.host ELSE s.place END AS origin_of_service
  FROM account_sign_in s JOIN account_kind k ON k.account_key = s.account_key
  WHERE s.outcome = 'success' AND NOT s.place_shared
), use AS (
  SELECT account_key, source, occurred_at, place, 'unit' AS kind, place_unit AS value FROM came_in WHERE place_unit <> ''
  UNION ALL
  SELECT account_key, source, occurred_at, place, 'country', country FROM came_in
  WHERE country <> '' OR logon_type IN ('remote', 'cloud')
  UNION ALL
  SELECT account_key, source, occurred_at, place, 'origin', origin_of_service FROM came_in WHERE origin_of_service <> ''
), habit AS (
  SELECT u.account_key, u.kind, u.value, min(u.place) AS place, min(u.occurred_at) AS first_at, max(u.occurred_at) AS last_at,
         bool_or(u.occurred_at < $now) AS used_before, bool_or(u.occurred_at >= $now) AS used_now, coalesce(min(b.days), 0) AS baseline_days
  FROM use u LEFT JOIN ({baseline}) b ON b.source = u.source
  GROUP BY u.account_key, u.kind, u.value
)
SELECT account_key, kind, value, place, first_at, last_at, used_before, used_now,
       bool_or(used_before) OVER (PARTITION BY account_key, kind) AS known_before,
       kind = 'country' AND value IN ({countries}) AS domestic,
       count(*) OVER (PARTITION BY kind, value) AS accounts,
       count(*) FILTER (WHERE used_before) OVER (PARTITION BY kind, value) AS accounts_before,
       baseline_days
FROM habit
ORDER BY account_key, kind, value
"""


def derive(engine: Engine, countries: Sequence[str], now: datetime) -> pa.Table:
    """One row per account and thing used; `now` is the start of the assessed days."""
    home = ", ".join(f"'{country}'" for country in countries)
    return engine.derive(_SQL.format(baseline=BASELINE, countries=home), {"now": now})
