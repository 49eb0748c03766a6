"""French professional ids as people and spreadsheets write them: RPPS, IDNPS, ADELI, and what is none of them.

Shapes and check digits: RPPS 11 digits, Luhn over the whole; IDNPS (card) "8" + RPPS; ADELI 9 characters, "0" + ADELI in national
files; FINESS (a place, not a person) 9 characters. A failed check is a data error, never a proof of fraud.
"""

from __future__ import annotations

import re
from collections.abc import Container
from typing import NamedTuple

_DAMAGED = re.compile(r"[0-9]+(?:[.,][0-9]+)?E\+?[0-9]+", re.IGNORECASE)
_NOISE = re.compile(r"[\s.\-\u2010\u2011'’]")
_NINE = re.compile(r"[0-9]{9}|2[AB][0-9]{7}")
_DIGITS = re.compile(r"[0-9]+")


class ProfessionalId(NamedTuple):
    """`status` is ok, idnps_given, legacy_adeli, finess_in_field, excel_damaged, bad_checksum, bad_format or missing;
    `value` is the RPPS number when the status is ok or idnps_given, and empty otherwise."""

    status: str
    value: str = ""


def luhn(digits: str) -> bool:
    """Whether the last digit is the Luhn check digit of the others (ISO/IEC 7812-1); ASCII digits only."""
    total = 0
    for position, digit in enumerate(reversed(digits)):
        number = int(digit) * (1 + position % 2)
        total += number - 9 if number > 9 else number
    return total % 10 == 0


def normalise(raw: str, finess: Container[str] = frozenset()) -> ProfessionalId:
    """Judge an id as written; `finess` are the hospital's own site numbers, which people type into the wrong field.

    A number that a spreadsheet turned into 9,90000E+10 has lost digits and is not repaired.
    """
    if _DAMAGED.fullmatch(raw.strip().removeprefix("'")):
        return ProfessionalId("excel_damaged")
    text = _NOISE.sub("", raw).upper()
    if not text:
        return ProfessionalId("missing")
    if len(text) in (8, 9) and (_NINE.fullmatch(text.zfill(9))):
        # Eight characters are nine that lost their leading zero.
        return ProfessionalId("finess_in_field" if text.zfill(9) in finess else "legacy_adeli")
    if not _DIGITS.fullmatch(text):
        return ProfessionalId("bad_format")
    if len(text) == 10 and text.startswith("0"):
        return ProfessionalId("legacy_adeli")
    if len(text) == 12 and text.startswith("8"):
        return _checked("idnps_given", text[1:])
    if len(text) == 11:
        return _checked("ok", text)
    return ProfessionalId("bad_format")


def _checked(status: str, rpps: str) -> ProfessionalId:
    return ProfessionalId(status, rpps) if luhn(rpps) else ProfessionalId("bad_checksum")
