"""A recorded call goes through the same states again, and says where it doesn't."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from an_app import app_of
from typer.testing import CliRunner

from sems import Call, CallFailed, Server
from sems.cli import app
from sems.errors import TraceError
from sems.testing import Lab
from sems.testing import replay as replay_file
from sems.trace import Trace, replay

REPLAYS = sorted((Path(__file__).parent.parent / "replays").glob("*.json"))


async def recorded(lab: Lab, server: Server) -> Trace:
    """The newest call of the server."""
    await asyncio.sleep(1)
    trace = server.trace(server.traced_calls()[0].call_id)
    return Trace.from_json(trace.to_json())


def course(trace: Trace) -> list[str]:
    """What happened, but for what the packets were like, since none come in a replay."""
    return [entry.title for entry in trace.entries if not entry.title.startswith("audio: ")]


async def a_call(lab: Lab, handler: object) -> Trace:
    server = await lab.server(apps=[app_of(handler)])  # type: ignore[arg-type]
    alice = await lab.phone("alice")
    try:
        call = await alice.call("sip:mine@sems")
    except CallFailed:
        pass
    else:
        await call.wait_ended()
    return await recorded(lab, server)


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
async def test_a_call_goes_the_same_way_again(lab: Lab, handler: object) -> None:
    trace = await a_call(lab, handler)
    again = replay(trace)
    assert again.divergences == ()
    assert course(again.now) == course(trace)
    assert again.now.outcome == trace.outcome != ""


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
    trace = await recorded(lab, server)
    again = replay(trace)
    assert again.divergences == ()
    assert again.now.call_id != trace.call_id
    assert course(again.now) == course(trace)


async def test_repetitions_and_timeouts_come_at_their_times_again(lab: Lab) -> None:
    server = await lab.server()
    with pytest.raises(CallFailed):
        await server.dial("sip:nobody@10.77.77.77")
    trace = await recorded(lab, server)
    assert len(trace.messages) == 7
    assert replay(trace).divergences == ()


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


async def test_a_call_that_was_asked_for_a_password_is_not_replayed(lab: Lab) -> None:
    auth = {"challenge": ["INVITE"], "users": [{"name": "anna", "password": "secret"}]}
    server = await lab.server(auth=auth)
    phone = await lab.server(name="phone")
    uri = f"sip:echo@{lab.resolve('sems')}"
    async with await phone.dial(uri, username="anna", password="secret"):
        await asyncio.sleep(1)
    for side in (server, phone):
        with pytest.raises(TraceError, match="this call was asked for a password, which can't be replayed"):
            replay(await recorded(lab, side))


async def test_only_calls_are_replayed(lab: Lab) -> None:
    server = await lab.server()
    phone = await lab.server(name="phone")
    await phone.request("OPTIONS", f"sip:echo@{lab.resolve('sems')}")
    with pytest.raises(TraceError, match="only calls can be replayed, and this is an OPTIONS"):
        replay(await recorded(lab, server))


async def test_a_call_to_ourselves_is_not_replayed(lab: Lab) -> None:
    server = await lab.server()
    async with await server.dial(f"sip:echo@{lab.resolve('sems')}"):
        await asyncio.sleep(1)
    with pytest.raises(TraceError, match="a call to ourselves can't be replayed"):
        replay(await recorded(lab, server))


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
    with pytest.raises(TraceError, match="only calls over UDP"):
        replay(Trace.from_json(trace.to_json().replace('"transport": "udp"', '"transport": "tls"')))
    with pytest.raises(TraceError, match="settings"):
        replay(Trace.from_json(trace.to_json().replace('"codecs": [', '"codex": [')))
