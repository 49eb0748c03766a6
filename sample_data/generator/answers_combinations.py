"""Answers of the combinations: on which findings of other rules each one raises the severity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sample_data.generator.facts import Facts


def answers(facts: Facts, found: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Combination -> resources whose finding it raises; `found` are the answers of the rules."""
    remote, prescribers = facts.roles["remote_access"], facts.roles["prescriber"]
    distant = {a.sid for a in remote}
    tier_0 = {a.sid for a in facts.tier_0}
    strong = distant | tier_0 | {a.sid for a in prescribers}
    return {
        "TOX-001": [sid for sid in found["SPC-001"] if sid in strong],
        "TOX-002": [sid for sid in found["AD-ACC-011"] if sid in distant | tier_0],
        "TOX-003": [sid for sid in found["AD-ACC-023"] if sid in distant],
    }
