"""What phones of a lab can do."""

from __future__ import annotations

import asyncio
import math
import time
import wave
from array import array
from typing import Any

import pytest

from sems import App, Call, CallFailed
from sems.sip.headers import split_host_port
from sems.testing import Lab, Phone, run


def speech(hz: int, seconds: float, rate: int = 8000) -> array[int]:
    return array(
        "h", (round(9000 * math.sin(math.tau * hz * n / rate)) for n in range(round(seconds * rate)))
    )


async def three(lab: Lab) -> tuple[Phone, Phone, Phone]:
    return await lab.phone("alice"), await lab.phone("bob"), await lab.phone("carol")


async def talking(alice: Phone, bob: Phone) -> None:
    calling = asyncio.create_task(alice.call(f"sip:{bob.name}@{bob.name}"))
    await (await bob.ringing()).answer()
    await calling


async def test_a_wav_file_and_samples_are_spoken(lab: Lab) -> None:
    alice, bob, _ = await three(lab)
    await talking(alice, bob)
    with wave.open(str(lab.folder / "a.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(speech(600, 0.5).tobytes())
    alice.say(lab.folder / "a.wav")
    assert (await bob.hear(0.5)).has_tone(600)
    for samples in (speech(900, 0.5, 16000), speech(900, 0.5, 16000).tobytes()):
        playback = alice.say(samples, rate=16000)
        assert (await bob.hear(0.4)).has_tone(900)
        assert await playback.wait()


@pytest.mark.parametrize("way", ["rtp", "info", "inband"])
async def test_keys_arrive_however_they_are_pressed(lab: Lab, way: Any) -> None:
    got: list[str] = []
    app = App("mine")

    @app.call
    async def main(call: Call) -> None:
        await call.answer()
        got.append(await call.ask(digits=4))
        await call.play("goodbye")

    await lab.server(apps=[app])
    # Of whom agrees on telephone-events no tones are taken for keys.
    alice = await lab.phone("alice", audio={"codecs": ["PCMA"], "telephone_events": way != "inband"})
    await alice.call("sip:mine@sems")
    await alice.key("19*0", method=way)
    await alice.ended()
    assert got == ["19*0"]


async def test_whom_it_speaks_with_is_handed_over_blind(lab: Lab) -> None:
    alice, bob, carol = await three(lab)
    await talking(alice, bob)
    handing = asyncio.create_task(alice.transfer("sip:carol@carol"))
    await (await carol.ringing()).answer()
    assert (await handing).ok
    assert (await alice.ended()).cause == "local"
    bob.tone(600)
    await carol.hear(0.3)
    assert (await carol.hear(0.3)).has_tone(600)


async def test_whom_it_has_on_hold_is_handed_over_after_consultation(lab: Lab) -> None:
    alice, bob, carol = await three(lab)
    await talking(alice, bob)
    assert bob.line is not None
    consulting = asyncio.create_task(alice.consult("sip:carol@carol"))
    await (await carol.ringing()).answer()
    await consulting
    assert bob.line.on_hold
    assert (await alice.transfer()).ok
    await asyncio.sleep(1)
    bob.tone(600)
    await carol.hear(0.3)
    assert (await carol.hear(0.3)).has_tone(600)


async def test_it_goes_back_to_whom_it_has_on_hold(lab: Lab) -> None:
    alice, bob, carol = await three(lab)
    with pytest.raises(RuntimeError, match=r"nobody on hold: consult\(\) comes first"):
        await alice.transfer()
    await talking(alice, bob)
    consulting = asyncio.create_task(alice.consult("sip:carol@carol"))
    await (await carol.ringing()).answer()
    await consulting
    await alice.resume()
    assert (await carol.ended()).cause == "remote"
    bob.tone(600)
    await alice.hear(0.3)
    assert (await alice.hear(0.3)).has_tone(600)


async def test_a_call_is_taken_back_before_the_answer(lab: Lab) -> None:
    alice, bob, _ = await three(lab)
    await alice.dial("sip:bob@bob")
    ringing = await bob.ringing()
    await alice.hang_up()
    assert (await ringing.wait_ended()).cause == "cancelled"
    await alice.dial("sip:bob@bob")
    await (await bob.ringing()).reject(603)
    with pytest.raises(CallFailed, match="603"):
        await alice.line.wait_answered()  # type: ignore[union-attr]


async def test_each_way_of_a_line_has_its_own_losses(lab: Lab) -> None:
    alice, bob, _ = await three(lab)
    await talking(alice, bob)
    alice.tone(440)
    bob.tone(600)
    await asyncio.sleep(0.5)
    alice.set_line("in", loss=1.0)
    await asyncio.sleep(0.5)
    to_alice, to_bob = await asyncio.gather(alice.hear(0.5), bob.hear(0.5))
    assert to_bob.has_tone(440)
    assert to_alice.is_silent
    alice.set_line("in", delay_ms=400.0)
    bob.silence()
    assert (await alice.hear(0.35)).is_silent, "what was under way is lost"
    alice.set_line()
    lab.set_network(loss=1.0)
    assert (await bob.hear(0.5)).has_tone(440), "the line of the phone comes first"
    assert split_host_port(alice.address)[0] != split_host_port(bob.address)[0]


# A whole dialogue

app = App("desk")


@app.call
async def desk(call: Call) -> None:
    await call.answer()
    await call.play("welcome")
    box = await call.ask("box-number", digits=None)
    if await call.ask("box-pin", digits=4, wrong="wrong-pin", pattern="2580") != "2580":
        return
    async with asyncio.timeout(5):
        await call.play(["you-have", f"number-{box}", "new-messages"])
    await asyncio.sleep(3)
    await call.play("speak-reply")
    recording = await call.record(call.server.config.data / "reply.wav")
    await call.digit()
    await recording.stop()
    await call.play("goodbye")


async def dialogue(lab: Lab) -> tuple[list[object], bytes, bytes, float]:
    """Everything that happens in a call of half a minute, what is heard and what is recorded."""
    server = await lab.server(apps=[app])
    events: list[object] = []
    alice = await lab.phone("alice")
    call = await alice.call("sip:desk@sems")
    call.subscribe(lambda event: events.append((asyncio.get_running_loop().time(), event)))
    (other,) = server.calls.values()
    other.subscribe(lambda event: events.append((asyncio.get_running_loop().time(), event)))
    hearing = asyncio.create_task(alice.hear_all())
    events.append(await alice.hears("box-number"))
    await alice.key("7#")
    events.append(await alice.hears("box-pin"))
    await alice.key("1111")
    events.append(await alice.hears(["wrong-pin", "box-pin"]))
    await alice.key("2580")
    events.append(await alice.hears(["number-7", "new-messages"]))
    events.append(await alice.hears("speak-reply"))
    alice.tone(440)
    await asyncio.sleep(3)
    alice.silence()
    await alice.key("#")
    events.append(await alice.hears("goodbye"))
    await alice.ended()
    heard = await hearing
    recorded = (server.config.data / "reply.wav").read_bytes()
    return events, heard.pcm.tobytes(), recorded, asyncio.get_running_loop().time()


def test_half_a_minute_of_dialogue_passes_in_well_under_a_second() -> None:
    async def main() -> float:
        async with Lab(seed=1) as lab:
            return (await dialogue(lab))[3]

    run(main())  # whatever is loaded once
    began = time.process_time()
    seconds = run(main())
    took = time.process_time() - began
    assert seconds > 30
    assert took < 1.0


def test_the_same_seed_gives_the_same_events_and_the_same_sound() -> None:
    def whole(seed: int) -> tuple[list[object], bytes, bytes, float]:
        async def main() -> tuple[list[object], bytes, bytes, float]:
            async with Lab(seed=seed, loss=0.03, duplicate=0.02, jitter_ms=30) as lab:
                return await dialogue(lab)

        return run(main())

    one, same, other = whole(7), whole(7), whole(8)
    assert len(one[0]) > 20
    assert one == same
    assert one[1] != other[1]
