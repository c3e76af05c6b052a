"""Phones that we did not write: who hears whom, told by tones in their recordings."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from peers.baresip import Baresip
from peers.sems_server import SemsServer
from peers.tones import hears, tail, tone_level, write_tone

pytestmark = pytest.mark.asyncio(loop_scope="module")

TONES = {"Anna": 440.0, "Ben": 700.0, "Zoë Müller": 1100.0}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SemsServer]:
    async with SemsServer(tmp_path_factory.mktemp("sems")) as server:
        yield server


async def test_three_phones_hear_the_other_two_and_never_themselves(
    server: SemsServer, tmp_path: Path
) -> None:
    async with (
        Baresip(tmp_path, "Anna", TONES["Anna"]) as anna,
        Baresip(tmp_path, "Ben", TONES["Ben"], codec="pcma") as ben,
        Baresip(tmp_path, "Zoë Müller", TONES["Zoë Müller"]) as zoe,
    ):
        phones = [anna, ben, zoe]
        for phone in phones:
            await phone.dial(server.uri("standup"))
        (room,) = (await server.operator("/conferences"))["conferences"]
        members = {member["name"] for member in room["participants"]}
        assert members == set(TONES), json.dumps(room)
        for phone in phones:
            # All speak all the time, so that an echo would sound all the time.
            await phone.hears_these(set(TONES.values()) - {TONES[phone.name]}, [TONES[phone.name]])
        for phone in phones:
            await phone.hang_up()


async def test_phones_with_g711_g722_and_opus_hear_each_other_as_well_as_they_can(
    server: SemsServer, tmp_path: Path
) -> None:
    async with (
        Baresip(tmp_path, "Anna", 440) as anna,
        Baresip(tmp_path, "Ben", (700, 6000), codec="g722") as ben,
        Baresip(tmp_path, "Zoë", (1100, 6500), codec="opus") as zoe,
    ):
        phones = [anna, ben, zoe]
        for phone in phones:
            await phone.dial(server.uri("wide"))
        (room,) = (await server.operator("/conferences"))["conferences"]
        assert {member["name"] for member in room["participants"]} == {"Anna", "Ben", "Zoë"}
        for phone, others in [(anna, (700, 1100)), (ben, (440, 1100, 6500)), (zoe, (440, 700, 6000))]:
            await hears_well(phone, others)
        calls = (await server.operator("/calls"))["calls"]
        assert sorted(call["codec"] for call in calls) == ["G722", "PCMU", "opus"], calls
        for phone in phones:
            await phone.hang_up()

    # What is above her band comes back to Anna from nowhere: 8 kHz less 6 kHz is 2 kHz.
    for hz in (2000, 1500):
        level_of = tone_level(tail(anna.recording(), 2.0), hz)
        assert level_of < -50, f"Anna hears {hz} Hz at {level_of:.0f} dBov"


async def test_a_phone_hears_its_echo(server: SemsServer, tmp_path: Path) -> None:
    async with Baresip(tmp_path, "Anna", 500) as anna:
        await anna.dial(server.uri("echo"))
        # An echo is as loud as what was said.
        await anna.hears_mix({500: -20.0}, within=2)
        await anna.hang_up()


async def test_an_announcement_is_asked_for_by_its_address_and_hangs_up_by_itself(
    server: SemsServer, tmp_path: Path
) -> None:
    folder = server.folder / "data" / "announcements"
    folder.mkdir(exist_ok=True)
    write_tone(folder / "hello.wav", 1000, 0.4, rate=44_100)
    async with Baresip(tmp_path, "Anna") as anna:
        for _ in range(3):  # of which one must be as it was sent: a busy machine leaves pieces out
            seen = len(anna.events)
            await anna.dial(f"<{server.uri('annc')};play=hello;repeat=2;delay=300>")
            await anna.event("CALL_CLOSED", timeout=30, after=seen)
            heard = anna.heard()
            loud = [hears(heard[at : at + 400], 1000) for at in range(0, len(heard) - 400, 400)]
            changes = [now for now, before in zip(loud, [False, *loud], strict=False) if now != before]
            if (twice := changes[:3] == [True, False, True]) and 13 <= sum(loud) <= 17:
                break
        assert twice, "twice, with a pause"
        assert 13 <= sum(loud) <= 17


async def test_a_phone_on_hold_comes_back(server: SemsServer, tmp_path: Path) -> None:
    async with Baresip(tmp_path, "Anna", 440) as anna, Baresip(tmp_path, "Ben", 700) as ben:
        await anna.dial(server.uri("holding"))
        await ben.dial(server.uri("holding"))
        await ben.command("hold")
        await member_is(server, "holding", "Ben", on_hold=True)
        await ben.command("resume")
        await member_is(server, "holding", "Ben", on_hold=False)
        # baresip records no more once it was on hold, but its meter shows that sound comes again.
        await ben.receives()
        await anna.hears_these([700])
        await anna.hang_up()
        await ben.hang_up()


async def test_star_six_mutes_and_star_six_unmutes(server: SemsServer, tmp_path: Path) -> None:
    async with Baresip(tmp_path, "Anna", 440) as anna, Baresip(tmp_path, "Ben", 700) as ben:
        await anna.dial(server.uri("keys"))
        await ben.dial(server.uri("keys"))
        await press(ben, "*6")
        await member_is(server, "keys", "Ben", muted=True)
        await press(ben, "*9")
        await member_is(server, "keys", "Ben", hand=1)
        await anna.hears_these([], [700])
        await anna.hang_up()
        await press(ben, "*6")
        await member_is(server, "keys", "Ben", muted=False)
        await ben.hang_up()


async def hears_well(phone: Baresip, tones: tuple[float, ...]) -> None:
    """Waits until within two seconds each of these tones has been louder than −24 dBov, for a tenth of one: a
    packet that a busy machine makes late turns the phase of a tone."""
    tenth, loudest = phone.rate // 10, dict[float, float]()
    for _ in range(100):
        heard = tail(phone.heard(), 2.0, phone.rate)
        pieces = [heard[at : at + tenth] for at in range(0, len(heard) - tenth + 1, tenth)]
        loudest = {
            hz: max((tone_level(each, hz, phone.rate) for each in pieces), default=-127.0) for hz in tones
        }
        if min(loudest.values()) > -24:
            return
        await asyncio.sleep(0.2)  # what it hears is recorded in real time
    raise AssertionError(f"{phone.name} hears {loudest}")


async def press(phone: Baresip, digits: str) -> None:
    for digit in digits:
        await phone.key(digit)


async def member_is(server: SemsServer, room: str, name: str, **state: object) -> None:
    """Waits until the operator sees that member in that state."""
    member: dict[str, object] = {}
    for _ in range(200):
        conference = await server.operator(f"/conferences/{room}")
        member = next((m for m in conference["participants"] if m["name"] == name), {})
        if all(member.get(key) == value for key, value in state.items()):
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"{name} is {member}, not {state}")
