"""Sounds that can't be read, fetched or spoken: who waits for them is told why, and not left waiting."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from an_app import app_of, failures

from sems import Call, NoVoice, Say, SoundNotFound, Speech
from sems.audio import brought
from sems.audio.downloads import Downloads
from sems.audio.formats import Decoded
from sems.config.files import FileSettings
from sems.testing import Lab


class Panic(BaseException):
    """As native code raises it."""


class Voice:
    """Speaks, or does what it is told to."""

    async def speak(self, text: str, language: str) -> Any:
        match text:
            case "quota":
                raise RuntimeError("quota exceeded")
            case "exit":
                sys.exit("no licence")
            case "panic":
                raise Panic("index out of range")
            case "cancelled":
                other = asyncio.create_task(asyncio.sleep(60))
                other.cancel()
                await other
            case "text":
                return "no speech"
            case "rate":
                return Speech(bytes(320), 0)
        return Speech(bytes(320), 8000)


class Format:
    """Reads files, or does what their names say."""

    suffixes = (".odd", ".panic", ".well")

    def knows(self, beginning: bytes) -> bool:
        if beginning.startswith(b"odd"):
            raise RuntimeError("it is puzzled")
        return False

    def decode(self, path: Path) -> Decoded:
        if path.suffix == ".panic":
            raise Panic("index out of range")
        return Decoded(8000, [bytes(1600)])


@pytest.fixture
def files(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Path:
    one = brought.Brought("odd", "sems-odd 1.0", "format", format=Format())
    monkeypatch.setattr(brought, "load", lambda: (one,))
    (lab.folder / "a.odd").write_bytes(b"odd" * 20)
    (lab.folder / "a.panic").write_bytes(b"panic" * 20)
    (lab.folder / "other.flac").write_bytes(b"odd" * 20)
    (lab.folder / "a.well").write_bytes(b"well" * 20)
    os.mkfifo(lab.folder / "pipe.flac")
    return lab.folder


@pytest.mark.parametrize(
    ("sound", "why"),
    [
        (Say("quota"), "Voice can't speak: RuntimeError: quota exceeded"),
        (Say("exit"), "Voice can't speak: SystemExit: no licence"),
        (Say("panic"), "Voice can't speak: Panic: index out of range"),
        (Say("cancelled"), "Voice can't speak: CancelledError"),
        (Say("text"), "Voice can't speak: AttributeError"),
        (Say("rate"), "Voice can't speak: ValueError"),
        ("a.odd", "odd (sems-odd 1.0) failed: RuntimeError: it is puzzled"),
        ("other.flac", "can't read it"),
        ("a.panic", "odd (sems-odd 1.0) can't read it: Panic: index out of range"),
        ("http://192.0.2.7/a.wav", "http://192.0.2.7/a.wav can't be fetched: "),
        ("http://[::1/a.wav", "http://[::1/a.wav can't be fetched: "),
        ("gone.flac", "no such file"),
        ("pipe.flac", "pipe.flac: it is not a file"),
        ("gone.wav", "gone.wav"),
    ],
)
async def test_a_sound_that_can_not_be_had_ends_whatever_waits_for_it_and_is_logged_once_with_the_call(
    lab: Lab, files: Path, caplog: pytest.LogCaptureFixture, sound: Say | str, why: str
) -> None:
    told: list[Exception] = []

    def there(call: Call) -> Any:
        return sound if isinstance(sound, Say) or sound.startswith("http") else files / sound

    async def main(call: Call) -> None:
        await call.answer()
        ways: list[Callable[[], Awaitable[object]]] = [
            lambda: call.play(["tone:beep", there(call)]),
            lambda: call.ask(there(call), digits=1, timeout=60),
            lambda: call.ask(there(call), digits=1, barge_in=False),
            lambda: call.start_play(there(call)).wait(),
        ]
        for way in ways:
            with pytest.raises(SoundNotFound) as failed:
                async with asyncio.timeout(30):
                    await way()
            told.append(failed.value)
        # Of what nobody waits for.
        playback = call.start_play(there(call))
        await playback.stop()
        playback = call.start_play(there(call))
        ended = asyncio.Event()
        playback.on_end(ended.set)
        await ended.wait()
        assert playback.failed
        await call.play(there(call))

    server = await lab.server(apps=[app_of(main)])
    server.voice = Voice()
    alice = await lab.phone("alice")
    with caplog.at_level(logging.WARNING):
        line = await alice.call("sip:mine@sems")
        await line.wait_ended()
    assert len(told) == 4
    for error in told:
        assert why in str(error)
        assert "\n" not in str(error)
        assert isinstance(error, NoVoice) == isinstance(sound, Say)
    (failure,) = failures(caplog)
    assert failure.caller == alice.uri  # type: ignore[attr-defined]
    (unheard,) = [record for record in caplog.records if record.message == "a sound can't be played"]
    assert unheard.caller == alice.uri  # type: ignore[attr-defined]
    assert why in unheard.why  # type: ignore[attr-defined]
    assert not [record for record in caplog.records if record.name == "asyncio"]


async def test_a_file_that_is_deleted_while_it_is_played_is_logged_once_with_the_call_and_the_reason(
    lab: Lab, caplog: pytest.LogCaptureFixture
) -> None:
    path = lab.folder / "music.ulaw"
    path.write_bytes(bytes(40_000))
    complete: list[bool] = []

    async def main(call: Call) -> None:
        await call.answer()
        playback = call.start_play(path, repeat=0)
        await call.sleep(1)
        path.unlink()
        complete.append(await playback.wait())

    await lab.server(apps=[app_of(main)], files={"stream_after": 0})
    alice = await lab.phone("alice")
    line = await alice.call("sip:mine@sems")
    await line.wait_ended()
    assert complete == [False]
    (told,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert told.message == "a sound could not be played to its end"
    assert told.why == f"{path}: no such file or directory"  # type: ignore[attr-defined]
    assert told.caller == alice.uri  # type: ignore[attr-defined]


async def test_a_format_that_fails_stops_no_other(
    lab: Lab, files: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server = await lab.server()
    assert (await server.sounds.load(files / "a.well")).duration_ms == 100
    # That it may be a file of his he who fails can't say of one that another reads.
    with pytest.raises(SoundNotFound, match=r"soundfile \(comes with SEMS\) can't read it"):
        await server.sounds.load(files / "other.flac")
    (record,) = [record for record in caplog.records if record.message == "a format of files failed"]
    assert record.plugin == "odd"  # type: ignore[attr-defined]
    assert record.origin == "sems-odd 1.0"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "url",
    [
        f"http://{'a' * 300}/x.wav",
        "https://exa mple/x.wav",
        "http://a..b/x.wav",
        "http://xn--/x.wav",
        "http://127.0.0.1:99999/x.wav",
        "http://\udcff/x.wav",
        "http:///x.wav",
        "http://127.0.0.1:1/\0x.wav",
        "http://127.0.0.1\r\nX: y/",
    ],
)
def test_an_address_that_makes_no_sense_is_a_clear_error(tmp_path: Path, url: str) -> None:
    async def fetch() -> None:
        downloads = Downloads(tmp_path, FileSettings())
        with pytest.raises(SoundNotFound, match=r"can't be fetched: .+") as failed:
            await asyncio.wait_for(downloads.fetch(url), 10)
        assert "\n" not in str(failed.value).removeprefix(url)
        await downloads.close()

    asyncio.run(fetch())


async def test_espeak_ng_speaks_what_no_file_could_hold(lab: Lab) -> None:
    async def main(call: Call) -> None:
        await call.answer()
        assert await call.say("a\udcffb")
        with pytest.raises(NoVoice, match="espeak-ng can't speak"):
            await call.say("a", language="e\0")

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    line = await alice.call("sip:mine@sems")
    assert (await line.wait_ended()).cause == "remote"
