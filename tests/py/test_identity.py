"""Who a caller is by the network's word, and by which ways its call came."""

from __future__ import annotations

import asyncio

import pytest

from sems import App, Call, Diversion, NameAddr, Reason, SipRequest, Subscription
from sems.testing import Lab

HEADERS = [
    ("P-Asserted-Identity", '"Alice, A." <sip:+4930123@op.example>, <tel:+4930123>'),
    ("Privacy", "id;critical"),
    ("Diversion", '"Bob" <sip:bob@op.example>;reason=no-answer;counter=2, <tel:+1>;reason=unconditional'),
    (
        "History-Info",
        "<sip:bob@op.example?Reason=SIP%3Bcause%3D408>;index=1, <sip:carol@op.example>;index=1.1;rc=1",
    ),
    ("Reason", 'Q.850;cause=16;text="Clearing, normal", SIP;cause=200'),
]


async def called_with(lab: Lab, headers: list[tuple[str, str]], *trusted: str) -> Call:
    """A call with these header fields, at a server that trusts these networks."""
    app = App("mine")

    @app.call
    async def main(call: Call) -> None:
        await call.answer()
        await call.wait_ended()

    server = await lab.server(apps=[app], trusted=list(trusted))
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems", headers=headers)
    (call,) = server.calls.values()
    return call


async def test_a_trusted_neighbour_says_who_calls_and_what_is_private(lab: Lab) -> None:
    call = await called_with(lab, HEADERS, "10.0.0.0/8")
    assert call.asserted_identity == NameAddr("Alice, A.", "sip:+4930123@op.example")
    assert call.privacy == {"id", "critical"}


async def test_requests_and_subscriptions_tell_it_as_well(lab: Lab) -> None:
    app = App("mine")
    got: list[SipRequest | Subscription] = []

    @app.message
    async def on_text(message: SipRequest) -> None:
        got.append(message)

    @app.subscription("presence")
    async def on_subscription(subscription: Subscription) -> None:
        got.append(subscription)
        await subscription.notify("here")

    await lab.server(apps=[app], trusted=["10.0.0.0/8"])
    alice = await lab.server(name="alice")
    whom, how = f"sip:mine@{lab.resolve('sems')}", {"asserted_identity": "tel:+4930123", "privacy": ["id"]}
    await alice.send_message(whom, "Hello", **how)
    async with await alice.subscribe(whom, "presence", **how):  # type: ignore[arg-type]
        pass
    for one in got:
        assert one.asserted_identity == NameAddr("", "tel:+4930123")
        assert one.privacy == {"id"}
        assert "anonymous@anonymous.invalid" in one.headers["From"]
    assert len(got) == 2


async def test_the_word_of_others_is_nobodys_identity(lab: Lab) -> None:
    call = await called_with(lab, HEADERS, "127.0.0.0/8")
    assert call.asserted_identity is None
    assert call.privacy == frozenset()


async def test_the_ways_of_a_call_can_be_read(lab: Lab) -> None:
    call = await called_with(lab, HEADERS)
    assert call.diversions == [
        Diversion("Bob", "sip:bob@op.example", "no-answer", 2),
        Diversion("", "tel:+1", "unconditional", 1),
    ]
    first, second = call.history
    assert (first.uri, first.index, first.reason) == ("sip:bob@op.example", "1", Reason("SIP", 408, ""))
    assert (second.uri, second.index, second.reason, second.params) == (
        "sip:carol@op.example",
        "1.1",
        None,
        {"rc": "1"},
    )
    assert call.reasons == [Reason("Q.850", 16, "Clearing, normal"), Reason("SIP", 200, "")]


async def test_what_is_not_there_or_broken_is_empty(lab: Lab) -> None:
    broken = [("P-Asserted-Identity", "mailto:x"), ("Diversion", "<sip:a@b>;counter=x"), ("Privacy", "none")]
    call = await called_with(lab, broken, "10.0.0.0/8")
    assert call.asserted_identity is None
    assert (call.privacy, call.history, call.reasons) == (frozenset(), [], [])
    assert call.diversions == [Diversion("", "sip:a@b", "", 1)]


async def test_a_call_is_placed_for_somebody_who_stays_unknown(lab: Lab) -> None:
    server = await lab.server()
    alice = await lab.phone("alice")
    dialing = asyncio.create_task(
        server.dial(
            alice.uri, from_name="Bob", asserted_identity="sip:bob@op.example", privacy=["id", "critical"]
        )
    )
    incoming = await alice.ringing()
    assert incoming.caller_name == "Anonymous"
    assert incoming.caller_uri == "sip:anonymous@anonymous.invalid"
    assert incoming.headers["P-Asserted-Identity"] == "<sip:bob@op.example>"
    assert incoming.headers["Privacy"] == "critical;id"
    await incoming.answer()
    await (await dialing).hangup()
    with pytest.raises(ValueError, match="asserted_identity"):
        await server.dial(alice.uri, asserted_identity="bob")
