"""What was not seen is said, even when nothing announces it: cut and old exports, hidden lists, attributes left out, contradictions."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from auditor import collect
from auditor.config import Ldif
from auditor.model import State
from auditor.tables.directory import TABLES
from tests.collect.directories import AS_OF, DOMAIN, NAME, Attributes, Taken, domain, group, ldif, take, take_entries, take_files, user

SOINS = f"OU=Soins,{DOMAIN}"
ANNE, PAUL = f"CN=Anne,{SOINS}", f"CN=Paul,{SOINS}"
TEAM = f"CN=Equipe,{SOINS}"
ADMINS = f"CN=Domain Admins,CN=Users,{DOMAIN}"


def partial(taken: Taken, words: str) -> set[str]:
    """Tables that are not complete for a reason that holds these words."""
    found = {table.name for table in TABLES if words in taken.reason(table.name)}
    assert all(taken.coverage(name).state is not State.COMPLETE for name in found)
    return found


EVERY = {table.name for table in TABLES}


@pytest.mark.parametrize("name", [
    f"CN=Administrator,CN=Users,{DOMAIN}", f"CN=krbtgt,CN=Users,{DOMAIN}", ADMINS, f"CN=Administrators,CN=Builtin,{DOMAIN}",
])  # fmt: skip
def test_a_missing_built_in_object_makes_every_table_of_the_export_partial(tmp_path: Path, name: str) -> None:
    entries = domain()
    del entries[name]
    assert partial(take_files(tmp_path, ldif(entries)), "built-in objects that every domain has and that were not seen: 1") == EVERY


def test_an_export_without_the_domain_object_is_partial_everywhere(tmp_path: Path) -> None:
    entries = domain()
    del entries[DOMAIN]
    taken = take_files(tmp_path, ldif(entries))
    assert partial(taken, "the object of the domain was not seen") == EVERY
    assert taken.coverage("domain").state is State.ABSENT


def test_a_second_domain_without_its_object_is_said(tmp_path: Path) -> None:
    other = {"CN=Luc,DC=filiale,DC=test": user("S-1-5-21-7-7-7-1105", "luc")}
    assert partial(take_entries(tmp_path, other), "the object of the domain was not seen") == EVERY


def test_an_export_cut_between_two_records_is_partial_everywhere(tmp_path: Path) -> None:
    accounts = {name: found for name, found in domain().items() if b"group" not in found["objectClass"]}
    assert partial(take_files(tmp_path, ldif(accounts)), "built-in objects") == EVERY
    # Even when the built-in objects came before the cut.
    taken = take_entries(tmp_path, {TEAM: group(2001, "equipe", member=[ANNE])})
    assert partial(taken, "members whose object is not visible: 1") == EVERY
    taken = take_entries(tmp_path, {ANNE: user(1105, "anne", primaryGroupID=2001)})
    assert partial(taken, "primary groups whose object is not visible: 1") == EVERY


def test_an_export_without_computers_is_partial_everywhere(tmp_path: Path) -> None:
    entries = domain()
    del entries[f"CN=DC1,OU=Domain Controllers,{DOMAIN}"]
    assert partial(take_files(tmp_path, ldif(entries)), "no domain controller was seen") == EVERY


@pytest.mark.parametrize("given", [{"userAccountControl": 0x82000}, {"userAccountControl": 0x5001000}, {"userAccountControl": None}])
def test_a_domain_controller_is_known_by_its_bits_or_its_primary_group(tmp_path: Path, given: dict[str, object]) -> None:
    primary = 516 if given["userAccountControl"] is None else 513
    controller = user(1000, "DC1$", objectClass=["top", "user", "computer"], primaryGroupID=primary, **given)
    taken = take_entries(tmp_path, {f"CN=DC1,OU=Domain Controllers,{DOMAIN}": controller})
    assert partial(taken, "no domain controller") == set()


@pytest.mark.parametrize("name", [ADMINS, f"CN=Administrators,CN=Builtin,{DOMAIN}"])
def test_administrators_without_a_visible_member_hide_them(tmp_path: Path, name: str) -> None:
    entries = domain()
    del entries[name]["member"]
    taken = take_files(tmp_path, ldif(entries))
    assert partial(taken, "groups that always have members (Domain Admins, Administrators) and show none: 1") == {"group_member"}


def test_a_member_by_primary_group_is_a_visible_member(tmp_path: Path) -> None:
    entries = domain()
    del entries[ADMINS]["member"]
    entries[ANNE] = user(1105, "anne", primaryGroupID=512)
    assert take_files(tmp_path, ldif(entries)).coverage("group_member").state is State.COMPLETE


def told(folder: Path, member_of: list[str], listed: list[str], **others: object) -> Taken:
    paul = user(1106, "paul")
    entries = {ANNE: user(1105, "anne", memberOf=member_of, **others), PAUL: paul, TEAM: group(2001, "equipe", member=listed or None)}
    return take_entries(folder, entries)


def test_a_membership_the_account_tells_and_the_group_hides_is_counted(tmp_path: Path) -> None:
    reason = "memberships that accounts tell (memberOf) and that the lists of members do not show: 1"
    assert partial(told(tmp_path, [TEAM], []), reason) == {"group_member"}
    # Paul says nothing of where he belongs: his place in the list does not stand for that of Anne.
    assert partial(told(tmp_path, [TEAM], [PAUL]), reason) == {"group_member"}
    assert partial(told(tmp_path, [f"CN=Cache,{SOINS}"], []), reason) == {"group_member"}


@pytest.mark.parametrize(("member_of", "listed"), [
    ([TEAM.replace("OU=", "ou=")], [ANNE.lower(), PAUL]),
    (["CN=Lointain,OU=Filiale,DC=autre,DC=test"], []),
    ([], [ANNE, PAUL]),
])  # fmt: skip
def test_lists_that_agree_with_what_accounts_tell_are_complete(tmp_path: Path, member_of: list[str], listed: list[str]) -> None:
    assert told(tmp_path, member_of, listed).coverage("group_member").state is State.COMPLETE
    assert told(tmp_path, [*member_of, TEAM], [ANNE], primaryGroupID=2001).coverage("group_member").state is State.COMPLETE


def filetime(moment: datetime) -> int:
    return int((moment - datetime(1601, 1, 1)).total_seconds()) * 10_000_000


def of(folder: Path, newest: datetime, max_age_days: int = 14) -> Taken:
    entries = domain()
    entries[f"CN=Administrator,CN=Users,{DOMAIN}"]["lastLogonTimestamp"] = [str(filetime(newest)).encode()]
    path = folder / "export.ldif"
    path.write_text(ldif(entries), encoding="ascii")
    return take(Ldif(type="ldif", name=NAME, paths=(path,), max_age_days=max_age_days), folder / "snapshot")


def test_the_age_of_an_export_is_judged_by_its_newest_trace(tmp_path: Path) -> None:
    old = of(tmp_path, AS_OF - timedelta(days=14, seconds=1))
    assert partial(old, "the newest trace in the export is of 2026-11-06") == EVERY
    assert partial(of(tmp_path, AS_OF - timedelta(days=14)), "trace") == set()
    assert partial(of(tmp_path, AS_OF - timedelta(days=20), max_age_days=30), "trace") == set()
    cure = old.coverage("account").cure
    assert cure is not None
    assert "Export the domain" in cure.en


def test_an_export_later_than_the_audit_is_said(tmp_path: Path) -> None:
    late = of(tmp_path, AS_OF + timedelta(days=1, seconds=1))
    assert partial(late, "the export is later than the date of the audit") == EVERY
    assert partial(of(tmp_path, AS_OF + timedelta(days=1)), "later") == set()


def test_an_export_without_any_trace_has_no_age(tmp_path: Path) -> None:
    entries = domain()
    for found in entries.values():
        for attribute in ("whenCreated", "pwdLastSet", "lastLogonTimestamp"):
            found.pop(attribute, None)
    assert partial(take_files(tmp_path, ldif(entries)), "no trace of activity") == EVERY


def test_what_a_list_of_attributes_leaves_out_is_not_known(tmp_path: Path) -> None:
    # instanceType is an attribute somebody may wish for; that and the counter of changes on all objects come only with all others.
    entries = domain()
    del entries[ADMINS]["uSNChanged"]
    taken = take_files(tmp_path, ldif({**entries, ANNE: user(1105, "anne", description="rien")}))
    assert taken.account("anne")["secret_in_attribute"] is None
    sentence = "the export leaves attributes out and {} appears nowhere in it"
    assert partial(taken, sentence.format("msDS-AllowedToActOnBehalfOfOtherIdentity")) == {"delegation_trustee"}
    assert partial(taken, sentence.format("msDS-AllowedToDelegateTo")) == {"delegation_target"}
    assert take_entries(tmp_path).account("Administrator")["secret_in_attribute"] == ""


CONTRADICTION = "contradictions (one name with two SIDs, one SID with two names, two values where there can be one): 1"


@pytest.mark.parametrize("changed", [(ANNE, user(1199, "anne")), (f"CN=Renommée,{SOINS}", user(1105, "anne"))], ids=["SID", "name"])
def test_one_name_with_two_sids_and_one_sid_with_two_names_contradict_each_other(tmp_path: Path, changed: tuple[str, Attributes]) -> None:
    taken = take_files(tmp_path, ldif([*domain().items(), (ANNE, user(1105, "anne")), changed]))
    assert partial(taken, CONTRADICTION) == {"account", "group_member"}


def test_a_group_under_two_names_contradicts_itself(tmp_path: Path) -> None:
    teams = [(TEAM, group(2001, "equipe")), (f"CN=Autre,{SOINS}", group(2001, "autre"))]
    assert partial(take_files(tmp_path, ldif([*domain().items(), *teams])), CONTRADICTION) == {"directory_group", "group_member"}


def test_overlapping_exports_do_not_contradict_each_other(tmp_path: Path) -> None:
    spelled = {name.replace("CN=", "cn="): found for name, found in domain().items()}
    assert take_files(tmp_path, ldif(domain()), ldif(spelled)).coverage("account").state is State.COMPLETE


def test_two_values_where_there_can_be_one_are_not_known(tmp_path: Path) -> None:
    taken = take_entries(tmp_path, {ANNE: user(1105, "anne", userAccountControl=[512, 514])})
    assert taken.account("anne")["enabled"] is None
    assert "account" in partial(taken, CONTRADICTION)
    assert take_entries(tmp_path, {ANNE: user(1105, "anne", userAccountControl=[512, 512])}).account("anne")["enabled"] is True


@pytest.mark.parametrize("attribute", ["displayName", "sAMAccountName", "servicePrincipalName", "description", "employeeNumber"])
def test_a_text_that_is_not_utf_8_is_counted(tmp_path: Path, attribute: str) -> None:
    taken = take_entries(tmp_path, {ANNE: user(1105, "anne", **{attribute: b"Ren\xe9e"})})
    assert "account" in partial(taken, "values that could not be understood: 1")


def test_a_name_that_is_not_utf_8_is_counted(tmp_path: Path) -> None:
    entries = ldif({ANNE: user(1105, "anne")})
    broken = entries.replace(base64.b64encode(ANNE.encode()).decode(), base64.b64encode(f"CN=Renée,{SOINS}".encode("latin-1")).decode())
    assert "account" in partial(take_files(tmp_path, ldif(domain()) + broken), "values that could not be understood: 1")


def numbered(folder: Path, **others: object) -> tuple[object, object]:
    """(employee_id, professional_id_raw) of an account without either, beside one that has `others`."""
    entries = {**domain(), ANNE: user(1105, "anne"), PAUL: user(1106, "paul", **others)}
    path = folder / "export.ldif"
    path.write_text(ldif(entries), encoding="ascii")
    source = Ldif(
        type="ldif", name=NAME, paths=(path,), person_number_attribute="employeeType", professional_id_attributes=("pager", "info")
    )
    row = take(source, folder / "snapshot").account("anne")
    return row["employee_id"], row["professional_id_raw"]


def test_numbers_are_read_from_the_attributes_that_are_declared(tmp_path: Path) -> None:
    path = tmp_path / "export.ldif"
    path.write_text(ldif({**domain(), ANNE: user(1105, "anne", employeeType="042", employeeID="7", info="99000000002")}), encoding="ascii")
    source = Ldif(type="ldif", name=NAME, paths=(path,), person_number_attribute="employeeType", professional_id_attributes=("info",))
    row = take(source, tmp_path / "snapshot").account("anne")
    assert (row["employee_id"], row["professional_id_raw"]) == ("042", "99000000002")


def test_a_declared_attribute_that_no_account_has_tells_nothing(tmp_path: Path) -> None:
    assert numbered(tmp_path) == (None, None)
    assert numbered(tmp_path, employeeType="042") == ("", None)
    assert numbered(tmp_path, info="99000000002") == (None, "")
    # On a group it says nothing of accounts.
    entries = {TEAM: group(2001, "equipe", employeeID="1")}
    assert take_entries(tmp_path, entries).account("Administrator")["employee_id"] is None


def test_the_doctor_advises_no_grant_for_a_file_that_is_not_there(tmp_path: Path) -> None:
    source = Ldif(type="ldif", name=NAME, paths=(tmp_path / "gone.ldif",))
    findings = collect.doctor(source, AS_OF)
    assert findings
    for good, sentence in findings:
        assert not good
        assert "gone.ldif does not exist; correct the path. Give, under paths in audit.yaml" in sentence.en
        assert "audit group" not in sentence.en
        assert "groupe d’audit" not in sentence.fr
