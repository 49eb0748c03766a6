"""What a directory says: accounts, groups, memberships, policies, security descriptors.

Keys. `account_key` and `group_key` are the objectSid as text; a well-known SID that every domain shares (S-1-5-32-…) is
qualified by its domain: `<domain SID>/S-1-5-32-544`. Everyone (S-1-1-0), Authenticated Users (S-1-5-11) and the like are not
objects of a domain and stay as they are. Sources of meaning: MS-ADTS 2.2.16 (userAccountControl), 3.1.1.4 (SIDs), MS-DTYP 2.4.
"""

from __future__ import annotations

from auditor.model import Text
from auditor.tables.schema import Table, flag, integer, text, time

_READ = Text(
    en="Read the directory with an account that may read all properties of users, groups and computers: "
    "(A;CI;LCRPRC;;;<audit group>) on the domain.",
    fr="Lire l’annuaire avec un compte qui peut lire toutes les propriétés des utilisateurs, groupes et ordinateurs : "
    "(A;CI;LCRPRC;;;<groupe d’audit>) sur le domaine.",
)
_READ_PSO = Text(
    en="Let the audit group read the password settings: (A;CI;LCRPLORC;;;<audit group>) on CN=Password Settings Container,CN=System.",
    fr="Autoriser le groupe d’audit à lire les stratégies de mot de passe affinées : "
    "(A;CI;LCRPLORC;;;<groupe d’audit>) sur CN=Password Settings Container,CN=System.",
)
_READ_SD = Text(
    en="Let the audit account read the permissions (owner and DACL) of directory objects, or export nTSecurityDescriptor with the LDIF.",
    fr="Autoriser le compte d’audit à lire les permissions (propriétaire et DACL) des objets, "
    "ou exporter nTSecurityDescriptor avec le LDIF.",
)

ACCOUNT = Table(
    "account",
    "Every principal that can sign in: users, computers and managed service accounts.",
    ("account_key",),
    (
        text("account_key", "Stable id: the objectSid as text.", personal="id"),
        text("source", "Where the row came from, for example ad:chu-valdore.test.", "ad:test"),
        text("domain_sid", "SID of the account's domain.", "S-1-5-21-1-2-3", personal="id"),
        text("object_guid", "objectGUID in 8-4-4-4-12 form, lower case.", personal="id"),
        integer("rid", "Last part of the SID (500 Administrator, 501 Guest, 502 krbtgt).", 5001),
        text("object_class", "user, computer, gmsa, msa or dmsa.", "user"),
        text("sam_account_name", "Logon name, as written in the directory.", "neutral", personal="login"),
        text("user_principal_name", "Logon name in mail form; empty when there is none.", personal="mail"),
        text("display_name", "Name shown to people; empty when there is none.", "Neutral", personal="person"),
        text("given_name", "First name; empty when there is none.", personal="person"),
        text("surname", "Family name; empty when there is none.", personal="person"),
        text("mail", "Primary mail address; empty when there is none.", personal="mail"),
        text("department", "Department or care unit; empty when there is none."),
        text("distinguished_name", "Where the object lies; moves with renames, never a key.", "CN=Neutral,DC=test", personal="id"),
        text("parent_dn", "Container of the object.", "DC=test", personal="id"),
        text(
            "employee_id",
            "HR number as found in the declared attribute (employeeID by default); empty when there is none.",
            personal="number",
        ),
        text(
            "professional_id_raw",
            "National professional id as found in the declared attributes; empty when there is none.",
            personal="number",
        ),
        flag("enabled", "userAccountControl bit 0x2 is not set.", True),
        time("created_at", "When the object was created."),
        time(
            "password_last_set_at",
            "Last password change; NULL with password_never_set true when there was none.",
            absent_when="password_never_set",
        ),
        flag("password_never_set", "pwdLastSet is 0: the password must be changed at next logon or was never set."),
        time(
            "last_sign_in_at",
            "lastLogonTimestamp: replicated, up to 14 days behind; NULL with never_signed_in true when there was none.",
            absent_when="never_signed_in",
        ),
        flag("never_signed_in", "No sign-in is recorded."),
        time("expires_at", "Account expiry date; NULL with never_expires true when there is none.", absent_when="never_expires"),
        flag("never_expires", "The account has no expiry date.", True),
        flag("password_not_required", "userAccountControl bit 0x20: an empty password is accepted."),
        flag("password_never_expires", "userAccountControl bit 0x10000."),
        flag("reversible_encryption", "userAccountControl bit 0x80: the password can be read back."),
        flag("preauth_not_required", "userAccountControl bit 0x400000: Kerberos pre-authentication is off."),
        flag("unconstrained_delegation", "userAccountControl bit 0x80000: trusted for delegation to any service."),
        flag("protocol_transition", "userAccountControl bit 0x1000000: may impersonate without the user's password."),
        flag("not_delegated", "userAccountControl bit 0x100000: sensitive, cannot be delegated."),
        flag("smartcard_required", "userAccountControl bit 0x40000: interactive sign-in needs a card."),
        flag("has_key_credential", "msDS-KeyCredentialLink holds at least one key (Windows Hello, FIDO2)."),
        flag("has_certificate_mapping", "altSecurityIdentities maps at least one certificate or card."),
        flag("is_domain_controller", "userAccountControl bit 0x2000 or 0x4000000: writable or read-only domain controller."),
        flag("has_admin_count", "adminCount is 1: the directory treats or treated the account as protected."),
        integer("primary_group_rid", "primaryGroupID: 513 for users, 515 for computers, 516 for domain controllers.", 513),
        integer("encryption_types", "msDS-SupportedEncryptionTypes; 0 when the attribute is absent."),
        text(
            "secret_in_attribute", "Name of the free-text attribute that seems to hold a password, never its value; empty when none does."
        ),
        text("operating_system", "Operating system of a computer; empty for people."),
        text("dns_host_name", "DNS name of a computer, lower case; empty for people.", personal="host"),
    ),
    _READ,
)

ACCOUNT_SPN = Table(
    "account_spn",
    "Service principal names: the services an account answers for.",
    ("account_key", "spn"),
    (
        text("account_key", "Account that holds the name.", personal="id"),
        text("spn", "The name as written, for example MSSQLSvc/db1.chu.test:1433.", "HTTP/neutral.test", personal="host"),
    ),
    _READ,
)

DELEGATION_TARGET = Table(
    "delegation_target",
    "Services an account may use in somebody else's name (msDS-AllowedToDelegateTo).",
    ("account_key", "spn"),
    (
        text("account_key", "Account that may delegate.", personal="id"),
        text("spn", "Target service as written.", "cifs/neutral.test", personal="host"),
        text("target_host", "Host part of the target, lower case, without port and realm.", "neutral.test", personal="host"),
    ),
    _READ,
    may_be_empty=True,
)

DELEGATION_TRUSTEE = Table(
    "delegation_trustee",
    "Who may impersonate users towards an account (msDS-AllowedToActOnBehalfOfOtherIdentity).",
    ("account_key", "trustee_key"),
    (
        text("account_key", "Account, usually a computer, that accepts the impersonation.", personal="id"),
        text("trustee_key", "SID allowed to impersonate.", personal="id"),
    ),
    _READ,
    may_be_empty=True,
)

DIRECTORY_GROUP = Table(
    "directory_group",
    "Every group of the directory, security or distribution.",
    ("group_key",),
    (
        text("group_key", "Stable id: objectSid, well-known ones qualified by their domain.", personal="id"),
        text("source", "Where the row came from.", "ad:test"),
        text("domain_sid", "SID of the group's domain.", "S-1-5-21-1-2-3", personal="id"),
        text("sid", "objectSid as stored, for example S-1-5-32-544.", "S-1-5-21-1-2-3-6001", personal="id"),
        integer("rid", "Last part of the SID (512 Domain Admins, 544 Administrators).", 6001),
        text("object_guid", "objectGUID in 8-4-4-4-12 form, lower case.", personal="id"),
        text("sam_account_name", "Name, possibly translated or renamed.", "neutral group"),
        text("distinguished_name", "Where the object lies.", "CN=Neutral group,DC=test", personal="id"),
        text("scope", "global, domain_local, universal or builtin.", "global"),
        flag("security_enabled", "False for a mail distribution list.", True),
        time("created_at", "When the object was created."),
    ),
    _READ,
)

GROUP_MEMBER = Table(
    "group_member",
    "Direct memberships, the primary group included.",
    ("group_key", "member_key"),
    (
        text("group_key", "Group.", personal="id"),
        text("member_key", "Account or group key, a foreign or well-known SID, or dn:<DN> for an object without SID.", personal="id"),
        text("member_type", "account, group, foreign (another domain), well_known (Everyone…) or other.", "account"),
        flag("primary_group", "The membership comes from primaryGroupID and shows in no member list."),
    ),
    _READ,
)

DOMAIN = Table(
    "domain",
    "One row per domain: its default password policy and its switches.",
    ("domain_sid",),
    (
        text("domain_sid", "SID of the domain.", "S-1-5-21-1-2-3", personal="id"),
        text("source", "Where the row came from.", "ad:test"),
        text("dns_name", "DNS name of the domain.", "test", personal="domain"),
        integer("functional_level", "msDS-Behavior-Version: 4 is 2008 R2, 6 is 2012 R2, 7 is 2016.", 7),
        integer("min_password_length", "Shortest password accepted, in characters.", 14),
        integer("password_history_length", "Old passwords remembered.", 24),
        integer(
            "max_password_age_days",
            "Days before a password expires; NULL with passwords_never_expire true when never.",
            180,
            absent_when="passwords_never_expire",
        ),
        flag("passwords_never_expire", "The default policy sets no age limit."),
        integer("min_password_age_days", "Days before a password may be changed again.", 1),
        flag("complexity_enabled", "pwdProperties bit 1: character classes are demanded.", True),
        flag("reversible_encryption", "pwdProperties bit 16: passwords can be read back."),
        integer("lockout_threshold", "Failures before an account locks; 0 is never.", 5),
        integer("lockout_window_minutes", "Minutes after which failures are forgotten.", 30),
        integer("machine_account_quota", "Computers any user may add to the domain."),
        text("ds_heuristics", "dSHeuristics of the forest; empty when unset."),
        flag("recycle_bin_enabled", "Deleted objects can be brought back whole.", True),
    ),
    _READ,
)

PASSWORD_SETTINGS = Table(
    "password_settings",
    "Fine-grained password policies (password settings objects).",
    ("policy_key",),
    (
        text("policy_key", "objectGUID of the policy.", "00000000-0000-0000-0000-000000000001"),
        text("source", "Where the row came from.", "ad:test"),
        text("name", "Name of the policy.", "neutral policy"),
        integer("precedence", "Lower wins when several apply.", 10),
        integer("min_password_length", "Shortest password accepted, in characters.", 16),
        integer("password_history_length", "Old passwords remembered.", 24),
        integer(
            "max_password_age_days",
            "Days before a password expires; NULL with passwords_never_expire true when never.",
            180,
            absent_when="passwords_never_expire",
        ),
        flag("passwords_never_expire", "The policy sets no age limit."),
        flag("complexity_enabled", "Character classes are demanded.", True),
        flag("reversible_encryption", "Passwords can be read back."),
        integer("lockout_threshold", "Failures before an account locks; 0 is never.", 5),
        integer("target_count", "Groups and accounts the policy is linked to.", 1),
    ),
    _READ_PSO,
    may_be_empty=True,
)

DIRECTORY_OBJECT = Table(
    "directory_object",
    "Every object whose permissions were asked for, and which descriptor it carries.",
    ("object_key",),
    (
        text("object_key", "Account or group key; domain SID for the domain; objectGUID for anything else.", personal="id"),
        text("source", "Where the row came from.", "ad:test"),
        text("object_class", "Most specific class, for example user, group, domainDNS, container.", "user"),
        text("distinguished_name", "Where the object lies.", "CN=Neutral,DC=test", personal="id"),
        text(
            "sd_id",
            "Descriptor of the object: first 32 hex digits of its SHA-256; NULL when it could not be read.",
            "00000000000000000000000000000000",
        ),
    ),
    _READ_SD,
)

SECURITY_DESCRIPTOR = Table(
    "security_descriptor",
    "Each distinct security descriptor once (MS-DTYP 2.4.6).",
    ("sd_id",),
    (
        text("sd_id", "First 32 hex digits of the SHA-256 of its bytes.", "00000000000000000000000000000000"),
        text("owner_sid", "SID of the owner.", "S-1-5-21-1-2-3-512", personal="id"),
        text("dacl", "present, or null: without a list everybody may do everything.", "present"),
        flag("dacl_protected", "Permissions of the container are not inherited."),
    ),
    _READ_SD,
)

ACCESS_ENTRY = Table(
    "access_entry",
    "The access list of each distinct descriptor, in stored order (MS-DTYP 2.4.4).",
    ("sd_id", "position"),
    (
        text("sd_id", "Descriptor the entry belongs to.", "00000000000000000000000000000000"),
        integer("position", "Place in the list, from 0: the first decision for a right wins."),
        flag("allow", "True grants, false denies.", True),
        integer("mask", "Access mask (256 extended right, 32 write property, 262144 change permissions, 524288 take ownership).", 16),
        text("object_type", "GUID of the right, property, property set or class, lower case; empty for all."),
        text("inherited_object_type", "GUID of the class the entry is meant for, lower case; empty for all."),
        text("trustee_sid", "Who the entry is about.", "S-1-5-11", personal="id"),
        flag("inherited", "The entry comes from a container."),
        flag("inherit_only", "The entry acts on children only."),
    ),
    _READ_SD,
)

TABLES = (
    ACCOUNT,
    ACCOUNT_SPN,
    DELEGATION_TARGET,
    DELEGATION_TRUSTEE,
    DIRECTORY_GROUP,
    GROUP_MEMBER,
    DOMAIN,
    PASSWORD_SETTINGS,
    DIRECTORY_OBJECT,
    SECURITY_DESCRIPTOR,
    ACCESS_ENTRY,
)
