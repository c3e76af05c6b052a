"""Small rooms, as the tests of conferences need them: of phones that have called, and of names alone."""

from __future__ import annotations

from typing import Any

from sems import Conference, Server
from sems.conference.model import ConferenceModel
from sems.testing import Lab, Phone

ROOM = "sip:standup@sems"


def standup(server: Server) -> Conference:
    """The conference in the room, in which somebody has to be."""
    conference = server.conferences.find("standup")
    assert conference is not None
    return conference


async def meeting(lab: Lab, *names: str, **settings: Any) -> tuple[Server, list[Phone]]:
    """A server with these settings, and phones that have called the room, in this order."""
    server = await lab.server(**settings)
    phones = [await lab.phone(name) for name in names]
    for phone in phones:
        await phone.call(ROOM)
    return server, phones


def room_of(*names: str, **settings: Any) -> ConferenceModel:
    """A model into which these have been let, by numbers from 1 on; ``settings`` as for the model."""
    room = ConferenceModel(**settings)
    for name in names:
        room.admit(name)
    return room
