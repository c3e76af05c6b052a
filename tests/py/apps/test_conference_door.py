"""Who comes in and how: PINs, the waiting room, names and languages, with sound, in virtual time."""

from __future__ import annotations

import asyncio
import gc

import pytest
from meeting import TONES, meet, model

from sems import CallFailed
from sems.conference import (
    Admit,
    EarlyLink,
    EndedLink,
    Mute,
    Role,
    SetQuiet,
    SetWaitingRoom,
    TurnAway,
)
from sems.conference.commands import Lock
from sems.conference.pin import CROWD
from sems.testing import Lab, Phone

TRUSTED = {"trusted": ["10.0.0.0/8"]}


def pin_room(**more: object) -> dict[str, object]:
    return {"rooms": {"default": {"pin": "4711", **more}}}


async def dial(lab: Lab, name: str, *, params: str | None = None) -> Phone:
    phone = await lab.phone(name)
    await phone.call("sip:standup@sems", headers=[("P-App-Param", params)] if params else [])
    return phone


async def test_who_keys_in_the_pin_comes_in(lab: Lab) -> None:
    server = await lab.server(**pin_room())
    anna = await dial(lab, "anna")
    assert server.conferences.find("standup") is None
    await asyncio.sleep(1)
    assert not (await anna.hear(1)).is_silent
    await anna.key("4711#")
    await asyncio.sleep(0.5)
    assert [each.name for each in model(server).participants.values()] == ["anna"]


async def test_who_keys_in_three_wrong_pins_is_told_so_and_hung_up_on(lab: Lab) -> None:
    server = await lab.server(**pin_room())
    anna = await dial(lab, "anna")
    for wrong in ("1#", "47110#", "#"):
        await asyncio.sleep(1)
        await anna.key(wrong)
    end = await anna.ended()
    assert end.cause == "remote"
    assert server.conferences.find("standup") is None


async def test_a_moderator_has_a_pin_of_his_own_and_others_need_none_where_there_is_none(lab: Lab) -> None:
    server = await lab.server(rooms={"default": {"moderator_pin": "1234"}})
    ben, anna = await dial(lab, "ben"), await dial(lab, "anna")
    await asyncio.sleep(1)
    await ben.key("#")
    await anna.key("1234#")
    await asyncio.sleep(0.5)
    assert {each.name: each.role for each in model(server).participants.values()} == {
        "ben": Role.SPEAKER,
        "anna": Role.MODERATOR,
    }


async def test_the_more_is_guessed_the_longer_it_takes(lab: Lab) -> None:
    server = await lab.server(**pin_room())
    guesser = await lab.phone("guesser")

    async def guess(guesser: Phone) -> None:
        await guesser.call("sip:standup@sems")
        for _ in range(3):
            await asyncio.sleep(1)
            await guesser.key("9999#")
        await guesser.ended()

    for _ in range(3):
        await guess(guesser)
    await guesser.call("sip:standup@sems")
    await asyncio.sleep(1)
    await guesser.key("4711#")
    await asyncio.sleep(7)
    assert server.conferences.find("standup") is None
    anna = await dial(lab, "anna")
    await asyncio.sleep(1)
    await anna.key("4711#")
    await asyncio.sleep(0.5)
    assert len(model(server).participants) == 1, "she need not wait for what he guesses"
    await asyncio.sleep(3)
    assert len(model(server).participants) == 2
    for number in range(CROWD // 3):
        await guess(await lab.phone(f"guesser{number}"))
    ben = await dial(lab, "ben")
    await asyncio.sleep(1)
    await ben.key("4711#")
    await asyncio.sleep(8)
    assert len(model(server).participants) == 2, "a crowd that guesses slows down everybody"
    await asyncio.sleep(4)
    assert len(model(server).participants) == 3


@pytest.mark.parametrize("comes_in", [False, True])
async def test_what_was_guessed_of_a_room_is_remembered_for_ten_minutes_whoever_comes_and_goes(
    lab: Lab, comes_in: bool
) -> None:
    """Also by one who knows the PIN, and guesses that of the moderators."""
    server = await lab.server(**pin_room(moderator_pin="9753"))
    mallory = await lab.phone("mallory")

    async def guess(*keys: str) -> bool:
        """Whether the last of them is looked at within a second."""
        await mallory.call("sip:standup@sems")
        for key in keys:
            await asyncio.sleep(4)
            await mallory.key(key)
        await asyncio.sleep(1)
        quick = bool(server.conferences.find("standup"))
        await asyncio.sleep(4)
        await mallory.hang_up()
        await asyncio.sleep(1)
        assert not len(server.conferences)
        gc.collect()
        return quick

    for _ in range(3):
        await guess("9999#", "9999#", *["4711#"] * comes_in)
    assert not await guess("4711#")
    await asyncio.sleep(610)
    assert await guess("4711#")


async def test_a_link_of_who_keys_in_the_pin_yet_is_early(lab: Lab) -> None:
    server = await lab.server(**pin_room())
    anna = await dial(lab, "anna")
    assert anna.link
    token = anna.link.rpartition("/")[2]
    with pytest.raises(EarlyLink, match="key in the PIN"):
        server.conferences.links.find(token)
    await anna.hang_up()
    await asyncio.sleep(0.5)
    with pytest.raises(EndedLink):
        server.conferences.links.find(token)


async def test_who_waits_hears_music_and_neither_hears_the_room_nor_is_heard(lab: Lab) -> None:
    server = await lab.server()
    anna, ben = await meet(lab, "anna", "ben")
    model(server).do(SetWaitingRoom(True), by=1)
    anna.tone(1900)
    cleo = await dial(lab, "cleo")
    cleo.tone(TONES["cleo"])
    await asyncio.sleep(5)
    waiting = await cleo.hear(2)
    assert not waiting.is_silent
    assert waiting.tone_level(1900) < -45
    assert not (await anna.hear(1)).has_tone(TONES["cleo"])
    model(server).do(Admit(3), by=1)
    await asyncio.sleep(2)
    assert (await anna.hear(1)).has_tone(TONES["cleo"])
    assert (await cleo.hear(1)).has_tone(1900)
    await ben.hang_up()


async def test_a_moderator_on_a_plain_telephone_hears_a_knock_and_lets_in_by_key(lab: Lab) -> None:
    server = await lab.server()
    anna, _ = await meet(lab, "anna", "ben")
    anna.silence()
    model(server).do(SetWaitingRoom(True), Mute(2), by=1)
    await asyncio.sleep(0.5)
    knocked = asyncio.create_task(anna.hear(1))
    await dial(lab, "cleo")
    assert (await knocked).has_tone(260)
    await anna.key("##1")
    await asyncio.sleep(0.2)
    assert list(model(server).participants) == [1, 2, 3]
    model(server).do(SetQuiet(True), by=1)
    await asyncio.sleep(3)
    knocked = asyncio.create_task(anna.hear(1))
    await dial(lab, "dora")
    assert not (await knocked).has_tone(260), "the room is to be quiet"
    assert list(model(server).waiting) == [4]


async def test_who_is_turned_away_is_told_so_before_the_call_ends(lab: Lab) -> None:
    server = await lab.server(rooms={"default": {"waiting_room": True}})
    await dial(lab, "anna")
    ben = await dial(lab, "ben")
    await asyncio.sleep(4)
    assert list(model(server).waiting) == [2]
    model(server).do(TurnAway(2), by=1)
    told = asyncio.create_task(ben.hear(2))
    await ben.ended()
    assert not (await told).is_silent


async def test_all_wait_for_the_moderator_whom_a_proxy_names(lab: Lab) -> None:
    server = await lab.server(rooms={"default": {"wait_for_moderator": True}}, **TRUSTED)
    await dial(lab, "ben")
    await asyncio.sleep(1)
    assert not model(server).participants
    await dial(lab, "anna", params="role=moderator")
    await asyncio.sleep(0.5)
    assert [each.name for each in model(server).participants.values()] == ["anna", "ben"]


async def test_the_parameters_of_the_first_call_make_the_room(lab: Lab) -> None:
    server = await lab.server(**TRUSTED)
    await dial(lab, "anna", params="mode=lecture;max_members=1;nonsense=1")
    await asyncio.sleep(1)
    settings = model(server).settings
    assert (settings.mode, settings.max_members, settings.quiet) == ("lecture", 1, False)
    with pytest.raises(CallFailed, match="486"):
        await dial(lab, "ben")


@pytest.mark.parametrize(
    "wrong", ["max_members=x;pin=1234", "moderator_pin=1234;pin=1234", "role=king", "join_sound=perhaps"]
)
async def test_a_parameter_that_makes_no_sense_opens_no_door(lab: Lab, wrong: str) -> None:
    server = await lab.server(**TRUSTED)
    name = wrong.partition("=")[0]
    with pytest.raises(CallFailed, match=f"400 Bad parameter {name}"):
        await dial(lab, "anna", params=wrong)
    assert server.conferences.find("standup") is None


async def test_a_call_s_own_parameters_say_whether_it_waits(lab: Lab) -> None:
    server = await lab.server(**TRUSTED, rooms={"default": {"waiting_room": True}})
    for name, params in (
        ("anna", None),
        ("ben", None),
        ("cleo", "waiting_room=false"),
        ("dora", "wait_for_moderator=false"),
    ):
        await dial(lab, name, params=params)
    await asyncio.sleep(1)
    assert [each.name for each in model(server).participants.values()] == ["anna", "cleo"]
    assert [each.name for each in model(server).waiting.values()] == ["ben", "dora"]


async def test_a_moderator_comes_back_into_a_room_that_he_has_locked(lab: Lab) -> None:
    server = await lab.server(rooms={"default": {"moderator_pin": "2580"}})
    anna, ben = await dial(lab, "anna"), await dial(lab, "ben")
    for phone, keys in ((anna, "2580#"), (ben, "#")):
        await asyncio.sleep(1)
        await phone.key(keys)
    await asyncio.sleep(1)
    room = model(server)
    room.do(Lock(), by=next(iter(room.moderators)))
    await anna.hang_up()
    await anna.call("sip:standup@sems")
    await asyncio.sleep(1)
    await anna.key("2580#")
    await asyncio.sleep(1)
    assert [each.name for each in room.participants.values() if each.moderates] == ["anna"]
    cleo = await dial(lab, "cleo")
    await asyncio.sleep(1)
    await cleo.key("#")
    assert (await cleo.ended()).cause == "remote"
    assert len(room.participants) == 2


async def test_a_pin_of_a_call_s_own_opens_the_room_to_that_call_and_to_no_other(lab: Lab) -> None:
    server = await lab.server(**TRUSTED, **pin_room())
    for name, params, keys in (
        ("anna", None, "4711#"),
        ("ben", "pin=1111;moderator_pin=2222", "1111#"),
        ("cleo", None, "1111#"),
        ("dora", None, "2222#"),
    ):
        phone = await dial(lab, name, params=params)
        await asyncio.sleep(1)
        await phone.key(keys)
        await asyncio.sleep(1)
    assert [each.name for each in model(server).participants.values()] == ["anna", "ben"]
    assert (model(server).settings.pin, model(server).settings.moderator_pin) == ("4711", None)


async def test_what_a_call_says_of_the_room_is_nothing_to_others_while_it_is_not_in_it(lab: Lab) -> None:
    server = await lab.server(**TRUSTED, **pin_room())
    ben = await dial(lab, "ben", params="pin=1111;max_members=1;moderator=everyone")
    anna = await dial(lab, "anna")
    await asyncio.sleep(1)
    await anna.key("1111#")
    await asyncio.sleep(3)
    assert server.conferences.find("standup") is None
    await anna.key("4711#")
    await asyncio.sleep(1)
    await ben.key("1111#")
    await asyncio.sleep(1)
    assert [each.name for each in model(server).participants.values()] == ["anna", "ben"]
    assert (model(server).settings.pin, model(server).settings.max_members) == ("4711", None)


async def test_parameters_open_no_locked_room_and_change_nothing_of_it(lab: Lab) -> None:
    server = await lab.server(**TRUSTED)
    await dial(lab, "anna")
    await asyncio.sleep(1)
    room = model(server)
    room.do(Lock(), by=1)
    before = room.settings
    for params in ("pin=1111", "waiting_room=false;max_members=100", "mode=lecture;role=speaker"):
        with pytest.raises(CallFailed, match="403 Room locked"):
            await dial(lab, "ben", params=params)
    assert room.settings == before
    assert len(room.participants) == 1


async def test_a_stranger_s_parameters_mean_nothing(lab: Lab) -> None:
    server = await lab.server(trusted=[])
    await dial(lab, "anna", params="mode=lecture")
    await asyncio.sleep(1)
    assert model(server).settings.mode == "open"


async def test_names_are_asked_for_and_played_to_the_room(lab: Lab) -> None:
    server = await lab.server(rooms={"default": {"announce_names": True}})
    anna = await dial(lab, "anna")
    await asyncio.sleep(5)
    await anna.key("#")
    await asyncio.sleep(4)
    ben = await dial(lab, "ben")
    await asyncio.sleep(4.9)
    ben.tone(TONES["ben"])
    await asyncio.sleep(2)
    ben.silence()
    listening = asyncio.create_task(anna.hear(3))
    await ben.key("#")
    assert (await listening).has_tone(TONES["ben"])
    names = server.config.data / "names"
    assert len(list(names.iterdir())) >= 1
    await ben.hang_up()
    assert (await anna.hear(3)).has_tone(TONES["ben"])
    await anna.hang_up()
    await asyncio.sleep(1)
    assert not list(names.iterdir())


async def test_nothing_is_kept_of_who_hangs_up_while_he_says_his_name_nor_after_a_crash(lab: Lab) -> None:
    left = lab.folder / "sems" / "names" / "7-abcd.wav"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"RIFF")
    server = await lab.server(rooms={"default": {"announce_names": True}})
    names = server.config.data / "names"
    assert left.parent == names
    assert not left.exists()
    anna = await dial(lab, "anna")
    anna.tone(TONES["anna"])
    await anna.hears("say-your-name", within=10)
    await asyncio.sleep(3)
    assert list(names.iterdir())
    await anna.hang_up()
    await asyncio.sleep(1)
    assert not list(names.iterdir())


async def test_the_room_speaks_the_language_of_the_call(lab: Lab) -> None:
    server = await lab.server(**TRUSTED)
    await dial(lab, "anna", params="language=de")
    await asyncio.sleep(1)
    conference = server.conferences.find("standup")
    assert conference
    speech = conference.members[1].speech
    assert str(speech.find("only-participant")).endswith("de/only-participant.wav")
    speech.language = "nl"
    assert str(speech.find("only-participant")).endswith("prompts/only-participant.wav")


async def test_who_comes_after_all_whom_the_room_counts_comes_in_as_well(lab: Lab) -> None:
    server = await lab.server(rooms={"default": {"announce_names": False}})
    for number in range(1, 23):
        await dial(lab, f"guest{number}")
    await asyncio.sleep(1)
    assert len(model(server).participants) == 22


async def test_how_many_are_here_is_said_at_a_key(lab: Lab) -> None:
    await lab.server()
    anna, ben = await meet(lab, "anna", "ben")
    for phone in (anna, ben):
        phone.silence()
    await asyncio.sleep(1)
    assert (await ben.hear(1)).is_silent
    await ben.key("#1")
    said, other = await asyncio.gather(ben.hear(2), anna.hear(2))
    assert not said.is_silent
    assert other.is_silent
