"""Announcements before a call, with phones and a proxy that we did not write."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy
import soundfile

from peers.announcing import Announcing
from peers.baresip import Baresip
from peers.ports import free_port
from peers.tones import hears, read_wav, write_tone
from sems import Config, Server


async def test_behind_kamailio_a_phone_hears_it_unanswered_and_is_then_put_through(tmp_path: Path) -> None:
    announcements = tmp_path / "data" / "announcements"
    announcements.mkdir(parents=True)
    write_tone(announcements / "notice.wav", 1000, 1.1)
    low = free_port(span=20)
    front = Announcing(tmp_path)
    given = {
        "host": "127.0.0.1", "sip_port": 0, "rtp_ports": f"{low}-{low + 19}", "data": tmp_path / "data",
        "outbound_proxy": f"sip:127.0.0.1:{front.port};lr",
    }  # fmt: skip
    async with (
        asyncio.timeout(60),
        Baresip(tmp_path, "Anna", 440) as anna,
        Baresip(tmp_path, "Ben", 700, answers=True) as ben,
        Server(Config.model_validate(given), web=False) as server,
    ):
        front.serve(server.sip_port, ben.sip_port)
        async with front:
            await anna.command("dial", f"sip:ben@127.0.0.1:{front.port}")
            await anna.event("CALL_PROGRESS")
            assert not [event for event in anna.events if event.get("type") == "CALL_ESTABLISHED"]
            assert not ben.events
            await anna.event("CALL_ESTABLISHED")
            await ben.event("CALL_ESTABLISHED")
            await anna.hears_these([700], [1000])
            await ben.hang_up()
            await anna.event("CALL_CLOSED")
    # It writes a file for what it hears before the answer, and one for what comes after; each is named by the
    # second in which it begins.
    before, _ = (read_wav(path) for path in sorted(anna.folder.glob("dump-*-dec.wav")))
    assert len(before) > 6000
    assert hears(before, 1000)


async def test_a_phone_that_has_heard_an_announcement_calls_whom_it_is_sent_to(tmp_path: Path) -> None:
    announcements = tmp_path / "data" / "announcements"
    announcements.mkdir(parents=True)
    tone = read_wav(write_tone(tmp_path / "notice.wav", 1000, 1.1))
    soundfile.write(announcements / "notice.ogg", numpy.array(tone), 8000)
    low = free_port(span=20)
    async with (
        asyncio.timeout(60),
        Baresip(tmp_path, "Anna", 440) as anna,
        Baresip(tmp_path, "Ben", 700, answers=True) as ben,
    ):
        given = {
            "host": "127.0.0.1", "sip_port": 0, "rtp_ports": f"{low}-{low + 19}", "data": tmp_path / "data",
            "routes": [{"app": "announcement", "params": {"play": "notice", "transfer": ben.uri}}],
        }  # fmt: skip
        async with Server(Config.model_validate(given), web=False) as server:
            await anna.dial(f"sip:somebody@127.0.0.1:{server.sip_port}")
            await ben.event("CALL_ESTABLISHED")
            # What is left is between the two.
            await anna.event("CALL_CLOSED")
            assert not server.calls
            await anna.hears_these([700])
            await ben.hang_up()
    first, *_ = (read_wav(path) for path in sorted(anna.folder.glob("dump-*-dec.wav")))
    assert hears(first, 1000)
