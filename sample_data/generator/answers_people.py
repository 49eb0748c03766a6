"""Answers of recommendation 2 about people: HR, registry, vendors."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, time

from sample_data.generator.builtin import EVERYONE
from sample_data.generator.facts import PERSONAL, ROLES, Facts
from sample_data.generator.membership import inside
from sample_data.generator.model import Account

VALID = ("ok", "idnps_given")
PRESCRIBING = ("10", "21", "40", "50")


def answers(facts: Facts) -> dict[str, list[str]]:
    """Rule -> failing resources."""
    hospital, users = facts.hospital, facts.users
    identified = [a for a in users if a.id_status in VALID and a.professional]
    seen = [a for a in identified if a.professional and not a.professional.unlisted]
    shown = [name for name in ROLES["clinical"] if any(m.sid == EVERYONE for m in inside(hospital, hospital.group(name)))]
    return {
        "AD-HOS-002": [a.sid for a in users if a.kind == "vendor" and a.expires is None],
        "AD-HOS-010": [a.sid for a in facts.holding("clinical") if a.kind in PERSONAL and facts.before(a.last_sign_in, 104)],
        "AD-HOS-011": [hospital.group(name).key for name in shown],
        "AD-HOS-014": [a.sid for a in users if a.kind == "service" and 512 in facts.tier_0.get(a, ())],
        "SPC-001": [a.sid for a in seen if a.professional and a.professional.vanished],
        "SPC-003": _without_identifier(facts),
        "SPC-004": [a.sid for a in users if a.id_status not in ("missing", *VALID)],
        "SPC-005": _shared(identified),
        "SPC-006": [a.sid for a in identified if a.professional and a.professional.unlisted],
        "SPC-008": [
            a.sid for a in facts.holding("prescriber") if a in seen and a.professional and a.professional.profession not in PRESCRIBING
        ],
        "SPC-010": [a.sid for a in users if a.population == "intern" and _has_left(facts, a, 15)],
        "SPC-012": [a.sid for a in users if a.population == "agency" and not _is_agency_in_order(facts, a)],
        "SPC-013": [a.sid for a in users if a.kind == "person" and a.population in ("staff", "student") and _has_left(facts, a, 3)],
        "SPC-015": [
            a.sid for a in facts.others if a.kind == "person" and a.population in ("staff", "intern") and a.person is None
        ],
        "SPC-022": [
            a.sid for a in users
            if a.kind == "generic" and any(a in facts.roles[role] for role in ("clinical", "prescriber", "remote_access"))
        ],
        "SPC-023": _past_contracts(facts),
    }  # fmt: skip


def _has_left(facts: Facts, account: Account, grace: int) -> bool:
    """HR knows the person, no contract runs or is coming, and the last one ended before the grace period."""
    if account.person is None:
        return False
    tenure = facts.tenure(account.person)
    return not tenure.is_here_or_coming and facts.before(tenure.end, grace)


def _without_identifier(facts: Facts) -> list[str]:
    """Clinical accounts without any id, one by one: at least 60 in 100 carry one, so the gate is open."""
    population = [
        a for a in facts.holding("clinical")
        if a.kind == "person" and a.population in ("staff", "intern", "agency", "partner") and facts.before(a.created, 45)
    ]  # fmt: skip
    missing = [a for a in population if a.id_status == "missing"]
    if 100 * (len(population) - len(missing)) < 60 * len(population):
        raise ValueError("too few clinical accounts carry an id: the answer to SPC-003 would be one line, not many")
    return [a.sid for a in missing]


def _shared(identified: list[Account]) -> list[str]:
    holders: dict[str, list[Account]] = defaultdict(list)
    for account in identified:
        if account.professional:
            holders[account.professional.number].append(account)
    return [a.sid for accounts in holders.values() if len({a.person for a in accounts if a.person}) > 1 for a in accounts]


def _is_agency_in_order(facts: Facts, account: Account) -> bool:
    if account.person is None:
        return account.expires is not None and not facts.before(account.expires, 3)
    if _has_left(facts, account, 3):
        return False
    return facts.tenure(account.person).end is not None or account.expires is not None


def _past_contracts(facts: Facts) -> list[str]:
    end_of = {contract.account.lower(): contract.end for contract in facts.hospital.vendors}
    past = {sam for sam, end in end_of.items() if end and datetime.combine(end, time()) < facts.hospital.as_of}
    return [a.sid for a in facts.users if a.kind == "vendor" and a.sam.lower() in past]
