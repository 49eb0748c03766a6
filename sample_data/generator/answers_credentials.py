"""Answers of recommendation 1."""

from __future__ import annotations

from sample_data.generator import tokens
from sample_data.generator.facts import PERSONAL, Facts
from sample_data.generator.model import DOMAIN_SID, NEVER_EXPIRES, NO_PREAUTH, PASSWORD_NOT_REQUIRED, REVERSIBLE


def answers(facts: Facts) -> dict[str, list[str]]:
    """Rule -> failing resources."""
    hospital, users, privileged, others = facts.hospital, facts.users, facts.privileged, facts.others
    equipped = {token.account for token in tokens.plan(hospital) if token.active}
    return {
        "AD-ACC-001": [a.sid for a in users if a.control & PASSWORD_NOT_REQUIRED],
        "AD-ACC-002": [a.sid for a in others if a.kind not in ("break_glass", "system") and a.control & NEVER_EXPIRES],
        "AD-ACC-003": [a.sid for a in privileged if a.control & NEVER_EXPIRES],
        "AD-ACC-005": [a.sid for a in privileged if facts.before(a.password_set, 1095)],
        "AD-ACC-008": [a.sid for a in users if a.control & REVERSIBLE],
        "AD-ACC-009": [policy.key for policy in hospital.policies if policy.reversible],
        "AD-ACC-011": [a.sid for a in hospital.accounts if a.enabled and a.secret_in_text],
        "AD-ACC-012": [DOMAIN_SID],
        "AD-ACC-013": [DOMAIN_SID],
        "AD-ACC-015": [DOMAIN_SID],
        "AD-ACC-017": [
            policy.key for policy in hospital.policies
            if not (policy.min_length >= 12 and policy.complexity and 1 <= policy.lockout <= 10 and policy.targets)
        ],
        "AD-ACC-019": [a.sid for a in hospital.accounts if a.rid == 501 and a.enabled],
        "AD-ACC-021": [a.sid for a in hospital.accounts if a.rid == 502 and (a.password_set is None or facts.before(a.password_set, 365))],
        "AD-ACC-023": [a.sid for a in privileged if a.kind not in ("service", "system") and not facts.has_strong_authentication(a)],
        "SPC-030": [
            a.sid for a in facts.holding("remote_access")
            if a.kind in PERSONAL and not facts.has_strong_authentication(a) and a not in equipped
        ],
        "AD-KRB-001": [a.sid for a in privileged if a.rid != 502 and a.spns],
        "AD-KRB-003": [a.sid for a in privileged if a.control & NO_PREAUTH],
        "AD-KRB-004": [a.sid for a in others if a.control & NO_PREAUTH],
    }  # fmt: skip
