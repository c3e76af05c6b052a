"""Members who have others called into the room or taken out of it, by REFER (RFC 4579)."""

from __future__ import annotations

import asyncio

import pytest

from sems import Server, Transfer, Transferring
from sems.conference import CancelCall
from sems.testing import Lab, Phone

from . import rooms
from .rooms import ROOM, standup

ANYBODY = {"allow": [".*"]}


def names(server: Server) -> list[str]:
    return [each.name for each in standup(server).model.participants.values()]


async def meeting(lab: Lab, *names: str, **settings: object) -> tuple[Server, list[Phone]]:
    """Phones in a room from which anybody may be called."""
    return await rooms.meeting(lab, *names, **{"dialout": ANYBODY, "trusted": ["10.0.0.0/8"], **settings})


async def refer(phone: Phone, target: str) -> Transfer:
    assert phone.line is not None
    return await phone.line.transfer(target, hangup=False)


async def test_a_member_has_somebody_called_into_the_room_and_hears_how_it_goes(lab: Lab) -> None:
    server, (anna,) = await meeting(lab, "anna")
    ben = await lab.phone("ben")
    told: list[object] = []
    assert anna.line is not None
    anna.line.subscribe(told.append)
    asked = asyncio.create_task(refer(anna, ben.uri))
    ringing = await ben.ringing()
    assert ringing.headers["Contact"].endswith(">;isfocus")
    await asyncio.sleep(1)
    assert Transferring(180, "Ringing") in told
    await ringing.answer()
    assert (await asked).code == 200
    assert names(server) == ["anna", "ben"]
    assert anna.line.end is None, "it is no transfer of Anna's own call"


async def test_who_takes_no_description_with_a_link_is_called_again_without(lab: Lab) -> None:
    server, (anna,) = await meeting(lab, "anna")
    ben = await lab.phone("ben")
    asked = asyncio.create_task(refer(anna, ben.uri))
    await (await ben.ringing()).reject(488)
    second = await ben.ringing()
    invites = [
        entry.message
        for traced in server.traced_calls()
        for entry in server.trace(traced.call_id).messages
        if entry.kind == "sent" and entry.title.startswith("INVITE")
    ]
    assert sorted(b"\r\nu=" in invite for invite in invites) == [False, True]
    link = second.headers["Call-Info"].partition(">")[0].removeprefix("<")
    await second.answer()
    assert (await asked).code == 200
    assert standup(server).members[2].page == link


@pytest.mark.parametrize("code", [486, 603])
async def test_who_asked_hears_that_it_came_to_nothing(lab: Lab, code: int) -> None:
    server, (anna,) = await meeting(lab, "anna")
    ben = await lab.phone("ben")
    asked = asyncio.create_task(refer(anna, ben.uri))
    await (await ben.ringing()).reject(code)
    assert (await asked).code == code
    assert names(server) == ["anna"]


async def test_a_call_that_is_taken_back_is_told_as_such(lab: Lab) -> None:
    server, (anna,) = await meeting(lab, "anna")
    ben = await lab.phone("ben")
    asked = asyncio.create_task(refer(anna, ben.uri))
    await ben.ringing()
    (call,) = standup(server).model.calls
    standup(server).do(CancelCall(call), by=1)
    assert (await asked).code == 487


async def test_a_moderator_has_somebody_removed(lab: Lab) -> None:
    server, (anna, ben) = await meeting(lab, "anna", "ben")
    assert (await refer(anna, f"{ben.uri};method=BYE")).code == 200
    assert names(server) == ["anna"]
    assert (await ben.ended()).cause == "remote"


async def test_one_who_may_not_is_refused_and_nothing_happens(lab: Lab) -> None:
    server, (anna, ben) = await meeting(lab, "anna", "ben")
    zoe = await lab.phone("zoe")
    for target in (f"{anna.uri};method=BYE", zoe.uri):
        refused = await refer(ben, target)
        assert (refused.code, "not allowed" in refused.reason) == (403, True)
    assert names(server) == ["anna", "ben"]
    assert not standup(server).model.calls


async def test_without_configuration_nobody_beyond_this_machine_is_called(lab: Lab) -> None:
    server, (anna,) = await meeting(lab, "anna", dialout={})
    refused = await refer(anna, "sip:09001234567@10.0.0.99")
    assert (refused.code, "not allowed" in refused.reason) == (403, True)
    assert not standup(server).model.calls


async def test_what_is_nobodys_address_can_not_be_removed(lab: Lab) -> None:
    _, (anna,) = await meeting(lab, "anna")
    assert (await refer(anna, "sip:nobody@10.0.0.99;method=BYE")).code == 404


@pytest.mark.parametrize("target", ["sip:ben@10.0.0.3;method=MESSAGE", "sip:ben@10.0.0.3?Replaces=a"])
async def test_only_plain_calls_are_placed(lab: Lab, target: str) -> None:
    server, (anna,) = await meeting(lab, "anna")
    assert (await refer(anna, target)).code == 488
    assert not standup(server).model.calls


async def test_a_refer_from_outside_any_call_counts_for_members_alone(lab: Lab) -> None:
    server, (anna,) = await meeting(lab, "anna")
    ben, zoe = [await lab.phone(name) for name in ("ben", "zoe")]
    refer_to = [("Refer-To", f"<{ben.uri}>")]
    assert (await zoe.request("REFER", ROOM, headers=refer_to)).code == 403
    answer = asyncio.create_task(anna.request("REFER", ROOM, headers=refer_to))
    await (await ben.ringing()).answer()
    assert (await answer).code == 202
    await asyncio.sleep(1)
    assert names(server) == ["anna", "ben"]


async def test_of_two_who_differ_by_the_port_alone_the_one_is_taken_out_who_is_named(lab: Lab) -> None:
    server, (anna, ben) = await meeting(lab, "anna", "ben")
    for port in (5070, 5080):
        call = await ben.server.place(
            ROOM,
            destination=lab.resolve("sems", None),
            from_name=f"at {port}",
            from_uri=f"sip:pbx@10.9.9.9:{port}",
        )
        await call.wait_answered()
    assert await refer(anna, "sip:pbx@10.9.9.9:5080;method=BYE")
    assert names(server) == ["anna", "ben", "at 5070"]
