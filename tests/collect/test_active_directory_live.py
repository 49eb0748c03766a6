"""Every way of signing in, and the doctor, against a real domain controller."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from auditor.collect import SourceError, active_directory, ldap_kerberos
from auditor.config import ActiveDirectory
from auditor.model import State
from tests.lab import samba
from tests.lab.conftest import dc, lab_snapshot, own_dc  # noqa: F401 - fixtures
from tests.lab.samba import Lab
from tests.lab.test_equality import collected, live_source, rows

pytestmark = pytest.mark.lab


def by_kerberos(lab: Lab, folder: Path, monkeypatch: pytest.MonkeyPatch) -> ActiveDirectory:
    """Settings for a sealed reading, the service known by the address of the controller, and an environment without a ticket."""
    pytest.importorskip("gssapi", reason="the extra [kerberos] is not installed")
    realm = lab.domain.dns.upper()
    (folder / "krb5.conf").write_text(
        f"[libdefaults]\ndefault_realm = {realm}\ndns_lookup_realm = false\ndns_lookup_kdc = false\nrdns = false\n"
        f"dns_canonicalize_hostname = false\nudp_preference_limit = 1\n[realms]\n{realm} = {{\n kdc = {lab.ip}\n}}\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("KRB5_CONFIG", str(folder / "krb5.conf"))
    monkeypatch.setenv("KRB5CCNAME", f"FILE:{folder / 'tickets'}")
    return ActiveDirectory(type="active_directory", name="ad", server=lab.ip, bind="kerberos", receive_timeout=20, deadline=120)


def ticket(lab: Lab) -> None:
    kinit = shutil.which("kinit")
    assert kinit, "krb5-user is not installed"
    principal = f"{samba.READER}@{lab.domain.dns.upper()}"
    subprocess.run([kinit, principal], input=samba.READER_PASSWORD + "\n", text=True, check=True, capture_output=True, env=os.environ)


@pytest.fixture
def kerberos_dc(own_dc: Lab) -> Lab:  # noqa: F811
    account = f"CN={own_dc.domain.host},OU=Domain Controllers,{own_dc.domain.dn}"
    own_dc.plant(f"dn: {account}\nchangetype: modify\nadd: servicePrincipalName\nservicePrincipalName: ldap/{own_dc.ip}\n")
    own_dc.start()
    return own_dc


def test_a_sealed_kerberos_reading_gives_the_same_rows_as_tls(kerberos_dc: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = by_kerberos(kerberos_dc, tmp_path, monkeypatch)
    ticket(kerberos_dc)
    sealed = collected(source, tmp_path / "sealed")
    over_tls = collected(live_source(kerberos_dc, tmp_path), tmp_path / "tls")
    assert {entry.state for entry in sealed.coverage if entry.source == "ad"} == {State.COMPLETE}
    for table in ("directory_group", "group_member", "domain", "password_settings", "security_descriptor", "access_entry"):
        assert rows(sealed, table) == rows(over_tls, table)
    assert len(rows(sealed, "account")) == len(rows(over_tls, "account")) > 5


def test_without_a_ticket_kerberos_says_to_get_one(kerberos_dc: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = collected(by_kerberos(kerberos_dc, tmp_path, monkeypatch), tmp_path / "snapshot")
    reasons = {entry.reason.en for entry in taken.coverage if entry.source == "ad" and entry.reason}
    assert len(reasons) == 1
    assert "kinit" in reasons.pop()


def test_without_the_extra_kerberos_says_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    monkeypatch.setitem(__import__("sys").modules, "gssapi", None)
    settings = ActiveDirectory(type="active_directory", name="ad", server="127.0.0.1", bind="kerberos")
    with socket.socket() as sock, pytest.raises(SourceError, match=r"\[kerberos\]"):
        ldap_kerberos.seal(sock, settings)


def test_starttls_reads_like_ldaps(dc: Lab, tmp_path: Path) -> None:  # noqa: F811
    source = live_source(dc, tmp_path)
    upgraded = collected(source.model_copy(update={"tls": "starttls"}), tmp_path / "starttls")
    direct = collected(source, tmp_path / "ldaps")
    assert rows(upgraded, "directory_group") == rows(direct, "directory_group") != []


def test_small_pages_read_like_large_ones(dc: Lab, tmp_path: Path) -> None:  # noqa: F811
    source = live_source(dc, tmp_path)
    small = collected(source.model_copy(update={"page_size": 10}), tmp_path / "small")
    large = collected(source, tmp_path / "large")
    for table in ("directory_group", "group_member", "directory_object"):
        assert rows(small, table) == rows(large, table) != []


def test_the_doctor_is_content_with_the_audit_account(dc: Lab, tmp_path: Path) -> None:  # noqa: F811
    findings = active_directory.doctor(live_source(dc, tmp_path))
    assert [sentence.en for good, sentence in findings if not good] == []
    assert any(samba.READER in sentence.en for _, sentence in findings)


def test_the_doctor_tells_an_ordinary_account_which_grant_is_missing(dc: Lab, tmp_path: Path) -> None:  # noqa: F811
    findings = active_directory.doctor(live_source(dc, tmp_path, samba.PLAIN_READER, samba.PLAIN_PASSWORD))
    refused = [sentence for good, sentence in findings if not good]
    assert len(refused) == 1
    assert "Password Settings Container" in refused[0].en
    assert "Password Settings Container" in refused[0].fr


def test_the_doctor_names_a_wrong_password(dc: Lab, tmp_path: Path) -> None:  # noqa: F811
    findings = active_directory.doctor(live_source(dc, tmp_path, samba.READER, "wrong"))
    assert [good for good, _ in findings] == [False]
    assert "wrong user name or password" in findings[0][1].en
