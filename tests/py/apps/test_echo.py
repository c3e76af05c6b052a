"""The app ``echo``."""

from __future__ import annotations

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
