"""Passwords, keys, tokens and seeds go in, and come out nowhere: not in a report, a snapshot, a message, a name or the list of
processes."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import trustme
from cryptography import x509

from auditor import rules
from tests.collect import slapd
from tests.collect.directories import DOMAIN, domain, user
from tests.graph import emulator
from tests.graph.emulator import CLIENT, TENANT, Emulator
from tests.graph.reading import sign_in
from tests.test_cli import ROOT, audit

CONFIG = """
establishment: {{name: Clinique Brumelle}}
as_of: 2026-11-20T06:00:00Z
sources:
  - {{type: hr, path: hr.csv, received_at: 2026-11-19T00:00:00Z, columns: {{person_number: n, starts_at: d, ends_at: f, job: j}}}}
  - {{type: gophish, name: spring, results: results.csv, events: events.csv}}
  - {{type: otp, uris: [uris.txt], tokens: [tokens.csv]{settings}}}
"""
SEED = base64.b32encode(b"canary seed of a token!!").decode().rstrip("=")
TYPED = "Automne2026!canari"


@pytest.fixture
def clinic(tmp_path: Path) -> Path:
    folder = tmp_path / "clinic"
    folder.mkdir()
    files = {
        "hr.csv": "n;d;f;j\n" + "".join(f"{n};01/01/2020;;Infirmier DE\n" for n in range(6)),
        "results.csv": "status,send_date,reported,modified_date,email\n"
        + "".join(f"Submitted Data,2026-09-01T08:00:00Z,false,2026-09-01T09:00:00Z,p{n}@chu.test\n" for n in range(6)),
        "events.csv": "campaign_id,email,time,message,details\n"
        f'7,p1@chu.test,2026-09-01T09:00:00Z,Submitted Data,"{{""payload"":{{""password"":[""{TYPED}""]}}}}"\n'
        f"7,p2@chu.test,{TYPED},Clicked Link,{TYPED}\n{TYPED}\n",
        "uris.txt": f"otpauth://totp/marie?secret={SEED}\notpauth://totp/paul?secret={SEED}\n{SEED}\notpauth://totp/x?secret={SEED}&secret=1\n",
        "tokens.csv": f"upn,serial number,secret key,time interval\njeanne,S1,{SEED},30\n{SEED}\njeanne,S2,{SEED}0,30\n",
        "audit.yaml": CONFIG.format(settings=""),
    }
    for name, text in files.items():
        (folder / name).write_text(text, encoding="cp1252" if name == "hr.csv" else "utf-8")
    return folder


def everything(folder: Path) -> bytes:
    """Names and contents of all files, tables also unpacked."""
    found = b""
    for path in sorted(folder.rglob("*")):
        found += path.name.encode()
        if path.is_file():
            found += path.read_bytes()
            if path.suffix == ".parquet":
                found += str(pq.read_table(path).to_pylist()).encode()
    return found


def secrets() -> list[bytes]:
    raw = base64.b32decode(SEED + "=" * (-len(SEED) % 8))
    return [SEED.encode(), SEED.lower().encode(), raw, raw.hex().encode(), base64.b64encode(raw), TYPED.encode()]


def test_no_secret_of_a_source_comes_out(clinic: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = audit("run", "--config", clinic / "audit.yaml", "--output", out, TMPDIR=str(tmp_path))
    assert done.returncode == 3, done.stderr
    report = (out / "report.json").read_text(encoding="utf-8")
    assert "could not be read" in report  # the broken lines are said, not shown
    assert "marie" in report  # and the shared seed is found
    seen = everything(out) + done.stdout.encode() + done.stderr.encode()
    assert [secret for secret in secrets() if secret in seen] == []


def test_no_secret_of_a_source_comes_out_of_a_check(clinic: Path, tmp_path: Path) -> None:
    done = audit("doctor", "--config", clinic / "audit.yaml", "--lang", "en", TMPDIR=str(tmp_path))
    assert done.returncode == 3
    assert "otp_token" in done.stdout
    assert [secret for secret in secrets() if secret.decode("latin-1") in done.stdout + done.stderr] == []


@pytest.mark.parametrize(
    "settings", [", columns: {holder: upn, serial: secret key, secret: secret key}", ", delimiter: ';'", ", encoding: utf-16"]
)
def test_no_secret_comes_out_of_a_source_read_in_the_wrong_way(clinic: Path, tmp_path: Path, settings: str) -> None:
    (clinic / "audit.yaml").write_text(CONFIG.format(settings=settings), encoding="utf-8")
    done = audit("run", "--config", clinic / "audit.yaml", "--output", tmp_path / "out", TMPDIR=str(tmp_path))
    assert done.returncode in (2, 3)
    shutil.rmtree(clinic)
    seen = everything(tmp_path) + done.stdout.encode() + done.stderr.encode()
    assert [secret for secret in secrets() if secret in seen] == []


MARK = "canari7q"
"""Part of every password below, on both sides of what a name is cut at."""
NAMED = (f"Automne-{MARK}", f"Hiver-{MARK}\\{MARK}-26", f"Ete-{MARK}@{MARK}-26", f"{MARK} 1", f"{MARK} 2", f"{MARK} 3")
"""Passwords typed where the name belongs."""
WRITTEN = f"Mot de passe : Printemps-{MARK}-26"
LIVE = """
establishment: {{name: Clinique Brumelle}}
rules: {{packs: [pack]}}
sources:
  - type: active_directory
    name: ad
    server: 127.0.0.1
    port: {directory.port}
    ca_file: {directory.ca_file}
    user: {reader}
    password: {{file: password}}
  - type: entra
    tenant: {tenant}
    client_id: {client}
    login_url: {url}
    graph_url: {url}
    ca_file: graph.pem
    sign_in_days: 2
    {credential}
  - {{type: samba_log, name: samba, host: DC1, paths: [samba.json]}}
  - {{type: windows_json, name: windows, paths: [windows.ndjson]}}
  - {{type: evtx, name: evtx, paths: [damaged.evtx]}}
  - type: sign_in_csv
    name: vpn
    path: vpn.csv
    host: VPN
    columns: {{occurred_at: date, account_name: login, outcome: resultat, origin: ip, reason: motif}}
    outcomes: {{oui: success, non: failure}}
    reasons: {{inconnu: no_such_user}}
"""


class Remembering(Emulator):
    """A tenant that remembers the tokens it gave."""

    def token(self) -> str:
        given = super().token()
        self.given = (*getattr(self, "given", ()), given)
        return given


@dataclass
class Watched:
    """A run of the command: its end, what it printed, and what the list of processes showed meanwhile."""

    code: int
    printed: bytes
    listed: bytes = b""
    children: set[int] = field(default_factory=set)


def watched(folder: Path, out: Path, before: str = "", **environment: str) -> Watched:
    """Run an audit, after the statements `before`, and look at the list of processes until it ends: at the arguments of the command and of
    its children, and at the environment of the children (that of the command is the caller's own)."""
    code = f"from auditor.cli import main; {before}main()"
    command = [sys.executable, "-c", code, "run", "--config", str(folder / "audit.yaml"), "--output", str(out)]
    out.parent.mkdir(exist_ok=True)
    done = Watched(0, b"")
    with (out.parent / "printed").open("w+b") as printed:
        env = {**os.environ, "LC_ALL": "en_GB.UTF-8", "TMPDIR": str(out.parent), **environment}
        with subprocess.Popen(command, stdout=printed, stderr=printed, env=env, cwd=ROOT) as process:
            until = time.monotonic() + 120
            while process.poll() is None and time.monotonic() < until:
                own = _read(Path(f"/proc/{process.pid}/cmdline"))
                done.listed += own
                for task in Path(f"/proc/{process.pid}/task").glob("*/children"):
                    for child in _read(task).split():
                        arguments, environ = (_read(Path(f"/proc/{int(child)}/{name}")) for name in ("cmdline", "environ"))
                        # Until it has started a program of its own, a child is the command itself, environment and all.
                        if arguments not in (b"", own):
                            done.children.add(int(child))
                            done.listed += arguments + environ
                time.sleep(0.01)
            process.kill()
        done.code = process.returncode
        printed.seek(0)
        done.printed = printed.read()
    return done


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # ended meanwhile
        return b""


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[slapd.Slapd]:
    folder = tmp_path / "slapd"
    folder.mkdir()
    with slapd.running(folder, {**domain(), f"CN=Marie,{DOMAIN}": user(1105, "marie", description=WRITTEN)}) as running:
        yield running


@pytest.fixture
def tenant(tmp_path: Path) -> Iterator[Remembering]:
    authority = trustme.CA()
    at = f"{datetime.now(UTC) - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"
    tried = [sign_in(number, at, 50034, userPrincipalName=name) for number, name in enumerate(NAMED)]
    started = Remembering({"/users": [], "/auditLogs/signIns": tried}, {})
    (tmp_path / "live").mkdir()
    authority.cert_pem.write_to_path(tmp_path / "live" / "graph.pem")
    with emulator.running(started, authority):
        yield started


def attempts(at: datetime) -> dict[str, str]:
    """Logs in which people typed their password where the name belongs."""
    samba, windows = [], []
    for number, name in enumerate(NAMED):
        record: dict[str, Any] = {
            "eventId": 4625, "logonType": 3, "status": "NT_STATUS_NO_SUCH_USER", "remoteAddress": "ipv4:10.1.2.3:41055", "becameSid": None,
            "clientAccount": name, "mappedAccount": name, "clientDomain": "CHU", "serviceDescription": "LDAP",
            "authDescription": "simple bind",
        }  # fmt: skip
        samba.append({"timestamp": f"{at.isoformat()}+00:00", "type": "Authentication", "Authentication": record})
        windows.append({
            "@timestamp": f"{at.isoformat()}Z",
            "winlog": {
                "event_id": 4625, "provider_name": "Microsoft-Windows-Security-Auditing", "channel": "Security", "computer_name": "pc7",
                "record_id": number, "event_data": {
                    "TargetUserName": name, "TargetDomainName": "CHU", "TargetUserSid": "S-1-0-0", "Status": "0xc000006d",
                    "SubStatus": "0xc0000064", "LogonType": "3", "IpAddress": "10.1.2.3",
                },
            },
        })  # fmt: skip
    said = f"{at:%Y-%m-%dT%H:%M:%S}+0000"
    rows = [f"{said};{name};non;10.1.2.3;inconnu" for name in NAMED]
    # A word of the gateway's own that repeats the name, a delimiter in a password, and a quote, which takes the rest of the file.
    rows += [
        f"{said};anne;non;10.1.2.3;nobody is {MARK}",
        f"{said};Automne;{MARK};non;10.1.2.3;inconnu",
        f'{said};"{MARK};non;10.1.2.3;inconnu',
    ]
    return {
        "samba.json": "".join(f"{json.dumps(line)}\n" for line in samba),
        "windows.ndjson": "".join(f"{json.dumps(line)}\n" for line in windows),
        "vpn.csv": "\n".join(("date;login;resultat;ip;motif", *rows)) + "\n",
        "damaged.evtx": "ElfFile\x00",
    }


@pytest.fixture
def live(tmp_path: Path, directory: slapd.Slapd, tenant: Remembering) -> Path:
    """The folder of an audit of live sources, without audit.yaml."""
    folder = tmp_path / "live"
    for name, text in attempts(datetime.now(UTC).replace(tzinfo=None, microsecond=0) - timedelta(hours=1)).items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "pack").mkdir()
    (folder / "pack" / "AD-ACC-900-own.yaml").write_text(rules.scaffold("AD-ACC-900", 1), encoding="utf-8")
    for name in ("password", "secret"):
        (folder / name).touch(mode=0o600)
    (folder / "password").write_text(slapd.PASSWORD, encoding="utf-8")
    return folder


def settings(folder: Path, directory: slapd.Slapd, tenant: Remembering, credential: str) -> None:
    text = LIVE.format(directory=directory, reader=slapd.READER, tenant=TENANT, client=CLIENT, url=tenant.url, credential=credential)
    (folder / "audit.yaml").write_text(text, encoding="utf-8")


def canaries(tenant: Remembering, *others: str) -> list[bytes]:
    """Everything that may be found nowhere, in lower case."""
    tokens = getattr(tenant, "given", ())
    return [text.lower().encode() for text in (MARK, emulator.SECRET, slapd.PASSWORD, *others, *tokens, *(t.split(".")[1] for t in tokens))]


def assert_nowhere(secrets: list[bytes], done: Watched, out: Path) -> None:
    seen = (everything(out.parent) + done.printed + done.listed).lower()
    assert [secret for secret in secrets if secret in seen] == []


needs_proc = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="there is no /proc to look at")


@needs_proc
def test_no_secret_of_a_live_audit_comes_out(live: Path, directory: slapd.Slapd, tenant: Remembering, tmp_path: Path) -> None:
    settings(live, directory, tenant, "sign_in: secret\n    secret: {env: CANARY_SECRET}")
    out = tmp_path / "seen" / "out"
    done = watched(live, out, CANARY_SECRET=emulator.SECRET)
    assert done.code in (1, 3), done.printed
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    failed = {one["rule"]: one["findings"] for one in report["assessments"] if one["verdict"] == "fail"}
    assert failed["AD-ACC-011"][0]["evidence"]["secret_in_attribute"] == "description"  # it was seen, and not kept
    names = pq.read_table(out / "snapshot" / "sign_in.parquet").to_pylist()
    assert len([row for row in names if row["reason"] == "no_such_user"]) == 4 * len(NAMED)
    assert tenant.tokens == 1
    assert len(done.children) >= 2, "one child reads the event log, one judges the rules of the pack"
    assert b"audit.yaml" in done.listed
    assert_nowhere(canaries(tenant), done, out)


@needs_proc
def test_no_key_of_a_certificate_comes_out(live: Path, directory: slapd.Slapd, tenant: Remembering, tmp_path: Path) -> None:
    issued = trustme.CA().issue_cert("auditor.test", key_type=trustme.KeyType.RSA)
    key = issued.private_key_pem.bytes()
    tenant.certificate = x509.load_pem_x509_certificate(issued.cert_chain_pems[0].bytes())
    (live / "auditor.pem").write_bytes(key + issued.cert_chain_pems[0].bytes())
    (live / "auditor.pem").chmod(0o600)
    settings(live, directory, tenant, "certificate: auditor.pem")
    out = tmp_path / "seen" / "out"
    done = watched(live, out)
    assert done.code in (1, 3), done.printed
    assert tenant.tokens == 1
    assert_nowhere(canaries(tenant, *key.decode().splitlines()[1:-1]), done, out)


@needs_proc
def test_no_secret_comes_out_of_refusals(live: Path, directory: slapd.Slapd, tenant: Remembering, tmp_path: Path) -> None:
    for name in ("password", "secret"):
        (live / name).write_text(f"wrong-{MARK}", encoding="utf-8")
    settings(live, directory, tenant, "sign_in: secret\n    secret: {file: secret}")
    out = tmp_path / "seen" / "out"
    done = watched(live, out)
    assert done.code == 3, done.printed
    assert b"AADSTS7000215" in everything(out)
    assert_nowhere(canaries(tenant), done, out)


@needs_proc
def test_no_secret_comes_out_of_a_bug(live: Path, directory: slapd.Slapd, tenant: Remembering, tmp_path: Path) -> None:
    settings(live, directory, tenant, "sign_in: secret\n    secret: {env: CANARY_SECRET}")
    out = tmp_path / "seen" / "out"
    # An error that nobody foresaw, whose message holds the header with the token.
    broken = "from auditor.collect.entra_graph import Live; Live._send = lambda self, url, token: {}[token]; "
    done = watched(live, out, broken, CANARY_SECRET=emulator.SECRET, PYTHONDEVMODE="1")
    assert done.code == 2
    assert b"erreur interne (KeyError" in done.printed
    assert_nowhere(canaries(tenant), done, out)
