"""Objects of Microsoft Graph as rows: one function per kind of object.

A property that was not sent is not known (NULL); one that was sent as null is the fact "there is none". A property of another type than the
documented one is not known either. An object without a usable id is a ValueError: the caller counts it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from auditor import safe
from auditor.collect import entra_tiers
from auditor.collect.entra_graph import Item, object_id
from auditor.model import Value

Row = dict[str, Value]

_NEVER = datetime(1, 1, 1)
_RESISTANT = ("fido2", "passKeyDeviceBound", "windowsHelloForBusiness", "x509", "macOsSecureEnclaveKey", "hardwareBoundPasskey")
_TELEPHONE = frozenset(("mobilePhone", "alternateMobilePhone", "officePhone", "email", "sms", "voice", "securityQuestion"))
_NO_FACTOR = frozenset(("email", "securityQuestion", "none"))
_GUEST_ROLES = {
    "2af84b1e-32c8-42b7-82bc-daa82404023b": "restricted",
    "10dae51f-b6af-4016-8d66-8c2a99b929b3": "limited",
    "a0b1b346-4d3e-4e8b-98f8-753987be4970": "member",
}
_STATES = {"enabled": "enabled", "disabled": "disabled", "enabledForReportingButNotEnforced": "report_only"}
_STRENGTHS = {
    "00000000-0000-0000-0000-000000000002": "mfa",
    "00000000-0000-0000-0000-000000000003": "passwordless",
    "00000000-0000-0000-0000-000000000004": "phishing_resistant",
}
_TYPES = {
    "#microsoft.graph.user": "user",
    "#microsoft.graph.group": "group",
    "#microsoft.graph.device": "device",
    "#microsoft.graph.servicePrincipal": "service_principal",
}
_SCOPES = (
    ("users", "includeUsers", "user", False), ("users", "excludeUsers", "user", True),
    ("users", "includeGroups", "group", False), ("users", "excludeGroups", "group", True),
    ("users", "includeRoles", "role", False), ("users", "excludeRoles", "role", True),
    ("applications", "includeApplications", "application", False), ("applications", "excludeApplications", "application", True),
    ("applications", "includeUserActions", "user_action", False),
    ("applications", "includeAuthenticationContextClassReferences", "context", False),
    ("platforms", "includePlatforms", "platform", False), ("platforms", "excludePlatforms", "platform", True),
    ("locations", "includeLocations", "location", False), ("locations", "excludeLocations", "location", True),
)  # fmt: skip
_CONDITIONS = ("platforms", "locations", "devices", "authenticationFlows", "signInRiskLevels", "userRiskLevels", "insiderRiskLevels")


def text(item: Item, name: str) -> str | None:
    """A text property: empty when it is null, None when it was not sent or is no text."""
    if name not in item:
        return None
    value = item[name]
    return "" if value is None else safe.clean(value) if isinstance(value, str) else None


def flag(item: Item, name: str, *, null: bool | None = None) -> bool | None:
    """A boolean property; `null` is what a null means."""
    if name not in item:
        return None
    value = item[name]
    return null if value is None else value if isinstance(value, bool) else None


def moment(item: Item, name: str) -> datetime | None:
    """A time property in UTC; None also for the year 1, which Graph writes for never."""
    value = item.get(name)
    if not isinstance(value, str):
        return None
    try:
        parsed = datetime.fromisoformat(value)
        found = parsed.astimezone(UTC).replace(tzinfo=None) if parsed.tzinfo else parsed
    except (ValueError, OverflowError):
        return None
    return None if found.year <= 1 else found


def part(item: Item, name: str) -> Item:
    """A property that is an object; empty when it is not."""
    value = item.get(name)
    return value if isinstance(value, dict) else {}


def listed(item: Item, name: str) -> list[str]:
    """The texts of a list, or of a text of several values joined by commas."""
    value = item.get(name)
    if isinstance(value, str):
        return [safe.clean(word) for word in value.split(",") if word]
    return [safe.clean(word) for word in value if isinstance(word, str)] if isinstance(value, list) else []


def objects(item: Item, name: str) -> list[Item]:
    """The objects of a list."""
    value = item.get(name)
    return [found for found in value if isinstance(found, dict)] if isinstance(value, list) else []


def principal_type(item: Item) -> str:
    """What an object of the directory is."""
    return _TYPES.get(str(item.get("@odata.type")), "other")


def user(item: Item, professional_id_attribute: str) -> Row:
    """A row of entra_user."""
    name = text(item, "userPrincipalName")
    kind = text(item, "userType")
    changed = moment(item, "lastPasswordChangeDateTime")
    policies = None if "passwordPolicies" not in item else {word.strip() for word in listed(item, "passwordPolicies")}
    licences = item.get("assignedLicenses")
    return {
        "user_key": object_id(item.get("id")),
        "user_principal_name": name,
        "display_name": text(item, "displayName"),
        "mail": text(item, "mail"),
        "department": text(item, "department"),
        "employee_id": text(item, "employeeId"),
        "professional_id_raw": _extension(item, professional_id_attribute),
        "external": None if kind is None or name is None else kind == "Guest" or "#EXT#" in name.upper(),
        "enabled": flag(item, "accountEnabled"),
        "resource_account": flag(item, "isResourceAccount", null=False),
        "licensed": bool(licences) if isinstance(licences, list) else None,
        "created_at": moment(item, "createdDateTime"),
        "synced": flag(item, "onPremisesSyncEnabled", null=False),
        "on_premises_sid": text(item, "onPremisesSecurityIdentifier"),
        "sam_account_name": text(item, "onPremisesSamAccountName"),
        "strong_password_off": None if policies is None else "DisableStrongPassword" in policies,
        "password_never_expires": None if policies is None else "DisablePasswordExpiration" in policies,
        "password_last_set_at": changed,
        "password_never_set": None if "lastPasswordChangeDateTime" not in item else changed is None,
    }


def _extension(item: Item, attribute: str) -> str | None:
    if "onPremisesExtensionAttributes" not in item:
        return None
    return text(part(item, "onPremisesExtensionAttributes"), attribute) or ""


def activity(user_key: str, activity: Item) -> Row:
    """A row of entra_activity; a user without any time never signed in."""
    success = moment(activity, "lastSuccessfulSignInDateTime")
    others = [moment(activity, name) for name in ("lastSignInDateTime", "lastNonInteractiveSignInDateTime")]
    last = success or max((time for time in others if time), default=None)
    return {"user_key": user_key, "last_sign_in_at": last, "never_signed_in": last is None}


def registration(item: Item) -> Row:
    """A row of entra_registration."""
    known = isinstance(item.get("methodsRegistered"), list)
    methods = sorted(set(listed(item, "methodsRegistered")))
    return {
        "user_key": object_id(item.get("id")),
        "mfa_capable": flag(item, "isMfaCapable"),
        "mfa_registered": flag(item, "isMfaRegistered"),
        "methods": ",".join(methods) if known else None,
        "strength": strength(methods) if known else None,
    }


def strength(methods: Iterable[str]) -> str:
    """The best of the methods registered; mail and questions only reset passwords."""
    factors = set(methods) - _NO_FACTOR
    if any(method.startswith(_RESISTANT) for method in factors):
        return "phishing_resistant"
    if factors - _TELEPHONE:
        return "app"
    return "phone" if factors else "none"


def guest_role(policy: Item) -> str | None:
    """What guests see."""
    value = text(policy, "guestUserRoleId")
    return _GUEST_ROLES.get(value.lower(), "other") if value else None


def user_consent(policy: Item) -> str | None:
    """What users may allow applications, from the policies assigned to the default user role."""
    granted = part(policy, "defaultUserRolePermissions").get("permissionGrantPoliciesAssigned")
    if not isinstance(granted, list):
        return None
    prefix = "managepermissiongrantsforself."
    own = {str(name).lower().removeprefix(prefix) for name in granted if str(name).lower().startswith(prefix)}
    if "microsoft-user-default-legacy" in own:
        return "all"
    if own - {"microsoft-user-default-low", "microsoft-user-default-recommended"}:
        return "custom"
    return "low" if own else "none"


def licence(skus: Iterable[Item]) -> str:
    """The best plan of the subscriptions that are not over."""
    plans = {
        str(plan.get("servicePlanName"))
        for sku in skus
        if sku.get("capabilityStatus") in ("Enabled", "Warning")
        for plan in objects(sku, "servicePlans")
    }
    return "p2" if "AAD_PREMIUM_P2" in plans else "p1" if "AAD_PREMIUM" in plans else "free"


def method(item: Item) -> Row:
    """A row of entra_method."""
    state = text(item, "state")
    targets = objects(item, "includeTargets")
    return {
        "method": object_id(item.get("id")) and str(item["id"]),
        "enabled": {"enabled": True, "disabled": False}.get(state or ""),
        "everyone": any(target.get("id") == "all_users" for target in targets) if isinstance(item.get("includeTargets"), list) else None,
    }


def policy(item: Item) -> Row:
    """A row of entra_policy."""
    conditions, grant = part(item, "conditions"), part(item, "grantControls")
    controls = sorted(set(listed(grant, "builtInControls")) | set(listed(grant, "customAuthenticationFactors")))
    asked = part(grant, "authenticationStrength")
    named = _STRENGTHS.get(str(asked.get("id")), "custom") if asked else ""
    ways = [control == "mfa" for control in controls] + [True] * bool(asked) + [False] * len(listed(grant, "termsOfUse"))
    operator = text(grant, "operator") or ""
    return {
        "policy_key": object_id(item.get("id")),
        "name": text(item, "displayName"),
        "state": _STATES.get(str(item.get("state"))),
        "changed_at": moment(item, "modifiedDateTime") or moment(item, "createdDateTime"),
        "operator": operator,
        "controls": ",".join(controls),
        "strength": named,
        "requires_mfa": any(ways) if operator == "AND" else bool(ways) and all(ways),
        "all_users": "All" in listed(part(conditions, "users"), "includeUsers"),
        "all_applications": "All" in listed(part(conditions, "applications"), "includeApplications"),
        "conditional": any(conditions.get(name) for name in _CONDITIONS) or listed(conditions, "clientAppTypes") not in ([], ["all"]),
    }


def policy_scope(item: Item) -> Iterator[Row]:
    """Rows of entra_policy_scope."""
    key, conditions = object_id(item.get("id")), part(item, "conditions")

    def row(dimension: str, value: str, *, excluded: bool = False) -> Row:
        return {"policy_key": key, "dimension": dimension, "excluded": excluded, "value": value}

    for section, name, dimension, excluded in _SCOPES:
        yield from (row(dimension, value, excluded=excluded) for value in listed(part(conditions, section), name))
    for name, excluded in (("includeGuestsOrExternalUsers", False), ("excludeGuestsOrExternalUsers", True)):
        guests = part(part(conditions, "users"), name)
        yield from (row("guest", value, excluded=excluded) for value in listed(guests, "guestOrExternalUserTypes"))
    for name, dimension in (("clientAppTypes", "client"), ("signInRiskLevels", "sign_in_risk"), ("userRiskLevels", "user_risk")):
        yield from (row(dimension, value) for value in listed(conditions, name))
    yield from (row("flow", value) for value in listed(part(conditions, "authenticationFlows"), "transferMethods"))
    device = part(part(conditions, "devices"), "deviceFilter")
    if rule := text(device, "rule"):
        yield row("device_filter", rule, excluded=device.get("mode") == "exclude")


def location(item: Item) -> Row:
    """A row of entra_location."""
    country = "countriesAndRegions" in item
    ranges = listed(item, "countriesAndRegions") if country else [str(found.get("cidrAddress")) for found in objects(item, "ipRanges")]
    return {
        "location_key": object_id(item.get("id")),
        "name": text(item, "displayName"),
        "kind": "country" if country else "ip",
        "trusted": False if country else flag(item, "isTrusted", null=False),
        "ranges": ",".join(sorted(ranges)),
    }


def application(item: Item, tenant_key: str) -> Row:
    """A row of entra_application."""
    owner = text(item, "appOwnerOrganizationId")
    verified = text(part(item, "verifiedPublisher"), "displayName")
    addresses = [text(item, "homepage") or "", *listed(item, "replyUrls")]
    return {
        "application_key": object_id(item.get("id")),
        "app_id": text(item, "appId"),
        "name": text(item, "displayName"),
        "kind": text(item, "servicePrincipalType"),
        "enabled": flag(item, "accountEnabled"),
        "owner": None if owner is None else _owner(owner.lower(), tenant_key),
        "owner_tenant_key": None if owner is None else owner.lower(),
        "publisher": verified or ("" if "verifiedPublisher" in item else None),
        "domains": " ".join(sorted({host for address in addresses if (host := _host(address))})) if "replyUrls" in item else None,
    }


def _owner(owner: str, tenant_key: str) -> str:
    if not owner:
        return "unsaid"
    return "microsoft" if owner == entra_tiers.MICROSOFT_TENANT else "own" if owner == tenant_key else "third_party"


def _host(address: str) -> str:
    try:
        return (urlsplit(address).hostname or "").lower()
    except ValueError:
        return ""


def credentials(item: Item, holder_type: str, owner: Value) -> Iterator[Row]:
    """Rows of entra_credential; values of keys are never read."""
    holder = object_id(item.get("id"))
    for name, kind in (("passwordCredentials", "secret"), ("keyCredentials", "certificate")):
        for key in objects(item, name):
            yield {
                "credential_key": f"{holder}/{object_id(key.get('keyId'))}",
                "holder_key": holder,
                "holder_type": holder_type,
                "app_id": text(item, "appId"),
                "application_name": text(item, "displayName"),
                "owner": owner,
                "kind": kind,
                "starts_at": moment(key, "startDateTime"),
                "ends_at": moment(key, "endDateTime"),
            }


def permission(name: str, application: Mapping[str, Value], **more: Value) -> Row:
    """A row of entra_permission."""
    return {**application, "permission": name, "tier": entra_tiers.tier(name), **more}


def role_holder(item: Item, definition: Item, *, state: str, permanent: bool | None) -> Row:
    """A row of entra_role_holder, as if held directly."""
    role = object_id(item.get("roleDefinitionId"))
    scope: Any = item.get("directoryScopeId")
    return {
        "principal_key": object_id(item.get("principalId")),
        "principal_type": principal_type(part(item, "principal")),
        "role_key": role,
        "role_name": text(definition, "displayName"),
        "built_in": flag(definition, "isBuiltIn"),
        "privileged": role in entra_tiers.PRIVILEGED_ROLES,
        "scope": scope if isinstance(scope, str) else "/",
        "state": state,
        "permanent": permanent,
        "via_group_key": "",
        "via_group_name": "",
    }
