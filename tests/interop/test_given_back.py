"""A real server gives back all that a call had: its figures, its open files and its threads say so."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from peers import sipp
from peers.sems_server import SemsServer

FEW, MANY = 10, 300
CHANGED = 30
GAUGES = ("calls", "sessions", "transactions", "legs", "rooms", "rtp_ports")
# An INVITE that gets no ACK to its refusal lives for 64·T1 more (Timer H).
TIMER_H = 32


def open_files(server: SemsServer) -> int:
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


def threads(server: SemsServer) -> int:
    return len(os.listdir(f"/proc/{server.process.pid}/task"))


async def closed(server: SemsServer, files: int) -> None:
    """Waits until no more files are open than these: the connection that asks is one for a moment."""
    for _ in range(50):
        if open_files(server) <= files:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"{open_files(server)} files are open, and {files} were")


async def figures(server: SemsServer) -> dict[str, int]:
    counters = (await server.operator("/stats"))["counters"]
    return {gauge: counters[gauge] for gauge in GAUGES}


async def idle(server: SemsServer, gauges: tuple[str, ...], seconds: float) -> None:
    """Waits until these figures are what they are without any call."""
    for _ in range(round(seconds / 0.2)):
        now = await figures(server)
        if not any(now[gauge] for gauge in gauges):
            return
        await asyncio.sleep(0.2)
    raise AssertionError(now)


async def test_refused_half_open_and_cancelled_calls_give_everything_back(tmp_path: Path) -> None:
    async with SemsServer(tmp_path) as server:

        async def many(scenario: str, user: str, calls: int) -> None:
            folder = tmp_path / str(len(list(tmp_path.iterdir())))
            await sipp.run(scenario, server.sip_port, user, folder, calls=calls, rate=100, timeout=40)

        async def all_kinds(calls: int) -> None:
            await asyncio.gather(
                many("unsupported_codec", "echo", calls),
                many("half_open", "ring", calls),
                many("cancel", "ring", calls),
                many("change_refused", "echo", CHANGED),
            )
            await idle(server, ("calls", "legs", "rooms", "rtp_ports"), 10)

        assert set((await figures(server)).values()) == {0}
        await all_kinds(FEW)
        files, running = open_files(server), threads(server)
        await asyncio.sleep(5.1)  # how long ports rest, whose sockets stay open for the next calls
        await all_kinds(MANY)
        assert threads(server) == running
        await idle(server, GAUGES, TIMER_H + 8)
        await closed(server, files)
        counters = (await server.operator("/stats"))["counters"]
        assert counters["calls_total"] >= 2 * (FEW + MANY + CHANGED)
