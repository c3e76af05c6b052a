"""Text through the API."""

from __future__ import annotations

import re
from typing import Any

import pytest

from sems.conference import Remove
from sems.conference.text import BURST, LONGEST, report_undelivered

from .conftest import Meeting

ROOM = "/api/v1/conferences/standup"
LINES = f"{ROOM}/messages"


async def say(meeting: Meeting, who: str, text: str, to: list[int] | None = None) -> dict[str, Any]:
    async with meeting.client(who) as client:
        response = await client.post(LINES, json={"text": text, "to": to})
        assert response.status_code == 200, response.text
        return response.json()  # type: ignore[no-any-return]


async def read(meeting: Meeting, who: str) -> list[dict[str, Any]]:
    async with meeting.client(who) as client:
        return (await client.get(ROOM)).json()["messages"]  # type: ignore[no-any-return]


async def test_a_line_is_told_to_all_and_kept_for_those_who_come_later(meeting: Meeting) -> None:
    async with meeting.stream("cleo") as stream:
        await stream.next()
        sent = await say(meeting, "ben", "Hello <b>all</b>")
        told = (await stream.next()).data
    assert sent == {"sequence": told["sequence"], "id": told["message"]["id"]}
    assert (told["type"], told["by"]) == ("message_sent", 2)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", told["message"]["at"])
    zoe = meeting.phones["zoe"] = await meeting.lab.phone("zoe")
    await zoe.call("sip:standup@sems")
    (line,) = await read(meeting, "zoe")
    assert line.pop("at")
    assert line == {
        "id": sent["id"], "sender": 2, "name": "ben", "text": "Hello <b>all</b>", "to": None,
        "to_names": None, "failed": [],
    }  # fmt: skip


async def test_a_private_line_is_shown_to_those_two_and_to_nobody_else(meeting: Meeting) -> None:
    async with meeting.stream("anna") as other, meeting.stream("cleo") as meant:
        await other.next(), await meant.next()
        await say(meeting, "ben", "Just us", to=[3])
        await say(meeting, "ben", "All of you")
        line = (await meant.next()).data["message"]
        assert (line["to"], line["to_names"]) == ([3], ["cleo"])
        assert (await other.next()).data["message"]["text"] == "All of you"
    texts = {who: [each["text"] for each in await read(meeting, who)] for who in ("anna", "ben", "operator")}
    assert texts == {
        "anna": ["All of you"], "ben": ["Just us", "All of you"], "operator": ["All of you"],
    }  # fmt: skip


async def test_a_failed_delivery_is_shown_to_the_sender_alone(meeting: Meeting) -> None:
    async with meeting.stream("ben") as sender, meeting.stream("anna") as other:
        await sender.next(), await other.next()
        sent = await say(meeting, "ben", "Hello")
        report_undelivered(meeting.model, sent["id"], 3, "The phone does not answer.")
        await say(meeting, "ben", "Cleo?")
        told = [(await sender.next()).data["type"] for _ in range(3)]
        assert told == ["message_sent", "message_failed", "message_sent"]
        assert [(await other.next()).data["type"] for _ in range(2)] == ["message_sent", "message_sent"]
    failed = [{"participant": 3, "name": "cleo", "reason": "The phone does not answer."}]
    assert [each["failed"] for each in await read(meeting, "ben")] == [failed, []]
    assert [each["failed"] for each in await read(meeting, "anna")] == [[], []]


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        ({"text": ""}, 422, "text"),
        ({"text": "x" * (LONGEST + 1)}, 422, str(LONGEST)),
        ({"text": "\x00\x1b"}, 409, "nothing to send"),
        ({"text": "Hello", "to": []}, 422, "to"),
        ({"text": "Hello", "to": [77]}, 404, "not in the room"),
        ({"text": "Hello", "to": ["3"]}, 422, "to"),
        ({"text": 7}, 422, "text"),
        ({"to": [3]}, 422, "text"),
    ],
)
async def test_what_is_no_line_is_refused_with_the_reason(
    meeting: Meeting, body: dict[str, Any], status: int, reason: str
) -> None:
    async with meeting.client("ben") as client:
        response = await client.post(LINES, json=body)
    assert response.status_code == status
    assert reason in response.json()["detail"]
    assert not meeting.model.messages


async def test_who_writes_too_fast_is_told_to_wait(meeting: Meeting) -> None:
    async with meeting.client("ben") as client:
        codes = [(await client.post(LINES, json={"text": "Buy!"})).status_code for _ in range(BURST + 1)]
    assert codes == [200] * BURST + [429]


async def test_who_was_removed_neither_writes_nor_reads(meeting: Meeting) -> None:
    meeting.model.do(Remove(2), by=1)
    async with meeting.client("ben") as client:
        assert (await client.post(LINES, json={"text": "Let me in"})).status_code == 404
        assert (await client.get(ROOM)).status_code == 404
