"""Whom conferences may call: what would cost somebody money is refused."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sems import Config
from sems.conference import BadTarget, LinesBusy, NotAllowed
from sems.conference.exchange import Exchange, Way
from sems.errors import SemsError

ROOM = "standup"


def exchange(clock: Callable[[], float] = time.monotonic, **dialout: Any) -> Exchange:
    accounts = [{"uri": "sip:meet@provider.example", "name": "provider", "password": "x"}]
    config = Config.model_validate({"dialout": dialout, "accounts": accounts})
    by_name = {account.name: account for account in config.accounts}
    return Exchange(SimpleNamespace(config=config, accounts=by_name), clock)  # type: ignore[arg-type]


MILD = exchange()


def way(target: str, **dialout: Any) -> Way:
    return (exchange(**dialout) if dialout else MILD).way(target, ROOM, None)


@pytest.mark.parametrize(
    ("target", "uri"),
    [
        ("sip:anna@127.0.0.1", "sip:anna@127.0.0.1"),
        ("sip:127.0.0.1:5070", "sip:127.0.0.1:5070"),
        ("anna@127.0.0.1:5070", "sip:anna@127.0.0.1:5070"),
        ("SIP:anna@127.8.9.10", "sip:anna@127.8.9.10"),
        ("sip:anna@[::1]:5070", "sip:anna@[::1]:5070"),
        ("sip:anna@[0:0:0:0:0:0:0:1]", "sip:anna@[::1]"),
        ("sip:anna@localhost", "sip:anna@127.0.0.1"),
        ("sip:anna@LocalHost:5070;transport=TCP", "sip:anna@127.0.0.1:5070;transport=tcp"),
        ("sips:anna@127.0.0.1:5071", "sips:anna@127.0.0.1:5071"),
        ("sip:+4930123@127.0.0.1;user=phone", "sip:+4930123@127.0.0.1"),
    ],
)
def test_without_configuration_this_machine_is_called_straight(target: str, uri: str) -> None:
    found = way(target)
    assert (found.uri, found.straight, found.how["route"]) == (uri, True, ())


ELSEWHERE = [
    "sip:anna@192.0.2.7",
    "sip:anna@10.0.0.1",
    "sip:anna@0.0.0.0",
    "sip:anna@126.255.255.255",
    "sip:anna@128.0.0.1",
    "sip:anna@[::]",
    "sip:anna@[::2]",
    "sip:anna@[::ffff:127.0.0.1]",
    "sip:anna@[::127.0.0.1]",
    "sip:anna@[64:ff9b::7f00:1]",
    "sip:anna@example.com",
    "sip:anna@loopback.example.com",
    "sip:anna@127.0.0.1.example.com",
    "sip:anna@localhost.example.com",
    "sip:anna@foo.localhost",
    "sip:anna@localhost.localdomain",
    "sip:+49900123@provider.example",
    "sips:anna@example.com",
]
TRICKS = [
    # what is a host to one is none to another
    "sip:anna@127.1", "sip:anna@2130706433", "sip:anna@0x7f.0.0.1", "sip:anna@0x7f000001",
    "sip:anna@0177.0.0.1", "sip:anna@127.0.0.01", "sip:anna@127.0.0.1.", "sip:anna@localhost.",
    "sip:anna@127.0.0.256", "sip:anna@127.0.0", "sip:anna@127.0.0.1.2", "sip:anna@１２７.0.0.1",
    "sip:anna@127。0。0。1", "sip:anna@[127.0.0.1]", "sip:anna@::1", "sip:anna@[::1", "sip:anna@[::1%lo]",
    "sip:anna@[::1]x", "sip:anna@[[::1]]", "sip:anna@lоcalhost", "sip:anna@-localhost",
    # two hosts in one
    "sip:anna@127.0.0.1@example.com", "sip:anna@example.com@127.0.0.1", "sip:anna%40example.com@127.0.0.1",
    "sip:anna@127.0.0.1%40example.com", "sip:anna@127.0.0.1#@example.com", "sip:anna@127.0.0.1/@example.com",
    "sip:anna@127.0.0.1\\@example.com", "sip:127.0.0.1;@example.com", "sip:127.0.0.1?@example.com",
    "sip:a;maddr=192.0.2.7@127.0.0.1", "sip:anna@127.0.0.1, sip:anna@example.com",
    "sip:anna@127.0.0.1 example.com", "sip:anna@127.0.0.1>,<sip:anna@example.com",
    # a password
    "sip:anna:secret@127.0.0.1", "sip:anna:@127.0.0.1", "sip::x@127.0.0.1",
    # parameters that lead elsewhere or that nobody knows
    "sip:anna@127.0.0.1;maddr=192.0.2.7", "sip:anna@127.0.0.1;MADDR=192.0.2.7",
    "sip:anna@127.0.0.1;%6daddr=x",
    "sip:anna@127.0.0.1;lr", "sip:anna@127.0.0.1;ttl=1", "sip:anna@127.0.0.1;method=REFER",
    "sip:anna@127.0.0.1;transport=ws", "sip:anna@127.0.0.1;transport=tcp;transport=udp",
    "sip:anna@127.0.0.1;received=192.0.2.7", "sip:anna@127.0.0.1;gr=x", "sip:anna@127.0.0.1;x",
    # header fields that the call should carry
    "sip:anna@127.0.0.1?Route=%3Csip:192.0.2.7;lr%3E", "sip:anna@127.0.0.1?P-App-Name=voicemail",
    "sip:anna@127.0.0.1;transport=udp?Replaces=x", "sip:anna@127.0.0.1?", "sip:anna?x=y@127.0.0.1",
    # lines that are more than one
    "sip:anna@127.0.0.1\r\nRoute: <sip:192.0.2.7>", "sip:anna@127.0.0.1\n", "sip:anna\r\n@127.0.0.1",
    "sip:anna@127.0.0.1\0.example.com", "\nsip:anna@127.0.0.1", "sip:an na@127.0.0.1", "sip:anna\t@127.0.0.1",
    # ports that are none
    "sip:anna@127.0.0.1:0", "sip:anna@127.0.0.1:65536", "sip:anna@127.0.0.1:", "sip:anna@127.0.0.1:+5060",
    "sip:anna@127.0.0.1:5060:5061", "sip:anna@127.0.0.1:١٢",
    # other schemes and names around the address
    "http://127.0.0.1/", "mailto:anna@127.0.0.1", "urn:service:sos", "sip://anna@127.0.0.1",
    "sip:", "sip:@127.0.0.1",
    "sip:sip:anna@127.0.0.1", "<sip:anna@127.0.0.1>", '"Anna" <sip:anna@127.0.0.1>', "file:///etc/passwd",
    "sip:anna@", "@127.0.0.1", "anna@", "sip:100@127.0.0.1;transport=udp;maddr=192.0.2.7",
]  # fmt: skip
NUMBERS = ["100", "+4930123456", "00900123456", "tel:+49900123456", "tel:100", "112", "anna", "tel:*43"]


@pytest.mark.parametrize("target", [*ELSEWHERE, *TRICKS, *NUMBERS])
def test_without_configuration_nobody_else_is_called(target: str) -> None:
    with pytest.raises((NotAllowed, BadTarget)) as refused:
        way(target)
    assert str(refused.value).endswith(".")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("target", ELSEWHERE)
def test_the_refusal_says_not_allowed(target: str) -> None:
    with pytest.raises(NotAllowed, match="not allowed"):
        way(target)


def test_a_trick_is_refused_also_where_everything_is_allowed() -> None:
    open_to_all = exchange(allow=["*"], domain="provider.example")
    for target in TRICKS:
        with pytest.raises(BadTarget):
            open_to_all.way(target, ROOM, None)


@given(st.text('sip:@[]127.0.0.1local.host;?=%&#<>" \r\n\\/x', max_size=40) | st.text(max_size=40))
def test_whatever_is_dialled_only_this_machine_is_called(target: str) -> None:
    with_prefix = [target, f"sip:{target}", f"sip:a@127.0.0.1{target}", f"sip:{target}@127.0.0.1"]
    for text in with_prefix:
        try:
            found = way(text)
        except SemsError:
            continue
        host = found.uri.partition("@")[2] or found.uri.partition(":")[2]
        assert found.straight
        assert host.startswith(("127.", "[::1]"))
        assert all(character.isalnum() or character in "-_.!~*'()+$=:@[];" for character in found.uri)


def test_a_proxy_is_never_asked_for_what_needs_no_allowance() -> None:
    found = way("sip:00900123@127.0.0.1", proxy="sip:proxy.example", username="u", password="p")
    assert found.how["route"] == ()
    assert "username" not in found.how


def test_patterns_say_what_else_may_be_dialled() -> None:
    allowed = {"allow": [r"\+49[1-8]\d+", r"sip:.*@example\.com"], "domain": "pbx.example"}
    for target, uri in (
        ("+49 (30) 123-45", "sip:+493012345@pbx.example"),
        ("tel:+49-30-123", "sip:+4930123@pbx.example"),
        ("sip:anna@example.com", "sip:anna@example.com"),
        ("anna@EXAMPLE.com", "sip:anna@example.com"),
    ):
        found = way(target, **allowed)
        assert (found.uri, found.straight) == (uri, False)
        assert "route" not in found.how
    for target in (
        "+49900123",
        "0049301",
        "sip:anna@example.com:5070",
        "sip:anna@sub.example.com",
        "sip:anna@exampleXcom.net",
        "sip:+4930123@pbx.example",
        "sips:anna@example.com",
        "sip:anna@127.0.0.1",
    ):
        with pytest.raises(NotAllowed):
            way(target, **allowed)


def test_a_star_allows_everything_and_leaves_the_way_to_the_configuration() -> None:
    found = way("sip:anna@192.0.2.7", allow=["*"], proxy="sip:proxy.example")
    assert found.how["route"] == ["sip:proxy.example;lr"]
    assert not found.straight


def test_a_pattern_that_is_none_is_said_at_once() -> None:
    with pytest.raises(ValueError, match="not a regular expression"):
        Config.model_validate({"dialout": {"allow": ["("]}})


def test_the_phone_book_needs_no_pattern() -> None:
    book = {"Anna Bell": "sip:anna@192.0.2.7:5070", "reception": "+4930100"}
    found = way("anna bell", names=book)
    assert (found.uri, found.straight) == ("sip:anna@192.0.2.7:5070", False)
    assert way("Reception", names=book, domain="pbx.example").uri == "sip:+4930100@pbx.example"
    with pytest.raises(ValueError, match="no parameters"):
        Config.model_validate({"dialout": {"names": {"x": "sip:a@b.example;maddr=192.0.2.7"}}})


def test_numbers_and_names_are_called_at_a_domain() -> None:
    everything = {"allow": ["*"]}
    assert way("anna", domain="Example.com", **everything).uri == "sip:anna@example.com"
    assert way("100", domain="192.0.2.1:5070", **everything).uri == "sip:100@192.0.2.1:5070"
    assert way("100", domain="[::1]:5070").uri == "sip:100@[::1]:5070"
    found = way("100", account="provider", **everything)
    assert (found.uri, found.how["account"]) == ("sip:100@provider.example", "provider")
    found = way("100", caller='"Board" <sip:board@pbx.example>', **everything)
    assert found.uri == "sip:100@pbx.example"
    with pytest.raises(BadTarget, match="only addresses"):
        way("100", **everything)


def test_who_calls_is_the_room_unless_something_else_is_said() -> None:
    def caller(given: str | None = None, **dialout: Any) -> tuple[str, str]:
        how = exchange(**dialout).way("sip:x@127.0.0.1", ROOM, given).how
        return how["from_name"], how.get("from_uri", "")

    configured = {"caller": '"Meeting" <sip:meet@example.com>'}
    assert caller() == (ROOM, "")
    assert caller("sip:+4930555@pbx.example") == ("", "sip:+4930555@pbx.example")
    assert caller(**configured) == ("Meeting", "sip:meet@example.com")
    assert caller('"Board" <sip:a@b.example>', **configured) == ("Board", "sip:a@b.example")
    for nonsense in ("", "Anna", "http://x.example", "sip:a@b\r\nX: y"):
        assert caller(nonsense, **configured) == ("Meeting", "sip:meet@example.com")


def test_a_password_goes_to_the_domain_and_the_proxy_alone() -> None:
    """Whoever else is called could pass on a question of theirs, and call at our cost."""
    ours = {"allow": ["*"], "domain": "pbx.example", "username": "u", "password": "p"}
    assert way("100", **ours).how["username"] == "u"
    assert way("sip:anna@pbx.example", **ours).how["password"] == "p"
    for target in ("sip:anna@pbx.example:5070", "sip:anna@192.0.2.7", "sip:anna@127.0.0.1"):
        assert "username" not in way(target, **ours).how
    assert way("sip:anna@192.0.2.7", proxy="sip:pbx.example", **ours).how["username"] == "u"
    for half in ({"username": "u", "domain": "x.example"}, {"username": "u", "password": "p"}):
        with pytest.raises(ValueError, match="password"):
            Config.model_validate({"dialout": half})


def test_a_call_that_is_sent_elsewhere_is_as_good_as_dialled_there() -> None:
    first = way("sip:anna@127.0.0.1")
    assert MILD.redirected("sip:anna@127.0.0.1:5070", first.caller).straight
    for target in (*ELSEWHERE, *TRICKS, *NUMBERS):
        with pytest.raises((NotAllowed, BadTarget)):
            MILD.redirected(target, first.caller)
    ours = exchange(allow=[".*pbx.*", ".*friend.*"], domain="pbx.example", username="u", password="p")
    first = ours.way("100", ROOM, None)
    assert "username" not in ours.redirected("sip:x@friend.example", first.caller).how
    with pytest.raises(NotAllowed):
        ours.redirected("sip:x@192.0.2.7", first.caller)


def test_no_more_calls_are_made_than_may_be() -> None:
    few = exchange(concurrent=3, room_concurrent=2)
    over = [few.begin("a"), few.begin("a")]
    with pytest.raises(LinesBusy, match="busy: this room"):
        few.check_limits("a")
    few.check_limits("b")
    over.append(few.begin("b"))
    with pytest.raises(LinesBusy, match="busy: 3 are made"):
        few.check_limits("c")
    over[0]()
    few.check_limits("a")


def test_no_more_calls_are_made_within_an_hour_than_may_be() -> None:
    now = [0.0]
    few = exchange(lambda: now[0], per_hour=3, room_per_hour=2)
    few.begin("a")()
    now[0] = 1800
    few.begin("a")()
    with pytest.raises(LinesBusy, match="this room has dialled 2 within an hour"):
        few.check_limits("a")
    few.begin("b")()
    with pytest.raises(LinesBusy, match="3 were dialled"):
        few.check_limits("b")
    now[0] = 3600
    few.check_limits("a")
    few.check_limits("b")


def test_an_account_must_exist() -> None:
    with pytest.raises(ValueError, match="no account named x"):
        Config.model_validate({"dialout": {"account": "x"}})
