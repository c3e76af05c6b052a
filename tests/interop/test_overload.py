"""More calls than there is room for, as SIPp makes them: 503 with Retry-After, and the rest go on."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import signal
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from peers import sipp
from peers.baresip import Baresip
from peers.ports import free_port
from peers.sems_server import SemsServer
from peers.tones import tail, typical
from sems import Config, Server
from sems.plugins import Apps

pytestmark = pytest.mark.asyncio


async def flood(server: SemsServer, folder: Path) -> dict[str, int]:
    """Forty calls within half a second, and what the server counted."""
    # SIPp fails on a 503 without Retry-After, and when an answered call is not served to its end.
    await sipp.run("overload", server.sip_port, "echo", folder, calls=40, rate=80)
    counters: dict[str, int] = (await server.operator("/stats"))["counters"]
    return counters


@pytest.mark.parametrize(
    ("limits", "counter", "why"),
    [
        ("calls_per_second = 5", "sip_overload_rate", r"limits.calls_per_second allows \(5\)"),
        (
            "calls_per_second_per_source = 5",
            "sip_overload_source",
            r"127.0.0.1 calls more often than limits.calls_per_second_per_source allows \(5\)",
        ),
        (
            "calls_per_source = 3",
            "sip_overload_source",
            r"127.0.0.1 has as many calls as limits.calls_per_source allows \(3\)",
        ),
        ("max_calls = 3", "sip_overload_calls", r"3 calls exist, as limits.max_calls allows"),
    ],
)
async def test_calls_beyond_a_limit_are_asked_to_come_again(
    tmp_path: Path, limits: str, counter: str, why: str
) -> None:
    config = f"trusted = []\n[limits]\n{limits}\n"
    async with SemsServer(tmp_path, config=config) as server:
        counters = await flood(server, tmp_path)
        refused = counters[counter]
        assert refused == counters["sip_overload"]
        assert 20 <= refused <= 37
        assert counters["calls_total"] == 40 - refused
        await server.logged(why)
        await server.logged("refused with 503")


SLOW = """
import time
from sems import App, Call

app = App()
calls = iter([1.3])

@app.call
async def main(call: Call) -> None:
    time.sleep(next(calls, 0.005))
    await call.answer()
    await call.wait_ended()
"""


async def test_calls_that_python_does_not_keep_up_with_are_refused_and_the_others_served(
    tmp_path: Path,
) -> None:
    script = tmp_path / "slow.py"
    script.write_text(SLOW)
    async with SemsServer(tmp_path, str(script)) as server:
        # SIPp fails on a 503 without Retry-After, and when an answered call is not served to its end.
        await sipp.run("overload", server.sip_port, "slow", tmp_path, calls=400, rate=200)
        counters = (await server.operator("/stats"))["counters"]
        refused = counters["sip_overload_python"]
        # All of the first second, and of what came later as many as there was time for.
        assert 50 <= refused == counters["sip_overload"] <= 300
        assert counters["calls_total"] == 400 - refused
        await server.logged("Python does not keep up")
        await has_room_again(server, tmp_path)
        await sipp.run("plain", server.sip_port, "echo", tmp_path)


async def test_who_asks_by_options_hears_what_an_invite_would_hear(tmp_path: Path) -> None:
    low = free_port(span=20)
    config = {"host": "127.0.0.1", "sip_port": 0, "rtp_ports": (low, low + 19), "data": tmp_path / "phone"}
    async with (
        SemsServer(tmp_path, config="[limits]\nmax_calls = 1\n") as server,
        Server(Config.model_validate(config), apps=Apps(), web=False) as phone,
    ):
        await sipp.run("options", server.sip_port, "echo", tmp_path)
        async with await phone.dial(server.uri("echo"), timeout=15):
            await sipp.run("options_full", server.sip_port, "echo", tmp_path)
        await sipp.run("options", server.sip_port, "echo", tmp_path / "again")


async def has_room_again(server: SemsServer, folder: Path) -> None:
    """Returns as soon as OPTIONS is answered as when there is room, which is before the log says that it is
    over for good."""
    async with asyncio.timeout(30):
        for turn in itertools.count():
            with contextlib.suppress(AssertionError):
                return await sipp.run("options", server.sip_port, "echo", folder / f"turn-{turn}")
            await asyncio.sleep(0.1)


@contextlib.asynccontextmanager
async def starved(server: SemsServer) -> AsyncIterator[None]:
    """A machine that gives the server a quarter of a processor, a few milliseconds at a time, as a crowded
    host does: its ticks come late, and none is left out."""
    enough = threading.Event()
    pid = server.process.pid

    def starve() -> None:
        while not enough.is_set():
            os.kill(pid, signal.SIGSTOP)
            time.sleep(0.015)
            os.kill(pid, signal.SIGCONT)
            time.sleep(0.005)

    starving = asyncio.create_task(asyncio.to_thread(starve))
    try:
        yield
    finally:
        enough.set()
        await starving


async def test_while_the_media_have_no_time_left_nobody_else_gets_in_and_who_is_there_hears_on(
    tmp_path: Path,
) -> None:
    async with (
        SemsServer(tmp_path) as server,
        Baresip(tmp_path, "Anna", 440) as anna,
    ):
        await anna.dial(server.uri("echo"))
        await sipp.run("options", server.sip_port, "echo", tmp_path)
        async with starved(server):
            said = await server.logged(r"the media threads have (\d+) % of their time left")
            # SIPp fails on a 503 without Retry-After.
            await sipp.run("overload", server.sip_port, "echo", tmp_path, calls=10, rate=20)
            await sipp.run("options_full", server.sip_port, "echo", tmp_path)
            counters = (await server.operator("/stats"))["counters"]
        # As it was then: the figure of now may have risen, if not so far that the limit is lifted.
        assert int(said[1]) < 15
        assert counters["sip_overload_media"] == 10
        assert counters["calls_total"] == counters["calls"] == 1
        assert counters["rtp_lost"] == 0
        await has_room_again(server, tmp_path)
        await sipp.run("plain", server.sip_port, "echo", tmp_path)
        await anna.hang_up()
    assert typical(tail(anna.recording(), 4.0), 440) > -45
