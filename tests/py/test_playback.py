"""What is done with a sound while it plays, and where sounds come from."""

from __future__ import annotations

import math
import os
import wave
from array import array
from pathlib import Path

import pytest
from an_app import app_of

from sems import Call, Prompt, SoundNotFound
from sems.testing import Lab

STEPS = [Prompt.tone(f"sine:{hz}:1000:-12") for hz in (400, 600, 800, 1000)]


def write(path: Path, seconds: list[int], rate: int = 8000) -> Path:
    """A file with a second of each tone."""
    peak = 32767 * math.sqrt(2) * 10 ** (-12 / 20)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        for hz in seconds:
            tone = (round(peak * math.sin(2 * math.pi * hz * n / rate)) for n in range(rate))
            file.writeframes(array("h", tone).tobytes())
    return path


async def test_a_sound_is_held_and_goes_on(lab: Lab) -> None:
    positions: list[float] = []

    async def main(call: Call) -> None:
        await call.answer()
        playback = call.start_play(STEPS)
        await call.sleep(1.5)
        playback.pause()
        await call.sleep(0.1)
        positions.append(playback.position)
        await call.sleep(2)
        positions.append(playback.position)
        assert playback.paused
        playback.resume()
        positions.append(await playback.wait())

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    heard = await alice.hear_all()
    assert positions[0] == positions[1] == pytest.approx(1.5, abs=0.05)
    assert positions[2]
    assert heard.seconds == pytest.approx(6.1, abs=0.3)
    assert heard.after(1.9).before(1.5).is_silent
    for begin, hz in ((0.2, 400), (1.2, 600), (4.2, 800), (5.2, 1000)):
        assert heard.after(begin).before(0.3).has_tone(hz), hz


async def test_any_place_of_a_list_can_be_gone_to(lab: Lab) -> None:
    async def main(call: Call) -> None:
        await call.answer()
        playback = call.start_play(STEPS)
        # Before the list has begun to sound, …
        playback.seek(3)
        await call.sleep(0.5)
        # … and in the midst of it.
        playback.seek(0.5)
        assert playback.position == pytest.approx(0.5, abs=0.05) or playback.position > 3
        await call.sleep(1)
        playback.seek(100)
        assert await playback.wait()
        playback.seek(0)
        playback.pause()
        with pytest.raises(ValueError, match="before the beginning"):
            playback.seek(-1)

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    heard = await alice.hear_all()
    assert heard.seconds == pytest.approx(1.5, abs=0.2)
    for begin, hz in ((0.1, 1000), (0.6, 400), (1.15, 600)):
        assert heard.after(begin).before(0.25).has_tone(hz), hz


async def test_long_files_are_played_to_calls_and_rooms_and_repeated(lab: Lab) -> None:
    tones = [400, 600, 800]
    path = write(lab.folder / "long.wav", tones, 16_000)

    async def main(call: Call) -> None:
        await call.answer()
        await call.join(next(iter(call.server.rooms.values())))
        await call.wait_ended()

    # Nothing is kept: each file is read while it sounds.
    server = await lab.server(apps=[app_of(main)], files={"stream_after": 0, "threads": 3})
    room = await server.open_room()
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    playback = room.start_play([STEPS[3], path], repeat=2)
    heard = await alice.hear(8.5)
    sounding = next(at for at, sample in enumerate(heard.pcm) if abs(sample) > 100) / 8000
    assert sounding < 0.4
    for number, hz in enumerate([1000, *tones] * 2):
        assert heard.after(sounding + number + 0.1).before(0.8).has_tone(hz), number
        # No gap: the tone is as loud as it was made.
        level = heard.after(sounding + number + 0.1).before(0.8).tone_level(hz)
        assert level == pytest.approx(-12, abs=0.5)
    assert await playback.wait()
    assert server.engine.core.stats()["dry_plays"] == 0


async def test_a_playback_that_is_held_before_its_file_is_read_waits(lab: Lab) -> None:
    async def main(call: Call) -> None:
        await call.answer()
        playback = call.start_play(write(lab.folder / "sound.wav", [400, 600]))
        playback.seek(1)
        playback.pause()
        assert playback.position == 1
        await call.sleep(1)
        playback.resume()
        await playback.wait()

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    heard = await alice.hear_all()
    assert heard.before(0.9).is_silent
    assert heard.after(1.2).before(0.5).has_tone(600)
    assert heard.seconds == pytest.approx(2, abs=0.2)


async def test_what_was_played_is_kept_until_its_file_changes_or_others_need_the_room(lab: Lab) -> None:
    async def main(call: Call) -> None:
        await call.answer()
        await call.play([sound, sound])
        await call.play(sound)
        write(sound, [600])
        os.utime(sound, (1, 1))
        await call.play(sound)
        for number in range(40):
            # A second takes about 32 KB.
            await call.play(write(lab.folder / f"other-{number}.wav", [800]))
        await call.play(sound)

    sound = write(lab.folder / "sound.wav", [400])
    server = await lab.server(apps=[app_of(main)], files={"prompt_cache_megabytes": 1})
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    heard = await alice.hear_all()
    assert heard.after(2.2).before(0.5).has_tone(400)
    assert heard.after(3.3).before(0.5).has_tone(600)
    stats = server.engine.core.stats()
    assert stats["prompt_cache_misses"] == 1 + 1 + 40 + 1
    assert stats["prompt_cache_hits"] >= 1
    assert stats["prompt_cache_bytes"] <= 1 << 20
    assert stats["prompt_cache_dropped"] > 0


async def test_raw_g711_has_a_name_like_any_sound(lab: Lab) -> None:
    async def main(call: Call) -> None:
        await call.answer()
        await call.play(["spoken", "other.alaw"])
        with pytest.raises(SoundNotFound, match="no sound named 'nothing'"):
            await call.play("nothing")
        with pytest.raises(
            SoundNotFound, match=r"/notes\.txt is no sound by its name, which has to end in \.wav, \."
        ):
            await call.play("notes.txt")
        with pytest.raises(SoundNotFound, match=r"broken\.wav: not a WAV file"):
            await call.play("broken")

    server = await lab.server(apps=[app_of(main)])
    prompts = server.config.data / "prompts"
    prompts.mkdir(parents=True)
    (prompts / "notes.txt").write_text("hello")
    # A square wave of 400 Hz in each law.
    (prompts / "spoken.ulaw").write_bytes((b"\x9f" * 10 + b"\x1f" * 10) * 400)
    (prompts / "other.alaw").write_bytes((b"\xb5" * 10 + b"\x35" * 10) * 400)
    (prompts / "broken.wav").write_text("this is no sound, whatever its name may say")
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    heard = await alice.hear_all()
    assert heard.seconds == pytest.approx(2, abs=0.2)
    assert heard.before(0.9).has_tone(400)
    assert heard.after(1.1).before(0.7).has_tone(400)
