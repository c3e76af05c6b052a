"""Header fields, addresses and URIs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sems.sip.headers import Headers, NameAddr, SipUri, join_host_port, parse_params, quote, split_host_port


def test_names_match_in_any_case_and_in_compact_form() -> None:
    headers = Headers([("f", "<sip:a@b>"), ("X-Two", "1"), ("x-two", "2")])
    assert headers["From"] == headers.get("FROM") == "<sip:a@b>"
    assert headers.all("X-TWO") == ["1", "2"]
    assert "to" not in headers
    assert headers.get("to") is None
    assert headers.get("to", "none") == "none"
    with pytest.raises(KeyError):
        headers["To"]


def test_order_is_kept() -> None:
    fields = [("B", "1"), ("A", "2"), ("B", "3")]
    assert list(Headers(fields)) == fields
    assert len(Headers(fields)) == 3


@pytest.mark.parametrize(
    ("text", "uri"),
    [
        ("sip:alice@example.com", SipUri("sip", "alice", "example.com")),
        ("SIPS:Alice:secret@Example.COM:5061", SipUri("sips", "Alice", "example.com", 5061)),
        ("sip:example.com", SipUri("sip", "", "example.com")),
        ("sip:a%20b;x?y@h;Lr;x=z?q=1", SipUri("sip", "a b;x?y", "h", None, {"lr": "", "x": "z"})),
        ("sip:conf=a@[2001:DB8::1]:5060", SipUri("sip", "conf=a", "2001:db8::1", 5060)),
        ("sip:annc@h;play=a%3a%2f%2fx", SipUri("sip", "annc", "h", None, {"play": "a://x"})),
        ("tel:+49-30;phone-context=x", SipUri("tel", "+4930", "", None, {"phone-context": "x"})),
        ("", SipUri("", "", "")),
        ("sip:h:port", SipUri("sip", "", "h")),
    ],
)
def test_uris_come_apart(text: str, uri: SipUri) -> None:
    assert SipUri.parse(text) == uri


@pytest.mark.parametrize(
    ("text", "name", "uri"),
    [
        ('"Anna \\"A\\" Lee" <sip:a@b;x=y>;tag=1', 'Anna "A" Lee', "sip:a@b;x=y"),
        ("Anna Lee <sip:a@b>", "Anna Lee", "sip:a@b"),
        ("sip:a@b;tag=1", "", "sip:a@b"),
        ("<sip:a@b>", "", "sip:a@b"),
        ('"a < b" <sip:a@b>', "a < b", "sip:a@b"),
        ('"Zoë 🎧"<sip:z@b>', "Zoë 🎧", "sip:z@b"),
        ('"unclosed <sip:a@b>', '"unclosed', "sip:a@b"),
        ("", "", ""),
    ],
)
def test_addresses_come_apart_and_names_stay_as_they_are(text: str, name: str, uri: str) -> None:
    assert NameAddr.parse(text) == NameAddr(name, uri)


def test_parameters_may_be_quoted_and_flags() -> None:
    text = 'play=hello; Repeat = forever ;said="a;b=\\"c\\"";flag;'
    assert parse_params(text) == {"play": "hello", "repeat": "forever", "said": 'a;b="c"', "flag": ""}


@given(st.text())
def test_no_text_makes_a_parser_raise(text: str) -> None:
    SipUri.parse(text)
    NameAddr.parse(text)
    parse_params(text)
    split_host_port(text)


@given(st.text())
def test_what_is_quoted_is_read_back_without_control_characters(text: str) -> None:
    quoted = quote(text)
    assert quoted.isprintable()
    assert parse_params(f"text={quoted}")["text"] == "".join(c if c.isprintable() else " " for c in text)


@pytest.mark.parametrize("address", ["192.0.2.1:5060", "[2001:db8::1]:5060"])
def test_addresses_with_ports_come_apart_and_together(address: str) -> None:
    host, port = split_host_port(address)
    assert port is not None
    assert join_host_port(host, port) == address
