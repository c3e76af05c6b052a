"""Telephones that we did not write, and what is heard of whom in what they record: how loud, since when."""

from __future__ import annotations

import asyncio
import re
import statistics
import time
import wave
from array import array
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from playwright.async_api import Locator

from peers.baresip import Baresip
from peers.tones import level, read_wav, tone_level
from sems.engine import Spectrogram
from sems.testing.known import KnownSounds

from .windows import PATIENCE

TONES = {"Anna": 1907.0, "Ben": 701.0, "Cleo": 1103.0}
"""In Hz, and with nothing in common: what µ-law makes of a tone (ITU-T G.711) lies nowhere near another."""
SAID = -20.0
"""In dBov, as loud as each says his tone."""
AUDIBLE = -35.0
DOWN = SAID - 50
"""What the room must not hear of a private talk."""
SOON = 0.5
"""Seconds within which what is pressed on a page is heard, and what is keyed in is seen."""
TRIES = 5  # of which one must be that quick: what else the machine does is no fault of the server

_PROMPTS = Path(__file__).parents[2] / "apps/prompts"
_RATE = 8000
_GLANCE = 480  # samples, in which a tone is told from others that are 33 Hz away
_PIECE = 800  # samples
_HOP = 160  # samples


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

    def forget(self) -> None:
        """What has been until now."""
        self._said, self._seen = len(self.log()), len(self.events)

    async def join(self, uri: str) -> None:
        """Calls, and waits until it hears the room."""
        await self.into_call(lambda: self.dial(uri))

    async def into_call(self, way: Callable[[], Awaitable[Any]]) -> None:
        """The same, some other way."""
        self.forget()
        await way()
        # Two calls within a second write into files of one name.
        self._file = Path((await self.shows(r"dumping decode audio to (\S+)"))[1])
        self._talks = True

    async def answer(self) -> None:
        """Takes the next call, and waits until it hears the room."""
        await self.event("CALL_INCOMING", after=self._seen)
        await self.into_call(lambda: self.command("accept"))

    async def decline(self) -> None:
        """Refuses the call that rings."""
        await self.command("hangup")
        await self.rings_no_more()

    async def rings_no_more(self) -> None:
        """Waits until the call that rang is over."""
        await self.event("CALL_CLOSED", after=self._seen)
        self.forget()

    async def leave(self) -> None:
        """Is in no call any more."""
        if self._talks:
            self._talks = False
            await self.command("hangup")
            await self.event("CALL_CLOSED", after=self._seen)

    async def link(self) -> str:
        """Of its page, which it is sent as a text in each call."""
        return (await self.shows(r"Your page for this conference: (http://[^\s\"\x1b]+)"))[1]

    async def links(self) -> tuple[str, str]:
        """Of its page, as the answer to its call has it for telephones that show such: in the description of
        the session (`u=`), and in Call-Info."""
        answer = (await self.shows(r"(?s)SIP/2\.0 200 OK(?:(?!SIP/2\.0 ).)*CSeq: \d+ INVITE.*?\nu=\S+"))[0]
        described = re.search(r"\nu=([^\s\x1b]+)", answer)
        called = re.search(r"\nCall-Info: <([^>]+)>", answer)
        assert described, answer
        assert called, answer
        return described[1], called[1]

    async def digits(self) -> str:
        """The six that it hears spoken as a code, told by their sound."""
        code, *spoken = (_prompt(name) for name in ("pairing-code", *(f"digit-{n}" for n in range(10))))
        known = KnownSounds()
        for name, prompt in enumerate(spoken):
            known.add(("", str(name)), Spectrogram(prompt), prompt)
        intro = known.add(("", "code"), Spectrogram(code), code)

        seen = 0

        def look() -> str:
            nonlocal seen
            sound = self.heard()
            if len(sound) < seen + _RATE // 5:
                return ""
            seen = len(sound)
            places = known.places(Spectrogram(sound.tobytes()))
            begin = max((place.end for place in places if place.known is intro), default=None)
            found = [
                place.known.names[0][1] for place in places if begin is not None and place.at >= begin - 5
            ]
            return "".join(found[:6]) if len(found) >= 6 else ""

        heard: str = await self._until(look)
        return heard

    async def shows(self, pattern: str) -> re.Match[str]:
        """Waits until its display has shown that in this call."""
        seen: re.Match[str] = await self._until(lambda: re.search(pattern, self.log()[self._said :]))
        return seen

    def _ears(self) -> Path:
        return self._file

    def mark(self) -> int:
        """Where what it hears from now on begins."""
        return len(self.heard())

    async def hears(self, hz: float, above: float = AUDIBLE, since: int | None = None) -> float:
        """Waits until that sounds, and returns when that was. What is short may be over when it is asked
        for: ``since`` says from where on it counts."""
        return await self._first(lambda piece: tone_level(piece, hz) > above, _GLANCE, since)

    async def hears_not(self, hz: float, since: int | None = None) -> float:
        """Waits until nothing of that sounds, for a tenth of a second; returns the end of that."""
        return await self._first(lambda piece: tone_level(piece, hz) < DOWN, _PIECE, since)

    async def hears_nothing(self) -> None:
        """Waits until it is quiet, for half a second: between words it is so for less."""
        await self._first(lambda piece: level(piece) < DOWN, _RATE // 2, None)

    async def hears_something(self) -> None:
        """Waits until anything sounds, for half a second."""
        await self._first(lambda piece: level(piece) > AUDIBLE, _RATE // 2, None)

    async def hears_at(self, hz: float, dbov: float, since: int | None = None) -> None:
        """Waits until that sounds as loud as this, for a tenth of a second."""
        await self._first(lambda piece: abs(tone_level(piece, hz) - dbov) < 1, _PIECE, since)

    async def listen(self, seconds: float = 0.5) -> Sound:
        """What it hears from now on."""
        begin, wanted = len(self.heard()), round(_RATE * seconds)
        await self._until(lambda: len(self.heard()) >= begin + wanted)
        return Sound(self.heard()[begin : begin + wanted])

    def _told(self) -> str:
        """Its log of this call, without its meter, and what has happened."""
        lines = [each for each in self.log()[self._said :].splitlines() if each and "(bit/s)" not in each]
        return "\n".join([*lines, *map(str, self.events[self._seen :])])

    async def _first(self, good: Callable[[array[int]], bool], size: int, since: int | None) -> float:
        """When the first piece that is good was over, which is sought from there on."""
        at = self.mark() if since is None else since

        def look() -> float | None:
            nonlocal at
            heard = self.heard()
            while at + size <= len(heard):
                if good(heard[at : at + size]):
                    return time.time() - (len(heard) - at - size) / _RATE
                at += _HOP
            return None

        when: float = await self._until(look)
        return when

    async def _until(self, look: Callable[[], Any]) -> Any:
        """What is seen, once there is something. Files have no other sign of growing."""
        end = time.monotonic() + PATIENCE
        while not (seen := look()):
            await asyncio.sleep(0.01)
            assert time.monotonic() < end, f"{self.name} waits in vain:\n{self._told()}"
        return seen


def _prompt(name: str) -> bytes:
    """What the server says, as PCM."""
    with wave.open(str(_PROMPTS / f"{name}.wav"), "rb") as file:
        return file.readframes(file.getnframes())


class Sound:
    """What somebody has heard."""

    def __init__(self, samples: array[int], rate: int = _RATE) -> None:
        self.samples = samples
        self.rate = rate

    def level(self, hz: float) -> float:
        """In dBov, in most tenths of a second: a packet that a busy machine makes late splashes over all
        frequencies, but once."""
        return statistics.median(self.levels(hz))

    def loudness(self) -> float:
        """Of all together, in dBov."""
        return level(self.samples)

    def levels(self, hz: float) -> list[float]:
        """In each tenth of a second."""
        size = self.rate // 10
        starts = range(0, len(self.samples) - size + 1, size)
        return [tone_level(self.samples[at : at + size], hz, self.rate) for at in starts]


def read_sound(path: Path) -> Sound:
    """A WAV file, at its own rate."""
    with wave.open(str(path), "rb") as file:
        rate = file.getframerate()
    return Sound(read_wav(path, rate), rate)


async def soonest(
    button: Locator,
    phone: Handset,
    heard: Callable[[int], Awaitable[float]],
    back: Callable[[], Awaitable[object]],
) -> float:
    """After how many seconds of a press something is heard on the phone, the best of some tries. ``heard`` is
    given the mark from which on it counts."""
    best = float("inf")
    for _ in range(TRIES):
        mark = phone.mark()
        await button.click()
        at = await heard(mark)
        best = min(best, at - await button.page.evaluate("window.pressed"))
        if best < SOON:
            break
        await back()
    return best
