"""Binding with Kerberos and sealing every byte (SASL GSSAPI, RFC 4752): the way in where a domain controller demands signing and
no certificate is at hand. Needs the extra [kerberos] and a ticket."""

from __future__ import annotations

import importlib
import socket
import struct
from typing import Any

from auditor.collect import SourceError
from auditor.collect import ldap_messages as messages
from auditor.config import ActiveDirectory
from auditor.model import State, Text

_MAX_BUFFER = 1 << 24
_CONFIDENTIALITY = 4
_SASL_IN_PROGRESS = 14
_CHUNK = 1 << 16


class Sealed:
    """A socket whose every message is encrypted and authenticated by the Kerberos session: 4 bytes of length, then a token."""

    def __init__(self, sock: socket.socket, context: Any) -> None:
        self._sock = sock
        self._context = context
        self._received = bytearray()

    def sendall(self, data: bytes, /) -> None:
        """Seal and send."""
        token = self._context.wrap(data, encrypt=True).message
        self._sock.sendall(struct.pack(">I", len(token)) + token)

    def recv(self, size: int, /) -> bytes:
        """The content of the next sealed message, all of it whatever `size`; empty at the end of the connection."""
        del size
        header = self._take(4)
        if not header:
            return b""
        length = struct.unpack(">I", header)[0]
        if not 0 < length <= _MAX_BUFFER:
            raise ValueError("sealed message of an unacceptable length")
        token = self._take(length)
        if not token:
            return b""
        try:
            content: bytes = self._context.unwrap(token).message
        except Exception as error:  # gssapi's own errors: the package is optional
            raise ValueError("sealed message does not open") from error
        return content

    def _take(self, size: int) -> bytes:
        while len(self._received) < size:
            received = self._sock.recv(_CHUNK)
            if not received:
                return b""
            self._received += received
        taken = bytes(self._received[:size])
        del self._received[:size]
        return taken

    def close(self) -> None:
        """Close the socket."""
        self._sock.close()


def connect(settings: ActiveDirectory) -> socket.socket:
    """A plain connection to the server, on which nothing secret is said before it is sealed."""
    place = (settings.server, settings.port or 389)
    try:
        sock = socket.create_connection(place, min(settings.connect_timeout, settings.deadline))
    except OSError as error:
        en, fr = f"{place[0]}:{place[1]} cannot be reached", f"{place[0]}:{place[1]} est injoignable"
        raise SourceError(Text(f"{en}; check name, port and firewall.", f"{fr} ; vérifier le nom, le port et le pare-feu.")) from error
    sock.settimeout(settings.receive_timeout)
    return sock


def seal(sock: socket.socket, settings: ActiveDirectory) -> Sealed:
    """Bind with the ticket at hand (of `user`, when it is given) and seal the connection."""
    try:
        gssapi = importlib.import_module("gssapi")
    except ImportError as error:
        raise SourceError(Text(
            "bind: kerberos needs the extra [kerberos]; install healthcare-identity-auditor[kerberos].",
            "bind: kerberos demande l’extra [kerberos] ; installer healthcare-identity-auditor[kerberos].",
        )) from error  # fmt: skip
    try:
        context = _security_context(gssapi, settings)
        return _negotiate(sock, context, settings)
    except gssapi.exceptions.GSSError as error:
        detail = " ".join(str(error).split())
        en = f"Kerberos refuses: {detail}; get a ticket (kinit) for the audit account and check the clock."
        fr = f"Kerberos refuse : {detail} ; obtenir un ticket (kinit) pour le compte d’audit et vérifier l’heure."
        raise SourceError(Text(en, fr), state=State.DENIED) from error
    except (OSError, ValueError) as error:
        en, fr = f"the Kerberos bind to {settings.server} was cut", f"l’authentification Kerberos auprès de {settings.server} a été coupée"
        raise SourceError(Text(f"{en}; try again.", f"{fr} ; recommencer.")) from error


def _security_context(gssapi: Any, settings: ActiveDirectory) -> Any:
    need = gssapi.RequirementFlag
    flags = need.mutual_authentication | need.integrity | need.confidentiality | need.replay_detection | need.out_of_sequence_detection
    name = gssapi.Name(f"ldap@{settings.server}", gssapi.NameType.hostbased_service)
    credentials = gssapi.Credentials(name=gssapi.Name(settings.user, gssapi.NameType.user), usage="initiate") if settings.user else None
    return gssapi.SecurityContext(name=name, creds=credentials, usage="initiate", flags=flags)


def _negotiate(sock: socket.socket, context: Any, settings: ActiveDirectory) -> Sealed:
    token = context.step() or b""
    for message_id in range(1, 20):
        answer = _exchange(sock, message_id, token, settings)
        if answer.code != _SASL_IN_PROGRESS:
            raise ValueError("the bind ended before it was sealed")
        if context.complete:
            break
        token = context.step(answer.sasl) or b""
        if context.complete and not token:
            answer = _exchange(sock, message_id + 1, b"", settings)
            break
    offered = context.unwrap(answer.sasl).message
    if len(offered) != 4 or not offered[0] & _CONFIDENTIALITY:
        raise ValueError("the server offers no confidentiality")
    chosen = bytes((_CONFIDENTIALITY,)) + (_MAX_BUFFER - 1).to_bytes(3, "big")
    final = _exchange(sock, message_id + 2, context.wrap(chosen, encrypt=False).message, settings)
    if final.code:
        raise ValueError("the bind was refused at its last step")
    return Sealed(sock, context)


def _exchange(sock: socket.socket, message_id: int, credentials: bytes, settings: ActiveDirectory) -> messages.Result:
    sock.sendall(messages.message(message_id, messages.sasl_bind_request("GSSAPI", credentials)))
    received = bytearray()
    while True:
        more = sock.recv(_CHUNK)
        if not more:
            raise ConnectionError("closed")
        received += more
        if len(received) > _MAX_BUFFER:
            raise ValueError("answer to a bind is too long")
        try:
            answered, tag, content, controls = messages.split(bytes(received))
        except ValueError:
            continue
        if answered != message_id or tag != messages.BIND_RESPONSE:
            raise ValueError("answer to another question")
        result = messages.result(content, controls)
        if result.code not in (0, _SASL_IN_PROGRESS):
            en, fr = f"{settings.server} refuses the Kerberos bind", f"{settings.server} refuse l’authentification Kerberos"
            raise SourceError(Text(f"{en} (LDAP result {result.code}).", f"{fr} (résultat LDAP {result.code})."), state=State.DENIED)
        return result
