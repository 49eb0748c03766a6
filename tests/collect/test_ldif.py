from __future__ import annotations

import base64
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.collect import SourceError, ldif
from auditor.config import Ldif
from auditor.model import State
from auditor.tables.directory import TABLES
from tests.collect.directories import NAME, domain, take, take_files
from tests.collect.directories import ldif as written

NAMES = st.from_regex(r"\A[A-Za-z][A-Za-z0-9-]{0,15}\Z").filter(
    lambda name: name.lower() not in ("dn", "changetype", "control", "version", "search", "result", "ref")
)
VALUES = st.lists(st.binary(max_size=60), min_size=1, max_size=4)
ENTRIES = st.lists(
    st.tuples(st.text(st.characters(codec="utf-8"), min_size=1, max_size=40), st.dictionaries(NAMES, VALUES, max_size=5)), max_size=6
)


def entries(path: Path, content: str | bytes) -> list[ldif.Entry]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(ldif.read(path))


def folded(line: bytes, width: int) -> bytes:
    return b"\n ".join(line[at : at + width] for at in range(0, len(line), width))


@settings(deadline=None)
@given(ENTRIES, st.integers(5, 80), st.sampled_from([b"\n", b"\r\n"]))
def test_what_is_written_as_ldif_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, wanted: list[ldif.Entry], width: int, end: bytes
) -> None:
    lines = []
    for name, attributes in wanted:
        lines.append(folded(b"dn:: " + base64.b64encode(name.encode()), width))
        for attribute, values in attributes.items():
            lines += [folded(f"{attribute}::".encode() + base64.b64encode(value), width) for value in values]
        lines.append(b"")
    path = tmp_path_factory.mktemp("ldif") / "export.ldif"
    path.write_bytes(b"\n".join(lines).replace(b"\n", end))
    merged = []
    for name, attributes in wanted:
        lower: dict[str, list[bytes]] = {}
        for attribute, values in attributes.items():
            lower.setdefault(attribute.lower(), []).extend(values)
        merged.append((name, lower))
    assert list(ldif.read(path)) == merged


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_file_is_read_or_refused_with_its_line(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("ldif") / "export.ldif"
    path.write_bytes(content)
    try:
        list(ldif.read(path))
    except SourceError as error:
        assert error.text.en.startswith("export.ldif:")


def test_comments_versions_and_foreign_line_ends_are_no_content(tmp_path: Path) -> None:
    content = "# made by hand\n  continued\nversion: 1\r\ndn: CN=a\r\n# in between\ncn: a\r\n\r\n\r\ndn: CN=b\ncn: b"
    assert entries(tmp_path / "x.ldif", content) == [("CN=a", {"cn": [b"a"]}), ("CN=b", {"cn": [b"b"]})]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be"])
def test_byte_order_marks_of_ldifde_are_understood(tmp_path: Path, encoding: str) -> None:
    text = "dn: CN=Renée\r\ndescription: garde de nuit,\r\n  étage 3\u2028\r\n\r\n"
    raw = ("\ufeff" + text).encode("utf-16-be") if encoding == "utf-16-be" else text.encode(encoding)
    assert entries(tmp_path / "x.ldif", raw) == [("CN=Renée", {"description": ["garde de nuit, étage 3\u2028".encode()]})]


def test_an_export_of_ldifde_with_its_changetype_is_content(tmp_path: Path) -> None:
    assert entries(tmp_path / "x.ldif", "dn: CN=a\nchangetype: add\ncn: a\n") == [("CN=a", {"cn": [b"a"]})]


def test_options_are_kept_but_for_binary(tmp_path: Path) -> None:
    content = "dn: CN=a\nuserCertificate;binary:: AAE=\nmember;range=0-1499: CN=b\n"
    assert entries(tmp_path / "x.ldif", content) == [("CN=a", {"usercertificate": [b"\x00\x01"], "member;range=0-1499": [b"CN=b"]})]


def test_references_and_a_successful_closing_result_are_no_entries(tmp_path: Path) -> None:
    content = (
        "dn: CN=a\ncn: a\n\n# search reference\nref: ldap://other\n\n# search result\nsearch: 2\nresult: 0 Success\n"
        "control: 1.2.840.113556.1.4.319 false MAUCAQAEAA==\npagedresults: cookie=\n"
    )
    assert entries(tmp_path / "x.ldif", content) == [("CN=a", {"cn": [b"a"]})]


REFUSED = {
    "a change record": ("dn: CN=a\nchangetype: modify\nadd: cn\ncn: a\n-\n", 2, "change records"),
    "a deletion": ("dn: CN=a\nchangetype: delete\n", 2, "change records"),
    "a rename": ("dn: CN=a\nchangetype: modrdn\nnewrdn: CN=b\n", 2, "change records"),
    "a control": ("dn: CN=a\ncontrol: 1.2.3 true\nchangetype: add\n", 2, "change records"),
    "a value by URL": ("dn: CN=a\njpegPhoto:< file:///etc/passwd\n", 2, "by URL"),
    "broken base64": ("dn: CN=a\nobjectSid:: AQUA!AAA\n", 2, "base64"),
    "base64 cut short": ("dn: CN=a\ncn: a\nobjectSid:: AQUAA", 3, "base64"),
    "an entry without a name": ("cn: a\n", 1, "dn:"),
    "two names in one entry": ("dn: CN=a\ndn: CN=b\n", 2, "two dn:"),
    "a line without a colon": ("dn: CN=a\nhello\n", 2, "not a line"),
    "a folded line without a beginning": (" folded\n", 1, "not a line"),
    "a bad attribute name": ("dn: CN=a\nc n: a\n", 2, "not a line"),
    "binary rubbish": ("\x00\x01\x02\xff", 1, "not a line"),
    "HTML": ("<!DOCTYPE html>\n<html>", 1, "not a line"),
    "a result that is no number": ("search: 2\nresult: none\n", 2, "number"),
}


@pytest.mark.parametrize(("content", "line", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_not_an_export_is_refused_with_file_and_line(tmp_path: Path, content: str, line: int, words: str) -> None:
    with pytest.raises(SourceError) as caught:
        entries(tmp_path / "x.ldif", content)
    assert caught.value.text.en.startswith(f"x.ldif:{line}: ")
    assert words in caught.value.text.en
    assert caught.value.text.fr.startswith(f"x.ldif:{line}\u00a0: ")


def test_utf_16_that_ends_inside_a_character_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="UTF-16"):
        entries(tmp_path / "x.ldif", "dn: CN=a\ncn: a\n".encode("utf-16") + b"\x00")


@pytest.mark.parametrize(
    "content", ["dn: CN=a\ncn: " + "x" * 4000, "dn: CN=a\n" + "cn: x\n " * 1000, "x" * 4000, "dn: CN=a\n" + "cn: abcdefgh\n" * 900]
)
def test_values_and_entries_beyond_the_limits_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str) -> None:
    monkeypatch.setattr(ldif, "MAX_VALUE", 1000)
    monkeypatch.setattr(ldif, "MAX_ENTRY", 5000)
    with pytest.raises(SourceError, match="too l"):
        entries(tmp_path / "x.ldif", content)


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "large.ldif"
    with path.open("w", encoding="ascii") as file:
        file.writelines(f"dn: CN=user{number},DC=test\ndescription: {'x' * 1000}\n\n" for number in range(4000))
    tracemalloc.start()
    try:
        count = sum(1 for _ in ldif.read(path))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 4000
    assert peak < 500_000


def test_a_damaged_export_delivers_nothing_and_says_where(tmp_path: Path) -> None:
    taken = take_files(tmp_path, written(domain()) + "dn: CN=a\nnonsense\n")
    for table in TABLES:
        coverage = taken.coverage(table.name)
        assert (coverage.state, coverage.rows) == (State.ABSENT, 0)
        assert "export0.ldif:" in taken.reason(table.name)
        assert coverage.cure is not None
        assert "under paths in audit.yaml" in coverage.cure.en
        assert taken.tables[table.name] == []


def test_a_missing_file_delivers_nothing_and_says_so(tmp_path: Path) -> None:
    taken = take(Ldif(type="ldif", name=NAME, paths=(tmp_path / "gone.ldif",)), tmp_path / "snapshot")
    assert taken.coverage("account").state is State.ABSENT
    assert "gone.ldif does not exist" in taken.reason("account")
    assert str(tmp_path) not in taken.reason("account")


def test_a_folder_in_place_of_a_file_is_denied(tmp_path: Path) -> None:
    taken = take(Ldif(type="ldif", name=NAME, paths=(tmp_path,)), tmp_path / "snapshot")
    assert taken.coverage("account").state is not State.COMPLETE
    assert "cannot be read" in taken.reason("account")


def test_an_export_the_server_cut_is_partial_everywhere(tmp_path: Path) -> None:
    taken = take_files(tmp_path, written(domain()) + "search: 2\nresult: 4 Size limit exceeded\n")
    assert taken.tables["account"] != []
    for table in TABLES:
        assert taken.coverage(table.name).state is not State.COMPLETE
        assert "LDAP result 4" in taken.reason(table.name)


ANNOUNCED, CLOSED = "# extended LDIF\n#\n# LDAPv3\n\n", "# search result\nsearch: 2\nresult: 0 Success\n"
PAGE = f"{CLOSED}control: 1.2.840.113556.1.4.319 false MAUCAQAEAA==\npagedresults: cookie="


@pytest.mark.parametrize("end", ["", f"{PAGE}AAAA\n\n", f"{PAGE}AAAA\n\ndn: CN=a\ncn: a\n"])
def test_an_export_of_ldapsearch_without_its_closing_result_was_cut(tmp_path: Path, end: str) -> None:
    taken = take_files(tmp_path, ANNOUNCED + written(domain()) + end)
    assert taken.tables["account"] != []
    for table in TABLES:
        assert taken.coverage(table.name).state is not State.COMPLETE
        assert "closing result of ldapsearch is missing" in taken.reason(table.name)


@pytest.mark.parametrize("end", [CLOSED, f"{PAGE}\n", f"{PAGE}AAAA\n\ndn: CN=a\ncn: a\n\n{PAGE}\n"])
def test_an_export_of_ldapsearch_with_its_closing_result_is_whole(tmp_path: Path, end: str) -> None:
    assert take_files(tmp_path, ANNOUNCED + written(domain()) + end).coverage("account").state is State.COMPLETE


def test_one_directory_gives_the_same_bytes_in_any_order_and_any_split(tmp_path: Path) -> None:
    listed = list(domain().items())
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    one = take_files(tmp_path / "one", written(listed))
    two = take_files(tmp_path / "two", written(listed[::-1][:4]), written(listed[::-1][3:]))
    for table in TABLES:
        assert one.snapshot.path(table.name).read_bytes() == two.snapshot.path(table.name).read_bytes()


def test_an_unreadable_file_is_denied(refused: Path) -> None:
    path = refused / "secret.ldif"
    path.write_text("dn: CN=a\n", encoding="ascii")
    path.chmod(0)
    assert take(Ldif(type="ldif", name=NAME, paths=(path,)), refused / "snapshot").coverage("account").state is State.DENIED
