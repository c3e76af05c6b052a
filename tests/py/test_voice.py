"""Texts that are spoken."""

from __future__ import annotations

import asyncio
import math
import shutil
from array import array

import pytest
from an_app import app_of

from sems import Call, EspeakNg, NoVoice, Say, Speech
from sems.testing import Lab


class Whistle:
    """A voice that whistles for as long as a text has letters, and remembers what it was given."""

    def __init__(self) -> None:
        self.spoken: list[tuple[str, str]] = []

    async def speak(self, text: str, language: str) -> Speech:
        self.spoken.append((text, language))
        await asyncio.sleep(0.1)
        if text == "broken":
            raise NoVoice("it has lost its voice")
        hz = {"en": 440, "de": 900}[language]
        count = len(text) * 1600
        samples = (round(8000 * math.sin(2 * math.pi * hz * n / 16000)) for n in range(count))
        return Speech(array("h", samples).tobytes(), 16000)


async def test_a_text_is_spoken_by_the_component_and_only_once(lab: Lab) -> None:
    whistle = Whistle()

    async def main(call: Call) -> None:
        await call.answer()
        await call.say("aaaaaaaaaa")
        await call.say("bbbbbbbbbb", language="de")
        await asyncio.gather(call.say("cc"), call.say("cc"))
        await call.play(["tone:sine:1500:500:-12", Say("aaaaaaaaaa")])
        with pytest.raises(NoVoice, match="lost its voice"):
            await call.say("broken")

    server = await lab.server(apps=[app_of(main)])
    server.voice = whistle
    assert server.voice is whistle
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    heard = await alice.hear_all()
    assert heard.after(0.3).before(0.6).has_tone(440)
    assert heard.after(1.4).before(0.6).has_tone(900)
    assert heard.after(2.6).before(0.4).has_tone(1500)
    assert heard.after(3.1).before(0.6).has_tone(440)
    assert whistle.spoken == [("aaaaaaaaaa", "en"), ("bbbbbbbbbb", "de"), ("cc", "en"), ("broken", "en")]


async def test_a_text_can_be_asked_and_interrupted(lab: Lab) -> None:
    keys: list[str] = []

    async def main(call: Call) -> None:
        await call.answer()
        keys.append(await call.ask(Say("a" * 100)))

    server = await lab.server(apps=[app_of(main)])
    server.voice = Whistle()
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    assert (await alice.hear(1)).has_tone(440)
    await alice.key("3")
    assert (await alice.hear_all()).seconds < 1
    assert keys == ["3"]


async def test_a_voice_that_hangs_once_is_asked_again_for_the_same_text(lab: Lab) -> None:
    class Hangs(Whistle):
        async def speak(self, text: str, language: str) -> Speech:
            if not self.spoken:
                self.spoken.append((text, language))
                await asyncio.Event().wait()
            return await super().speak(text, language)

    server = await lab.server()
    server.voice = Hangs()
    with pytest.raises(NoVoice, match="Hangs can't speak: it has said nothing for 120 s"):
        await server.sounds.load(Say("aaaaaaaaaa"))
    assert (await server.sounds.load(Say("aaaaaaaaaa"))).duration_ms == 1000


async def test_espeak_ng_speaks_and_says_what_is_missing(lab: Lab) -> None:
    assert shutil.which("espeak-ng"), "apt install espeak-ng"
    english, german = [await EspeakNg().speak("-v one, two, three", language) for language in ("en", "de")]
    assert english.rate == 22050
    assert 0.5 < len(english.pcm) / 2 / english.rate < 5
    assert english.pcm != german.pcm
    with pytest.raises(NoVoice, match="espeak-ng can't speak"):
        await EspeakNg().speak("hello", "zz-qq")
    with pytest.raises(NoVoice, match="espeak-nix is not installed"):
        await EspeakNg(program="espeak-nix").speak("hello", "en")

    async def main(call: Call) -> None:
        await call.answer()
        await call.say("Good morning")

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    heard = await alice.hear_all()
    assert heard.seconds > 0.5
    assert heard.level > -40
