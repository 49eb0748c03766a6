from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.collect import ldap_messages as messages
from auditor.collect.ldap_connect import compiled

NAMES = st.from_regex(r"\A[a-z][a-z0-9;=*-]{0,20}\Z")
ATTRIBUTES = st.dictionaries(NAMES, st.lists(st.binary(max_size=400), max_size=5), max_size=6)
DNS = st.text(st.characters(codec="utf-8"), max_size=300)


def encoded_entry(name: str, attributes: dict[str, list[bytes]]) -> bytes:
    listed = [
        messages.tlv(0x30, messages.octets(attribute), messages.tlv(0x31, *map(messages.octets, found)))
        for attribute, found in attributes.items()
    ]
    return messages.octets(name) + messages.tlv(0x30, *listed)


@settings(deadline=None)
@given(DNS, ATTRIBUTES)
def test_an_entry_gives_back_what_it_was_made_of(name: str, attributes: dict[str, list[bytes]]) -> None:
    assert messages.entry(encoded_entry(name, attributes)) == (name, attributes)


@settings(deadline=None)
@given(DNS, ATTRIBUTES, st.data())
def test_a_cut_entry_is_refused(name: str, attributes: dict[str, list[bytes]], data: st.DataObject) -> None:
    raw = encoded_entry(name, attributes)
    with pytest.raises(ValueError):
        messages.entry(raw[: data.draw(st.integers(0, len(raw) - 1))])
    with pytest.raises(ValueError):
        messages.entry(raw + b"\x00")


@settings(deadline=None)
@given(DNS, ATTRIBUTES, st.data())
def test_altered_bytes_are_read_or_refused(name: str, attributes: dict[str, list[bytes]], data: st.DataObject) -> None:
    raw = bytearray(messages.message(7, messages.tlv(messages.ENTRY, encoded_entry(name, attributes))))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        _, _, content, controls = messages.split(bytes(raw))
        messages.entry(content)
        messages.result(content, controls)
    except ValueError:
        return


@settings(deadline=None)
@given(st.binary(max_size=120), st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(first: bytes, second: bytes) -> None:
    for read in (messages.split, messages.entry, lambda raw: messages.result(raw, second)):
        try:
            read(first)
        except ValueError:
            continue


@settings(deadline=None)
@given(st.integers(0, 2**31 - 1), st.integers(0, 90), st.one_of(st.none(), st.binary(max_size=40)))
def test_a_result_gives_back_code_and_cookie(message_id: int, code: int, cookie: bytes | None) -> None:
    done = messages.tlv(messages.DONE, messages.integer(code, 0x0A), messages.octets(""), messages.octets("why"))
    controls = [] if cookie is None else [messages.paging_control(0, cookie)]
    answered, tag, content, rest = messages.split(messages.message(message_id, done, controls))
    found = messages.result(content, rest)
    assert (answered, tag, found.code, found.message, found.cookie) == (message_id, messages.DONE, code, "why", cookie)


@pytest.mark.parametrize("size", [0, 1, 127, 128, 255, 256, 65535, 65536])
def test_lengths_of_every_width(size: int) -> None:
    assert messages.entry(encoded_entry("", {"a": [b"x" * size]})) == ("", {"a": [b"x" * size]})


@pytest.mark.parametrize("length", [b"\x80", b"\x85\x00\x00\x00\x00\x01", b"\x84\xff\xff\xff\xff"])
def test_lengths_ldap_does_not_use_are_refused(length: bytes) -> None:
    with pytest.raises(ValueError):
        messages.element(b"\x04" + length + b"x" * 10, 0, 16)


def test_filters_are_compiled() -> None:
    assert compiled("(objectClass=user)") == messages.tlv(0xA3, messages.octets("objectClass"), messages.octets("user"))
    assert compiled("(objectClass=*)") == messages.octets("objectClass", 0x87)
    both = compiled("(|(objectClass=user)(&(cn=a)(sn=b)))")
    assert both[0] == 0xA1
