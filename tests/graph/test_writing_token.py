"""A token that can change something: the run ends before anything is collected, unless the settings turn that into a warning."""

from __future__ import annotations

import html
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from auditor import collect, snapshot
from auditor.collect.entra import WritingTokenError
from auditor.config_entra import Entra
from sample_data.generator import hospital
from tests.collect.files import AS_OF
from tests.graph.emulator import CLIENT, READ, SECRET, TENANT, Emulator
from tests.graph.reading import Live, incomplete

WRITES = (
    "Directory.ReadWrite.All", "Mail.Send", "Sites.FullControl.All", "User.Invite.All", "user_impersonation", "Tasks.ReadWrite",
    "Nobody.Knows.This", "Read.All", "Reports.Readable.All",
)  # fmt: skip


@pytest.mark.parametrize("written", WRITES)
@pytest.mark.parametrize("delegated", [False, True])
def test_it_ends_the_run(live: Live, tenant: Emulator, tmp_path: Path, written: str, delegated: bool) -> None:
    tenant.permissions, tenant.delegated = (*READ, written), delegated
    with pytest.raises(WritingTokenError) as refused:
        live()
    assert f"more than read: {written}. Remove" in refused.value.text.en
    assert f"plus que lire\u00a0: {written}. Retirer" in refused.value.text.fr
    assert tenant.requests == []
    assert not (tmp_path / "snapshot").exists()


def test_permissions_that_only_read_are_known_by_their_form(live: Live, tenant: Emulator) -> None:
    more = ("openid", "profile", "offline_access", "User.ReadBasic.All", "Mail.Read", "Member.Read.Hidden", "A-B.Read.All")
    tenant.permissions, tenant.delegated = (*READ, *more), True
    assert incomplete(live()) == set()


def test_it_is_a_warning_when_the_settings_allow_it(live: Live, tenant: Emulator, tmp_path: Path) -> None:
    tenant.permissions = (*READ, "Mail.Send", "Directory.ReadWrite.All")
    assert incomplete(live(allow_write_permissions=True)) == set()
    [notice] = snapshot.read(tmp_path / "snapshot").notices
    assert notice.source == "entra"
    assert "(Directory.ReadWrite.All, Mail.Send)" in notice.text.en
    tenant.permissions = READ
    live(allow_write_permissions=True)
    assert snapshot.read(tmp_path / "snapshot").notices == ()


def test_a_check_of_the_source_says_it(source: Callable[..., Entra], tenant: Emulator) -> None:
    tenant.permissions = (*READ, "Mail.Send")
    [(good, said)] = collect.doctor(source(), AS_OF)
    assert not good
    assert "Mail.Send" in said.en
    bad = [said for good, said in collect.doctor(source(allow_write_permissions=True), AS_OF) if not good]
    assert ["Mail.Send" in said.fr for said in bad] == [True]


@pytest.mark.usefixtures("live")
def test_the_command_ends_with_2_or_prints_the_warning(tenant: Emulator, pages: dict[str, bytes], tmp_path: Path) -> None:
    hospital.write(tmp_path, pages)
    live: dict[str, object] = {
        "type": "entra", "name": "cloud", "tenant": TENANT, "client_id": CLIENT, "login_url": tenant.url, "graph_url": tenant.url,
        "sign_in": "secret", "secret": {"env": "TEST_ENTRA_SECRET"}, "ca_file": "ca.pem",
    }  # fmt: skip
    settings = {"establishment": {"name": "H"}, "as_of": "2026-11-20T06:00:00Z"}
    config, output = tmp_path / "audit.yaml", tmp_path / "out"

    def audit(source: dict[str, object]) -> subprocess.CompletedProcess[str]:
        sources = [{"type": "entra_files", "name": "saved", "path": "entra"}, source]
        config.write_text(yaml.safe_dump({**settings, "sources": sources}), encoding="utf-8")
        command = ["run", "--config", str(config), "--output", str(output), "--only", "ENTRA-005", "--lang", "en"]
        program = [sys.executable, "-c", "from auditor.cli import main; main()", *command]
        env = {**os.environ, "TEST_ENTRA_SECRET": SECRET, "LC_ALL": "C.UTF-8"}
        return subprocess.run(program, capture_output=True, text=True, encoding="utf-8", env=env, timeout=300)

    tenant.permissions = (*READ, "Mail.Send")
    refused = audit(live)
    assert refused.returncode == 2
    assert refused.stdout == ""
    assert refused.stderr.count("\n") == 1
    assert "cloud: nothing was collected, because the auditor’s application may do more than read: Mail.Send." in refused.stderr
    assert sorted(path.name for path in output.iterdir()) == [".lock"]
    allowed = audit({**live, "allow_write_permissions": True})
    assert allowed.returncode in (0, 1), allowed.stderr
    words = "the auditor’s application may do more than read (Mail.Send)"
    assert f"! cloud: {words}" in " ".join(allowed.stdout.split())
    [notice] = json.loads((output / "only" / "report.json").read_text(encoding="utf-8"))["notices"]
    assert notice["text"]["en"].startswith(words)
    assert words in html.unescape((output / "only" / "report.html").read_text(encoding="utf-8"))
