from __future__ import annotations

import struct
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.collect.security_descriptor import Entry, SecurityDescriptor, parse

SIDS = st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=15).map(lambda parts: "-".join(map(str, ("S-1-5", *parts))))
GUIDS = st.one_of(st.just(""), st.uuids().map(str))
ENTRIES = st.builds(Entry, st.booleans(), st.integers(0, 2**32 - 1), GUIDS, GUIDS, SIDS, st.booleans(), st.booleans())
DESCRIPTORS = st.builds(
    SecurityDescriptor, st.one_of(st.none(), SIDS), st.one_of(st.none(), st.lists(ENTRIES, max_size=12).map(tuple)), st.booleans()
)


def binary_sid(sid: str) -> bytes:
    authority, *parts = (int(part) for part in sid.split("-")[2:])
    return bytes((1, len(parts))) + authority.to_bytes(6, "big") + b"".join(part.to_bytes(4, "little") for part in parts)


def binary_entry(entry: Entry) -> bytes:
    guids = [UUID(value).bytes_le if value else b"" for value in (entry.object_type, entry.inherited_object_type)]
    typed = any(guids)
    body = struct.pack("<I", entry.mask)
    if typed:
        body += struct.pack("<I", (1 if guids[0] else 0) | (2 if guids[1] else 0)) + b"".join(guids)
    body += binary_sid(entry.trustee)
    kind = (5 if entry.allow else 6) if typed else (0 if entry.allow else 1)
    flags = (0x10 if entry.inherited else 0) | (0x08 if entry.inherit_only else 0)
    return struct.pack("<BBH", kind, flags, 4 + len(body)) + body


def binary(descriptor: SecurityDescriptor, *, raw_entries: list[bytes] | None = None) -> bytes:
    """The descriptor as a domain controller stores it: header, access list, owner."""
    entries = [binary_entry(entry) for entry in descriptor.entries or ()] if raw_entries is None else raw_entries
    present = descriptor.entries is not None
    listed = b"".join(entries)
    access_list = struct.pack("<BBHHH", 4, 0, 8 + len(listed), len(entries), 0) + listed if present else b""
    owner = binary_sid(descriptor.owner) if descriptor.owner else b""
    control = 0x8004 | (0x1000 if descriptor.protected else 0)
    header = struct.pack("<BBHIIII", 1, 0, control, 20 + len(access_list) if owner else 0, 0, 0, 20 if present else 0)
    return header + access_list + owner


@settings(deadline=None)
@given(DESCRIPTORS)
def test_a_descriptor_gives_back_what_it_was_made_of(descriptor: SecurityDescriptor) -> None:
    assert parse(binary(descriptor)) == descriptor


@settings(deadline=None)
@given(DESCRIPTORS, st.data())
def test_a_cut_descriptor_is_refused(descriptor: SecurityDescriptor, data: st.DataObject) -> None:
    raw = binary(descriptor)
    needed = len(raw) if descriptor.owner or descriptor.entries is not None else 20
    cut = raw[: data.draw(st.integers(0, needed - 1))]
    with pytest.raises(ValueError):
        parse(cut)


@settings(deadline=None)
@given(DESCRIPTORS, st.data())
def test_altered_bytes_are_read_or_refused(descriptor: SecurityDescriptor, data: st.DataObject) -> None:
    raw = bytearray(binary(descriptor))
    for _ in range(data.draw(st.integers(1, 6))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        parse(bytes(raw))
    except ValueError:
        return


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    try:
        parse(raw)
    except ValueError:
        return


def test_no_access_list_is_not_an_empty_one() -> None:
    assert parse(binary(SecurityDescriptor("S-1-5-18", None, protected=False))).entries is None
    assert parse(binary(SecurityDescriptor("S-1-5-18", (), protected=False))).entries == ()
    without_flag = bytearray(binary(SecurityDescriptor("S-1-5-18", (), protected=False)))
    without_flag[2] &= ~0x04
    assert parse(bytes(without_flag)).entries is None


def conditional(kind: int) -> bytes:
    """A callback entry: an ordinary one followed by its condition."""
    body = struct.pack("<I", 0x100) + binary_sid("S-1-1-0") + b"artx\x00\x00\x00\x00"
    return struct.pack("<BBH", kind, 0, 4 + len(body)) + body


def test_a_conditional_right_counts_and_a_conditional_denial_does_not() -> None:
    holder = SecurityDescriptor("S-1-5-18", (), protected=False)
    assert [entry.trustee for entry in parse(binary(holder, raw_entries=[conditional(9)])).entries or ()] == ["S-1-1-0"]
    assert parse(binary(holder, raw_entries=[conditional(10)])).entries == ()


def test_an_unknown_kind_of_entry_is_refused() -> None:
    with pytest.raises(ValueError):
        parse(binary(SecurityDescriptor("S-1-5-18", (), protected=False), raw_entries=[conditional(99)]))


def test_entries_of_no_length_do_not_loop() -> None:
    raw = struct.pack("<BBHIIII", 1, 0, 0x8004, 0, 0, 0, 20) + struct.pack("<BBHHH", 4, 0, 12, 65535, 0) + bytes(4)
    with pytest.raises(ValueError):
        parse(raw)
