"""Limits as the configuration names them, and what the log says of them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sems import CallFailed
from sems.testing import Lab


@pytest.mark.parametrize(
    ("limits", "why"),
    [
        ({"calls_per_second": 2}, "more calls come than limits.calls_per_second allows (2)"),
        ({"calls_per_source": 1}, "has as many calls as limits.calls_per_source allows (1)"),
        ({"max_calls": 2}, "2 calls exist, as limits.max_calls allows"),
    ],
)
async def test_who_comes_too_much_is_refused_and_the_log_says_why_once(
    lab: Lab, caplog: pytest.LogCaptureFixture, limits: dict[str, Any], why: str
) -> None:
    caplog.set_level("INFO", logger="sems")
    server = await lab.server(limits=limits)
    phones = [await lab.phone(name) for name in ("ann", "bob")]

    async def call(phone: Any) -> int:
        try:
            await phone.call("sip:echo@sems")
        except CallFailed as failed:
            return failed.code
        return 200

    codes = [await call(phones[number % 2]) for number in range(6)]
    assert codes == [200, 200, 503, 503, 503, 503]
    counters = server.engine.core.stats()
    assert counters["sip_overload"] == 4
    assert counters["calls"] == 2
    (refusing,) = (record for record in caplog.records if record.message == "what is new is refused with 503")
    assert why in vars(refusing)["why"]

    # It lifts by itself.
    for established in list(server.calls.values()):
        await established.hangup()
    await asyncio.sleep(6)
    assert await call(phones[0]) == 200
    assert "what is new is taken again" in caplog.text


async def test_headroom_and_limits_are_shown_to_the_operator(lab: Lab) -> None:
    server = await lab.server(limits={"max_calls": 7})
    counters = server.engine.core.stats()
    assert (counters["headroom_percent"], counters["max_calls"]) == (100, 7)
