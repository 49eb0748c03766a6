"""Answers about Entra ID."""

from __future__ import annotations

from datetime import datetime

from sample_data.generator import entra
from sample_data.generator.entra import GLOBAL_ADMINISTRATOR, HARMLESS_ROLES, ROLE, App, CloudGroup, CloudUser, Tenant
from sample_data.generator.entra_pages import key_id, policy_key
from sample_data.generator.facts import Facts
from sample_data.generator.model import DOMAIN_SID

DIRECTORY_WIDE = ("Directory.ReadWrite.All", "User.ReadWrite.All", "RoleManagement.ReadWrite.Directory")
CONTENT = ("Mail.Read", "Mail.ReadWrite", "Files.Read.All", "Calendars.Read")


def answers(facts: Facts) -> dict[str, list[str]]:
    """Rule -> failing resources."""
    tenant = entra.plan(facts.hospital)
    users = [user for user in tenant.users if user.enabled]
    members = [user for user in users if not user.external]
    people = [user for user in members if user.kind == "person"]
    privileged = privileged_users(tenant)
    admins = [user for user in users if user in privileged]
    no_glass = [user for user in admins if user.kind != "break_glass"]
    working = [user for user in members if user.kind in ("person", "generic", "vendor")]
    apps = [app for app in tenant.apps if app.enabled]
    others = [app for app in apps if app.owner != "microsoft"]

    def idle(user: CloudUser, days: int, grace: int) -> bool:
        return _before(facts, user.last_sign_in, days) if user.last_sign_in else _before(facts, user.created, grace)

    return {
        "ENTRA-001": [u.key for u in people if not u.capable],
        "ENTRA-002": [u.key for u in admins if not u.capable],
        "ENTRA-003": [u.key for u in admins if "fido2" not in (u.methods or ())],
        "ENTRA-004": [u.key for u in people if u.methods == entra.PHONE],
        "ENTRA-005": [f"{entra.TENANT}/Sms"],
        "ENTRA-009": [entra.TENANT],
        "ENTRA-013": [entra.TENANT],
        "ENTRA-020": [entra.TENANT],
        "ENTRA-037": [policy_key("MFA pour tous (essai)")],
        "ENTRA-050": [entra.TENANT],
        "ENTRA-051": [u.key for u in no_glass if privileged[u]],
        "ENTRA-052": [u.key for u in admins if u.synced],
        "ENTRA-053": [u.key for u in admins if u.external],
        "ENTRA-055": [u.key for u in no_glass if idle(u, 30, 30)],
        "ENTRA-070": [u.key for u in working if u.last_sign_in and idle(u, 90, 90) and u not in privileged],
        "ENTRA-071": [u.key for u in working if u.last_sign_in is None and idle(u, 30, 30)],
        "ENTRA-072": [u.key for u in users if u.external and idle(u, 90, 90)],
        "ENTRA-075": [u.key for u in members if _is_gone(u)],
        "ENTRA-078": [u.key for u in members if u.weak_password and not u.synced],
        "ENTRA-079": [entra.TENANT],
        "ENTRA-090": [app.key for app in others if set(app.application) & {*DIRECTORY_WIDE, *CONTENT}],
        "ENTRA-091": [app.key for app in others if app.supplier == "ended" and _is_allowed(app)],
        "ENTRA-092": [
            key_id(app, number) for app in tenant.apps if app.owner == "own"
            for number, key in enumerate(app.keys) if key.too_long or key.left < 30
        ],
        "ENTRA-095": [entra.TENANT],
        "ENTRA-096": [entra.TENANT],
        "ENTRA-098": [app.key for app in others if set(app.everybody) & {*DIRECTORY_WIDE, *CONTENT}],
        "ENTRA-100": [app.key for app in apps if app.owner == "microsoft" and any(key.left >= 0 for key in app.keys)],
    }  # fmt: skip


def global_administrators(tenant: Tenant) -> int:
    """People who hold the role, in whatever state."""
    return len({h.holder for h in tenant.holdings if h.role == GLOBAL_ADMINISTRATOR})


def privileged_users(tenant: Tenant) -> dict[CloudUser, bool]:
    """Users who hold a role that can take over the tenant, and whether for good."""
    found: dict[CloudUser, bool] = {}
    for holding in tenant.holdings:
        if holding.role not in [ROLE[name] for name in HARMLESS_ROLES] and not isinstance(holding.holder, str):
            holders = holding.holder.members if isinstance(holding.holder, CloudGroup) else [holding.holder]
            for user in holders:
                found[user] = found.get(user, False) or (holding.state == "active" and holding.permanent)
    return found


def _before(facts: Facts, moment: datetime, days: int) -> bool:
    return moment < facts.hospital.ago(days)


def _is_gone(user: CloudUser) -> bool:
    """The directory has disabled the account it comes from, or no longer has it."""
    if not user.sid.startswith(f"{DOMAIN_SID}-"):
        return False
    return user.account is None or not user.account.enabled


def _is_allowed(app: App) -> bool:
    return bool(app.application or app.everybody or app.one)
