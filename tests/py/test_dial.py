"""Calls that we place."""

from __future__ import annotations

import asyncio

import pytest

from sems import CallFailed, Prompt, WrongState
from sems.testing import Lab, Phone

LONG_TONE = Prompt.tone("sine:440:10000:-12")


async def test_a_call_is_placed_and_answered(lab: Lab) -> None:
    server = await lab.server()
    alice = await lab.phone("alice")
    dialing = asyncio.create_task(
        server.dial(alice.uri, from_name="The Server", link="http://192.0.2.1/c/x", headers=[("X-Y", "z")])
    )
    incoming = await alice.ringing()
    assert incoming.caller_name == "The Server"
    assert incoming.headers["x-y"] == "z"
    await asyncio.sleep(1)
    await incoming.answer()
    async with await dialing as call:
        assert (call.direction, call.state, call.codec) == ("out", "answered", "PCMU")
        call.start_play(LONG_TONE)
        await asyncio.sleep(0.3)
        assert (await alice.hear(1)).has_tone(440)
        with pytest.raises(WrongState, match="calls that come in"):
            await call.ring()
    assert (await alice.ended()).cause == "remote"


async def test_a_placed_call_that_is_refused_fails_with_the_code(lab: Lab) -> None:
    server = await lab.server()
    alice = await lab.phone("alice")
    dialing = asyncio.create_task(server.dial(alice.uri))
    await (await alice.ringing()).reject(603, "No Thanks")
    with pytest.raises(CallFailed) as failed:
        await dialing
    assert (failed.value.code, failed.value.reason) == (603, "No Thanks")
    assert not server.calls


async def test_a_placed_call_that_nobody_answers_is_taken_back(lab: Lab) -> None:
    server = await lab.server()
    alice = await lab.phone("alice")
    dialing = asyncio.create_task(server.dial(alice.uri, timeout=20))
    incoming = await alice.ringing()
    with pytest.raises(CallFailed, match="408 no answer within 20 seconds"):
        await dialing
    assert (await incoming.wait_ended()).cause == "cancelled"
    await asyncio.sleep(1)
    assert not server.calls


async def test_a_cancelled_dial_is_taken_back(lab: Lab) -> None:
    server = await lab.server()
    alice = await lab.phone("alice")
    dialing = asyncio.create_task(server.dial(alice.uri))
    incoming = await alice.ringing()
    dialing.cancel()
    assert (await incoming.wait_ended()).cause == "cancelled"


async def test_a_host_that_does_not_answer_is_a_timeout(lab: Lab) -> None:
    server = await lab.server()
    with pytest.raises(CallFailed) as failed:
        await server.dial("sip:nobody@10.0.0.99")
    assert failed.value.code == 408
    assert not server.calls


@pytest.mark.parametrize("uri", ["", "alice", "sip:", "http://192.0.2.1", "mailto:a@192.0.2.1"])
async def test_what_cannot_be_called_is_refused_at_once(lab: Lab, uri: str) -> None:
    server = await lab.server()
    with pytest.raises(ValueError, match="uri has to be an address such as"):
        await server.dial(uri)


# Several servers, proxies, redirects


async def test_the_next_server_takes_the_call_when_the_first_is_dead(lab: Lab) -> None:
    server = await lab.server()
    alice = await lab.phone("alice")
    began = asyncio.get_running_loop().time()
    dialing = asyncio.create_task(server.dial(alice.uri, destination=["10.0.0.99:5060", alice.address]))
    await (await alice.ringing()).answer()
    async with await dialing as call:
        assert 4 <= asyncio.get_running_loop().time() - began < 5
        call.start_play(LONG_TONE)
        await asyncio.sleep(0.3)
        assert (await alice.hear(1)).has_tone(440)
    await alice.ended()


async def test_a_call_by_the_outbound_proxy_names_it_in_its_route(lab: Lab) -> None:
    proxy = await lab.phone("proxy")
    server = await lab.server(outbound_proxy="sip:proxy")
    for route in (None, ["sip:proxy;lr"]):
        dialing = asyncio.create_task(server.dial("sip:bob@far.example", route=route))
        incoming = await proxy.ringing()
        assert incoming.headers["Route"] == "<sip:proxy;lr>"
        assert incoming.uri == "sip:bob@far.example"
        await incoming.reject(486)
        with pytest.raises(CallFailed, match="486"):
            await dialing


async def test_a_call_to_a_given_place_goes_by_no_proxy(lab: Lab) -> None:
    alice = await lab.phone("alice")
    server = await lab.server(outbound_proxy="sip:10.0.0.99")
    for destination, route in ((alice.address, None), (None, ())):
        dialing = asyncio.create_task(server.dial(alice.uri, destination=destination, route=route))
        incoming = await alice.ringing()
        assert "Route" not in incoming.headers
        await incoming.answer()
        await (await dialing).hangup()


async def redirect(phone: Phone, *contacts: str) -> None:
    await (await phone.ringing()).reject(302, headers=[("Contact", f"<{uri}>") for uri in contacts])


async def test_a_redirect_is_told_with_its_targets(lab: Lab) -> None:
    server = await lab.server()
    alice = await lab.phone("alice")
    dialing = asyncio.create_task(server.dial(alice.uri))
    await redirect(alice, "sip:bob@there.example", "sip:carol@there.example")
    with pytest.raises(CallFailed) as failed:
        await dialing
    assert failed.value.code == 302
    assert failed.value.targets == ("sip:bob@there.example", "sip:carol@there.example")


async def test_a_redirect_is_followed_when_that_is_wanted(lab: Lab) -> None:
    server = await lab.server()
    alice, bob, carol = [await lab.phone(name) for name in ("alice", "bob", "carol")]
    dialing = asyncio.create_task(server.dial(alice.uri, from_name="Me", follow_redirects=True))
    await redirect(alice, "mailto:bob@there.example", bob.uri, carol.uri)
    await (await bob.ringing()).reject(486)
    incoming = await carol.ringing()
    assert (incoming.caller_name, incoming.headers["To"]) == ("Me", f"<{alice.uri}>")
    await incoming.answer()
    async with await dialing as call:
        assert call.uri == carol.uri
    await carol.ended()
    assert not server.calls


async def test_a_redirect_in_a_circle_ends(lab: Lab) -> None:
    server = await lab.server()
    alice, bob = await lab.phone("alice"), await lab.phone("bob")
    dialing = asyncio.create_task(server.dial(alice.uri, follow_redirects=True))
    await redirect(alice, bob.uri)
    await redirect(bob, alice.uri, bob.uri)
    with pytest.raises(CallFailed, match="302"):
        await dialing


async def test_a_redirect_that_leads_on_for_ever_ends_after_ten_calls(lab: Lab) -> None:
    server = await lab.server()
    alice = await lab.phone("alice")
    dialing = asyncio.create_task(server.dial(alice.uri, follow_redirects=True))
    for turn in range(10):
        await redirect(alice, f"sip:turn{turn}@{alice.address}")
    with pytest.raises(CallFailed, match="302"):
        await dialing


async def test_a_6xx_ends_the_search(lab: Lab) -> None:
    server = await lab.server()
    alice, bob, carol = [await lab.phone(name) for name in ("alice", "bob", "carol")]
    dialing = asyncio.create_task(server.dial(alice.uri, follow_redirects=True))
    await redirect(alice, bob.uri, carol.uri)
    await (await bob.ringing()).reject(603)
    with pytest.raises(CallFailed, match="603"):
        await dialing


async def test_who_merely_rings_may_be_silent(lab: Lab) -> None:
    server = await lab.server(rtp_timeout=5)
    alice = await lab.phone("alice")
    call = await server.place(alice.uri, ring_timeout=40)
    await (await alice.ringing()).ring(183, early_media=True)
    await asyncio.sleep(1)
    assert call.early_media
    await alice.vanish()
    await asyncio.sleep(30)
    assert call.end is None, "it ends with the ringing, not with the sound"
    end = await call.wait_ended()
    assert (end.cause, end.code, end.reason) == ("timeout", 408, "no answer within 40 seconds")


async def test_a_call_rings_reliably_where_both_sides_know_how(lab: Lab) -> None:
    server = await lab.server()
    alice = await lab.phone("alice")
    dialing = asyncio.create_task(server.dial(alice.uri, reliable=True))
    incoming = await alice.ringing()
    assert incoming.headers["Require"] == "100rel"
    await incoming.ring(reliable=True)
    await incoming.answer()
    async with await dialing as call:
        assert call.state == "answered"


async def test_a_word_that_does_not_exist_is_refused_wherever_we_send(lab: Lab) -> None:
    server = await lab.server()
    uri, how = (await lab.phone("alice")).uri, {"destinatoin": "192.0.2.1:5060"}
    for send in (
        server.place(uri, **how),
        server.dial(uri, **how),
        server.request("OPTIONS", uri, **how),
        server.send_message(uri, "hello", **how),
        server.subscribe(uri, "dialog", **how),
    ):
        with pytest.raises(TypeError, match="destinatoin"):
            await send
    assert not server.calls
