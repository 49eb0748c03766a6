"""Token inventories: everything about a seed but the seed."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from auditor.config_training import Otp
from auditor.model import State
from tests.collect.files import Collected, run

LONG, OTHER = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
HEADER = "upn,serial number,secret key,time interval,manufacturer,model\n"


def tokens(tmp_path: Path, uris: str = "", table: str = "", **more: Any) -> Collected:
    sources: dict[str, Any] = {}
    if uris:
        (tmp_path / "uris.txt").write_text(uris, encoding="utf-8")
        sources["uris"] = [tmp_path / "uris.txt"]
    if table:
        (tmp_path / "tokens.csv").write_text(table, encoding="utf-8")
        sources["tokens"] = [tmp_path / "tokens.csv"]
    return run(Otp.model_validate({"type": "otp", **sources, **more}), tmp_path)


def one(tmp_path: Path, uri: str) -> dict[str, Any]:
    found = tokens(tmp_path, f"{uri}\n")
    assert found.coverage["otp_token"].state is State.COMPLETE, found.coverage
    (row,) = found.rows["otp_token"]
    return row


def reason(found: Collected) -> str:
    text = found.coverage["otp_token"].reason
    assert text is not None
    return text.en


def test_an_address_with_nothing_said_has_the_defaults_of_the_format(tmp_path: Path) -> None:
    assert one(tmp_path, f"otpauth://totp/VPN%20CHU:marie%40chu.test?secret={LONG.lower()}") == {
        "token_key": "otp/VPN CHU:marie@chu.test", "source": "otp", "name": "VPN CHU:marie@chu.test", "holder": "marie@chu.test",
        "kind": "totp", "hardware": False, "active": True, "seed_bits": 160, "seed_group": 1, "algorithm": "SHA1", "digits": 6,
        "period": 30, "event_based": False,
    }  # fmt: skip


def test_what_an_address_says_is_kept(tmp_path: Path) -> None:
    row = one(tmp_path, f"otpauth://hotp/marie?secret={LONG}&issuer=VPN&algorithm=HmacSHA256&digits=8&counter=4")
    assert [row[name] for name in ("name", "kind", "algorithm", "digits", "period", "event_based")] == [
        "VPN:marie", "hotp", "SHA256", 8, None, True,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("query", "column", "value"),
    [
        (f"secret={LONG}&algorithm=MD5", "algorithm", "MD5"),
        (f"secret={LONG}&digits=4", "digits", 4),
        (f"secret={LONG}&period=300", "period", 300),
        ("secret=JBSWY3DPEHPK3PXP", "seed_bits", 80),
        ("secret=JBSW%20Y3DP-EHPK%203PXP", "seed_bits", 80),
    ],
)
def test_what_a_library_would_refuse_is_what_must_be_found(tmp_path: Path, query: str, column: str, value: object) -> None:
    assert one(tmp_path, f"otpauth://totp/marie?{query}")[column] == value


def test_the_same_seed_has_the_same_number_wherever_it_stands(tmp_path: Path) -> None:
    uris = f"# export\n\notpauth://totp/a?secret={LONG}\notpauth://totp/b?secret={OTHER}\notpauth://totp/c?secret={LONG}\n"
    found = tokens(tmp_path, uris, f"{HEADER}d@chu.test,S1,{OTHER.lower()}======,60,J,M\n")
    assert {row["holder"]: row["seed_group"] for row in found.rows["otp_token"]} == {"a": 1, "b": 2, "c": 1, "d@chu.test": 2}
    again = tokens(tmp_path, uris, f"{HEADER}d@chu.test,S1,{OTHER},60,J,M\n")
    assert again.sha256 == found.sha256


def test_hardware_tokens_have_serials_and_states(tmp_path: Path) -> None:
    table = (
        f"upn;serial number;secret key;time interval;state\na@chu.test;S1;{LONG};60;Perdu\nb@chu.test;S2;{OTHER};;actif\n;S2;{LONG};30;\n"
    )
    columns = {"holder": "upn", "serial": "serial number", "secret": "secret key", "period": "time interval", "state": "state"}
    found = tokens(tmp_path, table=table, delimiter=";", columns=columns)
    assert [(r["token_key"], r["active"], r["period"], r["hardware"]) for r in found.rows["otp_token"]] == [
        ("otp/S1", False, 60, True),
        ("otp/S2", True, 30, True),
        ("otp/S2#2", True, 30, True),
    ]


def test_seeds_in_hexadecimal(tmp_path: Path) -> None:
    found = tokens(tmp_path, table=f"{HEADER}a,S1,{'0f' * 20},30,J,M\nb,S2,{LONG},30,J,M\n", seed_encoding="hex")
    assert [row["seed_bits"] for row in found.rows["otp_token"]] == [160]
    assert reason(found) == "1 line could not be read, first tokens.csv:3: its seed cannot be read in the declared encoding"


@pytest.mark.parametrize(
    "line",
    [
        "https://chu.test/?secret=" + LONG,
        "otpauth://totp/a",
        "otpauth://totp/a?secret=",
        "otpauth://totp/a?secret=0189",
        f"otpauth://totp/a?secret={LONG}&secret={OTHER}",
        f"otpauth://email/a?secret={LONG}",
        f"otpauth-migration://offline?data={LONG}",
        f"otpauth://[totp/a?secret={LONG}",
        "otpauth://totp/a?" + "&".join(f"x{n}=1" for n in range(30)) + f"&secret={LONG}",
        LONG,
    ],
)
def test_what_is_no_token_is_counted_and_not_repeated(tmp_path: Path, line: str) -> None:
    found = tokens(tmp_path, f"{line}\notpauth://totp/b?secret={OTHER}\n")
    assert found.coverage["otp_token"].state is State.PARTIAL
    assert [row["holder"] for row in found.rows["otp_token"]] == ["b"]
    assert reason(found).startswith("1 line could not be read, first uris.txt:1: ")
    assert LONG not in str(found.coverage)


def test_numbers_that_are_none_are_not_known(tmp_path: Path) -> None:
    found = tokens(tmp_path, f"otpauth://totp/a?secret={LONG}&digits=six&period={'9' * 30}\n")
    assert [(row["digits"], row["period"]) for row in found.rows["otp_token"]] == [(None, None)]
    assert found.coverage["otp_token"].state is State.PARTIAL


def test_one_missing_file_of_two_is_a_gap_and_two_are_nothing(tmp_path: Path) -> None:
    found = tokens(tmp_path, f"otpauth://totp/a?secret={LONG}\n", tokens=[tmp_path / "x.csv"])
    assert (found.coverage["otp_token"].state, reason(found)) == (State.PARTIAL, "x.csv does not exist")
    assert tokens(tmp_path, tokens=[tmp_path / "x.csv"]).coverage["otp_token"].state is State.ABSENT


def test_settings_that_cannot_work_are_refused() -> None:
    for wrong in (
        {},
        {"uris": ["x"], "columns": {"holder": "h"}},
        {"uris": ["x"], "columns": {"holder": "h", "serial": "s", "secret": "k", "x": "y"}},
        {"uris": ["x"], "columns": {"holder": "h", "serial": "k", "secret": "k"}},
    ):
        with pytest.raises(ValidationError):
            Otp.model_validate({"type": "otp", **wrong})


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.binary(min_size=8, max_size=64), noise=st.text(max_size=60), comma=st.booleans())
@example(seed=b"12345678", noise='"\n', comma=True)
def test_no_trace_of_a_seed_is_kept_whatever_surrounds_it(tmp_path: Path, seed: bytes, noise: str, comma: bool) -> None:
    written = base64.b32encode(seed).decode()
    found = tokens(
        tmp_path,
        f"otpauth://totp/{noise if comma else 'a'}?secret={written}{noise}\n{noise}{written}\n",
        f"{HEADER}a,S1,{written},30,J,M\n{noise},{written},30\n",
    )
    snapshot = tmp_path / "snapshot"
    kept = "".join(str(pq.read_table(path).to_pylist()) for path in snapshot.glob("*.parquet")) + (snapshot / "manifest.json").read_text(
        "utf-8"
    )
    plain_digests = [hashlib.new(name, form).hexdigest() for name in ("md5", "sha1", "sha256") for form in (seed, written.encode())]
    for secret in (written, written.rstrip("="), written.lower().rstrip("="), seed.hex(), base64.b64encode(seed).decode(), *plain_digests):
        assert secret not in kept
    assert (found.coverage["otp_token"].state is State.COMPLETE) == (found.coverage["otp_token"].reason is None)


@pytest.mark.parametrize("label", [LONG, OTHER, LONG.lower(), "VPN:" + LONG, OTHER + ":marie", "JBSW-Y3DP EHPK3PXP JBSWY3DPEHPK3PXP"])
def test_a_seed_in_the_place_of_a_name_is_not_kept(tmp_path: Path, label: str) -> None:
    found = tokens(tmp_path, f"otpauth://totp/{label.replace(' ', '%20')}?secret={LONG}\notpauth://totp/marie?secret={OTHER}\n")
    assert [row["holder"] for row in found.rows["otp_token"]] == ["marie"]
    assert "a seed stands where the holder" in reason(found)


def test_swapped_columns_keep_no_seed(tmp_path: Path) -> None:
    serial, seed = "1122334455" * 4, "c0ffee0123456789c0ffee0123456789c0ffee01"
    table = f"upn,serial,secret\nmarie,{serial},{seed}\n"
    found = tokens(
        tmp_path, table=table, delimiter=",", seed_encoding="hex", columns={"holder": "upn", "serial": "secret", "secret": "serial"}
    )
    assert not found.rows["otp_token"]
    assert found.coverage["otp_token"].state is not State.COMPLETE
