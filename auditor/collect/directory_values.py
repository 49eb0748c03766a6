"""Values of directory attributes as total functions: each returns what the bytes say or raises ValueError, and nothing else.

Sources: MS-DTYP 2.3.3 (FILETIME), 2.3.4 (GUID), 2.4.2 (SID); RFC 4517 3.3.13 (GeneralizedTime), 3.3.16 (Integer); RFC 4514 (names);
MS-ADTS 3.1.1.3.1 (intervals are negative counts of 100 ns), 3.1.1.3.1.3.3 (ranges).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

from auditor.safe import clean

_EPOCH = datetime(1601, 1, 1)
_LAST_FILETIME = 2_650_467_743_999_999_999  # 9999-12-31T23:59:59.9999999
_NEVER = frozenset((0, -1, 2**63 - 1))
_INTEGER = re.compile(rb"-?[0-9]{1,19}\Z")
_TIME = re.compile(rb"([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})(?:[.,][0-9]{1,20})?(Z|[+-][0-9]{4})\Z")
_SID_TEXT = re.compile(r"S-1-[0-9]{1,15}(?:-[0-9]{1,10}){1,15}\Z")
_GUID_TEXT = re.compile(r"\{?([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})\}?\Z")
_RANGE = re.compile(r"([0-9]{1,10})-([0-9]{1,10}|\*)\Z")
_ESCAPE = re.compile(rb"\\([0-9a-fA-F]{2}|.)", re.DOTALL)

# A word that announces a password, then a separator and a value; or, without a separator, a value that mixes letters and digits.
# What follows must not say where the password is kept or that there is none.
_ELSEWHERE = (
    r"(?!(?:voir|cf|see|aucun|none|sans|non|no|dans|in|chez|sur|at|expir\w*|chang\w*|reset|inconnu|unknown|n/a|keepass\w*|coffre\w*)\b)"
)
_WORDS = r"(?:mdp|m\.d\.p\.?|mots?\s+de\s+passe|passwords?|passwd|passe|pass|pwd)"
_PASSWORD = re.compile(
    rf"(?<![\w-])(?:(?:{_WORDS}|codes?|pin)\s*(?:(?:actuel|current|temporaire|temporary|initial|provisoire)\s*)?(?:[:=]|->|→)[\s«“\"'(]*{_ELSEWHERE}"
    rf"(?=\S*\w)[^\s*]\S{{3,}}|{_WORDS}\s+(?:est\s+|is\s+)?(?=\S*\d)(?=\S*[^\W\d])\S{{4,}})",
    re.IGNORECASE,
)
_LONGEST_SEARCHED = 2_000


def text(raw: bytes) -> str:
    """Text of an attribute (UTF-8); what is not UTF-8 becomes U+FFFD."""
    return clean(raw.decode("utf-8", "replace"))


def exact_text(raw: bytes) -> str:
    """Text of an attribute that must be UTF-8."""
    return clean(raw.decode("utf-8"))


def integer(raw: bytes) -> int:
    """A decimal integer of at most 64 bits."""
    if not _INTEGER.match(raw):
        raise ValueError("not an integer")
    value = int(raw)
    if not -(2**63) <= value < 2**63:
        raise ValueError("integer out of range")
    return value


def boolean(raw: bytes) -> bool:
    """TRUE or FALSE."""
    if raw in (b"TRUE", b"FALSE"):
        return raw == b"TRUE"
    raise ValueError("not a boolean")


def filetime(raw: bytes) -> datetime | None:
    """A FILETIME (100 ns since 1601-01-01 UTC) as UTC without zone, to the microsecond; None is "never" (0, -1 and 2^63-1)."""
    value = integer(raw)
    if value in _NEVER:
        return None
    if not 0 < value <= _LAST_FILETIME:
        raise ValueError("time out of range")
    return _EPOCH + timedelta(microseconds=value // 10)


def generalized_time(raw: bytes) -> datetime:
    """A GeneralizedTime such as 20260105081500.0Z as UTC without zone, to the second, as the directory keeps it."""
    match = _TIME.match(raw)
    if not match:
        raise ValueError("not a time")
    try:
        moment = datetime(*(int(part) for part in match.groups()[:6]), tzinfo=UTC)  # type: ignore[misc, arg-type]
        zone = match[7]
        if zone != b"Z":
            shift = timedelta(hours=int(zone[1:3]), minutes=int(zone[3:5]))
            moment = moment - shift if zone[:1] == b"+" else moment + shift
    except OverflowError as error:
        raise ValueError("time out of range") from error
    return moment.replace(tzinfo=None)


def interval(raw: bytes) -> timedelta | None:
    """A length of time stored as a negative count of 100 ns; None is "without limit" (0 and -2^63)."""
    value = integer(raw)
    if value in (0, -(2**63)):
        return None
    if value > 0:
        raise ValueError("an interval is negative")
    return timedelta(microseconds=-value // 10)


def sid(raw: bytes) -> str:
    """A security identifier, binary or as text, in S-1-… form."""
    if raw[:4] == b"S-1-":
        written = raw.decode("ascii", "replace")
        if _SID_TEXT.match(written):
            return written
        raise ValueError("not a SID")
    if len(raw) < 12 or raw[0] != 1 or not 1 <= raw[1] <= 15 or len(raw) != 8 + 4 * raw[1]:
        raise ValueError("not a SID")
    parts = (int.from_bytes(raw[at : at + 4], "little") for at in range(8, len(raw), 4))
    return "-".join(("S-1", str(int.from_bytes(raw[2:8], "big")), *map(str, parts)))


def rid(identifier: str) -> int:
    """Last part of a SID."""
    return int(identifier.rpartition("-")[2])


def guid(raw: bytes) -> str:
    """A GUID, 16 bytes in Windows order or text, in lower-case 8-4-4-4-12 form."""
    if len(raw) == 16:
        return str(UUID(bytes_le=raw))
    match = _GUID_TEXT.match(raw.decode("ascii", "replace"))
    if not match:
        raise ValueError("not a GUID")
    return match[1].lower()


def value_range(written: str) -> tuple[int, int]:
    """(first, last) of the part of a list that an option range=first-last names; last is -1 when it is the end of the list."""
    match = _RANGE.match(written)
    if not match:
        raise ValueError("not a range")
    return int(match[1]), -1 if match[2] == "*" else int(match[2])


def split_name(name: str) -> list[str]:
    """The parts of a distinguished name, from the object up; an escaped comma does not separate."""
    if "\\" not in name:
        return name.split(",")
    parts, start, at = [], 0, 0
    while at < len(name):
        if name[at] == "\\":
            at += 1
        elif name[at] == ",":
            parts.append(name[start:at])
            start = at + 1
        at += 1
    return [*parts, name[start:]]


def parent_name(name: str) -> str:
    """Distinguished name of the container; empty for a name of one part."""
    return name[len(split_name(name)[0]) + 1 :]


def comparable_name(name: str) -> str:
    """A distinguished name in the one form under which two spellings of it are equal: no case, no spaces, no escapes."""
    if "\\" not in name and ", " not in name and " ," not in name:
        return name.lower()

    def plain(part: str) -> str:
        raw = part.strip().encode("utf-8", "surrogatepass")
        unescaped = _ESCAPE.sub(lambda match: bytes.fromhex(match[1].decode()) if len(match[1]) == 2 else match[1], raw)
        return unescaped.decode("utf-8", "replace").replace(",", "\\2c").lower()

    return ",".join(plain(part) for part in split_name(name))


def naming_context(name: str) -> str:
    """The DC parts at the end of a distinguished name, comparable: the domain the object lies in."""
    parts = comparable_name(name).split(",")
    first = len(parts)
    while first and parts[first - 1].startswith("dc="):
        first -= 1
    return ",".join(parts[first:])


def delegation_host(spn: str) -> str:
    """Host of a service principal name, lower case, without port and realm; `krbtgt` for the ticket service of any realm."""
    service, _, rest = spn.partition("/")
    if service.lower().partition("@")[0] == "krbtgt":
        return "krbtgt"
    return (rest or service).partition("/")[0].partition(":")[0].partition("@")[0].lower()


def holds_password(value: str) -> bool:
    """Whether a free text seems to hold a password, in French or English ("mdp : Hiver2024", "password=…", "code: 4512")."""
    return bool(_PASSWORD.search(value[:_LONGEST_SEARCHED]))
