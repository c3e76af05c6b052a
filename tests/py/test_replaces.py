"""Another peer takes the place of a call's (RFC 3891)."""

from __future__ import annotations

import asyncio
import re

import pytest

from sems import App, Call, CallFailed, Replaced
from sems.testing import Lab, Phone


def replaces(phone: Phone, flags: str = "") -> list[tuple[str, str]]:
    """The header field that names the call which the phone is in, from the other side's view."""
    headers = phone.headers
    tags = [re.search(r";tag=([^;]+)", headers[name]) for name in ("To", "From")]
    to_tag, from_tag = (tag[1] for tag in tags if tag)
    return [("Replaces", f"{headers['Call-ID']};to-tag={to_tag};from-tag={from_tag}{flags}")]


async def test_the_new_peer_joins_the_conference_where_the_old_one_was(lab: Lab) -> None:
    server = await lab.server()
    alice, bob, carol = [await lab.phone(name) for name in ("alice", "bob", "carol")]
    await alice.call("sip:standup@sems")
    await carol.call("sip:standup@sems")
    link = alice.link
    (call,) = [call for call in server.calls.values() if call.caller_user == "alice"]
    told: list[object] = []
    call.subscribe(told.append)
    await bob.call("sip:standup@sems", headers=replaces(alice))
    end = await alice.ended()
    assert (end.cause, end.reason) == ("remote", "Replaced")
    assert bob.link == link
    assert bob.headers["Contact"].endswith(">;isfocus")
    assert Replaced("bob", bob.uri) in told
    assert (call.state, call.caller_name, call.source) == ("answered", "bob", bob.address)
    assert len(server.calls) == 2
    await asyncio.sleep(6)
    bob.tone(440)
    assert (await carol.hear(1)).has_tone(440)
    bob.silence()
    carol.tone(800)
    await asyncio.sleep(0.5)
    assert (await bob.hear(1)).has_tone(800)
    await bob.hang_up()
    await carol.hang_up()
    await asyncio.sleep(40)
    stats = server.engine.core.stats()
    assert {
        name: stats[name] for name in ("calls", "sessions", "legs", "rtp_ports", "transactions")
    } == dict.fromkeys(("calls", "sessions", "legs", "rtp_ports", "transactions"), 0)


async def test_the_app_goes_on_as_if_nothing_had_happened(lab: Lab) -> None:
    app = App("mine")
    keyed: list[str] = []

    @app.call
    async def main(call: Call) -> None:
        await call.answer()
        while key := await call.digit():
            keyed.append(key)

    server = await lab.server(apps=[app])
    alice, bob = [await lab.phone(name) for name in ("alice", "bob")]
    await alice.call("sip:mine@sems")
    await alice.key("1")
    await bob.call("sip:mine@sems", headers=replaces(alice))
    await asyncio.sleep(1)
    await bob.key("2")
    await asyncio.sleep(0.3)
    assert keyed == ["1", "2"]
    await bob.hang_up()
    await asyncio.sleep(1)
    assert not server.calls


@pytest.mark.parametrize(("flags", "code"), [(";early-only", 486), ("x", 481)])
async def test_a_replaces_that_can_not_be_followed_leaves_the_call_alone(
    lab: Lab, flags: str, code: int
) -> None:
    await lab.server()
    alice, bob = [await lab.phone(name) for name in ("alice", "bob")]
    await alice.call("sip:echo@sems")
    with pytest.raises(CallFailed) as failed:
        await bob.call("sip:echo@sems", headers=replaces(alice, flags))
    assert failed.value.code == code
    alice.tone(440)
    await asyncio.sleep(0.3)
    assert (await alice.hear(0.5)).has_tone(440)
