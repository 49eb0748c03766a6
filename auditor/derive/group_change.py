"""group_change: additions to and removals from groups, with the names and the rank the directory gives them."""

from __future__ import annotations

import pyarrow as pa

from auditor.derive.contract import Engine

# Tier 0 by RID (MS-DTYP 2.4.2.4), and the operators' groups that lead there; 544 and 555 also on a single machine.
_PRIVILEGED = "512, 518, 519, 520, 521, 526, 527, 544, 548, 549, 550, 551, 580"
_SQL = f"""
WITH change AS (
  SELECT c.*, g.sam_account_name AS known_name, coalesce(nullif(c.group_sid, ''), g.sid, '') AS sid,
         n.account_key, coalesce(m.sam_account_name, n.sam_account_name) AS member, a.sam_account_name AS actor
  FROM directory_change c
  LEFT JOIN directory_group g ON c.group_sid = '' AND lower(g.distinguished_name) = lower(c.group_dn)
  LEFT JOIN account m ON m.account_key = c.target_sid
  LEFT JOIN account n ON c.target_sid = '' AND lower(n.distinguished_name) = lower(c.target_dn)
  LEFT JOIN account a ON a.account_key = c.actor_sid
  WHERE c.operation IN ('group_add', 'group_remove')
), born AS (SELECT host, min(first_at) AS first_at FROM event_coverage GROUP BY host)
SELECT c.source, c.record_ref, c.occurred_at, c.operation,
       CASE WHEN c.sid LIKE 'S-1-5-32-%' THEN c.host || '/' || c.sid ELSE coalesce(nullif(c.sid, ''), lower(c.group_dn)) END AS group_id,
       coalesce(nullif(c.group_name, ''), c.known_name, c.group_dn) AS group_name,
       coalesce(try_cast(regexp_extract(c.sid, '-(\\d+)$', 1) AS BIGINT), 0) AS group_rid,
       coalesce(try_cast(regexp_extract(c.sid, '-(\\d+)$', 1) AS BIGINT), 0) IN ({_PRIVILEGED}) AS privileged,
       coalesce(nullif(c.target_sid, ''), c.account_key, lower(c.target_dn)) AS member_id,
       coalesce(c.member, c.target_dn) AS member_name,
       coalesce(nullif(c.actor_name, ''), c.actor, c.actor_sid) AS actor_name, c.host,
       c.actor_sid = 'S-1-5-18' AND c.occurred_at < b.first_at + INTERVAL 1 HOUR AS by_setup
FROM change c JOIN born b ON b.host = c.host
ORDER BY c.source, c.record_ref
"""  # noqa: S608 - our own numbers


def derive(engine: Engine) -> pa.Table:
    """One row per change; a group or member that only the log knows keeps the name or SID the log gives."""
    return engine.derive(_SQL)
