"""What is remembered of a call, and that it gives no secret away."""

from __future__ import annotations

import asyncio
import json

import pytest
from an_app import app_of

from sems import Call, CallFailed, Server
from sems.errors import TraceError
from sems.testing import Lab
from sems.trace import Trace, ladder, write_pcap

INVITE = (
    "INVITE sip:{user}@{to} SIP/2.0\r\n"
    "Via: SIP/2.0/UDP 10.9.9.9:5060;branch=z9hG4bK-{branch}\r\n"
    "From: <sip:eve:open-sesame@10.9.9.9>;tag=1\r\n"
    "To: <sip:room@sems>\r\n"
    "Call-ID: {call_id}\r\n"
    "CSeq: {cseq} INVITE\r\n"
    "{more}"
    "Contact: <sip:eve@10.9.9.9>\r\nContent-Length: 0\r\n\r\n"
)


async def busy(call: Call) -> None:
    await call.reject(486, "Not Now")


async def talk(call: Call) -> None:
    await call.answer()
    await asyncio.sleep(2)


async def one_call(lab: Lab, handler: object = busy) -> tuple[Server, Trace]:
    server = await lab.server(apps=[app_of(handler)])  # type: ignore[arg-type]
    alice = await lab.phone("alice")
    try:
        call = await alice.call("sip:mine@sems")
    except CallFailed:
        pass
    else:
        await call.wait_ended()
    await asyncio.sleep(1)
    (traced,) = server.traced_calls()
    return server, server.trace(traced.call_id)


async def test_a_refused_call_is_explained_after_its_end(lab: Lab) -> None:
    server, trace = await one_call(lab)
    assert not server.calls
    titles = [entry.title for entry in trace.entries]
    assert titles == [
        "INVITE + SDP",
        "100 Trying (INVITE)",
        "reject",
        "ended: ended by us 486 (Not Now)",
        "486 Not Now (INVITE)",
        "ACK",
    ]
    assert trace.outcome == "ended by us 486 (Not Now)"
    (listed,) = server.traced_calls()
    assert (listed.direction, listed.method, listed.code) == ("in", "INVITE", 486)
    assert listed.outcome == trace.outcome
    assert "alice" in listed.caller
    assert server.trace(listed.call or 0).entries == trace.entries


async def test_a_ladder_shows_who_said_what_and_when(lab: Lab) -> None:
    _, trace = await one_call(lab, talk)
    shown = ladder(trace)
    lines = shown.splitlines()
    assert lines[0] == f"Call-ID  {trace.call_id}"
    assert lines[2] == "Ended    ended by us"
    peer = trace.messages[0].remote
    assert any(peer in line and "SEMS" in line for line in lines)
    (invite,) = (line for line in lines if " INVITE + SDP -" in line)
    assert invite.split()[0] == "0.000"
    assert invite.endswith(">|")
    (bye,) = (line for line in lines if " BYE -" in line)
    assert float(bye.split()[0]) == pytest.approx(2, abs=0.01)
    assert "|<-" in bye
    assert any(line.endswith("| < answer") for line in lines)
    assert any(line.endswith("| > up, PCMU") for line in lines)


async def test_what_comes_again_is_shown_as_such(lab: Lab) -> None:
    server = await lab.server(apps=[app_of(busy)])
    socket = lab.network.socket("10.9.9.9:5060")
    socket.send(invite(server, "again", "one", user="mine"), address(server))
    await asyncio.sleep(40)
    shown = ladder(server.trace("one@eve"))
    assert shown.count("486 Not Now (INVITE) again") == 10


def address(server: Server) -> str:
    return server.engine.core.sip_addresses()[0]


def invite(
    server: Server, branch: str, call_id: str, more: str = "", cseq: str = "1", user: str = "room"
) -> bytes:
    text = INVITE.format(
        to=address(server), branch=branch, call_id=f"{call_id}@eve", more=more, cseq=cseq, user=user
    )
    return text.encode()


async def test_what_never_became_a_call_is_explained_too(lab: Lab) -> None:
    server = await lab.server()
    socket = lab.network.socket("10.9.9.9:5060")
    socket.send(invite(server, "a", "require", "Require: time-travel\r\n"), address(server))
    socket.send(invite(server, "b", "broken", cseq="x"), address(server))
    socket.send(b"this is no SIP at all", address(server))
    await asyncio.sleep(1)
    listed = {call.call_id: call for call in server.traced_calls()}
    assert listed.keys() == {"require@eve", "broken@eve", "unreadable@10.9.9.9:5060"}
    assert listed["require@eve"].outcome == "answered 420 without a call"
    assert listed["broken@eve"].outcome == "answered 400 without a call"
    assert listed["broken@eve"].call is None
    (entry,) = server.trace("unreadable@10.9.9.9:5060").entries
    assert entry.message == b"this is no SIP at all"
    assert "400 Bad Request" in ladder(server.trace("broken@eve"))


async def test_secrets_never_leave_the_record(lab: Lab) -> None:
    server = await lab.server()
    phone = await lab.phone("anna")
    await phone.call("sip:standup@sems")
    assert phone.link is not None
    token = phone.link.rpartition("/c/")[2]
    socket = lab.network.socket("10.9.9.9:5060")
    digest = (
        'Authorization: Digest username="eve", realm="r", response="0123456789abcdef0123456789abcdef"\r\n'
    )
    socket.send(invite(server, "a", "digest", digest), address(server))
    await asyncio.sleep(1)
    files = []
    for traced in server.traced_calls():
        trace = server.trace(traced.call_id)
        files += [trace.to_json(), ladder(trace), traced.caller, traced.uri]
        path = server.config.data / "capture.pcap"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_pcap(trace, path)
        files.append(path.read_bytes().decode("latin-1"))
    everything = "\n".join(files)
    assert "u=http" in everything
    assert "response=" in everything
    assert "sip:eve:" in everything
    for secret in (token, "0123456789abcdef0123", "open-sesame"):
        assert secret not in everything
    # The same secret has the same mask: messages still belong together.
    (anna,) = (c for c in server.traced_calls() if c.call is not None and "anna" in c.caller)
    answer = next(e for e in server.trace(anna.call_id).messages if e.code == 200)
    assert len(answer.body) == int(answer.header("Content-Length"))
    masked = answer.body.partition(b"/c/")[2].split()[0].decode()
    assert masked.startswith("masked")
    assert f"/c/{masked}>" in answer.header("Call-Info")


async def test_a_trace_outlives_its_file(lab: Lab) -> None:
    _, trace = await one_call(lab, talk)
    assert Trace.from_json(trace.to_json()) == trace
    head = json.loads(trace.to_json())
    assert (head["format"], head["format_version"]) == ("sems-trace", 2)
    for text in (
        "",
        "{}",
        "[]",
        '{"format": "else"}',
        trace.to_json().replace('_version": 2', '_version": 9'),
    ):
        with pytest.raises(TraceError):
            Trace.from_json(text)


async def test_nothing_is_recorded_when_it_is_switched_off(lab: Lab) -> None:
    server = await lab.server(apps=[app_of(busy)], trace={"enabled": False})
    alice = await lab.phone("alice")
    with pytest.raises(CallFailed):
        await alice.call("sip:mine@sems")
    assert server.traced_calls() == []
    with pytest.raises(TraceError, match="nothing is recorded"):
        server.trace(1)


async def test_the_record_takes_no_more_than_it_may(lab: Lab) -> None:
    server = await lab.server(apps=[app_of(busy)], trace={"megabytes": 1})
    socket = lab.network.socket("10.9.9.9:5060")
    padding = f"X-Padding: {'x' * 8000}\r\nRequire: nothing-known\r\n"
    for number in range(200):
        socket.send(invite(server, f"b{number}", f"call{number}", padding), address(server))
        await asyncio.sleep(0.01)
    await asyncio.sleep(1)
    calls = server.traced_calls(5000)
    recorded = sum(len(entry.message) for c in calls for entry in server.trace(c.call_id).entries)
    assert 500_000 < recorded < 1_300_000
    # Of the first there is only what came after much else.
    assert server.trace("call199@eve").entries[0].kind == "received"
    assert all(entry.kind == "sent" for entry in server.trace("call0@eve").entries)


async def test_who_is_not_known_is_a_clear_error(lab: Lab) -> None:
    server = await lab.server()
    with pytest.raises(TraceError, match="nothing is remembered of call 17"):
        server.trace(17)
