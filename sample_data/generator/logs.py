"""The planned sign-ins as the logs that tell them: Samba's JSON audit log, a VPN's CSV, Windows events from a forwarder, Graph."""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime
from typing import Any

from sample_data.generator.model import DNS, Hospital
from sample_data.generator.sign_in_plan import DC1, DC2, VPN, WINDOWS, Attempt, Change, Plan

_STATUS = {
    "": "NT_STATUS_OK", "bad_password": "NT_STATUS_WRONG_PASSWORD", "no_such_user": "NT_STATUS_NO_SUCH_USER",
    "disabled": "NT_STATUS_ACCOUNT_DISABLED",
}  # fmt: skip
NETBIOS = "VALDORE"
_AUDITING = "Microsoft-Windows-Security-Auditing"


def files(hospital: Hospital, plan: Plan) -> dict[str, bytes]:
    """Relative path -> content."""
    return {
        "sign-ins/chuv-dc1.json": _samba(hospital, plan, DC1, "10.20.0.11"),
        "sign-ins/chuv-dc2.json": _samba(hospital, plan, DC2, "10.20.0.12"),
        "sign-ins/windows.ndjson": _windows(plan),
        "sign-ins/vpn.csv": _vpn(plan),
    }


def _samba(hospital: Hospital, plan: Plan, source: str, address: str) -> bytes:
    records = [(attempt.at, _authentication(attempt, address)) for attempt in plan.attempts if attempt.source == source]
    if source == DC1:
        records += [(change.at, _group_change(change, address)) for change in plan.changes]
    else:
        records.append((hospital.ago(20), _password_change(hospital, address)))
    records.sort(key=lambda record: record[0])
    lines = [{"timestamp": f"{at:%Y-%m-%dT%H:%M:%S.000000}+0000", **record} for at, record in records]
    return "".join(f"  {json.dumps(line, ensure_ascii=False)}\n" for line in lines).encode()


def _authentication(attempt: Attempt, address: str) -> dict[str, Any]:
    account = attempt.account
    known = account if attempt.ok else None
    return {
        "type": "Authentication",
        "Authentication": {
            "version": {"major": 1, "minor": 2}, "eventId": 4624 if attempt.ok else 4625, "logonType": 3,
            "status": _STATUS[attempt.reason], "localAddress": f"ipv4:{address}:88", "remoteAddress": f"ipv4:{attempt.origin}:49152",
            "serviceDescription": "Kerberos KDC", "authDescription": "ENC-TS Pre-authentication" if account else "AS-REQ",
            "clientAccount": f"{attempt.who}@{DNS}", "becameAccount": known.sam if known else None,
            "becameDomain": NETBIOS if known else None, "becameSid": known.sid if known else None,
            "mappedAccount": account.sam if account else None, "mappedDomain": NETBIOS if account else None,
            "passwordType": "aes256-cts-hmac-sha1-96",
        },
    }  # fmt: skip


def _group_change(change: Change, address: str) -> dict[str, Any]:
    return {
        "type": "groupChange",
        "groupChange": {
            "version": {"major": 1, "minor": 1}, "eventId": 4728 if change.added else 4729, "statusCode": 0, "status": "Success",
            "action": "Added" if change.added else "Removed", "remoteAddress": f"ipv4:{address}:51820", "userSid": change.actor.sid,
            "group": change.group.dn, "user": change.member.dn,
        },
    }  # fmt: skip


def _password_change(hospital: Hospital, address: str) -> dict[str, Any]:
    account = hospital.account("ide-urg1")
    return {
        "type": "passwordChange",
        "passwordChange": {
            "version": {"major": 1, "minor": 1}, "eventId": 4724, "statusCode": 0, "status": "Success", "action": "Reset",
            "remoteAddress": f"ipv4:{address}:51944", "userSid": hospital.account("svc_iam_ancien").sid, "dn": account.dn,
        },
    }  # fmt: skip


def _windows(plan: Plan) -> bytes:
    records: list[tuple[datetime, dict[str, Any]]] = []
    numbers: dict[str, int] = {}
    for attempt in plan.attempts:
        if attempt.source == WINDOWS and attempt.account:
            data = {
                "TargetUserSid": attempt.account.sid, "TargetUserName": attempt.account.sam, "TargetDomainName": NETBIOS,
                "LogonType": str(attempt.logon_type), "AuthenticationPackageName": "Negotiate" if attempt.logon_type == 2 else "Kerberos",
                "WorkstationName": attempt.host if attempt.logon_type == 2 else "-",
                "IpAddress": "127.0.0.1" if attempt.logon_type == 2 else attempt.origin,
            }  # fmt: skip
            if not attempt.ok:
                data |= {"TargetUserSid": "S-1-0-0", "Status": "0xc000006d", "SubStatus": "0xc000006a"}
            records.append((attempt.at, _event(attempt.host, "4624" if attempt.ok else "4625", _AUDITING, {"event_data": data})))
    for given in plan.given:
        data = {
            "SubjectUserSid": given.actor.sid, "SubjectUserName": given.actor.sam, "SubjectDomainName": NETBIOS,
            "TargetUserName": given.account.sam, "TargetDomainName": NETBIOS, "TargetServerName": f"{given.server}.{DNS}",
            "ProcessName": given.program, "IpAddress": "-",
        }  # fmt: skip
        records.append((given.at, _event(given.machine, "4648", _AUDITING, {"event_data": data})))
    for at, host, actor in plan.cleared:
        data = {"SubjectUserSid": actor.sid, "SubjectUserName": actor.sam, "SubjectDomainName": NETBIOS}
        records.append((at, _event(host, "1102", "Microsoft-Windows-Eventlog", {"user_data": data})))
    lines = []
    for at, record in sorted(records, key=lambda record: record[0]):
        host = record["winlog"]["computer_name"]
        numbers[host] = numbers.get(host, 4000) + 1
        record["winlog"]["record_id"] = numbers[host]
        lines.append(json.dumps({"@timestamp": f"{at:%Y-%m-%dT%H:%M:%S.000}Z", **record}))
    return ("\n".join(lines) + "\n").encode()


def _event(host: str, number: str, provider: str, data: dict[str, Any]) -> dict[str, Any]:
    return {"winlog": {"channel": "Security", "computer_name": f"{host}.{DNS}", "event_id": number, "provider_name": provider, **data}}


def _vpn(plan: Plan) -> bytes:
    """Times in UTC, the account spelled in three ways."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(("horodatage", "compte", "resultat", "adresse", "pays", "motif"))
    spellings = ("{}", NETBIOS + "\\{}", "{}@" + DNS)
    for number, attempt in enumerate(plan.attempts):
        if attempt.source == VPN:
            written = spellings[number % 3].format(attempt.who)
            outcome, reason = ("OK", "") if attempt.ok else ("ECHEC", "mot de passe erroné")
            writer.writerow((f"{attempt.at:%d/%m/%Y %H:%M:%S}", written, outcome, attempt.origin, "FR", reason))
    return text.getvalue().encode("utf-8-sig")
