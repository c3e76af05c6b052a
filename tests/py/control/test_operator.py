"""What the operator sees and does."""

from __future__ import annotations

import asyncio

from sems.conference import Lock

from .conftest import Meeting


async def test_all_calls_are_listed_the_newest_first(meeting: Meeting) -> None:
    dora = await meeting.lab.phone("dora")
    await dora.call("sip:echo@sems")
    await asyncio.sleep(0.1)
    async with meeting.client("operator") as client:
        shown = (await client.get("/api/v1/calls")).json()
        one = (await client.get(f"/api/v1/calls/{shown['calls'][0]['id']}")).json()
    assert shown["total"] == 4
    assert one == shown["calls"][0]
    assert one["caller_name"] == "dora"
    assert (one["app"], one["conference"], one["state"], one["codec"]) == ("echo", None, "answered", "PCMU")
    assert {call["conference"] for call in shown["calls"][1:]} == {"standup"}


async def test_no_link_is_shown_to_anybody_else(meeting: Meeting) -> None:
    tokens = [meeting.token(name) for name in meeting.phones]
    async with meeting.client("operator") as operator, meeting.client("anna") as anna:
        answers = [
            *[await operator.get(f"/api/v1/{path}") for path in ("calls", "conferences", "stats")],
            *[await each.get("/api/v1/conferences/standup") for each in (operator, anna)],
        ]
    for answer in answers:
        assert answer.status_code == 200
        assert not any(token in answer.text for token in tokens)


async def test_the_operator_hangs_up_a_call(meeting: Meeting) -> None:
    async with meeting.client("operator") as client:
        calls = (await client.get("/api/v1/calls")).json()["calls"]
        ben = next(call["id"] for call in calls if call["caller_name"] == "ben")
        assert (await client.delete(f"/api/v1/calls/{ben}")).status_code == 204
        assert (await client.delete(f"/api/v1/calls/{ben}")).status_code == 404
    assert (await meeting.phones["ben"].ended()).cause == "remote"
    await asyncio.sleep(0.1)
    assert [each.name for each in meeting.model.participants.values()] == ["anna", "cleo"]


async def test_counters_come_from_the_core(meeting: Meeting) -> None:
    async with meeting.client("operator") as client:
        stats = (await client.get("/api/v1/stats")).json()
    assert stats["version"]
    assert stats["counters"]["calls"] == 3


async def test_the_overview_follows_what_changes_and_is_silent_otherwise(meeting: Meeting) -> None:
    async with meeting.follow("/api/v1/overview/events", "operator") as stream:
        told = await stream.next("overview")
        assert told.data["conferences"] == [
            {"name": "standup", "participants": 3, "hands": 0, "locked": False}
        ]
        assert told.data["calls"]["total"] == 3
        assert (await stream.next("stats", timeout=1.5)).data["counters"]["calls"] == 3

        meeting.model.do(Lock(), by=1)
        told = await stream.next("overview", timeout=0.3)
        assert told.data["conferences"][0]["locked"]
        for phone in meeting.phones.values():
            await phone.hang_up()
        while (told := await stream.next("overview", timeout=1)).data["calls"]["total"]:
            pass
        assert told.data["conferences"] == []
        assert (await stream.next("overview", "stats", timeout=2)).name == "stats"
