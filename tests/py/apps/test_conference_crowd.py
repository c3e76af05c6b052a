"""Many people who come, go and press everything, after which model, page and mixer agree."""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter

import pytest
from meeting import model

from sems import Server
from sems.conference import (
    AcceptTalk,
    AskToTalk,
    Background,
    Coach,
    Command,
    Conference,
    GiveFloor,
    LeaveTalk,
    LowerHand,
    Mode,
    Move,
    Mute,
    RaiseHand,
    Refused,
    Remove,
    SetGain,
    SetMode,
    SetVolume,
    TakeFloor,
    Talk,
    Unmute,
)
from sems.conference.events import Event, Gone
from sems.control.views import ConferenceView, EventView, ParticipantView
from sems.testing import Lab, Phone
from who_hears_whom import SPOKEN, Level, differences, gain, levels, tone_of

#: People, and seconds of virtual time; `make proof` takes a hundred for minutes.
PEOPLE = int(os.environ.get("SEMS_CROWD", "12"))
SECONDS = int(os.environ.get("SEMS_CROWD_SECONDS", "40"))


#: How often, meanwhile, everybody stands still and all is compared.
ROUNDS = 4


class Reader:
    """A page as it comes to be by events alone."""

    def __init__(self, conference: Conference) -> None:
        self.conference = conference
        self.view = ConferenceView.of(conference)
        self.people = {each.id: each for each in self.view.participants}
        self.hands, self.floor, self.settings = self.view.hands, self.view.floor, self.view.settings
        conference.model.subscribe(self.take)

    def shows(self) -> list[ParticipantView]:
        """All rows. Places of hands, and who holds the floor, are told by lists of their own."""
        return [_row(each) for each in self.people.values()]

    def take(self, happened: Event) -> None:
        event = EventView.of(happened, self.conference.model, own=False)
        if event.participant:
            if isinstance(happened, Gone):
                self.people.pop(event.participant.id, None)
            else:
                self.people[event.participant.id] = event.participant
        self.hands = self.hands if event.hands is None else event.hands
        self.floor = self.floor if event.floor is None else event.floor
        self.settings = event.settings or self.settings


def _row(view: ParticipantView) -> ParticipantView:
    return view.model_copy(update={"hand": None, "floor": False, "floor_until": None})


def something(chance: random.Random, ids: list[int]) -> Command:
    one = chance.choice(ids)
    return chance.choice(
        [
            Mute(one),
            Unmute(one),
            RaiseHand(one),
            LowerHand(one),
            GiveFloor(one),
            TakeFloor(one),
            Talk(),
            SetMode(Mode.OPEN if chance.random() < 0.6 else chance.choice(list(Mode))),
            SetGain(one, chance.uniform(-3, 3)),
            SetVolume(one, chance.choice([None, chance.uniform(-3, 3)])),
            Move(one, chance.choice(["Blue", "Red", None, None])),
            AskToTalk((one,), chance.choice([Background.SOFT, Background.OFF])),
            Coach(one),
            Remove(one) if chance.random() < 0.1 else Unmute(one),
        ]
    )


class Crowd:
    """Phones of a lab that come, go and press everything."""

    def __init__(self, server: Server, phones: list[Phone], seed: int) -> None:
        self.server = server
        self.phones = phones
        self.chance = random.Random(seed)
        self.inside: set[Phone] = set()

    async def act(self, seconds: float) -> None:
        """For so long."""
        doing = asyncio.create_task(self._do_things())
        until = asyncio.get_running_loop().time() + seconds
        seeds = [random.Random(self.chance.random()) for _ in self.phones]
        await asyncio.gather(
            *(self._come_and_go(*each, until) for each in zip(self.phones, seeds, strict=True))
        )
        assert not doing.done(), "what is done to the room goes on"
        doing.cancel()

    async def _come_and_go(self, phone: Phone, chance: random.Random, until: float) -> None:
        await asyncio.sleep(chance.uniform(0, 4))
        while asyncio.get_running_loop().time() < until:
            if phone not in self.inside:
                await phone.call("sip:standup@sems")
                self.inside.add(phone)
            elif chance.random() < 0.6:
                self.inside.discard(phone)
                await phone.hang_up()
            await asyncio.sleep(chance.uniform(0, 4))

    async def _do_things(self) -> None:
        room = model(self.server)
        while True:
            await asyncio.sleep(self.chance.uniform(0, 6 / PEOPLE))
            ids = list(room.participants)
            by = self.chance.choice([*ids, None])
            talk = None if by is None else room.talk_of(by)
            try:
                if talk and self.chance.random() < 0.5:
                    kind = AcceptTalk if by in talk.asked else LeaveTalk
                    room.do(kind(talk.id), by=by)
                else:
                    room.do(something(self.chance, ids), by=by)
            except Refused:
                continue

    async def all_speak(self) -> dict[str, list[Level]]:
        """Everybody at once; how loud each tone is for each, by his name."""
        speakers = [phone for phone in self.phones if phone.line and phone.line.end is None]
        tones = [tone_of(number) for number in range(len(self.phones))]
        for phone in speakers:
            phone.tone(tones[self.phones.index(phone)], level=SPOKEN)
        await asyncio.sleep(1)
        heard = await asyncio.gather(*(phone.hear(1) for phone in speakers))
        for phone in speakers:
            phone.silence()
        return {
            phone.name: levels(each.pcm.tobytes(), tones) for phone, each in zip(speakers, heard, strict=True)
        }


@pytest.mark.timeout(3600)
async def test_while_everybody_does_anything_model_page_and_mixer_agree(lab: Lab) -> None:
    server = await lab.server(
        rooms={"default": {"moderator": "everyone", "join_sound": False, "level_control": False}}
    )
    phones = [await lab.phone(f"phone{number}") for number in range(PEOPLE)]
    crowd = Crowd(server, phones, seed=1)
    await phones[0].call("sip:standup@sems")
    crowd.inside.add(phones[0])
    conference = server.conferences.find("standup")
    assert conference
    reader = Reader(conference)
    crowd.phones = phones[1:]
    seen = Counter[str]()
    for _ in range(ROUNDS):
        await crowd.act(SECONDS / ROUNDS)
        # Who was removed is gone by then, and so are sounds that tell what was done.
        await asyncio.sleep(8)
        room = model(server)
        crowd.phones = phones
        before = {id: ConferenceView.of(conference, id).model_dump(mode="json") for id in room.participants}
        heard = await crowd.all_speak()
        crowd.phones = phones[1:]
        await asyncio.sleep(2)

        # The model and the calls.
        calls = {conference.members[id].call for id in room.participants}
        assert {call.id for call in calls} == {call.id for call in server.calls.values() if call.end is None}
        # The page.
        now = ConferenceView.of(conference)
        assert reader.shows() == [_row(each) for each in now.participants]
        assert (reader.hands, reader.floor, reader.settings) == (now.hands, now.floor, now.settings)
        # The mixer.
        names = {id: str(conference.members[id].call.caller_user) for id in room.participants}
        numbers = {id: int(name.removeprefix("phone")) for id, name in names.items()}
        wrong = differences(before, {id: heard[name] for id, name in names.items()}, numbers)
        assert not wrong, wrong
        pairs = [gain(one, other) is not None for one in before.values() for other in before.values()]
        seen.update({"pairs": len(pairs), "heard": sum(pairs)})
        for talk in room.talks.values():
            seen[f"{talk.kind} {talk.state} {talk.room}"] += 1
        seen.update(each.side_room or "main room" for each in room.participants.values())
        seen.update(f"volumes {len(room.volumes(id)) > 0}" for id in room.participants)
    assert seen.keys() >= {"main room", "Blue", "Red", "volumes True", "coach talking full"}, seen
    assert seen["pairs"] / 50 < seen["heard"] < seen["pairs"], seen
    assert any(each.startswith("private talking") for each in seen), seen
