"""Microsoft Graph, read only: pages of a live tenant or of a saved one, as dictionaries that nobody has checked yet.

Waits and retries follow the throttling page of Graph: Retry-After when it is sent (Conditional Access sends none), else 1, 2, 4, 8 seconds.
"""

from __future__ import annotations

import json
import random
import re
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

import requests
import urllib3

from auditor import safe
from auditor.collect import SourceError
from auditor.errors import os_reason
from auditor.model import State, Text

Item = Mapping[str, Any]
"""One object of Graph, as it came."""

MAX_BYTES = 64 << 20
"""Largest page accepted."""

_ATTEMPTS = 6
_TRANSIENT = frozenset((429, 500, 502, 503, 504))
_SAFE_ID = re.compile(r"[0-9A-Za-z-]{1,100}")
_LICENCE = re.compile(r"premium|license|licence|AadPremium|NonPremium", re.IGNORECASE)

P1 = Text("An Entra ID P1 licence is needed for this report.", "Ce rapport demande une licence Entra ID P1.")
UNPERMITTED = Text(
    "the tenant has a P1 licence, yet this report was not given: the permission AuditLog.Read.All is missing, or it was not asked for",
    "le tenant a une licence P1, et pourtant ce rapport n’a pas été donné\u00a0: la permission AuditLog.Read.All manque, "
    "ou il n’a pas été demandé",
)
"""The reason when Graph speaks of a licence that the tenant has."""

AGAIN = Text(
    "Save the pages of this address again, from the first to the last, all of the same tenant.",
    "Enregistrer à nouveau les pages de cette adresse, de la première à la dernière, toutes du même tenant.",
)
"""What cures saved pages that are missing, damaged or mixed up."""

sleep = time.sleep
"""How waiting is done; tests put a clock of their own here."""


class GraphError(SourceError):
    """Graph did not deliver: `status` is that of HTTP (0 without an answer, 404 for a page that was not saved); `cure` is what to do when
    a permission would not help."""

    def __init__(self, text: Text, *, state: State = State.ABSENT, status: int = 0, cure: Text | None = None) -> None:
        super().__init__(text, state=state)
        self.status = status
        self.cure = cure


class Graph(Protocol):
    """What the collector asks."""

    def pages(self, path: str, query: Mapping[str, str]) -> Iterator[list[Item]]:
        """The objects of a list, page by page; SourceError when a page cannot be had, after those that could."""

    def one(self, path: str) -> Item:
        """A single object; SourceError when it cannot be had."""


def object_id(value: object) -> str:
    """An id that may stand in an address or a file name; ValueError otherwise."""
    if not isinstance(value, str) or not _SAFE_ID.fullmatch(value):
        raise ValueError("id")
    return value.lower()


def untrusted(problem: BaseException | None) -> bool:
    """Whether a request failed because the server's certificate was refused; a connection cut in the handshake is an SSLError as well."""
    while problem is not None and not isinstance(problem, ssl.SSLCertVerificationError):
        problem = problem.__context__
    return problem is not None


def _refused(path: str, status: int, body: object) -> GraphError:
    error = body.get("error") if isinstance(body, dict) else None
    code = safe.visible(str(error.get("code", "")))[:100] if isinstance(error, dict) else ""
    message = str(error.get("message", "")) if isinstance(error, dict) else ""
    if status in (400, 403) and (_LICENCE.search(code) or _LICENCE.search(message)):
        text = Text(
            f"Graph refused {path} ({status} {code}): the tenant has not the licence for it",
            f"Graph a refusé {path} ({status} {code})\u00a0: le tenant n’a pas la licence voulue",
        )
        return GraphError(text, state=State.DENIED, status=status, cure=P1)
    if status in (401, 403):
        text = Text(
            f"Graph refused {path} ({status} {code}): a permission is missing",
            f"Graph a refusé {path} ({status} {code})\u00a0: une permission manque",
        )
        return GraphError(text, state=State.DENIED, status=status)
    return GraphError(Text(f"Graph answered {status} {code} for {path}", f"Graph a répondu {status} {code} à {path}"), status=status)


def _broken(path: str, cure: Text | None = None) -> GraphError:
    return GraphError(Text(f"the answer of {path} is not a page of Graph", f"la réponse de {path} n’est pas une page de Graph"), cure=cure)


def _values(path: str, page: Item, cure: Text | None = None) -> list[Item]:
    values = page.get("value")
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        raise _broken(path, cure)
    return values


class Live:
    """Graph over verified TLS. `token` gives an access token, a new one when asked to; `deadline` is on the clock of time.monotonic."""

    def __init__(
        self,
        session: requests.Session,
        base: str,
        token: Callable[[bool], str],
        *,
        verify: str | bool,
        timeouts: tuple[int, int],
        deadline: float,
    ) -> None:
        self._session = session
        self._base = base.rstrip("/")
        self._token = token
        self._verify = verify
        self._timeouts = timeouts
        self._deadline = deadline
        self._silent = False

    def pages(self, path: str, query: Mapping[str, str]) -> Iterator[list[Item]]:
        """See Graph. A next address outside this server is refused: the token would go with it."""
        url: str | None = requests.Request("GET", self._base + path, params=dict(query)).prepare().url
        seen: set[str] = set()
        while url:
            if url in seen or len(seen) > 1_000_000:
                raise GraphError(Text(f"{path} repeats the same page", f"{path} répète la même page"))
            seen.add(url)
            page = self._get(path, url)
            yield _values(path, page)
            following = page.get("@odata.nextLink")
            if following is not None and not (isinstance(following, str) and following.startswith(self._base + "/")):
                raise GraphError(Text(f"{path} continues on another server", f"{path} continue sur un autre serveur"))
            url = following

    def one(self, path: str) -> Item:
        """See Graph."""
        return self._get(path, self._base + path)

    def _get(self, path: str, url: str) -> Item:
        fresh = renewed = False
        silence = error = GraphError(Text(f"Graph does not answer {path}", f"Graph ne répond pas à {path}"))
        if self._silent:
            # A server that was silent to every attempt once would cost the same wait for each address.
            raise silence
        for attempt in range(_ATTEMPTS):
            if time.monotonic() > self._deadline:
                raise _late()
            wait = 2.0 ** min(attempt, 3) + random.random()  # noqa: S311 - spreads retries, guards nothing
            try:
                status, headers, body = self._send(url, self._token(fresh))
            except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError, RecursionError, OSError) as problem:
                if untrusted(problem):
                    raise GraphError(Text(
                        "the certificate of Graph is not trusted; give the authority of your proxy as ca_file",
                        "le certificat de Graph n’est pas reconnu ; donner l’autorité de votre mandataire dans ca_file",
                    )) from problem  # fmt: skip
                self._pause(wait, error, attempt)
                continue
            fresh = False
            if status == 200 and isinstance(body, dict):
                return body
            error = _refused(path, status, body) if status != 200 else _broken(path)
            if status == 401 and not renewed:
                fresh = renewed = True
            elif status in _TRANSIENT or status == 200:
                self._pause(_seconds(headers) or wait, error, attempt)
            else:
                raise error
        self._silent = error is silence
        raise error

    def _send(self, url: str, token: str) -> tuple[int, Mapping[str, str], object]:
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json", "x-ms-throttle-priority": "low"}
        with self._session.get(
            url, headers=headers, timeout=self._timeouts, verify=self._verify, allow_redirects=False, stream=True
        ) as response:  # fmt: skip
            content = bytearray()
            # read1 returns what has come, so that a server that drips is stopped by the deadline.
            while chunk := response.raw.read1(1 << 16, decode_content=True):
                content += chunk
                if len(content) > MAX_BYTES:
                    raise GraphError(Text("a page of Graph is too large", "une page de Graph est trop grande"))
                if time.monotonic() > self._deadline:
                    raise _late()
            length = response.headers.get("Content-Length", "")
            if length.isdigit() and "Content-Encoding" not in response.headers and len(content) != int(length):
                raise ValueError("cut")
            try:
                return response.status_code, response.headers, json.loads(bytes(content))
            except ValueError:
                if response.status_code == 200:
                    raise
                return response.status_code, response.headers, None

    def _pause(self, seconds: float, error: GraphError, attempt: int) -> None:
        """Wait before the next attempt, if there is one; `error` when the deadline comes first."""
        if attempt + 1 == _ATTEMPTS:
            return
        if time.monotonic() + seconds > self._deadline:
            raise error
        sleep(seconds)


def _seconds(headers: Mapping[str, str]) -> float:
    said = headers.get("Retry-After", "")
    return float(said) if said.isdigit() and len(said) < 6 else 0.0


def _late() -> GraphError:
    return GraphError(Text("the time allowed (deadline) is over", "le temps accordé (deadline) est écoulé"))


class Folder:
    """Saved pages of Graph: <folder>/<address>/1.json, 2.json…; the last page is the one without @odata.nextLink."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def pages(self, path: str, query: Mapping[str, str]) -> Iterator[list[Item]]:  # noqa: ARG002 - what was asked is in the pages
        """See Graph. A missing page is an error after the pages before it, and so is one that stands where another should."""
        number = 1
        following: object = True
        seen: set[bytes] = set()
        while following:
            page = self._read(path, number)
            values = _values(path, page, AGAIN)
            held = sha256(json.dumps(values, sort_keys=True).encode()).digest()
            if values and held in seen:
                raise GraphError(Text(
                    f"{path}: page {number} holds what an earlier page holds; save the pages again, one after the other",
                    f"{path}\u00a0: la page {number} contient ce que contient déjà une autre\u00a0; "
                    "enregistrer à nouveau les pages, l’une après l’autre",
                ), cure=AGAIN)  # fmt: skip
            seen.add(held)
            yield values
            following = page.get("@odata.nextLink")
            number += 1
        if self._file(path, number).exists():
            raise GraphError(Text(
                f"{path}: page {number} follows a page that says it is the last",
                f"{path} : la page {number} suit une page qui se dit la dernière",
            ), cure=AGAIN)  # fmt: skip

    def one(self, path: str) -> Item:
        """See Graph."""
        return self._read(path, 1)

    def _file(self, path: str, number: int) -> Path:
        return self._folder.joinpath(*path.strip("/").split("/"), f"{number}.json")

    def _read(self, path: str, number: int) -> Item:
        file = self._file(path, number)
        name = f"{path.strip('/')}/{number}.json"
        try:
            if file.stat().st_size > MAX_BYTES:
                raise GraphError(Text(f"{name} is too large", f"{name} est trop grand"))
            page = json.loads(file.read_text(encoding="utf-8-sig"))
        except FileNotFoundError:
            raise GraphError(Text(f"{name} was not saved", f"{name} n’a pas été enregistré"), status=404, cure=AGAIN) from None
        except OSError as error:
            reason = os_reason(error)
            raise GraphError(Text(f"{name} cannot be read ({reason.en})", f"{name} est illisible ({reason.fr})"), cure=AGAIN) from None
        except (ValueError, RecursionError):
            raise GraphError(Text(f"{name} is not JSON", f"{name} n’est pas du JSON"), cure=AGAIN) from None
        if not isinstance(page, dict):
            raise _broken(path, AGAIN)
        if isinstance(page.get("error"), dict):
            raise _refused(path, 403, page)
        return page
