"""Between phones that we did not write, and in conversation with one."""

from __future__ import annotations

import asyncio
import math
from array import array
from pathlib import Path

from test_keys import ulaw
from test_phones import Desk, serving

from peers.baresip import Baresip
from peers.ports import free_port
from peers.sipp import run
from sems import App, Call, Config, Prompt, Server
from sems.plugins import Apps


async def test_baresip_is_put_through_to_the_first_who_answers_with_its_codec_kept(tmp_path: Path) -> None:
    low = free_port(span=20)
    # We like other codecs best: that must not matter to two phones that have one in common.
    given = {
        "host": "127.0.0.1", "sip_port": 0, "rtp_ports": f"{low}-{low + 19}", "data": tmp_path / "data",
        "audio": {"codecs": ["G722", "PCMU", "PCMA", "opus"]}, "routes": [{"app": "between"}],
    }  # fmt: skip
    app = App("between")
    calls: list[Call] = []
    phones: list[str] = []

    @app.call
    async def main(call: Call) -> None:
        calls.append(call)
        await call.bridge(phones)

    apps = Apps()
    apps.add(app)
    async with (
        asyncio.timeout(60),
        Server(Config.model_validate(given), apps=apps, web=False) as server,
        Baresip(tmp_path, "Anna", 440, codec="opus") as anna,
        Baresip(tmp_path, "Ben", 700, codec="opus", answers=True) as ben,
        Baresip(tmp_path, "Cleo", 1100, codec="opus") as cleo,
    ):
        phones += [cleo.uri, ben.uri]
        await anna.dial(f"sip:somebody@127.0.0.1:{server.sip_port}")
        await ben.event("CALL_ESTABLISHED")
        # Who is not needed any more rings no longer.
        await cleo.event("CALL_INCOMING")
        await cleo.event("CALL_CLOSED")
        incoming, outgoing = calls[0], next(call for call in server.calls.values() if call.uri == ben.uri)
        assert outgoing.caller_name == "Anna"
        await asyncio.gather(anna.hears_these([700]), ben.hears_these([440]))
        assert (incoming.codec, outgoing.codec) == ("opus", "opus")
        # What they say goes on as it comes.
        passed = server.engine.core.stats()["rtp_passed"]
        while server.engine.core.stats()["rtp_passed"] == passed:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        await ben.hang_up()
        await anna.event("CALL_CLOSED")


async def test_what_plays_is_silent_within_200_ms_when_the_peer_speaks(tmp_path: Path) -> None:
    folder = tmp_path / "sipp-tones"
    folder.mkdir()
    # A second of silence, then one of a tone.
    spoken = [round(4000 * math.sin(2 * math.pi * 440 * n / 8000)) for n in range(8000)]
    (folder / "keys.ulaw").write_bytes(bytes(ulaw(sample) for sample in [0] * 8000 + spoken + [0] * 8000))
    desk = Desk()
    took: list[float] = []
    async with serving(tmp_path, desk) as server:
        while not took or (took[-1] > 0.2 and len(took) < 3):  # on a busy machine SIPp sends in jerks
            caller = asyncio.create_task(run("tones", server.sip_port, "desk", tmp_path))
            call = await desk.calls.get()
            playback = call.start_play(Prompt.tone("sine:900:10000:-12"), until="speech")
            begun: float | None = None
            async for block in call.audio:
                if begun is None and max(array("h", memoryview(block).tobytes())) > 500:
                    # So far it had come when the first of it was heard.
                    begun = playback.position
                if playback.done:
                    break
            assert begun is not None
            assert not await playback.wait()
            took.append(playback.position - begun)
            await caller
    assert took[-1] <= 0.2, took
