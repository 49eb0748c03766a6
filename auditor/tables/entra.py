"""What is known of an Entra ID tenant: its users and how they prove themselves, its roles, its policies, its applications.

Facts come from Microsoft Graph v1.0; each sentence names the property where the name of the column does not. Ids are the object ids of
Graph, unique in the world; a table that could hold two tenants names the tenant.
"""

from __future__ import annotations

from auditor.model import Text
from auditor.tables.schema import Table, flag, text, time


def _grant(permission: str) -> Text:
    return Text(
        en=f"Grant the read permission {permission} of Microsoft Graph to the auditor's application, under a source of type entra.",
        fr=f"Accorder la permission de lecture {permission} de Microsoft Graph à l’application de l’auditeur, dans une source de type entra.",
    )


_INPUTS = Text(
    en="This table is computed: complete the sources it comes from.",
    fr="Cette table est calculée : compléter les sources dont elle provient.",
)
_DIRECTORY, _POLICY = _grant("Directory.Read.All"), _grant("Policy.Read.All")

ENTRA_TENANT = Table(
    "entra_tenant",
    "One row per tenant: its switches.",
    ("tenant_key",),
    (
        text("tenant_key", "Tenant id.", "tenant", personal="id"),
        text("source", "Where the row came from.", "entra:test"),
        text("name", "Name of the organisation.", "Neutral", personal="site"),
        text("licence", "Best Entra ID plan among the subscriptions: p2, p1 or free.", "p2"),
        flag("security_defaults", "identitySecurityDefaultsEnforcementPolicy.isEnabled."),
        text("guest_role", "What guests see (guestUserRoleId): restricted, limited, member (everything) or other.", "restricted"),
        text(
            "invitations", "Who may invite guests (allowInvitesFrom): none, adminsAndGuestInviters, …, everyone.", "adminsAndGuestInviters"
        ),
        text(
            "user_consent",
            "What users may allow applications (permissionGrantPoliciesAssigned): none, low (verified publishers, harmless permissions), "
            "all, or custom (a policy of the tenant).",
            "none",
        ),
        flag("admin_consent_workflow", "adminConsentRequestPolicy.isEnabled: users may ask an administrator.", True),
        flag("users_create_applications", "defaultUserRolePermissions.allowedToCreateApps."),
        flag("admin_self_reset", "allowedToUseSSPR: administrators may reset their own password."),
        text("methods_migration", "policyMigrationState: preMigration, migrationInProgress or migrationComplete.", "migrationComplete"),
    ),
    _POLICY,
)

ENTRA_METHOD = Table(
    "entra_method",
    "Authentication methods of the tenant and who may use them.",
    ("tenant_key", "method"),
    (
        text("tenant_key", "Tenant id.", "tenant", personal="id"),
        text("method", "Id of the method as Graph writes it, for example Sms, Voice, Email, Fido2 or MicrosoftAuthenticator.", "Sms"),
        flag("enabled", "The method may be used."),
        flag("everyone", "Its targets include all users."),
    ),
    _POLICY,
)

ENTRA_USER = Table(
    "entra_user",
    "Users of the tenant: members, guests, synchronised or not.",
    ("user_key",),
    (
        text("user_key", "Object id of the user.", personal="id"),
        text("tenant_key", "Tenant id.", "tenant", personal="id"),
        text("source", "Where the row came from.", "entra:test"),
        text("user_principal_name", "Name the user signs in with.", "neutral@hospital.test", personal="mail"),
        text("display_name", "Name shown to people; empty when there is none.", "Neutral", personal="person"),
        text("mail", "Primary mail address; empty when there is none.", personal="mail"),
        text("department", "Department or care unit; empty when there is none."),
        text("employee_id", "HR number (employeeId); empty when there is none.", personal="number"),
        text(
            "professional_id_raw",
            "National professional id, from the declared on-premises extension attribute; empty when there is none.",
            personal="number",
        ),
        flag("external", "A guest, or an account of another organisation (#EXT# in its name)."),
        flag("enabled", "accountEnabled.", True),
        flag("resource_account", "isResourceAccount: a room or a service of Teams, nobody signs in with it."),
        flag("licensed", "At least one licence is assigned.", True),
        time("created_at", "When the object was created."),
        flag("synced", "onPremisesSyncEnabled: the user comes from Active Directory."),
        text("on_premises_sid", "SID of the Active Directory account it comes from; empty when there is none.", personal="id"),
        text("sam_account_name", "Logon name of that account; empty when there is none.", personal="login"),
        flag("strong_password_off", "passwordPolicies holds DisableStrongPassword."),
        flag("password_never_expires", "passwordPolicies holds DisablePasswordExpiration."),
        time(
            "password_last_set_at",
            "Last password change; NULL with password_never_set true when none is recorded.",
            absent_when="password_never_set",
        ),
        flag("password_never_set", "No password change is recorded."),
    ),
    _DIRECTORY,
)

ENTRA_ACTIVITY = Table(
    "entra_activity",
    "When each user last signed in (signInActivity; needs a P1 licence).",
    ("user_key",),
    (
        text("user_key", "Object id of the user.", personal="id"),
        time(
            "last_sign_in_at",
            "Last successful sign-in, or, for those before December 2023, the later of the last interactive and the last silent attempt.",
            absent_when="never_signed_in",
        ),
        flag("never_signed_in", "No sign-in is recorded."),
    ),
    _grant("AuditLog.Read.All"),
)

ENTRA_REGISTRATION = Table(
    "entra_registration",
    "Authentication methods each user has registered; the report of Entra leaves disabled users out.",
    ("user_key",),
    (
        text("user_key", "Object id of the user.", personal="id"),
        flag("mfa_capable", "isMfaCapable: registered a second factor that the tenant allows.", True),
        flag("mfa_registered", "isMfaRegistered.", True),
        text("methods", "methodsRegistered, sorted, joined by a comma.", "fido2"),
        text(
            "strength",
            "Best second factor registered: phishing_resistant (key, Windows Hello, certificate), app (application or token), "
            "phone (telephone or mail only) or none.",
            "phishing_resistant",
        ),
    ),
    _grant("AuditLog.Read.All"),
)

ENTRA_ROLE_HOLDER = Table(
    "entra_role_holder",
    "Who holds which role of the tenant, members of role groups included: one row per holder, role, scope, state and group.",
    ("principal_key", "role_key", "scope", "state", "via_group_key"),
    (
        text("principal_key", "User or service principal that holds the role in the end.", personal="id"),
        text("principal_type", "user, service_principal or other.", "user"),
        text("tenant_key", "Tenant id.", "tenant", personal="id"),
        text("role_key", "Id of the role definition; the same everywhere for built-in roles.", "62e90394-69f5-4237-9190-012177145e10"),
        text("role_name", "Name of the role.", "Global Administrator"),
        flag("built_in", "The role is one of Microsoft's.", True),
        flag("privileged", "The role can take over the tenant or give itself other roles (see auditor/collect/entra_tiers.py).", True),
        text("scope", "directoryScopeId: / is the whole tenant.", "/"),
        text("state", "active (works now) or eligible (has to be activated first).", "active"),
        flag("permanent", "Active without end and without having been activated.", True),
        text("via_group_key", "Group that gives the role; empty when it is held directly."),
        text("via_group_name", "Name of that group; empty when it is held directly."),
    ),
    _grant("RoleManagement.Read.Directory"),
)

ENTRA_GROUP_MEMBER = Table(
    "entra_group_member",
    "Members, nested ones included, of the groups that roles and policies refer to.",
    ("group_key", "member_key"),
    (
        text("group_key", "Object id of the group."),
        text("member_key", "Object id of the member.", personal="id"),
        text("member_type", "user, group, device, service_principal or other.", "user"),
    ),
    _DIRECTORY,
    may_be_empty=True,
)

ENTRA_POLICY = Table(
    "entra_policy",
    "Conditional Access policies; whom they reach is in entra_policy_scope.",
    ("policy_key",),
    (
        text("policy_key", "Object id of the policy."),
        text("tenant_key", "Tenant id.", "tenant", personal="id"),
        text("name", "Name of the policy.", "Neutral policy"),
        text("state", "enabled, report_only or disabled.", "enabled"),
        time("changed_at", "Last change, or creation when it was never changed."),
        text("operator", "How several grant controls combine: AND or OR; empty when the policy grants on no condition.", "OR"),
        text("controls", "Grant controls, sorted, joined by a comma: mfa, compliantDevice, block…; empty when there is none.", "mfa"),
        text("strength", "Authentication strength asked for: mfa, passwordless, phishing_resistant, custom; empty when there is none."),
        flag("requires_mfa", "No way through the policy without a second factor.", True),
        flag("all_users", "It includes all users.", True),
        flag("all_applications", "It includes all applications.", True),
        flag("conditional", "It applies only under further conditions (client, platform, place, risk, device, flow)."),
    ),
    _POLICY,
    may_be_empty=True,
)

ENTRA_POLICY_SCOPE = Table(
    "entra_policy_scope",
    "What each Conditional Access policy includes and excludes, as written; nothing is evaluated.",
    ("policy_key", "dimension", "excluded", "value"),
    (
        text("policy_key", "Object id of the policy."),
        text(
            "dimension",
            "user, group, role, guest, application, user_action, context, platform, location, client, sign_in_risk, user_risk, "
            "device_filter or flow.",
            "user",
        ),
        flag("excluded", "True for what is left out, false for what is taken in."),
        text("value", "Id or word of Graph.", "All"),
    ),
    _POLICY,
    may_be_empty=True,
)

ENTRA_LOCATION = Table(
    "entra_location",
    "Named locations of Conditional Access.",
    ("location_key",),
    (
        text("location_key", "Object id of the location."),
        text("tenant_key", "Tenant id.", "tenant", personal="id"),
        text("name", "Name of the location.", "Neutral place"),
        text("kind", "ip or country.", "ip"),
        flag("trusted", "isTrusted; false for countries."),
        text("ranges", "Address ranges or country codes, joined by a comma."),
    ),
    _POLICY,
    may_be_empty=True,
)

ENTRA_APPLICATION = Table(
    "entra_application",
    "Applications that may act in the tenant (service principals).",
    ("application_key",),
    (
        text("application_key", "Object id of the service principal."),
        text("tenant_key", "Tenant id.", "tenant", personal="id"),
        text("app_id", "Application (client) id, the same in every tenant.", "app"),
        text("name", "Name of the application.", "Neutral application"),
        text("kind", "Application, ManagedIdentity, Legacy or SocialIdp.", "Application"),
        flag("enabled", "accountEnabled: it may sign in.", True),
        text("owner", "Who wrote it: own (this tenant), microsoft, third_party, or unsaid.", "third_party"),
        text("owner_tenant_key", "Tenant of the publisher; empty when the record does not say."),
        text("publisher", "Name of the publisher, verified or as written; empty when there is none."),
        text("domains", "Host names of its home page and answer addresses, lower case, sorted, joined by a space."),
    ),
    _DIRECTORY,
)

ENTRA_CREDENTIAL = Table(
    "entra_credential",
    "Secrets and certificates of applications: never their value.",
    ("credential_key",),
    (
        text("credential_key", "Id of the holder and id of the key, joined by a slash."),
        text("holder_key", "Object id of the service principal or of the application registration."),
        text("holder_type", "service_principal or registration.", "registration"),
        text("app_id", "Application (client) id.", "app"),
        text("application_name", "Name of the application.", "Neutral application"),
        text("owner", "As in entra_application; own for a registration.", "own"),
        text("kind", "secret or certificate.", "secret"),
        time("starts_at", "First moment of validity."),
        time("ends_at", "Last moment of validity."),
    ),
    _DIRECTORY,
    may_be_empty=True,
)

ENTRA_PERMISSION = Table(
    "entra_permission",
    "What applications were allowed: application permissions, and delegated ones that everybody's consent covers or one user's.",
    ("application_key", "resource_key", "permission", "kind", "principal_key"),
    (
        text("application_key", "Service principal that holds the permission."),
        text("resource_key", "Service principal of the interface it opens."),
        text("resource_name", "Name of that interface.", "Microsoft Graph"),
        text("permission", "Name of the permission, or its id when the interface does not name it.", "User.Read.All"),
        text("kind", "application (acts alone) or delegated (acts for a signed-in user).", "application"),
        text("principal_key", "User a delegated permission speaks for; empty when it speaks for everybody, or for none.", personal="id"),
        text(
            "tier",
            "directory (can take over the tenant), content (reads or writes mail, files or messages of everybody) or other "
            "(lists of auditor/collect/entra_tiers.py).",
            "other",
        ),
    ),
    _DIRECTORY,
    may_be_empty=True,
)

TABLES = (
    ENTRA_TENANT,
    ENTRA_METHOD,
    ENTRA_USER,
    ENTRA_ACTIVITY,
    ENTRA_REGISTRATION,
    ENTRA_ROLE_HOLDER,
    ENTRA_GROUP_MEMBER,
    ENTRA_POLICY,
    ENTRA_POLICY_SCOPE,
    ENTRA_LOCATION,
    ENTRA_APPLICATION,
    ENTRA_CREDENTIAL,
    ENTRA_PERMISSION,
)

ENTRA_USER_KIND = Table(
    "entra_user_kind",
    "What stands behind each user of the tenant, by the patterns of audit.yaml that also serve the directory.",
    ("user_key",),
    (
        text("user_key", "Object id of the user.", personal="id"),
        text(
            "kind",
            "person, generic, service, vendor, device, break_glass, guest, or system (synchronisation, rooms).",
            "person",
            declared="kinds",
        ),
    ),
    _INPUTS,
    ("entra_user",),
)

ENTRA_PRIVILEGED = Table(
    "entra_privileged",
    "Users and applications that hold a privileged role, active or eligible, directly or through a group: one row each.",
    ("principal_key",),
    (
        text("principal_key", "User or service principal.", personal="id"),
        text("roles", "Names of these roles, sorted, joined by a comma.", "Global Administrator"),
        flag("permanent", "At least one is active without end and without having been activated.", True),
    ),
    _INPUTS,
    ("entra_role_holder",),
    may_be_empty=True,
)

APPLICATION_SUPPLIER = Table(
    "application_supplier",
    "Applications of other companies and the supplier of audit.yaml they belong to; applications of no declared supplier have no row.",
    ("application_key",),
    (
        text("application_key", "Service principal."),
        text("company", "Supplier, as declared.", "Neutral Ltd"),
        text("matched_by", "application_id, tenant, publisher or domain.", "domain"),
        time("ends_at", "Last day of the contract; NULL with open_ended true when it has no end.", absent_when="open_ended"),
        flag("open_ended", "The contract has no end date."),
    ),
    _INPUTS,
    ("entra_application",),
    may_be_empty=True,
)

IDENTITY = Table(
    "identity",
    "Which accounts belong to one person: one row per account of the directory and per user of Entra ID.",
    ("account_key",),
    (
        text("account_key", "Account (SID) or user (object id).", personal="id"),
        text("account_type", "directory or entra.", "directory"),
        text("identity_key", "The same for all accounts of one person or thing.", personal="id"),
        text(
            "matched_by",
            "What ties it to the others: anchor (SID of the synchronised account), professional_id, hr_number, mail, or none.",
            "none",
        ),
    ),
    _INPUTS,
    ("account", "hr_contract", "entra_user"),
)

AUTHENTICATION_STRENGTH = Table(
    "authentication_strength",
    "The strongest proof each account can give, over all sources: one row per account of the directory and per user of Entra ID.",
    ("account_key",),
    (
        text("account_key", "Account (SID) or user (object id).", personal="id"),
        text("account_type", "directory or entra.", "directory"),
        text("strength", "phishing_resistant, app (application or token), phone or none (a password only).", "none"),
        text(
            "evidence",
            "Fact that decided: smartcard_required, has_key_credential, has_certificate_mapping, oath_token, registration (of Entra ID) "
            "or none.",
            "none",
        ),
    ),
    _INPUTS,
    ("account",),
    enriched_by=("entra_user", "entra_registration", "otp_token"),
    summary=True,
)

DERIVED_TABLES = (ENTRA_USER_KIND, ENTRA_PRIVILEGED, APPLICATION_SUPPLIER, IDENTITY, AUTHENTICATION_STRENGTH)
