"""What accounts did: sign-ins, changes to accounts and groups, and which hours of which log were really received.

No column of these tables is NULL in a row that could be read: what a record does not say is an empty text or the word `unsaid`.
Windows event numbers and status codes: Microsoft, "Appendix L: Events to Monitor"; Samba writes the same numbers in its JSON log.
"""

from __future__ import annotations

from auditor.model import Text
from auditor.tables.schema import Table, flag, integer, text, time

_LOGS = Text(
    en="Export the Security log of every domain controller (wevtutil epl Security), or the JSON audit log of Samba (log level 1 "
    "auth_json_audit:5 dsdb_group_json_audit:5), under a source of type evtx or samba_log.",
    fr="Exporter le journal Sécurité de chaque contrôleur de domaine (wevtutil epl Security), ou le journal d’audit JSON de Samba "
    "(log level 1 auth_json_audit:5 dsdb_group_json_audit:5), dans une source de type evtx ou samba_log.",
)

SIGN_IN = Table(
    "sign_in",
    "Every attempt to sign in that a log recorded, successful or not.",
    ("source", "record_ref"),
    (
        text("source", "Name of the source in audit.yaml.", "log:test"),
        text("record_ref", "File and number of the record, for example dc1.evtx:4711."),
        time("occurred_at", "When it happened."),
        integer("event_id", "Windows event number; 0 when the source has none.", 4624),
        text(
            "activity",
            "logon, ticket (Kerberos sign-in), service_ticket, ntlm (a controller checked an NTLM password), session, remote, or explicit "
            "(a session gave the credentials of an account: Windows event 4648).",
            "logon",
        ),
        text("outcome", "success or failure; attempt for explicit, whose end another record tells.", "success"),
        text(
            "reason",
            "Of a failure: bad_password, no_such_user, disabled, expired, locked, hours, workstation, blocked (one Kerberos code for "
            "disabled, expired, locked and hours), mfa, policy, other, or unsaid, which may be any of them; empty for a success.",
        ),
        text("reason_code", "Code of the source behind the reason, lower case; empty when there is none."),
        text(
            "account_name",
            "Logon name, lower case, without domain; empty when the record names nobody. Of a name that does not exist `?` and a number are "
            "kept in its place, the same in the whole snapshot: people type their password there.",
            "neutral",
            personal="login",
        ),
        text(
            "account_domain",
            "Domain or realm as written, lower case; empty when unsaid or when the name does not exist.",
            personal="domain",
        ),
        text("account_sid", "SID of the account; empty when unsaid.", personal="id"),
        text(
            "logon_type",
            "interactive, network, batch, service, unlock, cleartext, new_credentials, remote_interactive, cached, remote, cloud or unsaid.",
            "network",
        ),
        text("protocol", "kerberos, ntlm, ntlm_v1, ldap, smb, password, certificate or unsaid.", "unsaid"),
        text(
            "host",
            "Machine signed in to, else the controller; for a service ticket what it is for. Lower case, first label of a name.",
            "dc1",
            personal="host",
        ),
        text(
            "origin",
            "Where the attempt came from: address, else machine name in lower case; empty when unsaid or the machine itself. "
            "For explicit, always the machine on which the credentials were given.",
            personal="host",
        ),
        text("country", "Country of the origin, two letters; empty when unsaid."),
        text("latitude", "Degrees north of the origin with two decimals, for example 48.86; empty when unsaid."),
        text("longitude", "Degrees east of the origin with two decimals; empty when unsaid."),
        text("device", "Number, else name, of the device signed in with, lower case; empty when unsaid.", personal="host"),
        text("application", "Application signed in to; empty when unsaid."),
        text("mfa", "Second factor: satisfied, not_satisfied or unsaid.", "unsaid"),
        text(
            "actor_name",
            "For explicit: logon name of the session that gave the credentials, lower case; empty for the others.",
            personal="login",
        ),
        text("actor_sid", "For explicit: SID of that session's account; empty for the others.", personal="id"),
        flag("from_profile", "For explicit: the program that gave them lies in a person's own folder, where no administrator installs."),
        flag("repeated", "The same attempt as another record of this log: Windows writes one wrong NTLM password as 4776 and as 4625."),
    ),
    _LOGS,
    events=True,
)

DIRECTORY_CHANGE = Table(
    "directory_change",
    "Every change to an account, a group or to logging itself that a log recorded.",
    ("source", "record_ref"),
    (
        text("source", "Name of the source in audit.yaml.", "log:test"),
        text("record_ref", "File and number of the record."),
        time("occurred_at", "When it happened."),
        integer("event_id", "Windows event number.", 4728),
        text(
            "operation",
            "group_add, group_remove, account_created, account_deleted, account_enabled, account_disabled, account_changed, "
            "account_renamed, account_locked, password_change, password_reset, log_cleared or audit_policy_changed.",
            "group_add",
        ),
        text("actor_name", "Who did it: logon name, lower case, without domain; empty when unsaid.", personal="login"),
        text("actor_sid", "SID of who did it; empty when unsaid.", personal="id"),
        text("target_name", "Account that was changed: logon name, or the log that was cleared; empty when unsaid.", personal="login"),
        text("target_sid", "SID of the account that was changed; empty when unsaid.", personal="id"),
        text("target_dn", "Distinguished name of the account that was changed; empty when unsaid.", personal="id"),
        text("group_name", "Group that was changed; empty when none was or unsaid."),
        text("group_sid", "SID of that group; empty when none was or unsaid.", personal="id"),
        text("group_dn", "Distinguished name of that group; empty when none was or unsaid.", personal="id"),
        text("host", "Machine that wrote the record; lower case, first label of its name.", "dc1", personal="host"),
        text("origin", "Address the change came from; empty when unsaid.", personal="host"),
    ),
    _LOGS,
    events=True,
)

EVENT_COVERAGE = Table(
    "event_coverage",
    "Which hours of which machine's log were received: one row per hour with at least one record.",
    ("source", "host", "hour"),
    (
        text("source", "Name of the source in audit.yaml.", "log:test"),
        text("host", "Machine that wrote the records; lower case, first label of its name.", "dc1", personal="host"),
        time("hour", "Start of the hour."),
        text("log_type", "windows, samba, csv or graph.", "windows"),
        integer("records", "Records received, of any kind.", 1),
        time("first_at", "First record of the hour."),
        time("last_at", "Last record of the hour."),
    ),
    _LOGS,
    events=True,
)

TABLES = (SIGN_IN, DIRECTORY_CHANGE, EVENT_COVERAGE)

_INPUTS = Text(
    en="This table is computed: complete the logs and the directory it comes from.",
    fr="Cette table est calculée : compléter les journaux et l’annuaire dont elle provient.",
)

SIGN_IN_PLACE = Table(
    "sign_in_place",
    "Every address and machine that sign-ins came from or went to: one row each.",
    ("place",),
    (
        text("place", "Address, else machine name in lower case.", personal="host"),
        flag("is_origin", "At least one sign-in came from it.", True),
        flag("shared", "Declared in audit.yaml as used by many people (remote access gateway, scanner), and the entry has not expired."),
        text("unit", "Care unit by the patterns of audit.yaml; empty when none fits."),
        text("pole", "Its group of care units; empty when none fits."),
        text("site", "Building or town of that unit; empty when none fits or audit.yaml does not say."),
    ),
    _INPUTS,
    ("sign_in",),
)

ACCOUNT_UNIT = Table(
    "account_unit",
    "The care unit that each account belongs to, by the patterns of audit.yaml: one row per account.",
    ("account_key",),
    (
        text("account_key", "Account.", personal="id"),
        text("unit", "Care unit; empty when no pattern fits."),
        text("pole", "Its group of care units; empty when no pattern fits."),
    ),
    _INPUTS,
    ("account",),
)

ACCOUNT_SIGN_IN = Table(
    "account_sign_in",
    "Sign-ins of accounts of the directory, joined by SID, else by name; repeated records are left out.",
    ("source", "record_ref"),
    (
        text("source", "Name of the source in audit.yaml.", "log:test"),
        text("record_ref", "File and number of the record."),
        text("account_key", "Account of the directory.", personal="id"),
        time("occurred_at", "When it happened."),
        text("outcome", "success or failure.", "success"),
        text("reason", "Why a failure failed; empty for a success."),
        text("activity", "logon, ticket, service_ticket, ntlm, session or remote.", "logon"),
        text("logon_type", "How, for example interactive, network or remote.", "network"),
        text("origin", "Where it came from; empty when unsaid.", personal="host"),
        text("host", "Machine that was signed in to.", "dc1", personal="host"),
        text(
            "place",
            "Where the person sat: the machine itself for an interactive sign-in, else the origin; empty when unsaid.",
            personal="host",
        ),
        text("place_unit", "Care unit of that place; empty when none fits."),
        text("place_pole", "Its group of care units; empty when none fits."),
        text("place_site", "Building or town of that unit; empty when none fits or audit.yaml does not say."),
        flag("place_shared", "That place is declared in audit.yaml as used by many people, and the entry has not expired."),
        text("country", "Country of the origin, two letters; empty when unsaid."),
        flag("abroad", "The country is said and is none of establishment.countries of audit.yaml."),
        integer("latitude", "Hundredths of a degree north of the origin; NULL with unlocated true when unsaid.", absent_when="unlocated"),
        integer("longitude", "Hundredths of a degree east of the origin; NULL with unlocated true when unsaid.", absent_when="unlocated"),
        flag("unlocated", "The log does not say the position of the origin."),
        text("device", "Number, else name, of the device signed in with; empty when unsaid.", personal="host"),
        flag("in_drill", "It falls in a drill declared in audit.yaml."),
    ),
    _INPUTS,
    ("sign_in", "account"),
)

GROUP_CHANGE = Table(
    "group_change",
    "Every addition to and removal from a group that a log recorded, with group and member as the directory knows them.",
    ("source", "record_ref"),
    (
        text("source", "Name of the source in audit.yaml.", "log:test"),
        text("record_ref", "File and number of the record."),
        time("occurred_at", "When it happened."),
        text("operation", "group_add or group_remove.", "group_add"),
        text(
            "group_id",
            "SID of the group, else its distinguished name in lower case, qualified by machine for a local group.",
            personal="id",
        ),
        text("group_name", "Name of the group.", "neutral group"),
        integer("group_rid", "Last part of the SID; 0 when the group has none or is not known.", 6001),
        flag("privileged", "The group gives control of the domain, by its RID, or is a local administrators' group."),
        text("member_id", "SID of the member, else its distinguished name in lower case.", personal="id"),
        text("member_name", "Logon name of the member; empty when not known.", "neutral", personal="login"),
        text("actor_name", "Who did it: logon name; the SID when not known.", "neutral", personal="login"),
        text("host", "Machine that wrote the record.", "dc1", personal="host"),
        flag("by_setup", "Windows itself did it (S-1-5-18) within an hour of the first record of that machine: installation."),
    ),
    _INPUTS,
    ("directory_change", "event_coverage", "account", "directory_group"),
    may_be_empty=True,
)

LOG_SILENCE = Table(
    "log_silence",
    "Every machine whose log was received, and its longest silence at hours when it usually writes.",
    ("source", "host"),
    (
        text("source", "Name of the source in audit.yaml.", "log:test"),
        text("host", "Machine that wrote the records.", "dc1", personal="host"),
        integer("days", "Days between the first and the last record of the machine.", 28),
        integer("silent_hours", "Longest run of hours without any record although every other week has some at that hour."),
        time("silent_since", "Start of that run; the first record when there is none."),
    ),
    _INPUTS,
    ("event_coverage",),
)

ACCOUNT_HABIT = Table(
    "account_habit",
    "What each account used when it signed in with success: care units, countries and, for service accounts, origins. Now means the last "
    "monitoring.assessed_days of audit.yaml, before means all the logs hold of the time before. Shared places are left out.",
    ("account_key", "kind", "value"),
    (
        text("account_key", "Account.", personal="id"),
        text("kind", "unit, country or origin.", "unit"),
        text("value", "Care unit, country or origin; the empty text is a remote or cloud sign-in whose country is unsaid.", "neutral"),
        text("place", "One of the places it was used from or at; empty when unsaid.", personal="host"),
        time("first_at", "First use."),
        time("last_at", "Last use."),
        flag("used_before", "The account used it before."),
        flag("used_now", "The account used it now.", True),
        flag("known_before", "The account used anything of this kind before.", True),
        flag("domestic", "It is one of establishment.countries of audit.yaml."),
        integer("accounts", "Accounts that ever used it, this one included.", 1),
        integer("accounts_before", "Accounts that used it before, this one included."),
        integer(
            "baseline_days", "Days before now of which the logs that show the use hold records; that of the log which holds fewest.", 21
        ),
    ),
    _INPUTS,
    ("sign_in", "account", "event_coverage"),
    summary=True,
)

ACCOUNT_PEERS = Table(
    "account_peers",
    "For each care unit an account uses now: how many people of the same job used it before. Peers are the other personal accounts of that "
    "job which used any care unit before.",
    ("account_key", "unit"),
    (
        text("account_key", "Account.", personal="id"),
        text("unit", "Care unit that it uses now."),
        text("job", "Its job; empty when the HR file does not know the person.", "Infirmier"),
        integer("peers", "Peers; 0 without a job."),
        integer("peers_before", "Peers who used this care unit before."),
        integer("unit_peers", "Peers of the same care unit in the HR file."),
        integer("unit_peers_before", "Peers of the same care unit in the HR file who used this care unit before."),
    ),
    _INPUTS,
    ("sign_in", "account", "event_coverage", "hr_contract"),
    summary=True,
)

ORIGIN_REACH = Table(
    "origin_reach",
    "Every address and machine from which accounts of people and programs came in over the network now (the last monitoring.assessed_days "
    "of audit.yaml), and the most that happened within two hours. Cloud sign-ins, remote access and machines' own accounts are left out.",
    ("origin",),
    (
        text("origin", "Address, else machine name in lower case.", personal="host"),
        flag("shared", "Declared in audit.yaml as used by many people, and the entry has not expired."),
        integer("accounts", "Most accounts within two hours now.", 1),
        time("accounts_at", "When there were so many for the first time."),
        integer("usual_accounts", "99th percentile of the same number over its sign-ins before; 0 when it had none.", 1),
        integer("new_targets", "Most machines within two hours now that neither this origin nor the account had reached before."),
        time("targets_at", "When there were so many for the first time; accounts_at when there were none."),
        integer("baseline_days", "Days before now of which the logs that show it hold records; that of the log which holds fewest.", 21),
    ),
    _INPUTS,
    ("sign_in", "account", "event_coverage"),
    summary=True,
)

DERIVED_TABLES = (
    SIGN_IN_PLACE,
    ACCOUNT_UNIT,
    ACCOUNT_SIGN_IN,
    ACCOUNT_HABIT,
    ACCOUNT_PEERS,
    ORIGIN_REACH,
    GROUP_CHANGE,
    LOG_SILENCE,
)
