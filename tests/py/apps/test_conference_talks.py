"""Who hears whom when some talk in private, are coached, or are in side rooms."""

from __future__ import annotations

import asyncio
import contextlib
import random
import wave
from array import array
from pathlib import Path
from typing import Any

import pytest

from sems import Server
from sems.conference import (
    AcceptTalk,
    AskToTalk,
    Background,
    Coach,
    Command,
    Conference,
    ConferenceModel,
    LeaveTalk,
    Move,
    Mute,
    Readmit,
    Refused,
    Remove,
    SetMode,
    SetVolume,
    Talk,
    Unmute,
)
from sems.conference.invitation import PATIENCE
from sems.conference.mixing import BREATH
from sems.conference.settings import Mode
from sems.testing import Hearing, Lab, Phone

TONES = {"anna": 480, "ben": 740, "cleo": 1120, "dora": 1560}
IDS = {name: id for id, name in enumerate(TONES, 1)}
#: Plain mixing, so that levels can be compared.
PLAIN = {"default": {"join_sound": False, "level_control": False, "noise_gate": False}}
LONELY = 3.0
#: So loud is each tone, in dBov: all together need no limiter.
TONE = -24
DOWN = 50.0


class Meeting:
    """Anna (1, the moderator), Ben, Cleo and Dora, each of whom sounds a tone."""

    def __init__(self, lab: Lab, server: Server) -> None:
        self.lab = lab
        self.server = server
        self.phones: dict[str, Phone] = {}

    @property
    def conference(self) -> Conference:
        conference = self.server.conferences.find("standup")
        assert conference is not None
        return conference

    def do(self, *commands: object, by: str) -> None:
        self.conference.do(*commands, by=IDS[by])  # type: ignore[arg-type]

    def talk(self, who: str) -> int:
        talk = self.conference.model.talk_of(IDS[who])
        assert talk is not None
        return talk.id

    def whisper(self, *names: str, room: Background = Background.SOFT) -> None:
        asker, *others = names
        self.do(AskToTalk(tuple(IDS[other] for other in others), room), by=asker)
        for other in others:
            self.do(AcceptTalk(self.talk(other)), by=other)

    async def hear(self, who: str) -> dict[str, float]:
        """The levels of all tones at this phone, in dBov, after what sounds because of a change."""
        await asyncio.sleep(BREATH + 0.2)
        heard = await self.phones[who].hear(0.6)
        return {name: heard.tone_level(hz) for name, hz in TONES.items()}

    async def who_hears_whom(self) -> dict[str, set[str]]:
        heard = {name: await self.hear(name) for name in self.phones}
        return {
            name: {other for other, level in levels.items() if other != name and level > -60}
            for name, levels in heard.items()
        }


async def meet(lab: Lab, *names: str, **options: int) -> Meeting:
    meeting = Meeting(lab, await lab.server(rooms=PLAIN, **options))
    for name in names or TONES:
        phone = meeting.phones[name] = await lab.phone(name)
        await phone.call("sip:standup@sems")
    await asyncio.sleep(LONELY)
    for name, phone in meeting.phones.items():
        phone.tone(TONES[name], level=TONE)
    return meeting


async def test_a_private_talk_is_heard_by_those_in_it_and_50_db_down_by_all_others(lab: Lab) -> None:
    meeting = await meet(lab)
    before = await meeting.hear("dora")
    meeting.whisper("anna", "ben")
    anna, ben, dora = [await meeting.hear(name) for name in ("anna", "ben", "dora")]
    assert anna["ben"] == pytest.approx(before["ben"], abs=1), "full level"
    assert ben["anna"] == pytest.approx(before["anna"], abs=1)
    for heard in (anna, ben):
        assert heard["cleo"] == pytest.approx(before["cleo"] - 20, abs=1), "the room softly underneath"
    assert max(dora["anna"], dora["ben"]) < before["anna"] - DOWN
    assert dora["cleo"] == pytest.approx(before["cleo"], abs=1)

    meeting.do(LeaveTalk(meeting.talk("ben")), by="ben")
    assert await meeting.who_hears_whom() == {name: TONES.keys() - {name} for name in TONES}


async def test_a_private_talk_can_be_without_the_room(lab: Lab) -> None:
    meeting = await meet(lab)
    meeting.whisper("anna", "ben", "cleo", room=Background.OFF)
    assert await meeting.who_hears_whom() == {
        "anna": {"ben", "cleo"}, "ben": {"anna", "cleo"}, "cleo": {"anna", "ben"}, "dora": set(),
    }  # fmt: skip


async def test_who_has_a_volume_for_somebody_does_not_hear_his_private_talk(lab: Lab) -> None:
    meeting = await meet(lab)
    meeting.do(SetVolume(1, 6.0), SetVolume(4, -6.0), by="cleo")
    before = await meeting.hear("cleo")
    meeting.do(SetVolume(1, -6.0), by="ben")
    meeting.whisper("anna", "ben")
    cleo, ben = await meeting.hear("cleo"), await meeting.hear("ben")
    assert max(cleo["anna"], cleo["ben"]) < before["anna"] - DOWN
    assert cleo["dora"] == pytest.approx(before["dora"], abs=1)
    assert ben["anna"] == pytest.approx(before["anna"] - 12, abs=1), "his own volume holds in the talk"
    meeting.do(LeaveTalk(meeting.talk("ben")), by="ben")
    assert (await meeting.hear("cleo"))["anna"] == pytest.approx(before["anna"], abs=1)


async def test_who_may_not_speak_in_the_room_is_heard_in_private_and_not_any_longer(lab: Lab) -> None:
    meeting = await meet(lab, "anna", "ben", "cleo")
    meeting.do(SetMode(Mode.MODERATED), Talk(), by="anna")
    meeting.do(Mute(3), by="cleo")
    meeting.whisper("ben", "cleo", room=Background.OFF)
    assert await meeting.who_hears_whom() == {"anna": set(), "ben": {"cleo"}, "cleo": {"ben"}}
    meeting.do(Mute(2), by="ben")
    assert (await meeting.who_hears_whom())["cleo"] == set()
    meeting.do(Unmute(2), by="ben")
    assert (await meeting.who_hears_whom())["cleo"] == {"ben"}
    meeting.do(LeaveTalk(meeting.talk("ben")), by="ben")
    assert await meeting.who_hears_whom() == {"anna": set(), "ben": {"anna"}, "cleo": {"anna"}}


async def test_no_word_gets_out_while_a_talk_begins_or_ends(lab: Lab) -> None:
    meeting = await meet(lab, "anna", "ben", "cleo")
    meeting.do(SetMode(Mode.MODERATED), by="anna")
    await asyncio.sleep(1)
    listening = asyncio.create_task(meeting.phones["cleo"].hear(4))
    for _ in range(4):
        meeting.whisper("anna", "ben")
        await asyncio.sleep(0.5)
        meeting.do(LeaveTalk(meeting.talk("anna")), by="anna")
        await asyncio.sleep(0.5)
    assert (await listening).is_silent


async def test_who_asks_is_taken_at_his_word_for_half_a_minute(lab: Lab) -> None:
    meeting = await meet(lab, "anna", "ben", "cleo")
    for phone in meeting.phones.values():
        phone.silence()
    await asyncio.sleep(1)
    meeting.do(AskToTalk((2,)), by="anna")
    heard = await asyncio.gather(*(phone.hear(5) for phone in meeting.phones.values()))
    assert not heard[0].before(1).is_silent, "who asks hears that it was done"
    assert heard[0].after(1).is_silent
    assert heard[2].is_silent
    assert not heard[1].before(1).is_silent
    assert not heard[1].after(4).is_silent, "who is asked hears it, over and over"
    await asyncio.sleep(PATIENCE - 7)
    assert meeting.conference.model.talks
    listening = asyncio.create_task(meeting.phones["anna"].hear(4))
    await asyncio.sleep(4)
    assert not meeting.conference.model.talks
    assert not (await listening).is_silent, "who asked hears that it was in vain"
    assert (await meeting.phones["ben"].hear(5)).is_silent


async def test_a_coach_is_heard_by_one_alone_who_hears_that_it_begins(lab: Lab) -> None:
    meeting = await meet(lab, "anna", "ben", "cleo")
    meeting.phones["anna"].silence()
    meeting.phones["cleo"].silence()
    meeting.phones["ben"].silence()
    await asyncio.sleep(1)
    meeting.do(Coach(2), by="anna")
    ben, cleo = await asyncio.gather(meeting.phones["ben"].hear(1), meeting.phones["cleo"].hear(1))
    assert (ben.is_silent, cleo.is_silent) == (False, True)
    for name, phone in meeting.phones.items():
        phone.tone(TONES[name], level=TONE)
    assert await meeting.who_hears_whom() == {
        "anna": {"ben", "cleo"}, "ben": {"anna", "cleo"}, "cleo": {"ben"},
    }  # fmt: skip
    meeting.do(LeaveTalk(meeting.talk("ben")), by="ben")
    assert (await meeting.who_hears_whom())["cleo"] == {"anna", "ben"}


@pytest.mark.parametrize("how", ["hangs up", "is removed"])
async def test_who_is_left_in_a_talk_is_back_in_the_room(lab: Lab, how: str) -> None:
    meeting = await meet(lab)
    meeting.whisper("anna", "ben")
    await asyncio.sleep(0.5)
    if how == "hangs up":
        await meeting.phones.pop("ben").hang_up()
    else:
        meeting.do(Remove(2), by="anna")
        await asyncio.sleep(1)
        meeting.do(Readmit(2), by="anna")
    everybody = set(meeting.phones)
    assert await meeting.who_hears_whom() == {name: everybody - {name} for name in everybody}


@pytest.mark.parametrize("how", ["hangs up", "goes back", "goes back himself"])
async def test_the_sentence_in_which_another_ends_a_talk_is_not_heard_by_the_room(lab: Lab, how: str) -> None:
    meeting = await meet(lab, "anna", "ben", "cleo")
    meeting.whisper("anna", "ben")
    await asyncio.sleep(0.5)
    if how == "hangs up":
        await meeting.phones.pop("ben").hang_up()
    else:
        meeting.do(LeaveTalk(meeting.talk("ben")), by="anna" if "himself" in how else "ben")
    await asyncio.sleep(0.2)
    heard = await meeting.phones["cleo"].hear(BREATH - 0.4)
    assert (heard.tone_level(TONES["anna"]) > -60) == ("himself" in how)
    await asyncio.sleep(0.4)
    assert (await meeting.phones["cleo"].hear(0.5)).has_tone(TONES["anna"])


async def test_nor_is_it_where_he_had_come_back_from_another_talk_just_before(lab: Lab) -> None:
    meeting = await meet(lab, "anna", "ben", "cleo")
    for _ in range(2):
        meeting.whisper("anna", "ben")
        await asyncio.sleep(0.6)
        meeting.do(LeaveTalk(meeting.talk("ben")), by="ben")
        await asyncio.sleep(0.5)
    assert (await meeting.phones["cleo"].hear(BREATH - 0.6)).tone_level(TONES["anna"]) < -60
    await asyncio.sleep(0.2)
    assert (await meeting.phones["cleo"].hear(0.5)).has_tone(TONES["anna"])


async def test_nor_by_the_other_room_if_a_moderator_moves_him_out_of_his_talk(lab: Lab) -> None:
    meeting = await meet(lab)
    meeting.do(Move(2, "Blue"), Move(3, "Blue"), by="anna")
    await asyncio.sleep(0.5)
    meeting.whisper("ben", "cleo")
    await asyncio.sleep(0.5)
    meeting.do(Move(2, None), by="anna")
    await asyncio.sleep(0.2)
    assert (await meeting.phones["dora"].hear(BREATH - 0.4)).tone_level(TONES["ben"]) < -60
    await asyncio.sleep(0.4)
    assert (await meeting.phones["dora"].hear(0.5)).has_tone(TONES["ben"])


async def test_side_rooms_hear_themselves_alone_and_come_back_without_dialling(lab: Lab) -> None:
    meeting = await meet(lab)
    meeting.do(Move(3, "Blue"), Move(4, "Blue"), by="anna")
    assert await meeting.who_hears_whom() == {
        "anna": {"ben"}, "ben": {"anna"}, "cleo": {"dora"}, "dora": {"cleo"},
    }  # fmt: skip
    assert len(meeting.server.rooms) == 2
    meeting.do(Move(4, "Red"), by="anna")
    meeting.do(Move(3, None), by="cleo")
    assert await meeting.who_hears_whom() == {
        "anna": {"ben", "cleo"}, "ben": {"anna", "cleo"}, "cleo": {"anna", "ben"}, "dora": set(),
    }  # fmt: skip
    assert len(meeting.server.rooms) == 2
    meeting.do(Remove(4), by="anna")
    await asyncio.sleep(1)
    assert len(meeting.server.rooms) == 1
    meeting.do(Readmit(4), by="anna")
    await asyncio.sleep(1)
    assert meeting.conference.model.participants[4].side_room == "Red", "an undo brings him back where he was"
    assert len(meeting.server.rooms) == 2
    meeting.do(Move(4, None), by="dora")
    assert await meeting.who_hears_whom() == {name: TONES.keys() - {name} for name in TONES}
    assert len(meeting.server.rooms) == 1
    assert all(phone.line and phone.line.end is None for phone in meeting.phones.values())


async def test_in_a_side_room_all_are_heard_whatever_holds_in_the_main_room(lab: Lab) -> None:
    meeting = await meet(lab)
    meeting.do(SetMode(Mode.MODERATED), Talk(), Move(3, "Blue"), Move(4, "Blue"), by="anna")
    meeting.do(Mute(4), by="dora")
    assert await meeting.who_hears_whom() == {
        "anna": set(), "ben": {"anna"}, "cleo": set(), "dora": {"cleo"},
    }  # fmt: skip
    meeting.do(Unmute(4), by="dora")
    meeting.do(Move(3, None), Move(4, None), by="anna")
    assert await meeting.who_hears_whom() == {name: {"anna"} - {name} for name in TONES}


async def test_those_in_a_side_room_can_talk_in_private_there(lab: Lab) -> None:
    meeting = await meet(lab)
    meeting.do(Move(2, "Blue"), Move(3, "Blue"), Move(4, "Blue"), by="anna")
    meeting.whisper("ben", "cleo", room=Background.OFF)
    assert await meeting.who_hears_whom() == {
        "anna": set(), "ben": {"cleo"}, "cleo": {"ben"}, "dora": set(),
    }  # fmt: skip
    meeting.do(Move(3, None), by="anna")
    assert await meeting.who_hears_whom() == {
        "anna": {"cleo"}, "ben": {"dora"}, "cleo": {"anna"}, "dora": {"ben"},
    }  # fmt: skip


async def test_many_changes_at_once_end_as_the_model_says(lab: Lab) -> None:
    meeting = await meet(lab)
    for _ in range(3):
        meeting.do(*(Move(id, None) for id in IDS.values()), by="anna")
        meeting.whisper("anna", "ben")
        meeting.do(Move(1, "Blue"), Move(3, "Red"), by="anna")
        meeting.do(Move(2, "Blue"), Move(3, "Blue"), by="anna")
        meeting.whisper("ben", "cleo")
        await asyncio.sleep(0)
    assert await meeting.who_hears_whom() == {
        "anna": set(), "ben": {"anna", "cleo"}, "cleo": {"anna", "ben"}, "dora": set(),
    }  # fmt: skip


async def test_levels_of_all_rooms_are_read_together(lab: Lab) -> None:
    meeting = await meet(lab)
    readings: list[set[int]] = []
    unfollow = meeting.conference.follow_levels(lambda levels: readings.append(set(levels)))
    meeting.do(Move(3, "Blue"), Move(4, "Blue"), by="anna")
    await asyncio.sleep(1)
    readings.clear()
    await asyncio.sleep(2)
    assert readings[-1] == {1, 2, 3, 4}
    assert 8 <= len(readings) <= 21
    meeting.whisper("cleo", "dora")
    await asyncio.sleep(1)
    assert readings[-1] == {1, 2}
    unfollow()


async def test_a_conference_that_ends_closes_its_side_rooms(lab: Lab) -> None:
    meeting = await meet(lab, "anna", "ben")
    meeting.do(Move(2, "Blue"), Move(1, "Red"), by="anna")
    await asyncio.sleep(0.5)
    assert len(meeting.server.rooms) == 3
    await meeting.phones["anna"].hang_up()
    await meeting.phones["ben"].hang_up()
    await asyncio.sleep(1)
    assert not meeting.server.rooms


async def test_all_of_it_can_be_keyed_in(lab: Lab) -> None:
    meeting = await meet(lab, "anna", "ben", "cleo")
    model, phones = meeting.conference.model, meeting.phones

    async def key(who: str, keys: str) -> None:
        await phones[who].key(keys)
        await asyncio.sleep(0.3)

    await key("ben", "**3#")
    assert model.talks[meeting.talk("cleo")].asked == (3,)
    await key("cleo", "*2")
    assert not model.talks
    await key("ben", "**3#")
    await key("cleo", "*1")
    assert (model.participants[2].private, model.participants[3].private) == (True, True)
    await key("ben", "**#")
    assert model.talks[meeting.talk("ben")].room is Background.OFF
    await key("ben", "*6")
    assert model.participants[2].muted_in_talk
    await key("ben", "*6")
    assert not model.participants[2].muted_in_talk
    await key("cleo", "*2")
    assert not model.talks
    await key("anna", "#*2#")
    assert model.talks[meeting.talk("anna")].members == (1, 2)
    await key("ben", "*2")
    assert not model.talks
    await key("anna", "#*3*5")
    assert model.participants[3].side_room == "5"
    await key("cleo", "*2")
    assert model.participants[3].side_room is None
    await key("anna", "#*0*5")
    assert model.participants[1].side_room == "5"
    await key("anna", "#*0*0")
    assert model.participants[1].side_room is None


async def test_more_are_asked_into_a_talk_by_the_same_keys(lab: Lab) -> None:
    meeting = await meet(lab, "anna", "ben", "cleo")
    for who, keys in (("ben", "**1#"), ("anna", "*1"), ("ben", "**#"), ("ben", "**3#")):
        await meeting.phones[who].key(keys)
        await asyncio.sleep(0.3)
    talk = meeting.conference.model.talks[meeting.talk("cleo")]
    assert (talk.members, talk.asked, talk.room) == ((2, 1), (3,), Background.OFF)
    await meeting.phones["cleo"].key("*1")
    await asyncio.sleep(0.3)
    everybody = set(meeting.phones)
    assert await meeting.who_hears_whom() == {name: everybody - {name} for name in everybody}
    assert all(each.private for each in meeting.conference.model.participants.values())


async def with_spoken_names(lab: Lab) -> tuple[Server, Conference, list[Phone]]:
    """Anna and Ben have said their names, which are their tones."""
    server = await lab.server(rooms={"default": {"announce_names": True}})
    phones = [await lab.phone(name) for name in ("anna", "ben")]
    for phone in phones:
        await phone.dial("sip:standup@sems")
        await asyncio.sleep(4.9)
        phone.tone(TONES[phone.name])
        await asyncio.sleep(2)
        phone.silence()
        await phone.key("#")
        await asyncio.sleep(4)
    conference = server.conferences.find("standup")
    assert conference is not None
    return server, conference, phones


async def test_who_keys_in_a_number_hears_whose_it_is(lab: Lab) -> None:
    _, conference, phones = await with_spoken_names(lab)
    listening = asyncio.create_task(phones[0].hear(3))
    await phones[0].key("**2#")
    assert (await listening).has_tone(TONES["ben"])
    assert conference.model.talk_of(2) is not None


async def asked(lab: Lab, **options: Any) -> tuple[Conference, Phone]:
    """Anna has asked Ben to a private talk, in a room of three."""
    server = await lab.server(**options)
    phones = [await lab.phone(name) for name in ("anna", "ben", "cleo")]
    for phone in phones:
        await phone.call("sip:standup@sems")
    await asyncio.sleep(LONELY)
    conference = server.conferences.find("standup")
    assert conference is not None
    conference.do(AskToTalk((2,)), by=1)
    return conference, phones[1]


async def test_who_is_asked_hears_by_whom_and_with_which_keys_he_answers(lab: Lab) -> None:
    _, ben = await asked(lab)
    words = ["member", "digit-1", "talk-wanted"]
    await ben.hears([*words, "talk-accept", "key-star", "digit-1", "talk-decline", "key-star", "digit-2"])
    await ben.hears(words, within=15)


async def test_the_keys_that_are_said_are_those_of_the_configuration(lab: Lab) -> None:
    _, ben = await asked(
        lab, keys={"accept": "*31", "back": ""}, rooms={"default": {"language": "de", "join_sound": False}}
    )
    await ben.hears(["talk-accept", "key-star", "digit-3", "digit-1"], language="de", within=10)
    await asyncio.sleep(10)
    assert "talk-decline" not in {each.name for each in await ben.heard()}


async def test_the_words_end_with_the_first_key_and_he_is_asked_on_by_tones(lab: Lab) -> None:
    conference, ben = await asked(lab)
    await ben.hears("talk-wanted", seconds=0.4)
    await ben.key("*")
    await asyncio.sleep(0.3)
    listening = asyncio.create_task(ben.hear(6))
    heard = await listening
    assert heard.before(3).is_silent
    assert not heard.after(3).is_silent
    assert "talk-accept" not in {each.name for each in await ben.heard()}
    assert conference.model.talks


async def test_who_has_spoken_his_name_is_named_by_it(lab: Lab) -> None:
    server, conference, phones = await with_spoken_names(lab)
    names = server.config.data / "names"
    conference.do(AskToTalk((1,)), by=2)
    heard = await phones[0].hear(4)
    assert heard.has_tone(TONES["ben"])
    await phones[0].hears("talk-wanted", within=10)
    await phones[1].hang_up()
    await phones[0].hears("has-left")
    await asyncio.sleep(1)
    assert len(list(names.iterdir())) == 1, "nothing is left of what he has spoken"


@pytest.mark.parametrize("keys", ["*1", "**9#", "**2#", "**#", "#*1#", "#*1*5"])
async def test_what_can_not_be_is_refused_by_a_sound(lab: Lab, keys: str) -> None:
    meeting = await meet(lab, "anna", "ben")
    for phone in meeting.phones.values():
        phone.silence()
    await asyncio.sleep(1)
    before = meeting.conference.model.sequence
    await meeting.phones["ben"].key(keys)
    assert (await meeting.phones["ben"].hear(1)).has_tone(220)
    assert meeting.conference.model.sequence == before


async def test_a_recording_goes_on_and_has_only_what_was_said_to_the_room(lab: Lab, tmp_path: Path) -> None:
    meeting = await meet(lab, "anna", "ben", "cleo")
    calls = {name: meeting.conference.members[IDS[name]].call for name in meeting.phones}
    room = await meeting.conference.rooms.of(None)
    recording = await room.record(tmp_path, members="both")
    for change in (
        lambda: None,
        lambda: meeting.whisper("anna", "ben"),
        lambda: meeting.do(Move(2, "Blue"), by="anna"),
        lambda: meeting.do(Move(2, None), by="ben"),
    ):
        change()
        await asyncio.sleep(2)
    await recording.stop()

    def said(path: Path) -> list[set[str]]:
        """Who is heard in each part, but for its beginning."""
        with wave.open(str(path)) as file:
            pcm = Hearing(array("h", file.readframes(file.getnframes())))
        assert pcm.seconds == pytest.approx(8, abs=0.1)
        parts = [pcm.before(at + 1.9).after(at + 0.4) for at in (0, 2, 4, 6)]
        return [{name for name, hz in TONES.items() if part.has_tone(hz)} for part in parts]

    everybody = {"anna", "ben", "cleo"}
    assert said(tmp_path / "mix.wav") == [everybody, {"cleo"}, {"anna", "cleo"}, everybody]
    assert said(recording.member(calls["anna"])) == [{"anna"}, set(), {"anna"}, {"anna"}]
    assert said(recording.member(calls["ben"])) == [{"ben"}, set(), set(), {"ben"}]


async def test_a_move_is_heard(lab: Lab) -> None:
    meeting = await meet(lab, "anna", "ben")
    for phone in meeting.phones.values():
        phone.silence()
    await asyncio.sleep(1)
    meeting.do(Move(2, "Blue"), by="anna")
    anna, ben = await asyncio.gather(*(phone.hear(1) for phone in meeting.phones.values()))
    assert (anna.is_silent, ben.is_silent) == (True, False)


@pytest.mark.parametrize(
    ("seed", "options"),
    [(0, {}), (1, {"workers": 3}), (2, {"workers": 2, "room_legs": 2})],
    ids=["on one worker", "on three", "with rooms on both of two"],
)
async def test_whatever_is_done_everybody_hears_whom_the_model_says(
    lab: Lab, seed: int, options: dict[str, int]
) -> None:
    chance = random.Random(seed)
    meeting = await meet(lab, **options)
    model = meeting.conference.model
    ids = list(IDS.values())

    def anything() -> Command:
        one, other = chance.sample(ids, 2)
        talk = model.talk_of(one)
        return chance.choice([
            Move(one, chance.choice([None, None, "Blue", "Red"])),
            AskToTalk((other,), chance.choice([Background.SOFT, Background.OFF])),
            AcceptTalk(talk.id if talk else 0),
            LeaveTalk(talk.id if talk else 0),
            Coach(other),
            chance.choice([Mute(one), Unmute(one)]),
            chance.choice([Remove(one), Readmit(one), Readmit(one)]),
            SetMode(chance.choice([Mode.OPEN, Mode.OPEN, Mode.MODERATED, Mode.LECTURE])),
            Talk(),
            SetVolume(other, chance.choice([-3.0, 3.0])),
        ])  # fmt: skip

    for _ in range(8):
        for _ in range(12):
            with contextlib.suppress(Refused):
                model.do(anything(), by=chance.choice([*ids, 1, None]))
            if chance.random() < 0.3:
                await asyncio.sleep(chance.choice([0, 0.001, 0.02]))
        # Who was removed for good would leave.
        model.do(*(Readmit(id) for id in ids), by=None)
        # Nor is anybody to hear that he is asked while it is listened.
        for talk in list(model.talks.values()):
            for id in talk.asked:
                model.report_unanswered(talk.id, id)
        assert await meeting.who_hears_whom() == {
            name: {other for other, id in IDS.items() if hears(model, IDS[name], id)} for name in IDS
        }


def hears(model: ConferenceModel, listener: int, speaker: int) -> bool:
    """One hears the other, as the model says."""
    his, others = model.participants[listener], model.participants[speaker]
    if listener == speaker or not model.heard(others):
        return False
    talk = model.talk_of(listener)
    if others.private:
        return talk is not None and speaker in talk.members and listener in talk.members
    without_room = his.private and talk is not None and talk.room is Background.OFF
    return his.side_room == others.side_room and not without_room
