"""Recording somebody until he has said it."""

from __future__ import annotations

import asyncio
import wave

import pytest
from an_app import app_of

from sems import Call, EngineError, Prompt, Take
from sems.testing import Lab, Phone

SPEECH = Prompt.tone("sine:440:2000:-12")


async def recorded(lab: Lab, takes: list[Take], **options: object) -> Phone:
    async def main(call: Call) -> None:
        await call.answer()
        takes.append(await call.record_until(lab.folder / "take.wav", **options))  # type: ignore[arg-type]
        await call.sleep(10)

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    return alice


async def test_it_ends_with_a_key_and_other_keys_are_passed_over(lab: Lab) -> None:
    takes: list[Take] = []
    alice = await recorded(lab, takes, keys="#1")
    await asyncio.sleep(0.1)
    await alice.say(SPEECH).wait()
    await alice.key("5")
    assert not takes
    await alice.key("1")
    await asyncio.sleep(0.2)
    (take,) = takes
    assert (take.ended_by, take.key, take.spoken) == ("key", "1", True)
    assert take.seconds == pytest.approx(2.4, abs=0.3)
    with wave.open(str(take.path)) as file:
        assert file.getnframes() / file.getframerate() == pytest.approx(take.seconds)
    (call,) = [call for server in lab._servers for call in server.calls.values() if call.app_name == "mine"]
    assert await call.digit(timeout=0.1) is None, "the keys were for the recording"


async def test_it_ends_when_nothing_is_said_any_more(lab: Lab) -> None:
    takes: list[Take] = []
    alice = await recorded(lab, takes, silence=3.0)
    await asyncio.sleep(1)
    await alice.say(SPEECH).wait()
    await asyncio.sleep(2.5)
    # A pause for thought is not the end.
    assert not takes
    await alice.say(SPEECH).wait()
    await asyncio.sleep(4)
    (take,) = takes
    assert (take.ended_by, take.key, take.spoken) == ("silence", None, True)
    assert take.seconds == pytest.approx(7.7, abs=0.4), "without the silence at its end"


async def test_nothing_said_at_all_is_told(lab: Lab) -> None:
    takes: list[Take] = []
    await recorded(lab, takes, silence=3.0)
    await asyncio.sleep(3.5)
    assert (takes[0].ended_by, takes[0].spoken) == ("silence", False)


async def test_it_is_no_longer_than_allowed(lab: Lab) -> None:
    takes: list[Take] = []
    alice = await recorded(lab, takes, limit=4.0, silence=None)
    alice.tone(440)
    await asyncio.sleep(4.5)
    assert takes[0].ended_by == "limit"
    assert takes[0].seconds == pytest.approx(4, abs=0.1)


async def test_what_was_said_before_a_hang_up_is_there(lab: Lab) -> None:
    takes: list[Take] = []
    alice = await recorded(lab, takes)
    alice.tone(440)
    await asyncio.sleep(2)
    await alice.hang_up()
    await asyncio.sleep(1)
    assert (takes[0].ended_by, takes[0].spoken) == ("hangup", True)
    assert takes[0].seconds == pytest.approx(2, abs=0.1)


async def test_cancelled_it_ends_and_where_it_can_not_be_written_it_fails(lab: Lab) -> None:
    async def main(call: Call) -> None:
        await call.answer()
        with pytest.raises(EngineError, match=r"/a\.wav can't be written: there is no folder .*/nowhere$"):
            await call.record_until(lab.folder / "nowhere" / "a.wav")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await call.record_until(lab.folder / "a.wav")
        # It can be recorded anew.
        take = await call.record_until(lab.folder / "b.wav", limit=1)
        assert take.ended_by == "limit"

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    assert (await alice.hear_all()).seconds == pytest.approx(2, abs=0.2)


async def test_a_take_may_be_raw_g711(lab: Lab) -> None:
    takes: list[Take] = []

    async def main(call: Call) -> None:
        await call.answer()
        takes.append(await call.record_until(lab.folder / "take.ulaw", silence=2))
        await call.sleep(10)

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    await alice.say(SPEECH).wait()
    await asyncio.sleep(3)
    (take,) = takes
    assert (take.ended_by, take.spoken) == ("silence", True)
    assert take.seconds == pytest.approx(2.2, abs=0.4)
