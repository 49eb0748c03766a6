"""About 2,600 groups as hospitals have them: one per job and unit, nested in the roles of applications and in shares."""

from __future__ import annotations

from sample_data.generator import jobs
from sample_data.generator.model import DN, Account, Group, Hospital, Job
from sample_data.generator.people import People, unit_team

GROUPS_OU = f"OU=Groupes,{DN}"
_TEAMS = ("MED", "IDE", "REED", "AS", "SEC", "ASH", "TEC")
_ROLES = {
    "GG_DPI_PRESCRIPTEUR": ("MED",),
    "GG_DPI_IDE": ("IDE",),
    "GG_DPI_REEDUCATION": ("REED",),
    "GG_DPI_SOIGNANT": ("AS",),
    "GG_DPI_SECRETARIAT": ("SEC",),
}
_APPLICATIONS = (
    "Asterine", "Bioflore", "Cadencio", "Dosalis", "Effluvia", "Gardelune", "Imaviva", "Logisoin", "Medicarte", "Nutriane", "Planivie",
    "Pharmanuit",
)  # fmt: skip
_PROFILES = ("LECTURE", "SAISIE", "VALIDATION", "ADMIN", "STATS", "EXPORT")


class Groups:
    """Makes groups."""

    def __init__(self, hospital: Hospital) -> None:
        self.hospital, self.rng = hospital, hospital.rng("groups")

    def make(self, name: str, scope: str = "global", *, security: bool = True) -> Group:
        """A new, empty group."""
        hospital = self.hospital
        created = hospital.ago(self.rng.randint(600, 5000), self.rng.randrange(36000))
        group = Group(name, name, GROUPS_OU, hospital.rid(), created, scope, security)
        hospital.groups.append(group)
        return group


def add(hospital: Hospital, people: People) -> Groups:
    """Unit groups, roles, remote access, backup and hypervisor teams, shares, applications, distribution lists."""
    groups = Groups(hospital)
    teams = _add_units(groups, people)
    roles = {name: groups.make(name) for name in _ROLES}
    for name, wanted in _ROLES.items():
        roles[name].members += [group for group in teams.values() if group.name.rpartition("_")[2] in wanted]
    _add_visitors(groups, roles)
    _add_remote_access(groups)
    for name in (
        "GG_DSI_SYSTEMES", "GG_HELPDESK_N1", "GG_HELPDESK_N2", "GG_ADM_IMPRESSION", "GG_SAUVEGARDE_ADMINS", "GG_SAUVEGARDE_EXPLOITANTS",
        "GG_SAUVEGARDE_ARCHIVES", "GG_VIRTU_ADMINS", "GG_MESSAGERIE_ANCIENNE", "GG_ANNUAIRE_TELEPHONE", "GG_CARDIO_SITES",
        "GG_CARDIO_ANTENNES", "GG_CARDIO_RESEAU", "GG_VPN_POSTES", "GG_PRESTATAIRES",
    ):  # fmt: skip
        groups.make(name)
    for name in ("DL_SAUVEGARDE_PORTAIL", "DL_DPI_CONSULTATION", "DL_PARTAGE_COMMUN", "DnsAdmins"):
        groups.make(name, "domain_local")
    hospital.group("DL_PARTAGE_COMMUN").members.append(hospital.group("Utilisateurs du domaine"))
    hospital.group("GG_PRESTATAIRES").members += [account for account in hospital.accounts if account.kind == "vendor"]
    _add_shares(groups, list(teams.values()))
    return groups


def _add_units(groups: Groups, people: People) -> dict[tuple[str, str], Group]:
    """One group per unit and team; everybody of the staff is in the group of their job and unit."""
    teams = {}
    job_of = {job.team: job for job in (jobs.NURSE, jobs.PHYSIO, jobs.CARE_ASSISTANT, jobs.SECRETARY, jobs.LOGISTICS, jobs.TECHNICIAN)}
    for unit in people.units:
        for team in _TEAMS:
            job = job_of.get(team, Job("", team))
            teams[unit.code, team] = groups.make(unit_team(unit, job))
    for account in groups.hospital.accounts:
        if account.population == "staff" and account.person and account.job:
            teams[account.person.unit.code, account.job.team].members.append(account)
    return teams


def _add_visitors(groups: Groups, roles: dict[str, Group]) -> None:
    """Interns, agency staff and partners get their role through one group per population."""
    members: dict[str, list[Account]] = {}
    for account in groups.hospital.accounts:
        if account.population not in ("intern", "agency", "partner", "student"):
            continue
        name = {"intern": "GG_INTERNES", "agency": "GG_INTERIM", "partner": "GG_PARTENAIRES", "student": "GG_ETUDIANTS"}[account.population]
        team = account.job.team if account.job else ""
        members.setdefault(f"{name}_{team}", []).append(account)
    for name in sorted(members):
        group = groups.make(name)
        group.members += members[name]
        for role, wanted in _ROLES.items():
            if name.rpartition("_")[2] in wanted:
                roles[role].members.append(group)


def _add_remote_access(groups: Groups) -> None:
    """VPN for part of the staff, most with a certificate; remote maintenance for every vendor, half of them with one."""
    hospital = groups.hospital
    vpn, citrix, maintenance = (groups.make(name) for name in ("GG_VPN_SSL", "GG_CITRIX_EXT", "GG_TELEMAINTENANCE"))
    staff = [
        a for a in hospital.accounts if a.population == "staff" and a.enabled and a.job in (jobs.DOCTOR, jobs.SECRETARY, jobs.TECHNICIAN)
    ]
    chosen = staff[3::5][: hospital.n(230)]
    for number, account in enumerate(chosen):
        (vpn if number % 3 else citrix).members.append(account)
        if number % 4:
            account.certificate = certificate(account)
    for number, account in enumerate(account for account in hospital.accounts if account.kind == "vendor"):
        maintenance.members.append(account)
        if number % 2:
            account.certificate = certificate(account)


def certificate(account: Account) -> str:
    """A certificate mapping as altSecurityIdentities holds it."""
    return f"X509:<I>CN=AC GHT Valdore<S>CN={account.sam}"


def _add_shares(groups: Groups, teams: list[Group]) -> None:
    hospital, rng = groups.hospital, groups.rng
    for number in range(hospital.n(620)):
        for suffix in ("L", "M"):
            groups.make(f"GG_PARTAGE_{number + 1:03d}_{suffix}").members += rng.sample(teams, 1)
    for application in _APPLICATIONS[: max(2, hospital.n(12))]:
        for profile in _PROFILES:
            groups.make(f"GG_{application.upper()}_{profile}").members += rng.sample(teams, 2)
    for number in range(hospital.n(180)):
        groups.make(f"LD_Diffusion_{number + 1:03d}", security=False).members += rng.sample(teams, 2)
    for number in range(hospital.n(110)):
        groups.make(f"GG_IMP_{number + 1:03d}").members += rng.sample(teams, 1)
