"""What lines are like: read at any time, told once a second to those who follow, and streams that stop."""

from __future__ import annotations

import asyncio

from an_app import app_of

from sems import Call, CallEvent, Quality, StreamResumed, StreamStopped
from sems.testing import Lab


async def _stay(call: Call) -> None:
    await call.answer()
    await call.wait_ended()


async def test_the_quality_of_a_call_can_be_read_at_any_time(lab: Lab) -> None:
    server = await lab.server(apps=[app_of(_stay)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    (call,) = server.calls.values()
    assert call.quality is None
    await asyncio.sleep(12)
    quality = call.quality
    assert quality is not None
    assert 245 <= quality.received <= 255
    assert (quality.lost, quality.discarded, quality.loss) == (0, 0, 0.0)
    assert quality.jitter_ms < 5
    assert quality.round_trip_ms is not None
    assert quality.round_trip_ms < 50
    assert quality.mos is not None
    assert 4.2 < quality.mos < 4.5
    # The phone has reported how it hears us, as it was asked to in SDP.
    assert quality.remote_loss == 0
    assert quality.remote_mos is not None
    assert 4.2 <= round(quality.remote_mos, 1) <= 4.5
    await alice.hang_up()
    await call.wait_ended()
    assert call.quality is not None
    assert call.quality.received == 250


async def test_who_follows_is_told_once_a_second_and_no_longer_than_he_wants(lab: Lab) -> None:
    server = await lab.server(apps=[app_of(_stay)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    (call,) = server.calls.values()
    await asyncio.sleep(2)
    told: list[Quality] = []
    unfollow = call.follow_quality(told.append)
    await asyncio.sleep(4.5)
    unfollow()
    assert len(told) == 5
    await asyncio.sleep(3)
    assert len(told) == 5
    call.follow_quality(told.append)
    await alice.hang_up()
    await call.wait_ended()
    before = len(told)
    await asyncio.sleep(3)
    assert len(told) == before


async def test_a_phone_that_dies_is_told_as_a_stream_that_stopped(lab: Lab) -> None:
    told: list[CallEvent] = []

    async def main(call: Call) -> None:
        call.subscribe(told.append)
        await _stay(call)

    server = await lab.server(apps=[app_of(main)], rtp_timeout=0)
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    (call,) = server.calls.values()
    await asyncio.sleep(3)
    assert call.stopped == frozenset()
    await alice.vanish()
    await asyncio.sleep(5)
    assert call.stopped == {"in"}
    assert [each for each in told if isinstance(each, StreamStopped | StreamResumed)] == [
        StreamStopped("in", ever=True)
    ]
    await call.hangup()
    assert call.stopped == frozenset()
