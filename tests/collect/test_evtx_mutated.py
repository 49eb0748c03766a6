"""Damaged event logs end as rows or as one sentence, in time, and what they lost is said: never complete with a record missing."""

from __future__ import annotations

import random
import struct
import time
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from auditor.config_sign_ins import Evtx
from auditor.model import State, Value
from tests.collect.files import Collected, run
from tests.collect.traces import needed

HEADER, CHUNK = 4096, 65536
ORIGINALS = (
    "cc0/e2m_ID4768-4771-Kerberos_brutforce_with_non_existing_users.evtx",
    "cc0/e2m_ID4799-4624-Local_admin_group_enumerated_by_SharpHound.evtx",
    "cc0/e2m_ID472_4728_Hidden_user_creation.evtx",
    "mit/security.evtx",
)
SECONDS = 40
PARTS, MUTANTS = 20, 50

Rows = list[dict[str, Value]]


def read(path: Path, folder: Path) -> Collected:
    return run(Evtx(type="evtx", name="log", paths=(path,), max_age_days=99_999), folder)


@cache
def whole(name: str) -> tuple[bytes, Rows, Rows]:
    """The first eight chunks of a log at most, and the rows of all of it."""
    raw = (needed() / name).read_bytes()
    with TemporaryDirectory() as folder:
        found = read(needed() / name, Path(folder))
    return raw[: HEADER + 8 * CHUNK], found.rows["sign_in"], found.rows["directory_change"]


def flip(dice: random.Random, raw: bytearray) -> None:
    for _ in range(dice.randint(1, 40)):
        raw[dice.randrange(len(raw))] ^= 1 << dice.randrange(8)


def cut(dice: random.Random, raw: bytearray) -> None:
    del raw[dice.choice((dice.randrange(len(raw)), HEADER + CHUNK * dice.randrange(8), dice.randrange(HEADER + 512))) :]


def zero(dice: random.Random, raw: bytearray) -> None:
    start = dice.randrange(len(raw))
    size = min(dice.choice((1, 16, 512, 4096, CHUNK)), len(raw) - start)
    raw[start : start + size] = bytes(size)


def zero_header(dice: random.Random, raw: bytearray) -> None:
    """Of the file, or of a chunk; its signature may stay."""
    start = dice.choice((0, HEADER + CHUNK * dice.randrange(len(raw) // CHUNK)))
    kept = dice.choice((0, 8))
    raw[start + kept : start + 128] = bytes(128 - kept)


def swap(dice: random.Random, raw: bytearray) -> None:
    """Two chunks change places, or one takes the place of another."""
    count = len(raw) // CHUNK
    one, other = (slice(start := HEADER + CHUNK * dice.randrange(count), start + CHUNK) for _ in range(2))
    first, second = bytes(raw[one]), bytes(raw[other])
    raw[one] = second
    if dice.random() < 0.5:
        raw[other] = first


def lengthen(dice: random.Random, raw: bytearray) -> None:
    """A length becomes huge: of a record, of the free space of a chunk, or of anything in the binary XML."""
    for _ in range(dice.randint(1, 5)):
        chunk = HEADER + CHUNK * dice.randrange(len(raw) // CHUNK)
        place = dice.choice((raw.find(b"\x2a\x2a\0\0", chunk + 512 + dice.randrange(CHUNK - 512)) + 4, chunk + 44, chunk + 48))
        if dice.random() < 0.5 or place < HEADER:
            place = chunk + 512 + dice.randrange(CHUNK - 1024)
        struct.pack_into("<I", raw, min(place, len(raw) - 4), dice.choice((0, 0xFFFFFFFF, 0x7FFFFFFF, 0x10000, 0xFFFF)))


def extend(dice: random.Random, raw: bytearray) -> None:
    raw += dice.randbytes(dice.choice((1, 600, CHUNK)))


KINDS: tuple[Callable[[random.Random, bytearray], None], ...] = (flip, cut, zero, zero_header, swap, lengthen, extend)


def survives(folder: Path, part: int, mutants: int) -> None:
    dice = random.Random(part)
    silent = 0
    for number in range(mutants):
        raw, sign_ins, changes = whole(dice.choice(ORIGINALS))
        mutant, kind = bytearray(raw), dice.choice(KINDS)
        kind(dice, mutant)
        path = folder / "mutant.evtx"
        path.write_bytes(mutant)
        begun = time.monotonic()
        found = read(path, folder)
        what = f"mutant {number} of part {part} ({kind.__name__})"
        assert time.monotonic() - begun < SECONDS, what
        said = found.coverage["sign_in"]
        if said.state is State.COMPLETE:
            silent += 1
            assert (found.rows["sign_in"], found.rows["directory_change"]) == (sign_ins, changes), f"{what} lost records in silence"
        else:
            assert said.reason, what
            assert "\n" not in said.reason.en + said.reason.fr, what
            assert len(said.reason.en) < 500, what
            assert said.state is State.ABSENT or found.facts["unreadable_records"] > 0, what
    assert silent < mutants, "no mutant of this part was noticed"


@pytest.mark.parametrize("part", (PARTS, PARTS + 1))
def test_a_hundred_mutants(tmp_path: Path, part: int) -> None:
    survives(tmp_path, part, MUTANTS)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_a_thousand_mutants(tmp_path: Path, part: int) -> None:
    survives(tmp_path, part, MUTANTS)


@pytest.mark.parametrize(("copied", "over"), [(0, 1), (1, 0)])
def test_a_chunk_in_the_place_of_another_is_noticed(tmp_path: Path, copied: int, over: int) -> None:
    raw = bytearray((needed() / ORIGINALS[3]).read_bytes())
    places = [slice(HEADER + CHUNK * number, HEADER + CHUNK * (number + 1)) for number in (copied, over)]
    raw[places[1]] = raw[places[0]]
    path = tmp_path / "twice.evtx"
    path.write_bytes(raw)
    said = read(path, tmp_path).coverage["sign_in"]
    assert said.state is State.PARTIAL
    assert said.reason
    assert "damaged" in said.reason.en or "gap" in said.reason.en


def test_a_log_without_records_is_no_damage(tmp_path: Path) -> None:
    raw = bytearray((needed() / ORIGINALS[0]).read_bytes()[:HEADER])
    struct.pack_into("<QQQ", raw, 8, 0, 0, 1)
    struct.pack_into("<H", raw, 42, 0)
    struct.pack_into("<I", raw, 124, zlib.crc32(bytes(raw[:120])))
    path = tmp_path / "empty.evtx"
    path.write_bytes(raw)
    said = read(path, tmp_path).coverage["sign_in"]
    assert said.reason
    assert said.reason.en == "no record could be read"
