"""What a program needs to hold a conversation: to write as fast as it sounds, to know who speaks, and to be
silent at once when it is interrupted."""

from __future__ import annotations

import asyncio
import contextlib
import math
from array import array

import pytest
from an_app import app_of, failures

from sems import Call, HungUp, Prompt
from sems.testing import Hearing, Lab

# Counted from the caller's first sample until the caller hears nothing any more, both ways included.
BARGE_IN = 0.2


def tone(hz: int, seconds: float, rate: int = 8000) -> array[int]:
    return array(
        "h", (round(8000 * math.sin(2 * math.pi * hz * n / rate)) for n in range(round(rate * seconds)))
    )


async def test_who_writes_faster_than_it_sounds_waits(lab: Lab) -> None:
    seen: list[float] = []

    async def main(call: Call) -> None:
        await call.answer()
        loop = asyncio.get_running_loop()
        begin = loop.time()
        # However much it is, in one piece or in many, a second of it waits at most.
        await call.audio.write(tone(440, 5))
        seen.append(loop.time() - begin)
        for _ in range(10):
            await call.audio.write(tone(900, 0.5, 16_000), rate=16_000, ahead=0.1)
        seen.append(loop.time() - begin)
        await call.audio.write(b"", ahead=0)
        seen.append(call.audio.waiting)
        with pytest.raises(ValueError, match="ahead is 60"):
            await call.audio.write(b"", ahead=60)
        assert (call.audio.refused, call.audio.cleared, call.audio.underruns) == (0, 0, 0)

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    heard = await alice.hear_all()
    assert seen == [pytest.approx(4, abs=0.1), pytest.approx(9.9, abs=0.1), pytest.approx(0, abs=0.05)]
    assert heard.after(1).before(3.5).has_tone(440)
    assert heard.after(5.5).before(4).has_tone(900)


async def test_what_was_not_said_is_counted(lab: Lab, caplog: pytest.LogCaptureFixture) -> None:
    async def main(call: Call) -> None:
        await call.answer()
        writing = asyncio.create_task(call.audio.write(tone(440, 30)))
        await call.sleep(2)
        writing.cancel()
        await asyncio.wait({writing})
        assert call.audio.clear() == pytest.approx(1.5, abs=0.5)
        assert call.audio.cleared == pytest.approx(1.5, abs=0.5)
        call.audio.write_nowait(tone(440, 60.5))
        for _ in range(3):
            with pytest.raises(BufferError, match="await drain"):
                call.audio.write_nowait(tone(440, 2))
        assert call.audio.refused == 3
        with pytest.raises(HungUp):
            await call.audio.write(b"\0\0" * 8000, ahead=0.5)

    server = await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    await asyncio.sleep(5)
    await alice.hang_up()
    await asyncio.sleep(1)
    assert not server.calls
    assert not failures(caplog)


@pytest.mark.parametrize("samples", [1, 80, 160])
async def test_a_minute_can_wait_however_little_is_written_at_a_time(lab: Lab, samples: int) -> None:
    taken: list[float] = []

    async def main(call: Call) -> None:
        await call.answer()
        written = 0
        block = bytes(2 * samples)
        with contextlib.suppress(BufferError):
            while written < 70 * 8000:
                call.audio.write_nowait(block)
                written += samples
        call.audio.clear()
        for _ in range(3000):
            await call.audio.write(block[:2])
        taken.append(written / 8000)

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    await alice.ended()
    assert taken == [60.0]


async def test_a_program_waits_until_somebody_speaks_and_until_he_is_silent(lab: Lab) -> None:
    seen: list[object] = []

    async def main(call: Call) -> None:
        await call.answer()
        loop = asyncio.get_running_loop()
        seen.append(await call.wait_speaking(timeout=1))
        begin = loop.time()
        seen.append(await call.wait_speaking())
        seen.append(loop.time() - begin)
        seen.append(await call.wait_speaking())
        seen.append(await call.wait_speaking(False))
        await call.wait_speaking()

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    await asyncio.sleep(2)
    alice.say(Prompt.tone("sine:440:1000:-12"))
    await asyncio.sleep(3)
    await alice.hang_up()
    await asyncio.sleep(1)
    assert (seen[0], seen[1], seen[3], seen[4]) == (False, True, True, True)
    assert seen[2] == pytest.approx(1.0, abs=0.2)


@pytest.mark.parametrize("how", ["play", "write"])
@pytest.mark.lab(delay_ms=10.0, jitter_ms=5.0)
async def test_who_is_interrupted_is_silent_within_200_ms(lab: Lab, how: str) -> None:
    async def main(call: Call) -> None:
        await call.answer()
        if how == "write":
            writing = asyncio.create_task(call.audio.write(tone(440, 30)))
            await call.wait_speaking()
            writing.cancel()
            call.audio.clear()
        else:
            await call.play(Prompt.tone("sine:440:30000:-12"), until="speech")
        await call.wait_ended()

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    assert (await alice.hear(1)).has_tone(440)
    alice.tone(900)
    heard = await alice.hear(1)
    sounding = [at / 100 for at in range(100) if not heard.after(at / 100).before(0.01).is_silent]
    assert max(sounding) + 0.01 <= BARGE_IN, f"it was heard for {max(sounding) * 1000:.0f} ms"


async def test_everybody_in_a_conference_is_heard_and_spoken_to_alone(lab: Lab) -> None:
    """While all of them talk with each other."""
    server = await lab.server(
        rooms={"default": {"level_control": False, "noise_gate": False, "join_sound": False}}
    )
    phones = {hz: await lab.phone(name) for hz, name in ((440, "alice"), (900, "bob"), (1500, "carol"))}
    for phone in phones.values():
        await phone.call("sip:standup@sems")
    await asyncio.sleep(12)
    conference = server.conferences.find("standup")
    assert conference is not None
    calls = {member.call.caller_name: member.call for member in conference.members.values()}
    for hz, phone in phones.items():
        phone.tone(hz)
    await asyncio.sleep(0.5)

    async def hear(call: Call) -> bytes:
        heard = b""
        async for block in call.audio.listen(block=0.1):
            heard += memoryview(block).tobytes()
            if len(heard) >= 8000:
                break
        return heard

    for hz, name in ((440, "alice"), (900, "bob")):
        samples = array("h")
        samples.frombytes(await hear(calls[name]))
        heard = Hearing(samples)
        assert [other for other in phones if heard.has_tone(other)] == [hz]
    speaking = asyncio.create_task(calls["bob"].audio.write(tone(2500, 3)))
    bob, carol = await asyncio.gather(phones[900].hear(1.5), phones[1500].hear(1.5))
    assert bob.has_tone(2500)
    assert bob.has_tone(440), "the room goes on for him"
    assert not carol.has_tone(2500)
    await speaking


async def test_each_who_waits_for_what_is_left_is_woken_at_his_time(lab: Lab) -> None:
    woken: list[tuple[float, float]] = []

    async def main(call: Call) -> None:
        await call.answer()
        loop = asyncio.get_running_loop()
        call.audio.write_nowait(tone(440, 4.0))
        began = loop.time()

        async def drain(left: float) -> None:
            await call.audio.drain(left)
            woken.append((left, round(loop.time() - began, 1)))

        await asyncio.gather(*map(drain, (0, 3, 1, 2)))

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    await alice.ended()
    assert woken == [(3, 1.0), (2, 2.0), (1, 3.0), (0, 4.0)]


async def test_who_waits_for_the_end_leaves_no_gap_in_what_is_still_written(lab: Lab) -> None:
    gaps: list[int] = []

    async def main(call: Call) -> None:
        await call.answer()
        async with asyncio.TaskGroup() as group:
            group.create_task(call.audio.write(tone(440, 5.0)))
            group.create_task(call.audio.drain(0))
        await call.audio.drain(0)
        gaps.append(call.audio.underruns)

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    heard = await alice.hear_all()
    assert gaps in ([0], [1]), "at its end"
    assert heard.after(0.5).before(4.0).has_tone(440)


async def test_what_is_cleared_ends_a_write_that_is_under_way(lab: Lab) -> None:
    seen: list[object] = []

    async def main(call: Call) -> None:
        await call.answer()
        loop = asyncio.get_running_loop()
        writing = asyncio.create_task(call.audio.write(tone(440, 20.0)))
        await call.sleep(3)
        cleared = call.audio.clear()
        began = loop.time()
        await writing
        seen.extend([round(cleared), round(call.audio.cleared), loop.time() - began < 0.1])
        assert call.audio.clear() == 0
        await call.audio.write(tone(900, 0.5), ahead=0)

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    heard = await alice.hear_all()
    assert seen == [17, 17, True]
    assert 3.4 < heard.seconds < 3.9
    assert heard.after(3.2).has_tone(900)
