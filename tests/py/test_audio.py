"""PCM both ways: what programs hear in calls and rooms, and what they say there."""

from __future__ import annotations

import asyncio
import gc
import itertools
import math
from array import array

import numpy
import pytest
from an_app import app_of

from sems import Block, Call, EngineError, HungUp, Prompt, WrongState
from sems.testing import Hearing, Lab
from sems.testing.hearing import RATE


def tone(hz: float, seconds: float, rate: int = RATE) -> array[int]:
    """A sine at −12 dBov."""
    peak = 32767 * math.sqrt(2) * 10 ** (-12 / 20)
    return array(
        "h", (round(peak * math.sin(2 * math.pi * hz * n / rate)) for n in range(round(seconds * rate)))
    )


def heard_in(blocks: list[Block]) -> Hearing:
    heard = array("h")
    for block in blocks:
        heard.frombytes(bytes(memoryview(block)))
    return Hearing(heard)


async def test_a_program_hears_the_caller_in_blocks(lab: Lab) -> None:
    blocks: list[Block] = []

    async def main(call: Call) -> None:
        await call.answer()
        async for block in call.audio:
            blocks.append(block)

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    alice.tone(440)
    await asyncio.sleep(2)
    await alice.hang_up()
    await asyncio.sleep(0.5)
    assert len(blocks) == pytest.approx(100, abs=3)
    assert {len(block) for block in blocks} == {160}
    assert {block.rate for block in blocks} == {8000}
    assert all(b.time - a.time == pytest.approx(0.02) for a, b in itertools.pairwise(blocks))
    assert sum(block.dropped for block in blocks) == 0
    assert heard_in(blocks).after(0.5).has_tone(440)


async def test_numpy_looks_into_a_block_without_a_copy_and_for_as_long_as_it_likes(lab: Lab) -> None:
    kept: list[numpy.ndarray[tuple[int], numpy.dtype[numpy.int16]]] = []

    async def main(call: Call) -> None:
        await call.answer()
        async for block in call.audio.listen(block=0.1):
            samples = numpy.frombuffer(block, dtype=numpy.int16)
            assert samples.base is not None
            assert not samples.flags.owndata
            assert not samples.flags.writeable
            assert samples.shape == (800,)
            view = memoryview(block)
            assert (view.format, view.itemsize, view.shape, view.readonly) == ("h", 2, (800,), True)
            # The same memory, whoever looks.
            again = numpy.frombuffer(block, dtype=numpy.int16)
            assert samples.__array_interface__["data"] == again.__array_interface__["data"]
            with pytest.raises(ValueError, match="WRITEABLE"):
                samples.setflags(write=True)
            with pytest.raises(TypeError, match="read-only"):
                view[0] = 1
            kept.append(samples)
            if len(kept) == 10:
                break

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    alice.tone(440)
    await alice.ended()
    gc.collect()
    # The blocks are gone but for what numpy has of them.
    all_samples = Hearing(array("h", numpy.concatenate(kept).tobytes()))
    assert all_samples.after(0.3).has_tone(440)


@pytest.mark.parametrize(("rate", "block"), [(8000, 0.01), (16_000, 0.03), (24_000, 0.1), (48_000, 1.0)])
async def test_blocks_are_of_the_length_and_rate_that_is_asked_for(lab: Lab, rate: int, block: float) -> None:
    blocks: list[Block] = []

    async def main(call: Call) -> None:
        await call.answer()
        async for heard in call.audio.listen(rate=rate, block=block):
            blocks.append(heard)

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    alice.tone(1000)
    await asyncio.sleep(3)
    await alice.hang_up()
    await asyncio.sleep(0.5)
    assert {len(heard) for heard in blocks[:-1]} == {round(rate * block)}
    samples = numpy.concatenate([numpy.frombuffer(heard, dtype=numpy.int16) for heard in blocks])
    second = samples[rate : 2 * rate].astype(float)
    spectrum = numpy.abs(numpy.fft.rfft(second * numpy.hanning(rate)))
    assert int(spectrum.argmax()) == 1000
    # Nothing is folded to where there was nothing.
    assert spectrum[5000 : rate // 2].max(initial=0) < spectrum.max() / 1000


async def test_several_listen_at_once_and_each_hears_all(lab: Lab) -> None:
    heard: dict[str, list[Block]] = {"one": [], "two": [], "out": []}

    async def main(call: Call) -> None:
        await call.answer()
        call.start_play(Prompt.tone("sine:900:1000:-12"), repeat=0)

        async def listen(name: str, **how: object) -> None:
            async for block in call.audio.listen(**how):  # type: ignore[arg-type]
                heard[name].append(block)

        async with asyncio.TaskGroup() as group:
            group.create_task(listen("one"))
            group.create_task(listen("two", block=0.2))
            group.create_task(listen("out", direction="out"))

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    alice.tone(440)
    await asyncio.sleep(2)
    await alice.hang_up()
    await asyncio.sleep(0.5)
    one, two, out = (heard_in(heard[name]).after(0.3) for name in ("one", "two", "out"))
    assert one.pcm == two.pcm
    assert one.has_tone(440)
    assert not one.has_tone(900)
    assert out.has_tone(900)
    assert not out.has_tone(440)


async def test_who_reads_too_slowly_is_told_what_was_lost(lab: Lab) -> None:
    told: list[tuple[int, int]] = []

    async def main(call: Call) -> None:
        await call.answer()
        listening = call.audio.listen()
        await call.sleep(10)
        block = await anext(listening)
        told.append((block.dropped, listening.dropped))
        listening.skip()
        assert (await anext(listening)).dropped == 0

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    await alice.ended()
    ((dropped, all_dropped),) = told
    assert dropped == all_dropped
    # Of ten seconds at least two were kept.
    assert 4 * 8000 < dropped <= 8 * 8000


async def test_a_program_speaks_to_the_caller_alone_sample_by_sample(lab: Lab) -> None:
    words = tone(900, 1.0)
    sent: list[Block] = []

    async def main(call: Call) -> None:
        await call.answer()
        await call.join(next(iter(call.server.rooms.values())))
        if call.caller_name == "alice":
            listening = call.audio.listen(direction="out")
            # In any pieces, of anything with a buffer.
            call.audio.write_nowait(words[:777])
            call.audio.write_nowait(words[777:5000].tobytes())
            call.audio.write_nowait(numpy.array(words[5000:], dtype=numpy.int16))
            assert call.audio.waiting == pytest.approx(1.0, abs=0.03)
            await call.audio.drain(0)
            assert call.audio.waiting == 0
            assert call.audio.underruns == 0
            await call.sleep(0.1)
            assert call.audio.underruns == 1
            async for block in listening:
                sent.append(block)
        await call.wait_ended()

    server = await lab.server(apps=[app_of(main)], audio={"codecs": ("PCMU",)})
    await server.open_room()
    ben = await lab.phone("ben")
    await ben.call("sip:mine@sems")
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    for_alice, for_ben = await asyncio.gather(alice.hear(1.5), ben.hear(1.5))
    assert for_ben.is_silent
    assert for_alice.has_tone(900)
    await alice.hang_up()
    await asyncio.sleep(0.5)
    all_sent = heard_in(sent).pcm
    begin = next(at for at, sample in enumerate(all_sent) if sample) - 1
    # As G.711 leaves it: within a sixteenth, and neither a gap nor a sample more.
    for said, came in zip(words, all_sent[begin:], strict=False):
        assert abs(came - said) <= abs(said) / 16 + 8
    assert not any(all_sent[begin + len(words) :])


async def test_other_rates_are_said_as_they_sound(lab: Lab) -> None:
    async def main(call: Call) -> None:
        await call.answer()
        for rate in (16_000, 24_000, 48_000):
            call.audio.write_nowait(tone(900, 0.5, rate), rate=rate)
        await call.audio.drain(0)
        # It is still on its way to the ear.
        await call.sleep(0.2)

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    heard = await alice.hear_all()
    sounding = [at for at, sample in enumerate(heard.pcm) if abs(sample) > 8]
    # A phone plays a little sooner or later as the network wants it.
    assert (sounding[-1] - sounding[0]) / RATE == pytest.approx(1.5, abs=0.05)
    assert Hearing(heard.pcm[sounding[0] : sounding[-1]]).tone_level(900) == pytest.approx(-12, abs=0.5)


async def test_writing_can_wait_until_there_is_room(lab: Lab) -> None:
    took: list[float] = []

    async def main(call: Call) -> None:
        await call.answer()
        loop = asyncio.get_running_loop()
        begin = loop.time()
        second = tone(440, 1.0)
        for _ in range(30):
            call.audio.write_nowait(second)
            await call.audio.drain(0.5)
            assert call.audio.waiting <= 0.5
        await call.audio.drain(0)
        took.append(loop.time() - begin)
        assert call.audio.underruns <= 1
        # Without waiting it comes to an end.
        for _ in range(60):
            call.audio.write_nowait(second)
        with pytest.raises(BufferError, match="drain"):
            call.audio.write_nowait(second)
        assert call.audio.waiting == pytest.approx(60, abs=1)

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    await alice.ended()
    assert took == [pytest.approx(30, abs=0.1)]


async def test_what_was_written_can_be_taken_back(lab: Lab) -> None:
    async def main(call: Call) -> None:
        await call.answer()
        call.audio.write_nowait(tone(440, 30))
        await call.sleep(1)
        call.audio.clear()
        assert call.audio.waiting == 0
        call.audio.write_nowait(tone(900, 0.5))
        await call.audio.drain(0)
        await call.wait_ended()

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    assert (await alice.hear(0.8)).has_tone(440)
    await alice.hear(0.3)
    heard = await alice.hear(0.3)
    assert heard.has_tone(900)
    assert not heard.has_tone(440)
    await alice.hear(0.5)
    assert (await alice.hear(1)).is_silent


async def test_a_room_is_heard_and_spoken_to(lab: Lab) -> None:
    async def main(call: Call) -> None:
        await call.answer()
        await call.join(next(iter(call.server.rooms.values())))
        await call.wait_ended()

    server = await lab.server(apps=[app_of(main)])
    room = await server.open_room()
    alice, ben = await lab.phone("alice"), await lab.phone("ben")
    for phone, hz in ((alice, 440), (ben, 600)):
        await phone.call("sip:mine@sems")
        phone.tone(hz)
    await asyncio.sleep(0.5)
    blocks: list[Block] = []

    async def listen() -> None:
        async for block in room.audio:
            blocks.append(block)

    listening = asyncio.create_task(listen())
    room.audio.write_nowait(tone(1500, 1.0))
    for_alice, for_ben = await asyncio.gather(alice.hear(0.8), ben.hear(0.8))
    assert for_alice.after(0.2).has_tone(1500)
    assert for_ben.after(0.2).has_tone(1500)
    await room.audio.drain(0)
    await room.close()
    await listening
    mix = heard_in(blocks).before(0.9)
    assert all(mix.has_tone(hz) for hz in (440, 600, 1500))
    with pytest.raises(WrongState):
        room.audio.write_nowait(b"")
    with pytest.raises(WrongState):
        room.audio.listen()


async def test_what_makes_no_sense_is_a_clear_error(lab: Lab) -> None:
    errors: list[str] = []

    async def main(call: Call) -> None:
        with pytest.raises(WrongState, match="before answer"):
            call.audio.listen()
        with pytest.raises(WrongState, match="before answer"):
            call.audio.write_nowait(b"\0\0")
        await call.answer()
        await call.audio.drain()
        call.audio.clear()
        for wrong in (b"\0", 17, "text", array("d", [0.5])):
            with pytest.raises((ValueError, TypeError), match="pcm") as caught:
                call.audio.write_nowait(wrong)  # type: ignore[arg-type]
            errors.append(str(caught.value))
        with pytest.raises(ValueError, match="block"):
            call.audio.listen(block=2)
        with pytest.raises(ValueError, match="Hz"):
            call.audio.listen(rate=100)
        with pytest.raises(ValueError, match="Hz"):
            call.audio.write_nowait(b"\0\0", rate=100)

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    await alice.ended()
    assert errors[0] == "pcm has to be whole samples of 16 bits: half of one is left over at the end"
    assert all(error.startswith("pcm has to be one channel of 16-bit samples") for error in errors[1:])


async def test_whoever_waits_is_told_when_the_call_ends(lab: Lab) -> None:
    ended: list[str] = []

    async def main(call: Call) -> None:
        await call.answer()

        async def listen() -> None:
            async for _ in call.audio.listen(block=1.0):
                pass
            ended.append("listening")

        async def speak() -> None:
            call.audio.write_nowait(tone(440, 30))
            try:
                await call.audio.drain(0)
            except HungUp:
                ended.append("speaking")

        await asyncio.gather(listen(), speak())
        with pytest.raises(HungUp):
            call.audio.write_nowait(b"\0\0")
        with pytest.raises(HungUp):
            call.audio.listen()
        ended.append("app")

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    await asyncio.sleep(1.5)
    await alice.hang_up()
    await asyncio.sleep(0.5)
    assert sorted(ended) == ["app", "listening", "speaking"]


async def test_nobody_who_listens_keeps_a_server_from_stopping(lab: Lab) -> None:
    async def main(call: Call) -> None:
        await call.answer()
        await call.wait_ended()

    server = await lab.server(apps=[app_of(main)])
    room = await server.open_room()
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    (call,) = server.calls.values()

    async def listen() -> str:
        async for _ in room.audio:
            pass
        return "ended"

    async def speak() -> str:
        call.audio.write_nowait(tone(440, 30))
        try:
            await call.audio.drain(0)
        except (HungUp, EngineError):
            return "ended"
        return "drained"

    await asyncio.sleep(0.1)
    tasks = [asyncio.create_task(listen()), asyncio.create_task(speak())]
    await asyncio.sleep(0.1)
    await server.stop()
    assert await asyncio.gather(*tasks) == ["ended", "ended"]
