"""Logs that say less, or more than once, than they seem to: it is noticed and told."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from auditor.collect.log_rows import Log
from auditor.config_sign_ins import SambaLog, SignInCsv, WindowsJson
from auditor.model import State
from auditor.snapshot import Writer
from tests.collect.files import run
from tests.collect.test_sign_in_logs import COLUMNS, SID, authentication, evtx, forwarded, reason, samba, vpn


def month(outcome: str = "OK", last_day: int = 19, account_of: str = "anne") -> str:
    """A month of a VPN, twelve sign-ins a day; the first has another outcome if asked for."""
    days = range(last_day - 17, last_day + 1)
    lines = [f"{day:02}/11/2026 {hour:02}:00;{account_of}{hour};OK;203.0.113.{hour};" for day in days for hour in range(8, 20)]
    return "\n".join([lines[0].replace("OK", outcome), *lines[1:]]) + "\n"


def test_a_log_without_any_failure_for_days_does_not_record_them(tmp_path: Path) -> None:
    found = vpn(tmp_path, month())
    assert reason(found) == "216 successes and no failure in 17 days: failures are probably not recorded"
    cure = found.coverage["sign_in"].cure
    assert cure and cure.en == "Export refused sign-ins too, not only those that succeeded."
    assert found.coverage["event_coverage"].state is State.COMPLETE
    assert reason(vpn(tmp_path, month("KO"))) == ""
    assert reason(vpn(tmp_path, "\n".join(month().splitlines()[:199]) + "\n")) == ""  # too few to tell
    machines = [f"{line[:16]};pc{number}$;{line.split(';', 2)[2]}" for number, line in enumerate(month().splitlines())]
    assert reason(vpn(tmp_path, "\n".join(machines) + "\n")) == ""


def test_two_hundred_successes_within_a_week_prove_nothing(tmp_path: Path) -> None:
    lines = [
        f"{day:02}/11/2026 {hour:02}:{minute};anne;OK;203.0.113.5;" for day in range(13, 20) for hour in range(24) for minute in (10, 20)
    ]
    assert reason(vpn(tmp_path, "\n".join(lines) + "\n")) == ""


def test_swapped_columns_are_noticed(tmp_path: Path) -> None:
    swapped = {**COLUMNS, "account_name": COLUMNS["origin"], "origin": COLUMNS["account_name"]}
    found = vpn(tmp_path, "19/11/2026 10:00;anne;OK;203.0.113.5;\n19/11/2026 10:01;bruno;OK;203.0.113.6;\n", columns=swapped)
    assert reason(found) == "most account names are addresses: check account_name and origin under columns"


def test_lines_that_come_back_count_once(tmp_path: Path) -> None:
    once = "19/11/2026 10:00;anne;KO;203.0.113.5;mdp\n" * 3 + "19/11/2026 10:01;anne;OK;203.0.113.5;\n"
    more = "19/11/2026 10:02;anne;OK;203.0.113.5;\n"
    found = vpn(tmp_path, once + once + more)
    # Three attempts within one minute of a coarse clock are three.
    assert [row["outcome"] for row in found.rows["sign_in"]] == ["failure"] * 3 + ["success"] * 2
    assert found.facts["repeated_records"] == 4
    assert [row["records"] for row in found.rows["event_coverage"]] == [5]


def test_lines_of_overlapping_exports_count_once(tmp_path: Path) -> None:
    paths = (tmp_path / "monday.json", tmp_path / "tuesday.json")
    paths[0].write_text(authentication(1) + authentication(2), encoding="utf-8")
    paths[1].write_text(authentication(2).strip() + "\r\n" + authentication(3), encoding="utf-8")
    found = run(SambaLog(type="samba_log", name="log", host="dc1", paths=paths), tmp_path)
    assert [row["record_ref"] for row in found.rows["sign_in"]] == ["monday.json:1", "monday.json:2", "tuesday.json:2"]
    assert found.facts["repeated_records"] == 1


def test_a_windows_record_sent_again_in_other_words_counts_once(tmp_path: Path) -> None:
    def sent(number: int, agent: str) -> dict[str, object]:
        data = {"TargetUserName": "anne", "TargetUserSid": SID, "LogonType": "3"}
        system = {"provider_name": "Microsoft-Windows-Security-Auditing", "channel": "Security", "computer_name": "PC7"}
        winlog = {"event_id": "4624", "record_id": number, "event_data": data, **system}
        return {"@timestamp": "2026-11-19T10:00:00Z", "agent": agent, "winlog": winlog}

    found = forwarded(tmp_path, sent(1, "a"), sent(2, "a"), sent(1, "b"))
    assert len(found.rows["sign_in"]) == 2
    assert found.facts["repeated_records"] == 1


def test_sign_ins_after_the_audit_are_counted_and_a_cause_is_named(tmp_path: Path) -> None:
    found = vpn(
        tmp_path, "19/11/2026 10:00;anne;OK;203.0.113.5;\n" + "".join(f"{day}/11/2027 10:00;anne;OK;203.0.113.5;\n" for day in (18, 19))
    )
    assert reason(found) == (
        "2 records are dated after the audit, up to 2027-11-19: check the clock of the machine and time_format and timezone of the source"
    )
    assert found.coverage["sign_in"].collected_at == datetime(2026, 11, 19, 9)
    only = vpn(tmp_path, "19/11/2027 10:00;anne;OK;203.0.113.5;\n")
    assert reason(only).startswith("1 record is dated after the audit, up to 2027-11-19")
    assert reason(samba(tmp_path, authentication().replace("2026", "2027"))).endswith("check the clock of the machine")


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_a_compressed_log_is_called_so(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    for name in ("dc1.json", "vpn.csv", "dc1.evtx"):
        (tmp_path / name).write_bytes(pack(b"{}" * 100))
    expected = "is compressed: decompress it and give the file it holds"
    log = run(SambaLog(type="samba_log", name="log", host="dc1", paths=(tmp_path / "dc1.json",)), tmp_path)
    windows_log = run(WindowsJson(type="windows_json", name="log", paths=(tmp_path / "dc1.json",)), tmp_path)
    table: dict[str, object] = {
        "type": "sign_in_csv", "name": "vpn", "path": tmp_path / "vpn.csv", "host": "vpn", "columns": COLUMNS,
        "outcomes": {"OK": "success"},
    }  # fmt: skip
    csv = run(SignInCsv.model_validate(table), tmp_path)
    assert reason(log) == reason(windows_log) == f"dc1.json {expected}"
    assert reason(csv) == f"vpn.csv {expected}"
    assert f"dc1.evtx {expected}" in reason(evtx(tmp_path, tmp_path / "dc1.evtx"))
    assert {found.coverage["sign_in"].state for found in (log, windows_log, csv)} == {State.ABSENT}


def test_a_log_in_utf_16_is_called_so_and_a_csv_may_declare_it(tmp_path: Path) -> None:
    (tmp_path / "dc1.json").write_bytes(authentication().encode("utf-16"))
    found = run(SambaLog(type="samba_log", name="log", host="dc1", paths=(tmp_path / "dc1.json",)), tmp_path)
    assert reason(found) == "dc1.json is UTF-16 text: save it as UTF-8"
    (tmp_path / "dc1.evtx").write_bytes("<Events/>".encode("utf-16"))
    assert "dc1.evtx is UTF-16 text: export the log as an event file (.evtx)" in reason(evtx(tmp_path, tmp_path / "dc1.evtx"))
    (tmp_path / "vpn.csv").write_bytes("quand;qui;issue;d’où;motif\n2026-11-19;anne;OK;203.0.113.5;\n".encode("utf-16"))
    table: dict[str, object] = {
        "type": "sign_in_csv", "name": "vpn", "path": tmp_path / "vpn.csv", "host": "vpn", "columns": COLUMNS,
        "outcomes": {"OK": "success"},
        "time_format": "%Y-%m-%d",
    }  # fmt: skip
    assert reason(run(SignInCsv.model_validate(table), tmp_path)) == "vpn.csv is UTF-16 text: declare encoding: utf-16"
    declared = run(SignInCsv.model_validate({**table, "encoding": "utf-16"}), tmp_path)
    assert [row["account_name"] for row in declared.rows["sign_in"]] == ["anne"]


def test_the_cure_is_that_of_the_source(tmp_path: Path) -> None:
    for found in (vpn(tmp_path, "x\n"), vpn(tmp_path, "", delimiter="|")):
        for entry in found.coverage.values():
            assert entry.cure and entry.cure.en.startswith("Export the log again, and check path, encoding, delimiter,")
            assert "wevtutil" not in entry.cure.en + entry.cure.fr
    log = Log("entra", writer := Writer(tmp_path, datetime(2026, 11, 20)), lambda _source, _rows: None, ("sign_in",), "graph")
    log.close(7)
    (entry,) = writer.coverage
    assert entry.cure and "AuditLog" in entry.cure.en
