"""The conference as SIP sees it: a focus (RFC 4579)."""

from __future__ import annotations

from sems.testing import Lab


async def test_a_room_answers_as_a_focus_with_its_own_address(lab: Lab) -> None:
    server = await lab.server()
    anna = await lab.phone("anna")
    await anna.call("sip:standup@sems")
    address = server.engine.core.sip_addresses()[0]
    assert anna.headers["Contact"] == f"<sip:standup@{address}>;isfocus"


async def test_what_is_no_room_is_no_focus(lab: Lab) -> None:
    await lab.server()
    anna = await lab.phone("anna")
    await anna.call("sip:echo@sems")
    assert anna.headers["Contact"].endswith(">")


async def test_a_call_that_is_placed_for_a_room_says_so_in_its_invite(lab: Lab) -> None:
    server = await lab.server()
    anna = await lab.phone("anna")
    await server.place(anna.uri, focus=True)
    assert (await anna.ringing()).headers["Contact"].endswith(">;isfocus")
