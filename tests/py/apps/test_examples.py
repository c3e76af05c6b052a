"""The examples: each level of abstraction, and the voice agent."""

from __future__ import annotations

import asyncio
import runpy
import shutil
import subprocess
import wave
from pathlib import Path

import pytest

from sems import EspeakNg, Say
from sems.config import load_config
from sems.testing import Lab, NotHeard

EXAMPLES = Path(__file__).parents[3] / "apps" / "examples"


async def test_configuration_alone_makes_a_service(lab: Lab) -> None:
    config = load_config({"config": EXAMPLES / "configuration.toml"}, environ={}).config
    server = await lab.server(**config.model_dump(include={"routes", "rooms"}, exclude_unset=True))
    alice, bob, carol = [await lab.phone(name) for name in ("alice", "bob", "carol")]
    await alice.call("sip:123@sems")
    conference = server.conferences.find("123")
    assert conference is not None
    assert conference.model.settings.mode == "moderated"
    await bob.call("sip:0@sems")
    heard = await bob.hear_all()
    with wave.open(str(EXAMPLES.parent / "prompts" / "default-announcement.wav")) as file:
        assert heard.seconds == pytest.approx(2 * file.getnframes() / file.getframerate(), abs=0.5)
    (server.config.data / "announcements").mkdir()
    shutil.copy(EXAMPLES.parent / "prompts" / "goodbye.wav", server.config.data / "announcements" / "0.wav")
    await bob.call("sip:0@sems")
    await bob.hears(["goodbye", "goodbye"])
    await carol.call("sip:anything@sems")
    carol.tone(440)
    assert (await carol.hear(1)).has_tone(440)


async def test_a_coroutine_a_call_asks_and_says_back(lab: Lab) -> None:
    await lab.server(scripts=[EXAMPLES / "coroutine.py"])
    alice = await lab.phone("alice")
    await alice.call("sip:coroutine@sems")
    await alice.key("4711")
    assert not (await alice.hear(1)).is_silent
    assert (await alice.ended()).cause == "remote"


async def test_a_session_does_as_usual_but_for_what_it_overrides(lab: Lab) -> None:
    await lab.server(scripts=[EXAMPLES / "session.py"])
    alice, bob = await lab.phone("alice"), await lab.phone("bob")
    call = await alice.call("sip:session@sems")
    assert (await alice.hear(1)).has_tone(440)
    assert (await call.transfer("sip:mallory@elsewhere.example", hangup=False)).code == 603
    transferring = asyncio.create_task(call.transfer("sip:bob@bob"))
    await (await bob.ringing()).answer()
    assert (await transferring).ok


async def test_raw_sip_and_pcm_are_there(lab: Lab) -> None:
    await lab.server(scripts=[EXAMPLES / "raw.py"])
    alice = await lab.phone("alice")
    call = await alice.call("sip:raw@sems", headers=[("X-Ask", "how loud")])
    assert alice.headers["X-Asked"] == "how loud"
    alice.tone(800, level=-6)
    await asyncio.sleep(0.5)
    assert (await alice.hear(1)).has_tone(400), "an octave lower"
    messages = [
        entry.payload for entry in alice.server.engine.core.trace(call.id) if entry.kind == "received"
    ]
    (info,) = [message for message in messages if message.startswith(b"INFO")]
    assert b"Content-Type: text/x-level" in info
    answer = await call.request("VOLUME", body="3")
    assert (answer.code, answer.reason, answer.headers["X-Was"]) == (299, "Louder", "3")


async def test_native_code_gets_the_samples_where_they_lie(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = tmp_path / "native.so"
    command = ["cc", "-O2", "-shared", "-fPIC", "-o", library, EXAMPLES / "native.c"]
    await asyncio.to_thread(subprocess.run, command, check=True, timeout=60)
    monkeypatch.setenv("SEMS_NATIVE", str(library))
    await lab.server(scripts=[EXAMPLES / "native.py"])
    alice = await lab.phone("alice")
    await alice.call("sip:native@sems")
    # Of a tone that fits twenty milliseconds the comb leaves all, of one that lies between nothing.
    alice.tone(1000)
    await asyncio.sleep(0.5)
    assert (await alice.hear(1)).tone_level(1000) == pytest.approx(-12, abs=1)
    alice.tone(1025)
    await asyncio.sleep(0.5)
    assert (await alice.hear(1)).tone_level(1025) < -35


async def spoken(text: str, folder: Path) -> Path:
    """A WAV of somebody who says that."""
    speech = await EspeakNg(voices={"en": "en-us+f3"}).speak(text, "en")
    path = folder / "said.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(speech.rate)
        file.writeframes(speech.pcm)
    return path


async def test_a_voice_agent_understands_answers_and_is_silent_when_interrupted(
    lab: Lab, tmp_path: Path
) -> None:
    await lab.server(scripts=[EXAMPLES / "voice_agent.py"])
    alice = await lab.phone("alice")
    await alice.call("sip:voice_agent@sems")
    await alice.hears(Say("Hello. How can I help you?"))
    alice.say(await spoken("who are you", tmp_path))
    await alice.hears(Say("I am a small voice agent."))
    # Somebody who is told a story may have heard enough.
    alice.say(await spoken("tell me a story", tmp_path))
    await alice.hears(Say("Once upon a time there was a telephone."))
    alice.say(await spoken("goodbye", tmp_path))
    heard = await alice.hear(5)
    assert heard.after(0.2).before(0.5).is_silent, "it listens"
    with pytest.raises(NotHeard):
        await alice.hears(Say("So it learned to answer by itself."), within=0.1)
    await alice.hears(Say("Goodbye."))


async def test_a_voice_agent_understands_two_who_speak_at_once(lab: Lab, tmp_path: Path) -> None:
    await lab.server(scripts=[EXAMPLES / "voice_agent.py"])
    phones = [await lab.phone(name) for name in ("alice", "bob")]
    for phone in phones:
        await phone.call("sip:voice_agent@sems")
    words = await spoken("who are you", tmp_path)
    for phone in phones:
        phone.say(words)
    await asyncio.gather(*(phone.hears(Say("I am a small voice agent.")) for phone in phones))


async def test_ears_hear_what_is_said_after_words_that_nobody_waits_for_any_more(tmp_path: Path) -> None:
    ears = runpy.run_path(str(EXAMPLES / "voice_agent.py"))["Sphinx"]("who are you", "goodbye")
    said = []
    for text in ("who are you", "goodbye"):
        with wave.open(str(await spoken(text, tmp_path))) as file:
            ears.rate = file.getframerate()
            said.append(file.readframes(file.getnframes()))
    assert await ears.understand(said[0]) == "who are you"
    interrupted = asyncio.create_task(ears.understand(said[0]))
    await asyncio.sleep(0)
    interrupted.cancel()
    assert await asyncio.gather(*map(ears.understand, said)) == ["who are you", "goodbye"]
