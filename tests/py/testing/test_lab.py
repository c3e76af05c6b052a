"""The lab itself."""

from __future__ import annotations

import asyncio

import pytest

from sems import App, Call, CallFailed, Server, WrongState
from sems.testing import Lab, run


async def test_phones_call_each_other(lab: Lab) -> None:
    alice, ben = await lab.phone("alice"), await lab.phone("ben")
    calling = asyncio.create_task(alice.call(ben.uri))
    incoming = await ben.ringing()
    await incoming.answer()
    await calling
    alice.tone(440)
    ben.tone(600)
    await alice.hear(0.3)
    assert (await alice.hear(0.5)).has_tone(600)
    assert (await ben.hear(0.5)).has_tone(440)
    await ben.hang_up()
    assert (await alice.ended()).cause == "remote"


async def test_a_name_of_the_lab_is_an_address(lab: Lab) -> None:
    await lab.server(name="one")
    await lab.server(name="two")
    assert lab.resolve("one") == "10.0.0.1:5060"
    assert lab.resolve("two", 5070) == "10.0.0.2:5070"
    assert lab.resolve("10.0.0.9") == "10.0.0.9:5060"
    alice = await lab.phone("alice")
    await alice.call("sip:echo@two")
    with pytest.raises(CallFailed, match="there is no three in this lab"):
        await alice.call("sip:echo@three")


async def test_a_phone_that_is_in_no_call_says_so(lab: Lab) -> None:
    alice = await lab.phone("alice")
    with pytest.raises(RuntimeError, match="alice is in no call"):
        alice.tone(440)


async def test_a_phone_hears_nothing_before_there_is_a_way_for_sound(lab: Lab) -> None:
    await lab.server()
    alice = await lab.phone("alice")
    await alice.dial("sip:ring@sems")
    await asyncio.sleep(1)
    with pytest.raises(WrongState):
        await alice.hear()


async def test_an_unplugged_phone_says_nothing_any_more(lab: Lab) -> None:
    server = await lab.server()
    alice = await lab.phone("alice")
    await alice.call("sip:echo@sems")
    await alice.vanish()
    await asyncio.sleep(5)
    (call,) = server.calls.values()
    assert call.end is None


async def conversation(lab: Lab) -> tuple[bytes, float]:
    await lab.server()
    alice = await lab.phone("alice")
    await alice.call("sip:echo@sems")
    alice.tone(440)
    heard = await alice.hear(3)
    await alice.hang_up()
    return heard.pcm.tobytes(), asyncio.get_running_loop().time()


def heard_in(seed: int) -> tuple[bytes, float]:
    async def main() -> tuple[bytes, float]:
        async with Lab(seed=seed, loss=0.05, duplicate=0.02, jitter_ms=30) as lab:
            return await conversation(lab)

    return run(main())


def test_the_same_seed_gives_the_same_run() -> None:
    assert heard_in(7) == heard_in(7)
    assert heard_in(7)[0] != heard_in(8)[0]


@pytest.mark.lab(seed=3, loss=0.2, jitter_ms=40)
async def test_a_call_survives_a_bad_network(lab: Lab) -> None:
    await lab.server()
    alice = await lab.phone("alice")
    await alice.call("sip:echo@sems")
    alice.tone(440)
    await alice.hear(1)
    assert (await alice.hear(2)).has_tone(440)


async def test_calls_wait_for_the_hooks_of_apps(lab: Lab) -> None:
    told: list[str] = []
    app = App("mine")

    @app.start
    async def start(server: Server) -> None:
        alice = await lab.phone("alice")
        await alice.dial(f"sip:mine@{server.engine.core.sip_addresses()[0]}")
        await asyncio.sleep(2)
        told.append("started")

    @app.call
    async def main(call: Call) -> None:
        told.append("call")
        await call.answer()

    await lab.server(apps=[app])
    await asyncio.sleep(1)
    assert told == ["started", "call"]
