"""The floor of telephones from which nothing comes."""

from __future__ import annotations

import asyncio

from sems.conference import GiveFloor
from sems.testing import Lab

from .old_phone import OldPhone


async def test_a_telephone_that_only_reports_while_nobody_speaks_keeps_the_floor_until_it_dies(
    lab: Lab,
) -> None:
    server = await lab.server(rooms={"default": {"mode": "moderated"}}, rtp_timeout=0)
    anna = await lab.phone("anna")
    await anna.call("sip:standup@sems")
    olga = OldPhone(lab, server, allow=None, code=200)
    await olga.call()
    conference = server.conferences.find("standup")
    assert conference is not None
    room = conference.model
    room.do(GiveFloor(2), by=1)
    olga.speak(1)
    await asyncio.sleep(5.5)
    assert room.floor == (2,)
    await asyncio.sleep(1)
    assert room.floor == (), "it has never reported"
    room.do(GiveFloor(2), by=1)
    olga.speak(3)
    await asyncio.sleep(3)
    for interval in (6.1, 2.5, 7.4, 12.2, 5):
        olga.report()
        await asyncio.sleep(interval)
        assert room.floor == (2,), interval
    assert room.participants[2].line.silent, "moderators see that nothing is heard of it"
    olga.speak(1)
    olga.report()
    await asyncio.sleep(5)
    assert room.floor == (2,)
    await asyncio.sleep(6)
    assert room.floor == (), "neither audio nor a report has come"
