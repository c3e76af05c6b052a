"""Recordings of calls and rooms."""

from __future__ import annotations

import asyncio
import wave
from array import array
from pathlib import Path

import pytest
from an_app import app_of

from sems import Call, EngineError, Recording, Room, Server, WrongState
from sems.testing import Hearing, Lab, Phone


def read(path: Path, channel: int = 0) -> Hearing:
    """One channel of a file."""
    with wave.open(str(path)) as file:
        assert (file.getsampwidth(), file.getframerate()) == (2, 8000)
        samples = array("h", file.readframes(file.getnframes()))
        return Hearing(samples[channel :: file.getnchannels()])


async def a_room(lab: Lab) -> tuple[Server, Room]:
    """A server whose callers all go to one room."""

    async def main(call: Call) -> None:
        await call.answer()
        await call.join(next(iter(call.server.rooms.values())))
        await call.wait_ended()

    # At the rate of the files, so that they can be compared sample by sample.
    server = await lab.server(apps=[app_of(main)], audio={"codecs": ("PCMU",)})
    return server, await server.open_room()


async def test_a_room_is_recorded_as_a_whole(lab: Lab) -> None:
    _, room = await a_room(lab)
    alice, ben = await lab.phone("alice"), await lab.phone("ben")
    for phone, hz in ((alice, 440), (ben, 600)):
        await phone.call("sip:mine@sems")
        phone.tone(hz)
    await asyncio.sleep(0.5)
    recording = await room.record(lab.folder / "room.wav")
    assert not recording.done
    await asyncio.sleep(2)
    await recording.stop()
    assert recording.done
    heard = read(lab.folder / "room.wav")
    assert recording.mix == recording.path == lab.folder / "room.wav"
    assert heard.seconds == pytest.approx(2, abs=0.02)
    assert heard.has_tone(440)
    assert heard.has_tone(600)
    with pytest.raises(ValueError, match="not recorded"):
        recording.member(1)
    await recording.stop()


async def test_every_member_is_recorded_to_the_sample_whenever_it_comes_and_goes(lab: Lab) -> None:
    server, room = await a_room(lab)
    alice, ben = await lab.phone("alice"), await lab.phone("ben")
    await alice.call("sip:mine@sems")
    alice.tone(440)
    await asyncio.sleep(0.5)
    recording = await room.record(lab.folder / "room", members="both")
    await asyncio.sleep(1)
    await ben.call("sip:mine@sems")
    ben.tone(600)
    by_name = {call.caller_name: call for call in server.calls.values()}
    await asyncio.sleep(1)
    await recording.pause()
    assert recording.paused
    await asyncio.sleep(5)
    await recording.resume()
    await alice.hang_up()
    await asyncio.sleep(1)
    await recording.stop()
    assert recording.mix is not None
    mix = read(recording.mix)
    of_alice, of_ben = (read(recording.member(by_name[name])) for name in ("alice", "ben"))
    assert len(mix) == len(of_alice) == len(of_ben)
    assert mix.seconds == pytest.approx(3, abs=0.1)
    assert mix.pcm == array("h", map(sum, zip(of_alice.pcm, of_ben.pcm, strict=True)))
    assert of_alice.before(2).has_tone(440)
    assert of_alice.after(2.3).is_silent
    assert of_ben.before(0.9).is_silent
    assert of_ben.after(1.2).has_tone(600)


async def test_members_alone_are_recorded_where_nobody_wants_the_mix(lab: Lab) -> None:
    server, room = await a_room(lab)
    recording = await room.record(lab.folder / "a" / "new" / "folder", members="each")
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    alice.tone(440)
    (call,) = server.calls.values()
    await asyncio.sleep(1)
    await room.close()
    await recording.wait()
    assert recording.mix is None
    assert [path.name for path in recording.path.iterdir()] == [f"call-{call.id}.wav"]
    assert read(recording.member(call.id)).has_tone(440)
    with pytest.raises(WrongState):
        await room.record(lab.folder / "late.wav")


async def test_both_sides_of_a_call_are_recorded(lab: Lab) -> None:
    recordings: list[Recording] = []

    async def main(call: Call) -> None:
        await call.answer()
        recordings.append(await call.record(lab.folder / "both.wav", "both"))
        with pytest.raises(WrongState, match=r"already, to .*both\.wav"):
            await call.record(lab.folder / "again.wav", "both")
        recordings.append(await call.record(lab.folder / "wide.wav", rate=16_000))
        call.audio.write_nowait(bytes(16_000))
        await call.tone("sine:900:2000:-12")
        await call.stop_record("both")
        # Once more, anew; it ends with the call.
        recordings.append(await call.record(lab.folder / "both.wav", "both"))

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    alice.tone(440)
    await alice.ended()
    both, wide, again = recordings
    assert both.done
    ended: list[bool] = []
    again.on_end(lambda: ended.append(True))
    await asyncio.sleep(1)
    assert wide.done
    assert again.done
    assert ended == [True]
    with wave.open(str(wide.path)) as file:
        assert file.getframerate() == 16_000
        assert file.getnframes() / 16_000 == pytest.approx(2, abs=0.1)


async def test_each_side_has_its_channel(lab: Lab) -> None:
    async def main(call: Call) -> None:
        await call.answer()
        recording = await call.record(lab.folder / "both.wav", "both")
        await call.tone("sine:900:2000:-12")
        await recording.stop()

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    alice.tone(440)
    await alice.ended()
    left, right = (read(lab.folder / "both.wav", channel) for channel in (0, 1))
    assert left.after(0.5).has_tone(440)
    assert not left.has_tone(900)
    assert right.after(0.5).has_tone(900)
    assert not right.has_tone(440)


async def test_what_cannot_be_recorded_is_a_clear_error(lab: Lab) -> None:
    _, room = await a_room(lab)
    (lab.folder / "file").write_text("in the way")
    with pytest.raises(EngineError, match=r"file/room\.wav can't be written: there is no folder .*/file$"):
        await room.record(lab.folder / "file" / "room.wav")
    with pytest.raises(EngineError, match="file: "):
        await room.record(lab.folder / "file", members="each")
    with pytest.raises(EngineError, match="/dev/null: it is not a file"):
        await room.record("/dev/null")
    with pytest.raises(ValueError, match="Hz"):
        await room.record(lab.folder / "room.wav", rate=1)
    # The room is none the worse for it.
    recording = await room.record(lab.folder / "room.wav")
    await asyncio.sleep(1)
    await recording.stop()
    assert read(lab.folder / "room.wav").seconds == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 44100, 48000])
async def test_a_file_has_the_rate_that_is_asked_for(lab: Lab, rate: int) -> None:
    server, _ = await a_room(lab)
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    alice.tone(440)
    (call,) = server.calls.values()
    recording = await call.record(lab.folder / "take.wav", rate=rate)
    await asyncio.sleep(2)
    await recording.stop()
    with wave.open(str(lab.folder / "take.wav")) as file:
        assert (file.getsampwidth(), file.getframerate(), file.getnchannels()) == (2, rate, 1)
        assert file.getnframes() / rate == pytest.approx(2, abs=0.03)
    assert await heard_when_played(server, alice, recording.path) > 0.9 * 2


@pytest.mark.parametrize("name", ["take.ulaw", "take.alaw", "take.PCMU"])
async def test_raw_g711_is_written_by_the_end_of_the_name_and_can_be_played(lab: Lab, name: str) -> None:
    server, room = await a_room(lab)
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    alice.tone(440)
    (call,) = server.calls.values()
    recording = await call.record(lab.folder / name)
    of_room = await room.record(lab.folder / f"room-{name}")
    await asyncio.sleep(2)
    await recording.stop()
    await of_room.stop()
    for path in (recording.path, of_room.path):
        assert path.stat().st_size == pytest.approx(16_000, abs=200)
        assert path.read_bytes()[:4] != b"RIFF"
        assert await heard_when_played(server, alice, path) > 0.9 * 2
    with pytest.raises(EngineError, match=r"raw G\.711 has 8000 samples a second"):
        await call.record(lab.folder / name, rate=16_000)
    with pytest.raises(EngineError, match=r"raw G\.711 has one channel"):
        await call.record(lab.folder / name, "both")


async def test_no_two_calls_are_recorded_to_one_file(lab: Lab) -> None:
    server, _ = await a_room(lab)
    for name in ("alice", "ben"):
        await (await lab.phone(name)).call("sip:mine@sems")
    alice, ben = server.calls.values()
    recording = await alice.record(lab.folder / "said.wav")
    with pytest.raises(WrongState, match=r"a call is being recorded to .*said\.wav already"):
        await ben.record(lab.folder / "." / "said.wav")
    await recording.stop()
    recording = await ben.record(lab.folder / "said.wav")
    await ben.hangup()
    await recording.wait()
    await (await alice.record(lab.folder / "said.wav")).stop()


async def heard_when_played(server: Server, phone: Phone, path: Path) -> float:
    """How many seconds of its tone the phone hears when the file is played to it."""
    (call,) = server.calls.values()
    phone.silence()
    await asyncio.sleep(0.5)
    playback = call.start_play(path)
    heard = await phone.hear(3)
    assert playback.done
    tenths = [heard.after(at / 10).before(0.1) for at in range(30)]
    return sum(tenth.has_tone(440) for tenth in tenths) / 10
