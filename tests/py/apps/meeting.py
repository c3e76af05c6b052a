"""Phones that meet in a conference, each saying its own tone."""

from __future__ import annotations

import asyncio

from sems import Server
from sems.conference import ConferenceModel
from sems.testing import Lab, Phone

TONES = {"anna": 440, "ben": 700, "cleo": 1100}
LONELY = 3.0  # seconds after which the message to the lonely is over


async def meet(lab: Lab, *names: str, room: str = "standup") -> list[Phone]:
    """Phones that have called the room one after the other, each saying its tone."""
    phones = []
    for name in names:
        phone = await lab.phone(name)
        await phone.call(f"sip:{room}@sems")
        phones.append(phone)
    await asyncio.sleep(LONELY)
    for phone in phones:
        phone.tone(TONES[phone.name])
    await asyncio.sleep(0.5)
    return phones


def model(server: Server, room: str = "standup") -> ConferenceModel:
    conference = server.conferences.find(room)
    assert conference is not None
    return conference.model


def unheard(server: Server, id: int) -> bool:
    room = model(server)
    return room.unheard(room.participants[id])
