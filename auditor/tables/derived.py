"""Tables computed from collected ones (auditor/derive/), read by rules like any other; they inherit the coverage of their inputs."""

from __future__ import annotations

from auditor.model import Text
from auditor.tables.schema import Table, flag, integer, text, time

_INPUTS = Text(
    en="This table is computed: complete the sources it comes from.",
    fr="Cette table est calculée : compléter les sources dont elle provient.",
)

GROUP_CLOSURE = Table(
    "group_closure",
    "Which group lies inside which, through any nesting; every group also lies in itself at depth 0.",
    ("inner_group_key", "outer_group_key"),
    (
        text("inner_group_key", "Group that is inside.", personal="id"),
        text("outer_group_key", "Group it ends up in.", personal="id"),
        integer("depth", "Fewest nestings between them; 0 for the group itself."),
        flag("in_cycle", "Only on the row of a group with itself: the group contains itself through others."),
    ),
    _INPUTS,
    ("directory_group", "group_member"),
)

PRIVILEGED_MEMBERSHIP = Table(
    "privileged_membership",
    "Accounts that reach tier 0 by membership, nested or by primary group: one row per account and privileged group. "
    "Privileged groups are known by RID (512, 518, 519, 526, 527, 544, 548 to 552), so renamed and French ones count; domain controllers do not.",
    ("account_key", "group_key"),
    (
        text("account_key", "Account that holds the right.", personal="id"),
        text("group_key", "Privileged group reached.", personal="id"),
        integer("group_rid", "RID of that group.", 512),
        text("group_name", "Name of that group.", "Domain Admins"),
        integer("depth", "0 for a direct member, 1 through one group, and so on."),
        text("path", "Names from the first group to the privileged one, joined by ' > '.", "Domain Admins"),
    ),
    _INPUTS,
    ("account", "directory_group", "group_member"),
)

ACCOUNT_KIND = Table(
    "account_kind",
    "What stands behind each account, by the patterns of audit.yaml and by evidence.",
    ("account_key",),
    (
        text("account_key", "Account.", personal="id"),
        text("kind", "person, generic, service, vendor, device, break_glass, computer or system (built in).", "person", declared="kinds"),
        text("population", "For people: staff, intern, agency, student or partner; empty for the others.", "staff", declared="kinds"),
        text("evidence", "Pattern or fact that decided.", "default"),
    ),
    _INPUTS,
    ("account",),
)

GROUP_ROLE = Table(
    "group_role",
    "What the hospital uses a group for, by the patterns of audit.yaml.",
    ("group_key", "role"),
    (
        text("group_key", "Group.", personal="id"),
        text("role", "remote_access, clinical, prescriber, backup or hypervisor.", "clinical", declared="groups"),
    ),
    _INPUTS,
    ("directory_group",),
)

ACCOUNT_ROLE = Table(
    "account_role",
    "Which accounts hold which role through groups, nested ones included: one row per account and role.",
    ("account_key", "role"),
    (
        text("account_key", "Account.", personal="id"),
        text("role", "Role of the group, see group_role.", "clinical", declared="groups"),
        text("group_key", "The nearest group that gives the role.", personal="id"),
        text("group_name", "Name of that group.", "neutral group"),
    ),
    _INPUTS,
    ("account", "directory_group", "group_member"),
)

ACCOUNT_HR = Table(
    "account_hr",
    "Each account and the person the HR file knows behind it: one row per account, matched or not.",
    ("account_key",),
    (
        text("account_key", "Account.", personal="id"),
        text("matched_by", "hr_number, professional_id, or none.", "hr_number"),
        text("person_number", "HR number; empty when not matched.", "00001", personal="number"),
        text("status", "present, future, left, or none when not matched; several contracts count together.", "present"),
        text("contract_type", "Type of the contract that ends last; empty when not matched.", "CDI"),
        text("job", "Job of that contract as written in the file; empty when not matched.", "Infirmier"),
        text("unit_code", "Care unit code of that contract; empty when not matched."),
        time(
            "ends_at",
            "End of the contract that ends last; NULL with open_ended true when it has none or no contract is matched.",
            None,
            absent_when="open_ended",
        ),
        flag("open_ended", "The contract that ends last has no end, or no contract is matched.", True),
    ),
    _INPUTS,
    ("account", "hr_contract"),
)

ACCOUNT_PROFESSIONAL = Table(
    "account_professional",
    "Each account and its national professional id, from the directory or through the HR file: one row per account, with or without id.",
    ("account_key",),
    (
        text("account_key", "Account.", personal="id"),
        text("found_by", "exact_id (directory attribute), via_hr, or none.", "exact_id"),
        text(
            "professional_id",
            "Normalised id (RPPS, 11 digits); empty when there is none or it is malformed.",
            "99000000002",
            personal="number",
        ),
        text("id_status", "ok, idnps_given, legacy_adeli, finess_in_field, excel_damaged, bad_checksum, bad_format or missing.", "ok"),
    ),
    _INPUTS,
    ("account", "hr_contract"),
)

ACCOUNT_REGISTRY = Table(
    "account_registry",
    "Accounts with a valid professional id and what the registry says of it: one row per such account.",
    ("account_key",),
    (
        text("account_key", "Account.", personal="id"),
        text("professional_id", "Normalised id (RPPS, 11 digits).", "99000000002", personal="number"),
        flag("ever_seen", "An accepted release held this id.", True),
        flag("in_latest", "The latest accepted release holds it.", True),
        time("last_seen_at", "Last accepted release that holds it; NULL with never_seen true when none did.", absent_when="never_seen"),
        flag("never_seen", "No accepted release ever held this id."),
        text("profession_code", "Profession code; empty when never seen.", "10"),
        text("category_code", "C civil, M public agent, E student; empty when never seen.", "C"),
    ),
    _INPUTS,
    ("account", "hr_contract", "registry_release", "registry_person"),
)

CRITICAL_RIGHT = Table(
    "critical_right",
    "Who may take over the objects everything depends on, after evaluating the whole access list, Deny entries and owners included.",
    ("object_key", "trustee_key", "permission"),
    (
        text("object_key", "Object that could be taken over.", personal="id"),
        text("object_type", "domain, admin_sd_holder, domain_controller, privileged_group or privileged_account.", "domain"),
        text("object_name", "Name of the object.", "test"),
        text("trustee_key", "Account, group or well-known SID that holds the right.", personal="id"),
        text("trustee_name", "Its name, or the SID when it is not in the directory.", "neutral"),
        text(
            "permission",
            "dcsync, generic_all, write_dacl, write_owner, owner, generic_write, all_extended_rights, reset_password, "
            "write_member, write_spn, write_delegation, write_key_credential or null_dacl.",
            "write_dacl",
        ),
        flag("expected", "The trustee is one of the default holders of tier 0, or in tier 0 itself."),
    ),
    _INPUTS,
    ("account", "directory_group", "group_member", "domain", "directory_object", "security_descriptor", "access_entry"),
)

TABLES = (
    GROUP_CLOSURE,
    PRIVILEGED_MEMBERSHIP,
    ACCOUNT_KIND,
    GROUP_ROLE,
    ACCOUNT_ROLE,
    ACCOUNT_HR,
    ACCOUNT_PROFESSIONAL,
    ACCOUNT_REGISTRY,
    CRITICAL_RIGHT,
)
