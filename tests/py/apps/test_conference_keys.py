"""Whatever a member may do on the page he can key in too: with phones that press keys, in virtual time."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from meeting import TONES, meet, model

from sems.conference import Mode, RecordingState, Role, commands
from sems.conference.command import Command
from sems.conference.conference import Conference
from sems.conference.keypad import spoken
from sems.config.keys import KeySettings
from sems.testing import Lab, Phone

#: What says that it was done, and that it may not be, in Hz.
BEEP, LOW = 1000, 220

#: What has no key, and why.
WITHOUT_KEY = {
    "Say": "Keys of a telephone write no text; its SIP MESSAGE does.",
    "SetPins": "It is SetPin and SetModeratorPin in one, and these have keys.",
}

#: What anna keys in, who moderates; and what is done by it. 2 is ben, 3 is cleo.
KEYED_IN = {
    "*6": "Mute", "*6 ": "Unmute", "**2*6": "Mute", "**2*6 ": "Unmute",
    "*9": "RaiseHand", "*9 ": "LowerHand",
    "**3*7": "SetVolume", "**3*8": "SetVolume", "**3*#7": "SetGain", "**3*#8": "SetGain",
    "**3*3": "SetRole", "**3*2": "SetRole", "**3*1": "SetRole",
    "##52": "SetMode", "**2*5": "GiveFloor", "**2*5 ": "TakeFloor", "*5": "Talk", "##51": "SetMode",
    "##660#": "SetTalkTime", "##75678#": "SetPin", "##85679#": "SetModeratorPin", "##99#": "SetMaxMembers",
    "##31": "SetWaitingRoom", "##32": "SetWaitForModerator", "##33": "SetQuiet", "#3": "Lock",
    "#3 ": "Unlock",     "#4": "Record", "##41": "PauseRecording", "##41 ": "Record", "#4 ": "StopRecording",
    "##44": "Record", "##44 ": "StopRecording",
    "**2#": "AskToTalk", "**#": "SetBackground", "*2": "LeaveTalk", "#*2#": "Coach", "*2 ": "LeaveTalk",
    "#*2*4": "Move", "##0": "Gather", "#*2**12#": "Move", "#*2*0": "Move",
    "#0200#": "Dial", "#9": "CancelCall", "#2": "Redial",
    "**2*4": "Remove", "##2": "Readmit",
}  # fmt: skip


@contextmanager
def what_is_done(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The names of the commands that are given and carried out."""
    given: list[str] = []
    do = Conference.do

    def noted(self: Conference, *wanted: Command, by: int | None) -> None:
        do(self, *wanted, by=by)
        given.extend(type(each).__name__ for each in wanted)

    with monkeypatch.context() as patch:
        patch.setattr(Conference, "do", noted)
        yield given


async def keyed(phone: Phone, keys: str) -> None:
    await phone.key(keys.strip())
    await asyncio.sleep(0.3)


async def test_every_command_of_the_model_can_be_keyed_in(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    dora = await lab.phone("dora")
    neighbours = {"trusted": ["10.0.0.0/8"]}
    await lab.server(dialout={"allow": ["*"], "names": {"200": dora.uri}}, **neighbours)
    anna, ben, _ = await meet(lab, "anna", "ben", "cleo")
    seen = set()
    with what_is_done(monkeypatch) as given:
        for keys, wanted in KEYED_IN.items():
            given.clear()
            await keyed(anna, keys)
            assert given == [wanted], keys
            seen.add(wanted)
        for late in ("emil", "fritz"):
            phone = await lab.phone(late)
            await phone.call("sip:standup@sems")
            await asyncio.sleep(2)
            await phone.key("5678#")
            await asyncio.sleep(2)
        given.clear()
        await keyed(anna, "##*2#")
        await keyed(anna, "##*1*")
        await keyed(anna, "##1")
        await keyed(anna, "**2#")  # who was brought back has his place again
        await keyed(ben, "*1")
        await keyed(anna, "*2")
        await keyed(ben, "**1#")
        await keyed(anna, "*2")
        seen |= set(given)
    names = {name for name in commands.__all__ if name not in ("Command", "ParticipantCommand")}
    assert names - seen == set(WITHOUT_KEY)


async def test_one_beep_says_that_something_is_on_and_two_that_it_is_off(lab: Lab) -> None:
    await lab.server()
    anna, *others = await meet(lab, "anna", "ben")
    for phone in (anna, *others):
        phone.silence()

    async def beeps() -> int:
        """Presses the key that locks the room and unlocks it, and counts what is heard."""
        await anna.key("#3")
        heard = await anna.hear(2)
        parts = [heard.after(n / 50).before(0.02) for n in range(round(50 * heard.seconds))]
        loud = [part.has_tone(1000) for part in parts]
        return sum(now and not before for before, now in itertools.pairwise([False, *loud]))

    assert [await beeps(), await beeps()] == [1, 2]


async def test_a_person_is_muted_removed_and_brought_back_by_keys(lab: Lab) -> None:
    server = await lab.server()
    anna, _, cleo = await meet(lab, "anna", "ben", "cleo")
    room = model(server)
    await keyed(anna, "**2*6")
    assert room.participants[2].muted_by_moderator
    await asyncio.sleep(0.5)
    assert not (await cleo.hear(0.5)).has_tone(TONES["ben"])
    await keyed(anna, "**2*6")
    assert (await cleo.hear(0.5)).has_tone(TONES["ben"])
    await keyed(anna, "**2*4")
    assert 2 not in room.participants
    await keyed(anna, "##2")
    assert 2 in room.participants
    assert (await cleo.hear(0.5)).has_tone(TONES["ben"])


async def test_floor_and_hands_of_others_go_by_keys(lab: Lab) -> None:
    server = await lab.server(rooms={"default": {"mode": "moderated"}})
    anna, _, cleo = await meet(lab, "anna", "ben", "cleo")
    room = model(server)
    await cleo.key("*9")
    await keyed(anna, "**3*9")
    assert room.hands == ()
    await keyed(anna, "**3*5")
    assert room.floor == (3,)
    assert (await anna.hear(0.5)).has_tone(TONES["cleo"])
    await keyed(anna, "**3*5")
    assert room.floor == ()
    await asyncio.sleep(0.5)
    assert not (await anna.hear(0.5)).has_tone(TONES["cleo"])


async def test_one_person_is_made_softer_for_oneself_or_for_all_by_keys(lab: Lab) -> None:
    server = await lab.server(rooms={"default": {"level_control": False}})
    anna, _, cleo = await meet(lab, "anna", "ben", "cleo")
    room = model(server)
    before = (await cleo.hear(0.5)).tone_level(TONES["ben"])

    async def change(phone: Phone) -> float:
        await asyncio.sleep(0.5)
        return (await phone.hear(0.5)).tone_level(TONES["ben"]) - before

    for _ in range(2):
        await keyed(cleo, "**2*7")
    assert await change(cleo) == pytest.approx(-6, abs=1.5)
    assert await change(anna) == pytest.approx(0, abs=1.5)
    for _ in range(2):
        await keyed(cleo, "**2*8")
    assert room.volumes(3) == {}
    await keyed(anna, "**2*#7")
    assert await change(cleo) == pytest.approx(-3, abs=1.5)
    await keyed(cleo, "**2*#7")
    assert room.participants[2].gain == -3, "who does not moderate changes it for himself alone"


async def test_modes_limits_and_pins_are_keyed_in_and_taken_back_with_zero(lab: Lab) -> None:
    server = await lab.server()
    anna, ben = await meet(lab, "anna", "ben")
    room = model(server)
    for keys, name, value in (
        ("##53", "mode", Mode.LECTURE),
        ("##52", "mode", Mode.MODERATED),
        ("##51", "mode", Mode.OPEN),
        ("##690#", "talk_time", 90.0),
        ("##60#", "talk_time", None),
        ("##74711#", "pin", "4711"),
        ("##712#", "pin", "4711"),
        ("##70#", "pin", None),
        ("##8471100#", "moderator_pin", "471100"),
        ("##80#", "moderator_pin", None),
        ("##912#", "max_members", 12),
        ("##90#", "max_members", None),
        ("##31", "waiting_room", True),
        ("##31", "waiting_room", False),
        ("##32", "wait_for_moderator", True),
        ("##33", "quiet", True),
        ("##33", "quiet", False),
        ("#3", "locked", True),
    ):
        before = room.settings
        await keyed(ben, keys)
        assert room.settings == before, f"{keys} by one who does not moderate"
        await keyed(anna, keys)
        assert getattr(room.settings, name) == value, keys


async def test_who_waits_is_let_in_or_turned_away_one_by_one(lab: Lab) -> None:
    server = await lab.server(rooms={"default": {"waiting_room": True}})
    (anna,) = await meet(lab, "anna")
    ben, *_ = others = [await lab.phone(name) for name in ("ben", "cleo", "dora")]
    for phone in others:
        await phone.call("sip:standup@sems")
    await asyncio.sleep(1)
    room = model(server)
    await keyed(anna, "##*2#")
    assert [each.name for each in room.participants.values()] == ["anna", "cleo"]
    await keyed(anna, "##*1*")
    assert [each.name for each in room.waiting.values()] == ["dora"]
    await keyed(anna, "##*2#")
    assert [each.name for each in room.waiting.values()] == ["dora"], "a place stays with whoever has it"
    await keyed(anna, "##*3#")
    assert not room.waiting
    await ben.call("sip:standup@sems")
    await asyncio.sleep(1)
    await keyed(anna, "##*1#")
    assert [each.name for each in room.participants.values()] == ["anna", "cleo", "dora", "ben"]


async def test_a_recording_is_paused_heard_and_deleted_by_keys(lab: Lab) -> None:
    server = await lab.server()
    anna, ben = await meet(lab, "anna", "ben")
    room = model(server)
    await keyed(anna, "#4")
    await asyncio.sleep(4)
    await keyed(anna, "##41")
    assert room.recording.state is RecordingState.PAUSED
    await keyed(anna, "##41")
    assert room.recording.state is RecordingState.RECORDING
    await asyncio.sleep(4)
    await keyed(anna, "##431#")
    await keyed(anna, "#4")
    await asyncio.sleep(4)
    (found,) = server.conferences.archive.of("standup")
    ben.silence()
    anna.silence()
    await asyncio.sleep(0.5)
    await keyed(ben, "##421#")
    await asyncio.sleep(1)
    assert not (await ben.hear(0.5)).has_tone(TONES["ben"])
    await keyed(anna, "##421#")
    await asyncio.sleep(1)
    assert (await anna.hear(0.5)).has_tone(TONES["ben"])
    await keyed(anna, "##421#")
    await asyncio.sleep(0.5)
    assert not (await anna.hear(0.5)).has_tone(TONES["ben"])
    await keyed(ben, "##431#")
    assert server.conferences.archive.find("standup", found.id)
    await keyed(anna, "##431#")
    await asyncio.sleep(0.5)
    assert server.conferences.archive.of("standup") == []


async def test_who_hears_a_recording_hears_no_more_of_it_when_it_is_deleted(lab: Lab) -> None:
    server = await lab.server()
    anna, ben = await meet(lab, "anna", "ben")
    for _ in range(2):
        await keyed(anna, "#4")
        await asyncio.sleep(4)
        await keyed(anna, "#4")
        await asyncio.sleep(4)
    ben.silence()
    newest, oldest = server.conferences.archive.of("standup")
    await keyed(anna, "##421#")
    await asyncio.sleep(1)
    recorder = server.conferences.get("standup").recorder
    await recorder.delete(oldest.id)
    assert (await anna.hear(0.5)).has_tone(TONES["ben"])
    await recorder.delete(newest.id)
    await asyncio.sleep(0.3)
    assert not (await anna.hear(0.5)).has_tone(TONES["ben"])


async def test_whoever_may_not_do_it_hears_so_and_help_does_not_speak_of_it(lab: Lab) -> None:
    server = await lab.server(rooms={"default": {"mode": "moderated"}})
    anna, ben, _ = await meet(lab, "anna", "ben", "cleo")
    room = model(server)
    before = room.participants, room.settings, room.floor
    for phone in (anna, ben):
        phone.silence()
    await asyncio.sleep(0.5)
    for keys in ("**3*1", "**3*2", "**3*3", "**3*4", "**3*5", "**3*6", "**3*#7", "##31", "##53", "##71234#"):
        await ben.key(keys)
        assert (await ben.hear(0.4)).has_tone(LOW), keys
    assert (dict(room.participants), room.settings, room.floor) == (dict(before[0]), *before[1:])
    ours, his = (set(spoken(room, room.participants[id], KeySettings())) for id in (1, 2))
    of_moderators = {"key-give-floor", "key-mute-other", "key-moderator", "key-remove", "key-pin", "key-open"}
    assert of_moderators <= ours
    assert not of_moderators & his
    assert {"key-for-person", "key-softer-for-me", "key-who"} <= his
    assert room.participants[3].role is Role.SPEAKER


async def test_somebody_is_brought_to_where_another_is_whatever_that_room_is_called(lab: Lab) -> None:
    server = await lab.server(rooms={"default": {"join_sound": False}})
    anna, _, cleo = await meet(lab, "anna", "ben", "cleo")
    room = model(server)
    said = spoken(room, room.participants[1], KeySettings())
    assert "key-beside" not in said
    room.do(commands.Move(2, "Blue"), by=1)
    assert "key-beside" in spoken(room, room.participants[1], KeySettings())
    for phone in (anna, cleo):
        phone.silence()
    await asyncio.sleep(0.5)
    await anna.key("#*3*#2#")
    assert (await anna.hear(0.4)).has_tone(BEEP), "in a quiet room nothing else says that it was done"
    assert room.participants[3].side_room == "Blue"
    await keyed(anna, "#*0*#2#")
    assert room.participants[1].side_room == "Blue"
    await keyed(anna, "#*0*0")
    await keyed(anna, "#*3*#1#")
    assert (room.participants[1].side_room, room.participants[3].side_room) == (None, None)
    await anna.key("#*3*#4#")
    assert (await anna.hear(0.4)).has_tone(LOW), "there is no fourth"


async def test_whoever_keys_in_that_for_which_there_is_nothing_hears_so(lab: Lab) -> None:
    await lab.server(rooms={"default": {"mode": "moderated"}})
    anna, ben = await meet(lab, "anna", "ben")
    for phone in (anna, ben):
        phone.silence()
    await asyncio.sleep(0.5)
    for phone, keys in ((anna, "#5"), (ben, "*1"), (ben, "*2")):
        await phone.key(keys)
        assert (await phone.hear(0.4)).has_tone(LOW), keys
