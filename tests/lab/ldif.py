"""From an export of a domain to what the laboratory's tools load, in the order a directory accepts it."""

from __future__ import annotations

import base64
import re
import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

Attributes = dict[str, list[bytes]]
"""Lower-case attribute name -> values."""

# What a domain controller computes or owns: an export shows it, a load must not write it.
COMPUTED = frozenset({
    "objectcategory", "distinguishedname", "name", "cn", "ou", "dc", "instancetype", "memberof", "samaccounttype", "whenchanged",
    "usnchanged", "usncreated", "dscorepropagationdata", "iscriticalsystemobject", "lastlogoff", "msds-enabledfeature", "subrefs",
})  # fmt: skip
# Fixed for the life of an object: given when it is added, left alone when it exists already.
FIXED = frozenset({
    "objectclass", "objectsid", "objectguid", "primarygroupid", "grouptype", "systemflags", "wellknownobjects",
    "otherwellknownobjects", "ridsetreferences", "serverreferencebl", "ridmanagerreference", "fsmoroleowner", "masteredby",
    "msds-masteredby", "msds-isdomainfor", "msds-nctype", "gplink",
})  # fmt: skip
# Set by provisioning on some objects, and taken away from those that the file holds without it.
PROVISIONED = ("member", "msds-supportedencryptiontypes")
LINKS = ("member", "manager", "managedby", "msds-psoappliesto")
LATER = frozenset((*LINKS, "whencreated", "ntsecuritydescriptor"))
CONTAINERS, GROUPS, OTHERS = range(3)


@dataclass
class Plan:
    """Records to load: one list per step, in order within a step."""

    recycle_bin: bool = False
    prepared: list[bytes] = field(default_factory=list)
    foreign: list[bytes] = field(default_factory=list)
    added: list[bytes] = field(default_factory=list)
    linked: list[bytes] = field(default_factory=list)
    described: list[bytes] = field(default_factory=list)
    dated: list[bytes] = field(default_factory=list)


def domain_dn(dns: str) -> str:
    """chu.test -> DC=chu,DC=test"""
    return ",".join(f"DC={label}" for label in dns.split("."))


def read_ldif(lines: Iterable[bytes]) -> Iterator[tuple[str, Attributes]]:
    """(DN, attributes) of every entry of an RFC 2849 content file; trusts its author, and shares no code with the product's reader."""
    entry: list[bytes] = []
    for raw in (*lines, b"\n"):
        line = raw.rstrip(b"\r\n")
        if line.startswith(b"#"):
            continue
        if line.startswith(b" "):
            entry[-1] += line[1:]
        elif line:
            entry.append(line)
        elif entry:
            pairs = [_pair(text) for text in entry if not text.startswith((b"version:", b"search:", b"result:", b"ref:"))]
            entry = []
            if pairs:
                attributes: Attributes = {}
                for name, value in pairs[1:]:
                    attributes.setdefault(name, []).append(value)
                yield pairs[0][1].decode(), attributes


def _pair(line: bytes) -> tuple[str, bytes]:
    name, _, value = line.partition(b":")
    return name.decode().lower(), base64.b64decode(value[1:]) if value.startswith(b":") else value.strip(b" ")


def load_plan(entries: Iterable[tuple[str, Attributes]], existing: Mapping[str, Attributes], domain: str) -> Plan:
    """How to turn the domain that holds `existing` (lower-case DN -> attributes) into the one of `entries`."""
    plan = Plan()
    holder = f"CN=AdminSDHolder,CN=System,{domain}".lower()
    added: list[tuple[str, Attributes]] = []
    for dn, attributes in entries:
        plan.recycle_bin |= "msds-enabledfeature" in attributes and "cn=partitions" in dn.lower()
        known = existing.get(dn.lower())
        if known is not None and dn.lower() == holder and "objectguid" in attributes:
            # The only object without a SID that findings name: it must carry the identifier of the file.
            plan.prepared.append(b"dn: " + dn.encode() + b"\nchangetype: delete\n")
            known = None
        if known is None:
            added.append((dn, attributes))
        else:
            values = {name: found for name, found in attributes.items() if name not in COMPUTED | FIXED | LATER}
            if values:
                plan.prepared.append(modify_record(dn, values))
            if "ntsecuritydescriptor" in attributes:
                plan.described.append(modify_record(dn, {"ntsecuritydescriptor": attributes["ntsecuritydescriptor"]}))
        links = {name: attributes[name] for name in LINKS if name in attributes}
        links |= {name: [] for name in PROVISIONED if known is not None and name in known and name not in attributes}
        if links:
            plan.linked.append(modify_record(dn, links))
        if "whencreated" in attributes:
            plan.dated.append(modify_record(dn, {"whencreated": attributes["whencreated"]}))
    added.sort(key=lambda entry: (_rank(entry[1]), len(re.findall(r"(?<!\\),", entry[0]))))
    for dn, attributes in added:
        kept = {name: found for name, found in attributes.items() if name == "ntsecuritydescriptor" or name not in COMPUTED | LATER}
        foreign = b"foreignSecurityPrincipal" in attributes["objectclass"]
        (plan.foreign if foreign else plan.added).append(add_record(dn, kept))
    return plan


def _rank(attributes: Attributes) -> int:
    """Parents before children, groups before the accounts that have them as primary group."""
    classes = {value.lower() for value in attributes["objectclass"]}
    if b"group" in classes:
        return GROUPS
    return OTHERS if classes & {b"user", b"msds-passwordsettings"} else CONTAINERS


def add_record(dn: str, attributes: Attributes) -> bytes:
    """An entry to add."""
    return _line("dn", dn.encode()) + b"".join(_line(name, value) for name, values in attributes.items() for value in values)


def modify_record(dn: str, attributes: Attributes) -> bytes:
    """A change that gives each attribute exactly these values."""
    record = _line("dn", dn.encode()) + b"changetype: modify\n"
    for name, values in attributes.items():
        record += f"replace: {name}\n".encode() + b"".join(_line(name, value) for value in values) + b"-\n"
    return record


def _line(name: str, value: bytes) -> bytes:
    if name in ("objectsid", "sidhistory"):  # Samba's reader takes these as text only
        value = _sid_text(value)
    return name.encode() + b":: " + base64.b64encode(value) + b"\n"


def _sid_text(value: bytes) -> bytes:
    authority = int.from_bytes(value[2:8])
    parts = struct.unpack(f"<{value[1]}I", value[8:])
    return "-".join(("S", str(value[0]), str(authority), *map(str, parts))).encode()
