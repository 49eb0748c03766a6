"""A live tenant of Entra ID: sign-in by msal, then Microsoft Graph, with permissions that only read."""

from __future__ import annotations

import base64
import functools
import json
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msal
import requests

from auditor import safe
from auditor.collect import SourceError, entra_sign_ins, entra_tiers, secrets, unread
from auditor.collect.entra_clouds import CLOUDS
from auditor.collect.entra_graph import Live, untrusted
from auditor.collect.entra_tenant import TABLES, Tenant
from auditor.config_entra import Entra
from auditor.errors import CollectError
from auditor.model import State, Text
from auditor.snapshot import Writer

_READ = ("Directory.Read.All", "Policy.Read.All", "AuditLog.Read.All", "RoleManagement.Read.Directory")
_BLOCK = re.compile(r"-----BEGIN ([A-Z ]+)-----.*?-----END \1-----", re.DOTALL)


def collect(settings: Entra, writer: Writer, progress: Callable[[str, int], None]) -> None:
    """Fill the tables of a tenant. One that cannot be signed in to leaves every table unread; for a token that may write, see `writing`."""
    deadline = time.monotonic() + settings.deadline
    verify: str | bool = str(settings.ca_file) if settings.ca_file else True
    timeouts = (settings.connect_timeout, settings.receive_timeout)
    cloud = CLOUDS[settings.cloud]
    graph_url = settings.graph_url or cloud.graph_url
    with requests.Session() as session:
        try:
            tokens = Tokens(settings, graph_url, verify=verify, timeouts=timeouts, deadline=deadline)
            held = writing(tokens.token(fresh=False))
        except SourceError as error:
            tables = TABLES + (entra_sign_ins.TABLES if settings.sign_in_days else ())
            writer.add_coverage(unread(tables, settings.name, error, writer.as_of))
            return
        if held:
            _warn_or_refuse(settings, writer, held)
        graph = Live(
            session, f"{graph_url.rstrip('/')}/v1.0", lambda fresh: tokens.token(fresh=fresh),
            verify=verify, timeouts=timeouts, deadline=deadline,
        )  # fmt: skip
        tenant = Tenant(graph, writer, settings.name, settings.tenant.lower(), settings.professional_id_attribute, progress, cloud)
        tenant.collect(writer.as_of)
        if settings.sign_in_days:
            asked = f"{graph_url} {settings.tenant}"
            entra_sign_ins.collect(graph, writer, settings.name, settings.sign_in_days, progress, asked=asked)


class WritingTokenError(CollectError):
    """The token of the auditor can change something: nothing at all is collected."""


def writing(token: str) -> list[str]:
    """Permissions of an access token that can change something; SourceError when it cannot be read."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        roles, scopes = claims.get("roles") or [], str(claims.get("scp") or "").split()
        held = sorted({*map(str, roles), *scopes})
    except (IndexError, ValueError, AttributeError, TypeError):
        raise SourceError(Text(
            "the access token cannot be read: what it allows is not known; check the tenant and the cloud",
            "le jeton d’accès est illisible : ce qu’il permet n’est pas connu ; vérifier le tenant et le cloud",
        ), state=State.DENIED) from None  # fmt: skip
    return [safe.visible(name)[:100] for name in held if not entra_tiers.only_reads(name)]


def _warn_or_refuse(settings: Entra, writer: Writer, held: list[str]) -> None:
    """WritingTokenError, unless the settings allow such a token: then the report says so."""
    names, few = ", ".join(held), ", ".join(_READ)
    if not settings.allow_write_permissions:
        raise WritingTokenError(
            f"{settings.name}: nothing was collected, because the auditor’s application may do more than read: {names}. "
            f"Remove that and leave it {few}; or write allow_write_permissions: true to go on with a warning.",
            fr=f"{settings.name} : rien n’a été collecté, car l’application de l’auditeur peut faire plus que lire : {names}. "
            f"Retirer cela et ne lui laisser que {few} ; ou écrire allow_write_permissions: true pour continuer avec un avertissement.",
        )
    writer.add_notice(settings.name, Text(
        f"the auditor’s application may do more than read ({names}): remove that and leave it {few}",
        f"l’application de l’auditeur peut faire plus que lire ({names}) : retirer cela et ne lui laisser que {few}",
    ))  # fmt: skip


class Tokens:
    """Access tokens of msal, kept in memory only."""

    def __init__(self, settings: Entra, graph_url: str, *, verify: str | bool, timeouts: tuple[int, int], deadline: float) -> None:
        self._settings = settings
        self._scope = graph_url.rstrip("/")
        self._deadline = deadline
        self._http = requests.Session()
        # On each request: a variable such as REQUESTS_CA_BUNDLE would silently replace session.verify.
        self._http.request = functools.partial(self._http.request, verify=verify, timeout=timeouts)  # type: ignore[method-assign]
        self._held = ""
        self._application = self._guarded(self._start)

    def token(self, *, fresh: bool) -> str:
        """A token for Graph; `fresh` asks for another than the one given before."""
        if not self._held or fresh:
            answer = self._guarded(self._acquire)
            if "access_token" not in answer:
                code = safe.visible(str(answer.get("error", "")))[:100]
                number = re.search(r"AADSTS\d+", str(answer.get("error_description", "")))
                said = f"{code} {number[0]}" if number else code
                raise SourceError(Text(
                    f"Entra ID refused the sign-in ({said}); check the tenant, the client id and the certificate or secret",
                    f"Entra ID a refusé la connexion ({said}) ; vérifier le tenant, l’identifiant client et le certificat ou le secret",
                ), state=State.DENIED)  # fmt: skip
            self._held = str(answer["access_token"])
        return self._held

    def _guarded(self, call: Callable[[], Any]) -> Any:
        """What `call` gives; whatever goes wrong on the way, in one sentence without the secret."""
        try:
            return call()
        except requests.RequestException as error:
            name = type(error).__name__
            reason = Text("its certificate is not trusted", "son certificat n’est pas reconnu") if untrusted(error) else Text(name, name)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            reason = Text(
                f"unusable answer or certificate, {type(error).__name__}", f"réponse ou certificat inutilisable, {type(error).__name__}"
            )
        raise SourceError(Text(
            f"the sign-in to Entra ID failed ({reason.en}); check the tenant, the address, the certificate and ca_file",
            f"la connexion à Entra ID a échoué ({reason.fr}) ; vérifier le tenant, l’adresse, le certificat et ca_file",
        ))  # fmt: skip

    def _start(self) -> Any:
        settings = self._settings
        if settings.sign_in == "managed_identity":
            identity = msal.UserAssignedManagedIdentity(client_id=settings.client_id) if settings.client_id else None
            return msal.ManagedIdentityClient(identity or msal.SystemAssignedManagedIdentity(), http_client=self._http)
        authority = f"{(settings.login_url or CLOUDS[settings.cloud].login_url).rstrip('/')}/{settings.tenant}"
        # Another login server than a known one cannot be looked up at Microsoft's.
        options: dict[str, Any] = {"authority": authority, "http_client": self._http}
        options["instance_discovery"] = False if settings.login_url or settings.cloud == "bleu" else None
        if settings.sign_in == "device_code":
            return msal.PublicClientApplication(settings.client_id, **options)
        return msal.ConfidentialClientApplication(settings.client_id, client_credential=self._credential(), **options)

    def _credential(self) -> Any:
        settings = self._settings
        secret = secrets.resolve(settings.secret, settings.client_id) if settings.secret else ""
        if settings.sign_in == "secret" or settings.certificate is None:
            return secret
        return certificate(settings.certificate, secret)

    def _acquire(self) -> dict[str, Any]:
        settings, scopes = self._settings, [f"{self._scope}/.default"]
        found: dict[str, Any]
        if settings.sign_in == "managed_identity":
            found = self._application.acquire_token_for_client(resource=self._scope)
        elif settings.sign_in == "device_code":
            found = self._by_device(scopes)
        else:
            if self._held:
                self._application.remove_tokens_for_client()
            found = self._application.acquire_token_for_client(scopes)
        return found

    def _by_device(self, scopes: list[str]) -> dict[str, Any]:
        """The person signs in with a browser elsewhere; a token is renewed without asking again."""
        for account in self._application.get_accounts():
            renewed: dict[str, Any] | None = self._application.acquire_token_silent(scopes, account, force_refresh=True)
            if renewed:
                return renewed
        flow: dict[str, Any] = self._application.initiate_device_flow(scopes)
        if "user_code" not in flow:
            return flow
        sys.stderr.write(safe.visible(str(flow.get("message", ""))) + "\n")
        flow["expires_at"] = min(float(flow["expires_at"]), time.time() + self._deadline - time.monotonic())
        answer: dict[str, Any] = self._application.acquire_token_by_device_flow(flow)
        return answer


def certificate(path: Path, passphrase: str) -> dict[str, str]:
    """What msal takes for a certificate: a PEM file that holds the key and the certificate, or a PFX file."""
    try:
        if safe.readable_by_others(path):
            raise SourceError(Text(
                f"{path.name} can be read by others; make it private (chmod 600)",
                f"{path.name} est lisible par d’autres ; le rendre privé (chmod 600)",
            ))  # fmt: skip
        if path.suffix.lower() in (".pfx", ".p12"):
            found = {"private_key_pfx_path": str(path)}
        else:
            blocks = {match[1]: match[0] for match in _BLOCK.finditer(path.read_text(encoding="ascii"))}
            key = next((block for label, block in blocks.items() if label.endswith("PRIVATE KEY")), "")
            if not key or "CERTIFICATE" not in blocks:
                raise SourceError(Text(
                    f"{path.name} does not hold a private key and its certificate in PEM form",
                    f"{path.name} ne contient pas une clé privée et son certificat au format PEM",
                ))  # fmt: skip
            found = {"private_key": key, "public_certificate": blocks["CERTIFICATE"]}
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(Text(
            f"{path.name} cannot be read ({type(error).__name__}); check its path and rights",
            f"{path.name} est illisible ({type(error).__name__}) ; vérifier le chemin et les droits",
        )) from None  # fmt: skip
    return {**found, "passphrase": passphrase} if passphrase else found
