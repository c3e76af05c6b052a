"""A phone knows by its ear what is played to it."""

from __future__ import annotations

import asyncio
import os
import random
from array import array
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from sems import App, Call, Prompt, SoundNotFound
from sems.testing import Lab, NotHeard, Phone, run

LINES: dict[str, dict[str, Any]] = {
    "G.711": {"codec": "PCMU", "loss": 0.05, "jitter_ms": 30.0},
    "Opus": {"codec": "opus", "loss": 0.05},
}
SHARE = 1 if os.environ.get("SEMS_ALL_PROMPTS") else 8
"""Of so many prompts one is heard through Opus, which takes its time; all of them by ``make proof``."""


def app_of(main: Callable[[Call], Awaitable[None]]) -> App:
    app = App("mine")
    app.call(main)
    return app


def playing(*sounds: Any) -> App:
    async def main(call: Call) -> None:
        await call.answer()
        await call.play(list(sounds))
        await call.wait_ended()

    return app_of(main)


async def listening(lab: Lab, *sounds: Any) -> Phone:
    await lab.server(apps=[playing(*sounds)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    return alice


@pytest.mark.parametrize("line", LINES)
def test_every_prompt_is_known_and_taken_for_no_other(line: str) -> None:
    """In all languages, with a twentieth of the packets lost, the others out of order."""

    async def main() -> tuple[list[str], list[str]]:
        quality = dict(LINES[line])
        codecs = {"audio": {"codecs": [quality.pop("codec")]}}
        async with Lab(seed=1, **quality) as lab:
            names: list[str] = []

            async def say_all(call: Call) -> None:
                known = list(await lab.known_sounds())
                random.Random(line).shuffle(known)
                names.extend("/".join(filter(None, each.names[0])) for each in known)
                if line == "Opus":
                    del names[len(names) // SHARE :]
                await call.answer()
                await call.play([part for name in names for part in (name, "tone:silence:100")])

            await lab.server(apps=[app_of(say_all)], **codecs)
            alice = await lab.phone("alice", **codecs)
            await alice.call("sip:mine@sems")
            await alice.heard()
            await alice.hear_all(3000)
            heard = await alice.heard()
            return names, ["/".join(filter(None, (each.language, each.name))) for each in heard]

    names, heard = run(main())
    assert len(names) > (430 if line != "Opus" else 430 // SHARE)
    assert heard == names


@pytest.mark.parametrize(
    ("played", "inside"),
    [
        ("de/ordinal-3", "de/digit-3"),
        ("box-locked", "goodbye"),
        ("voicemail-greeting", "not-available"),
        ("box-menu", "digit-1"),
        ("ordinal-20", "number-20"),
        ("no-saved-messages", "saved-messages"),
    ],
)
async def test_a_prompt_is_not_heard_in_a_longer_one_of_which_it_is_a_part(
    lab: Lab, played: str, inside: str
) -> None:
    alice = await listening(lab, played, "tone:silence:1000", inside)
    whole = await alice.server.sounds.load(alice.server.sounds.find(played))
    heard = await alice.hears(inside)
    assert heard.begin == pytest.approx(whole.duration_ms / 1000 + 1, abs=0.1)


async def test_a_prompt_is_told_as_soon_as_it_is_sure_and_the_next_one_is_looked_for_behind_it(
    lab: Lab,
) -> None:
    alice = await listening(lab, "you-have", "digit-2", "new-messages")
    first = await alice.hears("you-have")
    assert first.end < asyncio.get_running_loop().time() < first.end + 1.0
    assert (first.name, first.language) == ("you-have", "")
    last = await alice.hears(["number-2", "new-messages"])
    assert last.begin == pytest.approx(first.end + 0.5, abs=0.2)
    with pytest.raises(NotHeard):
        await alice.hears("you-have", within=1)
    assert [each.name for each in await alice.heard()] == ["you-have", "digit-2", "new-messages"]


async def test_who_knows_a_prompt_by_its_beginning_can_interrupt_it(lab: Lab) -> None:
    async def main(call: Call) -> None:
        await call.answer()
        assert await call.ask("enter-pin", digits=4) == "2580"
        await call.play("goodbye")

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    await alice.hears("enter-pin", seconds=1)
    assert asyncio.get_running_loop().time() < 1.5
    await alice.key("2580")
    await alice.hears("goodbye", within=3)


async def test_languages_are_told_apart(lab: Lab) -> None:
    alice = await listening(lab, "de/welcome", "welcome")
    assert (await alice.hears("welcome", language="")).begin > 1.5
    assert [str(each) for each in await alice.heard()] == [
        '"de/welcome" (0.0–1.7 s)',
        '"welcome" (1.7–3.3 s)',
    ]


async def test_a_sound_of_ones_own_is_known_in_early_media_too(lab: Lab) -> None:
    noise = random.Random(1)
    samples = array("h")
    for _ in range(20):
        level = noise.randrange(200, 9000)
        samples.extend(noise.randrange(-level, level) for _ in range(600))
    own = Prompt.from_pcm(samples.tobytes())

    async def main(call: Call) -> None:
        await call.ring(183, early_media=True)
        await call.play(own)
        await call.reject(486)

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await alice.dial("sip:mine@sems")
    assert (await alice.hears(own)).likeness > 0.9
    assert (await alice.ended()).code == 486


async def test_what_was_heard_instead_is_told(lab: Lab) -> None:
    alice = await listening(
        lab, "welcome", "tone:silence:600", "tone:sine:440:1000:-12", "tone:silence:600", "de/wrong-pin"
    )
    with pytest.raises(NotHeard) as missed:
        await alice.hears("enter-pin", within=8)
    assert str(missed.value).startswith(
        'alice did not hear "enter-pin" within 8 s, but "welcome" (0.0–1.6 s), '
        "then a tone of about 440 Hz at -12 dBov (2.2–3.3 s), "
        'then "de/wrong-pin" (3.9–5.2 s); nothing of it is more than '
    )
    await alice.hang_up()
    with pytest.raises(NotHeard, match=r'"goodbye" before the call ended \(local\), but '):
        await alice.hears("goodbye")


async def test_silence_and_sounds_that_are_not_there_are_told(lab: Lab) -> None:
    alice = await listening(lab, "tone:silence:1000")
    with pytest.raises(NotHeard, match='alice did not hear "welcome" within 2 s, but silence'):
        await alice.hears("welcome", within=2)
    with pytest.raises(SoundNotFound, match="no sound named 'nonsense'"):
        await alice.hears("nonsense")
    with pytest.raises(ValueError, match="nothing to be heard"):
        await alice.hears([])


async def test_who_waits_for_a_steady_tone_is_told_how_to_look_for_it(lab: Lab) -> None:
    alice = await listening(lab, "goodbye")
    with pytest.raises(NotHeard, match=r"a steady tone .*\(await phone\.hear\(1\)\)\.has_tone\(1000\) looks"):
        await alice.hears("tone:beep")


async def test_noise_in_place_of_a_sound_is_told_as_well(lab: Lab) -> None:
    highest = Prompt.from_pcm(array("h", [8000, -8000] * 8000).tobytes())
    alice = await listening(lab, "tone:silence:500", highest)
    with pytest.raises(NotHeard, match="but a tone of about"):
        await alice.hears("goodbye")
