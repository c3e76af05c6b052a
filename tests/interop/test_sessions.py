"""What SIPp sees of ringing, changing and keeping a call, on both sides of it."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from peers import sipp
from peers.ports import free_port
from peers.sipp_server import SippServer
from sems import App, Call, CallFailed, Config, Server
from sems.plugins import Apps


def apps() -> Apps:
    """Those whom SIPp calls."""
    found = Apps()
    early, plain, short = App("early"), App("plain"), App("short")

    @early.call
    async def ring_with_sound(call: Call) -> None:
        await call.ring(183, early_media=True)
        await call.sleep(1)
        await call.answer()
        await call.wait_ended()

    @plain.call
    async def answer(call: Call) -> None:
        await call.answer()
        await call.wait_ended()

    @short.call
    async def answer_and_hang_up(call: Call) -> None:
        await call.answer()

    for app in (early, plain, short):
        found.add(app)
    return found


async def until(seen: Callable[[], bool]) -> None:
    """Waits for what only SIPp's log or a counter shows."""
    for _ in range(600):
        if seen():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it does not come about")


@contextlib.asynccontextmanager
async def sems(folder: Path) -> AsyncIterator[Server]:
    """A server that has nothing left when it stops."""
    low = free_port(span=40)
    given = {"host": "127.0.0.1", "sip_port": 0, "rtp_ports": f"{low}-{low + 39}", "data": folder / "data"}
    async with Server(Config.model_validate(given), apps=apps(), web=False) as server:
        yield server
        # The last BYE has been answered; its leg goes at the next tick.
        await until(
            lambda: not any(server.engine.core.stats()[gauge] for gauge in ("calls", "legs", "rtp_ports"))
        )


@pytest.mark.parametrize(
    ("scenario", "app"),
    [
        ("prack", "early"),
        ("update", "early"),
        ("session_timer", "plain"),
        ("cancel_late", "plain"),
        ("replaces", "plain"),
        ("strict_router", "short"),
        ("no_ack", "plain"),
    ],
)
async def test_sipp_calls(tmp_path: Path, scenario: str, app: str) -> None:
    async with sems(tmp_path) as server:
        await sipp.run(scenario, server.sip_port, app, tmp_path, timeout=45)


async def test_a_refresh_by_the_phone_leaves_our_description_as_it_is(tmp_path: Path) -> None:
    async with sems(tmp_path) as server:
        await sipp.run("session_timer", server.sip_port, "plain", tmp_path)
    text = "\n".join(file.read_text() for file in tmp_path.glob("sipp-session_timer/*messages.log"))
    ours = re.findall(r"o=- \d+ \d+ IN IP4", "\n".join(sipp.received(text)))
    assert len(ours) == 2, "in both 200s"
    assert len(set(ours)) == 1, "the version rises only with a change"


async def test_a_phone_rings_reliably_and_is_held_before_it_answers(tmp_path: Path) -> None:
    async with sems(tmp_path) as server, SippServer("rings_reliably", tmp_path, calls=1) as phone:
        call = await server.place(phone.uri, reliable=True)
        await until(lambda: len(phone.received("PRACK")) == 2)
        await call.hold(True)
        await call.wait_answered()
        await call.hangup()
        await phone.ended()


LAST = {"forks": ("BYE", 1), "times_by_update": ("UPDATE", 1), "times_by_invite": ("ACK", 3)}


@pytest.mark.parametrize("scenario", LAST)
async def test_sipp_is_called(tmp_path: Path, scenario: str) -> None:
    async with sems(tmp_path) as server, SippServer(scenario, tmp_path, calls=1) as phone:
        async with await server.dial(phone.uri, timeout=5):
            # Until it waits for nothing but our BYE.
            method, times = LAST[scenario]
            await until(lambda: len(phone.received(method)) >= times)
        await phone.ended()
    if scenario == "times_by_invite":
        origins = re.findall(r"o=- \d+ \d+ IN IP4", "".join(phone.received("INVITE")))
        assert len(origins) == 3, "422, 200, and the refresh"
        assert len(set(origins)) == 1, "it changes nothing (RFC 4028 §7.4)"


async def test_a_hold_that_meets_a_change_of_the_phone_is_tried_again(tmp_path: Path) -> None:
    async with sems(tmp_path) as server, SippServer("glares", tmp_path, calls=1) as phone:
        async with await server.dial(phone.uri, timeout=5) as call:
            await call.hold(True)
        await phone.ended()
    assert len(phone.received("INVITE")) == 3


async def test_a_phone_that_accepts_while_the_call_is_taken_back_gets_ack_and_bye(tmp_path: Path) -> None:
    async with sems(tmp_path) as server, SippServer("accepts_late", tmp_path, calls=1) as phone:
        with pytest.raises(CallFailed, match=r"408 no answer within 0\.5 seconds"):
            await server.dial(phone.uri, timeout=0.5)
        await phone.ended()
