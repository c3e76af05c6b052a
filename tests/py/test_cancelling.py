"""Whatever is waited for on a call can be cancelled, and ends with the call by one exception."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from an_app import app_of, failures

from sems import Call, HungUp, Prompt
from sems.testing import Lab

LONG = Prompt.tone("sine:440:60000:-12")


async def _listened(call: Call) -> None:
    async for _ in call.audio:
        pass


async def _grouped(call: Call) -> None:
    async with call.group() as group:
        group.create_task(asyncio.sleep(3600))


async def _foreign(call: Call) -> None:
    await call.while_up(asyncio.sleep(3600))


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
    "while_up": _foreign,
    "group": _grouped,
    "fork": lambda call: call.while_up(call.server.fork("sip:bob@bob")),
    "bridge": lambda call: call.bridge("sip:bob@bob"),
}
"""What raises HungUp when the call ends …"""
OTHERS: dict[str, Callable[[Call], Awaitable[Any]]] = {
    "wait_ended": lambda call: call.wait_ended(),
    "record_until": lambda call: call.record_until(call.server.config.data / "a.wav", silence=None),
    "listen": _listened,
}
"""… and what ends by itself."""


@pytest.mark.parametrize("name", WAITS)
async def test_it_is_cancelled_and_the_call_goes_on(lab: Lab, name: str) -> None:
    done: list[str] = []

    async def main(call: Call) -> None:
        await call.answer()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await WAITS[name](call)
        # All is as before: nothing sounds, and what was pressed comes.
        await call.play("tone:sine:900:500:-12")
        done.append(name)
        assert len(call.server.calls) == 1, "nobody else is called any more"

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await lab.phone("bob")
    await alice.call("sip:mine@sems")
    heard = await alice.hear_all()
    assert done == [name]
    assert heard.after(1.1).before(0.4).has_tone(900)
    assert not heard.after(1.1).before(0.4).has_tone(440)


@pytest.mark.parametrize("name", WAITS | OTHERS)
async def test_it_ends_with_the_call(lab: Lab, name: str, caplog: pytest.LogCaptureFixture) -> None:
    ends: list[object] = []

    async def main(call: Call) -> None:
        await call.answer()
        try:
            await (WAITS | OTHERS)[name](call)
        except HungUp as hung_up:
            ends.append(hung_up.call is call)
            raise
        ends.append("by itself")

    server = await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await lab.phone("bob")
    await alice.call("sip:mine@sems")
    await asyncio.sleep(1)
    await alice.hang_up()
    await asyncio.sleep(1)
    assert ends == [True if name in WAITS else "by itself"]
    assert not failures(caplog)
    assert (server.calls, server.rooms) == ({}, {})
