"""account_registry: what the registry says of the professional behind an account."""

from __future__ import annotations

import pyarrow as pa

from auditor.derive.contract import Engine

_SQL = """
WITH believed AS (SELECT COUNT(*) > 0 AS any_release FROM registry_release WHERE accepted),
-- The same person in several registries: the one seen last speaks.
person AS (
  SELECT * FROM registry_person
  QUALIFY ROW_NUMBER() OVER (PARTITION BY person_id ORDER BY last_seen_at DESC, registry) = 1
)
SELECT professional.account_key, professional.professional_id,
  CASE WHEN any_release THEN person.person_id IS NOT NULL END AS ever_seen,
  CASE WHEN any_release THEN COALESCE(person.in_latest, FALSE) END AS in_latest,
  person.last_seen_at,
  CASE WHEN any_release THEN person.person_id IS NULL END AS never_seen,
  CASE WHEN any_release AND person.person_id IS NULL THEN '' ELSE person.profession_code END AS profession_code,
  CASE WHEN any_release AND person.person_id IS NULL THEN '' ELSE person.category_code END AS category_code
FROM account_professional AS professional
CROSS JOIN believed
LEFT JOIN person ON person.person_id = professional.professional_id
WHERE professional.professional_id <> ''
ORDER BY ALL
"""


def derive(engine: Engine) -> pa.Table:
    """One row per account with a valid id; nothing but the id is known as long as no release was accepted."""
    return engine.derive(_SQL)
