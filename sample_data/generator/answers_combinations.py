"""Answers of the combinations: on which findings of other rules each one raises the severity."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from sample_data.generator import entra, phishing, registry, training
from sample_data.generator.answers_entra import privileged_users
from sample_data.generator.facts import Facts
from sample_data.generator.identities import Identities, Key
from sample_data.generator.model import Account, Person
from sample_data.generator.sign_in_plan import Plan


def answers(facts: Facts, plan: Plan, found: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Combination -> resources, once per finding of theirs that it raises; `found` are the answers of the rules."""
    hospital, tenant = facts.hospital, entra.plan(facts.hospital)
    people = Identities(facts, tenant, plan)
    owner: dict[str, Key] = {account.sid: people.of(account) for account in hospital.accounts}
    owner |= {user.key: people.of_user(user) for user in tenant.users}
    account_of = {account.sid: account for account in hospital.accounts}
    named = {account.sam.lower(): account for account in hospital.accounts}
    remote = {account.sid for account in facts.roles["remote_access"]}
    tier_0 = {account.sid for account in facts.tier_0}
    prescribers = {account.sid for account in facts.roles["prescriber"]}
    cloud_admins = privileged_users(tenant)
    caught = _caught_populations(facts)

    def is_admin(key: Key, *, enabled: bool = False) -> bool:
        return any(a.sid in tier_0 and (a.enabled or not enabled) for a in people.accounts(key))

    def is_cloud_admin(key: Key, *, enabled: bool = False) -> bool:
        return any(u in cloud_admins and (u.enabled or not enabled) for u in people.users(key))

    def is_in_caught_population(key: Key) -> bool:
        return isinstance(key, Person) and training.population(key) in caught

    def came_back(key: Key) -> bool:
        """Left, and was there after the day of leaving."""
        ends = [end for account in people.accounts(key) if (end := _left(facts, account))]
        return any(moment >= end + timedelta(days=1) for end in ends for moment in people.visits(key))

    def came_since_vanishing(key: Key) -> bool:
        return any(moment > registry.moments(hospital)[0] for moment in people.visits(key))

    def is_guessed_admin(pair: str) -> bool:
        account = named.get(pair.partition("/")[0])
        return account is not None and (is_admin(people.of(account)) or is_cloud_admin(people.of(account)))

    def raised(rules: Sequence[str], wanted: Callable[[str], bool]) -> list[str]:
        return [resource for rule in rules for resource in found[rule] if wanted(resource)]

    return {
        "TOX-001": raised(["SPC-001"], lambda sid: sid in remote | tier_0 | prescribers),
        "TOX-002": raised(["AD-ACC-011"], lambda sid: sid in remote | tier_0),
        "TOX-003": raised(["AD-ACC-023"], lambda sid: sid in remote and not people.has_token(account_of[sid])),
        "TOX-004": raised(["SPC-001"], lambda sid: came_since_vanishing(owner[sid])),
        "TOX-005": raised(["ENTRA-001"], lambda key: is_admin(owner[key], enabled=True)),
        "TOX-006": raised(["AD-ACC-023"], lambda sid: is_cloud_admin(owner[sid], enabled=True)),
        "TOX-007": raised(["AD-ACC-023", "ENTRA-003"], lambda key: is_in_caught_population(owner[key])),
        "TOX-008": raised(["SPC-010", "SPC-012", "ENTRA-001"], lambda key: came_back(owner[key])),
        "TOX-009": raised(["LOG-019"], lambda sid: sid in remote),
        "TOX-010": raised(["LOG-003"], is_guessed_admin),
        "TOX-011": raised(["LOG-024"], lambda sid: sid in remote | tier_0),
        "TOX-012": raised(
            ["LOG-010", "LOG-011", "LOG-021"], lambda sid: account_of[sid].enabled and people.has_only_passwords(owner[sid])
        ),
    }  # fmt: skip


def _left(facts: Facts, account: Account) -> datetime | None:
    """When the contracts behind an account ended, if they all did."""
    tenure = facts.tenure(account.person) if account.person else None
    return tenure.end if tenure and tenure.status == "left" else None


def _caught_populations(facts: Facts) -> set[str]:
    """Populations of which a recent exercise reached ten people and caught more than one in ten."""
    found = set()
    for exercise in phishing.recent(facts.hospital):
        mails: dict[str, list[bool]] = defaultdict(list)
        for mail in exercise.mails:
            if not mail.failed:
                mails[mail.population].append(mail.submitted)
        found |= {name for name, submitted in mails.items() if len(submitted) >= 10 and 10 * sum(submitted) > len(submitted)}
    return found - {"not_in_hr"}
