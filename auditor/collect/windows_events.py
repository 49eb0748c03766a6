"""Records of the Windows Security log as rows. Event numbers, codes and SIDs are read, never texts: any language of Windows will do.

Event numbers and fields: Microsoft, "Security auditing", page of each event. NTSTATUS: MS-ERREF 2.3.1. Kerberos codes: RFC 4120 7.5.9.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from auditor.collect.log_rows import account, address, machine
from auditor.model import Value

_NTSTATUS = {
    "0xc000006a": "bad_password",
    "0xc000006d": "bad_password",
    "0xc0000064": "no_such_user",
    "0xc0000072": "disabled",
    "0xc0000193": "expired",
    "0xc0000071": "expired",
    "0xc0000224": "expired",
    "0xc0000234": "locked",
    "0xc000006f": "hours",
    "0xc0000070": "workstation",
    "0xc000015b": "policy",
    "0xc000006e": "policy",
}
_KERBEROS = {"0x6": "no_such_user", "0x12": "blocked", "0x17": "expired", "0x18": "bad_password"}
_LOGON_TYPES = {
    2: "interactive", 3: "network", 4: "batch", 5: "service", 7: "unlock", 8: "cleartext", 9: "new_credentials",
    10: "remote_interactive", 11: "cached", 12: "remote_interactive", 13: "unlock",
}  # fmt: skip
_SIGN_INS = {4624: "logon", 4625: "logon", 4648: "explicit", 4768: "ticket", 4769: "service_ticket", 4771: "ticket", 4776: "ntlm"}
_CHANGES = {
    4720: "account_created", 4722: "account_enabled", 4723: "password_change", 4724: "password_reset", 4725: "account_disabled",
    4726: "account_deleted", 4738: "account_changed", 4740: "account_locked", 4741: "account_created", 4742: "account_changed",
    4743: "account_deleted", 4781: "account_renamed", 4728: "group_add", 4732: "group_add", 4756: "group_add", 4729: "group_remove",
    4733: "group_remove", 4757: "group_remove", 4719: "audit_policy_changed",
}  # fmt: skip
_CLEARED = {1102: "Microsoft-Windows-Eventlog", 104: "Microsoft-Windows-Eventlog"}
_AUDITING = "Microsoft-Windows-Security-Auditing"
WANTED = frozenset({*_SIGN_INS, *_CHANGES, *_CLEARED})
"""Event numbers that become rows."""
_NOT_ACCOUNTS = ("S-1-5-18", "S-1-5-19", "S-1-5-20", "S-1-5-7", "S-1-5-90-", "S-1-5-96-")
"""Windows itself, its services and window manager, and nobody."""
_NULL_SID = "S-1-0-0"
_PROFILE = re.compile(r"[a-z]:\\(users|documents and settings)\\(?!.*\\appdata\\local\\(programs|microsoft)\\)", re.IGNORECASE)
"""A person's own folder, without the parts where installers put programs for one person."""


class Record(NamedTuple):
    """One record of a log, whatever it was read from: EVTX, or the JSON of a forwarder."""

    event_id: int
    provider: str
    channel: str
    computer: str
    occurred_at: datetime
    record_id: int
    data: Mapping[str, Any]

    @property
    def ref(self) -> str:
        """Machine, log and number: the same wherever the log was copied to."""
        return f"{self.computer.lower()}/{self.channel}:{self.record_id}"


def instant(text: str) -> datetime | None:
    """A time as UTC without zone, microseconds; None when it is none or lies outside of what files can hold."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    if not 1990 <= found.year <= 2200:
        return None
    return found.astimezone(UTC).replace(tzinfo=None) if found.tzinfo else found


def row(record: Record) -> tuple[str, dict[str, Value]] | None:
    """Table and row that a record stands for; None when it says nothing about an account."""
    common: dict[str, Value] = {
        "record_ref": record.ref,
        "occurred_at": record.occurred_at,
        "event_id": record.event_id,
        "host": machine(record.computer),
    }
    if record.event_id in _CLEARED:
        return ("directory_change", common | _cleared(record)) if record.provider == _CLEARED[record.event_id] else None
    if record.provider != _AUDITING or record.event_id not in WANTED:
        return None
    if record.event_id in _CHANGES:
        return "directory_change", common | _change(record)
    found = _explicit(record) if record.event_id == 4648 else _sign_in(record)
    return ("sign_in", common | found) if found else None


def _sign_in(record: Record) -> dict[str, Value] | None:
    data, event = record.data, record.event_id
    name, domain = account(_text(data, "TargetUserName"))
    sid = _text(data, "TargetUserSid" if event in (4624, 4625) else "TargetSid")
    sid = "" if sid == _NULL_SID else sid
    if sid.startswith(_NOT_ACCOUNTS) or not name:
        return None
    success, reason, code = _outcome(event, data)
    host = machine(record.computer)
    origin = address(_text(data, "IpAddress")) or machine(_text(data, "Workstation") or _text(data, "WorkstationName"))
    package = _text(data, "LmPackageName").lower()
    found: dict[str, Value] = {
        "activity": _SIGN_INS[event],
        "outcome": "success" if success else "failure",
        "reason": "" if success else reason,
        "reason_code": "" if success else code,
        "account_name": name,
        "account_domain": domain or _text(data, "TargetDomainName").lower(),
        "account_sid": sid,
        "logon_type": _LOGON_TYPES.get(_number(data.get("LogonType")), "unsaid") if event in (4624, 4625) else "unsaid",
        "protocol": _protocol(event, _text(data, "AuthenticationPackageName").lower(), package),
        "origin": "" if origin == host else origin,
        "country": "",
        "application": "",
        "mfa": "unsaid",
    }
    if event == 4769:
        # What a ticket was asked for is what is reached: a machine, or the account that runs a service.
        found["host"] = machine(_text(data, "ServiceName").removesuffix("$")) or host
    return found


def _explicit(record: Record) -> dict[str, Value] | None:
    """A session that gave the credentials of an account; None for Windows itself and for machines, which do so at every sign-in."""
    data, writer = record.data, machine(record.computer)
    actor, actor_sid = account(_text(data, "SubjectUserName"))[0], _text(data, "SubjectUserSid")
    name, domain = account(_text(data, "TargetUserName"))
    if actor_sid.startswith((*_NOT_ACCOUNTS, _NULL_SID)) or actor.endswith("$") or name.endswith("$") or not (actor and actor_sid and name):
        return None
    reached = machine(_text(data, "TargetServerName").removesuffix("$"))
    return {
        "activity": _SIGN_INS[record.event_id],
        "outcome": "attempt",
        "reason": "",
        "reason_code": "",
        "account_name": name,
        "account_domain": domain or _text(data, "TargetDomainName").lower(),
        "account_sid": "",
        "logon_type": "unsaid",
        "protocol": "unsaid",
        "host": writer if reached in ("", "localhost") else reached,
        "origin": writer,
        "country": "",
        "application": "",
        "mfa": "unsaid",
        "actor_name": actor,
        "actor_sid": actor_sid,
        "from_profile": bool(_PROFILE.match(_text(data, "ProcessName"))),
    }


def _outcome(event: int, data: Mapping[str, Any]) -> tuple[bool, str, str]:
    """Whether it succeeded, else the reason and its code."""
    if event == 4624:
        return True, "", ""
    status, sub = _text(data, "Status").lower(), _text(data, "SubStatus").lower()
    if event in (4768, 4769, 4771):
        return status == "0x0", _KERBEROS.get(status, "other"), status
    code = sub if event == 4625 and sub not in ("", "0x0") else status
    return event == 4776 and code == "0x0", _NTSTATUS.get(code, "other"), code


def _protocol(event: int, authentication: str, package: str) -> str:
    if event in (4768, 4769, 4771) or authentication == "kerberos":
        return "kerberos"
    if "ntlm v1" in package:
        return "ntlm_v1"
    return "ntlm" if event == 4776 or authentication == "ntlm" else "unsaid"


def _change(record: Record) -> dict[str, Value]:
    data, operation = record.data, _CHANGES[record.event_id]
    target, _ = account(_text(data, "NewTargetUserName") or _text(data, "TargetUserName"))
    sid = _text(data, "TargetSid")
    found: dict[str, Value] = {
        "operation": operation,
        "actor_name": account(_text(data, "SubjectUserName"))[0],
        "actor_sid": _text(data, "SubjectUserSid"),
        "target_name": target,
        "target_sid": sid,
        "target_dn": "",
        "group_name": "",
        "group_sid": "",
        "group_dn": "",
        "origin": "",
    }
    if operation in ("group_add", "group_remove"):
        member = _text(data, "MemberName")
        found |= {
            "target_name": "",
            "target_sid": _text(data, "MemberSid"),
            "target_dn": "" if member == "-" else member,
            "group_name": _text(data, "TargetUserName"),
            "group_sid": sid,
        }
    return found


def _cleared(record: Record) -> dict[str, Value]:
    data = record.data
    return {
        "operation": "log_cleared",
        "actor_name": account(_text(data, "SubjectUserName"))[0],
        "actor_sid": _text(data, "SubjectUserSid"),
        "target_name": "Security" if record.event_id == 1102 else _text(data, "Channel"),
        "target_sid": "",
        "target_dn": "",
        "group_name": "",
        "group_sid": "",
        "group_dn": "",
        "origin": "",
    }


def _text(data: Mapping[str, Any], name: str) -> str:
    value = data.get(name)
    return value.strip() if isinstance(value, str) else ""


def _number(value: object) -> int:
    try:
        return int(value) if isinstance(value, (int, str)) else -1
    except ValueError:
        return -1
