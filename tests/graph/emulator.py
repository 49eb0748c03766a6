"""A tenant of Entra ID on loopback: the login server that msal talks to, and Microsoft Graph, over TLS, with faults on demand.

It holds the lists of the sample hospital's generator, decides on the size of pages, honours $select and $expand, knows which
permission each address needs and what the cloud of the tenant lacks, refuses every write, and shows each request and each answer to its
referees: what they refuse fails the test that used the emulator.
"""

from __future__ import annotations

import base64
import json
import re
import ssl
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from tests.graph import property_lists, referee

READ = ("Directory.Read.All", "Policy.Read.All", "AuditLog.Read.All", "RoleManagement.Read.Directory")
TENANT, CLIENT, SECRET = "11111111-2222-3333-4444-555555555555", "66666666-7777-8888-9999-000000000000", "canary-secret-7Qz"
_NEEDS = (
    ("/identity/", "Policy.Read.All"),
    ("/policies/", "Policy.Read.All"),
    ("/reports/", "AuditLog.Read.All"),
    ("/auditLogs/", "AuditLog.Read.All"),
    ("/roleManagement/", "RoleManagement.Read.Directory"),
    ("/", "Directory.Read.All"),
)
_PERIOD = re.compile(r"createdDateTime ge (\S+) and createdDateTime lt (\S+)")
_EXPANDED = ("principal", "appRoleAssignments")
_ALIASES = {"/policies/conditionalAccessPolicies": "/identity/conditionalAccess/policies"}
_BLEU_LACKS = ("/identity/", "/policies/authenticationMethodsPolicy", "/policies/authenticationStrengthPolicies")
"""Addresses that the French cloud Bleu does not have (v1.0-Bleu.csdl); nor has it the property verifiedPublisher."""

Referee = Callable[[str, str, dict[str, list[str]], int, object], None]
"""Told (method, path below the version, query, status, answer) of each exchange."""


def referees() -> list[Referee]:
    """Those there are on this machine; the tests of each say when it is missing."""
    return [who.check for who, there in ((referee, referee.DESCRIPTION), (property_lists, property_lists.DECLARATIONS)) if there.exists()]


@dataclass
class Emulator:
    """The state of the server; tests change it between requests. `faults` are consumed per path, first come first served; `longest` is the
    period of sign-ins that one question may span."""

    lists: dict[str, list[dict[str, Any]]]
    singles: dict[str, dict[str, Any]]
    referees: list[Referee] = field(default_factory=referees)
    cloud: str = "global"
    longest: timedelta = timedelta.max
    permissions: tuple[str, ...] = READ
    delegated: bool = False
    premium: bool = True
    page_size: int = 100
    certificate: x509.Certificate | None = None
    device_pending: int = 1
    faults: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    requests: list[str] = field(default_factory=list)
    writes: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    tokens: int = 0
    url: str = ""

    @classmethod
    def of_pages(cls, pages: dict[str, bytes]) -> Emulator:
        """A tenant from saved pages (relative path -> content)."""
        lists: dict[str, list[dict[str, Any]]] = defaultdict(list)
        singles = {}
        for name, content in sorted(pages.items(), key=lambda page: (page[0].rpartition("/")[0], int(Path(page[0]).stem))):
            path = "/" + name.removeprefix("entra/").rpartition("/")[0]
            page = json.loads(content)
            if "value" in page:
                lists[path] += page["value"]
            else:
                singles[path] = page
        return cls(dict(lists), singles)

    def token(self) -> str:
        """An unsigned access token that holds the permissions, under a number."""
        self.tokens += 1
        claims: dict[str, object] = {"aud": self.url, "jti": str(self.tokens)}
        claims |= {"scp": " ".join(self.permissions)} if self.delegated else {"roles": list(self.permissions)}
        parts = ({"alg": "none"}, claims)
        return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + "."

    def answer(self, path: str, query: dict[str, list[str]]) -> tuple[int, dict[str, Any]]:
        """What Graph says to a request that is allowed in."""
        if self.cloud == "bleu" and path.startswith(_BLEU_LACKS):
            return 400, _error("BadRequest", f"Resource not found for the segment '{path.split('/')[1]}'.")
        needed = next(permission for prefix, permission in _NEEDS if path.startswith(prefix))
        if needed not in self.permissions:
            return 403, _error("Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
        selected = query.get("$select", [""])[0].split(",") if "$select" in query else []
        if self.cloud == "bleu" and "verifiedPublisher" in selected:
            return 400, _error(
                "BadRequest", "Could not find a property named 'verifiedPublisher' on type 'microsoft.graph.servicePrincipal'."
            )
        if "signInActivity" in selected and (not self.premium or "AuditLog.Read.All" not in self.permissions):
            return 403, _error("Authentication_RequestFromNonPremiumTenantOrB2CTenant", "Neither tenant is B2C nor has premium license")
        if path.startswith("/reports/") and not self.premium:
            return 403, _error("Authentication_RequestFromNonPremiumTenantOrB2CTenant", "Tenant does not have premium license")
        period = _PERIOD.fullmatch(query["$filter"][0]) if "$filter" in query and path == "/auditLogs/signIns" else None
        if period and datetime.fromisoformat(period[2]) - datetime.fromisoformat(period[1]) > self.longest:
            return 504, _error("UnknownError", "The gateway timed out.")
        if "$filter" in query and not period:
            return 400, _error("Request_UnsupportedQuery", "Unsupported query.")
        if path in self.singles:
            return 200, self.singles[path]
        if path.endswith("/appRoleAssignments"):
            principal = next((p for p in self.lists["/servicePrincipals"] if p["id"] == path.split("/")[2]), {})
            return 200, {"value": principal.get("appRoleAssignments", [])}
        named = _ALIASES.get(path, path)
        if named not in self.lists:
            return 404, _error("Request_ResourceNotFound", "Resource does not exist.")
        start = int(query.get("$skiptoken", ["0"])[0])
        expand = query.get("$expand", [""])[0].split(",")
        every = [item for item in self.lists[named] if not period or period[1] <= item["createdDateTime"] < period[2]]
        items = [_cut_down(item, selected, expand) for item in every[start : start + self.page_size]]
        page: dict[str, Any] = {"value": items}
        if start + self.page_size < len(every):
            kept = {name: values[0] for name, values in query.items() if name != "$skiptoken"}
            following = urlencode({**kept, "$skiptoken": start + self.page_size})
            page["@odata.nextLink"] = f"{self.url}/v1.0{path}?{following}"
        return 200, page


def _cut_down(item: dict[str, Any], selected: list[str], expand: list[str]) -> dict[str, Any]:
    return {
        name: value for name, value in item.items()
        if (name in expand if name in _EXPANDED else not selected or name in selected or name.startswith("@"))
    }  # fmt: skip


def _error(code: str, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "innerError": {"request-id": "0"}}}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    emulator: Emulator

    def log_message(self, *_args: object) -> None:
        """Nothing on the terminal."""

    def do_GET(self) -> None:
        emulator, parts = self.emulator, urlsplit(self.path)
        if parts.path == f"/{TENANT}/v2.0/.well-known/openid-configuration":
            base = f"{emulator.url}/{TENANT}"
            self._send(200, {
                "issuer": f"{base}/v2.0", "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "token_endpoint": f"{base}/oauth2/v2.0/token", "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
            })  # fmt: skip
            return
        if not parts.path.startswith("/v1.0/"):
            self._send(400, {"error": "invalid_tenant", "error_description": "AADSTS90002: tenant not found"})
            return
        path, query = parts.path.removeprefix("/v1.0"), parse_qs(parts.query, keep_blank_values=True)
        emulator.requests.append(path)
        fault = emulator.faults[path].pop(0) if emulator.faults[path] else ""
        status, body = emulator.answer(path, query)
        # A fault is no answer of Graph; nor does its description speak of those of servers.
        for judge in emulator.referees if fault == "" and status < 500 else ():
            try:
                judge("GET", path, query, status, body)
            except Exception as error:  # noqa: BLE001 - whatever the referee says is shown by the test
                emulator.refusals.append(f"{path}?{parts.query}: {type(error).__name__} {error} {error.__cause__}")
        self._with_fault(fault, status, body)

    def _with_fault(self, fault: str, status: int, body: dict[str, Any]) -> None:
        """Answer, wrongly if asked to."""
        if fault.startswith("429"):
            self._send(429, _error("TooManyRequests", "slow down"), {"Retry-After": fault[4:]} if fault[4:] else {})
        elif fault.isdigit():
            self._send(int(fault), _error("InvalidAuthenticationToken" if fault == "401" else "serverError", "fault"))
        elif fault == "cut":
            self._send(status, body, length=10)
        elif fault == "garbage":
            self._raw(200, b"<html>proxy</html>")
        elif fault == "no-value":
            self._send(200, {"hello": 1})
        elif fault == "redirect":
            self._raw(302, b"", {"Location": f"{self.emulator.url}/elsewhere"})
        elif fault == "stuck":
            self._send(200, {**body, "@odata.nextLink": f"{self.emulator.url}{self.path}"})
        elif fault == "foreign":
            self._send(200, {**body, "@odata.nextLink": "https://localhost:1/v1.0/users"})
        elif fault == "twice":
            self._send(200, {**body, "value": body["value"] * 2})
        elif fault == "nulls":
            self._send(
                200, {**body, "value": [{name: value if name == "id" else None for name, value in i.items()} for i in body["value"]]}
            )
        elif fault == "strange":
            odd = {"newProperty": {"x": [1]}, "userType": "Alien", "accountEnabled": "yes", "createdDateTime": "soon"}
            self._send(200, {**body, "value": [{**item, **odd} for item in body["value"]] + [{"id": None}, {"id": "../../etc"}]})
        elif fault == "drip":
            self._drip()
        else:
            self._send(status, body)

    def do_POST(self) -> None:
        form = {name: values[0] for name, values in parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode()).items()}
        emulator = self.emulator
        if self.path.startswith("/v1.0"):
            emulator.writes.append(self.path)
        if self.path.endswith("/devicecode"):
            self._send(200, {
                "user_code": "ABCD", "device_code": "device", "verification_uri": f"{emulator.url}/device", "expires_in": 60, "interval": 1,
                "message": "Open the page and type ABCD",
            })  # fmt: skip
        elif form.get("grant_type") == "client_credentials":
            refused = self._refused(form)
            if refused:
                self._send(401, {"error": "invalid_client", "error_description": f"{refused}: refused"})
            else:
                self._send(200, self._token())
        elif form.get("grant_type", "").endswith("device_code") and emulator.device_pending:
            emulator.device_pending -= 1
            self._send(400, {"error": "authorization_pending", "error_description": "AADSTS70016"})
        elif form.get("grant_type", "").endswith(("device_code", "refresh_token")):
            info = base64.urlsafe_b64encode(json.dumps({"uid": "u", "utid": TENANT}).encode()).decode()
            self._send(200, {**self._token(), "refresh_token": "again", "client_info": info})
        else:
            self._send(400, {"error": "unsupported_grant_type"})

    do_PATCH = do_PUT = do_DELETE = do_POST  # noqa: N815 - names of http.server

    def _token(self) -> dict[str, Any]:
        return {"token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599, "access_token": self.emulator.token()}

    def _refused(self, form: dict[str, str]) -> str:
        """Why a client is not who it says: the AADSTS number, or nothing."""
        if form.get("client_id") != CLIENT:
            return "AADSTS700016"
        if "client_assertion" not in form:
            return "" if form.get("client_secret") == SECRET else "AADSTS7000215"
        if self.emulator.certificate is None:
            return "AADSTS700027"
        head, claims, signature = form["client_assertion"].split(".")
        header, said = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in (head, claims))
        thumbprint = base64.urlsafe_b64encode(self.emulator.certificate.fingerprint(hashes.SHA256())).decode().rstrip("=")
        key: Any = self.emulator.certificate.public_key()
        try:
            key.verify(
                base64.urlsafe_b64decode(signature + "=="), f"{head}.{claims}".encode(),
                padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.AUTO), hashes.SHA256(),
            )  # fmt: skip
        except Exception:  # noqa: BLE001 - any failure is a refusal
            return "AADSTS700027"
        good = header["alg"] == "PS256" and header["x5t#S256"].rstrip("=") == thumbprint and said["iss"] == said["sub"] == CLIENT
        return "" if good and said["exp"] > time.time() and said["aud"].endswith("/oauth2/v2.0/token") else "AADSTS700027"

    def _send(self, status: int, body: object, headers: dict[str, str] | None = None, length: int = 0) -> None:
        self._raw(status, json.dumps(body).encode(), headers, cut=length)

    def _raw(self, status: int, content: bytes, headers: dict[str, str] | None = None, cut: int = 0) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(content)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content[:cut] if cut else content)
        if cut:
            self.close_connection = True

    def _drip(self) -> None:
        """One byte now and then: each wait is short, all together never end."""
        self.send_response(200)
        self.send_header("Content-Length", "1000000")
        self.end_headers()
        try:
            for _ in range(600):
                self.wfile.write(b" ")
                self.wfile.flush()
                time.sleep(0.05)
        except OSError:
            self.close_connection = True


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_args: object) -> None:
        """A client that goes away is part of the tests."""


@contextmanager
def running(emulator: Emulator, authority: trustme.CA) -> Iterator[Emulator]:
    """Serve `emulator` on a free port of localhost; what a referee refused meanwhile is an AssertionError in the end."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"emulator": emulator}))
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    emulator.url = f"https://localhost:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield emulator
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert not emulator.refusals, emulator.refusals


def counted(emulator: Emulator) -> Counter[str]:
    """How often each address was asked."""
    return Counter(emulator.requests)
