"""Accounts that are not people of the hospital: generic ward accounts, vendors, services, devices, administrators, computers."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from sample_data.generator.model import DISABLED, DN, DNS, NEVER_EXPIRES, NORMAL, WORKSTATION, Account, Hospital, VendorContract
from sample_data.generator.names import Names, plain

GENERIC_OU, VENDORS_OU, SERVICES_OU = f"OU=Generiques,{DN}", f"OU=Prestataires,{DN}", f"OU=Services,{DN}"
DEVICES_OU, ADMINS_OU, EMERGENCY_OU = f"OU=Biomedical,{DN}", f"OU=Administration,{DN}", f"OU=Secours,{DN}"
WORKSTATIONS_OU, SERVERS_OU = f"OU=Postes,{DN}", f"OU=Serveurs,{DN}"

_WARDS = (
    "cardio", "pneumo", "nephro", "neuro", "geria", "pedia", "neonat", "mater", "urg", "rea", "anesth", "visc", "ortho", "uro", "orl",
    "ophta", "dermo", "onco", "hemato", "dialyse", "endo",
)  # fmt: skip
_DEVICES = ("echo", "irm", "scanner", "pacs", "ecg", "labo", "perfu", "gazo")
_COMPANIES = ("Zéphalis", "Quorvane", "Tramondis", "Velquora", "Ombrelis", "Drixana", "Calvoreq", "Fenoptis", "Brumasys", "Nardelio")
_SERVICES = (
    "pacs", "supervision", "sauvegarde", "virtu", "sync_annuaire", "msg_ancien", "iam_ancien", "deploiement", "portail_web", "intranet",
    "hl7", "ged", "antivirus", "impression", "paie", "labo", "pharma", "planning", "badge", "telephonie", "scan", "mail_relais", "web",
    "sql", "etl", "archive", "imagerie", "bloc", "urgences", "dialyse",
)  # fmt: skip
SPONSORS = ("DSI", "Biomédical", "Pharmacie", "Laboratoire", "Imagerie")


def add(hospital: Hospital, names: Names) -> None:
    """Every account of this file, healthy but for what such accounts always are: passwords that never expire on machines."""
    maker = _Maker(hospital, names)
    for sam in islice(_generic_names(), hospital.n(240)):
        maker.account(sam, GENERIC_OU, "generic", never_expires=True, password_age=(30, 900))
    _add_vendors(maker)
    for number in range(max(len(_SERVICES), hospital.n(190))):
        base = _SERVICES[number % len(_SERVICES)]
        sam = f"svc_{base}" if number < len(_SERVICES) else f"svc_{base}{number // len(_SERVICES) + 1}"
        old = number % 5 in (2, 3, 4)
        service = maker.account(sam, SERVICES_OU, "service", never_expires=True, password_age=(1200, 2900) if old else (30, 300))
        if number % 5 == 1:
            service.spns.append(f"HTTP/{sam.removeprefix('svc_').replace('_', '-')}.{DNS}")
    for number in range(hospital.n(110)):
        sam = f"{_DEVICES[number % len(_DEVICES)]}_{number // len(_DEVICES) + 1:02d}"
        maker.account(sam, DEVICES_OU, "device", never_expires=True, password_age=(1300, 3000) if number % 2 else (60, 900))
    for number in range(24):
        given, surname = names.person()
        admin = maker.account(f"adm_{plain(surname)[:14]}", ADMINS_OU, "person", population="staff", cn=f"ADM {given} {surname}")
        admin.control |= 0x40000 if number % 12 < 5 else 0
    for number in range(10):
        maker.account(f"degrade_{number + 1:02d}", EMERGENCY_OU, "break_glass", never_expires=True, signed_in=False)
    _add_computers(maker)


class _Maker:
    def __init__(self, hospital: Hospital, names: Names) -> None:
        self.hospital, self.names, self.rng = hospital, names, hospital.rng("others")

    def account(
        self, sam: str, container: str, kind: str, *, population: str = "", cn: str = "", never_expires: bool = False,
        password_age: tuple[int, int] = (5, 330), signed_in: bool = True,
    ) -> Account:  # fmt: skip
        hospital, rng = self.hospital, self.rng
        sam = self.names.login(sam)
        made = rng.randint(3000, 5000)
        account = Account(
            hospital.rid(), sam, self.names.entry(cn or sam, container), container, kind, hospital.ago(made, rng.randrange(36000)),
            population=population, control=NORMAL | (NEVER_EXPIRES if never_expires else 0),
            password_set=hospital.ago(rng.randint(*password_age), rng.randrange(36000)),
            last_sign_in=hospital.ago(rng.randint(0, 20), rng.randrange(36000)) if signed_in else None,
        )  # fmt: skip
        hospital.accounts.append(account)
        return account


def _generic_names() -> Iterator[str]:
    yield "garde-interne"
    for number in range(100):
        for ward in _WARDS:
            yield f"{('ide', 'sec', 'as', 'cadre')[number % 4]}-{ward}{number // 4 + 1}"
        yield f"bloc{number + 1}"


def _add_vendors(maker: _Maker) -> None:
    hospital, rng = maker.hospital, maker.rng
    for number in range(hospital.n(160) + hospital.n(20)):
        company = _COMPANIES[number % len(_COMPANIES)]
        prefix = "tm" if number % 3 else "presta"
        vendor = maker.account(f"{prefix}_{plain(company)}{number // len(_COMPANIES) + 1}", VENDORS_OU, "vendor")
        vendor.expires = hospital.ago(-rng.randint(30, 400))
        vendor.last_sign_in = hospital.ago(rng.randint(0, 60), rng.randrange(36000))
        if number >= hospital.n(160):
            vendor.control |= DISABLED
        end = None if number % 32 == 31 else hospital.day(-rng.randint(15, 700))
        hospital.vendors.append(VendorContract(vendor.sam, company, end, rng.choice(SPONSORS)))


def _add_computers(maker: _Maker) -> None:
    hospital, rng = maker.hospital, maker.rng
    servers, total = max(30, hospital.n(90)), max(50, hospital.n(597))
    roles = ("APP", "FIC", "IMP", "WEB", "SQL", "RDS")
    for number in range(total):
        server = number < servers
        name = f"SRV-{roles[number % 6]}{number // 6 + 1:02d}" if server else f"POSTE-{number - servers + 1:04d}"
        off = not server and number % 15 == 14
        age = rng.randint(400, 900) if off or number % 10 == 9 else rng.randint(0, 20)
        computer = Account(
            hospital.rid(), f"{name}$", name, SERVERS_OU if server else WORKSTATIONS_OU, "computer", hospital.ago(rng.randint(950, 3000)),
            object_class="computer", control=WORKSTATION | (DISABLED if off else 0), primary_group=515, spns=[f"HOST/{name}"],
            host_name=f"{name.lower()}.{DNS}", operating_system="Windows Server 2019 Standard" if server else "Windows 11 Entreprise",
            password_set=hospital.ago(age + 10, rng.randrange(36000)), last_sign_in=hospital.ago(age, rng.randrange(36000)),
        )  # fmt: skip
        hospital.accounts.append(computer)
    hospital.accounts.append(
        Account(
            hospital.rid(), "gmsa_sql01$", "gmsa_sql01", f"CN=Managed Service Accounts,{DN}", "service", hospital.ago(700),
            object_class="gmsa", control=WORKSTATION, primary_group=515, spns=[f"MSSQLSvc/sql01.{DNS}:1433"], host_name=f"sql01.{DNS}",
            password_set=hospital.ago(8), last_sign_in=hospital.ago(1),
        )
    )  # fmt: skip
