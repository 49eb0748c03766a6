"""Damaged lists and statements end as rows or as one sentence, never as a traceback, and never as complete with rows missing in silence."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from auditor import collect
from auditor.config import Attestations, Borg, Restic, Source
from tests.collect.files import AS_OF
from tests.collect.test_attestations import ALERTS, CONSOLE, COPY, EXERCISE, RESTORE

RESTIC = json.dumps(
    [{"id": sha256(bytes((n,))).hexdigest(), "time": f"2026-11-1{n}T02:00:00.1Z", "hostname": "é", "paths": ["/srv"]} for n in range(9)]
)
BORG = json.dumps(
    {
        "archives": [{"id": sha256(bytes((n,))).hexdigest(), "name": f"a{n}", "start": f"2026-11-1{n}T02:00:00.000000"} for n in range(9)],
        "encryption": {"mode": "none"}, "repository": {"id": "r", "location": "/d"},
    }
)  # fmt: skip
STATEMENTS = RESTORE + COPY + CONSOLE + ALERTS + EXERCISE
ROWS = {
    "restic": ["backup_repository: 1 rows", "backup_job: 9 rows"],
    "borg": ["backup_repository: 1 rows", "backup_job: 9 rows"],
    "attestations": [f"{table}: 1 rows" for table in ("restore_test", "backup_copy", "backup_console", "backup_alert", "attestation")],
}
"""What a file that reads as complete must have given."""
TOKENS = (
    b"null",
    b"[",
    b"]",
    b"{",
    b"}",
    b'"',
    b"\\ud800",
    b"9" * 5000,
    b"-1e999",
    b"\xff",
    b"\0",
    b"\n",
    b": ",
    b"- ",
    b"&a ",
    b"*a",
    b"!!",
)

Make = Callable[[Path], Source]
SOURCES: dict[str, tuple[str, str, Make]] = {
    "restic": ("depot.json", RESTIC, lambda path: Restic(type="restic", paths=(path,))),
    "borg": ("depot.json", BORG, lambda path: Borg(type="borg", paths=(path,), timezone="Europe/Paris")),
    "attestations": ("e/a.yaml", STATEMENTS, lambda path: Attestations(type="attestations", path=path.parent)),
}


def mutated(dice: random.Random, raw: bytes) -> bytes:
    for _ in range(dice.randint(1, 3)):
        start = dice.randrange(len(raw))
        stop = start + dice.choice((0, 1, 1, 4, 40))
        raw = raw[:start] + dice.choice((b"", bytes((dice.randrange(256),)), dice.choice(TOKENS))) + raw[stop:]
    return raw


@pytest.mark.parametrize("kind", sorted(SOURCES))
def test_damage_is_said(tmp_path: Path, kind: str) -> None:
    name, content, make = SOURCES[kind]
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    dice = random.Random(kind)
    whole = refused = 0
    for _ in range(150):
        path.write_bytes(mutated(dice, content.encode()))
        found = collect.doctor(make(path), AS_OF)
        assert found
        for _, text in found:
            assert text.en
            assert "\n" not in text.en + text.fr
            assert len(text.en) < 1000
        if all(good for good, _ in found):
            whole += 1
            assert [text.en for _, text in found] == ROWS[kind]
        refused += not any(good for good, _ in found)
    assert whole
    assert refused
