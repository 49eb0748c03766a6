"""What goes wrong with a real domain controller ends in coverage with a reason, in time, never in silence."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import trustme

from auditor.config import ActiveDirectory
from auditor.model import State
from auditor.snapshot import Snapshot
from auditor.tables import directory
from tests.lab import samba
from tests.lab.samba import Lab
from tests.lab.test_equality import NAME, collected, live_source, rows, states

pytestmark = pytest.mark.lab

MEMBER = "bf9679c0-0de6-11d0-a285-00aa003049e2"
"""schemaIDGUID of member (MS-ADA2)."""


def reasons(taken: Snapshot) -> set[tuple[str, str]]:
    """Distinct (English, French) reasons."""
    return {(entry.reason.en, entry.reason.fr) for entry in taken.coverage if entry.source == NAME and entry.reason}


def assert_nothing_read(taken: Snapshot, *words: str) -> None:
    assert len(states(taken)) == len(directory.TABLES)
    assert State.COMPLETE not in states(taken).values()
    assert State.PARTIAL not in states(taken).values()
    assert not any(rows(taken, table.name) for table in directory.TABLES)
    (reason,) = reasons(taken)
    assert all(word in reason[0] for word in words), reason


def test_a_wrong_password_denies_every_table(dc: Lab, tmp_path: Path) -> None:
    taken = collected(live_source(dc, tmp_path, password="Not-The-Password.1"), tmp_path / "taken")
    assert_nothing_read(taken, "password")
    assert set(states(taken).values()) == {State.DENIED}
    assert not any("Not-The-Password" in text for reason in reasons(taken) for text in reason)


def test_an_unknown_authority_is_refused(dc: Lab, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(other)
    source = live_source(dc, tmp_path).model_copy(update={"ca_file": other})
    assert_nothing_read(collected(source, tmp_path / "taken"), "certificate")


def test_a_stopped_controller_is_said_to_be_unreachable(own_dc: Lab, tmp_path: Path) -> None:
    assert_nothing_read(collected(live_source(own_dc, tmp_path), tmp_path / "taken"), own_dc.ip)


@pytest.mark.parametrize("fraction", [0.3, 0.9])
def test_a_controller_that_stops_while_it_is_read_leaves_partial_tables(own_dc: Lab, tmp_path: Path, fraction: float) -> None:
    own_dc.start()
    source = live_source(own_dc, tmp_path).model_copy(update={"page_size": 10})
    with relay(own_dc) as (port, seen):
        whole = collected(source.model_copy(update={"port": port}), tmp_path / "whole")
        assert set(states(whole).values()) == {State.COMPLETE}
        size = seen()
    with relay(own_dc, stop_after=int(size * fraction)) as (port, _):
        cut = collected(source.model_copy(update={"port": port}), tmp_path / "cut")
    assert State.COMPLETE not in states(cut).values()
    assert len(rows(cut, "account")) <= len(rows(whole, "account"))
    assert reasons(cut)


def test_an_ordinary_account_is_told_it_does_not_see_password_settings(dc: Lab, tmp_path: Path) -> None:
    taken = collected(plain(dc, tmp_path), tmp_path / "taken")
    found = states(taken)
    assert found["password_settings"] is State.DENIED
    assert found["account"] is State.COMPLETE


def test_an_ordinary_account_of_a_hardened_domain_is_told_what_is_hidden(own_dc: Lab, tmp_path: Path) -> None:
    group = f"CN=Pre-Windows 2000 Compatible Access,CN=Builtin,{own_dc.domain.dn}"
    own_dc.plant(f"dn: {group}\nchangetype: modify\nreplace: member\n-\n")
    own_dc.start()
    hidden = collected(plain(own_dc, tmp_path), tmp_path / "hidden")
    assert states(hidden)["account"] is State.PARTIAL
    assert any("userAccountControl" in en and "userAccountControl" in fr for en, fr in reasons(hidden))
    unknown = [row for row in rows(hidden, "account") if row["sam_account_name"] == "clefevre"]
    assert [row["enabled"] for row in unknown] == [None]
    granted = collected(live_source(own_dc, tmp_path), tmp_path / "granted")
    assert set(states(granted).values()) == {State.COMPLETE}


@pytest.mark.parametrize(("group", "words"), [
    ("CN=Domain Admins,CN=Users", "groups that always have members (Domain Admins, Administrators) and show none: 1"),
    ("CN=Backup Operators,CN=Builtin", "memberships that accounts tell (memberOf) and that the lists of members do not show: 1"),
])  # fmt: skip
def test_a_hidden_list_of_members_is_told(own_dc: Lab, tmp_path: Path, group: str, words: str) -> None:
    member = f"CN=Hugo Martin,OU=Personnel,{own_dc.domain.dn}"
    operators = f"CN=Backup Operators,CN=Builtin,{own_dc.domain.dn}"
    own_dc.plant(f"dn: {operators}\nchangetype: modify\nadd: member\nmember: {member}\n")
    own_dc.grant(f"{group},{own_dc.domain.dn}", f"(OD;;RP;{MEMBER};;{own_dc.domain.sid}-{samba.PLAIN_RID})")
    own_dc.start()
    taken = collected(plain(own_dc, tmp_path), tmp_path / "taken")
    assert states(taken)["group_member"] is State.PARTIAL
    (reason,) = [entry.reason for entry in taken.coverage if entry.table == "group_member" and entry.reason]
    assert words in reason.en
    assert states(collected(live_source(own_dc, tmp_path), tmp_path / "granted"))["group_member"] is State.COMPLETE


def plain(lab: Lab, folder: Path) -> ActiveDirectory:
    return live_source(lab, folder, samba.PLAIN_READER, samba.PLAIN_PASSWORD)


@contextmanager
def relay(lab: Lab, stop_after: int = 1 << 62) -> Iterator[tuple[int, Callable[[], int]]]:
    """A port of the controller's address that passes bytes on, and stops the controller after so many bytes of answers."""
    passed = 0
    sockets: list[socket.socket] = []

    def copy(origin: socket.socket, target: socket.socket, *, answers: bool) -> None:
        nonlocal passed
        with suppress(OSError):
            while data := origin.recv(4096):
                if answers:
                    passed += len(data)
                    if passed > stop_after:
                        lab.stop()
                        break
                target.sendall(data)
        for side in (origin, target):
            with suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)

    def serve() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = socket.create_connection((lab.ip, 636), 5)
                server.settimeout(None)
                sockets.extend((client, server))
                for origin, target in ((client, server), (server, client)):
                    threads.append(threading.Thread(target=copy, args=(origin, target), kwargs={"answers": origin is server}))
                    threads[-1].start()

    listener = socket.create_server((lab.ip, 0))
    threads = [threading.Thread(target=serve)]
    threads[0].start()
    try:
        yield listener.getsockname()[1], lambda: passed
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        for side in (listener, *sockets):
            with suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)
            side.close()
        for thread in threads:
            thread.join(10)
