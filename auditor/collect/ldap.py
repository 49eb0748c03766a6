"""Reading a directory over an open LDAP connection: every page is checked, every wait is bounded, nothing is cut silently."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Protocol

from auditor.collect import SourceError
from auditor.collect import ldap_messages as messages
from auditor.collect.directory_values import value_range
from auditor.collect.ldap_connect import compiled
from auditor.model import State, Text

MAX_MESSAGE = 64 << 20
"""Longest answer accepted, in bytes: one entry, for example a group with its members."""

_CHUNK = 1 << 16
_PRESENT = "(objectClass=*)"
_NO_SUCH_OBJECT = 32
_NAMES = {
    1: "operationsError", 2: "protocolError", 3: "timeLimitExceeded", 4: "sizeLimitExceeded", 10: "referral", 11: "adminLimitExceeded",
    12: "unavailableCriticalExtension", 32: "noSuchObject", 50: "insufficientAccessRights", 51: "busy", 52: "unavailable",
    53: "unwillingToPerform", 80: "other",
}  # fmt: skip

Entry = tuple[str, dict[str, list[bytes]]]
"""Distinguished name, and raw values by lower-case attribute name."""


class Channel(Protocol):
    """A connected socket, or what seals one."""

    def sendall(self, data: bytes, /) -> None:
        """Send everything."""

    def recv(self, size: int, /) -> bytes:
        """Receive at most `size` bytes; none at the end."""

    def close(self) -> None:
        """Close."""


class LdapError(SourceError):
    """A search ended before its end. `code` is the LDAP result code, None when there was none; `lost` tells that the connection
    is of no use any more."""

    def __init__(self, text: Text, *, code: int | None = None, lost: bool = False) -> None:
        super().__init__(text, state=State.DENIED if code == 50 else State.ABSENT)
        self.code = code
        self.lost = lost


class Deadline:
    """Shuts a connection down when the time for the whole reading is over: a server that sends a little all the time never
    makes a single wait expire."""

    def __init__(self, seconds: float, current: Callable[[], socket.socket | None]) -> None:
        self.seconds = seconds
        self.expired = False
        self._current = current
        self._timer = threading.Timer(seconds, self._expire)
        self._timer.daemon = True
        self._timer.start()

    def _expire(self) -> None:
        self.expired = True
        sock = self._current()
        if sock is not None:
            try:
                # Not SSLSocket.shutdown, which drops the TLS layer under a read in progress.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
            except OSError:
                return

    def cancel(self) -> None:
        """The reading is over in time."""
        self._timer.cancel()


def _again(en: str, fr: str) -> Text:
    """What went wrong while reading, and what to do."""
    return Text(f"{en}; check the network and the server, then start again.", f"{fr} ; vérifier le réseau et le serveur, puis recommencer.")


class Session:
    """A bound connection to one server; use it as a context manager."""

    def __init__(self, channel: Channel, deadline: Deadline, page_size: int) -> None:
        self.entries = 0
        self._channel = channel
        self._deadline = deadline
        self._page_size = page_size
        self._buffer = bytearray()
        self._last_id = 10_000  # above those ldap3 used to bind
        self._lost = False

    def __enter__(self) -> Session:
        """The session itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Say goodbye and close."""
        self._deadline.cancel()
        try:
            if not self._lost:
                self._channel.sendall(messages.message(self._last_id + 1, b"\x42\x00"))
        except OSError:
            self._lost = True
        finally:
            self._channel.close()

    def search(self, base: str, search_filter: str, attributes: Sequence[str], *, descriptors: bool = False) -> Iterator[Entry]:
        """Every entry under `base`, page by page; `descriptors` asks for owner and DACL. LdapError, after the entries that came, when
        a page ends in anything but success, comes without a paging control, or does not come. Other requests may be made between
        two entries."""
        request = messages.search_request(base, messages.SUBTREE, compiled(search_filter), attributes)
        cookie = b""
        while True:
            controls = [messages.paging_control(self._page_size, cookie)]
            if descriptors:
                controls.append(messages.sd_flags_control())
            page: list[Entry] = []
            failure: LdapError | None = None
            try:
                done = self._ask(request, controls, page)
                self._check(done)
                if done.cookie is None:
                    raise self._failure("the server answered without a paging control", "réponse sans contrôle de pagination")
                if len(page) > self._page_size:
                    raise self._failure("the server sent more entries than a page holds", "page plus longue que demandé")
                cookie = done.cookie
            except LdapError as error:
                failure = error
            yield from page
            if failure:
                raise failure
            if not cookie:
                return

    def read(self, name: str, attributes: Sequence[str], *, descriptors: bool = False) -> dict[str, list[bytes]] | None:
        """One entry, or None when it does not exist or may not be seen. LdapError on any other failure."""
        request = messages.search_request(name, messages.BASE, compiled(_PRESENT), attributes)
        found: list[Entry] = []
        done = self._ask(request, [messages.sd_flags_control()] if descriptors else [], found)
        if done.code != _NO_SUCH_OBJECT:
            self._check(done)
        return found[0][1] if found else None

    def complete(self, name: str, attributes: Mapping[str, list[bytes]]) -> dict[str, list[bytes]]:
        """The attributes with every list that came in part (member;range=0-1499) read to its end (MS-ADTS 3.1.1.3.1.3.3)."""
        whole: dict[str, list[bytes]] = {}
        for attribute, listed in attributes.items():
            plain, ranged, span = attribute.partition(";range=")
            if not ranged:
                whole.setdefault(plain, listed)
                continue
            collected, last = list(listed), self._last(plain, span)
            while last >= 0:
                # An answer that does not begin where the last one ended could go on for ever.
                following = f"{plain};range={last + 1}-"
                more = self.read(name, (f"{following}*",)) or {}
                part = next((key for key in more if key.startswith(following)), None)
                if part is None or not more[part]:
                    raise self._failure(f"the list {plain} of an object ended early", f"la liste {plain} d’un objet est incomplète")
                collected += more[part]
                last = self._last(plain, part.partition(";range=")[2])
            whole[plain] = collected
        return whole

    def _last(self, attribute: str, span: str) -> int:
        """Place of the last value of a part of a list; -1 when nothing follows."""
        try:
            return value_range(span)[1]
        except ValueError as error:
            raise self._failure(f"{attribute} came with a range that is none", f"{attribute} : plage de valeurs invalide") from error

    def who_am_i(self) -> str:
        """The name the server knows the reader by (RFC 4532), as it writes it; empty when it does not say."""
        done = self._ask(messages.extended_request(messages.WHO_AM_I), [], [])
        return done.value.decode("utf-8", "replace") if done.code == 0 else ""

    def _check(self, done: messages.Result) -> None:
        if done.code:
            name = _NAMES.get(done.code, "unknown")
            en = f"the server ended the search with LDAP result {done.code} ({name}) after {self.entries} entries"
            fr = f"le serveur a terminé la recherche par le résultat LDAP {done.code} ({name}) après {self.entries} entrées"
            raise LdapError(_again(en, fr), code=done.code)

    def _ask(self, request: bytes, controls: Sequence[bytes], page: list[Entry]) -> messages.Result:
        """Send a request and take its answers; entries are added to `page` as they come."""
        if self._lost:
            raise self._failure("the connection to the server is closed", "la connexion au serveur est fermée")
        self._last_id += 1
        try:
            self._channel.sendall(messages.message(self._last_id, request, controls))
            while True:
                tag, content, answered = self._answer()
                if tag == messages.ENTRY:
                    page.append(messages.entry(content))
                    self.entries += 1
                elif tag in (messages.DONE, messages.EXTENDED_RESPONSE):
                    return messages.result(content, answered)
        except ValueError as error:
            fr = "le serveur a envoyé une réponse qui n’est pas du LDAP"
            raise self._failure("the server sent an answer that is not LDAP", fr) from error
        except TimeoutError as error:
            raise self._failure("the server fell silent", "le serveur ne répond plus") from error
        except OSError as error:
            raise self._failure("the connection to the server was cut", "la connexion au serveur a été coupée") from error

    def _answer(self) -> tuple[int, bytes, bytes]:
        """(tag, content, controls) of the next answer to the last request."""
        message_id, tag, content, controls = messages.split(self._message())
        if message_id == 0:
            raise self._failure("the server announced that it disconnects", "le serveur a annoncé qu’il se déconnecte")
        # References lead to other partitions, which are not read.
        known = (messages.ENTRY, messages.DONE, messages.EXTENDED_RESPONSE, messages.REFERENCE)
        if message_id != self._last_id or tag not in known:
            raise ValueError("not an answer to the question asked")
        return tag, content, controls

    def _failure(self, en: str, fr: str) -> LdapError:
        self._lost = True
        if self._deadline.expired:
            seconds = round(self._deadline.seconds)
            en, fr = f"the reading took longer than the deadline of {seconds} s", f"la lecture a dépassé le délai total de {seconds} s"
        return LdapError(_again(f"{en} (after {self.entries} entries)", f"{fr} (après {self.entries} entrées)"), lost=True)

    def _message(self) -> bytes:
        """The next whole message."""
        head = self._take(2)
        if head[0] != 0x30:
            raise ValueError("not an LDAP message")
        size = head[1]
        if size & 0x80:
            width = size & 0x7F
            if not 1 <= width <= 4:
                raise ValueError("length is not acceptable")
            more = self._take(width)
            head += more
            size = int.from_bytes(more, "big")
        if size > MAX_MESSAGE:
            raise ValueError("message is too long")
        return head + self._take(size)

    def _take(self, size: int) -> bytes:
        while len(self._buffer) < size:
            received = self._channel.recv(_CHUNK)
            if not received:
                raise ConnectionError("closed")
            self._buffer += received
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken
