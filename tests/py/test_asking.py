"""Asking for keys, with all that goes wrong between a prompt and a finger; and what stops a sound."""

from __future__ import annotations

import asyncio

import pytest
from an_app import app_of

from sems import Call, Prompt, SoundNotFound
from sems.testing import Lab, Phone

ASKED = Prompt.tone("sine:440:2000:-12")
WRONG = Prompt.tone("sine:900:1000:-12")
SILENT = Prompt.tone("sine:1500:1000:-12")


async def asked(lab: Lab, keys: list[str], **options: object) -> Phone:
    """Alice in a call that asks her once; what it gets is put into ``keys``."""

    async def main(call: Call) -> None:
        await call.answer()
        keys.append(await call.ask(ASKED, **options))  # type: ignore[arg-type]
        await call.sleep(10)

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    return alice


async def test_what_is_wrong_is_said_before_it_is_asked_again(lab: Lab) -> None:
    keys: list[str] = []
    alice = await asked(lab, keys, pattern="[1-3]", wrong=WRONG, silent=SILENT, timeout=1.0, retries=2)
    await alice.key("9")
    heard = await alice.hear(2.5)
    assert heard.after(0.2).before(0.6).has_tone(900)
    assert heard.after(1.4).before(0.6).has_tone(440)
    # Nothing is keyed in until the time is over.
    heard = await alice.hear(3.5)
    assert heard.after(2.2).before(0.6).has_tone(1500)
    await alice.key("2")
    await asyncio.sleep(0.2)
    assert keys == ["2"]


async def test_keys_may_follow_each_other_slower_than_the_first_may_come(lab: Lab) -> None:
    keys: list[str] = []
    alice = await asked(lab, keys, digits=None, timeout=1.0, digit_timeout=4.0, retries=0)
    for key in "12":
        await alice.key(key)
        await asyncio.sleep(3)
    assert not keys
    await asyncio.sleep(1.5)
    assert keys == ["12"]


async def test_a_prompt_that_must_be_heard_can_not_be_interrupted(lab: Lab) -> None:
    keys: list[str] = []
    alice = await asked(lab, keys, barge_in=False, retries=0)
    await alice.key("1")
    assert (await alice.hear(1.0)).has_tone(440)
    await asyncio.sleep(1.5)
    assert not keys, "what was pressed before the end counts for nothing"
    await alice.key("2")
    await asyncio.sleep(0.1)
    assert keys == ["2"]


@pytest.mark.parametrize(
    ("until", "does", "stops"),
    [
        ("key", "key", True),
        ("key", "speech", False),
        ("speech", "speech", True),
        ("speech", "key", False),
        ("either", "key", True),
        ("either", "speech", True),
    ],
)
async def test_a_sound_stops_at_a_key_or_when_the_caller_speaks(
    lab: Lab, until: str, does: str, stops: bool
) -> None:
    ended: list[object] = []

    async def main(call: Call) -> None:
        await call.answer()
        ended.append(await call.play(ASKED, until=until))  # type: ignore[arg-type]
        ended.append(await call.digit(timeout=0.1))

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    await alice.hear(0.5)
    if does == "key":
        await alice.key("7")
    else:
        alice.tone(700)
    heard = await alice.hear_all()
    assert heard.seconds < 1.0 if stops else heard.seconds > 1.0
    assert ended == [not stops, "7" if does == "key" else None]


async def test_who_has_pressed_a_key_already_is_not_kept_waiting(lab: Lab) -> None:
    async def main(call: Call) -> None:
        await call.answer()
        await call.sleep(1)
        assert not await call.play(ASKED, until="key")

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    await alice.key("1")
    assert (await alice.hear_all()).is_silent


async def test_keys_can_be_pressed_as_tones_in_the_sound(lab: Lab) -> None:
    async def main(call: Call) -> None:
        await call.answer()
        await call.sleep(0.5)
        await call.send_digits("15", method="inband")
        with pytest.raises(SoundNotFound, match="dtmf:x"):
            await call.send_digits("x", method="inband")

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    heard = await alice.hear_all()
    for hz in (697, 1209, 770, 1336):
        assert heard.has_tone(hz), hz


async def test_keys_may_come_in_the_moment_in_which_the_prompt_ends(lab: Lab) -> None:
    """As a task that the key has woken goes on only after what the end of the sound had begun."""
    wrong: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: wrong.append(context))
    keys: list[str] = []

    async def main(call: Call) -> None:
        await call.answer()
        while True:
            keys.append(await call.ask(Prompt.tone("sine:440:200:-12"), timeout=1, retries=0))
            await call.sleep(0.37)

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    for number in range(60):
        await asyncio.sleep(0.181 + number * 0.0044)
        await alice.key("5")
    assert (len(keys) > 40, set(keys) <= {"5", ""}, wrong) == (True, True, [])


async def test_a_terminator_alone_is_wrong_but_not_silence(lab: Lab) -> None:
    keys: list[str] = []
    alice = await asked(lab, keys, digits=4, wrong=WRONG, silent=SILENT, timeout=1.0, retries=1)
    await alice.key("#")
    heard = await alice.hear(2.5)
    assert heard.after(0.2).before(0.6).has_tone(900)
    await asyncio.sleep(4)
    assert keys == [""]


@pytest.mark.parametrize("until", ["speech", "either"])
async def test_who_speaks_already_is_not_talked_over(lab: Lab, until: str) -> None:
    played: list[bool] = []

    async def main(call: Call) -> None:
        await call.answer()
        await call.wait_speaking()
        played.append(await call.play(ASKED, until=until))  # type: ignore[arg-type]
        played.append(await call.play(ASKED, until="key"))

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    alice.tone(700)
    await alice.hear_all()
    assert played == [False, True]
