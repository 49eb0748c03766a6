"""Security descriptors in self-relative form (MS-DTYP 2.4.6), decoded strictly: every length must fit, or ValueError."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from auditor.collect.directory_values import guid, sid

_DACL_PRESENT = 0x0004
_DACL_PROTECTED = 0x1000
_SELF_RELATIVE = 0x8000
_INHERIT_ONLY, _INHERITED = 0x08, 0x10
_ALLOW = frozenset((0, 5, 9, 11))
_DENY = frozenset((1, 6))
# A conditional Deny (10, 12) may not apply: left out, so that it never hides a right; a conditional Allow (9, 11) may apply: kept.
# Audit, label, attribute and policy entries (2, 3, 7, 8, 13 to 20) decide nothing.
_IGNORED = frozenset((2, 3, 7, 8, 10, 12, 13, 14, 15, 16, 17, 18, 19, 20))
_WITH_TYPES = frozenset((5, 6, 11))


@dataclass(frozen=True)
class Entry:
    """One entry of an access list; the type GUIDs are lower case and empty for "all"."""

    allow: bool
    mask: int
    object_type: str
    inherited_object_type: str
    trustee: str
    inherited: bool
    inherit_only: bool


@dataclass(frozen=True)
class SecurityDescriptor:
    """Owner and discretionary access list; `entries` is None when there is no list, which lets everybody do everything."""

    owner: str | None
    entries: tuple[Entry, ...] | None
    protected: bool


def parse(raw: bytes) -> SecurityDescriptor:
    """Decode one descriptor; ValueError when it is cut, overlong or of another revision."""
    if len(raw) < 20:
        raise ValueError("descriptor is cut")
    revision, _, control, owner, _, _, dacl = struct.unpack_from("<BBHIIII", raw)
    if revision != 1 or not control & _SELF_RELATIVE:
        raise ValueError("not a self-relative descriptor")
    entries = _access_list(raw, dacl) if control & _DACL_PRESENT and dacl else None
    return SecurityDescriptor(_sid_at(raw, owner, len(raw)) if owner else None, entries, bool(control & _DACL_PROTECTED))


def _access_list(raw: bytes, start: int) -> tuple[Entry, ...]:
    if start < 20 or start + 8 > len(raw):
        raise ValueError("access list lies outside")
    revision, _, size, count, _ = struct.unpack_from("<BBHHH", raw, start)
    end = start + size
    if revision not in (2, 4) or size < 8 or end > len(raw):
        raise ValueError("access list is cut")
    entries, at = [], start + 8
    for _ in range(count):
        if at + 8 > end:
            raise ValueError("access list is cut")
        kind, flags, length, mask = struct.unpack_from("<BBHI", raw, at)
        if length < 8 or at + length > end:
            raise ValueError("access entry is cut")
        if kind in _ALLOW or kind in _DENY:
            entries.append(_entry(raw, at + 8, at + length, kind, flags, mask))
        elif kind not in _IGNORED:
            raise ValueError("unknown kind of access entry")
        at += length
    return tuple(entries)


def _entry(raw: bytes, at: int, end: int, kind: int, flags: int, mask: int) -> Entry:
    types = ["", ""]
    if kind in _WITH_TYPES:
        if at + 4 > end:
            raise ValueError("access entry is cut")
        present = int.from_bytes(raw[at : at + 4], "little")
        at += 4
        for position in (0, 1):
            if present & (1 << position):
                if at + 16 > end:
                    raise ValueError("access entry is cut")
                types[position] = guid(raw[at : at + 16])
                at += 16
    trustee = _sid_at(raw, at, end)
    return Entry(kind in _ALLOW, mask, types[0], types[1], trustee, bool(flags & _INHERITED), bool(flags & _INHERIT_ONLY))


def _sid_at(raw: bytes, at: int, end: int) -> str:
    if at + 8 > end:
        raise ValueError("SID is cut")
    length = 8 + 4 * raw[at + 1]
    if at + length > end:
        raise ValueError("SID is cut")
    return sid(raw[at : at + length])
