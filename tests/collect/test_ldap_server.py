"""The live connector against a real server: rows, limits, refusals, and every way a connection can go wrong."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from auditor.config import Secret
from auditor.model import State, Value
from auditor.tables.directory import TABLES
from tests.collect import slapd
from tests.collect.directories import DOMAIN, Entries, Taken, domain, group, take, take_entries, take_files, user
from tests.faults import MODES, FaultProxy

SOINS = f"OU=Soins,{DOMAIN}"
USERS = 400
SECURITY = {"directory_object", "security_descriptor", "access_entry"}


def people() -> Entries:
    entries = {f"CN=agent{number},{SOINS}": user(2000 + number, f"agent{number}", employeeID=f"{number:05}") for number in range(USERS)}
    entries[f"CN=Equipe,{SOINS}"] = group(5000, "equipe", member=list(entries))
    return entries


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[slapd.Slapd]:
    with slapd.running(tmp_path_factory.mktemp("slapd"), {**domain(), **people()}) as running:
        yield running


def rows(taken: Taken, table: str) -> list[dict[str, Value]]:
    """Rows with names in one spelling: OpenLDAP writes the attributes of a name in lower case."""
    names = ("distinguished_name", "parent_dn")
    return [{column: str(value).lower() if column in names else value for column, value in row.items()} for row in taken.tables[table]]


def states(taken: Taken) -> set[State]:
    return {taken.coverage(table.name).state for table in TABLES}


def test_a_live_reading_gives_the_rows_of_the_export(server: slapd.Slapd, tmp_path: Path) -> None:
    live = take(server.source(), tmp_path / "live")
    export = take_entries(tmp_path, people())
    assert len(live.tables["account"]) == USERS + 3
    for table in TABLES:
        if table.name not in SECURITY:
            assert rows(live, table.name) == rows(export, table.name)
            assert live.coverage(table.name).state is State.COMPLETE, live.reason(table.name)
    for name in SECURITY:
        assert live.coverage(name).state is State.DENIED


def test_starttls_reads_the_same(server: slapd.Slapd, tmp_path: Path) -> None:
    taken = take(server.source(tls="starttls", port=server.plain_port), tmp_path / "snapshot")
    assert taken.coverage("account").rows == USERS + 3
    assert taken.coverage("account").state is State.COMPLETE


def test_a_wrong_password_denies_every_table_and_is_not_repeated(server: slapd.Slapd, tmp_path: Path) -> None:
    secret = tmp_path / "wrong"
    secret.touch(mode=0o600)
    secret.write_text("Canary-Wrong-Password", encoding="utf-8")
    taken = take(server.source(password=Secret(file=secret)), tmp_path / "snapshot")
    assert states(taken) == {State.DENIED}
    assert "wrong user name or password" in taken.reason("account")
    assert "Canary" not in (taken.snapshot.folder / "manifest.json").read_text(encoding="utf-8")


def test_a_size_limit_is_said_and_what_came_is_kept(tmp_path: Path) -> None:
    folder = tmp_path / "slapd"
    folder.mkdir()
    with slapd.running(folder, {**domain(), **people()}, "limits users size.soft=100 size.hard=100 size.prtotal=120") as limited:
        taken = take(limited.source(), tmp_path / "snapshot")
    assert State.COMPLETE not in states(taken)
    assert 50 <= len(taken.tables["account"]) <= 120
    assert "LDAP result" in taken.reason("account")
    coverage = taken.coverage("account")
    assert coverage.state is State.PARTIAL and coverage.reason is not None
    assert "résultat LDAP" in coverage.reason.fr


def test_a_server_that_does_not_page_is_not_believed(tmp_path: Path) -> None:
    folder = tmp_path / "slapd"
    folder.mkdir()
    with slapd.running(folder, domain(), "limits users size.prtotal=disabled") as unpaged:
        taken = take(unpaged.source(), tmp_path / "snapshot")
    assert State.COMPLETE not in states(taken)


def test_a_server_that_refuses_simple_binds_is_told_apart_from_a_wrong_password(tmp_path: Path) -> None:
    folder = tmp_path / "slapd"
    folder.mkdir()
    with slapd.running(folder, domain(), "security simple_bind=512") as strict:
        taken = take(strict.source(), tmp_path / "snapshot")
    assert states(taken) == {State.DENIED}
    assert "bind: kerberos" in taken.reason("account")


def test_a_server_that_is_no_domain_controller_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "slapd"
    folder.mkdir()
    with slapd.running(folder, domain(), root=False) as other:
        taken = take(other.source(), tmp_path / "snapshot")
    assert states(taken) == {State.ABSENT}
    assert "is not a domain controller" in taken.reason("account")


def test_a_port_nobody_listens_on_is_unreachable(server: slapd.Slapd, tmp_path: Path) -> None:
    taken = take(server.source(port=slapd.free_port()), tmp_path / "snapshot")
    assert states(taken) == {State.ABSENT}
    assert "connection refused" in taken.reason("account")


def test_a_name_nobody_knows_is_unreachable(server: slapd.Slapd, tmp_path: Path) -> None:
    taken = take(server.source(server="dc1.chu.invalid"), tmp_path / "snapshot")
    assert states(taken) == {State.ABSENT}
    assert "cannot be reached" in taken.reason("account")


@pytest.fixture(scope="module")
def answered(server: slapd.Slapd, tmp_path_factory: pytest.TempPathFactory) -> int:
    """Bytes the server answers to a whole reading."""
    with FaultProxy(server.port) as proxy:
        taken = take(server.source(port=proxy.port), tmp_path_factory.mktemp("whole") / "snapshot")
        assert taken.coverage("account").state is State.COMPLETE
        assert len(proxy.opened) == 1
        return proxy.relayed


def broken(server: slapd.Slapd, folder: Path, mode: str, at: int) -> None:
    """One reading through a fault: it ends in time, says why, and keeps only rows that are right. Only a delay loses nothing."""
    started = time.monotonic()
    late = mode == "delay"
    with FaultProxy(server.port, mode, at) as proxy:
        taken = take(server.source(port=proxy.port, receive_timeout=1, deadline=30 if late else 3), folder / "snapshot")
        assert len(proxy.opened) == (0 if mode == "refuse" and at == 0 else 1), "it connected again without a word"
    assert time.monotonic() - started < (30 if late else 8)
    for table in TABLES:
        coverage = taken.coverage(table.name)
        if late and table.name not in SECURITY:
            assert coverage.state is State.COMPLETE, coverage.reason
            continue
        assert coverage.state is not State.COMPLETE, (mode, at, table.name)
        assert coverage.reason is not None and coverage.reason.en and coverage.reason.fr
        assert coverage.rows == len(taken.tables[table.name])
    whole = take_entries(folder, people())
    known = {row["account_key"]: row for row in rows(whole, "account")}
    for row in rows(taken, "account"):
        assert row == known[row["account_key"]]
    assert not late or len(rows(taken, "account")) == len(known)


@pytest.mark.parametrize("mode", MODES)
def test_a_connection_that_breaks_while_accounts_are_read_leaves_partial_tables(
    server: slapd.Slapd, answered: int, tmp_path: Path, mode: str
) -> None:
    broken(server, tmp_path, mode, answered * 7 // 10)


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.0, 0.002, 0.012, 0.02, 0.1, 0.3, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("mode", MODES)
def test_wherever_a_connection_breaks_nothing_is_silent(
    server: slapd.Slapd, answered: int, tmp_path: Path, mode: str, share: float
) -> None:
    broken(server, tmp_path, mode, int(answered * share))


def test_rows_read_before_a_cut_are_kept(server: slapd.Slapd, answered: int, tmp_path: Path) -> None:
    with FaultProxy(server.port, "close", answered * 7 // 10) as proxy:
        taken = take(server.source(port=proxy.port), tmp_path / "snapshot")
    assert 0 < taken.coverage("account").rows < USERS
    assert taken.coverage("account").state is State.PARTIAL
    assert "cut" in taken.reason("account")


def test_a_slow_server_is_read_to_its_end_within_the_deadline_only(server: slapd.Slapd, answered: int, tmp_path: Path) -> None:
    with FaultProxy(server.port, "drip", answered // 2) as proxy:
        taken = take(server.source(port=proxy.port, deadline=2), tmp_path / "snapshot")
    assert "deadline of 2 s" in taken.reason("account")


@pytest.mark.parametrize("paging", [(), ("-E", "pr=100/noprompt")], ids=["one search", "pages"])
def test_what_ldapsearch_writes_is_whole_and_half_of_it_is_not(server: slapd.Slapd, tmp_path: Path, paging: tuple[str, ...]) -> None:
    program = shutil.which("ldapsearch")
    if program is None:
        pytest.skip("ldapsearch is not installed")
    command = [program, "-x", "-D", slapd.READER, "-y", str(server.secret), "-H", f"ldaps://127.0.0.1:{server.port}", "-b", DOMAIN, *paging]
    environment = {**os.environ, "LDAPTLS_CACERT": str(server.ca_file)}
    printed = subprocess.run([*command, "(objectClass=*)", "*"], check=True, capture_output=True, env=environment).stdout
    (tmp_path / "whole").mkdir()
    whole = take_files(tmp_path / "whole", printed)
    assert len(whole.tables["account"]) == USERS + 3
    assert whole.coverage("account").state is State.COMPLETE, whole.reason("account")
    records = printed.split(b"\n\n")
    cut = take_files(tmp_path, b"\n\n".join(records[: len(records) // 2]))
    assert "closing result of ldapsearch is missing" in cut.reason("account")
