"""A real Active Directory for tests: one throw-away Samba domain controller per loopback address, driven by its command line tools.

Everything of one controller lies in one directory, so several run side by side (LDAP ports are fixed, addresses are free).
`.ci/packages` installs what it needs.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import trustme

from tests.lab.ldif import PROVISIONED, Attributes, domain_dn, load_plan, modify_record, read_ldif

PROGRAMS = ("samba", "samba-tool", "ldbadd", "ldbmodify", "ldbdel", "ldapsearch", "tar")
PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])

RELAX = "relax:0"
STORE_PASSWORD_FIELDS_AS_GIVEN = "local_oid:1.3.6.1.4.1.7165.4.3.12:0"  # Samba's bypass of password hashing
AS_PROVISIONED = "provision:0"  # a foreign security principal may be added as such
OWNER_AND_DACL = "sd_flags:1:5"

ADMIN_PASSWORD = "Lab-Adm1n.2026"
READER, READER_PASSWORD = "svc_audit_lecture", "Lab-Lecture.2026"
PLAIN_READER, PLAIN_PASSWORD = "svc_audit_simple", "Lab-Simple.2026"
READERS_OU, READERS_GROUP = "OU=Audit", "GG_Audit_Lecture"
GROUP_RID, READER_RID, PLAIN_RID = 995000, 995001, 995002

_ANONYMOUS_BIND = bytes.fromhex("300c020101600702010304008000")
_FILETIME_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)


class LabError(Exception):
    """A tool of the laboratory failed; the message holds what it printed."""


def missing() -> str:
    """Why the laboratory cannot run here; empty when it can."""
    if sys.platform != "linux":
        return "the Samba laboratory needs Linux"
    if os.geteuid() != 0:
        return "the Samba laboratory needs root (ports 389 and 636)"
    absent = [name for name in PROGRAMS if not shutil.which(name, path=PATH)]
    return f"not installed: {', '.join(absent)} (.ci/packages installs them)" if absent else ""


@dataclass(frozen=True)
class Domain:
    """What names the domain; the SID is chosen so that every SID of a sample holds in the laboratory."""

    dns: str = "chu-valdore.test"
    netbios: str = "VALDORE"
    sid: str = "S-1-5-21-2610413867-1459385731-3084571420"
    host: str = "CHUV-DC1"

    @property
    def dn(self) -> str:
        return domain_dn(self.dns)

    @property
    def host_name(self) -> str:
        return f"{self.host}.{self.dns}".lower()


@dataclass
class Lab:
    """One domain controller: its directory, its address, and its process while it runs."""

    directory: Path
    ip: str
    domain: Domain
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    # -- making -------------------------------------------------------------------------------------------------------

    @classmethod
    def provision(cls, directory: Path, ip: str, domain: Domain | None = None) -> Lab:
        """A fresh domain (schema 2012 R2, level 2008 R2, no DNS server)."""
        lab = cls(directory.resolve(), ip, domain or Domain())
        lab._write_configuration()
        names = lab.domain
        lab._tool(
            "samba-tool", "domain", "provision", "--quiet", f"--realm={names.dns.upper()}", f"--domain={names.netbios}",
            f"--domain-sid={names.sid}", f"--host-name={names.host}", f"--host-ip={ip}", "--server-role=dc", "--dns-backend=NONE",
            "--base-schema=2012_R2", "--function-level=2008_R2", f"--adminpass={ADMIN_PASSWORD}",
        )  # fmt: skip
        (lab.directory / "domain.json").write_text(json.dumps(asdict(names)), encoding="utf-8")
        # Provisioning makes an account for a DNS server that is not there, and leaves the SPN of LDAP to a service not started here.
        lab._tool("ldbdel", f"CN=dns-{names.host},CN=Users,{names.dn}")
        lab.plant(
            f"dn: CN={names.host},OU=Domain Controllers,{names.dn}\nchangetype: modify\nadd: servicePrincipalName\n"
            f"servicePrincipalName: ldap/{names.host_name}\nservicePrincipalName: ldap/{names.host_name}/{names.dns}\n"
        )
        lab._write_certificate()
        return lab

    @classmethod
    def restore(cls, archive: Path, directory: Path, ip: str) -> Lab:
        """Unpack a snapshot into `directory`, for another address, with a fresh certificate and passwords of today."""
        directory.mkdir(parents=True, exist_ok=True)
        subprocess.run(["tar", "-xf", archive, "-C", directory], check=True)
        domain = Domain(**json.loads((directory / "domain.json").read_text(encoding="utf-8")))
        lab = cls(directory.resolve(), ip, domain)
        lab._write_configuration()
        lab._write_certificate()
        if lab.find(f"{READERS_OU},{domain.dn}"):
            lab._refresh_reader_passwords()
        return lab

    def snapshot(self, archive: Path) -> None:
        """Pack the stopped controller; the archive appears whole or not at all."""
        if self._process is not None:
            raise LabError("stop the controller before taking a snapshot")
        archive.parent.mkdir(parents=True, exist_ok=True)
        partial = archive.with_name(f"{archive.name}.{os.getpid()}")
        without = [f"--exclude=./{name}" for name in ("run", "log", "private/tls", "etc")]
        subprocess.run(["tar", "-cf", partial, *without, "-C", self.directory, "."], check=True)
        partial.replace(archive)

    def _write_configuration(self) -> None:
        for name in ("etc", "run", "log", "cache", "lock", "state", "private/tls"):
            (self.directory / name).mkdir(parents=True, exist_ok=True)
        self.configuration.write_text(
            f"""[global]
netbios name = {self.domain.host}
realm = {self.domain.dns.upper()}
workgroup = {self.domain.netbios}
server role = active directory domain controller
server services = ldap, cldap, kdc
interfaces = {self.ip}/8
bind interfaces only = yes
disable netbios = yes
private dir = {self.directory}/private
state directory = {self.directory}/state
cache directory = {self.directory}/cache
lock directory = {self.directory}/lock
pid directory = {self.directory}/run
ncalrpc dir = {self.directory}/run/ncalrpc
ntp signd socket directory = {self.directory}/run/ntp_signd
binddns dir = {self.directory}/state/bind-dns
log file = {self.directory}/log/log.%m
log level = 0
dns update command = /bin/true
load printers = no
disable spoolss = yes
[sysvol]
path = {self.directory}/state/sysvol
read only = no
[netlogon]
path = {self.directory}/state/sysvol/{self.domain.dns}/scripts
read only = no
""",
            encoding="utf-8",
        )

    def _write_certificate(self) -> None:
        """Own authority and server certificate: Samba would make a self-signed one in a second or more."""
        authority = trustme.CA()
        server = authority.issue_cert(self.domain.host_name, self.domain.dns, self.ip)
        tls = self.directory / "private" / "tls"
        authority.cert_pem.write_to_path(tls / "ca.pem")
        server.cert_chain_pems[0].write_to_path(tls / "cert.pem")
        server.private_key_pem.write_to_path(tls / "key.pem")
        (tls / "key.pem").chmod(0o600)

    # -- filling ------------------------------------------------------------------------------------------------------

    def load_ldif(self, path: Path) -> None:
        """Load an export of a whole domain: objects that exist are modified to its values, others added as given."""
        with path.open("rb") as lines:
            plan = load_plan(read_ldif(lines), self._existing(), self.domain.dn)
        if plan.recycle_bin:
            configuration = f"CN=Configuration,{self.domain.dn}"
            feature = f"CN=Partitions,{configuration}:766ddcd8-acd0-445e-f3b9-a7f9b6744f2a"
            self.plant(f"dn:\nchangetype: modify\nadd: enableOptionalFeature\nenableOptionalFeature: {feature}\n")
        self._load("ldbmodify", plan.prepared, RELAX, STORE_PASSWORD_FIELDS_AS_GIVEN)
        self._load("ldbadd", plan.foreign, RELAX, AS_PROVISIONED)
        self._load("ldbadd", plan.added, RELAX, STORE_PASSWORD_FIELDS_AS_GIVEN)
        self._load("ldbmodify", plan.linked)
        self._load("ldbmodify", plan.described, RELAX, OWNER_AND_DACL)
        self._load("ldbmodify", plan.dated, RELAX)

    def plant(self, changes: str, *controls: str) -> None:
        """Apply LDIF change records to the database, with the controller running or not."""
        self._load("ldbmodify", [record.encode() + b"\n" for record in changes.strip().split("\n\n")], *controls)

    def grant(self, dn: str, ace: str) -> None:
        """Add one access control entry, in SDDL, to an object."""
        self._tool("samba-tool", "dsacl", "set", f"--objectdn={dn}", f"--sddl={ace}", "-H", str(self.database))

    def add_readers(self) -> None:
        """The documented audit account with its two grants, and an ordinary account without any.

        Names, RIDs and dates make them unremarkable: no rule has anything to say about them."""
        dn, sid = self.domain.dn, self.domain.sid
        unit = f"{READERS_OU},{dn}"
        group = f"CN={READERS_GROUP},{unit}"
        users = ((READER, READER_PASSWORD, READER_RID), (PLAIN_READER, PLAIN_PASSWORD, PLAIN_RID))
        records = [f"dn: {unit}\nobjectClass: organizationalUnit\n".encode()]
        records += [
            f"dn: CN={name},{unit}\nobjectClass: user\nsAMAccountName: {name}\nobjectSid: {sid}-{rid}\nuserAccountControl: 512\n"
            f"userPrincipalName: {name}@{self.domain.dns}\nunicodePwd:: {_quoted_password(password)}\n".encode()
            for name, password, rid in users
        ]
        records.append(
            f"dn: {group}\nobjectClass: group\nsAMAccountName: {READERS_GROUP}\nobjectSid: {sid}-{GROUP_RID}\n"
            f"member: CN={READER},{unit}\n".encode()
        )
        self._load("ldbadd", records, RELAX)
        self.grant(dn, f"(A;CI;LCRPRC;;;{sid}-{GROUP_RID})")
        self.grant(f"CN=Password Settings Container,CN=System,{dn}", f"(A;CI;LCRPLORC;;;{sid}-{GROUP_RID})")

    def _refresh_reader_passwords(self) -> None:
        """A snapshot may be older than the password age its policy allows."""
        passed = datetime.now(UTC) - _FILETIME_EPOCH
        now = str((passed.days * 86400 + passed.seconds) * 10**7).encode()
        records = [modify_record(self.user_dn(name), {"pwdLastSet": [now]}) for name in (READER, PLAIN_READER)]
        self._load("ldbmodify", records, RELAX, STORE_PASSWORD_FIELDS_AS_GIVEN)

    def user_dn(self, name: str) -> str:
        """Where add_readers() puts an account."""
        return f"CN={name},{READERS_OU},{self.domain.dn}"

    def _existing(self) -> dict[str, Attributes]:
        """Lower-case DN -> attributes, of every object there is."""
        printed = self._tool("ldbsearch", "--cross-ncs", "-b", self.domain.dn, "(objectClass=*)", "objectClass", *PROVISIONED)
        entries = read_ldif(printed.splitlines(keepends=True))
        return {dn.lower(): attributes for dn, attributes in entries}

    def find(self, dn: str) -> Attributes | None:
        """Attributes of one object as the database prints them; None when there is no such object."""
        with suppress(LabError):
            for _, attributes in read_ldif(self._tool("ldbsearch", "-b", dn, "-s", "base").splitlines(keepends=True)):
                return attributes
        return None

    def _load(self, tool: str, records: Iterable[bytes], *controls: str) -> None:
        records = list(records)
        if not records:
            return
        file = self.directory / "run" / "load.ldif"
        file.write_bytes(b"\n".join(records))
        options = ["--nosync", "-o", "batch_mode:1", "-o", "transaction_index_cache_size:400000"]
        done = self._run(tool, *options, *([f"--controls={','.join(controls)}"] if controls else []), str(file))
        taken = re.search(rb"(\d+) records successfully", done.stdout)
        if not taken or int(taken[1]) != len(records):  # ldbadd ends with 0 after an error
            printed = (done.stdout + done.stderr).decode(errors="replace")[-3000:]
            raise LabError(f"{tool} took {taken[1].decode() if taken else 'none'} of {len(records)} records of {file}: {printed}")
        file.unlink()

    def _tool(self, name: str, *arguments: str) -> bytes:
        done = self._run(name, *arguments)
        if done.returncode:
            printed = (done.stdout + done.stderr).decode(errors="replace")[-3000:]
            raise LabError(f"{name} ended with {done.returncode}: {printed}")
        return done.stdout

    def _run(self, name: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        command = [name, *arguments, f"--configfile={self.configuration}"]
        if name.startswith("ldb"):
            command += ["-H", str(self.database)]
        return subprocess.run(command, capture_output=True, env={**os.environ, "PATH": PATH}, stdin=subprocess.DEVNULL)

    # -- running ------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start LDAP, LDAPS, CLDAP and Kerberos in one process and wait until LDAP answers an anonymous bind.

        Its standard input is a pipe from this process: Samba ends when the pipe closes, so it outlives no test run, even a killed one."""
        if self._process is not None:
            raise LabError("the controller is already running")
        if _answers(self.ip):
            raise LabError(f"another server already listens on {self.ip}")
        command = ["samba", f"--configfile={self.configuration}", "-i", "--no-process-group", "-M", "single", f"--log-basename={self.log}"]
        with (self.log / "output").open("ab") as output:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=output, stderr=output, start_new_session=True, env={**os.environ, "PATH": PATH}
            )
        end = time.monotonic() + 30
        while not _answers(self.ip):
            if self._process.poll() is not None or time.monotonic() > end:
                self.stop()
                raise LabError(f"the controller did not come up: {(self.log / 'output').read_text(errors='replace')[-2000:]}")
            time.sleep(0.02)

    def stop(self) -> None:
        """End the process started by start(); nothing when there is none."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(20)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            if process.stdin:
                process.stdin.close()

    @property
    def pid(self) -> int | None:
        """The process while it runs."""
        return self._process.pid if self._process else None

    @property
    def configuration(self) -> Path:
        return self.directory / "etc" / "smb.conf"

    @property
    def database(self) -> Path:
        return self.directory / "private" / "sam.ldb"

    @property
    def log(self) -> Path:
        return self.directory / "log"

    @property
    def ca_file(self) -> Path:
        """The authority that signed the server's certificate."""
        return self.directory / "private" / "tls" / "ca.pem"

    def export(self, base: str, *arguments: str, user: str = READER, password: str = READER_PASSWORD) -> bytes:
        """What an administrator's `ldapsearch` prints: paged, with owner and access list of every object."""
        secret = self.directory / "run" / f"password.{user}"
        secret.touch(mode=0o600)
        secret.write_text(password, encoding="utf-8")
        command = [
            "ldapsearch", "-x", "-LLL", "-H", f"ldaps://{self.ip}", "-D", f"{user}@{self.domain.dns}", "-y", str(secret), "-b", base,
            "-E", "pr=500/noprompt", "-E", "!1.2.840.113556.1.4.801=::MAMCAQU=", *arguments,
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, env={**os.environ, "LDAPTLS_CACERT": str(self.ca_file)})
        secret.unlink()
        if done.returncode:
            raise LabError(f"ldapsearch ended with {done.returncode}: {done.stderr.decode(errors='replace')}")
        return done.stdout


def _quoted_password(password: str) -> str:
    return base64.b64encode(f'"{password}"'.encode("utf-16-le")).decode()


def _answers(ip: str) -> bool:
    with suppress(OSError), socket.create_connection((ip, 389), 0.5) as connection:
        connection.settimeout(5)
        connection.sendall(_ANONYMOUS_BIND)
        return connection.recv(64)[:1] == b"0"
    return False
