"""The directory as an administrator's `ldapsearch -LLL -o ldif-wrap=no` would export it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from sample_data.generator import security
from sample_data.generator.builtin import FOUNDED, PROTECTED_GROUPS
from sample_data.generator.identifiers import base64_text, filetime, generalized, guid_bytes, sid_bytes
from sample_data.generator.membership import tier_0_accounts, tier_0_groups
from sample_data.generator.model import DN, DNS, DOMAIN_SID, Account, Group, Hospital, PasswordPolicy

Value = str | bytes
Entry = list[tuple[str, Value]]

NEVER = str(2**63 - 1)
CONFIGURATION = f"CN=Configuration,{DN}"
UNITS = (
    "Personnel", "Internes", "Interim", "Etudiants", "Partenaires", "Generiques", "Prestataires", "Services", "Biomedical",
    "Administration", "Secours", "Postes", "Serveurs", "Groupes",
)  # fmt: skip
_SCOPES = {"global": 2, "domain_local": 4, "universal": 8, "builtin": 5}
_CLASSES = {
    "user": ("top", "person", "organizationalPerson", "user"),
    "computer": ("top", "person", "organizationalPerson", "user", "computer"),
    "gmsa": ("top", "person", "organizationalPerson", "user", "computer", "msDS-GroupManagedServiceAccount"),
}

_FIRST_USN = 12_500
_FOUNDED: tuple[str, Value] = ("whenCreated", generalized(FOUNDED))


def text(hospital: Hospital) -> str:
    """The whole export."""
    parts = ["# fictitious data / donnees fictives\n"]
    for number, entry in enumerate(_entries(hospital), _FIRST_USN):
        parts += ["".join(_line(name, value) for name, value in [*entry, ("uSNChanged", str(number))]), "\n"]
    return "".join(parts[:-1])


def _entries(hospital: Hospital) -> Iterator[Entry]:
    yield _domain(hospital)
    for cn in ("Users", "Builtin", "ForeignSecurityPrincipals", "Managed Service Accounts", "System"):
        yield [("dn", f"CN={cn},{DN}"), *_classes("top", "builtinDomain" if cn == "Builtin" else "container"), _FOUNDED]
    for name in ("Domain Controllers", *UNITS):
        yield [("dn", f"OU={name},{DN}"), *_classes("top", "organizationalUnit"), _FOUNDED]
    yield [
        ("dn", f"CN=AdminSDHolder,CN=System,{DN}"), *_classes("top", "container"), ("objectGUID", guid_bytes("AdminSDHolder")), _FOUNDED,
        ("nTSecurityDescriptor", security.of_object(hospital, "admin_sd_holder")),
    ]  # fmt: skip
    for foreign in hospital.foreign:
        yield [("dn", foreign.dn), *_classes("top", "foreignSecurityPrincipal"), ("objectSid", sid_bytes(foreign.sid)), _FOUNDED]
    marked = tier_0_accounts(hospital)
    for account in hospital.accounts:
        described = account in marked or account.rid == 502 or account.is_domain_controller
        yield _account(account, security.of_object(hospital, account) if described else b"")
    protected = tier_0_groups(hospital)
    for group in hospital.groups:
        described = group in protected or group.rid in PROTECTED_GROUPS
        yield _group(group, security.of_object(hospital, group) if described else b"")
    yield [("dn", f"CN=Password Settings Container,CN=System,{DN}"), *_classes("top", "msDS-PasswordSettingsContainer"), _FOUNDED]
    for policy in hospital.policies:
        yield _policy(policy)
    yield [
        ("dn", f"CN=Directory Service,CN=Windows NT,CN=Services,{CONFIGURATION}"), *_classes("top", "nTDSService"),
        _FOUNDED, ("tombstoneLifetime", "180"), ("dSHeuristics", "0000002"),
    ]  # fmt: skip
    feature = f"CN=Recycle Bin Feature,CN=Optional Features,CN=Directory Service,CN=Windows NT,CN=Services,{CONFIGURATION}"
    yield [("dn", feature), *_classes("top", "msDS-OptionalFeature"), _FOUNDED]
    yield [("dn", f"CN=Partitions,{CONFIGURATION}"), *_classes("top", "crossRefContainer"), _FOUNDED, ("msDS-Behavior-Version", "4")]


def _classes(*names: str) -> Entry:
    """Object classes, and what every object has: an export that shows instanceType and uSNChanged was not cut down to a list of
    attributes."""
    return [*(("objectClass", name) for name in names), ("instanceType", "5" if "domainDNS" in names else "4")]


def _domain(hospital: Hospital) -> Entry:
    return [
        ("dn", DN), *_classes("top", "domain", "domainDNS"), ("dc", DNS.split(".")[0]), ("objectSid", sid_bytes(DOMAIN_SID)),
        ("objectGUID", guid_bytes("domain")), _FOUNDED, ("minPwdLength", "8"), ("pwdHistoryLength", "5"),
        ("pwdProperties", "0"), ("maxPwdAge", _interval(timedelta(days=180))), ("minPwdAge", "0"), ("lockoutThreshold", "0"),
        ("lockOutObservationWindow", _interval(timedelta(minutes=30))), ("lockoutDuration", _interval(timedelta(minutes=30))),
        ("ms-DS-MachineAccountQuota", "10"), ("msDS-Behavior-Version", "4"),
        ("nTSecurityDescriptor", security.of_object(hospital, "domain")),
    ]  # fmt: skip


def _account(account: Account, descriptor: bytes) -> Entry:
    entry: Entry = [("dn", account.dn), *_classes(*_CLASSES[account.object_class])]
    for name, value in (
        ("sn", account.surname), ("givenName", account.given),
        ("displayName", f"{account.surname.upper()} {account.given}" if account.given else ""),
        ("sAMAccountName", account.sam), ("mail", account.mail),
        ("userPrincipalName", f"{account.sam}@{DNS}" if account.container.startswith("OU=") and account.object_class == "user" else ""),
        ("department", account.department), *sorted(account.texts.items()), ("employeeID", account.employee_id),
        ("employeeNumber", account.id_written), ("altSecurityIdentities", account.certificate), ("dNSHostName", account.host_name),
        ("operatingSystem", account.operating_system), ("adminCount", "1" if account.admin_count else ""),
    ):  # fmt: skip
        if value:
            entry.append((name, value))
    entry += [
        ("objectSid", sid_bytes(account.sid)), ("objectGUID", guid_bytes(f"account {account.rid}")),
        ("userAccountControl", str(account.control)), ("primaryGroupID", str(account.primary_group)),
        ("whenCreated", generalized(account.created)), ("pwdLastSet", filetime(account.password_set) if account.password_set else "0"),
    ]  # fmt: skip
    if account.last_sign_in:
        entry.append(("lastLogonTimestamp", filetime(account.last_sign_in)))
    entry += [("logonCount", str(account.rid % 900 + 1 if account.last_sign_in else 0)), ("badPwdCount", "0")]
    entry.append(("accountExpires", filetime(account.expires) if account.expires else NEVER))
    entry += [("servicePrincipalName", spn) for spn in account.spns]
    entry += [("msDS-AllowedToDelegateTo", spn) for spn in account.delegates_to]
    if account.impersonators:
        entry.append(("msDS-AllowedToActOnBehalfOfOtherIdentity", security.allowed_to_act(account.impersonators)))
    if account.object_class == "gmsa":
        entry.append(("msDS-ManagedPasswordInterval", "30"))
    return [*entry, ("nTSecurityDescriptor", descriptor)] if descriptor else entry


def _group(group: Group, descriptor: bytes) -> Entry:
    kind = _SCOPES[group.scope] - (2**31 if group.security else 0)
    entry: Entry = [
        ("dn", group.dn), *_classes("top", "group"), ("sAMAccountName", group.name), ("objectSid", sid_bytes(group.sid)),
        ("objectGUID", guid_bytes(f"group {group.sid}")), ("groupType", str(kind)), ("whenCreated", generalized(group.created)),
    ]  # fmt: skip
    if group.rid in PROTECTED_GROUPS:
        entry.append(("adminCount", "1"))
    entry += [("member", member.dn) for member in group.members]
    return [*entry, ("nTSecurityDescriptor", descriptor)] if descriptor else entry


def _policy(policy: PasswordPolicy) -> Entry:
    return [
        ("dn", f"CN={policy.name},CN=Password Settings Container,CN=System,{DN}"), *_classes("top", "msDS-PasswordSettings"),
        ("objectGUID", policy.guid), ("cn", policy.name), _FOUNDED, ("msDS-PasswordSettingsPrecedence", str(policy.precedence)),
        ("msDS-PasswordReversibleEncryptionEnabled", "TRUE" if policy.reversible else "FALSE"), ("msDS-PasswordHistoryLength", "12"),
        ("msDS-PasswordComplexityEnabled", "TRUE" if policy.complexity else "FALSE"),
        ("msDS-MinimumPasswordLength", str(policy.min_length)), ("msDS-MinimumPasswordAge", "0"),
        ("msDS-MaximumPasswordAge", _interval(timedelta(days=365))), ("msDS-LockoutThreshold", str(policy.lockout)),
        ("msDS-LockoutObservationWindow", _interval(timedelta(minutes=30))), ("msDS-LockoutDuration", _interval(timedelta(minutes=30))),
        *(("msDS-PSOAppliesTo", target.dn) for target in policy.targets),
    ]  # fmt: skip


def _interval(length: timedelta) -> str:
    return str(-int(length.total_seconds()) * 10**7)


def _line(name: str, value: Value) -> str:
    """One attribute (RFC 2849): what is not safe text is written in base64."""
    if isinstance(value, str):
        if value.isascii() and value.isprintable() and value[0] not in " :<" and value[-1] != " ":
            return f"{name}: {value}\n"
        value = value.encode()
    return f"{name}:: {base64_text(value)}\n"
