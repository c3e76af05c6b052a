"""Keys of real peers: in the sound, and as RFC 4733 events in both directions."""

from __future__ import annotations

import asyncio
import contextlib
import math
from pathlib import Path

from test_phones import Desk, serving, uri

from peers.baresip import Baresip
from peers.sipp import run
from sems import HungUp
from sems.conference.events import Joined
from sems.plugins import Apps

ROWS = {697: "123A", 770: "456B", 852: "789C", 941: "*0#D"}
COLUMNS = (1209, 1336, 1477, 1633)


def ulaw(sample: int) -> int:
    """One sample in µ-law (ITU-T G.711)."""
    sign, value = (0x80, -sample) if sample < 0 else (0, sample)
    value = min(value, 32_635) + 132
    exponent = value.bit_length() - 8
    return ~(sign | exponent << 4 | value >> exponent + 3 & 0x0F) & 0xFF


def _tones(keys: str) -> bytes:
    """Keys of 80 ms with pauses of 80 ms between them, and half a second of silence around, in µ-law."""
    samples = [0] * 4000
    for key in keys:
        low, row = next((low, row) for low, row in ROWS.items() if key in row)
        high = COLUMNS[row.index(key)]
        samples += [
            round(4000 * sum(math.sin(2 * math.pi * hz * n / 8000) for hz in (low, high))) for n in range(640)
        ]
        samples += [0] * 640
    return bytes(ulaw(sample) for sample in samples + [0] * 4000)


async def test_keys_of_a_phone_without_events_are_heard_in_its_sound(tmp_path: Path) -> None:
    desk = Desk()
    folder = tmp_path / "sipp-tones"
    folder.mkdir()
    keys = "159D*0#"
    (folder / "keys.ulaw").write_bytes(_tones(keys))
    heard = []
    async with serving(tmp_path, desk) as server:
        for _ in range(3):  # of which one must be as it was said: on a busy machine SIPp sends in jerks
            caller = asyncio.create_task(run("tones", server.sip_port, "desk", tmp_path))
            call = await desk.calls.get()
            heard.append("")
            with contextlib.suppress(HungUp):
                while len(heard[-1]) < len(keys):
                    heard[-1] += await call.digit(timeout=None) or ""
            await caller
            if heard[-1] == keys:
                break
        assert heard[-1] == keys, heard
        assert server.engine.core.stats()["dtmf_listened"] > 0


async def test_baresip_presses_keys_hears_ours_and_keys_itself_into_a_conference(tmp_path: Path) -> None:
    desk = Desk()
    async with serving(tmp_path, desk) as server, Baresip(tmp_path, "Anna") as anna:
        await anna.dial(uri(server))
        call = await desk.calls.get()
        for key in "5#":
            await anna.key(key)
            assert await call.digit() == key
        for key in "19*":
            seen = len(anna.events)
            await call.send_digits(key)
            assert (await anna.event("CALL_DTMF_START", after=seen))["param"] == key
        # She has agreed on events: nobody looks for keys in her sound.
        assert server.engine.core.stats()["dtmf_listened"] == 0
        await anna.hang_up()

        entry = Apps.find().get("entry")
        assert entry is not None
        server.apps.add(entry)
        joined: asyncio.Queue[str] = asyncio.Queue()
        server.conferences.subscribe(
            lambda room: room.model.subscribe(
                lambda event: joined.put_nowait(room.name) if isinstance(event, Joined) else None
            )
        )
        await anna.dial(f"sip:entry@127.0.0.1:{server.sip_port}")
        for key in "99#":
            await anna.key(key)
        assert await joined.get() == "99"
        await anna.hang_up()
