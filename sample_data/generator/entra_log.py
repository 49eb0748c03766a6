"""The planned sign-ins to Entra ID as saved answers of Microsoft Graph: entra/auditLogs/signIns/1.json, 2.json…, newest first."""

from __future__ import annotations

from typing import Any

from sample_data.generator.entra import Tenant
from sample_data.generator.entra_pages import moment_text, paged
from sample_data.generator.identifiers import guid_text
from sample_data.generator.model import DNS
from sample_data.generator.sign_in_plan import CLOUD, Attempt, Plan

_CODES = {"": 0, "bad_password": 50126}
_APPLICATIONS = ("Office 365 Exchange Online", "Office 365 SharePoint Online", "Microsoft Teams")


def files(tenant: Tenant, plan: Plan) -> dict[str, bytes]:
    """Relative path -> content; users of the tenant learn when they last came in."""
    users = {user.account: user for user in tenant.users if user.account}
    attempts = [attempt for attempt in plan.attempts if attempt.source == CLOUD]
    for attempt in attempts:
        if attempt.ok and attempt.account:
            users[attempt.account].last_sign_in = attempt.at
    return paged("auditLogs/signIns", [_sign_in(number, attempt) for number, attempt in enumerate(attempts)][::-1])


def _sign_in(number: int, attempt: Attempt) -> dict[str, Any]:
    spot = attempt.spot
    place = {"latitude": spot.latitude, "longitude": spot.longitude} if spot else None
    return {
        "id": guid_text(f"entra sign-in {number}"),
        "createdDateTime": moment_text(attempt.at),
        "userPrincipalName": f"{attempt.who}@{DNS}",
        "appDisplayName": _APPLICATIONS[number % len(_APPLICATIONS)],
        "ipAddress": attempt.origin,
        "clientAppUsed": "Browser" if number % 4 else "Mobile Apps and Desktop clients",
        "deviceDetail": {"deviceId": attempt.device},
        "location": {"countryOrRegion": spot.country if spot else None, "geoCoordinates": place},
        "status": {"errorCode": _CODES[attempt.reason]},
    }
