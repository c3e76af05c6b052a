"""The app ``ring``."""

from __future__ import annotations

import asyncio

import pytest

from sems import CallFailed, Progress
from sems.events import CallEvent
from sems.testing import Lab, Phone

NEIGHBOURS = ["10.0.0.0/8"]


async def seconds_until_answered(phone: Phone, uri: str, param: str | None = None) -> float:
    loop = asyncio.get_running_loop()
    begin = loop.time()
    await phone.call(uri, headers=[("P-App-Param", param)] if param else [], timeout=300)
    return loop.time() - begin


async def test_it_rings_for_five_seconds_and_then_is_an_echo(lab: Lab) -> None:
    await lab.server()
    alice = await lab.phone("alice")
    told: list[CallEvent] = []
    call = await alice.dial("sip:ring@sems")
    call.subscribe(told.append)
    loop = asyncio.get_running_loop()
    begin = loop.time()
    await call.wait_answered()
    assert loop.time() - begin == pytest.approx(5, abs=0.1)
    assert [event.code for event in told if isinstance(event, Progress)] == [180]
    alice.tone(440)
    await alice.hear(0.3)
    assert (await alice.hear(1)).has_tone(440)


@pytest.mark.parametrize(
    ("param", "seconds"),
    [("seconds=1.5", 1.5), ("seconds=0", 0), ("seconds=soon", 5), ("seconds=-1", 5), ("seconds=1e9", 180)],
)
async def test_a_neighbour_says_how_long_it_rings(lab: Lab, param: str, seconds: float) -> None:
    await lab.server(trusted=NEIGHBOURS)
    alice = await lab.phone("alice")
    assert await seconds_until_answered(alice, "sip:ring@sems", param) == pytest.approx(seconds, abs=0.1)


async def test_a_stranger_does_not(lab: Lab) -> None:
    await lab.server()
    alice = await lab.phone("alice")
    assert await seconds_until_answered(alice, "sip:ring@sems", "seconds=60") == pytest.approx(5, abs=0.1)


async def test_a_caller_who_gives_up_is_let_go(lab: Lab) -> None:
    server = await lab.server()
    alice = await lab.phone("alice")
    call = await alice.dial("sip:ring@sems")
    await asyncio.sleep(2)
    assert call.state == "ringing"
    (incoming,) = server.calls.values()
    await alice.hang_up()
    assert (await incoming.wait_ended()).cause == "cancelled"
    with pytest.raises(CallFailed) as failed:
        await call.wait_answered()
    assert failed.value.code == 487
