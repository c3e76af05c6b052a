"""The app ``parrot``."""

from __future__ import annotations

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
