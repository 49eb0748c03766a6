"""Planted faults of recommendation 1 and of tier 0, each with near misses that must stay quiet."""

from __future__ import annotations

from sample_data.generator import jobs
from sample_data.generator.builtin import FOREIGN_ADMIN
from sample_data.generator.groups import certificate
from sample_data.generator.model import (
    DNS,
    NEVER_EXPIRES,
    NO_PREAUTH,
    PASSWORD_NOT_REQUIRED,
    REVERSIBLE,
    Account,
    Hospital,
    PasswordPolicy,
)


def is_staff(account: Account) -> bool:
    """A member of the staff with an ordinary account."""
    return account.population == "staff" and account.person is not None


def plant(hospital: Hospital) -> None:
    """Everything of this file; tier 0 first, so that its accounts receive no accidental fault later."""
    administrators = [account for account in hospital.accounts if account.sam.startswith("adm_")]
    named = [account for account in hospital.accounts if account.kind == "service" and not account.sam[-1].isdigit()]
    hospital.used.update(account.rid for account in (*administrators, *named))
    _fill_tier_0(hospital, administrators)
    _plant_on_tier_0(hospital, administrators)
    _plant_flags(hospital)
    _plant_texts(hospital)
    _plant_policies(hospital)
    for account in _former(hospital)[2:7]:
        account.control |= PASSWORD_NOT_REQUIRED | REVERSIBLE | NO_PREAUTH | NEVER_EXPIRES
        account.texts["description"] = "mdp : Ancien2021!"


def _former(hospital: Hospital) -> list[Account]:
    return [account for account in hospital.accounts if is_staff(account) and not account.enabled]


def _fill_tier_0(hospital: Hospital, administrators: list[Account]) -> None:
    """24 administrators, six ordinary accounts and two services in Domain Admins, and nested groups that nobody remembers."""
    group = {group.rid: group for group in hospital.groups}
    ordinary = hospital.take(6, lambda account: is_staff(account) and account.job is jobs.TECHNICIAN)
    ordinary[5].primary_group = 512
    services = [hospital.account("svc_pacs"), hospital.account("svc_supervision")]
    former = _former(hospital)[:2]
    group[512].members += [*administrators, *ordinary[:5], *services, *former, hospital.group("GG_DSI_SYSTEMES")]
    group[519].members += administrators[:2]
    group[518].members.append(administrators[2])
    group[544].members += [foreign for foreign in hospital.foreign if foreign.sid == FOREIGN_ADMIN]

    def crew(count: int) -> list[Account]:
        return hospital.take(count, lambda account: is_staff(account) and account.job in (jobs.TECHNICIAN, jobs.SECRETARY))

    systems, helpdesk, printing, servers, backup = crew(8), crew(15), crew(6), crew(3), crew(2)
    hospital.group("GG_DSI_SYSTEMES").members += systems
    hospital.group("GG_HELPDESK_N2").members += helpdesk
    hospital.group("GG_ADM_IMPRESSION").members += printing
    group[548].members.append(hospital.group("GG_HELPDESK_N2"))
    group[550].members.append(hospital.group("GG_ADM_IMPRESSION"))
    group[549].members += [*servers, hospital.account("gmsa_sql01$")]
    group[551].members += [hospital.account("svc_sauvegarde"), *backup]
    for account in (*administrators, *ordinary, *services, *systems, *helpdesk, *printing, *servers, *backup, *former):
        account.admin_count = True
    hospital.account("svc_sauvegarde").admin_count = True
    helpdesk[0].last_sign_in = hospital.ago(150)
    ordinary[0].control |= NEVER_EXPIRES
    for account in former:
        account.control |= NEVER_EXPIRES | NO_PREAUTH
        account.spns.append(f"HTTP/ancien-{account.rid}.{DNS}")


def _plant_on_tier_0(hospital: Hospital, admin: list[Account]) -> None:
    admin[3].control |= NEVER_EXPIRES
    admin[4].control |= NEVER_EXPIRES
    hospital.account("svc_pacs").password_set = hospital.ago(2500)
    hospital.account("svc_pacs").spns = [f"HTTP/pacs.{DNS}"]
    hospital.account("svc_supervision").spns = [f"HTTP/supervision.{DNS}"]
    admin[5].password_set = hospital.ago(1300)
    admin[6].password_set = hospital.ago(1090)  # near miss: three years minus five days
    admin[7].password_set = None  # near miss: must be changed at the next logon
    admin[8].last_sign_in = hospital.ago(200)
    admin[9].last_sign_in = hospital.ago(400)
    admin[10].last_sign_in = None
    admin[11].last_sign_in = None  # near miss: created ten days ago
    admin[11].created = admin[11].password_set = hospital.ago(10)
    admin[12].last_sign_in = hospital.ago(100)  # near miss: 90 days and the 14 of replication
    admin[13].spns.append(f"MSSQLSvc/stats.{DNS}:1433")
    admin[14].control |= NO_PREAUTH
    admin[17].certificate = certificate(admin[17])


def _plant_flags(hospital: Hospital) -> None:
    for account in hospital.take(9, is_staff) + hospital.take(2, lambda account: account.kind == "device"):
        account.control |= PASSWORD_NOT_REQUIRED
    for account in hospital.take(hospital.n(480), is_staff) + hospital.take(hospital.n(20), lambda account: account.kind == "vendor"):
        account.control |= NEVER_EXPIRES
    for account in [*hospital.take(2, is_staff), hospital.account("svc_paie")]:
        account.control |= REVERSIBLE
    roastable = hospital.take(3, is_staff) + hospital.take(1, lambda account: account.kind == "generic")
    for account in [*roastable, hospital.account("svc_hl7"), hospital.account("svc_labo")]:
        account.control |= NO_PREAUTH


def _plant_texts(hospital: Hospital) -> None:
    """Passwords in free text, and texts that only look like it."""
    secrets = (
        ("description", "mdp: Valdore2019!"), ("description", "mot de passe : Hiver-2020"), ("info", "Password=Sc4nner$"),
        ("comment", "pwd: Bloc2021*"), ("description", "MDP = Etage3!"), ("info", "Mot de passe: Pharma#22"),
    )  # fmt: skip
    owners = hospital.take(3, is_staff) + hospital.take(3, lambda account: account.kind == "generic")
    owners += hospital.take(2, lambda account: account.kind == "device")
    owners += [hospital.account("svc_badge"), hospital.account("svc_telephonie"), hospital.account("svc_scan")]
    owners += [account for account in hospital.accounts if account.sam == "SRV-SQL01$"]
    for number, account in enumerate(owners):
        name, text = secrets[number % len(secrets)]
        account.texts[name] = text
        account.secret_in_text = True
    harmless = (
        "Mot de passe au coffre-fort", "Passerelle HL7 du laboratoire", "Bureau 214", "Compte partage de l’étage", "Passage de consignes",
        "Changer le mot de passe à la prise de poste",
    )  # fmt: skip
    for account, text in zip(hospital.take(len(harmless), lambda account: account.kind == "generic"), harmless, strict=True):
        account.texts["description"] = text


def _plant_policies(hospital: Hospital) -> None:
    hospital.policies += [
        PasswordPolicy("PSO_Administrateurs", 10, 16, 5, [hospital.group("Admins du domaine")]),
        PasswordPolicy("PSO_Ancien_SI", 50, 8, 0, [hospital.group("GG_PRESTATAIRES")], complexity=False, reversible=True),
        PasswordPolicy("PSO_Biomedical", 60, 14, 10, []),
    ]
