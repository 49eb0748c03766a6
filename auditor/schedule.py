"""The weekly run as a definition for the system's own scheduler, printed for an administrator to read and install.

systemd: systemd.service(5), systemd.timer(5), systemd.exec(5). Windows: the Task Scheduler schema 1.2 (MS-TSCH, 2.5).
"""

from __future__ import annotations

import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

from pydantic import BaseModel

from auditor.collect import secrets
from auditor.config import ActiveDirectory, Audit, Secret
from auditor.config_entra import Entra
from auditor.errors import ConfigError

_TASK = "http://schemas.microsoft.com/windows/2004/02/mit/task"


def systemd(settings: Audit, config: Path) -> str:
    """The service and the timer, one after the other, each under a comment with its file name.

    The service runs under an account of its own that may write to /var/lib/audit alone; it is handed the files with passwords, and reaches
    the network only if a source or a message does. ConfigError when a password is kept where a service cannot read it.
    """
    config = config.resolve()
    command = (str(_program("audit")), "run", "--config", str(config), "--output", "/var/lib/audit", "--quiet", "--no-progress")
    network = (
        ["RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6"]
        if _reaches_out(settings)
        else ["PrivateNetwork=yes", "RestrictAddressFamilies=AF_UNIX"]
    )
    lines = [
        "# /etc/systemd/system/audit.service",
        "[Unit]",
        "Description=Weekly audit of identities and access",
        *(["Wants=network-online.target", "After=network-online.target"] if _reaches_out(settings) else []),
        "",
        "[Service]",
        "Type=oneshot",
        "ExecStart=" + " ".join(map(_word, command)),
        "# 1 and 3 are results of an audit, not failures of the service.",
        "SuccessExitStatus=1 3",
        "TimeoutStartSec=6h",
        "Nice=19",
        "DynamicUser=yes",
        "StateDirectory=audit",
        "StateDirectoryMode=0700",
        "UMask=0077",
        *(f"LoadCredential={secrets.credential(path)}:{_value(path)}" for path in _private_files(settings)),
        "ProtectSystem=strict",
        "ProtectHome=read-only",
        "PrivateTmp=yes",
        "PrivateDevices=yes",
        "ProtectKernelTunables=yes",
        "ProtectKernelModules=yes",
        "ProtectControlGroups=yes",
        "ProtectClock=yes",
        "NoNewPrivileges=yes",
        "CapabilityBoundingSet=",
        "RestrictSUIDSGID=yes",
        "SystemCallFilter=@system-service",
        *network,
        "",
        "# /etc/systemd/system/audit.timer",
        "[Unit]",
        "Description=Every Monday: audit of identities and access",
        "",
        "[Timer]",
        "OnCalendar=Mon *-*-* 05:00:00",
        "RandomizedDelaySec=30min",
        "Persistent=true",
        "",
        "[Install]",
        "WantedBy=timers.target",
    ]
    return "\n".join(lines) + "\n"


def windows(settings: Audit, config: Path) -> str:
    """The task as XML for `schtasks /Create /XML`; who it runs as is given there. ConfigError when a password would have to be typed."""
    for secret in _secrets(settings):
        if secret.prompt:
            raise ConfigError(
                "a task cannot type a password; in audit.yaml use file, env or keyring in place of prompt.",
                fr="une tâche ne peut pas saisir un mot de passe\u00a0; dans audit.yaml, utilisez file, env ou keyring plutôt que prompt.",
            )
    config = config.resolve()
    arguments = subprocess.list2cmdline(["run", "--config", str(config), "--quiet", "--no-progress"])
    network = "true" if _reaches_out(settings) else "false"
    task = ET.Element("Task", version="1.2", xmlns=_TASK)
    _fill(ET.SubElement(task, "RegistrationInfo"), Description="Weekly audit of identities and access")
    trigger = ET.SubElement(ET.SubElement(task, "Triggers"), "CalendarTrigger")
    _fill(trigger, StartBoundary="2026-01-05T05:00:00", Enabled="true", RandomDelay="PT30M")
    week = ET.SubElement(trigger, "ScheduleByWeek")
    ET.SubElement(ET.SubElement(week, "DaysOfWeek"), "Monday")
    _fill(week, WeeksInterval="1")
    principal = ET.SubElement(ET.SubElement(task, "Principals"), "Principal", id="Author")
    _fill(principal, LogonType="Password", RunLevel="LeastPrivilege")
    _fill(
        ET.SubElement(task, "Settings"), MultipleInstancesPolicy="IgnoreNew", DisallowStartIfOnBatteries="false", StartWhenAvailable="true",
        RunOnlyIfNetworkAvailable=network, ExecutionTimeLimit="PT6H", Priority="8",
    )  # fmt: skip
    action = ET.SubElement(ET.SubElement(task, "Actions", Context="Author"), "Exec")
    _fill(action, Command=str(_program("audit.exe")), Arguments=arguments, WorkingDirectory=str(config.parent))
    ET.indent(task)
    # ASCII alone, so that it reads the same in whatever encoding a console saves it.
    text: str = ET.tostring(task, encoding="us-ascii").decode("ascii")
    return text + "\n"


def _fill(element: ET.Element, **texts: str) -> None:
    for name, text in texts.items():
        ET.SubElement(element, name).text = text


def _program(name: str) -> Path:
    return Path(sysconfig.get_path("scripts")) / name


def _word(value: str) -> str:
    """One word of ExecStart, whatever it holds: quoted, without specifiers and variables."""
    return '"' + _value(value).replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$") + '"'


def _value(value: object) -> str:
    """A path in a unit file: % begins a specifier there, and a line break would begin another setting."""
    text = str(value)
    if not text.isprintable():
        raise ConfigError(
            f"{text!r} holds characters that a unit file cannot; rename it.",
            fr=f"{text!r} contient des caractères impossibles dans un fichier d’unité\u00a0; renommez-le.",
        )
    return text.replace("%", "%%")


def _reaches_out(settings: Audit) -> bool:
    """Whether the run needs the network."""
    return any(isinstance(source, (ActiveDirectory, Entra)) for source in settings.sources) or bool(
        settings.notify.smtp or settings.notify.webhook
    )


def _private_files(settings: Audit) -> tuple[Path, ...]:
    """Files with passwords, in order."""
    for secret in _secrets(settings):
        if secret.file is None:
            raise ConfigError(
                "a service reads passwords from files only; in audit.yaml write {file: PATH} in place of keyring, env or prompt.",
                fr="un service ne lit les mots de passe que dans des fichiers\u00a0; dans audit.yaml, écrivez {file: CHEMIN} à la place de "
                "keyring, env ou prompt.",
            )
    return tuple(sorted({secret.file for secret in _secrets(settings) if secret.file}))


def _secrets(part: object) -> Iterator[Secret]:
    if isinstance(part, Secret):
        yield part
    elif isinstance(part, BaseModel):
        for name in type(part).model_fields:
            yield from _secrets(getattr(part, name))
    elif isinstance(part, tuple):
        for item in part:
            yield from _secrets(item)
