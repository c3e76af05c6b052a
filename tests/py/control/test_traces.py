"""What the operator is shown of calls that have passed."""

from __future__ import annotations

import asyncio
from urllib.parse import quote

import pytest

from .conftest import Meeting


async def test_calls_are_listed_with_how_they_ended(meeting: Meeting) -> None:
    await meeting.phones["ben"].hang_up()
    await asyncio.sleep(0.5)
    async with meeting.client("operator") as client:
        calls = (await client.get("/api/v1/traces")).json()["calls"]
    assert len(calls) == 3
    (ben,) = (call for call in calls if "ben" in call["caller"])
    assert ben["outcome"] == "ended by the peer"
    assert (ben["direction"], ben["method"], ben["code"]) == ("in", "INVITE", 200)
    assert {call["outcome"] for call in calls if call is not ben} == {""}


async def test_a_trace_is_found_by_id_and_by_call_id(meeting: Meeting) -> None:
    async with meeting.client("operator") as client:
        (newest, *_) = (await client.get("/api/v1/traces", params={"limit": "1"})).json()["calls"]
        by_id = (await client.get(f"/api/v1/calls/{newest['call']}/trace")).json()
        name = quote(newest["call_id"], safe="")
        by_call_id = (await client.get(f"/api/v1/calls/{name}/trace")).json()
    assert by_id == by_call_id
    titles = [entry["title"] for entry in by_id["entries"]]
    assert titles[0] == "INVITE + SDP"
    assert "200 OK (INVITE) + SDP" in titles
    assert by_id["entries"][0]["message"].startswith("INVITE sip:standup@")


@pytest.mark.parametrize("call_id", ["a/b%?@x", "2102076240694085"])
async def test_a_call_id_may_hold_a_slash_or_be_all_digits(meeting: Meeting, call_id: str) -> None:
    server = meeting.server
    at = server.engine.core.sip_addresses()[0]
    socket = meeting.lab.network.socket("10.9.9.9:5060")
    text = (
        f"OPTIONS sip:{at} SIP/2.0\r\nVia: SIP/2.0/UDP 10.9.9.9;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n"
        f"To: <sip:a@b>\r\nCall-ID: {call_id}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
    )
    socket.send(text.encode(), at)
    await asyncio.sleep(0.1)
    async with meeting.client("operator") as client:
        found = await client.get(f"/api/v1/calls/{quote(call_id, safe='')}/trace")
    assert [entry["title"] for entry in found.json()["entries"]] == ["OPTIONS", "200 OK (OPTIONS)"]


async def test_traces_are_for_the_operator_alone_and_hold_no_link(meeting: Meeting) -> None:
    async with meeting.client("anna") as anna, meeting.client(None) as nobody:
        assert (await anna.get("/api/v1/traces")).status_code == 403
        assert (await anna.get("/api/v1/calls/1/trace")).status_code == 403
        assert (await nobody.get("/api/v1/traces")).status_code == 401
    async with meeting.client("operator") as client:
        calls = (await client.get("/api/v1/traces")).json()["calls"]
        texts = [(await client.get(f"/api/v1/calls/{call['call']}/trace")).text for call in calls]
    assert len(texts) == 3
    for text in texts:
        assert "/c/masked" in text
        assert not any(meeting.token(name) in text for name in meeting.phones)


async def test_what_is_not_remembered_or_wrongly_asked_is_said(meeting: Meeting) -> None:
    async with meeting.client("operator") as client:
        missing = await client.get("/api/v1/calls/nobody@nowhere/trace")
        no_text = await client.get("/api/v1/calls/%0D%0AX-Odd%3A%201/trace")
        wrong = await client.get("/api/v1/traces", params={"limit": "many"})
    assert missing.status_code == no_text.status_code == 404
    assert "nothing is remembered of call nobody@nowhere" in missing.json()["detail"].lower()
    assert wrong.status_code == 422


async def test_what_is_written_in_private_is_neither_in_a_trace_nor_on_disk(meeting: Meeting) -> None:
    line = meeting.phones["ben"].line
    assert (await line.send_message("@cleo the password is Xylophon")).code == 200
    assert (await meeting.phones["ben"].send_message("sip:standup@sems", "@cleo Xylophon again")).code == 200
    async with meeting.client("anna") as client:
        answer = await client.post(
            "/api/v1/conferences/standup/messages", json={"text": "Xylophon?", "to": [2]}
        )
        assert answer.is_success
    await asyncio.sleep(1)
    assert [each.to for each in meeting.model.messages.values()] == [(3,), (3,), (2,)]
    async with meeting.client("operator") as client:
        calls = (await client.get("/api/v1/traces")).json()["calls"]
        traces = [(await client.get(f"/api/v1/calls/{call['call']}/trace")).text for call in calls]
    assert any("MESSAGE" in trace for trace in traces)
    assert not any("Xylophon" in trace for trace in traces)
    files = [path for path in meeting.server.config.data.rglob("*") if path.is_file()]
    assert not any(b"Xylophon" in path.read_bytes() for path in files)
