"""origin_reach: how many accounts and new machines one address or machine reached within two hours."""

from __future__ import annotations

from datetime import datetime

import pyarrow as pa

from auditor.derive.account_habit import BASELINE
from auditor.derive.contract import Engine

_SQL = f"""
WITH reach AS (
  SELECT s.source, s.origin, s.account_key, s.host, s.occurred_at, s.occurred_at >= $now AS is_now
  FROM account_sign_in s JOIN account_kind k ON k.account_key = s.account_key
  WHERE s.outcome = 'success' AND s.origin <> ''
    AND s.logon_type NOT IN ('interactive', 'unlock', 'cached', 'batch', 'service', 'remote', 'cloud')
    AND coalesce(k.kind, '') NOT IN ('computer', 'system')
), spread AS (
  SELECT origin, occurred_at, is_now, count(DISTINCT account_key) OVER near AS accounts
  FROM reach WINDOW near AS (PARTITION BY origin ORDER BY occurred_at RANGE BETWEEN INTERVAL 2 HOURS PRECEDING AND CURRENT ROW)
), usual AS (
  SELECT origin, quantile_disc(accounts, 0.99) AS accounts FROM spread WHERE NOT is_now GROUP BY origin
), busiest AS (
  SELECT origin, accounts, occurred_at FROM spread WHERE is_now
  QUALIFY row_number() OVER (PARTITION BY origin ORDER BY accounts DESC, occurred_at) = 1
), target AS (
  SELECT origin, occurred_at, count(DISTINCT host) OVER near AS targets FROM reach r
  WHERE is_now
    AND NOT EXISTS (SELECT 1 FROM reach b WHERE NOT b.is_now AND b.origin = r.origin AND b.host = r.host)
    AND NOT EXISTS (SELECT 1 FROM reach b WHERE NOT b.is_now AND b.account_key = r.account_key AND b.host = r.host)
  WINDOW near AS (PARTITION BY origin ORDER BY occurred_at RANGE BETWEEN INTERVAL 2 HOURS PRECEDING AND CURRENT ROW)
), widest AS (
  SELECT origin, targets, occurred_at FROM target
  QUALIFY row_number() OVER (PARTITION BY origin ORDER BY targets DESC, occurred_at) = 1
), heard AS (
  SELECT r.origin, coalesce(min(b.days), 0) AS days
  FROM reach r LEFT JOIN ({BASELINE}) b ON b.source = r.source
  WHERE r.is_now GROUP BY r.origin
)
SELECT b.origin, coalesce(p.shared, false) AS shared, b.accounts, b.occurred_at AS accounts_at, coalesce(u.accounts, 0) AS usual_accounts,
       coalesce(w.targets, 0) AS new_targets, coalesce(w.occurred_at, b.occurred_at) AS targets_at, h.days AS baseline_days
FROM busiest b
JOIN heard h ON h.origin = b.origin
LEFT JOIN usual u ON u.origin = b.origin
LEFT JOIN widest w ON w.origin = b.origin
LEFT JOIN sign_in_place p ON p.place = b.origin
ORDER BY b.origin
"""  # noqa: S608 - our own text


def derive(engine: Engine, now: datetime) -> pa.Table:
    """One row per origin with a sign-in over the network since `now`, the start of the assessed days."""
    return engine.derive(_SQL, {"now": now})
