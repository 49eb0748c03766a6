"""Answers of recommendation 2 in the directory, and of recommendation 3."""

from __future__ import annotations

from sample_data.generator.builtin import ANONYMOUS, AUTHENTICATED, EVERYONE
from sample_data.generator.facts import PERSONAL, ROLES, Facts
from sample_data.generator.identifiers import guid_text
from sample_data.generator.membership import accounts_inside, inside, privileged_groups
from sample_data.generator.model import DOMAIN_SID, PROTECTED, PROTOCOL_TRANSITION, UNCONSTRAINED, Account, Foreign, Grant, Group

WIDE_SIDS = (EVERYONE, ANONYMOUS, AUTHENTICATED, "S-1-5-32-545", *(f"{DOMAIN_SID}-{rid}" for rid in (513, 514, 515)))


def answers(facts: Facts) -> dict[str, list[str]]:
    """Rule -> failing resources."""
    hospital, users, others = facts.hospital, facts.users, facts.others
    privileged = privileged_groups(hospital)
    by_name = {group.name: group for group in hospital.groups}
    sensitive = [*privileged, *(by_name[name] for role in ("remote_access", "hypervisor", "backup") for name in ROLES[role])]
    counted = [a for a in facts.privileged if a.rid != 500]
    return {
        "AD-PRV-001": [DOMAIN_SID] if len(counted) > 50 else [],
        "AD-PRV-005": [by_name["DnsAdmins"].key] if by_name["DnsAdmins"].members else [],
        "AD-PRV-007": [a.sid for a in counted if _is_idle(facts, a)],
        "AD-PRV-011": [group.key for group in privileged if any(_is_foreign(member) for member in inside(hospital, group))],
        "AD-PRV-014": [group.key for group in hospital.groups if _holds_groups(group) and group in inside(hospital, group)],
        "AD-PRV-015": [group.key for group in privileged if any(_is_group(m) and _is_unusual(group, m) for m in group.members)],
        "AD-PRV-018": [a.sid for a in hospital.accounts if a.primary_group not in _usual_primary_groups(a)],
        "AD-PRV-019": [group.key for group in sensitive if any(member.sid in WIDE_SIDS for member in inside(hospital, group))],
        "AD-PRV-020": [g.key for g in hospital.groups if g.rid == 554 and any(m.sid in (EVERYONE, ANONYMOUS) for m in g.members)],
        "AD-STL-001": [DOMAIN_SID] if share_of_dormant(facts) > 25 else [],
        "AD-STL-002": [a.sid for a in others if a.kind in PERSONAL and facts.before(a.last_sign_in, 104)],
        "AD-ACC-029": [a.sid for a in users if facts.before(a.expires, 0)],
        "AD-KRB-008": [a.sid for a in hospital.accounts if a.enabled and a.control & UNCONSTRAINED and not a.is_domain_controller],
        "AD-KRB-009": _delegating_to_controllers(facts, with_transition=False),
        "AD-KRB-010": _delegating_to_controllers(facts, with_transition=True),
        "AD-KRB-011": [
            a.sid for a in hospital.accounts
            if a.impersonators and (a.is_domain_controller or a.rid == 502 or (a.enabled and a in facts.tier_0))
        ],
        **_access_lists(facts),
        "AD-DOM-003": [DOMAIN_SID],
        "AD-BCK-002": [DOMAIN_SID],
        "AD-BCK-005": [
            by_name[name].key for name in ROLES["backup"] if any(a.enabled for a in accounts_inside(hospital, by_name[name]))
        ],
        "AD-BCK-006": [g.key for g in privileged if g.rid == 551 and accounts_inside(hospital, g)],
        "AD-BCK-007": [a.sid for a in facts.holding("hypervisor") if a not in facts.tier_0],
        "BKP-006": [a.sid for a in facts.holding("backup") if {512, 519, 544} & set(facts.tier_0.get(a, ()))],
    }  # fmt: skip


def _is_idle(facts: Facts, account: Account) -> bool:
    if account.last_sign_in is None:
        return facts.before(account.created, 30)
    return facts.before(account.last_sign_in, 104)


def _is_foreign(member: Account | Group | Foreign) -> bool:
    return isinstance(member, Foreign) and member.sid.startswith("S-1-5-21-")


def _is_group(member: Account | Group | Foreign) -> bool:
    return isinstance(member, Group)


def _holds_groups(group: Group) -> bool:
    return any(_is_group(member) for member in group.members)


def _is_unusual(group: Group, member: Account | Group | Foreign) -> bool:
    return not (group.rid == 544 and member.sid in (f"{DOMAIN_SID}-512", f"{DOMAIN_SID}-519"))


def _usual_primary_groups(account: Account) -> tuple[int, ...]:
    if account.object_class == "user":
        return (514,) if account.rid == 501 else (513,)
    if account.object_class == "computer":
        return (516, 521) if account.is_domain_controller else (515,)
    return (515, 513)


def share_of_dormant(facts: Facts) -> int:
    """Whole percent of enabled users and computers."""
    enabled = [a for a in facts.hospital.accounts if a.enabled and a.object_class in ("user", "computer")]
    dormant = [a for a in enabled if facts.before(a.password_set, 1095) or facts.before(a.last_sign_in or a.created, 365)]
    return 100 * len(dormant) // len(enabled)


def _delegating_to_controllers(facts: Facts, *, with_transition: bool) -> list[str]:
    controllers = [a for a in facts.hospital.accounts if a.is_domain_controller]
    hosts = {"krbtgt", *(a.host_name.lower() for a in controllers), *(a.sam.rstrip("$").lower() for a in controllers)}

    def reaches(account: Account) -> bool:
        return any(target.partition("/")[2].partition(":")[0].lower() in hosts for target in account.delegates_to)

    return [
        a.sid for a in facts.hospital.accounts
        if a.enabled and bool(a.control & PROTOCOL_TRANSITION) is with_transition and reaches(a)
    ]  # fmt: skip


def _access_lists(facts: Facts) -> dict[str, list[str]]:
    """Access entries planted for outsiders of tier 0; what is there by default belongs to tier 0."""
    found: dict[str, list[str]] = {f"AD-ACL-00{number}": [] for number in range(1, 6)}
    for grant in facts.hospital.grants:
        if not grant.permission:
            continue
        rule, key = _target(grant)
        found[rule].append(f"{key}/{grant.trustee.sid}" + ("" if rule == "AD-ACL-001" else f"/{grant.permission}"))
    return found


def _target(grant: Grant) -> tuple[str, str]:
    if grant.target == PROTECTED[0]:
        return ("AD-ACL-001" if grant.permission == "dcsync" else "AD-ACL-002"), DOMAIN_SID
    if isinstance(grant.target, str):
        return "AD-ACL-003", guid_text("AdminSDHolder")
    if isinstance(grant.target, Account):
        return ("AD-ACL-005" if grant.target.is_domain_controller else "AD-ACL-004"), grant.target.sid
    return "AD-ACL-004", grant.target.key
