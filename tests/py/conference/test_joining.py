"""Joining a conference with options of an app's own."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest
from an_app import app_of, failures

from sems import Call, WrongState
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


@pytest.mark.parametrize(
    ("called", "shown"),
    [
        ("Anna\u202e\u2066gro.live", "Annagro.live"),
        ("\u202e \u3164\u200b", "alice"),
        ("Zoë   Müller ", "Zoë Müller"),
        ("A" * 10_000, "A" * 64),
        ("\u06a9\u062a\u0627\u0628\u200c\u0647\u0627", "\u06a9\u062a\u0627\u0628\u200c\u0647\u0627"),
    ],
)
async def test_a_name_is_shown_as_far_as_it_can_be_read(lab: Lab, called: str, shown: str) -> None:
    call, _ = await joined(lab, pin=None, name=called)
    conference = call.server.conferences.find("standup")
    assert conference is not None
    assert [each.name for each in conference.model.participants.values()] == [shown]


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


async def test_a_call_takes_part_in_one_conference_at_a_time(
    lab: Lab, caplog: pytest.LogCaptureFixture
) -> None:
    said: list[str] = []

    async def main(call: Call) -> None:
        rooms = [call.server.conferences.get(name) for name in ("standup", "other")]
        async with asyncio.TaskGroup() as group:
            group.create_task(rooms[0].join(call, pin="4711"))
            for seconds in (1, 10):
                # At the door, where he is asked for the PIN, and in the room.
                await asyncio.sleep(seconds)
                for room in rooms:
                    with pytest.raises(WrongState) as error:
                        await room.join(call)
                    said.append(str(error.value))

    server = await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    await asyncio.sleep(2)
    await alice.key("4711#")
    await asyncio.sleep(12)
    assert said == ["the call takes part in a conference already, 'standup'"] * 4
    assert [(room.name, len(room.members)) for room in server.conferences] == [("standup", 1)]
    await alice.hang_up()
    await asyncio.sleep(1)
    assert (len(server.conferences), server.rooms) == (0, {})
    assert not failures(caplog)


async def test_who_has_left_a_conference_can_join_again(lab: Lab) -> None:
    async def main(call: Call) -> None:
        await call.answer()
        for name in ("standup", "standup", "other"):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(5):
                    await call.server.conferences.get(name).join(call, pin=None)

    server = await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    seen = []
    for _ in range(3):
        await asyncio.sleep(4.5)
        seen += [(room.name, len(room.members)) for room in server.conferences]
    assert seen == [("standup", 1), ("standup", 1), ("other", 1)]
    assert (await alice.ended()).cause == "remote"
