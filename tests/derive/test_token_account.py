"""Whose token it is."""

from __future__ import annotations

import pytest

from auditor.model import Value
from tests.derive.hospital import DOMAIN, Rows, account, derived

ACCOUNTS = [
    account("Marie.P", 1, user_principal_name="marie@chu.test", mail="marie.p@chu.test"),
    account("marie@chu.test", 2, mail="other@chu.test"),
    account("twin", 3, mail="shared@chu.test"),
    account("twin2", 4, mail="SHARED@chu.test"),
]


def owners(holder: str | None, accounts: list[dict[str, Value]] | None = None) -> list[tuple[Value, Value]]:
    rows: Rows = {"account": ACCOUNTS if accounts is None else accounts, "otp_token": [{"token_key": "t", "holder": holder}]}
    return [(row["account_key"], row["matched_by"]) for row in derived(rows, "token_account")]


@pytest.mark.parametrize(
    ("holder", "expected"),
    [
        ("marie.p", [(f"{DOMAIN}-1", "logon_name")]),
        ("CHU\\Marie.P", [(f"{DOMAIN}-1", "logon_name")]),
        ("MARIE@chu.test", [(f"{DOMAIN}-2", "logon_name")]),
        ("marie.p@chu.test", [(f"{DOMAIN}-1", "mail")]),
        ("shared@chu.test", [(f"{DOMAIN}-3", "mail"), (f"{DOMAIN}-4", "mail")]),
        ("nobody", [("", "none")]),
        ("", [("", "none")]),
        (None, [(None, None)]),
    ],
)
def test_a_holder_is_looked_for_by_logon_name_first(holder: str | None, expected: list[tuple[Value, Value]]) -> None:
    assert owners(holder) == expected


@pytest.mark.parametrize("active", [True, False, None])
def test_whether_a_token_is_active_comes_with_it(active: bool | None) -> None:
    tokens = [{"token_key": "t", "holder": "marie.p", "active": active}, {"token_key": "u", "holder": "nobody", "active": active}]
    found = derived({"account": ACCOUNTS, "otp_token": tokens}, "token_account")
    assert [(row["account_key"], row["active"]) for row in found] == [(f"{DOMAIN}-1", active), ("", active)]


def test_a_principal_name_comes_before_a_mail_address() -> None:
    assert owners("marie@chu.test", ACCOUNTS[:1]) == [(f"{DOMAIN}-1", "principal_name")]


def test_nobody_is_not_said_when_a_name_is_not_known() -> None:
    assert owners("nobody", [account("x", 9, mail=None)]) == [(None, None)]
