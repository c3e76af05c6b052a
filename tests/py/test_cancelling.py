"""Whatever is waited for on a call can be cancelled, and ends with the call by one exception."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest
from an_app import app_of, failures

from sems import Call, HungUp, Prompt
from sems.testing import Lab, Phone

LONG = Prompt.tone("sine:440:60000:-12")


async def _listened(call: Call) -> None:
    async for _ in call.audio:
        pass


async def _grouped(call: Call) -> None:
    async with call.group() as group:
        group.create_task(asyncio.sleep(3600))


async def _foreign(call: Call) -> None:
    await call.while_up(asyncio.sleep(3600))


async def _played(call: Call) -> None:
    playback = call.start_play(LONG)
    try:
        await playback.wait()
    finally:
        playback.cancel()


async def _drained(call: Call) -> None:
    call.audio.write_nowait(bytes(16_000 * 30))
    try:
        await call.audio.drain()
    finally:
        call.audio.clear()


async def _recorded(call: Call) -> None:
    recording = await call.record(call.server.config.data / "b.wav")
    try:
        await recording.wait()
    finally:
        await recording.stop()


async def _answered_by_bob(call: Call) -> None:
    async with await call.server.place("sip:bob@bob") as other:
        await call.while_up(other.wait_answered())


async def _media_of_bob(call: Call) -> None:
    async with await call.server.place("sip:bob@bob") as other:
        await call.while_up(other.wait_media())


WAITS: dict[str, Callable[[Call], Awaitable[Any]]] = {
    "play": lambda call: call.play(LONG),
    "play for ever": lambda call: call.play("welcome", repeat=0),
    "tone": lambda call: call.tone("silence:60000"),
    "ask": lambda call: call.ask(LONG, timeout=60),
    "ask without barge-in": lambda call: call.ask(LONG, barge_in=False),
    "digit": lambda call: call.digit(),
    "sleep": lambda call: call.sleep(3600),
    "send_digits": lambda call: call.send_digits("1234567890"),
    "send_digits in band": lambda call: call.send_digits("1234567890123456789012", method="inband"),
    "wait_speaking": lambda call: call.wait_speaking(),
    "write": lambda call: call.audio.write(bytes(16_000 * 30)),
    "drain": _drained,
    "wait of a playback": _played,
    "while_up": _foreign,
    "group": _grouped,
    "fork": lambda call: call.while_up(call.server.fork("sip:bob@bob")),
    "bridge": lambda call: call.bridge("sip:bob@bob"),
    "dial": lambda call: call.while_up(call.server.dial("sip:bob@bob")),
    "wait_answered": _answered_by_bob,
    "wait_media": _media_of_bob,
}
"""What raises HungUp when the call ends …"""
OTHERS: dict[str, Callable[[Call], Awaitable[Any]]] = {
    "wait_ended": lambda call: call.wait_ended(),
    "record_until": lambda call: call.record_until(call.server.config.data / "a.wav", silence=None),
    "listen": _listened,
    "wait of a recording": _recorded,
}
"""… and what ends by itself."""
ASKING: dict[str, Callable[[Call], Awaitable[Any]]] = {
    "answer": lambda call: call.answer(),
    "hold": lambda call: call.hold(True),
    "request": lambda call: call.request("MESSAGE", body="Hello"),
    "transfer": lambda call: call.transfer("sip:bob@bob"),
}
"""What waits for the peer, who may be slow to answer it."""


async def test_it_is_cancelled_and_the_call_goes_on(lab: Lab) -> None:
    wrong: dict[str, str] = {}
    name = ""

    async def main(call: Call) -> None:
        await call.answer()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await (WAITS | OTHERS)[name](call)
        # All is as before: nothing sounds, and what was pressed comes.
        await call.play("tone:sine:900:500:-12")
        if len(call.server.calls) != 1:
            wrong[name] = "somebody else is called still"

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await lab.phone("bob")
    for name in WAITS | OTHERS:
        await alice.call("sip:mine@sems")
        heard = await alice.hear_all()
        after = heard.after(1.1).before(0.4)
        if not after.has_tone(900) or after.has_tone(440):
            wrong[name] = "what is heard is not what is played then"
        await asyncio.sleep(1)
    assert not wrong


async def test_it_ends_with_the_call(lab: Lab, caplog: pytest.LogCaptureFixture) -> None:
    ends: dict[str, object] = {}
    name = ""

    async def main(call: Call) -> None:
        await call.answer()
        try:
            await (WAITS | OTHERS)[name](call)
        except HungUp as hung_up:
            ends[name] = hung_up.call is call
            raise
        ends[name] = "by itself"

    server = await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await lab.phone("bob")
    for name in WAITS | OTHERS:
        await alice.call("sip:mine@sems")
        await asyncio.sleep(1)
        await alice.hang_up()
        await asyncio.sleep(1)
        assert (server.calls, server.rooms) == ({}, {}), name
    assert ends == dict.fromkeys(WAITS, True) | dict.fromkeys(OTHERS, "by itself")
    assert not failures(caplog)


async def asking(lab: Lab, name: str, main: Callable[[Call], Awaitable[None]]) -> Phone:
    """Alice calls, and the app, once what it asks can be asked, does ``main`` with it."""

    async def ask(call: Call) -> None:
        if name != "answer":
            await call.answer()
        # What she says still comes.
        alice.set_line("in", loss=1.0)
        await main(call)

    await lab.server(apps=[app_of(ask)])
    await lab.phone("bob")
    alice = await lab.phone("alice")
    await alice.dial("sip:mine@sems")
    return alice


@pytest.mark.parametrize("name", ASKING)
async def test_it_is_cancelled_while_the_peer_is_slow_to_answer(lab: Lab, name: str) -> None:
    done: list[float] = []

    async def main(call: Call) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await ASKING[name](call)
        alice.set_line("in")
        await call.answer()
        done.append(await call.sleep(3) or call.server.engine.core.stats()["sessions"])

    alice = await asking(lab, name, main)
    await asyncio.sleep(10)
    assert done == [1]
    assert alice.line is not None
    assert alice.line.end is not None, "the handler came to its end"


@pytest.mark.parametrize("name", ASKING)
async def test_it_ends_with_the_call_while_the_peer_is_slow_to_answer(
    lab: Lab, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    ends: list[bool] = []

    async def main(call: Call) -> None:
        try:
            await ASKING[name](call)
        except HungUp as hung_up:
            ends.append(hung_up.call is call)
            raise

    alice = await asking(lab, name, main)
    await asyncio.sleep(1)
    hanging_up = asyncio.create_task(alice.hang_up())
    # An answer is sent until it is taken, for half a minute.
    await asyncio.sleep(40)
    hanging_up.cancel()
    assert ends == [True]
    assert not failures(caplog)


@pytest.mark.parametrize("name", ["ring", "join"])
async def test_what_takes_but_a_moment_is_cancelled_in_it_and_can_be_done_again(lab: Lab, name: str) -> None:
    done: list[object] = []

    async def main(call: Call) -> None:
        room = await call.server.open_room()
        what: Callable[[], Coroutine[Any, Any, None]] = call.ring
        if name == "join":
            await call.answer()
            what = functools.partial(call.join, room)
        doing = asyncio.create_task(what())
        await asyncio.sleep(0)
        doing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await doing
        await what()
        done.append(call.room is room if name == "join" else call.state == "ringing")
        await call.answer()
        await room.close()

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    await alice.ended()
    assert done == [True]
