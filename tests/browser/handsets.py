"""Telephones that we did not write, and what is heard of whom in what they record: how loud, since when."""

from __future__ import annotations

import asyncio
import re
import statistics
import time
from array import array
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from playwright.async_api import Locator

from peers.baresip import Baresip
from peers.tones import tone_level

from .windows import PATIENCE

TONES = {"Anna": 443.0, "Ben": 701.0, "Cleo": 1103.0}
"""In Hz, and with nothing in common: what µ-law makes of a tone (ITU-T G.711) lies nowhere near another."""
SAID = -20.0
"""In dBov, as loud as each says his tone."""
AUDIBLE = -35.0
DOWN = SAID - 50
"""What the room must not hear of a private talk."""
SOON = 0.5
"""Seconds within which what is pressed on a page is heard, and what is keyed in is seen."""
TRIES = 5  # of which one must be that quick: what else the machine does is no fault of the server

_RATE = 8000
_GLANCE = 480  # samples, in which a tone is told from others that are 33 Hz away
_PIECE = 800  # samples


class Handset(Baresip):
    """Says its tone for as long as it is in a call, and writes what it hears into a file, which is read
    while it grows. (To the first in a room it is said that he is alone: others hear better, for a while.)"""

    _file: Path
    _talks = False
    _said = 0
    _seen = 0

    @property
    def hz(self) -> float:
        return TONES[self.name]

    async def join(self, uri: str) -> None:
        """Calls, and waits until it hears the room."""
        await self.into_call(lambda: self.dial(uri))

    async def into_call(self, way: Callable[[], Awaitable[Any]]) -> None:
        """The same, some other way."""
        old = set(self._files())
        self._said, self._seen = len(self.log()), len(self.events)
        await way()
        self._file = (await self._until(lambda: [each for each in self._files() if each not in old]))[-1]
        self._talks = True

    async def leave(self) -> None:
        """Is in no call any more."""
        if self._talks:
            self._talks = False
            await self.command("hangup")
            await self.event("CALL_CLOSED", after=self._seen)

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob("dump-*-dec.wav"))

    async def link(self) -> str:
        """Of its page, which it is sent as a text in each call."""
        return (await self.shows(r"Your page for this conference: (http://[^\s\"]+)"))[1]

    async def shows(self, pattern: str) -> re.Match[str]:
        """Waits until its display has shown that in this call."""
        seen: re.Match[str] = await self._until(lambda: re.search(pattern, self.log()[self._said :]))
        return seen

    def heard(self) -> array[int]:
        """All that it has heard in this call until now."""
        pieces = self._file.read_bytes()
        begin = pieces.find(b"data") + 8
        return array("h", pieces[begin : begin + (len(pieces) - begin) // 2 * 2])

    def _last(self, samples: int) -> array[int]:
        with open(self._file, "rb") as file:
            end = file.seek(0, 2) // 2 * 2
            if end < 200 + 2 * samples:
                return array("h")
            file.seek(end - 2 * samples)
            return array("h", file.read(2 * samples))

    async def hears(self, hz: float, above: float = AUDIBLE) -> float:
        """Waits until that sounds, and returns when that was."""
        await self._until(lambda: tone_level(self._last(_GLANCE), hz) > above)
        return time.time()

    async def hears_not(self, hz: float) -> float:
        """Waits until nothing of that sounds, for a tenth of a second; returns the end of that."""
        await self._until(lambda: (last := self._last(_PIECE)) and tone_level(last, hz) < DOWN)
        return time.time()

    async def listen(self, seconds: float = 0.5) -> Sound:
        """What it hears from now on."""
        begin, wanted = len(self.heard()), round(_RATE * seconds)
        await self._until(lambda: len(self.heard()) >= begin + wanted)
        return Sound(self.heard()[begin : begin + wanted])

    async def _until(self, look: Callable[[], Any]) -> Any:
        """What is seen, once there is something. Files have no other sign of growing."""
        end = time.monotonic() + PATIENCE
        while not (seen := look()):
            await asyncio.sleep(0.01)
            assert time.monotonic() < end, f"{self.name} waits in vain: {self.log()[self._said :][-1000:]}"
        return seen


class Sound:
    """What somebody has heard."""

    def __init__(self, samples: array[int]) -> None:
        self.samples = samples

    def level(self, hz: float) -> float:
        """In dBov, in most tenths of a second: a packet that a busy machine makes late splashes over all
        frequencies, but once."""
        starts = range(0, len(self.samples) - _PIECE + 1, _PIECE)
        return statistics.median(tone_level(self.samples[at : at + _PIECE], hz) for at in starts)


async def soonest(
    button: Locator, shown: Callable[[], Awaitable[float]], back: Callable[[], Awaitable[object]]
) -> float:
    """After how many seconds of a press something was so, the best of some tries."""
    best = float("inf")
    for _ in range(TRIES):
        await button.click()
        at = await shown()
        best = min(best, at - await button.page.evaluate("window.pressed"))
        if best < SOON:
            break
        await back()
    return best
