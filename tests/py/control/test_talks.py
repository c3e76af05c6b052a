"""Private talks, coaching and side rooms through the API."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any

import pytest

from sems.conference import Lock

from .conftest import Meeting

ROOM = "/api/v1/conferences/standup"
TALKS = f"{ROOM}/talks"


async def ask(meeting: Meeting, who: str, *others: int, **options: str) -> int:
    async with meeting.client(who) as client:
        response = await client.post(TALKS, json={"with": list(others), **options})
    assert response.status_code == 200, response.text
    assert response.json()["sequence"] == meeting.model.sequence
    id = response.json()["id"]
    assert isinstance(id, int)
    return id


async def send(meeting: Meeting, who: str, method: str, path: str, body: object = None) -> tuple[int, str]:
    """The status, and the sentence of a refusal."""
    async with meeting.client(who) as client:
        response = await client.request(method, path, json=body)
    return response.status_code, response.json().get("detail", "")


async def talk_of(meeting: Meeting, who: str) -> Any:
    async with meeting.client(who) as client:
        return (await client.get(ROOM)).json()["talk"]


async def test_a_private_talk_from_the_question_to_its_end(meeting: Meeting) -> None:
    id = await ask(meeting, "ben", 3)
    asked = {
        "id": id, "kind": "private", "by": 2, "members": [2], "asked": [3], "declined": [], "unanswered": [],
        "room": "soft", "state": "asked",
    }  # fmt: skip
    assert await talk_of(meeting, "ben") == asked
    assert await talk_of(meeting, "cleo") == asked
    assert await talk_of(meeting, "anna") is None
    assert await talk_of(meeting, "operator") is None

    assert (await send(meeting, "cleo", "POST", f"{TALKS}/{id}/accept"))[0] == 200
    talking = asked | {"members": [2, 3], "asked": [], "state": "talking"}
    assert await talk_of(meeting, "cleo") == talking
    async with meeting.client("anna") as client:
        people = (await client.get(ROOM)).json()["participants"]
    assert [each["private"] for each in people] == [False, True, True]

    assert (await send(meeting, "ben", "PATCH", f"{TALKS}/{id}", {"room": "off"}))[0] == 200
    assert (await talk_of(meeting, "cleo"))["room"] == "off"
    assert (await send(meeting, "ben", "DELETE", f"{TALKS}/{id}"))[0] == 200
    assert await talk_of(meeting, "cleo") is None
    assert (await send(meeting, "ben", "DELETE", f"{TALKS}/{id}")) == (404, "This talk is over.")


async def test_only_those_whose_talk_it_is_are_told_of_it(meeting: Meeting) -> None:
    async with meeting.stream("anna") as anna, meeting.stream("ben") as ben, meeting.stream("cleo") as cleo:
        for stream in (anna, ben, cleo):
            assert (await stream.next()).data["talk"] is None
        id = await ask(meeting, "ben", 3, room="off")
        for stream in (ben, cleo):
            told = (await stream.next()).data
            assert (told["type"], told["talk"]["state"], told["talk"]["asked"]) == (
                "talk_changed",
                "asked",
                [3],
            )
        await send(meeting, "cleo", "POST", f"{TALKS}/{id}/accept")
        told = (await ben.next()).data
        assert (told["talk"]["state"], told["talk"]["members"]) == ("talking", [2, 3])
        for who in (2, 3):
            told = (await anna.next()).data
            assert (told["type"], told["participant"]["id"]) == ("went_private", who)
            assert told["participant"]["private"]
            assert "by" not in told
        await send(meeting, "cleo", "DELETE", f"{TALKS}/{id}")
        told = (await anna.next()).data
        assert (told["type"], told["participant"]["private"]) == ("came_back", False)


async def test_not_even_the_operator_is_told_who_talks_with_whom(meeting: Meeting) -> None:
    async with meeting.stream("operator") as operator:
        await operator.next()
        id = await ask(meeting, "ben", 3)
        await send(meeting, "cleo", "POST", f"{TALKS}/{id}/accept")
        await send(meeting, "cleo", "PATCH", f"{ROOM}/participants/me", {"muted": True})
        await send(meeting, "cleo", "DELETE", f"{TALKS}/{id}")
        told = [(await operator.next()).data for _ in range(4)]
    assert [each["type"] for each in told] == ["went_private", "went_private", "came_back", "came_back"]
    assert not any("talk" in each for each in told)


async def test_who_speaks_in_private_is_marked_with_his_level_for_those_who_hear_it_alone(
    meeting: Meeting,
) -> None:
    id = await ask(meeting, "ben", 3)
    await send(meeting, "cleo", "POST", f"{TALKS}/{id}/accept")
    async with contextlib.AsyncExitStack() as stack:
        who = ("anna", "ben", "cleo", "operator")
        streams = {each: await stack.enter_async_context(meeting.stream(each)) for each in who}
        for stream in streams.values():
            await stream.next()
        meeting.phones["ben"].tone(440)
        for each in ("ben", "cleo"):
            told = await streams[each].next("message", timeout=0.3)
            assert (told.data["type"], told.data["participant"]["id"]) == ("voice_changed", 2)
            assert told.data["participant"]["speaking"]
            assert not told.data["participant"]["unheard"]
            assert -20 < (await streams[each].next("levels", timeout=0.3)).data["2"] < -5
        await asyncio.sleep(1)
        meeting.model.do(Lock(), by=1)
        for each in ("anna", "operator"):
            told = await streams[each].next("message", "levels")
            while told.name == "levels":
                assert "2" not in told.data
                told = await streams[each].next("message", "levels")
            assert told.data["type"] == "settings_changed", "nothing before it"
        for each, speaks in (("anna", False), ("ben", True), ("cleo", True), ("operator", False)):
            async with meeting.client(each) as client:
                for shown in (
                    (await client.get(ROOM)).json()["participants"][1],
                    (await client.get(f"{ROOM}/participants/2")).json(),
                ):
                    assert shown["speaking"] is speaks
        await send(meeting, "ben", "PATCH", f"{ROOM}/participants/me", {"muted": True})
        told = await streams["cleo"].next("message")
        while told.data["type"] != "muted_in_talk":
            told = await streams["cleo"].next("message")
        assert not told.data["participant"]["speaking"], "who has muted himself is not heard there"


async def test_who_comes_to_a_talk_or_leaves_it_is_told_who_speaks_there(meeting: Meeting) -> None:
    id = await ask(meeting, "ben", 3, 1)
    await send(meeting, "cleo", "POST", f"{TALKS}/{id}/accept")
    meeting.phones["ben"].tone(440)
    await asyncio.sleep(0.5)

    async def marked(speaks: bool) -> None:
        told = await anna.next("message")
        while told.data["type"] != "voice_changed":
            told = await anna.next("message")
        assert told.data["participant"]["id"] == 2
        assert told.data["participant"]["speaking"] is speaks

    async with meeting.stream("anna") as anna:
        assert not (await anna.next()).data["participants"][1]["speaking"]
        await send(meeting, "anna", "POST", f"{TALKS}/{id}/accept")
        await marked(True)
        await send(meeting, "anna", "DELETE", f"{TALKS}/{id}")
        await marked(False)


async def test_whom_a_coach_speaks_to_sees_it_and_the_others_do_not(meeting: Meeting) -> None:
    await ask(meeting, "anna", 2, kind="coach")
    meeting.phones["anna"].tone(440)
    await asyncio.sleep(0.5)
    for each, speaks in (("anna", True), ("ben", True), ("cleo", False)):
        async with meeting.client(each) as client:
            assert (await client.get(f"{ROOM}/participants/1")).json()["speaking"] is speaks


async def test_who_declines_or_leaves_is_told_that_it_has_ended_for_him(meeting: Meeting) -> None:
    id = await ask(meeting, "ben", 1, 3)
    await send(meeting, "cleo", "POST", f"{TALKS}/{id}/accept")
    async with meeting.stream("anna") as anna, meeting.stream("cleo") as cleo:
        await anna.next()
        await cleo.next()
        assert (await send(meeting, "anna", "POST", f"{TALKS}/{id}/decline"))[0] == 200
        told = (await anna.next()).data["talk"]
        assert (told["state"], told["members"], told["declined"]) == ("ended", [], [1])
        told = (await cleo.next()).data["talk"]
        assert (told["state"], told["members"], told["declined"]) == ("talking", [2, 3], [1])


async def test_muting_oneself_in_a_talk_is_shown_to_oneself(meeting: Meeting) -> None:
    id = await ask(meeting, "ben", 3)
    await send(meeting, "cleo", "POST", f"{TALKS}/{id}/accept")
    for on in (True, False):
        await send(meeting, "ben", "PATCH", f"{ROOM}/participants/me", {"muted": on})
        for who, shown in (("ben", on), ("anna", False)):
            async with meeting.client(who) as client:
                assert (await client.get(f"{ROOM}/participants/2")).json()["muted"] is shown


async def test_a_coach_begins_at_once(meeting: Meeting) -> None:
    id = await ask(meeting, "anna", 2, kind="coach")
    talk = await talk_of(meeting, "ben")
    assert (talk["id"], talk["kind"], talk["state"], talk["by"], talk["room"]) == (
        id, "coach", "talking", 1, "full",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("who", "body", "status", "reason"),
    [
        ("ben", {"with": [3], "kind": "coach"}, 403, "not allowed"),
        ("operator", {"with": [3]}, 403, "not allowed"),
        ("ben", {"with": [2]}, 409, "with himself"),
        ("ben", {"with": [9]}, 404, "not in the room"),
        ("ben", {"with": []}, 422, "with"),
        ("ben", {"with": ["3"]}, 422, "with"),
        ("ben", {"with": [3], "room": "full"}, 422, "room"),
        ("ben", {"with": [3], "kind": "loud"}, 422, "kind"),
        ("anna", {"with": [2, 3], "kind": "coach"}, 422, "One participant is coached"),
        ("ben", {"room": "off"}, 422, "with"),
    ],
)
async def test_what_can_not_be_is_refused_with_the_reason(
    meeting: Meeting, who: str, body: dict[str, Any], status: int, reason: str
) -> None:
    got, sentence = await send(meeting, who, "POST", TALKS, body)
    assert got == status
    assert reason in sentence
    assert not meeting.model.talks


async def test_who_talks_already_is_busy(meeting: Meeting) -> None:
    await ask(meeting, "ben", 3)
    status, sentence = await send(meeting, "anna", "POST", TALKS, {"with": [3]})
    assert status == 409
    assert "cleo is busy" in sentence


@pytest.mark.parametrize("id", ["7", "0", "x", "²", "9" * 40])
async def test_a_talk_that_is_not_ones_own_is_as_if_it_were_not(meeting: Meeting, id: str) -> None:
    mine = await ask(meeting, "ben", 3)
    for path in (f"{TALKS}/{id}", f"{TALKS}/{mine}"):
        assert await send(meeting, "anna", "DELETE", path) == (404, "This talk is over.")


@pytest.mark.parametrize("who", ["anna", "ben", "listener", "operator"])
async def test_everybody_who_is_here_talks_in_private_and_only_moderators_coach(
    meeting: Meeting, who: str
) -> None:
    listener = meeting.phones["listener"] = await meeting.lab.phone("listener")
    await listener.call("sip:standup@sems", headers=[("P-App-Param", "role=listener")])
    here = 200 if who != "operator" else 403
    coached = await send(meeting, who, "POST", TALKS, {"with": [3], "kind": "coach"})
    assert coached[0] == (200 if who == "anna" else 403)
    assert (coached[0] == 403) == ("not allowed" in coached[1])
    if who == "anna":
        assert (await send(meeting, who, "DELETE", f"{TALKS}/{meeting.model.talk_of(3).id}"))[0] == 200  # type: ignore[union-attr]

    assert (await send(meeting, who, "POST", TALKS, {"with": [3]}))[0] == here
    if who != "operator":
        me = meeting.model.talk_of(3)
        assert me is not None
        assert (await send(meeting, who, "DELETE", f"{TALKS}/{me.id}"))[0] == 200
    for answer, status in (("decline", here), ("accept", here)):
        mine = {"anna": 1, "ben": 2, "listener": 4, "operator": 1}[who]
        id = await ask(meeting, "cleo", mine)
        assert (await send(meeting, who, "POST", f"{TALKS}/{id}/{answer}"))[0] == status
        if status == 403:
            await send(meeting, "cleo", "DELETE", f"{TALKS}/{id}")
    assert (await send(meeting, who, "PATCH", f"{TALKS}/{id}", {"room": "off"}))[0] == here
    assert (await send(meeting, who, "DELETE", f"{TALKS}/{id}"))[0] == here


@pytest.mark.parametrize(
    ("who", "whom", "room", "allowed"),
    [
        ("anna", 3, "Blue", True),
        ("anna", 3, None, True),
        ("operator", 3, "Blue", True),
        ("ben", 3, "Blue", False),
        ("ben", 3, None, False),
        ("ben", 2, "Blue", False),
        ("ben", 2, None, True),
    ],
)
async def test_moderators_move_people_and_everybody_comes_back_by_himself(
    meeting: Meeting, who: str, whom: int, room: str | None, allowed: bool
) -> None:
    for id in (2, 3):
        await send(meeting, "anna", "PATCH", f"{ROOM}/participants/{id}", {"side_room": "Green"})
    status, sentence = await send(meeting, who, "PATCH", f"{ROOM}/participants/{whom}", {"side_room": room})
    assert (status, "Only a moderator" in sentence) == ((200, False) if allowed else (403, True))
    async with meeting.client("ben") as client:
        shown = (await client.get(f"{ROOM}/participants/{whom}")).json()
    assert shown["side_room"] == (room if allowed else "Green")


@pytest.mark.parametrize("name", ["", " ", " Blue", "x" * 61, 7])
async def test_a_side_room_has_a_name(meeting: Meeting, name: object) -> None:
    status, sentence = await send(meeting, "anna", "PATCH", f"{ROOM}/participants/2", {"side_room": name})
    assert status == 422
    assert "side_room" in sentence


async def test_a_move_is_told_to_all(meeting: Meeting) -> None:
    async with meeting.stream("cleo") as cleo:
        await cleo.next()
        await send(meeting, "anna", "PATCH", f"{ROOM}/participants/2", {"side_room": "Blue"})
        told = (await cleo.next()).data
    assert (told["type"], told["participant"]["side_room"]) == ("moved", "Blue")
    assert json.dumps(told["floor"]) == "[]"
