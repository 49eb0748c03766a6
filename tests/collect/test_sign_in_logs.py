"""Logs of sign-ins become rows, and what they lose is said."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from auditor.collect import windows_events as windows
from auditor.collect.log_rows import account, address, machine
from auditor.config_sign_ins import Evtx, SambaLog, SignInCsv, WindowsJson
from auditor.errors import ConfigError
from auditor.model import State
from tests.collect.files import Collected, run
from tests.collect.traces import needed

SID = "S-1-5-21-1-2-3-1104"
SPRAY = "cc0/e2m_ID4768-4771-Kerberos_brutforce_with_non_existing_users.evtx"
LONG = "cc0/e2m_ID4799-4624-Local_admin_group_enumerated_by_SharpHound.evtx"


def authentication(second: int = 0, /, **fields: object) -> str:
    record = {
        "eventId": 4624, "logonType": 3, "status": "NT_STATUS_OK", "remoteAddress": "ipv4:10.1.2.3:41055", "clientAccount": "anne@CHU.TEST",
        "serviceDescription": "Kerberos KDC", "authDescription": "ENC-TS Pre-authentication", "becameSid": SID, "mappedAccount": "Anne",
        "mappedDomain": "CHU", "passwordType": "aes256-cts-hmac-sha1-96", "workstation": None,
    }  # fmt: skip
    line = {"timestamp": f"2026-11-19T23:59:{second:02}.5+0100", "type": "Authentication", "Authentication": record | fields}
    return f"  {json.dumps(line)}\n"


def samba(tmp_path: Path, *lines: str) -> Collected:
    path = tmp_path / "dc1.json"
    path.write_bytes("".join(lines).encode("utf-8", "surrogatepass"))
    return run(SambaLog(type="samba_log", name="log", host="DC1.chu.test", paths=(path,)), tmp_path)


def reason(found: Collected, table: str = "sign_in") -> str:
    text = found.coverage[table].reason
    return text.en if text else ""


def test_a_samba_sign_in(tmp_path: Path) -> None:
    found = samba(tmp_path, "an ordinary line of another log\n", authentication())
    assert found.rows["sign_in"] == [
        {
            "source": "log", "record_ref": "dc1.json:2", "occurred_at": datetime(2026, 11, 19, 22, 59, 0, 500000), "event_id": 4624,
            "activity": "ticket", "outcome": "success", "reason": "", "reason_code": "", "account_name": "anne", "account_domain": "chu",
            "account_sid": SID, "logon_type": "network", "protocol": "kerberos", "host": "dc1", "origin": "10.1.2.3", "country": "",
            "latitude": "", "longitude": "", "device": "", "application": "Kerberos KDC", "mfa": "unsaid", "actor_name": "",
            "actor_sid": "", "from_profile": False, "repeated": False,
        }
    ]  # fmt: skip
    assert {entry.state for entry in found.coverage.values()} == {State.COMPLETE}
    assert [(row["host"], row["hour"], row["records"]) for row in found.rows["event_coverage"]] == [("dc1", datetime(2026, 11, 19, 22), 1)]


@pytest.mark.parametrize(
    ("status", "word"),
    [
        ("NT_STATUS_WRONG_PASSWORD", "bad_password"), ("NT_STATUS_NO_SUCH_USER", "no_such_user"),
        ("NT_STATUS_ACCOUNT_DISABLED", "disabled"), ("NT_STATUS_ACCOUNT_LOCKED_OUT", "locked"),
        ("NT_STATUS_PASSWORD_EXPIRED", "expired"), ("NT_STATUS_INVENTED", "other"),
    ],
)  # fmt: skip
def test_reasons_of_samba(tmp_path: Path, status: str, word: str) -> None:
    (row,) = samba(tmp_path, authentication(eventId=4625, status=status, becameSid=None)).rows["sign_in"]
    assert (row["outcome"], row["reason"], row["reason_code"], row["account_sid"]) == ("failure", word, status.lower(), "")


def test_a_success_after_must_change_is_not_another_sign_in(tmp_path: Path) -> None:
    lines = (authentication(0, eventId=4625, status="NT_STATUS_PASSWORD_MUST_CHANGE"), authentication(1), authentication(9))
    assert [row["repeated"] for row in samba(tmp_path, *lines).rows["sign_in"]] == [False, True, False]


def test_a_samba_group_change_keeps_who_did_it(tmp_path: Path) -> None:
    change = {
        "action": "Added",
        "eventId": 4728,
        "statusCode": 0,
        "remoteAddress": "ipv6:2001:db8::1:5000",
        "userSid": SID,
        "group": "CN=G",
        "user": "CN=U",
    }
    line = {"timestamp": "2026-11-19T10:00:00.000000+0000", "type": "groupChange", "groupChange": change}
    failed = {**line, "groupChange": {**change, "statusCode": 50}}
    (row,) = samba(tmp_path, json.dumps(line), "\n", json.dumps(failed), "\n").rows["directory_change"]
    assert (row["operation"], row["actor_sid"], row["group_dn"], row["target_dn"]) == ("group_add", SID, "CN=G", "CN=U")


def test_a_kerberos_session_is_a_sign_in_and_others_are_not(tmp_path: Path) -> None:
    def session(kind: str) -> str:
        record = {
            "authType": kind,
            "account": "anne",
            "domain": "CHU",
            "sid": SID,
            "serviceDescription": "LDAP",
            "remoteAddress": "ipv4:10.1.2.3:1",
        }
        return json.dumps({"timestamp": "2026-11-19T10:00:00+0000", "type": "Authorization", "Authorization": record}) + "\n"

    assert [row["activity"] for row in samba(tmp_path, session("krb5"), session("simple bind")).rows["sign_in"]] == ["session"]


@pytest.mark.parametrize(
    "line",
    [
        "{", "{}", '{"type": "Authentication"}', '{"type": "Authentication", "Authentication": 3, "timestamp": "2026-11-19T10:00:00+0000"}',
        '{"type": ["a"]}', '{"timestamp": "0001-01-01T00:00:00+1400", "type": "x", "x": {}}', '{"a":' * 100_000, "{" + "x" * (3 << 20),
        '{"timestamp": 5, "type": "Authentication", "Authentication": {}}',
    ],
)  # fmt: skip
def test_a_broken_line_is_counted(tmp_path: Path, line: str) -> None:
    found = samba(tmp_path, authentication(), line + "\n", authentication(2))
    assert len(found.rows["sign_in"]) == 2
    assert found.coverage["sign_in"].state is State.PARTIAL
    assert reason(found).startswith("1 record could not be read, first dc1.json:2: ")


def test_hostile_texts_are_kept_within_bounds(tmp_path: Path) -> None:
    found = samba(tmp_path, authentication(mappedAccount="a" * 100_000, serviceDescription="\ud800\u202ex", remoteAddress={"a": 1}))
    (row,) = found.rows["sign_in"]
    assert (len(str(row["account_name"])), row["application"], row["origin"]) == (256, "\ufffd\u202ex", "")


@pytest.mark.parametrize("number", [10**30, -(10**30), True, "²", None, 1.5, [4624]])
def test_a_number_that_is_no_event_number_is_unsaid(tmp_path: Path, number: object) -> None:
    (row,) = samba(tmp_path, authentication(eventId=number, logonType=number)).rows["sign_in"]
    assert (row["event_id"], row["logon_type"]) == (0, "unsaid")


def test_an_old_log_and_a_missing_one_are_said(tmp_path: Path) -> None:
    old = samba(tmp_path, authentication().replace("2026-11-19", "2026-11-01"))
    assert reason(old) == "the last record is 18 days old, 7 are allowed"
    empty = samba(tmp_path, "nothing\n")
    assert reason(empty) == "no record could be read"
    gone = run(SambaLog(type="samba_log", name="log", host="dc1", paths=(tmp_path / "none.json",)), tmp_path)
    assert {entry.state for entry in gone.coverage.values()} == {State.ABSENT}


COLUMNS = {"occurred_at": "quand", "account_name": "qui", "outcome": "issue", "origin": "d’où", "reason": "motif"}


def vpn(tmp_path: Path, text: str, **settings: Any) -> Collected:
    path = tmp_path / "vpn.csv"
    path.write_text("quand;qui;issue;d’où;motif\n" + text, encoding="utf-8")
    values = {
        "type": "sign_in_csv", "name": "vpn", "path": path, "host": "vpn", "time_format": "%d/%m/%Y %H:%M", "timezone": "Europe/Paris",
        "columns": COLUMNS, "outcomes": {"OK": "success", "KO": "failure"}, "reasons": {"mdp": "bad_password"},
    }  # fmt: skip
    return run(SignInCsv.model_validate({**values, **settings}), tmp_path)


def test_a_csv_of_sign_ins(tmp_path: Path) -> None:
    found = vpn(tmp_path, "19/11/2026 10:00;CHU\\Anne;OK;203.0.113.5;\n01/07/2026 10:00;anne@chu.test;KO;portable-7.chu.test;mdp\n")
    rows = [(row["occurred_at"], row["account_name"], row["outcome"], row["reason"], row["origin"]) for row in found.rows["sign_in"]]
    assert rows == [
        (datetime(2026, 11, 19, 9), "anne", "success", "", "203.0.113.5"),
        (datetime(2026, 7, 1, 8), "anne", "failure", "bad_password", "portable-7"),
    ]
    assert set(found.coverage) == {"sign_in", "event_coverage"}


def test_lines_of_a_csv_that_say_nothing_known_are_counted(tmp_path: Path) -> None:
    found = vpn(tmp_path, "19/11/2026 10:00;a;OK;1.2.3.4;\n2026;b;OK;1.2.3.4;\n19/11/2026 10:00;c;PEUT-ÊTRE;1.2.3.4;\nx\n")
    assert reason(found) == "3 records could not be read, first vpn.csv:3: “2026” is not a date in the declared format"
    assert [row["account_name"] for row in found.rows["sign_in"]] == ["a"]


def test_settings_of_a_csv_are_checked(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="columns: outcome is missing"):
        vpn(tmp_path, "", columns={name: column for name, column in COLUMNS.items() if name != "outcome"})
    with pytest.raises(ValidationError, match="time zone"):
        vpn(tmp_path, "", timezone="Europe/Atlantis")


def test_names_and_addresses_in_their_normal_form() -> None:
    assert [account(name) for name in ("Anne", "CHU\\Anne", "anne@CHU.TEST", "-", " @x")] == [
        ("anne", ""), ("anne", "chu"), ("anne", "chu.test"), ("", ""), ("@x", ""),
    ]  # fmt: skip
    assert [address(text) for text in ("::ffff:10.0.0.1", "10.0.0.1", "-", "LOCAL", "", "::1")] == [
        "10.0.0.1",
        "10.0.0.1",
        "",
        "",
        "",
        "::1",
    ]
    assert [machine(text) for text in ("PC7.chu.test", "\\\\PC7", "-", "10.0.0.1")] == ["pc7", "pc7", "", "10.0.0.1"]


def event(number: int, second: int = 0, /, **data: object) -> windows.Record:
    at = datetime(2026, 11, 19, 10, 0, second)
    return windows.Record(number, "Microsoft-Windows-Security-Auditing", "Security", "PC7.chu.test", at, number, data)


def test_french_windows_is_read_by_numbers_and_sids() -> None:
    row = windows.row(event(4732, TargetUserName="Administrateurs", TargetSid="S-1-5-32-544", MemberSid=SID, SubjectUserName="Système"))
    assert row and (row[0], row[1]["group_sid"], row[1]["target_sid"], row[1]["operation"]) == (
        "directory_change",
        "S-1-5-32-544",
        SID,
        "group_add",
    )
    failed = windows.row(
        event(
            4625, TargetUserName="Anne", TargetUserSid="S-1-0-0", Status="0xC000006D", SubStatus="0xC0000064", IpAddress="::ffff:10.1.1.1"
        )
    )
    assert failed and (failed[1]["reason"], failed[1]["origin"], failed[1]["account_sid"]) == ("no_such_user", "10.1.1.1", "")


def test_what_windows_does_for_itself_is_no_sign_in() -> None:
    assert windows.row(event(4624, TargetUserName="SYSTEM", TargetUserSid="S-1-5-18", LogonType=5)) is None
    assert windows.row(event(4688, TargetUserName="anne")) is None
    assert windows.row(event(4624, TargetUserName="anne", TargetUserSid=SID)._replace(provider="Impostor")) is None


def explicit(**data: object) -> dict[str, Any] | None:
    given = {
        "SubjectUserSid": SID, "SubjectUserName": "Anne", "TargetUserName": "adm.bruno", "TargetDomainName": "CHU", "ProcessName": "",
        "TargetServerName": "SRV2.chu.test",
    }  # fmt: skip
    found = windows.row(event(4648, **given | data))
    return found[1] if found else None


def test_credentials_given_from_another_session() -> None:
    row = explicit()
    assert row
    expected = {
        "activity": "explicit", "outcome": "attempt", "account_name": "adm.bruno", "account_domain": "chu", "account_sid": "",
        "host": "srv2", "origin": "pc7",
    }  # fmt: skip
    assert {name: row[name] for name in expected} == expected
    assert (row["actor_name"], row["actor_sid"], row["from_profile"]) == ("anne", SID, False)
    assert [found["host"] for name in ("localhost", "-", "", "PC7$") if (found := explicit(TargetServerName=name))] == ["pc7"] * 4


@pytest.mark.parametrize(
    "data",
    [
        {"SubjectUserSid": "S-1-5-18", "SubjectUserName": "PC7$"}, {"SubjectUserName": "PC7$"}, {"TargetUserName": "PC7$"},
        {"TargetUserName": "-"}, {"SubjectUserSid": "S-1-0-0"}, {"SubjectUserSid": "S-1-5-90-0-1"}, {"SubjectUserName": None},
    ],
)  # fmt: skip
def test_credentials_that_windows_and_machines_give_are_no_rows(data: dict[str, object]) -> None:
    assert explicit(**data) is None


@pytest.mark.parametrize(
    ("program", "personal"),
    [
        (r"C:\Users\anne\Desktop\x.exe", True), (r"D:\users\Public\x.exe", True), (r"C:\Documents and Settings\anne\x.exe", True),
        (r"C:\Users\anne\AppData\Local\Temp\x.exe", True), (r"C:\Users\anne\AppData\Local\Programs\x\x.exe", False),
        (r"C:\Users\anne\AppData\Local\Microsoft\Teams\x.exe", False), (r"C:\Program Files\x\x.exe", False), ("-", False),
        (r"C:\Windows\System32\svchost.exe", False),
    ],
)  # fmt: skip
def test_programs_of_a_personal_folder(program: str, personal: bool) -> None:
    row = explicit(ProcessName=program)
    assert row and row["from_profile"] is personal


def forwarded(tmp_path: Path, *records: dict[str, object]) -> Collected:
    path = tmp_path / "windows.ndjson"
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return run(WindowsJson(type="windows_json", name="log", paths=(path,)), tmp_path)


def test_one_wrong_password_told_twice_counts_once(tmp_path: Path) -> None:
    def told(number: int, at: str) -> dict[str, object]:
        data = {"TargetUserName": "anne", "Status": "0xc000006a", "IpAddress": "10.1.1.1", "LogonType": "3"}
        system = {"provider_name": "Microsoft-Windows-Security-Auditing", "channel": "Security", "computer_name": "PC7", "record_id": 1}
        return {"@timestamp": f"2026-11-19T10:00:{at}Z", "winlog": {"event_id": str(number), **system, "event_data": data}}

    found = forwarded(tmp_path, told(4776, "00.1"), told(4625, "00.2"), told(4776, "05.0"), told(4625, "09.0"), told(4776, "09.5"))
    rows = sorted(found.rows["sign_in"], key=lambda row: str(row["occurred_at"]))
    assert [(row["event_id"], row["repeated"]) for row in rows] == [(4776, True), (4625, False), (4776, False), (4625, False), (4776, True)]


def test_credentials_given_in_between_do_not_hide_that_a_wrong_password_was_told_twice(tmp_path: Path) -> None:
    def told(number: int, at: str, **more: str) -> dict[str, object]:
        data = {"TargetUserName": "anne", "Status": "0xc000006a", "SubjectUserName": "bruno", "SubjectUserSid": SID, **more}
        system = {"provider_name": "Microsoft-Windows-Security-Auditing", "channel": "Security", "computer_name": "PC7", "record_id": 1}
        return {"@timestamp": f"2026-11-19T10:00:{at}Z", "winlog": {"event_id": str(number), **system, "event_data": data}}

    found = forwarded(tmp_path, told(4625, "00.1"), told(4648, "00.2"), told(4776, "00.3"))
    assert {row["event_id"]: row["repeated"] for row in found.rows["sign_in"]} == {4625: False, 4648: False, 4776: True}


@pytest.mark.parametrize("number", ["²", "9" * 5000, 10**400, "-1", [4624], {"a": 1}, True])
def test_a_windows_record_without_a_number_is_counted(tmp_path: Path, number: object) -> None:
    record = {"EventTime": "2026-11-19 10:00:00", "EventID": number, "SourceName": "x", "Hostname": "pc7", "RecordNumber": number}
    found = forwarded(tmp_path, record, {**record, "EventID": 1})
    assert found.rows["event_coverage"][0]["records"] == 1
    assert reason(found).startswith("1 record could not be read, first windows.ndjson:1")


def test_flat_records_of_nxlog(tmp_path: Path) -> None:
    flat = {"EventTime": "2026-11-19 10:00:00", "EventID": 1102, "SourceName": "Microsoft-Windows-Eventlog", "Channel": "Security",
            "Hostname": "pc7.chu.test", "SubjectUserName": "anne"}  # fmt: skip
    found = forwarded(tmp_path, flat, {"EventID": 1102, "EventTime": "2026-11-19 10:00:00"}, {"EventID": "x", "Hostname": "a"})
    assert [(row["operation"], row["actor_name"], row["host"]) for row in found.rows["directory_change"]] == [
        ("log_cleared", "anne", "pc7")
    ]
    assert reason(found).startswith("2 records could not be read, first windows.ndjson:2")


def evtx(tmp_path: Path, *paths: Path, **settings: Any) -> Collected:
    return run(Evtx(type="evtx", name="log", paths=paths, max_age_days=99_999, **settings), tmp_path)


def test_a_real_event_log(tmp_path: Path) -> None:
    found = evtx(tmp_path, needed() / SPRAY)
    assert {entry.state for entry in found.coverage.values()} == {State.COMPLETE}
    assert len({row["account_name"] for row in found.rows["sign_in"] if row["reason"] == "no_such_user"}) == 46
    assert {row["origin"] for row in found.rows["sign_in"]} == {"10.23.123.11", "10.23.42.16"}
    assert min(row["occurred_at"] for row in found.rows["sign_in"]).year == 2021  # type: ignore[type-var, union-attr]


def test_the_same_records_in_two_files_count_once(tmp_path: Path) -> None:
    (tmp_path / "logs" / "old").mkdir(parents=True)
    for name in ("a.evtx", "old/b.EVTX"):
        (tmp_path / "logs" / name).write_bytes((needed() / SPRAY).read_bytes())
    once = evtx(tmp_path, needed() / SPRAY)
    twice = evtx(tmp_path, tmp_path / "logs")
    assert twice.rows["sign_in"] == once.rows["sign_in"]
    assert twice.facts["repeated_records"] == 52


def test_what_is_no_event_log_is_said(tmp_path: Path) -> None:
    bad = tmp_path / "bad.evtx"
    bad.write_bytes(b"MZ" * 5000)
    assert reason(evtx(tmp_path, bad)).startswith(
        "1 record could not be read, first bad.evtx: the file is damaged (this is not an EVTX file)"
    )
    assert evtx(tmp_path, tmp_path / "none.evtx").coverage["sign_in"].state is State.ABSENT
    (tmp_path / "empty").mkdir()
    assert reason(evtx(tmp_path, tmp_path / "empty")) == "empty holds no .evtx file"


@pytest.mark.parametrize("kept", [4096 + 65536, 4096 + 65536 * 2 + 30_000, 4096 + 100])
def test_a_cut_event_log_is_partial(tmp_path: Path, kept: int) -> None:
    cut = tmp_path / "cut.evtx"
    cut.write_bytes((needed() / LONG).read_bytes()[:kept])
    assert {entry.state for entry in evtx(tmp_path, cut).coverage.values()} == {State.PARTIAL}


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("198.51.100.9:40000", "198.51.100.9"), ("[2001:db8::7]:443", "2001:db8::7"), ("[2001:db8::7]", "2001:db8::7"),
        ("::ffff:198.51.100.9", "198.51.100.9"), ("::ffff:c633:6409", "198.51.100.9"), ("[::ffff:198.51.100.9]:1194", "198.51.100.9"),
        ("fe80::1%eth0", "fe80::1"), ("fe80::1%eth0.100", "fe80::1"), ("2001:0DB8::0007", "2001:db8::7"),
        # What cannot be read stays whole: its beginning would be taken for a machine.
        ("198.51.100.9:x", "198.51.100.9:x"), ("198.51.100.999", "198.51.100.999"), ("198.51.100", "198.51.100"),
        ("198.51.100.9/24", "198.51.100.9/24"), ("[2001:db8::zz.a]:1", "[2001:db8::zz.a]:1"),
        ("portable-7.chu.test", "portable-7"), ("3com.chu.test", "3com"), ("12345.chu.test", "12345"),
    ],
)  # fmt: skip
def test_where_an_attempt_came_from(tmp_path: Path, written: str, expected: str) -> None:
    (row,) = vpn(tmp_path, f"19/11/2026 10:00;anne;OK;{written};\n").rows["sign_in"]
    assert row["origin"] == expected


@pytest.mark.parametrize(("said", "word"), [("mdp", "bad_password"), ("?", "other"), ("", "unsaid"), ("Erreur 619", "unsaid")])
def test_a_failure_that_nobody_explains_is_unsaid(tmp_path: Path, said: str, word: str) -> None:
    found = vpn(tmp_path, f"19/11/2026 10:00;anne;KO;203.0.113.5;{said}\n", reasons={"mdp": "bad_password", "?": "other"})
    assert [row["reason"] for row in found.rows["sign_in"]] == [word]
