"""A broken network between the auditor and Entra ID: login server and Graph behind a relay that goes wrong at a chosen byte of TLS."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import trustme

from auditor import rules, snapshot
from auditor.assess import assess
from auditor.collect.entra_tenant import TABLES
from auditor.config import Audit
from auditor.config_entra import Entra
from auditor.model import State, Verdict
from auditor.report import exit_code
from tests.collect.files import Collected, run
from tests.faults import MODES, FaultProxy
from tests.graph import emulator
from tests.graph.emulator import CLIENT, SECRET, TENANT, Emulator
from tests.graph.reading import incomplete

PAGE = 40
READS = {"ENTRA-001": "entra_registration", "ENTRA-037": "entra_policy", "ENTRA-079": "entra_tenant", "ENTRA-092": "entra_credential"}
"""A few rules, and a table that each reads."""
RULES = rules.load([file for rule in READS for file in rules.shipped().glob(f"*/{rule}-*.yaml")])
PLACES: dict[str, tuple[str, int, float]] = {
    "connection": ("", 0, 0.0),
    "handshake": ("", 0, 0.2),
    "discovery": ("", 0, 0.95),
    "token": ("token", 1, 0.5),
    "last byte of the token": ("token", 1, 1.0),
    "first answer": ("/organization", 1, 0.5),
    "first page": ("/users", 1, 0.0),
    "middle page": ("/users", 2, 0.5),
    "last byte of a page": ("/users", 2, 1.0),
    "single object": ("/policies/authorizationPolicy", 1, 0.5),
    "end of all": ("/applications", 1, 0.9),
}
"""Where it goes wrong: in which answer of that name, and after which share of it. What has no name comes before the token.
After the last answer of all the server still says goodbye."""
LASTING = ("refuse", "corrupt", "delay")
"""Modes that are the same once or for ever, or that nothing takes back."""
AUTHORITY = ("connection", "handshake", "discovery", "token", "last byte of the token")


@dataclass
class Watched(Emulator):
    """A tenant that remembers where in the bytes of the server each of its answers begins, and goes wrong in one of them."""

    proxy: FaultProxy | None = None
    began: dict[tuple[str, int], int] = field(default_factory=dict)
    fault: tuple[tuple[str, int], str, int, bool] | None = None

    def token(self) -> str:
        self._about_to_answer("token")
        return super().token()

    def answer(self, path: str, query: dict[str, list[str]]) -> tuple[int, dict[str, Any]]:
        self._about_to_answer(path)
        return super().answer(path, query)

    def _about_to_answer(self, name: str) -> None:
        assert self.proxy is not None
        answer = (name, 1 + sum(known == name for known, _ in self.began))
        self.began[answer] = self.proxy.relayed
        if self.fault and self.fault[0] == answer:
            _, mode, after, once = self.fault
            self.proxy.arm(mode, after, once=once)


@contextmanager
def relayed(pages: dict[str, bytes], authority: trustme.CA) -> Iterator[tuple[Watched, FaultProxy]]:
    """The tenant, reached through the relay alone."""
    tenant = Watched.of_pages(pages)
    assert isinstance(tenant, Watched)
    tenant.page_size = PAGE
    with emulator.running(tenant, authority), FaultProxy(int(tenant.url.rpartition(":")[2])) as proxy:
        tenant.url, tenant.proxy = f"https://localhost:{proxy.port}", proxy
        yield tenant, proxy
    assert tenant.writes == []


def read(tenant: Emulator, authority: trustme.CA, folder: Path, *, silence: int, deadline: int) -> Collected:
    secret, trusted = folder / "secret", folder / "ca.pem"
    secret.touch(mode=0o600)
    secret.write_text(SECRET, encoding="utf-8")
    authority.cert_pem.write_to_path(trusted)
    settings = {
        "type": "entra", "tenant": TENANT, "client_id": CLIENT, "sign_in": "secret", "secret": {"file": secret}, "ca_file": trusted,
        "login_url": tenant.url, "graph_url": tenant.url, "connect_timeout": silence, "receive_timeout": silence, "deadline": deadline,
    }  # fmt: skip
    return run(Entra.model_validate(settings), folder)


def judged(folder: Path) -> tuple[int, dict[str, Verdict]]:
    """Exit code of an audit by the few rules, and what each says."""
    sources = [{"type": "entra_files", "name": "entra", "path": "x"}]
    settings = Audit.model_validate({"establishment": {"name": "x"}, "fail_on": "low", "sources": sources})
    done = assess(snapshot.read(folder / "snapshot"), settings, RULES)
    return exit_code.decide(done).code, {one.rule: one.verdict for one in done.assessments}


@dataclass(frozen=True)
class Whole:
    """An undisturbed reading: what it found, what the rules say of it, and where its answers lie in the bytes of the server."""

    found: Collected
    verdicts: dict[str, Verdict]
    sizes: dict[tuple[str, int], int]


@pytest.fixture(scope="module")
def whole(pages: dict[str, bytes], authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    folder = tmp_path_factory.mktemp("whole")
    with relayed(pages, authority) as (tenant, proxy):
        found = read(tenant, authority, folder, silence=20, deadline=60)
        assert len(proxy.opened) == 2, "one connection to the login server, one to Graph"
        assert incomplete(found) == set()
        assert set(found.coverage) == set(TABLES)
        starts = [*tenant.began.values(), proxy.relayed]
        sizes = {answer: end - start for answer, start, end in zip(tenant.began, starts, starts[1:], strict=False)}
        sizes["", 0] = tenant.began["token", 1]
        # The handshake with Graph stands between the token and the first answer.
        sizes["token", 1] = proxy.opened[1] - tenant.began["token", 1]
    return Whole(found, judged(folder)[1], sizes)


def cell(pages: dict[str, bytes], authority: trustme.CA, whole: Whole, folder: Path, place: str, mode: str, *, once: bool) -> None:
    """One reading through one fault: it ends in time, what is complete is whole, and what is not says why and is never a pass."""
    name, number, share = PLACES[place]
    once = once or mode == "corrupt"
    # What heals is given the time that a busy machine may need, what does not heal the time that its silences take.
    deadline = 30 if once or mode == "delay" else 4
    size = whole.sizes[name, number]
    after = min(int(size * share), size - 1)
    with relayed(pages, authority) as (tenant, proxy):
        if name:
            tenant.fault = (name, number), mode, after, once
        else:
            proxy.arm(mode, after, once=once)
        began = time.monotonic()
        found = read(tenant, authority, folder, silence=2, deadline=deadline)
        assert time.monotonic() - began < 3 * deadline
    missing = incomplete(found)
    assert set(found.coverage) == set(TABLES)
    for table, coverage in found.coverage.items():
        if table not in missing:
            assert found.rows[table] == whole.found.rows[table], f"{table} is not whole and says that it is"
            continue
        assert len(found.rows[table]) <= len(whole.found.rows[table])
        assert (coverage.state is State.PARTIAL) == bool(found.rows[table])
        assert coverage.reason is not None and coverage.reason.en and coverage.reason.fr
        assert coverage.cure is not None
        assert SECRET not in coverage.reason.en
        assert "not trusted" not in coverage.reason.en or mode == "corrupt", "a broken connection is not a bad certificate"
    if mode == "delay" or (once and place not in AUTHORITY):
        assert missing == set(), found.coverage[min(missing)].reason
        assert found.sha256 == whole.found.sha256
    else:
        assert once or missing, "nothing is said of a lasting fault"
    code, verdicts = judged(folder)
    for rule, table in READS.items():
        assert verdicts[rule] is not Verdict.PASS or table not in missing
        assert missing or verdicts[rule] is whole.verdicts[rule]
    confirmed = Verdict.FAIL in verdicts.values()
    assert code == (1 if confirmed else 3 if Verdict.NOTCHECKED in verdicts.values() else 0)


@pytest.mark.parametrize("mode", MODES)
def test_a_network_that_breaks_in_the_middle_of_a_list_is_told(
    pages: dict[str, bytes], authority: trustme.CA, whole: Whole, tmp_path: Path, waits: list[float], mode: str
) -> None:
    cell(pages, authority, whole, tmp_path, "middle page", mode, once=False)


@pytest.mark.parametrize("place", PLACES)
def test_a_connection_that_is_lost_once_is_taken_up_again(
    pages: dict[str, bytes], authority: trustme.CA, whole: Whole, tmp_path: Path, waits: list[float], place: str
) -> None:
    cell(pages, authority, whole, tmp_path, place, "close", once=True)


@pytest.mark.slow
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("mode", "once"), [(mode, False) for mode in MODES] + [(mode, True) for mode in MODES if mode not in LASTING])
def test_wherever_the_network_breaks_nothing_is_silent(
    pages: dict[str, bytes], authority: trustme.CA, whole: Whole, tmp_path: Path, waits: list[float], mode: str, place: str, once: bool
) -> None:
    cell(pages, authority, whole, tmp_path, place, mode, once=once)
