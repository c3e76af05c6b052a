"""The app ``echo``."""

from __future__ import annotations

import pytest

from sems.testing import Lab


async def test_callers_hear_themselves(lab: Lab) -> None:
    await lab.server()
    alice = await lab.phone("alice")
    await alice.call("sip:echo@sems")
    assert (await alice.hear(0.5)).is_silent
    alice.tone(440)
    await alice.hear(0.3)
    heard = await alice.hear(1)
    assert heard.has_tone(440)
    assert not heard.has_tone(600)


async def test_two_callers_do_not_hear_each_other(lab: Lab) -> None:
    await lab.server()
    alice, ben = await lab.phone("alice"), await lab.phone("ben")
    await alice.call("sip:echo@sems")
    await ben.call("sip:echo@sems")
    alice.tone(440)
    ben.tone(600)
    await alice.hear(0.3)
    heard = await alice.hear(1)
    assert heard.has_tone(440)
    assert not heard.has_tone(600)


async def test_the_call_ends_with_the_caller(lab: Lab) -> None:
    server = await lab.server()
    alice = await lab.phone("alice")
    await alice.call("sip:echo@sems")
    (call,) = server.calls.values()
    await alice.hang_up()
    assert (await call.wait_ended()).cause == "remote"
    assert not server.calls


async def test_it_comes_later_as_the_route_or_a_neighbour_says(lab: Lab) -> None:
    slow = {"user": "slow", "app": "echo", "params": {"delay": "800"}}
    await lab.server(routes=[slow], trusted=["10.0.0.0/8"])
    alice = await lab.phone("alice")
    for uri, param, seconds in (
        ("sip:slow@sems", "", 0.8),
        ("sip:echo@sems", "delay=1500", 1.5),
        ("sip:echo@sems", "delay=soon", 0.0),
        ("sip:echo@sems", "delay=99999999", 10.0),
    ):
        await alice.call(uri, headers=[("P-App-Param", param)] if param else [])
        await alice.hear(0.5)
        alice.tone(440)
        heard = await alice.hear(seconds + 1)
        begin = next(at for at, sample in enumerate(heard.pcm) if abs(sample) > 500) / 8000
        assert begin == pytest.approx(seconds + 0.05, abs=0.05)
        assert heard.after(begin).has_tone(440)
        await alice.hang_up()
