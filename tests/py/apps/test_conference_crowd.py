"""Many people who come, go and press everything, after which model, page and mixer agree."""

from __future__ import annotations

import asyncio
import os
import random

import pytest
from meeting import model

from sems.conference import (
    AcceptTalk,
    AskToTalk,
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
from sems.control.views import ConferenceView, EventView
from sems.testing import Lab, Phone

#: People, and seconds of virtual time; `make proof` takes a hundred for minutes.
PEOPLE = int(os.environ.get("SEMS_CROWD", "12"))
SECONDS = int(os.environ.get("SEMS_CROWD_SECONDS", "40"))


class Reader:
    """A page as it comes to be by events alone."""

    def __init__(self, conference: Conference) -> None:
        self.conference = conference
        self.view = ConferenceView.of(conference)
        self.people = {each.id: each for each in self.view.participants}
        self.hands, self.floor, self.settings = self.view.hands, self.view.floor, self.view.settings
        conference.model.subscribe(self.take)

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
            SetMode(chance.choice(list(Mode))),
            SetGain(one, chance.uniform(-20, 10)),
            SetVolume(one, chance.uniform(-20, 10)),
            Move(one, chance.choice(["Blue", "Red", None])),
            AskToTalk((one,)),
            Coach(one),
            Remove(one) if chance.random() < 0.1 else Mute(one),
        ]
    )


@pytest.mark.timeout(1800)
async def test_after_everybody_has_done_anything_model_page_and_mixer_agree(lab: Lab) -> None:
    chance = random.Random(1)
    server = await lab.server(
        rooms={"default": {"moderator": "everyone", "join_sound": False, "level_control": False}}
    )
    host = await lab.phone("host")
    await host.call("sip:standup@sems")
    conference = server.conferences.find("standup")
    assert conference
    reader = Reader(conference)
    phones = [await lab.phone(f"phone{number}") for number in range(PEOPLE)]
    inside: set[Phone] = set()

    async def comes_and_goes(phone: Phone, chance: random.Random) -> None:
        until = asyncio.get_running_loop().time() + SECONDS
        while asyncio.get_running_loop().time() < until:
            await asyncio.sleep(chance.uniform(0, 4))
            if phone in inside:
                inside.discard(phone)
                await phone.hang_up()
            else:
                await phone.call("sip:standup@sems")
                inside.add(phone)

    async def does_something() -> None:
        while True:
            await asyncio.sleep(chance.uniform(0, 0.5))
            ids = list(model(server).participants)
            by = chance.choice([*ids, None])
            talk = None if by is None else model(server).talk_of(by)
            try:
                if talk and chance.random() < 0.5:
                    model(server).do(chance.choice([AcceptTalk, LeaveTalk])(talk.id), by=by)
                else:
                    model(server).do(something(chance, ids), by=by)
            except Refused:
                continue

    doing = asyncio.create_task(does_something())
    seeds = [random.Random(chance.random()) for _ in phones]
    await asyncio.gather(*map(comes_and_goes, phones, seeds))
    assert not doing.done(), "what is done to the room goes on"
    doing.cancel()
    room = model(server)
    ids = list(room.participants)
    for talk in list(room.talks.values()):
        for id in talk.involved:
            if room.talk_of(id):
                room.do(LeaveTalk(talk.id), by=id)
    room.do(SetMode(Mode.OPEN), *(Move(id, None) for id in ids), by=None)
    await asyncio.sleep(5)

    # The model and the calls.
    members = {conference.members[id].call.id for id in room.participants}
    assert members == {call.id for call in server.calls.values() if call.end is None}
    # The page.
    now = ConferenceView.of(conference)
    assert list(reader.people) == [each.id for each in now.participants]
    for shown in now.participants:
        was = reader.people[shown.id]
        assert (was.muted, was.gain, was.side_room, was.role, was.private) == (
            shown.muted,
            shown.gain,
            shown.side_room,
            shown.role,
            shown.private,
        )
    assert (reader.hands, reader.floor, reader.settings) == (now.hands, now.floor, now.settings)
    # The mixer: each in turn says his tone, and the host hears him exactly if the model says so.
    for id in list(room.participants)[:8]:
        if conference.members[id].call.caller_user == "host":
            continue
        phone = next(each for each in phones if each.name == conference.members[id].call.caller_user)
        room.do(SetVolume(id, None), by=1)
        phone.tone(1234)
        await asyncio.sleep(1)
        heard = (await host.hear(0.5)).tone_level(1234) > -55
        assert heard == room.hears(room.participants[id]), room.participants[id]
        phone.silence()
        await asyncio.sleep(0.5)
