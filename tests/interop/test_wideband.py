"""Files and programs on the line of a wideband phone: nothing of its band is lost on the way."""

from __future__ import annotations

import asyncio
from array import array
from pathlib import Path

import pytest

from peers.baresip import Baresip
from peers.ports import free_port
from peers.tones import read_wav, tail, tone_level, write_tone
from sems import App, Call, Config, Server
from sems.plugins import Apps


@pytest.mark.parametrize(("codec", "highest"), [("g722", 6_600), ("opus", 11_000)])
async def test_what_files_and_programs_play_is_heard_in_the_whole_band(
    tmp_path: Path, codec: str, highest: int
) -> None:
    low = free_port(span=40)
    given = {"host": "127.0.0.1", "sip_port": 0, "rtp_ports": f"{low}-{low + 39}", "data": tmp_path / "data"}
    # One is kept in memory, the other is too long for that and read while it sounds.
    short = write_tone(tmp_path / "short.wav", (800, highest - 1_000), 20, rate=48_000)
    long = write_tone(tmp_path / "long.wav", (1_100, highest - 500), 40, rate=48_000)
    said = read_wav(write_tone(tmp_path / "said.wav", (1_500, highest), 3, rate=48_000), 48_000)
    heard: asyncio.Queue[list[array[int]]] = asyncio.Queue()
    app = App("mine")

    @app.call
    async def main(call: Call) -> None:
        await call.answer()
        call.start_play(short)
        call.start_play(long)
        call.audio.write_nowait(said, rate=48_000)
        tap = call.tap(rate=16_000)
        samples, tapped = array("h"), array("h")
        async for block in call.audio.listen(rate=16_000):
            samples.frombytes(bytes(memoryview(block)))
            tapped.frombytes(tap.read())
            if len(samples) >= 2 * 16_000:
                break
        heard.put_nowait([samples, tapped])
        await call.wait_ended()

    apps = Apps()
    apps.add(app)
    async with (
        asyncio.timeout(60),
        Server(Config.model_validate(given), apps=apps, web=False) as server,
        Baresip(tmp_path, "Ben", (700, 6_000), codec=codec) as ben,
    ):
        await ben.dial(f"sip:mine@127.0.0.1:{server.sip_port}")
        listened = await heard.get()
        await asyncio.sleep(0.5)
        await ben.hang_up()

    def loudest(samples: array[int], hz: float, rate: int) -> float:
        # Of tenths of a second: a packet that a busy machine makes late turns the phase of a tone.
        tenth = rate // 10
        return max(tone_level(samples[at : at + tenth], hz, rate) for at in range(0, len(samples), tenth))

    recording = tail(ben.recording(), 1.0, ben.rate)
    for hz in (800, highest - 1_000, 1_100, highest - 500, 1_500, highest):
        level = loudest(recording, hz, ben.rate)
        assert level > -32, f"{codec} hears {hz} Hz at {level:.0f} dBov"
    for samples in listened:
        assert len(samples) > 24_000
        for hz in (700, 6_000):
            level = loudest(tail(samples, 1.0, 16_000), hz, 16_000)
            assert level > -32, f"of {codec} a program hears {hz} Hz at {level:.0f} dBov"
