"""Who is heard in a room that is not open, and how loud: with sound, in virtual time."""

from __future__ import annotations

import asyncio

from meeting import TONES, meet, model

from sems.conference import (
    GiveFloor,
    Mode,
    RaiseHand,
    Readmit,
    Remove,
    Role,
    SetGain,
    SetMode,
    SetTalkTime,
    SetVolume,
    TakeFloor,
)
from sems.conference.commands import SetRole
from sems.conference.events import FloorTaken
from sems.testing import Lab, Phone


async def heard_by(phone: Phone) -> set[str]:
    await asyncio.sleep(0.6)
    heard = await phone.hear(0.5)
    return {name for name, hz in TONES.items() if heard.has_tone(hz)}


async def test_only_who_holds_the_floor_is_heard_and_the_moderator_takes_it_by_a_key(lab: Lab) -> None:
    server = await lab.server()
    anna, ben, cleo = await meet(lab, "anna", "ben", "cleo")
    model(server).do(SetMode(Mode.MODERATED), by=1)
    assert await heard_by(cleo) == set()
    await anna.key("*5")
    assert await heard_by(cleo) == {"anna"}
    model(server).do(GiveFloor(2), by=1)
    assert await heard_by(cleo) == {"anna", "ben"}
    await anna.key("*5")
    assert await heard_by(cleo) == {"ben"}
    await ben.key("*5")
    assert await heard_by(cleo) == set()
    await ben.key("*5")
    assert await heard_by(cleo) == set()
    model(server).do(SetMode(Mode.OPEN), by=1)
    assert await heard_by(cleo) == {"anna", "ben"}


async def test_the_floor_goes_to_the_next_hand_by_a_key(lab: Lab) -> None:
    server = await lab.server(rooms={"default": {"mode": "moderated"}})
    anna, ben, cleo = await meet(lab, "anna", "ben", "cleo")
    await cleo.key("*9")
    await ben.key("*9")
    await anna.key("#5")
    assert await heard_by(anna) == {"cleo"}
    await anna.key("#5")
    assert (model(server).floor, model(server).hands) == ((2,), ())
    assert await heard_by(anna) == {"ben"}


async def test_a_telephone_that_dies_keeps_the_floor_for_a_few_seconds_only(lab: Lab) -> None:
    server = await lab.server(rooms={"default": {"mode": "moderated"}}, rtp_timeout=0)
    anna, ben, cleo = await meet(lab, "anna", "ben", "cleo")
    room = model(server)
    room.do(GiveFloor(2), GiveFloor(3), by=1)
    ben.set_line(loss=1.0)
    await asyncio.sleep(4.7)
    assert room.floor == (2, 3)
    ben.set_line()
    await asyncio.sleep(5)
    assert room.floor == (2, 3), "it came back in time"
    before = room.sequence
    await ben.vanish()
    await cleo.hold()
    await asyncio.sleep(4.8)
    assert room.floor == (2, 3)
    # It has reported until now, so its next report is waited for.
    await asyncio.sleep(5.5)
    assert room.floor == (3,)
    *_, taken = [each for each in room.since(before) or () if isinstance(each, FloorTaken)]
    assert (taken.participant.id, taken.lost, taken.by) == (2, True, None)
    await asyncio.sleep(10)
    assert room.floor == (3,), "who has put the room on hold keeps it"
    room.do(SetMode(Mode.LECTURE), GiveFloor(2), by=1)
    await anna.vanish()
    await asyncio.sleep(11)
    assert room.floor == (1,), "a lecture belongs to its moderators"


async def test_a_room_may_leave_the_floor_to_who_has_died(lab: Lab) -> None:
    server = await lab.server(rooms={"default": {"mode": "moderated", "floor_timeout": 0}}, rtp_timeout=0)
    _, ben = await meet(lab, "anna", "ben")
    model(server).do(GiveFloor(2), by=1)
    await ben.vanish()
    await asyncio.sleep(20)
    assert model(server).floor == (2,)


async def test_the_floor_comes_back_when_the_time_is_over(lab: Lab) -> None:
    server = await lab.server(rooms={"default": {"mode": "lecture", "talk_time": 30}})
    anna, _, cleo = await meet(lab, "anna", "ben", "cleo")
    room = model(server)
    room.do(RaiseHand(2), by=2)
    room.do(GiveFloor(2), by=1)
    await asyncio.sleep(29)
    assert room.floor == (1, 2)
    await asyncio.sleep(2)
    assert room.floor == (1,)
    assert await heard_by(cleo) == {"anna"}
    room.do(SetTalkTime(None), GiveFloor(2), by=1)
    await asyncio.sleep(60)
    assert room.floor == (1, 2)
    room.do(TakeFloor(2), SetTalkTime(30), GiveFloor(2), GiveFloor(3), by=1)
    room.do(SetRole(3, Role.MODERATOR), by=1)
    await asyncio.sleep(31)
    assert room.floor == (1, 3), "moderators have time"
    room.do(GiveFloor(2, at=100.0), by=1)
    assert room.floor_until(2) == 130.0
    room.do(SetTalkTime(None), by=1)
    assert room.floor_until(2) is None
    await asyncio.sleep(60)
    assert room.floor == (1, 3, 2), "nobody's time is over any more"
    await anna.hang_up()


async def test_the_time_of_who_was_removed_and_brought_back_goes_on(lab: Lab) -> None:
    server = await lab.server(rooms={"default": {"mode": "moderated", "talk_time": 30}})
    await meet(lab, "anna", "ben")
    room = model(server)
    room.do(GiveFloor(2), by=1)
    await asyncio.sleep(20)
    room.do(Remove(2), by=1)
    await asyncio.sleep(3)
    room.do(Readmit(2), by=1)
    await asyncio.sleep(6.5)
    assert room.floor == (2,)
    await asyncio.sleep(1)
    assert room.floor == ()


async def test_a_gain_holds_for_all_and_a_volume_for_one_alone(lab: Lab) -> None:
    server = await lab.server(rooms={"default": {"level_control": False}})
    anna, ben, cleo = await meet(lab, "anna", "ben", "cleo")
    room = model(server)
    before = (await cleo.hear(0.5)).tone_level(TONES["ben"])
    room.do(SetVolume(2, -20.0), by=3)
    await asyncio.sleep(0.2)
    for phone, change in ((cleo, -20), (anna, 0)):
        assert abs((await phone.hear(0.5)).tone_level(TONES["ben"]) - before - change) < 1.5
    room.do(SetVolume(2, None), by=3)
    room.do(SetGain(2, -10.0), by=1)
    await asyncio.sleep(0.2)
    for phone in (cleo, anna):
        assert abs((await phone.hear(0.5)).tone_level(TONES["ben"]) - before + 10) < 1.5
    await ben.hang_up()


async def test_a_key_makes_the_room_softer_for_one_alone(lab: Lab) -> None:
    await lab.server(rooms={"default": {"level_control": False}})
    anna, ben, cleo = await meet(lab, "anna", "ben", "cleo")
    before = (await cleo.hear(0.5)).tone_level(TONES["ben"])
    for _ in range(2):
        await cleo.key("#7")
    await asyncio.sleep(0.2)
    for phone, change in ((cleo, -6), (anna, 0)):
        assert abs((await phone.hear(0.5)).tone_level(TONES["ben"]) - before - change) < 1.5
    await ben.hang_up()


async def test_help_is_spoken_over_the_room_to_who_asks_and_never_instead_of_it(lab: Lab) -> None:
    await lab.server()
    anna, ben, cleo = await meet(lab, "anna", "ben", "cleo")
    for phone in (anna, ben, cleo):
        phone.silence()
    await asyncio.sleep(1)
    anna.tone(TONES["anna"])
    await asyncio.sleep(0.5)
    alone = (await ben.hear(1)).level
    await ben.key("*0")
    await asyncio.sleep(0.3)
    helped, other = await asyncio.gather(ben.hear(2), cleo.hear(2))
    assert helped.has_tone(TONES["anna"])
    assert helped.level > alone + 0.3
    assert abs(other.level - alone) < 0.3
    await ben.key("*0")
    await asyncio.sleep(0.3)
    assert abs((await ben.hear(1)).level - alone) < 0.3
