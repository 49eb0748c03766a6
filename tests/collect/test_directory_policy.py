"""Password policies and switches of a domain, from its entries to rows; what was not read is not taken for empty."""

from __future__ import annotations

from pathlib import Path

import pytest

from auditor.model import State
from tests.collect.directories import (
    CONFIGURATION,
    CREATED,
    DOMAIN,
    DOMAIN_SID,
    Attributes,
    attributes,
    domain,
    ldif,
    take_entries,
    take_files,
    user,
)

DIRECTORY_SERVICE = f"CN=Directory Service,CN=Windows NT,CN=Services,{CONFIGURATION}"


def test_the_policy_of_the_domain(tmp_path: Path) -> None:
    (row,) = take_entries(tmp_path).tables["domain"]
    assert row == {
        "domain_sid": DOMAIN_SID, "source": "ad", "dns_name": "chu.test", "functional_level": 7, "min_password_length": 12,
        "password_history_length": 24, "max_password_age_days": 180, "passwords_never_expire": False, "min_password_age_days": 1,
        "complexity_enabled": True, "reversible_encryption": False, "lockout_threshold": 5, "lockout_window_minutes": 30,
        "machine_account_quota": 0, "ds_heuristics": None, "recycle_bin_enabled": None,
    }  # fmt: skip


def test_passwords_that_never_expire_are_a_fact(tmp_path: Path) -> None:
    entries = domain()
    entries[DOMAIN]["maxPwdAge"] = [b"-9223372036854775808"]
    (row,) = take_files(tmp_path, ldif(entries)).tables["domain"]
    assert (row["max_password_age_days"], row["passwords_never_expire"]) == (None, True)


def test_a_hidden_password_policy_makes_the_domain_partial(tmp_path: Path) -> None:
    entries = domain()
    for attribute in ("minPwdLength", "lockoutThreshold"):
        del entries[DOMAIN][attribute]
    taken = take_files(tmp_path, ldif(entries))
    assert "password policy attributes not returned: 2" in taken.reason("domain")


@pytest.mark.parametrize(("given", "expected"), [({}, ""), ({"dSHeuristics": "0000002"}, "0000002"), ({"whenCreated": None}, None)])
def test_ds_heuristics_is_empty_only_when_its_object_was_read(tmp_path: Path, given: dict[str, object], expected: str | None) -> None:
    service = attributes({"objectClass": ["top", "nTDSService"], "instanceType": 4, "whenCreated": CREATED, **given})
    (row,) = take_entries(tmp_path, {DIRECTORY_SERVICE: service}).tables["domain"]
    assert row["ds_heuristics"] == expected


FEATURE = f"CN=Recycle Bin Feature,CN=Optional Features,{DIRECTORY_SERVICE}"


@pytest.mark.parametrize(("given", "expected"), [
    ({}, False), ({"msDS-EnabledFeature": FEATURE}, True), ({"msDS-EnabledFeature": f"CN=Other,{CONFIGURATION}"}, False),
    ({"whenCreated": None}, None), ({"whenCreated": None, "msDS-Behavior-Version": 7}, False),
])  # fmt: skip
def test_the_recycle_bin_is_off_only_when_its_object_was_read(tmp_path: Path, given: dict[str, object], expected: bool | None) -> None:
    partitions = attributes({"objectClass": ["top", "crossRefContainer"], "instanceType": 4, "whenCreated": CREATED, **given})
    (row,) = take_entries(tmp_path, {f"CN=Partitions,{CONFIGURATION}": partitions}).tables["domain"]
    assert row["recycle_bin_enabled"] is expected


def policy(**others: object) -> dict[str, Attributes]:
    values = {
        "objectClass": ["top", "msDS-PasswordSettings"], "instanceType": 4, "whenCreated": CREATED, "name": "Admins",
        "objectGUID": bytes(16), "msDS-PasswordSettingsPrecedence": 10, "msDS-MinimumPasswordLength": 16, "msDS-PasswordHistoryLength": 24,
        "msDS-MaximumPasswordAge": -155_520_000_000_000, "msDS-PasswordComplexityEnabled": "TRUE",
        "msDS-PasswordReversibleEncryptionEnabled": "FALSE", "msDS-LockoutThreshold": 5,
        "msDS-PSOAppliesTo": [f"CN=Domain Admins,CN=Users,{DOMAIN}"], **others,
    }  # fmt: skip
    return {f"CN=Admins,CN=Password Settings Container,CN=System,{DOMAIN}": attributes(values)}


def test_a_fine_grained_policy(tmp_path: Path) -> None:
    (row,) = take_entries(tmp_path, policy()).tables["password_settings"]
    assert row == {
        "policy_key": "00000000-0000-0000-0000-000000000000", "source": "ad", "name": "Admins", "precedence": 10, "min_password_length": 16,
        "password_history_length": 24, "max_password_age_days": 180, "passwords_never_expire": False, "complexity_enabled": True,
        "reversible_encryption": False, "lockout_threshold": 5, "target_count": 1,
    }  # fmt: skip


def test_a_fine_grained_policy_nobody_is_linked_to(tmp_path: Path) -> None:
    change = policy()
    next(iter(change.values())).pop("msDS-PSOAppliesTo")
    (row,) = take_entries(tmp_path, change).tables["password_settings"]
    assert row["target_count"] == 0


def test_an_unseen_container_of_policies_is_not_an_empty_one(tmp_path: Path) -> None:
    entries = domain()
    del entries[f"CN=Password Settings Container,CN=System,{DOMAIN}"]
    taken = take_files(tmp_path, ldif(entries))
    assert taken.coverage("password_settings").state is State.ABSENT


def test_an_empty_container_is_not_believed_when_policies_apply(tmp_path: Path) -> None:
    applied = {"msDS-PSOApplied": f"CN=Admins,CN=Password Settings Container,CN=System,{DOMAIN}"}
    taken = take_entries(tmp_path, {f"CN=Anne,OU=Soins,{DOMAIN}": user(1105, "anne", **applied)})
    assert taken.coverage("password_settings").state is State.ABSENT
