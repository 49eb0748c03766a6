"""LDAP messages as bytes: what the bulk reading of a directory needs of RFC 4511, decoded strictly in one pass.

ldap3 opens, secures and binds; its decoder costs ten times more and its paged search ends normally after an error on a later page.
Every length must end exactly where its container ends, or ValueError.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

PAGED_RESULTS = "1.2.840.113556.1.4.319"
"""RFC 2696."""

SD_FLAGS = "1.2.840.113556.1.4.801"
"""MS-ADTS 3.1.1.3.4.1.11: which parts of nTSecurityDescriptor are returned."""

WHO_AM_I = "1.3.6.1.4.1.4203.1.11.3"
"""RFC 4532."""

OWNER_AND_DACL = 5
BASE, SUBTREE = 0, 2

BIND_RESPONSE, ENTRY, DONE, REFERENCE, EXTENDED_RESPONSE = 0x61, 0x64, 0x65, 0x73, 0x78


@dataclass(frozen=True)
class Result:
    """LDAPResult with what may follow it; `cookie` is None when the answer carries no paging control."""

    code: int
    message: str
    cookie: bytes | None = None
    sasl: bytes = b""
    value: bytes = b""


def tlv(tag: int, *parts: bytes) -> bytes:
    """One element of BER with a definite length."""
    content = b"".join(parts)
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def integer(value: int, tag: int = 0x02) -> bytes:
    """A non-negative INTEGER or ENUMERATED."""
    return tlv(tag, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def octets(value: str | bytes, tag: int = 0x04) -> bytes:
    """An OCTET STRING."""
    return tlv(tag, value.encode() if isinstance(value, str) else value)


def element(data: bytes, at: int, end: int) -> tuple[int, int, int]:
    """(tag, start, end) of the content of the element at `at`; ValueError when it does not end within `end`."""
    if at + 2 > end:
        raise ValueError("element is cut")
    tag, size, start = data[at], data[at + 1], at + 2
    if size & 0x80:
        width = size & 0x7F
        if not 1 <= width <= 4 or start + width > end:
            raise ValueError("length is not acceptable")
        size = int.from_bytes(data[start : start + width], "big")
        start += width
    if start + size > end:
        raise ValueError("element is cut")
    return tag, start, start + size


def elements(data: bytes, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """The elements that fill data[at:end] exactly."""
    while at < end:
        tag, start, at = element(data, at, end)
        yield tag, start, at


def message(message_id: int, operation: bytes, controls: Iterable[bytes] = ()) -> bytes:
    """An LDAPMessage."""
    listed = b"".join(controls)
    return tlv(0x30, integer(message_id), operation, tlv(0xA0, listed) if listed else b"")


def search_request(base: str, scope: int, search_filter: bytes, attributes: Iterable[str]) -> bytes:
    """A SearchRequest without limits of its own; `search_filter` is a compiled filter."""
    return tlv(
        0x63,
        octets(base.encode("utf-8", "replace")),
        integer(scope, 0x0A),
        integer(0, 0x0A),
        integer(0),
        integer(0),
        tlv(0x01, b"\x00"),
        search_filter,
        tlv(0x30, *(octets(attribute) for attribute in attributes)),
    )


def paging_control(size: int, cookie: bytes) -> bytes:
    """Asks for a page of `size` entries, and critically so: a server without paging must refuse."""
    return tlv(0x30, octets(PAGED_RESULTS), tlv(0x01, b"\xff"), octets(tlv(0x30, integer(size), octets(cookie))))


def sd_flags_control(flags: int = OWNER_AND_DACL) -> bytes:
    """Asks for owner and DACL; without it a reader who may not see the SACL gets no descriptor at all."""
    return tlv(0x30, octets(SD_FLAGS), tlv(0x01, b"\xff"), octets(tlv(0x30, integer(flags))))


def sasl_bind_request(mechanism: str, credentials: bytes) -> bytes:
    """A BindRequest of LDAP version 3 with SASL credentials."""
    return tlv(0x60, integer(3), octets(""), tlv(0xA3, octets(mechanism), octets(credentials)))


def extended_request(oid: str) -> bytes:
    """An ExtendedRequest without a value."""
    return tlv(0x77, octets(oid, 0x80))


def split(data: bytes) -> tuple[int, int, bytes, bytes]:
    """(message id, tag of the operation, its content, content of the controls) of a whole LDAPMessage."""
    tag, start, end = element(data, 0, len(data))
    parts = list(elements(data, start, end))
    if tag != 0x30 or end != len(data) or not 2 <= len(parts) <= 3 or parts[0][0] != 0x02:
        raise ValueError("not an LDAP message")
    controls = data[parts[2][1] : parts[2][2]] if len(parts) == 3 and parts[2][0] == 0xA0 else b""
    return int.from_bytes(data[parts[0][1] : parts[0][2]], "big"), parts[1][0], data[parts[1][1] : parts[1][2]], controls


def entry(content: bytes) -> tuple[str, dict[str, list[bytes]]]:
    """(name, raw values by lower-case attribute name) of a SearchResultEntry."""
    _, start, at = element(content, 0, len(content))
    name = content[start:at].decode("utf-8", "replace")
    _, at, end = element(content, at, len(content))
    if end != len(content):
        raise ValueError("entry is followed by something")
    attributes: dict[str, list[bytes]] = {}
    for _, inner, stop in elements(content, at, end):
        _, start, after = element(content, inner, stop)
        attribute = content[start:after].decode("ascii").lower()
        _, first, last = element(content, after, stop)
        if last != stop or not attribute:
            raise ValueError("attribute is malformed")
        attributes[attribute] = [content[low:high] for _, low, high in elements(content, first, last)]
    return name, attributes


def result(content: bytes, controls: bytes) -> Result:
    """A SearchResultDone, BindResponse or ExtendedResponse."""
    parts = list(elements(content, 0, len(content)))
    if len(parts) < 3 or parts[0][0] != 0x0A:
        raise ValueError("not a result")
    code = int.from_bytes(content[parts[0][1] : parts[0][2]], "big")
    diagnostic = content[parts[2][1] : parts[2][2]].decode("utf-8", "replace")
    following = {tag: content[start:end] for tag, start, end in parts[3:]}
    return Result(code, diagnostic, _cookie(controls), following.get(0x87, b""), following.get(0x8B, b""))


def _cookie(controls: bytes) -> bytes | None:
    for _, start, end in elements(controls, 0, len(controls)):
        parts = list(elements(controls, start, end))
        if parts and controls[parts[0][1] : parts[0][2]] == PAGED_RESULTS.encode() and parts[-1][0] == 0x04:
            _, inner, stop = element(controls, parts[-1][1], parts[-1][2])
            fields = list(elements(controls, inner, stop))
            if len(fields) != 2:
                raise ValueError("paging control is malformed")
            return controls[fields[1][1] : fields[1][2]]
    return None
