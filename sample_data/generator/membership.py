"""Who is in which group, nesting and primary groups included: a plain walk over the plan."""

from __future__ import annotations

from sample_data.generator.model import DOMAIN_SID, Account, Foreign, Group, Hospital

TIER_0_RIDS = (512, 518, 519, 526, 527)
TIER_0_BUILTIN = (544, 548, 549, 550, 551, 552)


def inside(hospital: Hospital, group: Group) -> list[Account | Group | Foreign]:
    """Everything in `group` through any nesting, each once; the group itself only when it contains itself."""
    found: dict[Account | Group | Foreign, None] = {}
    pending = [group]
    while pending:
        current = pending.pop()
        hidden = hospital.by_primary_group.get(current.rid, []) if current.sid.startswith(DOMAIN_SID) else []
        for member in (*current.members, *hidden):
            if member not in found:
                found[member] = None
                if isinstance(member, Group):
                    pending.append(member)
    return list(found)


def accounts_inside(hospital: Hospital, group: Group) -> list[Account]:
    """Only the accounts."""
    return [member for member in inside(hospital, group) if isinstance(member, Account)]


def privileged_groups(hospital: Hospital) -> list[Group]:
    """Groups that give tier 0, by RID."""
    return [group for group in hospital.groups if group.rid in (TIER_0_BUILTIN if group.sid.startswith("S-1-5-32-") else TIER_0_RIDS)]


def tier_0_accounts(hospital: Hospital) -> dict[Account, list[int]]:
    """Accounts in tier 0 and the RIDs of the groups they reach."""
    reached: dict[Account, list[int]] = {}
    for group in privileged_groups(hospital):
        for account in accounts_inside(hospital, group):
            reached.setdefault(account, []).append(group.rid)
    return reached


def tier_0_groups(hospital: Hospital) -> list[Group]:
    """Privileged groups and those nested in them."""
    groups = dict.fromkeys(privileged_groups(hospital))
    for group in privileged_groups(hospital):
        groups |= dict.fromkeys(member for member in inside(hospital, group) if isinstance(member, Group))
    return list(groups)
