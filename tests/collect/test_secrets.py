from __future__ import annotations

import io
import os
from pathlib import Path

import keyring
import keyring.backend
import pytest

from auditor.collect import SourceError, secrets
from auditor.config import Secret

CANARY = "Canary-Password-4711"


def private(folder: Path, content: bytes, mode: int = 0o600) -> Secret:
    path = folder / "secret"
    path.write_bytes(content)
    path.chmod(mode)
    return Secret(file=path)


class Shelf(keyring.backend.KeyringBackend):
    """A keyring in memory."""

    priority = 1.0

    def get_password(self, service: str, username: str) -> str | None:
        return CANARY if (service, username) == ("chu-audit", "reader") else None

    def set_password(self, service: str, username: str, password: str) -> None:
        raise NotImplementedError


@pytest.mark.parametrize("content", [CANARY.encode(), f"{CANARY}\n".encode(), f"{CANARY}\r\n".encode(), b"\xef\xbb\xbf" + CANARY.encode()])
def test_a_private_file_is_read_without_its_line_end(tmp_path: Path, content: bytes) -> None:
    assert secrets.resolve(private(tmp_path, content), "reader") == CANARY


@pytest.mark.skipif(os.name == "nt", reason="modes say nothing on Windows")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_file_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(SourceError, match="chmod 600") as caught:
        secrets.resolve(private(tmp_path, CANARY.encode(), mode), "reader")
    assert CANARY not in repr(caught.value)


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe\x00"])
def test_an_empty_or_unreadable_password_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(SourceError):
        secrets.resolve(private(tmp_path, content), "reader")


def test_a_missing_file_is_named_without_its_folder(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"^gone cannot be read") as caught:
        secrets.resolve(Secret(file=tmp_path / "gone"), "reader")
    assert str(tmp_path) not in str(caught.value)


def test_an_environment_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUDIT_PASSWORD", CANARY)
    assert secrets.resolve(Secret(env="AUDIT_PASSWORD"), "reader") == CANARY
    monkeypatch.delenv("AUDIT_PASSWORD")
    with pytest.raises(SourceError, match="env AUDIT_PASSWORD"):
        secrets.resolve(Secret(env="AUDIT_PASSWORD"), "reader")


def test_the_system_keyring() -> None:
    before = keyring.get_keyring()
    keyring.set_keyring(Shelf())  # type: ignore[no-untyped-call]
    try:
        assert secrets.resolve(Secret(keyring="chu-audit"), "reader") == CANARY
        with pytest.raises(SourceError, match="keyring chu-audit"):
            secrets.resolve(Secret(keyring="chu-audit"), "other")
    finally:
        keyring.set_keyring(before)


def test_a_machine_without_a_keyring_is_told_what_else_to_use() -> None:
    from keyring.backends.fail import Keyring

    before = keyring.get_keyring()
    keyring.set_keyring(Keyring())  # type: ignore[no-untyped-call]
    try:
        with pytest.raises(SourceError, match="use env or file"):
            secrets.resolve(Secret(keyring="chu-audit"), "reader")
    finally:
        keyring.set_keyring(before)


def test_nobody_is_asked_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("typed\n"))
    with pytest.raises(SourceError, match="without a terminal"):
        secrets.resolve(Secret(prompt=True), "reader")
