"""Damaged logs of text end as rows or as one sentence, in time: complete only when every record was taken."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from auditor.config import Source
from auditor.config_sign_ins import SambaLog, SignInCsv, WindowsJson
from auditor.model import State
from tests.collect.files import run
from tests.collect.test_evidence_mutated import mutated
from tests.collect.test_sign_in_logs import COLUMNS, authentication

RECORDS = 12
SECONDS = 5
SYSTEM = {"provider_name": "Microsoft-Windows-Security-Auditing", "channel": "Security", "computer_name": "PC7.chu.test"}
# Longer than any cut: two halves of neighbouring lines must not make a third that looks whole.
NAME = "prenom.nom-compose-de-longueur-remarquable"


def forwarded(second: int) -> str:
    data = {"TargetUserName": NAME, "Status": "0xc000006a", "IpAddress": "10.1.1.1", "LogonType": "3"}
    record = {"@timestamp": f"2026-11-19T10:00:{second:02}Z", "winlog": {"event_id": "4625", **SYSTEM, "event_data": data}}
    return json.dumps(record) + "\n"


def vpn(minute: int) -> str:
    return f"19/11/2026 10:{minute:02};{NAME};OK;poste-{minute}-du-pavillon-des-consultations;le motif de cette ligne est long\n"


Make = Callable[[Path], Source]
SOURCES: dict[str, tuple[str, Make]] = {
    "samba_log": (
        "".join(authentication(second) for second in range(RECORDS)),
        lambda path: SambaLog(type="samba_log", name="log", host="dc1", paths=(path,)),
    ),
    "windows_json": (
        "".join(forwarded(second) for second in range(RECORDS)),
        lambda path: WindowsJson(type="windows_json", name="log", paths=(path,)),
    ),
    "sign_in_csv": (
        ";".join(COLUMNS.values()) + "\n" + "".join(vpn(minute) for minute in range(RECORDS)),
        lambda path: SignInCsv(
            type="sign_in_csv", name="log", path=path, host="vpn", time_format="%d/%m/%Y %H:%M", columns=COLUMNS,
            outcomes={"OK": "success", "KO": "failure"}, reasons={},
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", sorted(SOURCES))
def test_damage_is_said(tmp_path: Path, kind: str) -> None:
    content, make = SOURCES[kind]
    path = tmp_path / "log.txt"
    dice = random.Random(kind)
    states = set()
    for number in range(200):
        path.write_bytes(mutated(dice, content.encode()))
        begun = time.monotonic()
        found = run(make(path), tmp_path)
        assert time.monotonic() - begun < SECONDS
        said = found.coverage["sign_in"]
        states.add(said.state)
        if said.state is State.COMPLETE:
            received = sum(int(str(row["records"])) for row in found.rows["event_coverage"])
            assert received == RECORDS, f"mutant {number} lost records in silence"
        else:
            assert said.reason
            assert "\n" not in said.reason.en + said.reason.fr
            assert len(said.reason.en) < 1000
    assert states >= {State.COMPLETE, State.PARTIAL}
