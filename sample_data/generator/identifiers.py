"""Numbers and binary forms of the real systems, computed from small integers: check digits, SIDs, GUIDs, directory times."""

from __future__ import annotations

import base64
import hashlib
import struct
import uuid
from datetime import datetime

_FILETIME_ZERO = datetime(1601, 1, 1)


def luhn_digit(digits: str) -> str:
    """The digit that makes `digits` + digit pass the Luhn check."""
    total = 0
    for position, character in enumerate(reversed(digits)):
        value = int(character) * (2 if position % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def rpps(number: int) -> str:
    """A fictitious RPPS number: prefix 99 is not used in real life."""
    digits = f"99{number:08d}"
    return digits + luhn_digit(digits)


def finess(number: int) -> str:
    """A fictitious FINESS number: no department has the code 99."""
    digits = f"99{number:06d}"
    return digits + luhn_digit(digits)


def sid_bytes(sid: str) -> bytes:
    """Binary form of a SID (MS-DTYP 2.4.2.2)."""
    _, revision, authority, *parts = sid.split("-")
    return struct.pack(f"<BB6s{len(parts)}L", int(revision), len(parts), int(authority).to_bytes(6, "big"), *map(int, parts))


def guid_bytes(label: str) -> bytes:
    """A GUID that depends on `label` alone, marked version 4."""
    raw = bytearray(hashlib.sha256(label.encode()).digest()[:16])
    raw[7] = raw[7] & 0x0F | 0x40
    raw[8] = raw[8] & 0x3F | 0x80
    return bytes(raw)


def guid_text(label: str) -> str:
    """The same GUID as text, the way directories show it."""
    return str(uuid.UUID(bytes_le=guid_bytes(label)))


def filetime(moment: datetime) -> str:
    """Tenths of microseconds since 1601, as directories store times."""
    passed = moment - _FILETIME_ZERO
    return str((passed.days * 86400 + passed.seconds) * 10**7)


def generalized(moment: datetime) -> str:
    """LDAP GeneralizedTime."""
    return moment.strftime("%Y%m%d%H%M%S.0Z")


def base64_text(raw: bytes) -> str:
    """`raw` in base64, on one line."""
    return base64.b64encode(raw).decode("ascii")
