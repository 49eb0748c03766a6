"""Opening a connection: ldap3 connects, starts TLS and binds; the certificate is verified by OpenSSL before any credential is sent."""

from __future__ import annotations

import re
import socket
import ssl
import warnings
from pathlib import Path
from typing import Any

from auditor.collect import SourceError
from auditor.config import ActiveDirectory
from auditor.model import State, Text

with warnings.catch_warnings():
    # ldap3 2.9.1, the last final release, imports names that pyasn1 has renamed.
    warnings.simplefilter("ignore", DeprecationWarning)
    import ldap3
    from ldap3.core.exceptions import LDAPExceptionError
    from ldap3.operation.search import compile_filter, parse_filter
    from ldap3.utils.asn1 import encode

_SUBCODE = re.compile(r"\bdata ([0-9a-f]{3,4})\b")
_REFUSED = {
    "525": Text("the account does not exist", "le compte n’existe pas"),
    "52e": Text("wrong user name or password", "nom d’utilisateur ou mot de passe incorrect"),
    "530": Text("the account may not sign in at this hour", "le compte ne peut pas se connecter à cette heure"),
    "531": Text("the account may not sign in from this machine", "le compte ne peut pas se connecter depuis cette machine"),
    "532": Text("the password has expired", "le mot de passe a expiré"),
    "533": Text("the account is disabled", "le compte est désactivé"),
    "701": Text("the account has expired", "le compte a expiré"),
    "773": Text("the password must be changed first", "le mot de passe doit d’abord être changé"),
    "775": Text("the account is locked", "le compte est verrouillé"),
}
_CERTIFICATE = {
    10: Text("it has expired", "il a expiré"),
    62: Text("it bears another name", "il porte un autre nom"),
    64: Text("it bears another address", "il porte une autre adresse"),
}
_UNTRUSTED = Text("its authority is not trusted", "son autorité n’est pas de confiance")


def compiled(search_filter: str) -> bytes:
    """A constant filter such as (objectClass=user) in the form of a SearchRequest, by ldap3's own compiler."""
    root = parse_filter(search_filter, None, auto_escape=True, auto_encode=True, validator=None, check_names=False).elements[0]
    return bytes(encode(compile_filter(root)))


class _VerifiedTls(ldap3.Tls):  # type: ignore[misc]
    """TLS of at least 1.2 with chain and name verified by OpenSSL: ldap3's own check of names knows no IP addresses since
    Python 3.12 and comes after the handshake."""

    def __init__(self, host: str, ca_file: Path | None) -> None:
        super().__init__(validate=ssl.CERT_REQUIRED)
        self._host = host
        self._context = ssl.create_default_context(cafile=ca_file)
        self._context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.failure: ssl.SSLError | None = None

    def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:  # noqa: FBT001, FBT002, ARG002 - ldap3's signature
        """Replace the socket of an ldap3 connection; the handshake is always made here."""
        # The new socket takes its place before the handshake, so that the deadline can shut it down.
        connection.socket = self._context.wrap_socket(connection.socket, server_hostname=self._host, do_handshake_on_connect=False)
        try:
            connection.socket.do_handshake()
        except ssl.SSLError as error:
            self.failure = error
            raise


def prepare(settings: ActiveDirectory, user: str, password: str) -> ldap3.Connection:
    """An ldap3 connection, not yet open, with every safe setting of ldap3 2.9.1. SourceError when the CA file is no use."""
    ldaps = settings.tls == "ldaps"
    try:
        tls = _VerifiedTls(settings.server, settings.ca_file)
    except (OSError, ssl.SSLError) as error:
        name = settings.ca_file.name if settings.ca_file else "ca_file"
        en, fr = f"{name} is not a readable PEM file of certificates", f"{name} n’est pas un fichier PEM de certificats lisible"
        raise SourceError(Text(f"{en}; correct ca_file.", f"{fr} ; corriger ca_file.")) from error
    server = ldap3.Server(
        settings.server,
        port=settings.port or (636 if ldaps else 389),
        use_ssl=ldaps,
        tls=tls,
        get_info=ldap3.NONE,
        connect_timeout=min(settings.connect_timeout, settings.deadline),
        allowed_referral_hosts=[],
    )
    return ldap3.Connection(
        server,
        user=user,
        password=password,
        authentication=ldap3.SIMPLE,
        client_strategy=ldap3.SYNC,
        auto_bind=ldap3.AUTO_BIND_NONE,
        read_only=True,
        auto_referrals=False,
        auto_range=False,
        check_names=False,
        return_empty_attributes=False,
        receive_timeout=settings.receive_timeout,
    )


def open_and_bind(connection: ldap3.Connection, settings: ActiveDirectory) -> socket.socket:
    """Connect, secure, verify, then bind; the bound socket. SourceError in one sentence that tells which step failed."""
    server = connection.server
    place = f"{server.host}:{server.port}"
    try:
        connection.open(read_server_info=False)
        if not server.ssl:
            connection.start_tls(read_server_info=False)
        if not isinstance(connection.socket, ssl.SSLSocket):  # never a password in clear, whatever the library did
            raise SourceError(Text(f"{place} did not start TLS; use ldaps.", f"{place} n’a pas démarré TLS ; utiliser ldaps."))
        connection.bind(read_server_info=False)
    except LDAPExceptionError as error:
        raise _unreachable(place, server.tls.failure, str(error)) from None
    finally:
        connection.password = None
    if connection.result["result"] != 0:
        raise _refused(place, settings, connection.result["result"], str(connection.result["message"]))
    connection.socket.settimeout(settings.receive_timeout)
    bound: socket.socket = connection.socket
    return bound


def _unreachable(place: str, failure: ssl.SSLError | None, detail: str) -> SourceError:
    if isinstance(failure, ssl.SSLCertVerificationError):
        why = _CERTIFICATE.get(failure.verify_code, _UNTRUSTED)
        return SourceError(Text(
            f"the certificate of {place} is refused: {why.en}; give the authority in ca_file and the name of the certificate in server.",
            f"le certificat de {place} est refusé : {why.fr} ; indiquer l’autorité dans ca_file et le nom du certificat dans server.",
        ))  # fmt: skip
    if failure is not None:
        en, fr = f"{place} offers no acceptable TLS (1.2 or later)", f"{place} n’offre pas de TLS acceptable (1.2 ou plus)"
        return SourceError(Text(f"{en}; check port and tls.", f"{fr} ; vérifier port et tls."))
    if "startTLS" in detail:
        en, fr = f"{place} refuses StartTLS; use ldaps.", f"{place} refuse StartTLS ; utiliser ldaps."
        return SourceError(Text(en, fr))
    why = Text("no answer", "pas de réponse")
    if "refused" in detail:
        why = Text("connection refused", "connexion refusée")
    elif "invalid server address" in detail:
        why = Text("unknown name", "nom inconnu")
    en, fr = f"{place} cannot be reached ({why.en})", f"{place} est injoignable ({why.fr})"
    return SourceError(Text(f"{en}; check name, port and firewall.", f"{fr} ; vérifier le nom, le port et le pare-feu."))


def _refused(place: str, settings: ActiveDirectory, code: int, message: str) -> SourceError:
    found = _SUBCODE.search(message)
    if code == 49:
        why = _REFUSED.get(found[1] if found else "52e", _REFUSED["52e"])
        en, fr = f"{place} refuses {settings.user}: {why.en}", f"{place} refuse {settings.user} : {why.fr}"
        return SourceError(Text(f"{en}; correct user and password.", f"{fr} ; corriger user et password."), state=State.DENIED)
    if code in (8, 13, 48, 53):
        en, fr = (
            f"{place} refuses simple binds (LDAP result {code})",
            f"{place} refuse les authentifications simples (résultat LDAP {code})",
        )
        return SourceError(Text(f"{en}; set bind: kerberos.", f"{fr} ; choisir bind: kerberos."), state=State.DENIED)
    en, fr = f"{place} refuses the bind (LDAP result {code})", f"{place} refuse l’authentification (résultat LDAP {code})"
    return SourceError(Text(f"{en}; check user.", f"{fr} ; vérifier user."), state=State.DENIED)
