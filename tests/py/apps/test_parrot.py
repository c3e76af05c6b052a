"""The app ``parrot``."""

from __future__ import annotations

import asyncio

from sems import Prompt
from sems.testing import Lab


async def test_what_was_said_is_said_back_afterwards(lab: Lab) -> None:
    await lab.server()
    alice = await lab.phone("alice")
    await alice.call("sip:parrot@sems")
    alice.say(Prompt.tone("sine:440:300:-12"))
    heard = await alice.hear(0.3)
    assert heard.is_silent
    heard = await alice.hear(1.5)
    assert heard.has_tone(440)
    assert (await alice.hear(0.5)).is_silent


async def test_who_speaks_without_an_end_hears_the_last_half_minute(lab: Lab) -> None:
    await lab.server()
    alice = await lab.phone("alice")
    call = await alice.call("sip:parrot@sems")
    alice.tone(440)
    await asyncio.sleep(70)
    alice.silence()
    heard = await alice.hear(32)
    assert heard.after(1).before(28).has_tone(440)
    assert heard.after(31).is_silent
    assert call.state == "answered"


async def test_who_interrupts_it_is_listened_to(lab: Lab) -> None:
    await lab.server()
    alice = await lab.phone("alice")
    await alice.call("sip:parrot@sems")
    alice.say(Prompt.tone("sine:440:300:-12"))
    await alice.hear(0.8)
    alice.say(Prompt.tone("sine:900:300:-12"))
    await alice.hear(0.2)
    # What it was saying is not said to its end.
    assert (await alice.hear(0.2)).is_silent
    assert (await alice.hear(1.5)).has_tone(900)
