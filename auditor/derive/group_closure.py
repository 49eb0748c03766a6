"""group_closure: which group lies inside which, through any nesting."""

from __future__ import annotations

import pyarrow as pa

from auditor.derive.contract import Engine, rows
from auditor.model import Text

MAX_DEPTH = 50
"""Nestings followed, far beyond what people build: a chain of n groups makes n²/2 pairs, so that a hostile one would fill the memory."""

_SQL = f"""
WITH RECURSIVE nesting AS (
  SELECT DISTINCT member_key AS inner_key, group_key AS outer_key FROM group_member WHERE member_type = 'group'
),
known AS (
  SELECT group_key FROM directory_group UNION SELECT inner_key FROM nesting UNION SELECT outer_key FROM nesting
),
-- USING KEY keeps one row per pair: a pair found at a level is never found again, so that the level is its depth and loops end.
closure(inner_key, outer_key, depth) USING KEY (inner_key, outer_key) AS (
  SELECT group_key, group_key, 0 FROM known
  UNION (
    SELECT closure.inner_key, nesting.outer_key, MIN(closure.depth) + 1
    FROM closure
    JOIN nesting ON nesting.inner_key = closure.outer_key
    LEFT JOIN recurring.closure AS seen ON seen.inner_key = closure.inner_key AND seen.outer_key = nesting.outer_key
    WHERE seen.inner_key IS NULL AND closure.depth < {MAX_DEPTH}
    GROUP BY closure.inner_key, nesting.outer_key)
),
cyclic AS (
  SELECT DISTINCT nesting.inner_key AS group_key
  FROM nesting
  JOIN closure ON closure.inner_key = nesting.outer_key AND closure.outer_key = nesting.inner_key
)
SELECT inner_key AS inner_group_key, outer_key AS outer_group_key, CAST(depth AS BIGINT) AS depth,
  inner_key = outer_key AND inner_key IN (SELECT group_key FROM cyclic) AS in_cycle
FROM closure
ORDER BY ALL
"""  # noqa: S608 - made of constants
_DEEPEST = "SELECT MAX(depth) AS depth FROM group_closure"


def derive(engine: Engine) -> pa.Table:
    """Every pair of groups, the inner one inside the outer one, with the fewest nestings between them, up to MAX_DEPTH; safe on loops."""
    return engine.derive(_SQL)


def doubts(engine: Engine) -> list[Text]:
    """Memberships through more nestings than are followed."""
    ((deepest,),) = (row.values() for row in rows(engine, _DEEPEST))
    if (deepest or 0) < MAX_DEPTH:
        return []
    return [
        Text(
            en=f"groups are nested {MAX_DEPTH} deep or more, deeper memberships were not followed",
            fr=f"des groupes sont imbriqués sur {MAX_DEPTH} niveaux ou plus, les appartenances plus profondes n’ont pas été suivies",
        )
    ]
