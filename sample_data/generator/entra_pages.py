"""The plan of the tenant as saved answers of Microsoft Graph: entra/<address>/1.json, 2.json…"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from sample_data.generator.entra import MICROSOFT, OTHER_TENANT, ROLES, TENANT, App, CloudGroup, CloudUser, Tenant
from sample_data.generator.identifiers import guid_text
from sample_data.generator.model import DNS

PAGE = 250
BASE = "https://graph.test/v1.0"
PERMISSIONS = (
    "Directory.ReadWrite.All", "Files.Read.All", "Mail.Read", "Mail.ReadWrite", "Reports.Read.All", "RoleManagement.ReadWrite.Directory",
    "User.Read.All", "User.ReadWrite.All",
)  # fmt: skip
GRAPH = guid_text("entra principal Microsoft Graph")


def policy_key(name: str) -> str:
    """Object id of a Conditional Access policy."""
    return guid_text(f"entra policy {name}")


def key_id(app: App, number: int) -> str:
    """Key of a credential in entra_credential."""
    holder = app.registration if app.keys[number].on == "registration" else app.key
    return f"{holder}/{guid_text(f'entra key {app.name} {number}')}"


def files(tenant: Tenant) -> dict[str, bytes]:
    """Relative path -> content of every page."""
    authorization, methods = _authorization(), _methods()
    lists: dict[str, list[dict[str, Any]]] = {
        "organization": [
            {"id": TENANT, "displayName": "GHT Valdoré", "onPremisesSyncEnabled": True, "verifiedDomains": [{"name": DNS}]},
        ],
        "subscribedSkus": [
            {"skuPartNumber": "EMSPREMIUM", "capabilityStatus": "Enabled", "servicePlans": [
                {"servicePlanName": "AAD_PREMIUM"}, {"servicePlanName": "AAD_PREMIUM_P2"}]},
        ],
        "users": [_user(user) for user in tenant.users],
        "reports/authenticationMethods/userRegistrationDetails": [_registration(u) for u in tenant.users if u.methods is not None],
        "identity/conditionalAccess/policies": _policies(tenant),
        "identity/conditionalAccess/namedLocations": _locations(),
        "roleManagement/directory/roleDefinitions": [{"id": k, "displayName": name, "isBuiltIn": True} for k, name in ROLES.items()],
        "roleManagement/directory/roleAssignmentScheduleInstances": _holdings(tenant, "active"),
        "roleManagement/directory/roleEligibilityScheduleInstances": _holdings(tenant, "eligible"),
        "servicePrincipals": [_principal(tenant, app) for app in tenant.apps],
        "oauth2PermissionGrants": _grants(tenant),
        "applications": [_registered(tenant, app) for app in tenant.apps if app.owner == "own"],
    }  # fmt: skip
    for group in tenant.groups:
        lists[f"groups/{group.key}/transitiveMembers"] = [{"@odata.type": "#microsoft.graph.user", "id": u.key} for u in group.members]
    singles: dict[str, dict[str, Any]] = {
        "policies/authorizationPolicy": authorization,
        "policies/identitySecurityDefaultsEnforcementPolicy": {"id": guid_text("entra defaults"), "isEnabled": False},
        "policies/adminConsentRequestPolicy": {"isEnabled": False, "notifyReviewers": False},
        "policies/authenticationMethodsPolicy": methods,
    }
    found = {f"entra/{name}/1.json": _one(value) for name, value in singles.items()}
    for name, values in lists.items():
        found |= paged(name, values)
    return found


def paged(name: str, values: list[dict[str, Any]]) -> dict[str, bytes]:
    """The pages of one list."""
    found = {}
    pages = [values[start : start + PAGE] for start in range(0, len(values), PAGE)] or [[]]
    for number, page in enumerate(pages, 1):
        following = f"{BASE}/{name}?$skiptoken={number + 1}" if number < len(pages) else None
        found[f"entra/{name}/{number}.json"] = _page(page, following)
    return found


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _one(value: dict[str, Any]) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode()


def _page(values: list[dict[str, Any]], following: str | None) -> bytes:
    """One object per line."""
    head = f'"@odata.nextLink":{_dump(following)},\n' if following else ""
    lines = ",\n".join(_dump(value) for value in values)
    return f'{{{head}"value":[\n{lines}\n]}}\n'.encode()


def moment_text(moment: datetime) -> str:
    """A time as Graph writes it."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment_text(moment)


def _user(user: CloudUser) -> dict[str, Any]:
    account = user.account
    activity = None if user.last_sign_in is None else {
        "lastSignInDateTime": _time(user.last_sign_in), "lastSuccessfulSignInDateTime": _time(user.last_sign_in),
    }  # fmt: skip
    return {
        "id": user.key,
        "userPrincipalName": user.name,
        "displayName": user.display,
        "mail": user.mail or None,
        "userType": "Guest" if user.external else "Member",
        "accountEnabled": user.enabled,
        "createdDateTime": _time(user.created),
        "department": (account.department if account else "") or None,
        "employeeId": (account.employee_id if account else "") or None,
        "onPremisesSyncEnabled": True if user.synced else None,
        "onPremisesSamAccountName": account.sam if account else user.name.partition("@")[0] if user.synced else None,
        "onPremisesSecurityIdentifier": user.sid or None,
        "onPremisesExtensionAttributes": {"extensionAttribute1": (account.id_written if account else "") or None},
        "lastPasswordChangeDateTime": _time(user.password_set),
        "passwordPolicies": "DisableStrongPassword" if user.weak_password else None,
        "assignedLicenses": [] if user.external or user.kind == "system" else [{"skuId": guid_text("entra sku")}],
        "isResourceAccount": user.name.startswith("salle-") or None,
        **({"signInActivity": activity} if activity else {}),
    }


def _registration(user: CloudUser) -> dict[str, Any]:
    return {
        "id": user.key, "isMfaCapable": user.capable, "isMfaRegistered": user.capable, "methodsRegistered": list(user.methods or ()),
    }  # fmt: skip


def _authorization() -> dict[str, Any]:
    return {
        "id": "authorizationPolicy",
        "guestUserRoleId": "10dae51f-b6af-4016-8d66-8c2a99b929b3",
        "allowInvitesFrom": "everyone",
        "allowedToUseSSPR": True,
        "defaultUserRolePermissions": {
            "allowedToCreateApps": True,
            "permissionGrantPoliciesAssigned": ["ManagePermissionGrantsForSelf.microsoft-user-default-legacy"],
        },
    }


def _methods() -> dict[str, Any]:
    def method(name: str, target: str, state: str = "enabled") -> dict[str, Any]:
        kind = f"#microsoft.graph.{name[0].lower()}{name[1:]}AuthenticationMethodConfiguration"
        return {"@odata.type": kind, "id": name, "state": state, "includeTargets": [{"targetType": "group", "id": target}]}

    group = guid_text("entra group voice")
    return {
        "id": "authenticationMethodsPolicy",
        "policyMigrationState": "migrationInProgress",
        "authenticationMethodConfigurations": [
            method("Fido2", "all_users"), method("MicrosoftAuthenticator", "all_users"), method("Sms", "all_users"),
            method("Voice", group), method("Email", "all_users", "disabled"),
        ],
    }  # fmt: skip


def _policies(tenant: Tenant) -> list[dict[str, Any]]:
    hospital = tenant.hospital
    mfa = {"operator": "OR", "builtInControls": ["mfa"]}
    everybody = {"includeUsers": ["All"], "excludeGroups": [tenant.groups[2].key]}
    administrators = {"includeUsers": [], "includeRoles": sorted(ROLES)[:3]}

    def policy(
        name: str, state: str, age: int, users: dict[str, Any], grant: dict[str, Any], changed: int | None = None, **more: object
    ) -> dict[str, Any]:
        conditions = {"users": users, "applications": {"includeApplications": ["All"]}, "clientAppTypes": ["all"], **more}
        return {
            "id": policy_key(name), "displayName": name, "state": state, "createdDateTime": _time(hospital.ago(age)),
            "modifiedDateTime": None if changed is None else _time(hospital.ago(changed)), "conditions": conditions, "grantControls": grant,
        }  # fmt: skip

    outside = {"includeLocations": ["All"], "excludeLocations": ["AllTrusted"]}
    block = {"operator": "OR", "builtInControls": ["block"]}
    trial = "enabledForReportingButNotEnforced"
    return [
        policy("MFA pour les administrateurs", "enabled", 700, administrators, mfa, 300),
        policy("MFA pour tous (essai)", trial, 400, everybody, mfa, 210),
        policy("Appareils conformes (essai)", trial, 300, everybody, {"operator": "OR", "builtInControls": ["compliantDevice"]}, 10),
        policy("MFA hors de l’hôpital", "enabled", 500, everybody, mfa, locations=outside),
        policy("Bloquer les anciens protocoles", "enabled", 600, {"includeUsers": ["All"]}, block,
               clientAppTypes=["exchangeActiveSync", "other"]),
        policy("Ancienne politique", "disabled", 900, everybody, mfa, 800),
    ]  # fmt: skip


def _locations() -> list[dict[str, Any]]:
    ip, country = "#microsoft.graph.ipNamedLocation", "#microsoft.graph.countryNamedLocation"
    return [
        {"@odata.type": ip, "id": guid_text("entra location 1"), "displayName": "Réseau du CHU", "isTrusted": True,
         "ipRanges": [{"@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": "192.0.2.0/24"}]},
        {"@odata.type": country, "id": guid_text("entra location 2"), "displayName": "France", "countriesAndRegions": ["FR"]},
    ]  # fmt: skip


def _holdings(tenant: Tenant, state: str) -> list[dict[str, Any]]:
    found = []
    for number, holding in enumerate(tenant.holdings):
        holder = holding.holder
        if holding.state != state:
            continue
        if isinstance(holder, CloudUser):
            principal = {"@odata.type": "#microsoft.graph.user", "id": holder.key, "displayName": holder.display}
        elif isinstance(holder, CloudGroup):
            principal = {"@odata.type": "#microsoft.graph.group", "id": holder.key, "displayName": holder.name}
        else:
            principal = {"@odata.type": "#microsoft.graph.servicePrincipal", "id": holder, "displayName": "Provisionnement RH"}
        end = None if holding.permanent or state == "eligible" else _time(tenant.hospital.ago(-1))
        active = {"assignmentType": "Assigned" if holding.permanent else "Activated"} if state == "active" else {}
        found.append(
            {
                "id": guid_text(f"entra holding {number}"), "principalId": principal["id"], "roleDefinitionId": holding.role,
                "directoryScopeId": "/", **active, "endDateTime": end, "principal": principal,
            }
        )  # fmt: skip
    return found


def _principal(tenant: Tenant, app: App) -> dict[str, Any]:
    owner = {"own": TENANT, "microsoft": MICROSOFT}.get(app.owner, OTHER_TENANT)
    roles = [{"id": guid_text(f"entra permission {name}"), "value": name} for name in PERMISSIONS] if app.key == GRAPH else []
    assignments = [
        {"id": guid_text(f"entra assignment {app.name} {name}"), "principalId": app.key, "resourceId": GRAPH,
         "appRoleId": guid_text(f"entra permission {name}")}
        for name in app.application
    ]  # fmt: skip
    return {
        "id": app.key,
        "appId": app.app_id or guid_text(f"entra app {app.name}"),
        "displayName": app.name,
        "servicePrincipalType": "Application",
        "accountEnabled": app.enabled,
        "appOwnerOrganizationId": owner,
        "verifiedPublisher": {"displayName": app.publisher or None},
        "homepage": f"https://{app.domain}/" if app.domain else None,
        "replyUrls": [f"https://{app.domain}/retour"] if app.domain else [],
        "appRoles": roles,
        **_keys(tenant, app, "principal"),
        "appRoleAssignments": assignments,
    }


def _registered(tenant: Tenant, app: App) -> dict[str, Any]:
    identifiers = {"id": app.registration, "appId": app.app_id or guid_text(f"entra app {app.name}"), "displayName": app.name}
    return {**identifiers, **_keys(tenant, app, "registration")}


def _keys(tenant: Tenant, app: App, on: str) -> dict[str, Any]:
    found: dict[str, list[dict[str, Any]]] = {"passwordCredentials": [], "keyCredentials": []}
    for number, key in enumerate(app.keys):
        if key.on == on:
            found["passwordCredentials" if key.kind == "secret" else "keyCredentials"].append(
                {
                    "keyId": guid_text(f"entra key {app.name} {number}"), "startDateTime": _time(tenant.hospital.ago(key.age)),
                    "endDateTime": _time(tenant.hospital.ago(-key.left)),
                }
            )  # fmt: skip
    return dict(found)


def _grants(tenant: Tenant) -> list[dict[str, Any]]:
    found = []
    for app in tenant.apps:
        for consent, scopes in (("AllPrincipals", app.everybody), ("Principal", app.one)):
            if scopes:
                found.append(
                    {
                        "id": guid_text(f"entra grant {app.name} {consent}"), "clientId": app.key, "consentType": consent,
                        "principalId": None if consent == "AllPrincipals" else tenant.users[0].key, "resourceId": GRAPH,
                        "scope": " ".join(scopes),
                    }
                )  # fmt: skip
    return found
