"""Which roles and permissions of Entra ID can take over the tenant, or read everybody's content: data, restated from public lists.

Sources: privilegeLevel 4 of Microsoft's own permission map (microsoft-graph-devx-content, MIT) united with the critical and high ratings of
CISA's ScubaGear (CC0); roles that Microsoft marks as privileged.
"""

from __future__ import annotations

import re

GLOBAL_ADMINISTRATOR = "62e90394-69f5-4237-9190-012177145e10"
MICROSOFT_TENANT = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"
"""Tenant that owns Microsoft's own applications."""

PRIVILEGED_ROLES = frozenset(
    (
        GLOBAL_ADMINISTRATOR,
        "e8611ab8-c189-46e8-94e1-60213ab1f814",  # Privileged Role Administrator
        "7be44c8a-adaf-4e2a-84d6-ab2649e08a13",  # Privileged Authentication Administrator
        "fe930be7-5e62-47db-91af-98c3a49a38b1",  # User Administrator
        "c4e39bd9-1100-46d3-8c65-fb160da0071f",  # Authentication Administrator
        "194ae4cb-b126-40b2-bd5b-6091b380977d",  # Security Administrator
        "b1be1c3e-b65d-4f19-8427-f6fa0d97feb9",  # Conditional Access Administrator
        "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3",  # Application Administrator
        "158c047a-c907-4556-b7ef-446551a6b5f7",  # Cloud Application Administrator
        "8ac3fc64-6eca-42ea-9e69-59f4c7b60eb2",  # Hybrid Identity Administrator
        "29232cdf-9323-42fd-ade2-1d097af3e4de",  # Exchange Administrator
        "f28a1f50-f6e7-4571-818b-6a12f2af6b6c",  # SharePoint Administrator
        "729827e3-9c14-49f7-bb1b-9608f156bbb8",  # Helpdesk Administrator
        "966707d0-3269-4727-9be2-8c3a10f19b9d",  # Password Administrator
        "3a2c62db-5318-420d-8d74-23affee5d9d5",  # Intune Administrator
        "8329153b-31d0-4727-b945-745eb3bc5f31",  # Domain Name Administrator
        "be2f45a1-457d-42af-a067-6ec1fa63bc45",  # External Identity Provider Administrator
        "9360feb5-f418-4baa-8175-e2a00bac4301",  # Directory Writers
        "e00e864a-17c5-4a4b-9c06-f5b95a8d5bd8",  # Partner Tier2 Support
    )
)
"""Template ids, the same in every tenant, of roles that can reset an administrator, grant roles, or change who is let in."""

_DIRECTORY = """
AppRoleAssignment.ReadWrite.All Application.ReadWrite.All ConsentRequest.ReadWrite.All CustomAuthenticationExtension.ReadWrite.All
CustomSecAttributeAssignment.ReadWrite.All CustomSecAttributeDefinition.ReadWrite.All CustomSecAttributeProvisioning.ReadWrite.All
DelegatedAdminRelationship.ReadWrite.All DelegatedPermissionGrant.ReadWrite.All Device.ReadWrite.All
DeviceManagementConfiguration.Read.All Directory.ReadWrite.All Domain.ReadWrite.All Domain-InternalFederation.ReadWrite.All
EduRoster.ReadWrite.All EntitlementManagement.ReadWrite.All Group.ReadWrite.All GroupMember.ReadWrite.All IdentityProvider.ReadWrite.All
IdentityRiskyUser.ReadWrite.All IdentityUserFlow.ReadWrite.All LicenseAssignment.ReadWrite.All MutualTlsOauthConfiguration.ReadWrite.All
NetworkAccess.ReadWrite.All OnPremDirectorySynchronization.ReadWrite.All Organization.ReadWrite.All
Policy.ReadWrite.AuthenticationMethod Policy.ReadWrite.Authorization Policy.ReadWrite.ConditionalAccess Policy.ReadWrite.ConsentRequest
Policy.ReadWrite.CrossTenantAccess Policy.ReadWrite.PermissionGrant Policy.ReadWrite.SecurityDefaults Policy.ReadWrite.TrustFramework
RoleAssignmentSchedule.ReadWrite.Directory RoleEligibilitySchedule.ReadWrite.Directory RoleManagement.ReadWrite.Defender
RoleManagement.ReadWrite.Directory RoleManagement.ReadWrite.Exchange RoleManagementPolicy.ReadWrite.Directory
SignInIdentifier.ReadWrite.All Synchronization.ReadWrite.All TrustFrameworkKeySet.ReadWrite.All User-ConvertToInternal.ReadWrite.All
User-PasswordProfile.ReadWrite.All User.DeleteRestore.All User.EnableDisableAccount.All User.ManageIdentities.All User.ReadWrite.All
UserAuthenticationMethod.ReadWrite.All AgentIdentity.Create.All AgentIdentity.CreateAsManager AgentIdentityBlueprint.Create
AgentIdentityBlueprintPrincipal.Create Directory.AccessAsUser.All Tenant.ReadWrite.All
"""
_CONTENT = """
Mail.ReadWrite Mail-Advanced.ReadWrite.All Mail.Read Mail.Send MailboxItem.Read.All MailboxFolder.ReadWrite.All MailboxSettings.ReadWrite
Files.ReadWrite.All Files.Read.All Sites.FullControl.All Sites.Manage.All Sites.ReadWrite.All Sites.Read.All Calendars.Read
Calendars.ReadWrite ChannelMessage.Read.All ChannelMessage.Read.Group Chat.Read.All Chat.ReadWrite.All Group-Conversation.Read.All
Group-Conversation.ReadWrite.All Tasks.ReadWrite.All PrintJob.ReadWrite.All Teamwork.Migrate.All EngagementConversation.Migration.All
SharePointCrossTenantMigration.Manage.All BackupRestore-Configuration.Read.All BackupRestore-Configuration.ReadWrite.All
BackupRestore-Control.Read.All BackupRestore-Control.ReadWrite.All BackupRestore-Restore.Read.All BackupRestore-Restore.ReadWrite.All
BackupRestore-Search.Read.All full_access_as_app Exchange.ManageAsApp Exchange.ManageAsAppV2 AllSites.FullControl AllSites.Write
"""
_SIGN_IN_ONLY = frozenset(("openid", "profile", "email", "offline_access"))
_ONLY_READS = re.compile(r"[A-Za-z0-9-]+\.(Read|ReadBasic)(\.[A-Za-z]+)*")
_DIRECTORY_NAMES = frozenset(_DIRECTORY.split())
_CONTENT_NAMES = frozenset(_CONTENT.split())


def tier(permission: str) -> str:
    """directory, content or other; application and delegated permissions bear the same names."""
    if permission in _DIRECTORY_NAMES or (permission.startswith("UserAuthMethod-") and permission.endswith(".ReadWrite.All")):
        return "directory"
    return "content" if permission in _CONTENT_NAMES else "other"


def only_reads(permission: str) -> bool:
    """Whether a permission of a token is known to change nothing: `Object.Read`, `Object.ReadBasic`, with or without a reach after it
    (`.All`, `.Directory`), or one that only signs in. Whatever is named otherwise counts as writing, known or not."""
    return permission in _SIGN_IN_ONLY or _ONLY_READS.fullmatch(permission) is not None
