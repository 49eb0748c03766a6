"""The laboratory keeps its promises: what a file says is what the directory serves, and nothing outlives a test run."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest
import trustme

from tests.lab import samba
from tests.lab.conftest import CLINIC, ROOT, new_address
from tests.lab.ldif import Attributes, read_ldif
from tests.lab.samba import Lab, LabError

pytestmark = pytest.mark.lab


def served(lab: Lab, where: str = "(objectClass=*)", **who: str) -> dict[str, Attributes]:
    """Lower-case DN -> attributes, as an account sees them."""
    bases = (lab.domain.dn, f"CN=Configuration,{lab.domain.dn}")
    printed = b"\n".join(lab.export(base, where, "*", "nTSecurityDescriptor", **who) for base in bases)
    return {dn.lower(): attributes for dn, attributes in read_ldif(printed.splitlines(keepends=True))}


def access_entries(descriptor: bytes) -> tuple[bytes, list[bytes]]:
    """Owner and access control entries of a self-relative security descriptor (MS-DTYP 2.4.6)."""
    owner, _, _, dacl = struct.unpack_from("<4I", descriptor, 4)
    entries, position = [], dacl + 8
    for _ in range(struct.unpack_from("<H", descriptor, dacl + 4)[0]):
        size = struct.unpack_from("<H", descriptor, position + 2)[0]
        entries.append(descriptor[position : position + size])
        position += size
    return descriptor[owner : owner + 8 + 4 * descriptor[owner + 1]], entries


def with_file(path: Path) -> list[tuple[str, Attributes]]:
    with path.open("rb") as lines:
        return list(read_ldif(lines))


def test_every_value_of_the_file_is_served(dc: Lab) -> None:
    live = served(dc)
    entries = with_file(CLINIC)
    assert len(entries) > 30
    for dn, attributes in entries:
        for name, values in attributes.items():
            if name != "ntsecuritydescriptor":
                assert sorted(live[dn.lower()].get(name, [])) == sorted(values), (dn, name)


def test_permissions_are_those_of_the_file_plus_the_grants_of_the_audit_group(dc: Lab) -> None:
    live = served(dc)
    group = struct.pack("<I", samba.GROUP_RID)
    compared = 0
    for dn, attributes in with_file(CLINIC):
        if "ntsecuritydescriptor" in attributes:
            owner, entries = access_entries(live[dn.lower()]["ntsecuritydescriptor"][0])
            kept = [entry for entry in entries if not entry.endswith(group)]
            assert (owner, kept) == access_entries(attributes["ntsecuritydescriptor"][0]), dn
            compared += 1
    assert compared == 4


def test_the_certificate_is_signed_by_the_authority_of_the_laboratory(dc: Lab) -> None:
    def handshake(context: ssl.SSLContext) -> None:
        with socket.create_connection((dc.ip, 636), 5) as plain, context.wrap_socket(plain, server_hostname=dc.ip):
            pass

    handshake(ssl.create_default_context(cafile=str(dc.ca_file)))
    other = ssl.create_default_context()
    trustme.CA().configure_trust(other)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(other)


def test_only_the_audit_account_sees_password_settings(dc: Lab) -> None:
    where = "(objectClass=msDS-PasswordSettings)"
    assert [dn.split(",")[0] for dn in served(dc, where)] == ["cn=pso_medecins"]
    assert served(dc, where, user=samba.PLAIN_READER, password=samba.PLAIN_PASSWORD) == {}


def test_a_hardened_domain_hides_account_control_from_an_ordinary_account_but_not_from_the_audit_account(own_dc: Lab) -> None:
    group = f"CN=Pre-Windows 2000 Compatible Access,CN=Builtin,{own_dc.domain.dn}"
    own_dc.plant(f"dn: {group}\nchangetype: modify\nreplace: member\n-\n")
    own_dc.start()
    where = "(sAMAccountName=clefevre)"
    (plain,) = served(own_dc, where, user=samba.PLAIN_READER, password=samba.PLAIN_PASSWORD).values()
    (full,) = served(own_dc, where).values()
    assert {"useraccountcontrol", "pwdlastset", "whencreated"} & plain.keys() == set()
    assert {"useraccountcontrol", "pwdlastset", "whencreated", "memberof"} <= full.keys()


def test_a_stopped_controller_answers_no_more_and_starts_again(own_dc: Lab) -> None:
    own_dc.start()
    with pytest.raises(LabError, match="already running"):
        own_dc.start()
    pid = own_dc.pid
    assert pid is not None
    own_dc.stop()
    own_dc.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((own_dc.ip, 636), 5)
    own_dc.start()
    assert served(own_dc, "(sAMAccountName=krbtgt)")


def test_two_controllers_do_not_share_an_address(dc: Lab, own_dc: Lab) -> None:
    own_dc.ip = dc.ip
    with pytest.raises(LabError, match="already listens"):
        own_dc.start()


def test_the_controller_ends_with_a_killed_test_run(own_dc: Lab) -> None:
    script = (
        "import sys, time; from pathlib import Path; from tests.lab.samba import Domain, Lab\n"
        "lab = Lab(Path(sys.argv[1]), sys.argv[2], Domain()); lab.start(); print(lab.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", script, own_dc.directory, own_dc.ip], stdout=subprocess.PIPE, cwd=ROOT) as run:
        assert run.stdout is not None
        pid = int(run.stdout.readline())
        run.send_signal(signal.SIGKILL)
    state = Path(f"/proc/{pid}/stat")
    end = time.monotonic() + 20
    while state.exists() and ") Z " not in state.read_text() and time.monotonic() < end:
        time.sleep(0.05)
    assert not state.exists() or ") Z " in state.read_text()


def test_a_change_the_directory_refuses_is_an_error(own_dc: Lab) -> None:
    with pytest.raises(LabError, match="took none of 1 records"):
        own_dc.plant(f"dn: CN=Nobody,{own_dc.domain.dn}\nchangetype: modify\nreplace: description\ndescription: x\n-\n")


def test_addresses_are_loopback_and_distinct() -> None:
    addresses = {new_address() for _ in range(1000)}
    assert len(addresses) == 1000
    assert all(address.startswith("127.") for address in addresses)
