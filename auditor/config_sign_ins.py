"""Sections of audit.yaml about sign-ins: the logs to read, and what the network and the wards look like."""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from auditor.config_base import Instant, Pattern, Settings, TimeZone
from auditor.strict_yaml import RefusedValueError

Reason = Literal["bad_password", "no_such_user", "disabled", "expired", "locked", "hours", "workstation", "mfa", "policy", "other"]


class Evtx(Settings):
    """Exported Windows event logs: files, or folders whose .evtx files are read."""

    type: Literal["evtx"]
    name: str
    paths: tuple[Path, ...] = Field(min_length=1)
    max_age_days: int = Field(7, ge=1)
    memory_mb: int = Field(512, ge=128)


class WindowsJson(Settings):
    """Windows event logs collected by Winlogbeat, Logstash or NXLog, one JSON object per line."""

    type: Literal["windows_json"]
    name: str
    paths: tuple[Path, ...] = Field(min_length=1)
    max_age_days: int = Field(7, ge=1)


class SambaLog(Settings):
    """The JSON audit log of one Samba domain controller (`auth_json_audit`, `dsdb_group_json_audit`…); `host` is that controller."""

    type: Literal["samba_log"]
    name: str
    host: str = Field(min_length=1)
    paths: tuple[Path, ...] = Field(min_length=1)
    max_age_days: int = Field(7, ge=1)


class SignInCsv(Settings):
    """Sign-ins of a VPN, RADIUS server or application as CSV.

    `columns` maps the names of sign_in to the headers of the file, `outcomes` and `reasons` its words to ours; an outcome that is not
    listed makes the line unreadable, a failure whose reason is not listed counts as a possible wrong password. `timezone` is that of
    times without offset, `host` what writes the log.
    """

    type: Literal["sign_in_csv"]
    name: str
    path: Path
    host: str = Field(min_length=1)
    encoding: str = "utf-8-sig"
    delimiter: str = Field(";", min_length=1, max_length=1)
    time_format: str = "%Y-%m-%dT%H:%M:%S%z"
    timezone: TimeZone = "UTC"
    columns: dict[str, str]
    outcomes: dict[str, Literal["success", "failure"]] = Field(min_length=1)
    reasons: dict[str, Reason] = Field(default_factory=dict)
    logon_type: Literal["remote", "network", "cloud"] = "remote"
    max_age_days: int = Field(7, ge=1)


class Place(Settings):
    """Machines, by regular expressions on their names, and networks."""

    hosts: tuple[Pattern, ...] = ()
    networks: tuple[IPv4Network | IPv6Network, ...] = ()

    def holds_name(self, name: str) -> bool:
        """Whether a machine's name fits, whatever its case."""
        return any(re.search(pattern, name, re.IGNORECASE) for pattern in self.hosts)


class Unit(Place):
    """A care unit: its machines, and its shared accounts by regular expressions on logon names.

    `pole` is its group of units, `site` the building or the town it lies in: nobody walks from one site to another within minutes.
    """

    name: str = Field(min_length=1)
    pole: str = ""
    site: str = ""
    accounts: tuple[Pattern, ...] = ()


class SharedOrigin(Place):
    """Where many people come from at once (gateway, scanner, deployment server), who answers for the entry, and until when."""

    owner: str = Field(min_length=1)
    expires: Instant


class Drill(Settings):
    """A drill in which break-glass accounts are used on purpose."""

    starts: Instant
    ends: Instant

    @model_validator(mode="after")
    def _in_order(self) -> Drill:
        if self.ends < self.starts:
            raise RefusedValueError("the drill ends before it starts", "l’exercice finit avant d’avoir commencé")
        return self


class Monitoring(Settings):
    """What detections need to know of the site. The last `assessed_days` are compared with what the logs hold of the time before."""

    units: tuple[Unit, ...] = ()
    shared_origins: tuple[SharedOrigin, ...] = ()
    drills: tuple[Drill, ...] = ()
    assessed_days: int = Field(7, ge=1)
