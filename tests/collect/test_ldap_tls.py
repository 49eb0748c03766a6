"""No credential byte leaves before the server has proved who it is."""

from __future__ import annotations

import contextlib
import datetime as dt
import socket
import ssl
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme

from auditor.collect import ldap_messages as messages
from auditor.config import ActiveDirectory, Secret
from auditor.model import State
from auditor.tables.directory import TABLES
from tests.collect.directories import NAME, Taken, take

CANARY = "Canary-Password-4711"

Handler = Callable[[socket.socket, bytearray], None]


@contextmanager
def impostor(handle: Handler) -> Iterator[tuple[int, bytearray]]:
    """A server on a loopback port; (port, everything it could read)."""
    heard = bytearray()
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                client.settimeout(5)
                with client, contextlib.suppress(OSError):
                    handle(client, heard)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1], heard
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)


def listen(sock: socket.socket, heard: bytearray) -> None:
    while data := sock.recv(4096):
        heard += data


def over_tls(context: ssl.SSLContext) -> Handler:
    def handle(client: socket.socket, heard: bytearray) -> None:
        with context.wrap_socket(client, server_side=True) as secured:
            listen(secured, heard)

    return handle


def server_context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def read(folder: Path, port: int, authority: trustme.CA, **changes: object) -> Taken:
    authority.cert_pem.write_to_path(folder / "ca.pem")
    secret = folder / "secret"
    secret.touch(mode=0o600)
    secret.write_text(CANARY, encoding="utf-8")
    usual: dict[str, object] = {
        "type": "active_directory", "name": NAME, "server": "127.0.0.1", "port": port, "ca_file": folder / "ca.pem", "user": "reader",
        "password": Secret(file=secret), "connect_timeout": 2, "receive_timeout": 2, "deadline": 5,
    }  # fmt: skip
    return take(ActiveDirectory.model_validate({**usual, **changes}), folder / "snapshot")


def assert_refused(taken: Taken, heard: bytearray, *words: str) -> None:
    assert CANARY.encode() not in heard
    for table in TABLES:
        coverage = taken.coverage(table.name)
        assert (coverage.state, coverage.rows) == (State.ABSENT, 0)
        for word in words:
            assert word in taken.reason(table.name)
    assert CANARY not in (taken.snapshot.folder / "manifest.json").read_text(encoding="utf-8")


def test_the_impostor_hears_the_password_when_it_is_the_real_server(tmp_path: Path) -> None:
    """The test of the tests: with a good certificate the credential does arrive."""
    authority = trustme.CA()
    with impostor(over_tls(server_context(authority.issue_cert("127.0.0.1")))) as (port, heard):
        read(tmp_path, port, authority)
    assert CANARY.encode() in heard


def test_an_unknown_authority_is_refused(tmp_path: Path) -> None:
    with impostor(over_tls(server_context(trustme.CA().issue_cert("127.0.0.1")))) as (port, heard):
        assert_refused(read(tmp_path, port, trustme.CA()), heard, "certificate", "not trusted")


@pytest.mark.parametrize("name", ["dc2.chu.test", "127.0.0.2"])
def test_another_name_is_refused(tmp_path: Path, name: str) -> None:
    authority = trustme.CA()
    with impostor(over_tls(server_context(authority.issue_cert(name)))) as (port, heard):
        assert_refused(read(tmp_path, port, authority), heard, "certificate", "another")


def test_an_expired_certificate_is_refused(tmp_path: Path) -> None:
    authority = trustme.CA()
    past = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    certificate = authority.issue_cert("127.0.0.1", not_before=dt.datetime(2019, 1, 1, tzinfo=dt.UTC), not_after=past)
    with impostor(over_tls(server_context(certificate))) as (port, heard):
        assert_refused(read(tmp_path, port, authority), heard, "certificate", "expired")


def test_a_self_signed_certificate_is_refused(tmp_path: Path) -> None:
    alone = trustme.CA()
    alone.cert_pem.write_to_path(tmp_path / "self.pem")
    alone.private_key_pem.write_to_path(tmp_path / "self.key")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "self.pem", tmp_path / "self.key")
    with impostor(over_tls(context)) as (port, heard):
        assert_refused(read(tmp_path, port, trustme.CA()), heard, "certificate")


def test_tls_older_than_1_2_is_refused(tmp_path: Path) -> None:
    authority = trustme.CA()
    context = server_context(authority.issue_cert("127.0.0.1"))
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with impostor(over_tls(context)) as (port, heard):
        assert_refused(read(tmp_path, port, authority), heard, "TLS")


def test_a_server_that_speaks_no_tls_hears_no_password(tmp_path: Path) -> None:
    with impostor(listen) as (port, heard):
        assert_refused(read(tmp_path, port, trustme.CA()), heard)


def starttls(code: int) -> Handler:
    """Answers StartTLS with a result code, then listens in clear."""

    def handle(client: socket.socket, heard: bytearray) -> None:
        heard += client.recv(4096)
        message_id = messages.split(bytes(heard))[0]
        answer = messages.tlv(messages.EXTENDED_RESPONSE, messages.integer(code, 0x0A), messages.octets(""), messages.octets(""))
        client.sendall(messages.message(message_id, answer))
        listen(client, heard)

    return handle


@pytest.mark.parametrize("code", [0, 1, 2, 52])
def test_a_stripped_starttls_hears_no_password(tmp_path: Path, code: int) -> None:
    with impostor(starttls(code)) as (port, heard):
        assert_refused(read(tmp_path, port, trustme.CA(), tls="starttls"), heard, "StartTLS" if code else "")
    assert heard, "StartTLS was not even asked for"


def test_starttls_with_a_good_certificate_goes_on(tmp_path: Path) -> None:
    authority = trustme.CA()
    context = server_context(authority.issue_cert("127.0.0.1"))

    def handle(client: socket.socket, heard: bytearray) -> None:
        request = client.recv(4096)
        answer = messages.tlv(messages.EXTENDED_RESPONSE, messages.integer(0, 0x0A), messages.octets(""), messages.octets(""))
        client.sendall(messages.message(messages.split(request)[0], answer))
        over_tls(context)(client, heard)

    with impostor(handle) as (port, heard):
        read(tmp_path, port, authority, tls="starttls")
    assert CANARY.encode() in heard


@pytest.mark.parametrize("content", [b"", b"not a certificate", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_a_file_of_authorities_that_is_none_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.pem").write_bytes(content)
    taken = read(tmp_path, 1, trustme.CA(), ca_file=tmp_path / "bad.pem")
    assert "bad.pem is not a readable PEM file" in taken.reason("account")


def test_a_missing_file_of_authorities_is_named(tmp_path: Path) -> None:
    assert "gone.pem is not a readable PEM file" in read(tmp_path, 1, trustme.CA(), ca_file=tmp_path / "gone.pem").reason("account")
