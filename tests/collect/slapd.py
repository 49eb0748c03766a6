"""OpenLDAP as a stand-in for a domain controller: the attribute and class names of Active Directory, real limits, real faults.

It has no permissions and no ranges; what needs them is tested against Samba (tests/lab) or a scripted server.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from auditor.collect.directory import ATTRIBUTES
from auditor.collect.directory_values import parent_name
from auditor.config import ActiveDirectory, Secret
from tests.collect.directories import CONFIGURATION, DOMAIN, NAME, Entries, attributes, ldif

PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin"))
READER, PASSWORD = f"cn=reader,{DOMAIN}", "Slapd-Reader-2026"

# Known to OpenLDAP's own schema; everything else of Active Directory is declared as plain bytes.
_OWN = (
    "name", "displayName", "givenName", "sn", "mail", "title", "description", "info", "member", "employeeNumber",
    "physicalDeliveryOfficeName",
)  # fmt: skip
_CLASSES = (
    "user", "group", "contact", "domainDNS", "container", "crossRefContainer", "nTDSService", "msDS-PasswordSettings",
    "msDS-PasswordSettingsContainer",
)  # fmt: skip
_ROOT = ("defaultNamingContext", "configurationNamingContext", "currentTime")
_OID = "1.3.6.1.4.1.99999"


@dataclass(frozen=True)
class Slapd:
    """A running server and what a client needs to trust it."""

    port: int
    plain_port: int
    ca_file: Path
    secret: Path

    def source(self, **changes: object) -> ActiveDirectory:
        """Settings to read it with."""
        usual: dict[str, object] = {
            "type": "active_directory", "name": NAME, "server": "127.0.0.1", "port": self.port, "ca_file": self.ca_file, "user": READER,
            "password": Secret(file=self.secret), "connect_timeout": 2, "receive_timeout": 10, "deadline": 60, "page_size": 50,
        }  # fmt: skip
        return ActiveDirectory.model_validate({**usual, **changes})


def schema() -> str:
    """Attribute and class names of Active Directory that OpenLDAP does not know."""
    known = {name.lower() for name in ("objectClass", *_OWN)}
    names = [
        name for name in (*ATTRIBUTES, "employeeID", "extensionAttribute1", "memberOf", "uSNChanged", *_ROOT) if name.lower() not in known
    ]
    lines = [
        f"attributetype ( {_OID}.1.{number} NAME '{name}' EQUALITY octetStringMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 )"
        for number, name in enumerate(names)
    ]
    held = " $ ".join((*names, *_OWN, "cn", "ou", "dc"))
    lines += [f"objectclass ( {_OID}.2.{number} NAME '{name}' SUP top STRUCTURAL MAY ( {held} ) )" for number, name in enumerate(_CLASSES)]
    lines.append(f"objectclass ( {_OID}.3.1 NAME 'computer' SUP user STRUCTURAL )")
    return "\n".join(lines) + "\n"


def content(entries: Entries) -> str:
    """The entries as OpenLDAP takes them: one class each, containers above them, the reader below."""
    whole: Entries = {}
    for name, found in entries.items():
        above, missing = parent_name(name), []
        while above.endswith(DOMAIN) and above not in whole and above not in entries:
            missing.append(above)
            above = parent_name(above)
        for container in reversed(missing):
            whole[container] = attributes({"objectClass": ["top", "container"]})
        whole[name] = {**found, "objectClass": [b"top", found["objectClass"][-1]]}
    for name, found in whole.items():
        attribute, _, value = name.partition(",")[0].partition("=")
        found.setdefault(attribute.lower(), [value.replace("\\", "").encode()])
    whole[READER] = attributes({"objectClass": ["top", "person"], "cn": "reader", "sn": "reader", "userPassword": PASSWORD})
    return ldif(dict(sorted(whole.items(), key=lambda item: item[0].count(","))))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def running(folder: Path, entries: Entries, *directives: str, root: bool = True) -> Iterator[Slapd]:
    """The entries served over LDAPS and, for StartTLS, over plain LDAP; `directives` go to the database of slapd.conf."""
    program = shutil.which("slapd", path=PATH)
    if program is None:
        pytest.skip("slapd is not installed")
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    certificate.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    (folder / "ad.schema").write_text(schema(), encoding="utf-8")
    naming = f"defaultNamingContext: {DOMAIN}\nconfigurationNamingContext: {CONFIGURATION}\n" if root else ""
    (folder / "root.ldif").write_text(f"dn:\n{naming}currentTime: 20261120060000.0Z\n", encoding="utf-8")
    (folder / "data").mkdir()
    (folder / "slapd.conf").write_text(
        f"""include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
include {folder}/ad.schema
modulepath /usr/lib/ldap
moduleload back_mdb
rootDSE {folder}/root.ldif
TLSCACertificateFile {folder}/ca.pem
TLSCertificateFile {folder}/cert.pem
TLSCertificateKeyFile {folder}/key.pem
database mdb
suffix "{DOMAIN}"
directory {folder}/data
access to * by anonymous auth by users read
{os.linesep.join(directives)}
""",
        encoding="utf-8",
    )
    (folder / "content.ldif").write_text(content(entries), encoding="utf-8")
    configuration = str(folder / "slapd.conf")
    subprocess.run([program, "-T", "add", "-f", configuration, "-l", str(folder / "content.ldif"), "-q"], check=True, capture_output=True)
    secret = folder / "secret"
    secret.touch(mode=0o600)
    secret.write_text(PASSWORD, encoding="utf-8")
    server = Slapd(free_port(), free_port(), folder / "ca.pem", secret)
    urls = f"ldaps://127.0.0.1:{server.port}/ ldap://127.0.0.1:{server.plain_port}/"
    process = subprocess.Popen([program, "-d", "0", "-f", configuration, "-h", urls], stderr=subprocess.DEVNULL)
    try:
        _wait(server, process)
        yield server
    finally:
        process.terminate()
        process.wait(10)


def _wait(server: Slapd, process: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        assert process.poll() is None, "slapd did not start"
        try:
            for port in (server.port, server.plain_port):
                socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("slapd does not answer")
