"""The JSON audit log of a Samba domain controller: sign-ins, sessions, group and password changes.

One JSON object per line after blanks, the record under the key that `type` names; other lines belong to other logs and are passed over.
Names of fields: Samba, "Setting up Audit Logging". A session (`Authorization`) is kept only where it is the sole record of a sign-in,
which is Kerberos over LDAP or SMB.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from auditor.collect import json_lines
from auditor.collect.log_rows import Log, account, address, event_number, machine
from auditor.config_sign_ins import SambaLog
from auditor.model import Text, Value
from auditor.snapshot import Writer

_TABLES = ("sign_in", "directory_change", "event_coverage")
_INCOMPLETE = Text(en="the record lacks its time or its content", fr="l’enregistrement n’a pas d’heure ou pas de contenu")

_REASONS = {
    "nt_status_wrong_password": "bad_password",
    "nt_status_logon_failure": "bad_password",
    "nt_status_no_such_user": "no_such_user",
    "nt_status_account_disabled": "disabled",
    "nt_status_account_expired": "expired",
    "nt_status_password_expired": "expired",
    "nt_status_password_must_change": "expired",
    "nt_status_account_locked_out": "locked",
    "nt_status_invalid_logon_hours": "hours",
    "nt_status_invalid_workstation": "workstation",
    "nt_status_account_restriction": "policy",
    "nt_status_logon_type_not_granted": "policy",
}
_LOGON_TYPES = {2: "interactive", 3: "network", 8: "cleartext", 10: "remote_interactive"}
_OPERATIONS = {"Added": "group_add", "Removed": "group_remove"}
_PASSWORDS = {"Change": "password_change", "Reset": "password_reset"}
_NOBODY = frozenset({"S-1-0-0", "S-1-5-7", "S-1-5-18"})
"""Null, anonymous and the controller itself: not accounts."""


def collect(settings: SambaLog, writer: Writer, progress: Callable[[str, int], None]) -> None:
    """Fill sign_in, directory_change and event_coverage; lines that cannot be read make them partial, with their count."""
    log = Log(settings.name, writer, progress, _TABLES, "samba")
    host = machine(settings.host)
    json_lines.collect(settings.paths, settings.max_age_days, log, lambda found, place, line: _line(found, place, line, host, log))


def _line(found: dict[str, Any], place: str, line: bytes, host: str, log: Log) -> None:
    kind = found.get("type")
    record = found.get(kind) if isinstance(kind, str) else None
    at = _instant(found.get("timestamp")) if isinstance(record, dict) else None
    if at is None or not isinstance(record, dict):
        log.lost(place, _INCOMPLETE)
        return
    if not log.seen.take(line):
        return
    log.received(host, at, at)
    common: dict[str, Value] = {"record_ref": place, "occurred_at": at, "host": host}
    if kind == "Authentication":
        _sign_in(record, common, log)
    elif kind == "Authorization" and str(record.get("authType")).lower() == "krb5":
        _session(record, common, log)
    elif kind == "groupChange" and record.get("action") in _OPERATIONS and record.get("statusCode", 0) == 0:
        _change(record, common, _OPERATIONS[record["action"]], log)
    elif kind == "passwordChange" and record.get("action") in _PASSWORDS and record.get("statusCode", 0) == 0:
        _change(record, common, _PASSWORDS[record["action"]], log)


def _instant(value: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(value)).astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None


def _sign_in(record: dict[str, Any], common: dict[str, Value], log: Log) -> None:
    name, domain = account(_text(record, "mappedAccount") or _text(record, "clientAccount"))
    status = _text(record, "status").lower()
    success = status == "nt_status_ok"
    sid = _text(record, "becameSid")
    if sid in _NOBODY and (success or not name):
        if success:
            return
        sid = ""
    service = _text(record, "serviceDescription")
    logon_type = record.get("logonType")
    log.add(
        "sign_in",
        {
            **common,
            "event_id": event_number(record.get("eventId")) or 0,
            "activity": "ticket" if "kerberos" in service.lower() else "logon",
            "outcome": "success" if success else "failure",
            "reason": "" if success else _REASONS.get(status, "other"),
            "reason_code": "" if success else status,
            "account_name": name,
            "account_domain": domain or account(_text(record, "mappedDomain") or _text(record, "clientDomain"))[0],
            "account_sid": "" if sid in _NOBODY else sid,
            "logon_type": _LOGON_TYPES.get(logon_type, "unsaid") if isinstance(logon_type, int) else "unsaid",
            "protocol": _protocol(service, _text(record, "authDescription"), _text(record, "passwordType")),
            "origin": _origin(record),
            "country": "",
            "application": service,
            "mfa": "unsaid",
        },
    )


def _session(record: dict[str, Any], common: dict[str, Value], log: Log) -> None:
    sid = _text(record, "sid")
    name, domain = account(_text(record, "account"))
    if sid in _NOBODY or not name:
        return
    log.add(
        "sign_in",
        {
            **common,
            "event_id": 0,
            "activity": "session",
            "outcome": "success",
            "reason": "",
            "reason_code": "",
            "account_name": name,
            "account_domain": domain or _text(record, "domain").lower(),
            "account_sid": sid,
            "logon_type": "network",
            "protocol": "kerberos",
            "origin": _origin(record),
            "country": "",
            "application": _text(record, "serviceDescription"),
            "mfa": "unsaid",
        },
    )


def _change(record: dict[str, Any], common: dict[str, Value], operation: str, log: Log) -> None:
    log.add(
        "directory_change",
        {
            **common,
            "event_id": event_number(record.get("eventId")) or 0,
            "operation": operation,
            "actor_name": "",
            "actor_sid": _text(record, "userSid"),
            "target_name": "",
            "target_sid": "",
            "target_dn": _text(record, "user") or _text(record, "dn"),
            "group_name": "",
            "group_sid": "",
            "group_dn": _text(record, "group"),
            "origin": _origin(record),
        },
    )


def _text(record: dict[str, Any], name: str) -> str:
    value = record.get(name)
    return value if isinstance(value, str) else ""


def _origin(record: dict[str, Any]) -> str:
    """The address of `ipv4:192.0.2.7:41055`, else the workstation's name."""
    written = _text(record, "remoteAddress")
    family, _, rest = written.partition(":")
    found = address(rest.rpartition(":")[0].strip("[]")) if family in ("ipv4", "ipv6") else ""
    return found or machine(_text(record, "workstation"))


def _protocol(service: str, how: str, password: str) -> str:
    if "kerberos" in service.lower():
        return "kerberos"
    if password.lower() == "ntlmv1":
        return "ntlm_v1"
    if "ntlm" in how.lower() or password.lower().startswith("ntlm"):
        return "ntlm"
    return "ldap" if "simple bind" in how.lower() else "unsaid"
