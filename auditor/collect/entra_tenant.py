"""A tenant of Entra ID, live or saved, as tables: the same questions and the same rows for both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import chain

from auditor.collect import SourceError, entra_belonging, entra_rows, joined
from auditor.collect.entra_clouds import ALIASES, CLOUDS, Cloud
from auditor.collect.entra_graph import AGAIN, P1, UNPERMITTED, Graph, GraphError, Item, object_id
from auditor.collect.entra_rows import Row, flag, objects, part, text
from auditor.model import Coverage, State, Text, Value
from auditor.snapshot import Writer
from auditor.tables import COLLECTED, entra

TABLES = tuple(table.name for table in entra.TABLES)

_USER = (
    "id,userPrincipalName,displayName,mail,userType,accountEnabled,createdDateTime,department,employeeId,onPremisesSyncEnabled,"
    "onPremisesSamAccountName,onPremisesSecurityIdentifier,onPremisesExtensionAttributes,lastPasswordChangeDateTime,passwordPolicies,"
    "assignedLicenses,isResourceAccount"
)
_PRINCIPAL = (
    "id,appId,displayName,servicePrincipalType,accountEnabled,appOwnerOrganizationId,verifiedPublisher,homepage,replyUrls,appRoles,"
    "passwordCredentials,keyCredentials"
)
_ROLES = "/roleManagement/directory"
_EXPANDED = 20
"""Items that $expand returns at most; more are asked for one by one."""

_NO_SUCH_ADDRESS = (400, 404)
_BY_HAND = Text(
    "No permission helps: look at it by hand in the portal.", "Aucune permission n’y changera rien : le vérifier à la main dans le portail."
)


class Tenant:
    """Reads one tenant into a writer; `tenant_key` is a name for it until its own id is known."""

    def __init__(
        self,
        graph: Graph,
        writer: Writer,
        source: str,
        tenant_key: str,
        professional_id_attribute: str,
        progress: Callable[[str, int], None],
        cloud: Cloud = CLOUDS["global"],
    ) -> None:
        self._graph = graph
        self._writer = writer
        self._source = source
        self._tenant_key = tenant_key
        self._attribute = professional_id_attribute
        self._progress = progress
        self._cloud = cloud
        self._rows: Counter[str] = Counter()
        self._lost: Counter[str] = Counter()
        self._seen: dict[str, set[tuple[Value, ...]]] = {name: set() for name in TABLES}
        self._errors: dict[str, list[SourceError]] = {name: [] for name in TABLES}
        self._groups: dict[str, list[tuple[str, str]]] = {}
        self._licence: str | None = None
        self._domains: frozenset[str] = frozenset()

    def collect(self, collected_at: datetime | None = None) -> None:
        """Everything, then exactly one coverage per table."""
        self._tenant()
        self._users()
        self._registrations()
        self._belonging()
        self._policies()
        self._locations()
        self._role_holders()
        self._applications()
        for name in TABLES:
            self._writer.add_coverage([self._coverage(name, collected_at)])
        for name in sorted(name for name in self._cloud.lacks if not name.startswith("/")):
            text = f"{name} n’existe pas dans ce cloud ({self._cloud.name})"
            self._writer.add_notice(self._source, Text(f"{name} is not available in this cloud ({self._cloud.name})", text))
        facts = {"tenant": self._tenant_key, "licence": self._licence or "", "rows": sum(self._rows.values())}
        self._writer.add_facts(self._source, facts)

    def _add(self, table: str, row: Row) -> None:
        """Add a row unless it is there: Graph may repeat objects from page to page."""
        if "tenant_key" in COLLECTED[table].column_names:
            row = {**row, "tenant_key": self._tenant_key}
        if "source" in COLLECTED[table].column_names:
            row = {**row, "source": self._source}
        key = tuple(row[name] for name in COLLECTED[table].key)
        if key in self._seen[table]:
            return
        self._seen[table].add(key)
        self._writer.add(table, row)
        self._rows[table] += 1

    def _items(self, tables: tuple[str, ...], path: str, query: Mapping[str, str], into: Callable[[Item], None]) -> SourceError | None:
        """Give every object of a list to `into`; what goes wrong is remembered for `tables` and returned."""
        return self._read(tables, self._pages(path, query), into)

    def _pages(self, path: str, query: Mapping[str, str]) -> Iterator[list[Item]]:
        """Pages of a list, from its other address where the cloud has not this one."""
        try:
            yield from self._graph.pages(path, query)
        except GraphError as error:
            if path not in ALIASES or error.status not in _NO_SUCH_ADDRESS:
                raise self._explained(path, error) from None
            try:
                yield from self._graph.pages(ALIASES[path], query)
            except GraphError as other:
                raise (error if other.status in _NO_SUCH_ADDRESS else other) from None

    def _lacks(self, path: str, error: SourceError) -> bool:
        return isinstance(error, GraphError) and error.status in _NO_SUCH_ADDRESS and path in self._cloud.lacks

    def _explained(self, path: str, error: SourceError) -> SourceError:
        """The error, in other words when the cloud is known not to offer what was asked for."""
        if not self._lacks(path, error):
            return error
        return GraphError(Text(
            f"not available in this cloud ({self._cloud.name}): {path}", f"non disponible dans ce cloud ({self._cloud.name}) : {path}"
        ), cure=_BY_HAND)  # fmt: skip

    def _read(self, tables: tuple[str, ...], pages: Iterable[list[Item]], into: Callable[[Item], None]) -> SourceError | None:
        done = 0
        try:
            for page in pages:
                for item in page:
                    try:
                        into(item)
                    except ValueError:
                        self._lose(tables)
                done += len(page)
                self._progress(self._source, done)
        except SourceError as error:
            self._fail(tables, error)
            return error
        return None

    def _lose(self, tables: tuple[str, ...]) -> None:
        for name in tables:
            self._lost[name] += 1

    def _fail(self, tables: tuple[str, ...], error: SourceError) -> None:
        for name in tables:
            if error.text not in [known.text for known in self._errors[name]]:
                self._errors[name].append(error)

    def _one(self, table: str, path: str) -> Item:
        try:
            return self._graph.one(path)
        except SourceError as error:
            self._fail((table,), error)
            return {}

    def _coverage(self, name: str, at: datetime | None) -> Coverage:
        reasons = [error.text for error in self._errors[name]]
        if lost := self._lost[name]:
            reasons.append(Text(f"{lost} objects without a usable id", f"{lost} objets sans identifiant utilisable"))
        rows = self._rows[name]
        if not reasons:
            return Coverage(name, self._source, State.COMPLETE, rows, collected_at=at)
        states = {error.state for error in self._errors[name]}
        state = State.PARTIAL if rows or not states else State.DENIED if State.DENIED in states else State.ABSENT
        cures = (error.cure for error in self._errors[name] if isinstance(error, GraphError) and error.cure)
        return Coverage(name, self._source, state, rows, joined(reasons), next(cures, COLLECTED[name].cure), at)

    def _tenant(self) -> None:
        table = "entra_tenant"
        organisations: list[Item] = []
        skus: list[Item] = []
        self._items((table,), "/organization", {"$select": "id,displayName,onPremisesSyncEnabled,verifiedDomains"}, organisations.append)
        if self._items((table,), "/subscribedSkus", {"$select": "skuPartNumber,capabilityStatus,servicePlans"}, skus.append) is None:
            self._licence = entra_rows.licence(skus)
        organisation = organisations[0] if organisations else {}
        try:
            self._tenant_key = object_id(organisation.get("id"))
        except ValueError:
            if organisation:
                self._lose((table,))
        self._domains = entra_belonging.domains(organisation)
        authorization = self._one(table, "/policies/authorizationPolicy")
        defaults = self._one(table, "/policies/identitySecurityDefaultsEnforcementPolicy")
        consent = self._one(table, "/policies/adminConsentRequestPolicy")
        methods = self._methods()
        row: Row = {
            "name": text(organisation, "displayName"),
            "licence": self._licence,
            "security_defaults": flag(defaults, "isEnabled"),
            "guest_role": entra_rows.guest_role(authorization),
            "invitations": text(authorization, "allowInvitesFrom") or None,
            "user_consent": entra_rows.user_consent(authorization),
            "admin_consent_workflow": flag(consent, "isEnabled"),
            "users_create_applications": flag(part(authorization, "defaultUserRolePermissions"), "allowedToCreateApps"),
            "admin_self_reset": flag(authorization, "allowedToUseSSPR"),
            "methods_migration": text(methods, "policyMigrationState") or None,
        }
        if any(value is not None for value in row.values()):
            self._add(table, row)

    def _methods(self) -> Item:
        path = "/policies/authenticationMethodsPolicy"
        try:
            policy = self._graph.one(path)
        except SourceError as error:
            # Where the cloud has no such policy, the one column of entra_tenant that it fills is not known: the rest of the row is.
            tables = ("entra_method",) if self._lacks(path, error) else ("entra_tenant", "entra_method")
            self._fail(tables, self._explained(path, error))
            return {}
        for item in objects(policy, "authenticationMethodConfigurations"):
            try:
                self._add("entra_method", entra_rows.method(item))
            except ValueError:
                self._lose(("entra_method",))
        return policy

    def _users(self) -> None:
        """Users, and their activity when the tenant's plan gives it: else they are asked for once more without it."""
        idle: list[str] = []
        foreign: Counter[str] = Counter()
        activity = False

        def add(item: Item) -> None:
            nonlocal activity
            row = entra_rows.user(item, self._attribute)
            self._add("entra_user", row)
            if domain := entra_belonging.other_domain(row["user_principal_name"], self._domains):
                foreign[domain] += 1
            if isinstance(item.get("signInActivity"), dict):
                activity = True
                self._add("entra_activity", entra_rows.activity(str(row["user_key"]), item["signInActivity"]))
            else:
                idle.append(str(row["user_key"]))

        query = {"$select": f"{_USER},signInActivity", "$top": "999"}
        refusal: SourceError | None = None
        try:
            # The first page tells whether the activity is given, before any row is written.
            pages = self._graph.pages("/users", query)
            first = next(pages, [])
        except SourceError as error:
            refusal = error
            if not isinstance(error, GraphError) or error.status not in (400, 403):
                self._fail(("entra_user", "entra_activity"), error)
                return
            self._fail(("entra_activity",), self._licensed(error))
            self._items(("entra_user",), "/users", {"$select": _USER, "$top": "999"}, add)
        else:
            self._read(("entra_user", "entra_activity"), chain([first], pages), add)
        if activity:
            for key in idle:
                self._add("entra_activity", entra_rows.activity(key, {}))
        elif refusal is None and idle:
            self._fail(("entra_activity",), self._licensed(GraphError(
                Text("no user has a sign-in activity: the tenant has not the licence, or it was not asked for",
                     "aucun utilisateur n’a d’activité de connexion : le tenant n’a pas la licence, ou elle n’a pas été demandée"),
                state=State.DENIED, cure=P1,
            )))  # fmt: skip
        if foreign:
            self._fail(("entra_user", "entra_activity"), GraphError(entra_belonging.foreign(foreign), cure=AGAIN))

    def _licensed(self, error: SourceError) -> SourceError:
        """The error, in other words when it misses a licence that the subscriptions show: Graph says so of a permission as well."""
        if self._licence in ("p1", "p2") and isinstance(error, GraphError) and error.cure is P1:
            return GraphError(UNPERMITTED, state=State.DENIED, status=error.status)
        return error

    def _belonging(self) -> None:
        """Registrations of users who are not in the list, unless the list is known to be cut short: then they have their reason."""
        registered, users = self._seen["entra_registration"], self._seen["entra_user"]
        count = len(registered - users)
        if not count or self._errors["entra_user"]:
            return
        if count > entra_belonging.STRAY_SHARE * len(registered):
            self._fail(("entra_user", "entra_registration"), GraphError(entra_belonging.strays(count), cure=AGAIN))
        else:
            self._writer.add_notice(self._source, entra_belonging.strays(count))

    def _registrations(self) -> None:
        query = {"$select": "id,isMfaCapable,isMfaRegistered,methodsRegistered"}
        self._items(
            ("entra_registration",), "/reports/authenticationMethods/userRegistrationDetails", query,
            lambda item: self._add("entra_registration", entra_rows.registration(item)),
        )  # fmt: skip

    def _policies(self) -> None:
        # Which groups matter is known from policies and roles: without them, so are their members not.
        tables = ("entra_policy", "entra_policy_scope", "entra_group_member")
        groups: list[str] = []

        def add(item: Item) -> None:
            self._add("entra_policy", entra_rows.policy(item))
            for row in entra_rows.policy_scope(item):
                self._add("entra_policy_scope", row)
                if row["dimension"] == "group":
                    groups.append(object_id(row["value"]))

        self._items(tables, "/identity/conditionalAccess/policies", {}, add)
        for group in groups:
            self._members(group, ("entra_group_member",))

    def _locations(self) -> None:
        path = "/identity/conditionalAccess/namedLocations"
        self._items(("entra_location",), path, {}, lambda item: self._add("entra_location", entra_rows.location(item)))

    def _members(self, group: str, tables: tuple[str, ...]) -> list[tuple[str, str]]:
        """Members of a group, nested ones included, as (id, type); each group is read once."""
        if group not in self._groups:
            members = self._groups[group] = []

            def add(item: Item) -> None:
                member, kind = object_id(item.get("id")), entra_rows.principal_type(item)
                members.append((member, kind))
                self._add("entra_group_member", {"group_key": group, "member_key": member, "member_type": kind})

            self._items(tables, f"/groups/{group}/transitiveMembers", {"$select": "id", "$top": "999"}, add)
        return self._groups[group]

    def _role_holders(self) -> None:
        """Active and eligible holders. Without P2 nobody is eligible and every assignment is permanent."""
        table = ("entra_role_holder", "entra_group_member")
        definitions: dict[str, Item] = {}

        def define(item: Item) -> None:
            definitions[object_id(item.get("id"))] = item

        self._items(table[:1], f"{_ROLES}/roleDefinitions", {"$select": "id,displayName,isBuiltIn"}, define)

        def holder(item: Item, state: str, *, permanent: bool | None) -> None:
            definition = definitions.get(object_id(item.get("roleDefinitionId")), {})
            row = entra_rows.role_holder(item, definition, state=state, permanent=permanent)
            if row["principal_type"] != "group":
                self._add("entra_role_holder", row)
                return
            group = str(row["principal_key"])
            name = text(part(item, "principal"), "displayName")
            for member, kind in self._members(group, ("entra_role_holder", "entra_group_member")):
                if kind in ("user", "service_principal"):
                    through = {"principal_key": member, "principal_type": kind, "via_group_key": group, "via_group_name": name}
                    self._add("entra_role_holder", {**row, **through})

        expand = {"$expand": "principal"}
        if self._licence in ("p1", "free"):
            self._items(table, f"{_ROLES}/roleAssignments", expand, lambda item: holder(item, "active", permanent=True))
            return

        def scheduled(item: Item) -> None:
            kind = text(item, "assignmentType")
            known = kind and "endDateTime" in item
            holder(item, "active", permanent=(kind == "Assigned" and item["endDateTime"] is None) if known else None)

        if self._items(table, f"{_ROLES}/roleAssignmentScheduleInstances", expand, scheduled) is not None:
            self._items(table, f"{_ROLES}/roleAssignments", expand, lambda item: holder(item, "active", permanent=None))
        self._items(
            table, f"{_ROLES}/roleEligibilityScheduleInstances", expand, lambda item: holder(item, "eligible", permanent=False)
        )  # fmt: skip

    def _applications(self) -> None:
        """Service principals, the credentials of both kinds of objects, and every permission; names of permissions come at the end,
        because the interface that names them may stand on a later page."""
        roles: dict[str, dict[str, str]] = {}
        names: dict[str, str | None] = {}
        assigned: list[tuple[str, str, str]] = []

        def assign(item: Item) -> None:
            assigned.append((object_id(item.get("principalId")), object_id(item.get("resourceId")), object_id(item.get("appRoleId"))))

        def principal(item: Item) -> None:
            row = entra_rows.application(item, self._tenant_key)
            self._add("entra_application", row)
            key = str(row["application_key"])
            names[key] = text(item, "displayName")
            roles[key] = {str(role.get("id")).lower(): str(role.get("value") or "") for role in objects(item, "appRoles")}
            for credential in entra_rows.credentials(item, "service_principal", row["owner"]):
                self._add("entra_credential", credential)
            expanded = objects(item, "appRoleAssignments")
            for assignment in expanded:
                assign(assignment)
            if "appRoleAssignments" not in item or len(expanded) >= _EXPANDED or "appRoleAssignments@odata.nextLink" in item:
                self._items(("entra_permission",), f"/servicePrincipals/{key}/appRoleAssignments", {}, assign)

        tables = ("entra_application", "entra_credential", "entra_permission")
        query = {"$select": self._cloud.has(_PRINCIPAL.split(",")), "$expand": "appRoleAssignments", "$top": "999"}
        self._items(tables, "/servicePrincipals", query, principal)
        for application, resource, role in assigned:
            name = roles.get(resource, {}).get(role) or role
            self._permit(name, application, resource, names.get(resource), "application", "")

        def grant(item: Item) -> None:
            everybody = item.get("consentType") == "AllPrincipals"
            person = "" if everybody else object_id(item.get("principalId"))
            resource = object_id(item.get("resourceId"))
            for scope in (text(item, "scope") or "").split():
                self._permit(scope, object_id(item.get("clientId")), resource, names.get(resource), "delegated", person)

        self._items(("entra_permission",), "/oauth2PermissionGrants", {"$top": "999"}, grant)

        def registration(item: Item) -> None:
            for credential in entra_rows.credentials(item, "registration", "own"):
                self._add("entra_credential", credential)

        query = {"$select": "id,appId,displayName,passwordCredentials,keyCredentials", "$top": "999"}
        self._items(("entra_credential",), "/applications", query, registration)

    def _permit(self, name: str, application: str, resource: str, resource_name: str | None, kind: str, principal: str) -> None:
        of = {"application_key": application, "resource_key": resource, "resource_name": resource_name or ""}
        self._add("entra_permission", entra_rows.permission(name, of, kind=kind, principal_key=principal))
