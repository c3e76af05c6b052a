"""What the lines of real peers are like, and streams that stop."""

from __future__ import annotations

import asyncio
import re
import signal
from pathlib import Path

from test_phones import Desk, serving, uri

from peers.baresip import Baresip
from peers.linphone import Linphone
from peers.sipp import run
from sems import CallEvent, Quality, StreamResumed, StreamStopped


def is_good(line: Quality) -> bool:
    """All of it is told, and it is what a line within a machine is like."""
    if line.remote_loss is None or line.round_trip_ms is None or line.mos is None or line.remote_mos is None:
        return False
    lost = max(line.loss, line.remote_loss)
    return line.round_trip_ms < 50 and lost < 0.05 and min(line.mos, line.remote_mos) > 3.9


async def test_baresips_reports_tell_what_its_line_is_like_and_its_silence_is_noticed(tmp_path: Path) -> None:
    desk = Desk()
    async with serving(tmp_path, desk) as server, Baresip(tmp_path, "Anna") as anna:
        await anna.dial(uri(server))
        call = await desk.calls.get()
        figures: asyncio.Queue[Quality] = asyncio.Queue()
        unfollow = call.follow_quality(figures.put_nowait)
        # A report may tell of a moment in which the machine had no time.
        async with asyncio.timeout(40):
            while not is_good(quality := await figures.get()):
                print(quality)
        unfollow()
        told: asyncio.Queue[CallEvent] = asyncio.Queue()
        call.subscribe(
            lambda event: told.put_nowait(event) if isinstance(event, StreamStopped | StreamResumed) else None
        )
        anna.process.send_signal(signal.SIGSTOP)
        try:
            assert await told.get() == StreamStopped("in", ever=True)
            assert call.stopped == {"in"}
        finally:
            anna.process.send_signal(signal.SIGCONT)
        assert await told.get() == StreamResumed("in")
        await anna.hang_up()


async def test_linphone_says_by_extended_reports_how_it_hears_us(tmp_path: Path) -> None:
    desk = Desk()
    xr = "rtcp_xr_enabled=1\nrtcp_xr_voip_metrics_enabled=1"
    async with serving(tmp_path, desk) as server, Linphone(tmp_path, "lin", rtp=xr) as lin:
        await lin.dial(uri(server))
        call = await desk.calls.get()
        offer, *_, answer = (m for m in server.trace(call.id).messages if b"\r\n\r\nv=0" in m.message)
        for description in (offer, answer):
            assert re.search(rb"a=rtcp-xr:.*voip-metrics", description.message)
        figures: asyncio.Queue[Quality] = asyncio.Queue()
        unfollow = call.follow_quality(figures.put_nowait)
        while (quality := await figures.get()).remote_mos is None or quality.remote_mos < 4.6:
            # What we make of its plain reports ends at 4.5, and is in no steps; it says tenths, up to 5.
            pass
        unfollow()
        assert round(quality.remote_mos, 3) == round(quality.remote_mos, 1)
        await lin.hang_up()


async def test_a_caller_of_whom_nothing_ever_comes_is_noticed(tmp_path: Path) -> None:
    desk = Desk()
    async with serving(tmp_path, desk) as server:
        caller = asyncio.create_task(run("silent", server.sip_port, "desk", tmp_path))
        call = await desk.calls.get()
        told: asyncio.Queue[CallEvent] = asyncio.Queue()
        call.subscribe(lambda event: told.put_nowait(event) if isinstance(event, StreamStopped) else None)
        assert await told.get() == StreamStopped("in", ever=False)
        await call.hangup()
        await caller
