"""Messages: sent over verified TLS to a real server, without names, and only when there is something to tell."""

from __future__ import annotations

import email
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from email.message import Message
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from auditor import notify, steps
from auditor.config import Audit
from auditor.model import Change, Comparison, Exit, Gone, Language, Run, Score, Severity, Text
from tests.report import examples

PASSWORD = "correct horse"  # no secret: of the server below


class Mailbox:
    """Keeps what it is sent; refuses the recipient nobody@."""

    def __init__(self) -> None:
        self.mails: list[Message] = []
        self.users: list[str] = []

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        if address.startswith("nobody@"):
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.mails.append(email.message_from_bytes(envelope.content, policy=default))
        return "250 OK"

    def authenticator(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        self.users.append(data.login.decode())
        right = data.password == PASSWORD.encode()
        return AuthResult(success=right, handled=right)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def tls(authority: trustme.CA, name: str = "localhost") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


@contextmanager
def mail_server(authority: trustme.CA, implicit: bool = False, name: str = "localhost") -> Iterator[tuple[Mailbox, int]]:
    box = Mailbox()
    context = tls(authority, name)
    kept: dict[str, Any] = {"ssl_context": context} if implicit else {"tls_context": context, "require_starttls": True}
    server = Controller(
        box,
        hostname="127.0.0.1",
        port=free_port(),
        authenticator=box.authenticator,
        auth_required=False,
        auth_require_tls=not implicit,
        **kept,
    )
    server.start()
    try:
        yield box, server.port
    finally:
        server.stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class _Hook(BaseHTTPRequestHandler):
    posts: list[tuple[str, Any]]
    status = 200

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.posts.append((self.path, json.loads(body)))
        self.send_response(self.status)
        if self.status in (301, 302, 307, 308):
            self.send_header("Location", f"https://{self.headers['Host']}/other")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_args: object) -> None:
        """Quiet."""


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_args: object) -> None:
        """A client that refuses the certificate is part of the tests."""


@contextmanager
def web_server(authority: trustme.CA, status: int = 200, name: str = "localhost") -> Iterator[tuple[list[tuple[str, Any]], str]]:
    posts: list[tuple[str, Any]] = []
    server = _Server(("127.0.0.1", 0), type("Handler", (_Hook,), {"posts": posts, "status": status}))
    server.socket = tls(authority, name).wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield posts, f"https://localhost:{server.server_address[1]}/hooks/T0P-S3CR3T"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def silent_server(dripping: bool = False) -> Iterator[int]:
    """Takes connections and says nothing, or one byte now and then."""
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def work() -> None:
            held: list[socket.socket] = []
            server.settimeout(0.05)
            while not ended.is_set():
                with suppress(TimeoutError):
                    held.append(server.accept()[0])
                for one in held if dripping else ():
                    try:
                        one.sendall(b"2")
                    except OSError:
                        held.remove(one)
            for one in held:
                one.close()

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        ended.set()
        thread.join()


def send(told: Run, made: Audit) -> None:
    """As the end of an audit does."""
    for failure in notify.send(told, made):
        steps.warn(failure.in_language(made.language))


def settings(folder: Path, authority: trustme.CA | None = None, **section: Any) -> Audit:
    if authority:
        authority.cert_pem.write_to_path(folder / "ca.pem")
    return Audit.model_validate(
        {
            "establishment": {"name": "Clinique Secrète"},
            "sources": [{"type": "ldif", "name": "a", "paths": ["a.ldif"]}],
            "output": folder,
            "language": "en",
            "notify": section,
        }
    )


def smtp(folder: Path, port: int, **more: Any) -> dict[str, Any]:
    return {
        "server": "localhost", "port": port, "ca_file": folder / "ca.pem", "sender": "audit@clinic.test",
        "recipients": ["ciso@clinic.test"], **more,
    }  # fmt: skip


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    def made(url: str) -> dict[str, Any]:
        monkeypatch.setenv("HOOK", url)
        return {"url": {"env": "HOOK"}, "ca_file": tmp_path / "ca.pem"}

    return made


def run(change: Change = Change.NEW, **more: Any) -> Run:
    made = examples.run()
    vendors = made.assessments[6]
    findings = tuple(replace(found, change=change) for found in vendors.findings[:2]) + vendors.findings[2:]
    return replace(
        made,
        assessments=(*made.assessments[:6], replace(vendors, findings=findings), *made.assessments[7:]),
        comparison=Comparison("0" * 12, examples.AS_OF),
        score=Score("2026.1", "D", "B", 0.6),
        exit=Exit(1, Text("Failed: 25 findings.", "Échec\u00a0: 25 constats.")),
        **more,
    )


def quiet() -> Run:
    return run(Change.OPEN)


def test_the_message_tells_counts_and_no_name(tmp_path: Path) -> None:
    subject, body = notify.message(run(), settings(tmp_path, report_link="https://share.clinic.test/audit"))
    assert subject == "Failed: 25 findings."
    assert body == (
        "Failed: 25 findings.\nGrade D\n2 new, 0 returned, 0 fixed\n\nNew critical findings:\n- 2 × Fault of SPC-023 (SPC-023)\n\n"
        "Report: https://share.clinic.test/audit\n"
    )
    french = notify.message(run(), settings(tmp_path).model_copy(update={"language": Language.FR}))
    assert french[0] == "Échec\u00a0: 25\u00a0constats."
    assert "Nouveaux constats critiques" in french[1]
    everything = notify.message(replace(run(), comparison=None), settings(tmp_path))[1]
    assert "- 19 × Fault of SPC-023" in everything
    for made in (body, french[1], everything):
        for name in ("Secrète", "Test", "tm.tech", "S-1-5", "MédiLiaison", "chu-test"):
            assert name not in made


def test_a_waived_finding_and_one_that_does_not_count_are_not_told(tmp_path: Path) -> None:
    made = run()
    waived = tuple(replace(found, waived_by="W-1") for found in made.assessments[6].findings)
    made = replace(made, assessments=(*made.assessments[:6], replace(made.assessments[6], findings=waived), *made.assessments[7:]))
    assert "SPC-023" not in notify.message(made, settings(tmp_path))[1]


@pytest.mark.parametrize("implicit", [False, True])
def test_mail_goes_over_verified_tls(
    tmp_path: Path, authority: trustme.CA, implicit: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MAIL_PASSWORD", PASSWORD)
    login = {"user": "audit", "password": {"env": "MAIL_PASSWORD"}}
    with mail_server(authority, implicit) as (box, port):
        send(run(), settings(tmp_path, authority, smtp=smtp(tmp_path, port, tls="implicit" if implicit else "starttls", **login)))
    assert capsys.readouterr().err == ""
    (mail,) = box.mails
    assert box.users == ["audit"]
    assert (mail["Subject"], mail["To"], mail["From"]) == ("Failed: 25 findings.", "ciso@clinic.test", "audit@clinic.test")
    assert "2 × Fault of SPC-023" in mail.get_content()  # type: ignore[attr-defined]


@pytest.mark.parametrize("implicit", [False, True])
def test_a_mail_server_with_a_wrong_certificate_gets_nothing(
    tmp_path: Path, authority: trustme.CA, implicit: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    kind = "implicit" if implicit else "starttls"
    for server, name in ((trustme.CA(), "localhost"), (authority, "other.test")):
        with mail_server(server, implicit, name) as (box, port):
            send(run(), settings(tmp_path, authority, smtp=smtp(tmp_path, port, tls=kind)))
        assert box.mails == []
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("the message could not be sent (mail server localhost): its certificate is not trusted")


def test_a_wrong_password_and_a_refused_recipient_are_said(
    tmp_path: Path, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MAIL_PASSWORD", "Wr0ng-horse")
    with mail_server(authority) as (box, port):
        for more, said in (
            ({"user": "audit", "password": {"env": "MAIL_PASSWORD"}}, "user or password"),
            ({"recipients": ["nobody@clinic.test"]}, "it refused the message"),
            ({"recipients": ["nobody@clinic.test", "ciso@clinic.test"]}, "some of the recipients"),
            ({"user": "audit", "password": {"env": "NOT_THERE"}}, "no password in env NOT_THERE"),
        ):
            send(run(), settings(tmp_path, authority, smtp=smtp(tmp_path, port, **more)))
            (line,) = capsys.readouterr().err.splitlines()
            assert said in line
            assert "Wr0ng" not in line
    assert len(box.mails) == 1


def test_the_webhook_takes_json_over_verified_tls(
    tmp_path: Path, authority: trustme.CA, webhook: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    with web_server(authority) as (posts, url):
        send(run(), settings(tmp_path, authority, webhook=webhook(url)))
    ((path, body),) = posts
    assert path == "/hooks/T0P-S3CR3T"
    assert list(body) == ["text"]
    assert "2 × Fault of SPC-023" in body["text"]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("status", "said"), [(302, "answered 302"), (307, "answered 307"), (404, "answered 404"), (500, "answered 500")])
def test_a_webhook_that_does_not_take_it_is_said_without_its_address(
    tmp_path: Path, authority: trustme.CA, webhook: Any, capsys: pytest.CaptureFixture[str], status: int, said: str
) -> None:
    with web_server(authority, status) as (posts, url):
        send(run(), settings(tmp_path, authority, webhook=webhook(url)))
    assert len(posts) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
    assert "localhost" not in line
    assert "S3CR3T" not in line


def test_an_address_that_cannot_be_used_never_appears(
    tmp_path: Path, authority: trustme.CA, webhook: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    authority.cert_pem.write_to_path(tmp_path / "bundle.pem")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "bundle.pem"))
    closed = free_port()
    for server, name in ((trustme.CA(), "localhost"), (authority, "other.test")):
        with web_server(server, name=name) as (posts, url):
            strangers = trustme.CA() if server is not authority else authority
            send(run(), settings(tmp_path, strangers, webhook=webhook(url)))
        assert posts == []
        assert "its certificate is not trusted" in capsys.readouterr().err
    for url in (
        f"http://localhost:{closed}/T0P-S3CR3T", f"https://localhost:{closed}/T0P-S3CR3T", "https://[T0P-S3CR3T", "https:///T0P-S3CR3T",
        "https://T0P-S3CR3T..test/", "https://a b/T0P-S3CR3T",
    ):  # fmt: skip
        send(run(), settings(tmp_path, authority, webhook=webhook(url)))
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("the message could not be sent (webhook): ")
        assert "s3cr3t" not in line.lower()


@pytest.mark.parametrize("dripping", [False, True])
def test_a_server_that_hangs_keeps_nobody(
    tmp_path: Path, authority: trustme.CA, webhook: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], dripping: bool
) -> None:
    monkeypatch.setattr(notify, "SECONDS", 1.5)
    with silent_server(dripping) as port:
        made = settings(tmp_path, authority, smtp=smtp(tmp_path, port), webhook=webhook(f"https://localhost:{port}/T0P-S3CR3T"))
        send(run(), made)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert "did not answer in time" in lines[0]
    assert all("T0P" not in line for line in lines)


def test_nothing_changed_nothing_sent(tmp_path: Path, authority: trustme.CA, webhook: Any) -> None:
    with web_server(authority) as (posts, url):
        made = settings(tmp_path, authority, webhook=webhook(url))

        def sent(told: Run, chosen: Audit = made) -> bool:
            before = len(posts)
            send(told, chosen)
            return len(posts) > before

        assert sent(quiet())  # nobody was told anything yet
        assert not sent(quiet())
        assert sent(run(Change.NEW))
        assert not sent(quiet())
        assert sent(run(Change.RETURNED))
        gone = Gone("SPC-023", "S-1", "f" * 24, "tm.gone", Severity.CRITICAL)
        assert sent(replace(quiet(), comparison=Comparison("0" * 12, examples.AS_OF, fixed=(gone,))))
        assert not sent(quiet())
        assert sent(replace(quiet(), score=Score("2026.1", "C", "B", 0.7)))
        assert sent(quiet())
        assert sent(replace(quiet(), exit=Exit(3, Text("a", "b"))))
        assert sent(quiet())
        assert sent(replace(quiet(), comparison=None))
        assert sent(quiet(), made.model_copy(update={"notify": made.notify.model_copy(update={"always": True})}))


def test_what_failed_is_told_the_next_time(tmp_path: Path, authority: trustme.CA, webhook: Any) -> None:
    with web_server(authority) as (posts, url):
        made = settings(tmp_path, authority, webhook=webhook(url))
        send(quiet(), made)
        webhook(f"https://localhost:{free_port()}/")
        send(replace(quiet(), exit=Exit(0, Text("a", "b"))), made)
        webhook(url)
        assert len(posts) == 1
        send(replace(quiet(), exit=Exit(0, Text("a", "b"))), made)
    assert len(posts) == 2
    if os.name != "nt":
        assert (tmp_path / notify.STATE).stat().st_mode & 0o077 == 0


def test_without_the_section_nothing_is_written(tmp_path: Path) -> None:
    send(run(), settings(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_a_message_that_fails_leaves_the_exit_code_and_writing_reports_again_sends_none(tmp_path: Path) -> None:
    ldif = Path(__file__).parent.parent / "sample_data" / "hospital" / "directory" / "chu-valdore.ldif"
    (tmp_path / "audit.yaml").write_text(
        "establishment: {name: A}\nas_of: 2026-11-20T06:00:00Z\nlanguage: en\n"
        f"sources:\n  - {{type: ldif, name: chu-valdore, paths: [{json.dumps(str(ldif))}]}}\nnotify:\n  webhook: {{url: {{env: HOOK}}}}\n",
        encoding="utf-8",
    )

    def audit(command: str) -> subprocess.CompletedProcess[str]:
        code = "from auditor.cli import main; main()"
        env = {**os.environ, "LC_ALL": "C.UTF-8", "CI": "", "HOOK": f"https://localhost:{free_port()}/T0P-S3CR3T"}
        words = [sys.executable, "-c", code, command, "--format", "json", "-q"]
        return subprocess.run(words, capture_output=True, text=True, encoding="utf-8", env=env, cwd=tmp_path)

    done = audit("run")
    first, last = done.stderr.splitlines()
    assert first.startswith("the message could not be sent (webhook): it cannot be reached")
    assert (done.returncode, last[-8:]) == (1, "(code 1)")
    again = audit("report")
    assert again.returncode == 1
    assert len(again.stderr.splitlines()) == 1
