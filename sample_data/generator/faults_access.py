"""Planted faults of recommendations 2 and 3 in the directory: dormancy, groups, delegation, access lists, backups."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from sample_data.generator import jobs
from sample_data.generator.builtin import ANONYMOUS, AUTHENTICATED, EVERYONE
from sample_data.generator.faults_credentials import is_staff
from sample_data.generator.model import DNS, PROTECTED, PROTOCOL_TRANSITION, UNCONSTRAINED, Account, Grant, Hospital
from sample_data.generator.security import FULL_CONTROL

Wanted = Callable[[Account], bool]


def plant(hospital: Hospital) -> None:
    """Everything of this file."""
    _plant_vendors(hospital)
    _plant_dormant(hospital)
    _plant_expired(hospital)
    _plant_groups(hospital)
    _plant_primary_groups(hospital)
    _plant_delegation(hospital)
    _plant_backups(hospital)
    _plant_grants(hospital)


def kind(name: str) -> Wanted:
    """Accounts of one kind."""
    return lambda account: account.kind == name and account.object_class == "user"


def population(name: str) -> Wanted:
    """People of one population."""
    return lambda account: account.population == name


def _plant_dormant(hospital: Hospital) -> None:
    """Nine in a hundred have not signed in for a year, fewer for three months; near misses stop short of 104 days."""
    rng = hospital.rng("dormant")
    year = (
        (is_staff, 480), (population("agency"), 16), (population("student"), 20), (population("partner"), 20), (kind("generic"), 60),
        (kind("vendor"), 25), (kind("service"), 15), (kind("device"), 30),
    )  # fmt: skip
    months = ((is_staff, 220), (population("agency"), 25), (population("partner"), 10), (kind("generic"), 10), (kind("vendor"), 10))
    near = ((is_staff, 30), (kind("vendor"), 5))
    for plan, low, high in ((year, 375, 900), (months, 110, 350), (near, 95, 101)):
        for wanted, full in plan:
            for account in hospital.take(hospital.n(full), wanted):
                account.last_sign_in = hospital.ago(rng.randint(low, high), rng.randrange(3600))
                account.created = min(account.created, account.last_sign_in - timedelta(days=30))
                account.password_set = min(account.password_set or account.created, account.last_sign_in - timedelta(days=5))
    for account in hospital.take(hospital.n(20), lambda account: is_staff(account) and account.created < hospital.ago(390)):
        account.last_sign_in = None
    for number, account in enumerate(account for account in hospital.accounts if is_staff(account) and account.created > hospital.ago(45)):
        if number % 2:
            account.last_sign_in = account.password_set = None


def _plant_vendors(hospital: Hospital) -> None:
    contract_of = {contract.account: contract for contract in hospital.vendors}
    for account in hospital.take(hospital.n(28), kind("vendor")):
        account.expires = None
    for account in hospital.take(hospital.n(20), kind("vendor")):
        contract_of[account.sam].end = hospital.day(20 + account.rid % 200)
    for account in hospital.take(hospital.n(10), kind("vendor")):
        hospital.vendors.remove(contract_of[account.sam])
    for account in hospital.take(hospital.n(4), kind("vendor")):
        account.expires = hospital.ago(12)
    for contract in hospital.vendors[::9]:
        contract.account = contract.account.upper()  # near miss: the register's spelling is not the directory's
    for account in hospital.accounts:
        if account.kind == "vendor" and not account.enabled and account.sam in contract_of:
            contract_of[account.sam].end = hospital.day(90)


def _plant_expired(hospital: Hospital) -> None:
    for account in hospital.take(8, is_staff) + hospital.take(3, population("partner")):
        account.expires = hospital.ago(5 + account.rid % 50)
    for account in hospital.take(5, is_staff):
        account.expires = hospital.ago(-1 - account.rid % 5)  # near miss: expires in the next days
    for account in hospital.accounts:
        if is_staff(account) and not account.enabled and account.rid % 9 == 0:
            account.expires = hospital.ago(300)  # near miss: expired, but disabled as it should be


def _plant_groups(hospital: Hospital) -> None:
    """Loop, DnsAdmins, principals that stand for everybody, generic accounts with roles."""
    group, foreign = hospital.group, {foreign.sid: foreign for foreign in hospital.foreign}
    group("DnsAdmins").members += hospital.take(2, lambda account: is_staff(account) and account.job is jobs.TECHNICIAN)
    loop = [group(f"GG_CARDIO_{name}") for name in ("SITES", "ANTENNES", "RESEAU")]
    for inner, outer in zip(loop, [*loop[1:], loop[0]], strict=True):
        outer.members.append(inner)
    loop[0].members += hospital.take(2, is_staff)
    group("DL_SAUVEGARDE_PORTAIL").members.append(foreign[AUTHENTICATED])
    group("GG_VPN_POSTES").members.append(group("Ordinateurs du domaine"))
    group("DL_DPI_CONSULTATION").members.append(foreign[EVERYONE])
    group("Accès compatible pré-Windows 2000").members.append(foreign[ANONYMOUS])
    generic = hospital.take(hospital.n(35), lambda account: account.kind == "generic")
    cut = (hospital.n(25), hospital.n(25) + hospital.n(6))
    group("GG_DPI_IDE").members += generic[: cut[0]]
    administrator = [account for account in hospital.accounts if account.sam.startswith("adm_")][18]
    group("GG_VPN_SSL").members += [*generic[cut[0] : cut[1]], administrator]
    group("GG_DPI_PRESCRIPTEUR").members += generic[cut[1] :]
    group("GG_DPI_IDE").members += [account for account in hospital.accounts if account.kind == "break_glass"]  # near miss: declared


def _plant_primary_groups(hospital: Hospital) -> None:
    """One account hides in a group through its primary group (another one does in Domain Admins), and one workstation."""
    vendor, group = hospital.take(1, kind("vendor"))[0], hospital.group("GG_PRESTATAIRES")
    vendor.primary_group = group.rid
    group.members.remove(vendor)
    workstation = next(a for a in hospital.accounts if a.sam.startswith("POSTE-") and a.enabled)
    workstation.primary_group = 513


def _plant_delegation(hospital: Hospital) -> None:
    account = hospital.account
    account("svc_portail_web").control |= UNCONSTRAINED
    account("SRV-IMP01$").control |= UNCONSTRAINED
    account("svc_intranet").delegates_to = [f"http/srv-web01.{DNS}", f"ldap/chuv-dc1.{DNS}"]
    account("SRV-APP02$").delegates_to = ["cifs/CHUV-DC2"]
    account("svc_ged").delegates_to = [f"cifs/srv-fic01.{DNS}"]  # near miss: a file server
    account("svc_hl7").delegates_to = [f"HOST/CHUV-DC1.{DNS}:445"]
    account("svc_planning").delegates_to = [f"http/srv-app03.{DNS}"]  # near miss: an application server
    for sam in ("svc_hl7", "svc_planning"):
        account(sam).control |= PROTOCOL_TRANSITION
    account("CHUV-DC2$").impersonators = [account("SRV-APP01$")]
    account("SRV-FIC01$").impersonators = [account("SRV-APP01$")]  # near miss: not tier 0


def _plant_backups(hospital: Hospital) -> None:
    """Backup and hypervisor teams live in the production domain."""
    group = hospital.group
    administrators = [account for account in hospital.accounts if account.sam.startswith("adm_")]

    def technicians(count: int) -> list[Account]:
        return hospital.take(count, lambda account: is_staff(account) and account.job in (jobs.TECHNICIAN, jobs.SECRETARY))

    group("GG_SAUVEGARDE_ADMINS").members += [administrators[15], hospital.account("svc_sauvegarde"), *technicians(3)]
    group("GG_SAUVEGARDE_EXPLOITANTS").members += technicians(2)
    group("DL_SAUVEGARDE_PORTAIL").members.append(group("GG_SAUVEGARDE_EXPLOITANTS"))
    former = [account for account in hospital.accounts if is_staff(account) and not account.enabled]
    group("GG_SAUVEGARDE_ARCHIVES").members.append(former[8])  # near miss: disabled
    group("GG_VIRTU_ADMINS").members += [administrators[16], hospital.account("svc_virtu"), *technicians(3)]


def _plant_grants(hospital: Hospital) -> None:
    """Access entries on what everything depends on. An empty permission is a near miss."""
    account, group = hospital.account, hospital.group
    administrators = [a for a in hospital.accounts if a.sam.startswith("adm_")]
    technician = hospital.take(1, lambda a: is_staff(a) and a.job is jobs.TECHNICIAN)[0]
    changes, changes_all = "1131f6aa-9c07-11d1-f79f-00c04fc2dcd2", "1131f6ad-9c07-11d1-f79f-00c04fc2dcd2"
    reset, member, spn = (
        "00299570-246d-11d0-a768-00aa006e0529",
        "bf9679c0-0de6-11d0-a285-00aa003049e2",
        "f3a64788-5306-11d1-a9c5-0000f80367c1",
    )
    telephone, group_class = "bf967a49-0de6-11d0-a285-00aa003049e2", "bf967a9c-0de6-11d0-a285-00aa003049e2"
    impersonation = "3f78c3e5-f79a-46bd-a0b8-9d18116ddc79"
    old_mail, old_iam, deployment = account("svc_msg_ancien"), account("svc_iam_ancien"), account("svc_deploiement")
    domain, holder = PROTECTED
    hospital.grants += [
        Grant(domain, old_mail, f"(OA;;CR;{changes};;{{sid}})(OA;;CR;{changes_all};;{{sid}})", "dcsync"),
        Grant(domain, account("svc_sync_annuaire"), f"(OA;;CR;{changes};;{{sid}})"),
        Grant(domain, old_iam, f"(OD;;CR;{changes_all};;{{sid}})(OA;;CR;{changes};;{{sid}})(OA;;CR;{changes_all};;{{sid}})"),
        Grant(domain, group("GG_MESSAGERIE_ANCIENNE"), "(A;;WD;;;{sid})", "write_dacl"),
        Grant(domain, group("GG_ANNUAIRE_TELEPHONE"), f"(OA;CIIO;WP;{member};{group_class};{{sid}})"),
        Grant(holder, group("GG_HELPDESK_N1"), "(A;;WD;;;{sid})", "write_dacl"),
        Grant(group("Admins du domaine"), deployment, f"(A;;{FULL_CONTROL};;;{{sid}})", "generic_all"),
        Grant(group("Opérateurs de sauvegarde"), group("GG_SAUVEGARDE_EXPLOITANTS"), f"(OA;;WP;{member};;{{sid}})", "write_member"),
        Grant(administrators[0], group("GG_HELPDESK_N1"), f"(OA;;CR;{reset};;{{sid}})", "reset_password"),
        Grant(administrators[1], group("GG_ANNUAIRE_TELEPHONE"), f"(OA;;WP;{telephone};;{{sid}})"),
        Grant(account("svc_pacs"), group("GG_HELPDESK_N1"), f"(OA;;WP;{spn};;{{sid}})", "write_spn"),
        Grant(account("CHUV-DC2$"), technician, "owner", "owner"),
        Grant(account("CHUV-DC2$"), deployment, f"(OA;;WP;{impersonation};;{{sid}})", "write_delegation"),
        Grant(account("CHUV-DC3$"), administrators[0], "owner"),
    ]
