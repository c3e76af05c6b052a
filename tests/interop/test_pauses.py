"""Pauses of a real peer that sends no packets in them but what they sound like (RFC 3389). SIPp needs the
right to open raw sockets for that."""

from __future__ import annotations

import asyncio
import math
import struct
from array import array
from collections.abc import Iterator
from pathlib import Path

from test_keys import ulaw
from test_phones import Desk, serving

from peers.sipp import run
from peers.tones import level, tone_level
from sems import HungUp

SPEECH, PAUSE = 0, 13
SSRC = 0x5EED


def _packets() -> Iterator[tuple[float, int, bool, int, bytes]]:
    """When, payload type, marker, timestamp and payload: a tone of 500 ms, a pause of a second at −50 dBov
    that becomes one of −36 dBov in its middle, and the tone again."""
    tone = bytes(ulaw(round(6000 * math.sin(2 * math.pi * 500 * n / 8000))) for n in range(160))
    for begin in (0.0, 1.5):
        for number in range(25):
            at = begin + number * 0.02
            yield at, SPEECH, number == 0, round(at * 8000), tone
        if begin == 0.0:
            yield 0.5, PAUSE, False, 4000, bytes([50])
            yield 1.0, PAUSE, False, 8000, bytes([36])


def write_pcap(path: Path) -> None:
    """Those packets as a capture."""
    records = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 1)]
    ordered = sorted(_packets())
    for number, (at, payload_type, marker, timestamp, payload) in enumerate(ordered):
        rtp = struct.pack(">BBHII", 0x80, marker << 7 | payload_type, number, timestamp, SSRC) + payload
        udp = struct.pack(">HHHH", 4000, 4000, 8 + len(rtp), 0) + rtp
        ip = struct.pack(
            ">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, b"\x7f\0\0\1", b"\x7f\0\0\1"
        )
        frame = bytes(12) + b"\x08\x00" + ip + udp
        seconds, part = divmod(round(at * 1_000_000), 1_000_000)
        records.append(struct.pack("<IIII", seconds + 1, part, len(frame), len(frame)) + frame)
    path.write_bytes(b"".join(records))


async def test_the_pauses_of_a_phone_sound_as_it_describes_them(tmp_path: Path) -> None:
    desk = Desk()
    folder = tmp_path / "sipp-pauses"
    folder.mkdir()
    write_pcap(folder / "pauses.pcap")
    heard = array("h")
    async with serving(tmp_path, desk) as server:
        caller = asyncio.create_task(run("pauses", server.sip_port, "desk", tmp_path))
        call = await desk.calls.get()
        try:
            async for block in call.audio:
                heard.extend(array("h", bytes(block)))
        except HungUp:
            pass
        await caller
    # One after the other, each for a fifth of a second: SIPp may be late with some of its packets.
    at = 0
    for what, is_it in (
        ("a tone", lambda piece: tone_level(piece, 500) > -27),
        ("a pause", lambda piece: abs(level(piece) + 50) < 3),
        ("a pause that is less soft", lambda piece: abs(level(piece) + 36) < 3),
        ("the tone again", lambda piece: tone_level(piece, 500) > -27),
    ):
        while not is_it(heard[at : at + 1600]):
            at += 160
            assert at + 1600 <= len(heard), f"{what} is not heard"
        at += 1600
