"""Seeds of tokens and passwords typed into exercises go in, and come out nowhere: not in a report, a snapshot, a message or a name."""

from __future__ import annotations

import base64
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.test_cli import audit

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
    """Names and contents of all files, tables unpacked."""
    found = b""
    for path in sorted(folder.rglob("*")):
        found += path.name.encode()
        if path.is_file():
            found += str(pq.read_table(path).to_pylist()).encode() if path.suffix == ".parquet" else path.read_bytes()
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
