"""What breaks a habit in the last week: a far unit, a machine that opens everything, a service from elsewhere, another's password."""

from __future__ import annotations

from datetime import timedelta

from sample_data.generator.model import Account, Hospital
from sample_data.generator.sign_in_plan import (
    ASSESSED,
    DAYS,
    DC1,
    JUMP_HOST,
    OLD_JUMP_HOST,
    PHARMACY,
    SERVERS,
    UNITS,
    WINDOWS,
    Attempt,
    Given,
    Plan,
    moment,
    network,
)
from sample_data.generator.sign_ins_daily import Crews

PIVOT = "10.20.30.61"


def add(hospital: Hospital, made: Plan, people: Crews) -> None:
    """All of it, each with its near miss."""
    _add_units(hospital, made, people)
    _add_pivot(hospital, made, people.office[60:75])
    _add_services(hospital, made)
    _add_credentials(hospital, made, people.office[75:80])


def _add_units(hospital: Hospital, made: Plan, people: Crews) -> None:
    def visit(days: int, account: Account, place: tuple[str, str, int, str]) -> None:
        made.attempts.append(Attempt(moment(hospital, days, 14, 10), DC1, account, network(place, 15)))

    curious, moved, floating = people.nurses["urg"][0], people.floating[0], people.floating[1]
    visit(3, curious, PHARMACY)
    for days in range(1, DAYS, 2):
        # Transferred to a unit where other nurses work.
        visit(days, moved, UNITS["rea" if days > ASSESSED - 1 else "cardio"])
    for days in range(2, DAYS, 2):
        # The pool: here and there, and in the last week for once in the theatre.
        visit(days, floating, UNITS["bloc" if days == 4 else "urg" if days % 4 else "pneumo"])
    for account, hour, minute in ((people.pharmacists[0], 8, 57), (people.pharmacists[1], 17, 0)):
        # On two sites, with and without time to walk.
        made.attempts += [
            Attempt(moment(hospital, 9, 8, 50), DC1, account, network(PHARMACY, 20)),
            Attempt(moment(hospital, 9, hour, minute), WINDOWS, account, "", host="POSTE-0025", logon_type=2),
        ]


def _add_pivot(hospital: Hospital, made: Plan, office: list[Account]) -> None:
    """One workstation, nine accounts, six servers, every two minutes; another machine does a third of that."""
    for number, account in enumerate(office[:9]):
        at = moment(hospital, 2, 3, 2 * number)
        made.attempts.append(Attempt(at, WINDOWS, account, PIVOT, host=SERVERS[number % len(SERVERS)]))
    for number, account in enumerate(office[9:12]):
        at = moment(hospital, 3, 10, 2 * number)
        made.attempts.append(Attempt(at, WINDOWS, account, "10.20.30.62", host=SERVERS[number]))


def _add_services(hospital: Hospital, made: Plan) -> None:
    made.attempts.append(Attempt(moment(hospital, 4, 23, 40), WINDOWS, hospital.account("svc_ged"), "10.20.9.88", host="SRV-FIC02"))


def _add_credentials(hospital: Hospital, made: Plan, office: list[Account]) -> None:
    """Somebody gives a colleague's password; administrators, a service and people with their own name do it by trade."""
    explorer, console = r"C:\Windows\explorer.exe", r"C:\Windows\System32\mmc.exe"
    client = r"C:\Program Files\Dosalis\client.exe"
    admins = [account for account in hospital.accounts if account.sam.startswith("adm_")][:3]
    borrower, lender, honest = office[:3]
    service = hospital.account("svc_deploiement")
    for days, machine, actor, account, server, program in (
        (5, "POSTE-0025", borrower, lender, "SRV-FIC02", explorer),
        (6, JUMP_HOST, admins[0], admins[1], "SRV-SQL02", console),
        (6, OLD_JUMP_HOST, admins[2], admins[1], "SRV-SQL02", console),  # that entry of audit.yaml has expired
        (4, "SRV-IMP03", service, lender, "SRV-APP03", client),
        (3, "POSTE-0025", hospital.account("ide-cardio1"), honest, "SRV-APP03", client),
        (3, "POSTE-0013", honest, honest, "SRV-APP03", client),
    ):
        made.given.append(Given(moment(hospital, days, 10, 12), machine, actor, account, server, program))
    # The right name, from a program that was put among her own files.
    copied = rf"C:\Users\{office[3].sam}\Downloads\outil.exe"
    made.given.append(Given(moment(hospital, 2, 16, 3) + timedelta(seconds=7), "POSTE-0037", office[3], office[3], "SRV-WEB04", copied))
