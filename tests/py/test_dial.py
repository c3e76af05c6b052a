"""Calls that we place."""

from __future__ import annotations

import asyncio

import pytest

from sems import CallFailed, Prompt, WrongState
from sems.testing import Lab

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


@pytest.mark.parametrize("uri", ["", "alice", "sip:", "http://192.0.2.1", "sips:a@192.0.2.1"])
async def test_what_cannot_be_called_is_refused_at_once(lab: Lab, uri: str) -> None:
    server = await lab.server()
    with pytest.raises(ValueError, match="no address that can be called"):
        await server.dial(uri)
