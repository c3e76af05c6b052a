"""Joining a conference with options of an app's own."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from an_app import app_of

from sems import Call
from sems.conference.participant import Role
from sems.testing import Lab, Phone

ROOMS = {"default": {"pin": "1234", "join_sound": False, "level_control": False, "noise_gate": False}}


async def joined(lab: Lab, **options: Any) -> tuple[Call, Phone]:
    """Alice, in a room that asks for a PIN, unless the app wants it otherwise."""

    async def main(call: Call) -> None:
        await call.server.conferences.get("standup").join(call, **options)

    server = await lab.server(apps=[app_of(main)], rooms=ROOMS)
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    await asyncio.sleep(1)
    (call,) = server.calls.values()
    return call, alice


async def test_an_app_says_who_somebody_is_and_what_he_may(lab: Lab) -> None:
    call, _ = await joined(lab, role="listener", name="The Board", pin=None)
    conference = call.server.conferences.find("standup")
    assert conference is not None
    member = conference.member_of(call)
    assert member is not None, "no PIN was asked for"
    participant = conference.model.participants[member.id]
    assert (participant.name, participant.role) == ("The Board", Role.LISTENER)


async def test_who_comes_muted_may_unmute_himself(lab: Lab) -> None:
    call, alice = await joined(lab, role="moderator", muted=True)
    conference = call.server.conferences.find("standup")
    assert conference is not None
    member = conference.member_of(call)
    assert member is not None
    assert conference.model.participants[member.id].muted_by_self
    await alice.key("*6")
    await asyncio.sleep(1)
    assert not conference.model.participants[member.id].muted_by_self


async def test_another_pin_may_be_asked_for(lab: Lab) -> None:
    call, alice = await joined(lab, pin="777")
    conference = call.server.conferences.get("standup")
    assert conference.member_of(call) is None
    await alice.key("777#")
    await asyncio.sleep(8)
    found = call.server.conferences.find("standup")
    assert found is not None
    assert found.member_of(call) is not None


@pytest.mark.parametrize(
    ("options", "error", "why"),
    [
        ({"colour": "red"}, TypeError, "join\\(\\) knows no 'colour'"),
        ({"pin": "abc"}, ValueError, "^pin: "),
        ({"role": "boss"}, ValueError, "boss"),
    ],
)
async def test_what_makes_no_sense_is_a_clear_error(
    lab: Lab, options: dict[str, Any], error: type[Exception], why: str
) -> None:
    async def main(call: Call) -> None:
        with pytest.raises(error, match=why):
            await call.server.conferences.get("standup").join(call, **options)
        await call.answer()

    server = await lab.server(apps=[app_of(main)], rooms=ROOMS)
    await (await lab.phone("alice")).call("sip:mine@sems")
    await asyncio.sleep(1)
    assert server.conferences.find("standup") is None
