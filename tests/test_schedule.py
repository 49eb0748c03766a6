"""The definitions of the weekly run: what systemd accepts, and what the Task Scheduler asks for; nothing is installed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from auditor import config, schedule
from auditor.collect import secrets
from auditor.config import Audit, Secret
from auditor.errors import ConfigError

NS = {"t": "http://schemas.microsoft.com/windows/2004/02/mit/task"}
FILES = "establishment: {name: A}\nsources:\n  - {type: ldif, name: a, paths: [a.ldif]}\n"
LIVE = (
    "establishment: {name: A}\nsources:\n"
    "  - {type: active_directory, name: a, server: dc1.clinic.test, user: reader, password: {file: 'key 50%.txt'}}\n"
    "notify:\n  webhook: {url: {file: hook.txt}}\n"
)


def settings(folder: Path, text: str) -> tuple[Audit, Path]:
    folder.mkdir(exist_ok=True)
    path = folder / "audit.yaml"
    path.write_text(text, encoding="utf-8")
    return config.load(path), path


def units(text: str) -> dict[str, str]:
    """The files by name, as their comments divide the text."""
    service, timer = text.split("# /etc/systemd/system/audit.timer\n")
    return {"audit.service": service, "audit.timer": timer}


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
@pytest.mark.parametrize("text", [FILES, LIVE])
@pytest.mark.parametrize("name", ["plain", 'é "b" 50%h $HOME \\x41 ;'])
def test_systemd_accepts_the_units(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, name: str) -> None:
    program = tmp_path / "audit"
    program.write_text("#!/bin/sh\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setattr(schedule, "_program", lambda _name: program)
    written = units(schedule.systemd(*settings(tmp_path / name, text)))
    for file, unit in written.items():
        (tmp_path / file).write_text(unit, encoding="utf-8")
    # The process of the tests may have no system to ask: what is printed about the units is what counts.
    done = subprocess.run(["systemd-analyze", "verify", *(str(tmp_path / file) for file in written)], capture_output=True, text=True)
    assert "audit." not in done.stderr, done.stderr
    assert done.returncode == 0, done.stderr
    # The same check must notice a mistake.
    (tmp_path / "audit.timer").write_text(written["audit.timer"].replace("OnCalendar=Mon", "OnCalendar=Lun"), encoding="utf-8")
    broken = subprocess.run(["systemd-analyze", "verify", str(tmp_path / "audit.timer")], capture_output=True, text=True)
    assert "audit.timer" in broken.stderr


def test_paths_are_quoted_for_systemd(tmp_path: Path) -> None:
    unit = schedule.systemd(*settings(tmp_path / 'a "b" 50%h $HOME', FILES))
    (line,) = (line for line in unit.splitlines() if line.startswith("ExecStart="))
    assert '\\"b\\" 50%%h $$HOME/audit.yaml"' in line
    with pytest.raises(ConfigError, match="rename it"):
        schedule.systemd(*settings(tmp_path / "a\nExecStartPost=b", FILES))


def test_the_network_is_there_only_for_what_needs_it(tmp_path: Path) -> None:
    offline, online = (schedule.systemd(*settings(tmp_path, text)) for text in (FILES, LIVE))
    assert "PrivateNetwork=yes" in offline
    assert "AF_INET" not in offline
    assert "network-online" not in offline
    assert "AF_INET6" in online
    assert "After=network-online.target" in online
    assert "PrivateNetwork" not in online
    mail = "notify: {smtp: {server: mail.clinic.test, sender: a@b.test, recipients: [c@b.test]}}\n"
    assert "AF_INET6" in schedule.systemd(*settings(tmp_path, FILES + mail))


def test_what_the_task_asks_for_is_there(tmp_path: Path) -> None:
    for unit, wanted in (
        ("audit.timer", "Persistent=true OnCalendar=Mon"),
        ("audit.service", "Nice=19 DynamicUser=yes ProtectSystem=strict"),
    ):
        for line in wanted.split():
            assert line in units(schedule.systemd(*settings(tmp_path, FILES)))[unit]


def test_a_service_is_handed_its_passwords(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, path = settings(tmp_path, LIVE)
    handed = dict(
        line.removeprefix("LoadCredential=").split(":", 1) for line in schedule.systemd(made, path).splitlines() if "LoadCred" in line
    )
    assert sorted(handed.values()) == sorted([str(tmp_path / "hook.txt"), str(tmp_path / "key 50%%.txt")])
    key = tmp_path / "key 50%.txt"
    assert secrets.credential(key) in handed
    folder = tmp_path / "credentials"
    folder.mkdir()
    (folder / secrets.credential(key)).write_text("open sesame\n", encoding="utf-8")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    assert secrets.resolve(Secret(file=key), "reader") == "open sesame"


@pytest.mark.parametrize("kept", ["{env: A}", "{keyring: A}", "{prompt: true}"])
def test_a_password_a_service_cannot_read_is_refused(tmp_path: Path, kept: str) -> None:
    made = settings(tmp_path, LIVE.replace("{file: hook.txt}", kept))
    with pytest.raises(ConfigError, match="from files only"):
        schedule.systemd(*made)
    if "prompt" in kept:
        with pytest.raises(ConfigError, match="cannot type"):
            schedule.windows(*made)
    else:
        assert schedule.windows(*made)


def test_the_windows_task_is_whole(tmp_path: Path) -> None:
    text = schedule.windows(*settings(tmp_path / "é & <b>", LIVE))
    assert text.isascii()
    task = ET.fromstring(text)
    assert task.get("version") == "1.2"

    def said(path: str) -> str | None:
        return task.findtext(path, namespaces=NS)

    assert task.find("t:Triggers/t:CalendarTrigger/t:ScheduleByWeek/t:DaysOfWeek/t:Monday", NS) is not None
    assert said("t:Settings/t:StartWhenAvailable") == "true"
    assert said("t:Settings/t:RunOnlyIfNetworkAvailable") == "true"
    assert said("t:Principals/t:Principal/t:RunLevel") == "LeastPrivilege"
    assert (said("t:Actions/t:Exec/t:Command") or "").endswith("audit.exe")
    assert f'--config "{tmp_path}/é & <b>/audit.yaml"' in (said("t:Actions/t:Exec/t:Arguments") or "")
    # What runs as the task is that of Principals.
    assert task.find("t:Actions", NS).get("Context") == task.find("t:Principals/t:Principal", NS).get("id")  # type: ignore[union-attr]


def test_the_command_prints_and_installs_nothing(tmp_path: Path) -> None:
    _, path = settings(tmp_path, FILES)

    def audit(*words: str) -> subprocess.CompletedProcess[str]:
        code = "from auditor.cli import main; main()"
        return subprocess.run([sys.executable, "-c", code, "schedule", "--config", str(path), *words], capture_output=True, text=True)

    done = audit("--lang", "en")
    assert (done.returncode, "OnCalendar" in done.stdout) == (0, True), done.stderr
    assert "Nothing was installed" in done.stderr
    assert ET.fromstring(audit("--format", "windows").stdout).tag.endswith("Task")
    assert audit("--format", "cron").returncode == 2
    assert [file.name for file in tmp_path.iterdir()] == ["audit.yaml"]
