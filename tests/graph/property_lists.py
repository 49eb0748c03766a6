"""The second referee of the Graph emulator: the property lists of the npm package @microsoft/microsoft-graph-types, published by Microsoft.

`make test` installs the package. It tells for each type of Graph v1.0 its properties and the types of these: every name that is selected,
expanded or answered must be among them, as deep as the answer goes.
"""

from __future__ import annotations

import os
import re
from functools import cache
from pathlib import Path
from typing import Any

_FILE = Path("node_modules/@microsoft/microsoft-graph-types/microsoft-graph.d.ts")
DECLARATIONS = Path(os.environ.get("GRAPH_TYPES", Path(__file__).parents[2] / ".venv/npm" / _FILE))

TYPES = {
    "/organization": "Organization",
    "/subscribedSkus": "SubscribedSku",
    "/users": "User",
    "/groups/{id}/transitiveMembers": "DirectoryObject",
    "/applications": "Application",
    "/servicePrincipals": "ServicePrincipal",
    "/servicePrincipals/{id}/appRoleAssignments": "AppRoleAssignment",
    "/oauth2PermissionGrants": "OAuth2PermissionGrant",
    "/roleManagement/directory/roleDefinitions": "UnifiedRoleDefinition",
    "/roleManagement/directory/roleAssignments": "UnifiedRoleAssignment",
    "/roleManagement/directory/roleAssignmentScheduleInstances": "UnifiedRoleAssignmentScheduleInstance",
    "/roleManagement/directory/roleEligibilityScheduleInstances": "UnifiedRoleEligibilityScheduleInstance",
    "/identity/conditionalAccess/policies": "ConditionalAccessPolicy",
    "/identity/conditionalAccess/namedLocations": "NamedLocation",
    "/policies/conditionalAccessPolicies": "ConditionalAccessPolicy",
    "/policies/authorizationPolicy": "AuthorizationPolicy",
    "/policies/identitySecurityDefaultsEnforcementPolicy": "IdentitySecurityDefaultsEnforcementPolicy",
    "/policies/adminConsentRequestPolicy": "AdminConsentRequestPolicy",
    "/policies/authenticationMethodsPolicy": "AuthenticationMethodsPolicy",
    "/reports/authenticationMethods/userRegistrationDetails": "UserRegistrationDetails",
    "/auditLogs/signIns": "SignIn",
}
"""Type of the objects of each address that the collector asks."""

_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
_INTERFACE = re.compile(r"^export interface (\w+)(?: extends (\w+))? \{(.*?)\}", re.MULTILINE | re.DOTALL)
_PROPERTY = re.compile(r'^    "?([\w@.-]+)"?\??:\s+(.+?);$', re.MULTILINE | re.DOTALL)
_NAME = re.compile(r"\w+")


@cache
def _interfaces() -> dict[str, tuple[str, dict[str, str]]]:
    """Type -> (the type it extends, property -> type as written). Types of the inner namespaces are indented and left out."""
    plain = _COMMENT.sub("", DECLARATIONS.read_text(encoding="utf-8"))
    return {name: (base, dict(_PROPERTY.findall(body))) for name, base, body in _INTERFACE.findall(plain)}


def properties(name: str) -> dict[str, str]:
    """Property -> type as written, of a type and of those it extends; LookupError for a type that is not declared."""
    base, own = _interfaces()[name]
    return {**(properties(base) if base else {}), **own}


def check(method: str, path: str, query: dict[str, list[str]], status: int, body: object) -> None:
    """ValueError when Graph has not what is asked for or answered."""
    template = re.sub(r"^/(groups|servicePrincipals)/[^/]+/", r"/\1/{id}/", path)
    if method != "GET" or template not in TYPES:
        raise ValueError(f"{method} {path} is not listed")
    name = TYPES[template]
    asked = [part for option in ("$select", "$expand") for part in query.get(option, [""])[0].split(",") if part]
    if unknown := sorted(set(asked) - properties(name).keys()):
        raise ValueError(f"{path}: {name} has no {unknown} to ask for")
    if status == 200:
        page: Any = body
        for item in page.get("value", [page]):
            _known(name, item, path)


def _known(name: str, item: dict[str, Any], place: str) -> None:
    """Every property of an object, and of the objects in it, is one of its type; an object may say that its type is a narrower one."""
    said = str(item.get("@odata.type", "")).removeprefix("#microsoft.graph.")
    narrow = said[:1].upper() + said[1:] if said else name
    if narrow not in _interfaces() or name not in _bases(narrow):
        raise ValueError(f"{place}: {narrow} is not a {name}")
    known = properties(narrow)
    for key, value in item.items():
        if "@" in key:
            continue
        if key not in known:
            raise ValueError(f"{place}: {narrow} has no {key}")
        inner = next((word for word in _NAME.findall(known[key]) if word in _interfaces()), "")
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, dict):
                if not inner:
                    raise ValueError(f"{place}: {key} of {narrow} is not an object")
                _known(inner, child, f"{place}/{key}")


def _bases(name: str) -> set[str]:
    found = {name}
    while name := _interfaces()[name][0]:
        found.add(name)
    return found
