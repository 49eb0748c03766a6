"""Entra ID, live through the emulator: ways to sign in, permissions, licences, pages."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, NoEncryption, load_pem_private_key, pkcs12
from pydantic import ValidationError

from auditor.collect.entra_tenant import TABLES
from auditor.config_base import Secret
from auditor.config_entra import Entra
from auditor.model import State
from tests.graph import emulator
from tests.graph.emulator import READ, Emulator
from tests.graph.reading import Live, from_files, incomplete, reason, sign_in, states


def test_live_and_saved_give_the_same_tables(live: Live, pages: dict[str, bytes], tmp_path: Path) -> None:
    files, now = from_files(pages, tmp_path / "files"), live()
    assert set(states(now)) == set(TABLES)
    assert incomplete(now) == incomplete(files) == set()
    for table in TABLES:
        assert now.rows[table] == files.rows[table], table
        assert now.rows[table], table


def test_pages_are_followed_to_their_end_and_never_more_than_once(live: Live, tenant: Emulator) -> None:
    tenant.page_size = 7
    found = live()
    assert len(found.rows["entra_user"]) == len(tenant.lists["/users"])
    assert emulator.counted(tenant)["/users"] == -(-len(tenant.lists["/users"]) // 7)


@pytest.mark.parametrize(
    ("permission", "denied"),
    [
        ("Policy.Read.All", {"entra_method", "entra_policy", "entra_policy_scope", "entra_location"}),
        ("AuditLog.Read.All", {"entra_activity", "entra_registration"}),
        ("RoleManagement.Read.Directory", {"entra_role_holder"}),
        (
            "Directory.Read.All",
            {"entra_user", "entra_activity", "entra_group_member", "entra_application", "entra_credential", "entra_permission"},
        ),
    ],
)
def test_a_missing_permission_is_said_with_its_cure(live: Live, tenant: Emulator, permission: str, denied: set[str]) -> None:
    tenant.permissions = tuple(held for held in READ if held != permission)
    found = live()
    assert {name for name, state in states(found).items() if state is State.DENIED} == denied
    assert all("permission is missing" in reason(found, name) or "licence" in reason(found, name) for name in denied)
    assert all(permission in str(found.coverage[name].cure) for name in denied - {"entra_activity"})
    if permission == "AuditLog.Read.All":
        assert "AuditLog.Read.All is missing" in reason(found, "entra_activity")
        assert permission in str(found.coverage["entra_activity"].cure)
    assert states(found)["entra_tenant"] is (State.PARTIAL if permission in ("Policy.Read.All", "Directory.Read.All") else State.COMPLETE)


def test_a_tenant_without_licence_gives_its_users_without_their_activity(live: Live, tenant: Emulator) -> None:
    tenant.premium = False
    tenant.lists["/subscribedSkus"] = []
    tenant.lists["/roleManagement/directory/roleAssignments"] = []
    found = live()
    assert incomplete(found) == {"entra_activity", "entra_registration"}
    assert "licence" in reason(found, "entra_activity")
    assert "P1" in str(found.coverage["entra_activity"].cure)
    assert len(found.rows["entra_user"]) == len(tenant.lists["/users"])


def test_without_p2_plain_assignments_are_read_and_all_are_permanent(live: Live, tenant: Emulator) -> None:
    tenant.lists["/subscribedSkus"] = [{"capabilityStatus": "Enabled", "servicePlans": [{"servicePlanName": "AAD_PREMIUM"}]}]
    scheduled = tenant.lists["/roleManagement/directory/roleAssignmentScheduleInstances"]
    kept = ("id", "principalId", "roleDefinitionId", "directoryScopeId", "principal")
    tenant.lists["/roleManagement/directory/roleAssignments"] = [{name: one[name] for name in kept} for one in scheduled]
    found = live()
    assert incomplete(found) == set()
    assert {(row["state"], row["permanent"]) for row in found.rows["entra_role_holder"]} == {("active", True)}


@pytest.mark.parametrize("kind", ["pem", "pfx", "pfx with passphrase"])
def test_sign_in_with_a_certificate(live: Live, tenant: Emulator, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    issued = trustme.CA().issue_cert("auditor.test", key_type=trustme.KeyType.RSA)
    pem = issued.private_key_pem.bytes() + issued.cert_chain_pems[0].bytes()
    tenant.certificate = x509.load_pem_x509_certificate(pem)
    secret = None
    path = tmp_path / "auditor.pem"
    if kind != "pem":
        path = tmp_path / "auditor.pfx"
        key: Any = load_pem_private_key(pem, None)
        monkeypatch.setenv("TEST_PASSPHRASE", "canary-passphrase")
        # msal takes a PFX without passphrase only when it is written without one.
        wrapped = BestAvailableEncryption(b"canary-passphrase") if "with" in kind else None
        secret = Secret(env="TEST_PASSPHRASE") if wrapped else None
        pem = pkcs12.serialize_key_and_certificates(None, key, tenant.certificate, None, wrapped or NoEncryption())
    path.write_bytes(pem)
    path.chmod(0o600)
    assert incomplete(live(sign_in="certificate", certificate=path, secret=secret)) == set()


def test_a_certificate_nobody_knows_and_one_that_others_may_read(live: Live, tmp_path: Path) -> None:
    issued = trustme.CA().issue_cert("stranger.test", key_type=trustme.KeyType.RSA)
    path = tmp_path / "stranger.pem"
    path.write_bytes(issued.private_key_pem.bytes() + issued.cert_chain_pems[0].bytes())
    path.chmod(0o600)
    assert "AADSTS700027" in reason(live(sign_in="certificate", certificate=path, secret=None), "entra_user")
    path.chmod(0o644)
    assert "private" in reason(live(sign_in="certificate", certificate=path, secret=None), "entra_user")
    path.write_bytes(b"nothing")
    path.chmod(0o600)
    assert "does not hold" in reason(live(sign_in="certificate", certificate=path, secret=None), "entra_user")


def test_sign_in_by_device_code_shows_what_to_type(live: Live, tenant: Emulator, capsys: pytest.CaptureFixture[str]) -> None:
    tenant.delegated = True
    assert incomplete(live(sign_in="device_code", secret=None)) == set()
    assert "type ABCD" in capsys.readouterr().err


def test_sign_in_with_a_managed_identity(live: Live, tenant: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    class Endpoint(BaseHTTPRequestHandler):
        def log_message(self, *_args: object) -> None:
            """Nothing on the terminal."""

        def do_GET(self) -> None:
            asked.append(f"{self.path} {self.headers['X-IDENTITY-HEADER']}")
            expires = str(int(time.time()) + 3600)
            content = json.dumps(
                {"access_token": tenant.token(), "expires_on": expires, "resource": tenant.url, "token_type": "Bearer"}
            ).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    with HTTPServer(("127.0.0.1", 0), Endpoint) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"http://127.0.0.1:{server.server_port}/token")
        monkeypatch.setenv("IDENTITY_HEADER", "header-7")
        found = live(sign_in="managed_identity", client_id="", secret=None)
        server.shutdown()
    assert incomplete(found) == set()
    assert len(asked) == 1
    assert "api-version=2019-08-01" in asked[0]
    assert asked[0].endswith(" header-7")


def test_a_wrong_secret_an_unknown_tenant_and_a_stranger_s_certificate_are_sentences(
    live: Live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_ENTRA_SECRET", "canary-wrong")
    found = live()
    assert "AADSTS7000215" in reason(found, "entra_user")
    assert all(b"canary" not in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert set(states(live(tenant="unknown.test")).values()) == {State.ABSENT}
    trustme.CA().cert_pem.write_to_path(tmp_path / "other.pem")
    assert "not trusted" in reason(live(ca_file=tmp_path / "other.pem"), "entra_user")


def test_a_proxy_s_certificate_variable_does_not_replace_ca_file(live: Live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trustme.CA().cert_pem.write_to_path(tmp_path / "proxy.pem")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "proxy.pem"))
    assert incomplete(live()) == set()


def test_more_than_twenty_permissions_are_asked_for_one_by_one(live: Live, tenant: Emulator) -> None:
    graph = tenant.lists["/servicePrincipals"][0]
    many = [{"principalId": graph["id"], "resourceId": graph["id"], "appRoleId": str(UUID(int=n))} for n in range(25)]
    tenant.lists["/servicePrincipals"][1]["appRoleAssignments"] = many[:20]
    key = tenant.lists["/servicePrincipals"][1]["id"]
    live()
    assert emulator.counted(tenant)[f"/servicePrincipals/{key}/appRoleAssignments"] == 1


def test_sign_ins_are_read_day_by_day_into_the_common_table(live: Live, tenant: Emulator) -> None:
    tenant.page_size = 2
    tenant.lists["/auditLogs/signIns"] = [
        sign_in(1, "2026-11-17T05:59:59Z"), sign_in(2, "2026-11-17T06:00:00Z"), sign_in(3, "2026-11-18T06:00:00Z", 50126),
        sign_in(4, "2026-11-18T07:30:00Z", 50034, ipAddress=None), sign_in(5, "2026-11-19T12:00:00Z", 99999, location=None),
        sign_in(6, "2026-11-20T05:00:00Z", status=None), sign_in(7, "2026-11-20T06:00:00Z"),
    ]  # fmt: skip
    found = live(sign_in_days=3)
    rows = [(r["record_ref"], r["outcome"], r["reason"], r["origin"], r["country"]) for r in found.rows["sign_in"]]
    assert rows == [
        ("s2", "success", "", "203.0.113.7", "FR"), ("s3", "failure", "bad_password", "203.0.113.7", "FR"),
        ("s4", "failure", "no_such_user", "pc-12", "FR"), ("s5", "failure", "other", "203.0.113.7", ""),
    ]  # fmt: skip
    assert {(r["account_name"], r["account_domain"], r["logon_type"]) for r in found.rows["sign_in"]} == {
        ("marie.durand", "hopital.test", "cloud"), ("?1", "", "cloud"),
    }  # fmt: skip
    assert reason(found, "sign_in").startswith("1 record could not be read")
    assert emulator.counted(tenant)["/auditLogs/signIns"] == 4


@pytest.mark.parametrize(
    "wrong",
    [
        {"sign_in": "certificate"}, {"sign_in": "secret"}, {"sign_in": "device_code", "client_id": ""}, {"graph_url": "http://localhost"},
        {"tenant": "a/../b"}, {"token": "x"},
    ],
)  # fmt: skip
def test_settings_that_cannot_work_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Entra.model_validate({"type": "entra", "tenant": "t", "client_id": "c", **wrong})
