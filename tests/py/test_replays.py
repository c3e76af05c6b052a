"""A recorded call goes through the same states again, and says where it doesn't."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from an_app import app_of
from recorded import goes_the_same_way, recorded
from typer.testing import CliRunner

from sems import Call, CallFailed
from sems.cli import app
from sems.errors import TraceError
from sems.testing import Lab
from sems.testing import replay as replay_file
from sems.trace import Trace, replay

Handler = Callable[[Call], Awaitable[None]]

REPLAYS = sorted((Path(__file__).parent.parent / "replays").glob("*.json"))


async def a_call(lab: Lab, handler: Handler) -> Trace:
    server = await lab.server(apps=[app_of(handler)])
    alice = await lab.phone("alice")
    try:
        call = await alice.call("sip:mine@sems")
    except CallFailed:
        pass
    else:
        await call.wait_ended()
    return await recorded(server)


async def busy(call: Call) -> None:
    await call.ring()
    await asyncio.sleep(3)
    await call.reject(486, "Not Now")


async def hold(call: Call) -> None:
    await call.answer(headers=[("X-Mine", "yes")])
    await asyncio.sleep(1)
    await call.hold()
    await asyncio.sleep(1)
    await call.hold(False)
    await asyncio.sleep(1)


async def early(call: Call) -> None:
    await call.ring(183, early_media=True)
    await asyncio.sleep(2)
    await call.answer()
    await asyncio.sleep(2)


@pytest.mark.parametrize("handler", [busy, hold, early])
async def test_a_call_goes_the_same_way_again(lab: Lab, handler: Handler) -> None:
    trace = await a_call(lab, handler)
    assert goes_the_same_way(trace).now.outcome == trace.outcome != ""


async def test_a_call_that_we_placed_goes_the_same_way_again(lab: Lab) -> None:
    server = await lab.server()
    alice = await lab.phone("alice")
    dialing = asyncio.create_task(server.dial(alice.uri, from_name="Sems"))
    coming = await alice.ringing()
    await coming.answer()
    call = await dialing
    await asyncio.sleep(1)
    await alice.hang_up()
    await call.wait_ended()
    trace = await recorded(server)
    assert goes_the_same_way(trace).now.call_id != trace.call_id


async def test_repetitions_and_timeouts_come_at_their_times_again(lab: Lab) -> None:
    server = await lab.server()
    with pytest.raises(CallFailed):
        await server.dial("sip:nobody@10.77.77.77")
    trace = await recorded(server)
    assert len(trace.messages) == 7
    goes_the_same_way(trace)


async def test_where_it_diverges_is_said(lab: Lab) -> None:
    trace = await a_call(lab, busy)
    text = trace.to_json()

    def divergences(old: str, new: str) -> tuple[str, ...]:
        assert old in text
        return replay(Trace.from_json(text.replace(old, new))).divergences

    (said, *_) = divergences("486 Not Now", "404 Not Here")
    peer = trace.messages[0].remote
    first = (
        rf"at \d\.\d+ s 404 Not Here \(INVITE\) was sent to {peer}, and now 486 Not Now \(INVITE\) to {peer} "
    )
    assert re.match(first, said)
    (said, *_) = divergences("180 Ringing", "183 Session Progress")
    assert "183 Session Progress" in said
    # What was written there by hand is not what is sent.
    (said, *_) = divergences(r"Server: SEMS\r\nContent-Length: 0", r"X-More: 1\r\nContent-Length: 0")
    assert "said 'X-More: 1' and does not now" in said


@pytest.mark.parametrize("file", REPLAYS, ids=lambda file: file.stem)
def test_what_was_reported_stays_as_it_was_mended(file: Path) -> None:
    again = replay_file(file)
    assert again.now.entries


def test_there_is_an_example() -> None:
    assert REPLAYS


def test_a_file_that_goes_otherwise_fails_as_a_test(tmp_path: Path) -> None:
    text = REPLAYS[0].read_text()
    assert "SIP/2.0 100 " in text
    file = tmp_path / "bug.json"
    file.write_text(text.replace("SIP/2.0 100 ", "SIP/2.0 182 "))
    with pytest.raises(AssertionError, match="goes otherwise now"):
        replay_file(file)


@pytest.mark.parametrize("transport", ["tcp", "tls"])
async def test_a_call_over_a_connection_goes_the_same_way_again(lab: Lab, transport: str) -> None:
    server = await lab.server(apps=[app_of(hold)], tls_port=5061)
    phone = await lab.server(name="phone", tls_port=5061)
    host, _, _ = lab.resolve("sems").partition(":")
    port = {"tcp": 5060, "tls": 5061}[transport]
    call = await phone.dial(f"sip:mine@{host}:{port};transport={transport}")
    await call.wait_ended()
    for side in (server, phone):
        trace = await recorded(side)
        assert {entry.transport for entry in trace.messages} == {transport}
        goes_the_same_way(trace)


async def test_a_call_that_a_shutdown_ends_is_ended_again(lab: Lab) -> None:
    server = await lab.server(apps=[app_of(hold)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    await server.stop()
    trace = await recorded(server)
    assert "shutdown" in [entry.text for entry in trace.entries]
    goes_the_same_way(trace)


async def test_a_connection_that_was_lost_is_lost_again(lab: Lab) -> None:
    server = await lab.server()
    peer = lab.network.socket("tcp:10.9.9.9:5060")
    calling = asyncio.create_task(server.dial("sip:eve@10.9.9.9;transport=tcp"))
    await asyncio.sleep(0.5)
    (invite,) = peer.receive()
    assert invite.startswith(b"INVITE ")
    peer.break_off(server.engine.core.sip_addresses()[0])
    with pytest.raises(CallFailed, match="503"):
        await calling
    trace = await recorded(server)
    assert "the connection is closed" in [entry.text for entry in trace.entries]
    goes_the_same_way(trace)


async def test_what_a_stream_cannot_be_read_on_from_is_refused_again(lab: Lab) -> None:
    server = await lab.server()
    peer = lab.network.socket("tcp:10.9.9.9:5060")
    address = server.engine.core.sip_addresses()[0]
    invite = (
        f"INVITE sip:echo@{address} SIP/2.0\r\nVia: SIP/2.0/TCP 10.9.9.9;branch=z9hG4bK1\r\n"
        "From: <sip:eve@10.9.9.9>;tag=1\r\nTo: <sip:echo@sems>\r\nCall-ID: too-long@eve\r\n"
        "CSeq: 1 INVITE\r\nContent-Length: 99999999\r\n\r\n"
    )
    peer.send(invite.encode(), address)
    trace = await recorded(server)
    assert trace.messages[-1].code == 513
    goes_the_same_way(trace)


async def test_a_call_to_ourselves_is_not_replayed(lab: Lab) -> None:
    server = await lab.server()
    async with await server.dial(f"sip:echo@{lab.resolve('sems')}"):
        await asyncio.sleep(1)
    with pytest.raises(TraceError, match="a call to ourselves can't be replayed"):
        replay(await recorded(server))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("hello", "this is no trace, nor any JSON"),
        ("{}", "this is no trace: something of it is missing or wrong"),
        ('{"format": "other"}', "this is no trace"),
    ],
)
def test_a_file_that_is_no_trace_is_named(tmp_path: Path, text: str, why: str) -> None:
    file = tmp_path / "other.json"
    file.write_text(text)
    said = CliRunner().invoke(app, ["replay", str(file)])
    assert said.exit_code == 1
    assert said.stderr == f"sems: {file}: {why}\n"


async def test_what_cannot_be_replayed_is_a_clear_error(lab: Lab) -> None:
    trace = await a_call(lab, busy)
    with pytest.raises(TraceError, match="no message"):
        replay(Trace("x", ()))
    with pytest.raises(TraceError, match="settings"):
        replay(Trace.from_json(trace.to_json().replace('"codecs": [', '"codex": [')))
