"""Files that take long to decode, and what must not suffer from that."""

from __future__ import annotations

import asyncio
import os
import threading
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest

from full_disk import full_disk
from sems import SoundNotFound
from sems.audio import decoding
from sems.audio.brought import Brought
from sems.audio.formats import Decoded
from sems.config.files import FileSettings
from sems.testing import Lab

RATE = 8000


class Slow:
    """A format whose files are decoded when the test says so."""

    suffixes = (".slow",)

    def __init__(self) -> None:
        self.go = threading.Event()
        self.begun = threading.Barrier(2)

    def knows(self, beginning: bytes) -> bool:
        return True

    def decode(self, path: Path) -> Decoded:
        return Decoded(RATE, self._blocks(path))

    def _blocks(self, path: Path) -> Iterator[bytes]:
        yield bytes(RATE)
        if path.name.startswith("two"):
            # Both are in the middle of it.
            self.begun.wait(10)
        else:
            self.go.wait(10)
        yield bytes(RATE)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Slow:
    made = Slow()
    found = Brought("slow", "a test", "format", format=made)
    monkeypatch.setattr(decoding, "_format_of", lambda path, beginning: found)
    return made


def silence(path: Path, seconds: int) -> None:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(bytes(2 * RATE * seconds))


async def test_the_disk_that_takes_messages_waits_for_no_file_to_be_decoded(lab: Lab, slow: Slow) -> None:
    server = await lab.server(boxes={"anna": {}})
    files = [lab.folder / f"{number}.slow" for number in range(4 * (os.cpu_count() or 1) + 40)]
    for file in files:
        file.write_bytes(b"x")
    loading = [asyncio.create_task(server.sounds.load(file)) for file in files]
    await asyncio.sleep(0)
    draft = await server.mailboxes.begin("anna")
    await server.mailboxes.discard(draft)
    assert not slow.go.is_set()
    assert not any(task.done() for task in loading)
    slow.go.set()
    assert {prompt.duration_ms for prompt in await asyncio.gather(*loading)} == {1000}


async def test_a_file_that_is_decoded_under_two_names_at_once_is_whole_under_both(
    tmp_path: Path, slow: Slow
) -> None:
    (tmp_path / "two.slow").write_bytes(b"x")
    (tmp_path / "two-links.slow").symlink_to("two.slow")
    decoder = decoding.Decoder(tmp_path / "decoded", FileSettings())
    names = [tmp_path / "two.slow", tmp_path / "two-links.slow"]
    both = await asyncio.gather(*map(decoder.native, names))
    decoder.close()
    for path in both:
        with wave.open(str(path)) as file:
            assert file.getnframes() == RATE


async def test_a_file_that_is_converted_to_itself_stays(lab: Lab) -> None:
    server = await lab.server()
    take = lab.folder / "take.wav"
    silence(take, 2)
    before = take.read_bytes()
    await server.sounds.convert(take, take)
    assert take.read_bytes() == before


async def test_what_was_there_stays_when_the_disk_is_full_while_another_is_converted(lab: Lab) -> None:
    server = await lab.server()
    take, long = lab.folder / "take.wav", lab.folder / "long.wav"
    silence(take, 1)
    silence(long, 10)
    before = take.read_bytes()
    with full_disk(50_000), pytest.raises(SoundNotFound, match="File too large"):
        await server.sounds.convert(long, take)
    assert take.read_bytes() == before
    assert sorted(path.name for path in lab.folder.glob("*.wav")) == ["long.wav", "take.wav"]
