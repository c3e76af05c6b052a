"""Calling people into a conference through the API."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from sems.conference import Dial
from sems.testing import Lab, Phone

from .conftest import OPERATOR, Meeting

CALLS = "/api/v1/conferences/standup/calls"


@pytest_asyncio.fixture
async def meeting(lab: Lab) -> AsyncIterator[Meeting]:
    """As the other, but anybody can be dialled."""
    server = await lab.server(
        operator={"token": OPERATOR}, dialout={"allow": ["sip:.*"]}, trusted=["10.0.0.0/8"]
    )
    phones = {}
    for name in ("anna", "ben", "cleo"):
        phones[name] = await lab.phone(name)
        await phones[name].call("sip:standup@sems")
    yield Meeting(lab, server, phones)


async def dora_of(meeting: Meeting) -> Phone:
    return await meeting.lab.phone("dora")


async def test_a_call_is_followed_from_the_dialling_to_the_joining(meeting: Meeting) -> None:
    dora = await dora_of(meeting)
    async with meeting.client("anna") as client, meeting.stream("ben") as stream:
        assert (await stream.next()).data["calls"] == []
        response = await client.post(CALLS, json={"target": dora.uri, "name": "Dora"})
        assert response.status_code == 200
        assert response.json() == {"sequence": meeting.model.sequence, "id": 4}
        incoming = await dora.ringing()
        told = [(await stream.next()).data for _ in range(2)]
        assert [(each["type"], each["call"]["state"]) for each in told] == [
            ("call_changed", "trying"),
            ("call_changed", "ringing"),
        ]
        assert told[1]["call"] == {
            "id": 4,
            "name": "Dora",
            "target": dora.uri,
            "by": 1,
            "state": "ringing",
            "code": 180,
            "reason": "",
            "phrase": "Ringing",
        }
        shown = (await client.get("/api/v1/conferences/standup")).json()
        assert shown["calls"] == [told[1]["call"]]
        await incoming.answer()
        gone, joined = [(await stream.next()).data for _ in range(2)]
        assert (gone["type"], gone["call"]["id"]) == ("call_gone", 4)
        assert (joined["type"], joined["participant"]["id"]) == ("joined", 4)
        assert joined["participant"]["presence"] == "dialled"


async def test_a_call_in_vain_tells_code_and_reason_and_can_be_dialled_again(meeting: Meeting) -> None:
    dora = await dora_of(meeting)
    async with meeting.client("anna") as client:
        id = (await client.post(CALLS, json={"target": dora.uri})).json()["id"]
        await (await dora.ringing()).reject(486)
        await asyncio.sleep(0.2)
        (call,) = (await client.get("/api/v1/conferences/standup")).json()["calls"]
        assert (call["state"], call["code"], call["reason"]) == ("failed", 486, "busy")
        assert (await client.post(f"{CALLS}/{id}/redial")).status_code == 200
        incoming = await dora.ringing()
        assert (await client.delete(f"{CALLS}/{id}")).status_code == 200
        assert (await incoming.wait_ended()).cause == "cancelled"
        (call,) = (await client.get("/api/v1/conferences/standup")).json()["calls"]
        assert call["state"] == "cancelled"
        assert (await client.delete(f"{CALLS}/{id}")).status_code == 200
        assert (await client.get("/api/v1/conferences/standup")).json()["calls"] == []


@pytest.mark.parametrize("who", ["anna", "ben", "listener", "operator"])
async def test_moderators_and_the_operator_dial_and_others_do_not(meeting: Meeting, who: str) -> None:
    dora = await dora_of(meeting)
    listener = meeting.phones["listener"] = await meeting.lab.phone("listener")
    await listener.call("sip:standup@sems", headers=[("P-App-Param", "role=listener")])
    meeting.model.do(Dial(dora.uri), by=1)
    await (await dora.ringing()).reject(486)
    await asyncio.sleep(0.2)
    async with meeting.client(who) as client:
        responses = [
            await client.post(f"{CALLS}/5/redial"),
            await client.delete(f"{CALLS}/5"),
            await client.post(CALLS, json={"target": dora.uri}),
        ]
    if who in ("ben", "listener"):
        for response in responses:
            assert response.status_code == 403
            assert "not allowed" in response.json()["detail"]
    else:
        assert [response.status_code for response in responses] == [200, 200, 200]


@pytest.mark.parametrize(
    ("target", "status", "word"),
    [
        ("sips:x@192.0.2.7", 403, "not allowed"),
        ("sip:x@192.0.2.7?Route=y", 422, "address"),
        ("sip:x@192.0.2.7;maddr=10.0.0.1", 422, "parameters"),
        ("100", 422, "addresses"),
        (" ", 422, "wanted"),
        ("", 422, "target"),
        ("x" * 256, 422, "target"),
    ],
)
async def test_what_can_not_be_dialled_is_refused_with_the_reason(
    meeting: Meeting, target: str, status: int, word: str
) -> None:
    async with meeting.client("anna") as client:
        response = await client.post(CALLS, json={"target": target})
    assert response.status_code == status
    assert word in response.json()["detail"]
    assert not meeting.model.calls


async def test_by_default_no_other_machine_is_called(lab: Lab) -> None:
    server = await lab.server(operator={"token": OPERATOR}, trusted=["10.0.0.0/8"])
    anna, dora = await lab.phone("anna"), await lab.phone("dora")
    await anna.call("sip:standup@sems")
    meeting = Meeting(lab, server, {"anna": anna})
    async with meeting.client("anna") as client:
        response = await client.post(CALLS, json={"target": dora.uri})
    assert response.status_code == 403
    assert "not allowed" in response.json()["detail"]


async def test_busy_lines_are_said_so(lab: Lab) -> None:
    server = await lab.server(
        operator={"token": OPERATOR}, dialout={"allow": ["*"], "concurrent": 1}, trusted=["10.0.0.0/8"]
    )
    anna, dora = await lab.phone("anna"), await lab.phone("dora")
    await anna.call("sip:standup@sems")
    meeting = Meeting(lab, server, {"anna": anna})
    async with meeting.client("anna") as client:
        await client.post(CALLS, json={"target": dora.uri})
        response = await client.post(CALLS, json={"target": dora.uri})
    assert response.status_code == 409
    assert "busy" in response.json()["detail"]


@pytest.mark.parametrize("id", ["77", "x", "-1", "9" * 30])
async def test_a_call_that_nobody_knows_is_not_found(meeting: Meeting, id: str) -> None:
    async with meeting.client("anna") as client:
        for response in (await client.delete(f"{CALLS}/{id}"), await client.post(f"{CALLS}/{id}/redial")):
            assert response.status_code == 404
            assert response.json()["detail"] == "This call is over."
