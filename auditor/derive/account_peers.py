"""account_peers: how many people of the same job used before what an account uses now."""

from __future__ import annotations

import pyarrow as pa

from auditor.derive.contract import Engine

_SQL = """
WITH used AS (
  SELECT b.account_key, b.value, h.job, h.unit_code
  FROM account_habit b
  JOIN account_hr h ON h.account_key = b.account_key
  JOIN account_kind k ON k.account_key = b.account_key
  WHERE b.kind = 'unit' AND b.used_before AND k.kind = 'person' AND h.job <> ''
),
of_job AS (SELECT job, count(DISTINCT account_key) AS people FROM used GROUP BY job),
of_unit AS (SELECT job, unit_code, count(DISTINCT account_key) AS people FROM used WHERE unit_code <> '' GROUP BY job, unit_code),
of_job_there AS (SELECT job, value, count(*) AS people FROM used GROUP BY job, value),
of_unit_there AS (SELECT job, unit_code, value, count(*) AS people FROM used WHERE unit_code <> '' GROUP BY job, unit_code, value),
asked AS (
  SELECT b.account_key, b.value, h.job, h.unit_code,
         -- Nobody is their own peer.
         CAST(EXISTS (SELECT 1 FROM used u WHERE u.account_key = b.account_key) AS BIGINT) AS self,
         CAST(EXISTS (SELECT 1 FROM used u WHERE u.account_key = b.account_key AND u.value = b.value) AS BIGINT) AS self_there
  FROM account_habit b JOIN account_hr h ON h.account_key = b.account_key
  WHERE b.kind = 'unit' AND b.used_now
)
SELECT a.account_key, a.value AS unit, a.job,
       CASE WHEN a.job IS NOT NULL THEN coalesce(j.people - a.self, 0) END AS peers,
       CASE WHEN a.job IS NOT NULL THEN coalesce(jt.people - a.self_there, 0) END AS peers_before,
       CASE WHEN a.job IS NOT NULL AND a.unit_code IS NOT NULL THEN coalesce(u.people - a.self, 0) END AS unit_peers,
       CASE WHEN a.job IS NOT NULL AND a.unit_code IS NOT NULL THEN coalesce(ut.people - a.self_there, 0) END AS unit_peers_before
FROM asked a
LEFT JOIN of_job j ON j.job = a.job
LEFT JOIN of_job_there jt ON jt.job = a.job AND jt.value = a.value
LEFT JOIN of_unit u ON u.job = a.job AND u.unit_code = a.unit_code
LEFT JOIN of_unit_there ut ON ut.job = a.job AND ut.unit_code = a.unit_code AND ut.value = a.value
ORDER BY a.account_key, a.value
"""


def derive(engine: Engine) -> pa.Table:
    """One row per account and care unit of account_habit that it uses now."""
    return engine.derive(_SQL)
