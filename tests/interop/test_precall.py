"""An announcement before the call, with phones that we did not write."""

from __future__ import annotations

import asyncio
from pathlib import Path

from peers.baresip import Baresip
from peers.ports import free_port
from peers.tones import hears, read_wav, tail, write_tone
from sems import Config, Server


async def test_a_phone_hears_the_announcement_unanswered_and_then_whom_it_is_for(tmp_path: Path) -> None:
    announcements = tmp_path / "data" / "announcements"
    announcements.mkdir(parents=True)
    write_tone(announcements / "notice.wav", 1000, 1.0)
    low = free_port(span=20)
    async with (
        asyncio.timeout(25),
        Baresip(tmp_path, "Anna", 440) as anna,
        Baresip(tmp_path, "Ben", 700, answers=True) as ben,
    ):
        given = {
            "host": "127.0.0.1", "sip_port": 0, "rtp_ports": f"{low}-{low + 19}", "data": tmp_path / "data",
            "routes": [{"app": "precall", "params": {"play": "notice", "to": ben.uri}}],
        }  # fmt: skip
        async with Server(Config.model_validate(given), web=False) as server:
            await anna.command("dial", f"sip:somebody@127.0.0.1:{server.sip_port}")
            await anna.event("CALL_PROGRESS")
            assert not [event for event in anna.events if event.get("type") == "CALL_ESTABLISHED"]
            assert not ben.events
            await anna.event("CALL_ESTABLISHED")
            await ben.event("CALL_ESTABLISHED")
            await asyncio.sleep(0.8)
            await ben.hang_up()
            await anna.event("CALL_CLOSED")
    # It writes a file for what it hears before the answer, and one for what comes after.
    before, after = (read_wav(path) for path in sorted(anna.folder.glob("dump-*-dec.wav")))
    assert len(before) > 6000
    assert hears(before, 1000)
    assert hears(tail(after, 0.4), 700)
    assert not hears(tail(after, 0.4), 1000)
