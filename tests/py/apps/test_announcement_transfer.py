"""The app ``announcement``, and whom callers are sent to when it has been played."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest

from sems.testing import Lab

MakeTone = Callable[..., Path]


async def test_after_the_announcement_the_caller_is_sent_to_whom_the_route_names(
    lab: Lab, make_tone: MakeTone
) -> None:
    make_tone(lab.folder / "sems" / "announcements" / "100.wav", 440, 1)
    alice, bob = await lab.phone("alice"), await lab.phone("bob")
    route = {"user": "100", "app": "announcement", "params": {"transfer": bob.uri, "repeat": "2"}}
    server = await lab.server(routes=[route])
    first = await alice.call("sip:100@sems")
    hearing = asyncio.create_task(alice.hear(2))
    ringing = await bob.ringing()
    assert (await hearing).has_tone(440)
    assert first.end is None, "the announcement was heard to its end before"
    await ringing.answer()
    assert (await first.wait_ended()).cause == "remote"
    assert alice.line is not first
    bob.tone(900)
    assert (await alice.hear(0.5)).has_tone(900)
    assert not server.calls


async def test_a_stranger_sends_nobody_anywhere(lab: Lab, make_tone: MakeTone) -> None:
    make_tone(lab.folder / "sems" / "announcements" / "hello.wav", 440, 1)
    bob = await lab.phone("bob")
    await lab.server(trusted=[])
    alice = await lab.phone("alice")
    call = await alice.call(
        f"sip:annc@sems;play=hello;transfer={quote(bob.uri, safe='')}",
        headers=[("P-App-Param", f"transfer={bob.uri}")],
    )
    assert (await alice.hear_all(10)).has_tone(440)
    assert call.end is not None
    assert alice.line is call


async def test_who_is_not_transferred_is_hung_up(
    lab: Lab, make_tone: MakeTone, caplog: pytest.LogCaptureFixture
) -> None:
    make_tone(lab.folder / "sems" / "announcements" / "100.wav", 440, 1)
    caplog.set_level(logging.INFO, logger="sems")
    await lab.server(trusted=["10.0.0.0/8"])
    alice, bob = await lab.phone("alice"), await lab.phone("bob")
    param = f'play=100;transfer="{bob.uri}"'
    headers = [("P-App-Name", "announcement"), ("P-App-Param", param)]
    call = await alice.call("sip:1@sems", headers=headers)
    await (await bob.ringing()).reject(486)
    assert (await call.wait_ended()).cause == "remote"
    (record,) = [one for one in caplog.records if one.message == "the caller was not transferred"]
    assert record.code == 486  # type: ignore[attr-defined]
