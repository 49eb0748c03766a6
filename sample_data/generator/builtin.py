"""What every domain has from the start, under the names a French administrator gave it; detection must go by RID, not by name."""

from __future__ import annotations

from datetime import datetime, timedelta

from sample_data.generator.model import (
    DISABLED,
    DN,
    DNS,
    DOMAIN_CONTROLLER,
    NEVER_EXPIRES,
    NORMAL,
    PASSWORD_NOT_REQUIRED,
    UNCONSTRAINED,
    Account,
    Foreign,
    Group,
    Hospital,
)

FOUNDED = datetime(2009, 3, 14, 9, 26, 53)
USERS, BUILTIN, CONTROLLERS = f"CN=Users,{DN}", f"CN=Builtin,{DN}", f"OU=Domain Controllers,{DN}"

_DOMAIN_GROUPS = (
    (498, "Enterprise Read-only Domain Controllers", "Contrôleurs de domaine d’entreprise en lecture seule", "universal"),
    (512, "Domain Admins", "Admins du domaine", "global"),
    (513, "Domain Users", "Utilisateurs du domaine", "global"),
    (514, "Domain Guests", "Invités du domaine", "global"),
    (515, "Domain Computers", "Ordinateurs du domaine", "global"),
    (516, "Domain Controllers", "Contrôleurs de domaine", "global"),
    (517, "Cert Publishers", "Éditeurs de certificats", "domain_local"),
    (518, "Schema Admins", "Administrateurs du schéma", "universal"),
    (519, "Enterprise Admins", "Administrateurs de l’entreprise", "universal"),
    (520, "Group Policy Creator Owners", "Propriétaires créateurs de la stratégie de groupe", "global"),
    (521, "Read-only Domain Controllers", "Contrôleurs de domaine en lecture seule", "global"),
    (525, "Protected Users", "Utilisateurs protégés", "global"),
    (553, "RAS and IAS Servers", "Serveurs RAS et IAS", "domain_local"),
    (571, "Allowed RODC Password Replication Group", "Groupe de réplication dont le mot de passe RODC est autorisé", "domain_local"),
    (572, "Denied RODC Password Replication Group", "Groupe de réplication dont le mot de passe RODC est refusé", "domain_local"),
)
_BUILTIN_GROUPS = (
    (544, "Administrators", "Administrateurs"),
    (545, "Users", "Utilisateurs"),
    (546, "Guests", "Invités"),
    (548, "Account Operators", "Opérateurs de compte"),
    (549, "Server Operators", "Opérateurs de serveur"),
    (550, "Print Operators", "Opérateurs d’impression"),
    (551, "Backup Operators", "Opérateurs de sauvegarde"),
    (552, "Replicator", "Duplicateurs"),
    (554, "Pre-Windows 2000 Compatible Access", "Accès compatible pré-Windows 2000"),
    (555, "Remote Desktop Users", "Utilisateurs du Bureau à distance"),
    (556, "Network Configuration Operators", "Opérateurs de configuration réseau"),
    (557, "Incoming Forest Trust Builders", "Générateurs d’approbations de forêt entrante"),
    (558, "Performance Monitor Users", "Utilisateurs de l’Analyseur de performances"),
    (559, "Performance Log Users", "Utilisateurs du journal de performances"),
    (560, "Windows Authorization Access Group", "Groupe d’accès d’autorisation Windows"),
    (561, "Terminal Server License Servers", "Serveurs de licences des services Terminal Server"),
    (562, "Distributed COM Users", "Utilisateurs du modèle COM distribué"),
    (568, "IIS_IUSRS", "IIS_IUSRS"),
    (569, "Cryptographic Operators", "Opérateurs de chiffrement"),
    (573, "Event Log Readers", "Lecteurs des journaux d’événements"),
    (574, "Certificate Service DCOM Access", "Accès DCOM service de certificats"),
)
PROTECTED_GROUPS = frozenset({512, 516, 518, 519, 521, 544, 548, 549, 550, 551, 552})
"""Groups the directory marks with adminCount (MS-ADTS 3.1.1.6.1)."""

EVERYONE, ANONYMOUS, AUTHENTICATED = "S-1-1-0", "S-1-5-7", "S-1-5-11"
FOREIGN_ADMIN = "S-1-5-21-1184092231-2740119853-903311746-1105"
"""An administrator of ch-brumelle.test, a domain of the group that was never merged."""


def add(hospital: Hospital) -> None:
    """Built-in groups with their default members, built-in accounts, three domain controllers."""
    _add_groups(hospital)
    _add_accounts(hospital)
    _add_controllers(hospital)
    group = {group.rid: group for group in hospital.groups}
    foreign = {sid: Foreign(sid) for sid in ("S-1-5-4", "S-1-5-9", AUTHENTICATED, "S-1-5-17", EVERYONE, ANONYMOUS, FOREIGN_ADMIN)}
    hospital.foreign += foreign.values()
    administrator, guest, krbtgt = (hospital.account(sam) for sam in ("Administrateur", "Invité", "krbtgt"))
    for rid in (512, 518, 519, 520):
        group[rid].members.append(administrator)
    group[544].members += [group[512], group[519], administrator]
    group[545].members += [foreign[AUTHENTICATED], foreign["S-1-5-4"], group[513]]
    group[546].members += [guest, group[514]]
    group[554].members.append(foreign[AUTHENTICATED])
    group[560].members.append(foreign["S-1-5-9"])
    group[568].members.append(foreign["S-1-5-17"])
    group[572].members += [krbtgt, *(group[rid] for rid in (512, 516, 517, 518, 519, 520, 521))]


def _add_groups(hospital: Hospital) -> None:
    hospital.groups += [Group(name, cn, USERS, rid, FOUNDED, scope) for rid, cn, name, scope in _DOMAIN_GROUPS]
    hospital.groups += [Group(name, cn, BUILTIN, rid, FOUNDED, "builtin", sid=f"S-1-5-32-{rid}") for rid, cn, name in _BUILTIN_GROUPS]


def _add_accounts(hospital: Hospital) -> None:
    hospital.accounts += [
        Account(
            500, "Administrateur", "Administrator", USERS, "system", FOUNDED, control=NORMAL | NEVER_EXPIRES, admin_count=True,
            password_set=hospital.ago(1500), last_sign_in=hospital.ago(12),
        ),
        Account(
            501, "Invité", "Guest", USERS, "system", FOUNDED, control=NORMAL | PASSWORD_NOT_REQUIRED | NEVER_EXPIRES, primary_group=514,
            last_sign_in=hospital.ago(40),
        ),
        Account(
            502, "krbtgt", "krbtgt", USERS, "system", FOUNDED, control=NORMAL | DISABLED, admin_count=True, password_set=hospital.ago(1460),
            spns=["kadmin/changepw"],
        ),
    ]  # fmt: skip


def _add_controllers(hospital: Hospital) -> None:
    for number in (1, 2, 3):
        name = f"CHUV-DC{number}"
        host = f"{name}.{DNS}"
        names = [f"HOST/{name}", f"HOST/{host}", f"ldap/{host}", f"ldap/{host}/{DNS}"]
        hospital.accounts.append(
            Account(
                1000 if number == 1 else hospital.rid(), f"{name}$", name, CONTROLLERS, "computer",
                FOUNDED + timedelta(days=700 * (number - 1)),
                object_class="computer", control=DOMAIN_CONTROLLER | UNCONSTRAINED, primary_group=516, spns=names, host_name=host,
                operating_system="Windows Server 2022 Standard", password_set=hospital.ago(9 + number), last_sign_in=hospital.ago(number),
            )
        )  # fmt: skip
