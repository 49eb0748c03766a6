"""What Windows does and neither Samba nor OpenLDAP: lists in ranges; and answers no honest server gives. A scripted server speaks
LDAP over a real socket."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from auditor.collect import ldap, ldap_messages
from auditor.collect import ldap_messages as messages
from auditor.collect.ldap import Deadline, LdapError, Session
from tests.collect.test_ldap_messages import encoded_entry

Script = Callable[[int, str, list[str]], bytes]
"""(message id, base, attributes asked for) of a search -> everything to answer."""


def entry(message_id: int, name: str, attributes: dict[str, list[bytes]]) -> bytes:
    return messages.message(message_id, messages.tlv(messages.ENTRY, encoded_entry(name, attributes)))


def done(message_id: int, code: int = 0, cookie: bytes | None = b"") -> bytes:
    body = messages.tlv(messages.DONE, messages.integer(code, 0x0A), messages.octets(""), messages.octets(""))
    return messages.message(message_id, body, [] if cookie is None else [messages.paging_control(0, cookie)])


def asked(content: bytes) -> tuple[str, list[str]]:
    parts = list(messages.elements(content, 0, len(content)))
    wished = [content[start:end].decode() for _, start, end in messages.elements(content, parts[7][1], parts[7][2])]
    return content[parts[0][1] : parts[0][2]].decode(), wished


@contextmanager
def scripted(script: Script, seconds: float = 10) -> Iterator[Session]:
    """A session with a server that follows the script."""
    ours, theirs = socket.socketpair()
    ours.settimeout(5)

    def serve() -> None:
        with suppress(OSError):
            while request := theirs.recv(1 << 16):
                message_id, tag, content, _ = messages.split(request)
                if tag == 0x42:
                    break
                theirs.sendall(script(message_id, *asked(content)))
        theirs.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        with Session(ours, Deadline(seconds, lambda: ours), 10) as session:
            yield session
    finally:
        thread.join(5)


def search(session: Session) -> list[ldap.Entry]:
    return list(session.search("DC=test", "(objectClass=*)", ("cn",)))


def pages(*sizes: int) -> Script:
    left = list(enumerate(sizes, 1))

    def script(message_id: int, _base: str, _wished: list[str]) -> bytes:
        number, size = left.pop(0)
        found = b"".join(entry(message_id, f"CN={number}-{position}", {"CN": [b"x"]}) for position in range(size))
        return found + done(message_id, cookie=b"more" if left else b"")

    return script


def test_pages_follow_each_other_to_the_end() -> None:
    with scripted(pages(3, 0, 2)) as session:
        assert [name for name, _ in search(session)] == ["CN=1-0", "CN=1-1", "CN=1-2", "CN=3-0", "CN=3-1"]


@pytest.mark.parametrize("code", [1, 3, 4, 11, 12, 51, 52, 53, 80])
def test_an_error_on_a_later_page_is_an_error_after_what_came(code: int) -> None:
    first = pages(2, 2)

    def script(message_id: int, base: str, wished: list[str]) -> bytes:
        good = first(message_id, base, wished)
        return good if b"1-0" in good else good.replace(done(message_id), b"") + done(message_id, code, None)

    with scripted(script) as session:
        got = []
        with pytest.raises(LdapError) as caught:
            for name, _ in session.search("DC=test", "(objectClass=*)", ("cn",)):
                got.append(name)
    assert len(got) == 4
    assert caught.value.code == code
    assert not caught.value.lost
    assert f"LDAP result {code}" in caught.value.text.en
    assert f"résultat LDAP {code}" in caught.value.text.fr
    assert caught.value.text.en.endswith("; check the network and the server, then start again.")


def raw(answer: Callable[[int], bytes]) -> Script:
    return lambda message_id, _base, _wished: answer(message_id)


DISHONEST = {
    "no paging control": raw(lambda number: done(number, cookie=None)),
    "more entries than asked for": pages(11),
    "an answer to another question": raw(lambda number: done(number + 1)),
    "a notice of disconnection": raw(lambda _number: messages.message(
        0, messages.tlv(0x78, messages.integer(52, 0x0A), messages.octets(""), messages.octets(""))
    )),
    "an operation nobody asked for": raw(lambda number: messages.message(number, messages.tlv(0x61, b""))),
    "rubbish": raw(lambda _number: b"HTTP/1.1 400 Bad Request\r\n\r\n"),
    "a message of 2 GB": raw(lambda _number: b"\x30\x84\x7f\xff\xff\xff" + b"x" * 1000),
    "a length of nine bytes": raw(lambda _number: b"\x30\x89" + b"\x01" * 9),
    "a malformed entry": raw(lambda number: messages.message(number, messages.tlv(messages.ENTRY, b"\x04\x05ab"))),
    "a malformed paging control": raw(lambda number: messages.message(
        number, messages.tlv(messages.DONE, messages.integer(0, 0x0A), messages.octets(""), messages.octets("")),
        [messages.tlv(0x30, messages.octets(ldap_messages.PAGED_RESULTS), messages.octets(messages.tlv(0x30, messages.integer(1))))],
    )),
}  # fmt: skip


@pytest.mark.parametrize("script", DISHONEST.values(), ids=DISHONEST.keys())
def test_an_answer_that_cannot_be_trusted_ends_the_reading(script: Script) -> None:
    with scripted(script) as session:
        with pytest.raises(LdapError) as caught:
            search(session)
        assert caught.value.lost
        assert caught.value.text.en.endswith(" entries); check the network and the server, then start again.")
        assert caught.value.text.fr.endswith("\u00a0; vérifier le réseau et le serveur, puis recommencer.")
        with pytest.raises(LdapError):
            session.read("", ("cn",))


def test_references_to_other_partitions_are_passed_over() -> None:
    def script(message_id: int, _base: str, _wished: list[str]) -> bytes:
        return (
            messages.message(message_id, messages.tlv(messages.REFERENCE, messages.octets("ldap://x")))
            + entry(message_id, "CN=a", {})
            + done(message_id)
        )

    with scripted(script) as session:
        assert [name for name, _ in search(session)] == ["CN=a"]


def test_endless_pages_end_with_the_deadline() -> None:
    with scripted(raw(lambda number: done(number, cookie=b"again")), seconds=0.5) as session, pytest.raises(LdapError, match="deadline"):
        search(session)


MEMBERS = [f"CN=m{number}".encode() for number in range(3700)]


def windows(_base: str, wished: str, step: int = 1500) -> tuple[str, list[bytes]]:
    """The range a domain controller answers with."""
    low = int(wished.partition("=")[2].partition("-")[0]) if "=" in wished else 0
    last = low + step >= len(MEMBERS)
    return f"{wished.partition(';')[0]};range={low}-{'*' if last else low + step - 1}", MEMBERS[low : low + step]


@pytest.mark.parametrize("attribute", ["member", "msds-psoappliesto"])
def test_a_long_list_is_read_to_its_end_between_two_entries(attribute: str) -> None:
    def script(message_id: int, base: str, wished: list[str]) -> bytes:
        name, found = windows(base, wished[0])
        return entry(message_id, "CN=team", {name: found}) + done(message_id)

    with scripted(script) as session:
        ((name, attributes),) = list(session.search("DC=test", "(objectClass=group)", (attribute,)))
        assert session.complete(name, attributes) == {attribute: MEMBERS}


@pytest.mark.parametrize("answer", [
    {}, {"member;range=1500-*": []}, {"member;range=1500-x": [b"CN=a"]}, {"member;range=1500": [b"CN=a"]}, {"cn": [b"a"]},
    {"member;range=0-1499": [b"CN=a"]}, {f"member;range=1500-{'9' * 5000}": [b"CN=a"]},
])  # fmt: skip
def test_a_list_that_does_not_go_on_is_an_error(answer: dict[str, list[bytes]]) -> None:
    with scripted(raw(lambda number: entry(number, "CN=team", answer) + done(number))) as session, pytest.raises(LdapError):
        session.complete("CN=team", {"member;range=0-1499": MEMBERS[:1500]})


def test_an_entry_that_may_not_be_seen_is_none() -> None:
    with scripted(raw(lambda number: done(number, 32, None))) as session:
        assert session.read("CN=hidden", ("cn",)) is None


def test_an_entry_that_is_denied_is_an_error_that_says_so() -> None:
    with scripted(raw(lambda number: done(number, 50, None))) as session, pytest.raises(LdapError, match="insufficientAccessRights"):
        session.read("CN=denied", ("cn",))
