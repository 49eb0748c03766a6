"""`audit otp verify`: a drill answers by yes, no or one sentence, and the seed stays where it was."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyotp
import pytest

from auditor import otp_drill
from auditor.errors import ConfigError

ROOT = Path(__file__).parent.parent
SEED = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXQ"
NOW = datetime(2026, 11, 20, 6, 0, 7, tzinfo=UTC)


@pytest.mark.parametrize("steps", [-10, -1, 0, 1, 7, 10])
@pytest.mark.parametrize(
    "uri", [f"otpauth://totp/degrade_01?secret={SEED}&period=60&digits=8&algorithm=SHA256", SEED, f" {SEED.lower()}\n"]
)
def test_the_drift_is_counted_in_steps(uri: str, steps: int) -> None:
    token = pyotp.parse_uri(uri) if uri.startswith("otpauth") else pyotp.TOTP(SEED)
    assert isinstance(token, pyotp.TOTP)
    code = token.at(NOW + timedelta(seconds=steps * token.interval))
    assert otp_drill.drift(uri, f"{code[:3]} {code[3:]}", NOW, 10) == steps


def test_a_code_outside_the_window_does_not_match() -> None:
    assert otp_drill.drift(SEED, pyotp.TOTP(SEED).at(NOW + timedelta(seconds=330)), NOW, 10) is None
    assert otp_drill.drift(SEED, pyotp.TOTP(SEED).at(NOW + timedelta(seconds=30)), NOW, 0) is None


def test_a_counter_is_looked_for_ahead() -> None:
    uri = f"otpauth://hotp/degrade_01?secret={SEED}&counter=5"
    assert otp_drill.drift(uri, pyotp.HOTP(SEED).at(9), NOW, 10) == 4
    assert otp_drill.drift(uri, pyotp.HOTP(SEED).at(4), NOW, 10) is None


@pytest.mark.parametrize(
    "seed",
    ["JBSWY3DP", "not a seed", "", "otpauth://totp/x", f"otpauth://steam/x?secret={SEED}", f"otpauth://totp/x?secret={SEED}&encoder=steam"],
)
def test_a_seed_that_cannot_be_used_ends_in_a_sentence_without_it(seed: str) -> None:
    with pytest.raises(ConfigError) as caught:
        otp_drill.drift(seed, "123456", NOW, 10)
    assert str(caught.value) == "the seed cannot be used; give an otpauth:// address or a base32 seed of at least 112 bits."
    assert caught.value.__context__ is None


@pytest.mark.parametrize("code", ["12345", "1234567", "12345a", "", "１２３４５６"])
def test_a_code_that_is_none_is_refused(code: str) -> None:
    with pytest.raises(ConfigError, match="the code"):
        otp_drill.drift(SEED, code, NOW, 10)


def verify(*arguments: str, code: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "LC_ALL": "C.UTF-8"}
    command = [sys.executable, "-c", "from auditor.cli import main; main()", "otp", "verify", "--lang", "en", *arguments]
    return subprocess.run(command, input=code, capture_output=True, text=True, encoding="utf-8", env=env, cwd=ROOT, timeout=60)


@pytest.fixture
def seed_file(tmp_path: Path) -> Path:
    path = tmp_path / "seed"
    path.write_text(SEED + "\n", encoding="utf-8")
    path.chmod(0o600)
    return path


def test_the_command_says_match_or_not_and_never_the_seed(seed_file: Path) -> None:
    good = verify("--seed-file", str(seed_file), code=pyotp.TOTP(SEED).at(int(time.time()) + 150) + "\n")
    assert good.returncode == 0
    assert "match, steps of drift: +" in good.stdout
    bad = verify("--seed-file", str(seed_file), "--window", "0", code=pyotp.TOTP(SEED).at(int(time.time()) + 3000) + "\n")
    assert bad.returncode == 1
    assert "no match within 0 steps" in bad.stdout
    for done in (good, bad, verify("--seed-file", str(seed_file), code=""), verify("--seed-file", str(seed_file), code="x\n")):
        assert SEED not in done.stdout + done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="modes say nothing on Windows")
def test_a_seed_file_others_may_read_is_refused(seed_file: Path) -> None:
    seed_file.chmod(0o644)
    done = verify("--seed-file", str(seed_file), code="123456\n")
    assert done.returncode == 2
    assert "can be read by others" in done.stderr


def test_without_a_terminal_the_seed_is_not_asked_for() -> None:
    done = verify(code=f"{SEED}\n123456\n")
    assert done.returncode == 2
    assert done.stdout == ""
    assert SEED not in done.stderr


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="reads /proc")
def test_the_seed_is_in_no_process_list(seed_file: Path) -> None:
    env = {**os.environ, "LC_ALL": "C.UTF-8"}
    command = [sys.executable, "-c", "from auditor.cli import main; main()", "otp", "verify", "--seed-file", str(seed_file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env, cwd=ROOT) as running:
        assert running.stderr is not None
        assert running.stderr.read(4) == b"code"  # it has read the seed, and waits for the code
        seen = b"".join((Path("/proc") / str(running.pid) / name).read_bytes() for name in ("cmdline", "environ"))
        running.communicate(b"123456\n")
    assert SEED.encode() not in seen
