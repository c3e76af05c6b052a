"""PCM both ways: what is heard in a call or a room, and what is said there by a program."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Literal, Self
from weakref import WeakValueDictionary

from .. import checks
from ..engine import Block, Blocks, Engine, Feed, Tap
from ..errors import EngineError

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["Audio", "Block", "Direction", "Listening"]

Direction = Literal["in", "out"]
"""``in``: what the peer says to us; ``out``: what we send to it."""

RATE = 8000
"""Samples a second of what is heard and said, if nothing else is asked for."""
BLOCK = 0.02
"""How long the blocks are of what is heard, in seconds, if nothing else is asked for."""
WAITING = 60.0
"""How many seconds of what was written may wait to sound."""
AHEAD = 1.0
"""How many seconds :meth:`Audio.write` lets wait before it waits itself, if nothing else is asked for."""
_PCM = "one channel of 16-bit samples in this machine's byte order (numpy.int16), or bytes of them"
# As the buffer protocol calls 16 bits, and bytes.
_FORMATS = frozenset({"h", "=h", "@h", "<h" if sys.byteorder == "little" else ">h", "B", "c"})
_SHORTEST, _LONGEST = 0.01, 1.0


class _Ring:
    """A ring in the core that several listen to."""

    def __init__(self, number: int, tap: Tap) -> None:
        self.number = number
        self.tap = tap


class Audio:
    """The audio of a call or a room, as ``call.audio`` and ``room.audio``.

    >>> async for block in call.audio:                  # 20 ms of what the peer says, 16-bit at 8 kHz
    ...     samples = memoryview(block)                 # or numpy.frombuffer(block, dtype=numpy.int16)
    ...     await call.audio.write(samples)             # heard by the peer only

    Anybody may listen any number of times. What is written sounds together with all else.
    """

    def __init__(
        self,
        engine: Engine,
        check: Callable[[], None],
        guard: Callable[[asyncio.Future[None]], Awaitable[None]],
        *,
        call: int | None = None,
        room: int | None = None,
    ) -> None:
        """For calls and rooms. ``check`` raises when there is no way for sound, ``guard`` waits while
        there is one."""
        self._engine = engine
        self._check = check
        self._guard = guard
        self._call = call
        self._room = room
        self.cleared = 0.0
        """Seconds of what was written that have not sounded, because of :meth:`clear`."""
        self.refused = 0
        """How many times :meth:`write_nowait` has taken nothing, because too much was waiting."""
        self._rings: WeakValueDictionary[Direction, _Ring] = WeakValueDictionary()
        self._feed: Feed | None = None
        self._play = 0
        self._wanted: list[float] = []
        """How much may be left for each who waits."""
        self._to_come = 0.0
        """Seconds that :meth:`write` has yet to hand over."""
        self._clears = 0

    # Listening

    def listen(self, *, rate: int = RATE, block: float = BLOCK, direction: Direction = "in") -> Listening:
        """Listens from now on, in blocks of ``block`` seconds (0.01–1) at ``rate`` samples a second
        (1000–768000), until the call or the room ends.

        ``direction``: of a call, which side; a room is heard as by who listens there and says nothing.
        What is not taken within two seconds, with Opus within 0.8, is lost, and counted.

        Raises WrongState before there is a way for sound, HungUp when the call has ended.
        """
        checks.rate(rate)
        checks.number("block", block, _SHORTEST, _LONGEST, "seconds")
        checks.one_of("direction", direction, "in", "out")
        self._check()
        ring = self._rings.get(direction)
        if ring is None:
            request, number, tap = self._engine.core.tap(self._call, direction, room=self._room)
            ring = self._rings[direction] = _Ring(number, tap)
            # If there is nothing to hear, who waits for it has to look.
            self._engine.completion(request).add_done_callback(lambda _: self._engine.wake_tap(number))
        return Listening(self._engine, ring, ring.tap.blocks(rate, round(rate * block)))

    def __aiter__(self) -> AsyncIterator[Block]:
        return self.listen()

    # Speaking

    async def write(self, pcm: Buffer, *, rate: int = RATE, ahead: float = AHEAD) -> None:
        """Says ``pcm``, behind what was written before: 16-bit mono samples of ``rate`` Hz in anything
        with a buffer, such as bytes, an array or a block. Heard by the peer of a call, or by all in a
        room, as far up as ``rate`` and their codecs go.

        Returns when no more than ``ahead`` seconds are still to sound, so that who writes faster than it
        sounds waits here, and may be cancelled; what is handed over then sounds, unless it is
        :meth:`cleared <clear>`, which also ends this. Raises WrongState before there is a way for sound, and
        HungUp when the call ends.
        """
        checks.number("ahead", ahead, 0, WAITING - AHEAD, "seconds")
        checks.rate(rate)
        view = samples("pcm", pcm)
        # What is long is handed over piece by piece.
        piece = round(rate * AHEAD) * 2 // view.itemsize
        clears = self._clears
        left = len(view) * view.itemsize / (2 * rate)
        self._to_come += left
        try:
            for at in range(0, len(view) or 1, piece):
                part = view[at : at + piece]
                while not self._hand_over(part, rate):
                    await self._drain(self.waiting / 2)
                    # What has just been cleared is there until the next 20 ms begin.
                    await asyncio.sleep(BLOCK)
                    if self._clears != clears:
                        return
                seconds = len(part) * part.itemsize / (2 * rate)
                left -= seconds
                self._to_come -= seconds
                await self._drain(ahead)
                if self._clears != clears:
                    return
        finally:
            if self._clears == clears:
                self._to_come -= left

    def write_nowait(self, pcm: Buffer, *, rate: int = RATE) -> None:
        """As :meth:`write`, but returns at once.

        Raises BufferError, and takes nothing, while a minute waits already.
        """
        checks.rate(rate)
        if not self._hand_over(samples("pcm", pcm), rate):
            self.refused += 1
            raise BufferError(f"{self.waiting:.1f} seconds wait to sound already: await drain() first")

    def _hand_over(self, pcm: memoryview, rate: int) -> bool:
        """False: too much waits, and it was not taken."""
        self._check()
        if self._feed is None:
            request, self._play, self._feed = self._engine.core.feed(
                call=self._call, room=self._room, limit=WAITING
            )
            self._engine.completion(request)
        return self._feed.write(pcm, rate)

    async def drain(self, left: float = 0.2) -> None:
        """Waits until no more than ``left`` seconds of what was written are still to sound; 0: until all
        has sounded. Raises HungUp when the call ends."""
        checks.seconds("left", left)
        if self._feed is None:
            return
        if left <= 0:
            self._feed.flush()
        await self._drain(left)

    async def _drain(self, left: float) -> None:
        left = max(left, 0.0)
        self._wanted.append(left)
        try:
            # The core tells of one time only: that of whoever is to be woken first.
            while self._feed is not None and self._feed.wait(self._next_of(left)):
                await self._guard(self._engine.feed_ready(self._play))
        finally:
            self._wanted.remove(left)

    def _next_of(self, left: float) -> float:
        waiting = self.waiting
        return max((each for each in self._wanted if left <= each < waiting), default=left)

    def clear(self) -> float:
        """What was written and has not sounded yet is not to sound any more: for a caller who interrupts.
        A :meth:`write` that is under way ends, and its rest does not sound either. Returns how many seconds
        that were; :attr:`cleared` counts them."""
        left = self.waiting + self._to_come
        self._clears += 1
        self._to_come = 0.0
        if self._feed is not None:
            self._feed.clear()
            self.cleared += left
        return left

    @property
    def waiting(self) -> float:
        """Seconds of what was written that are still to sound."""
        return self._feed.waiting if self._feed is not None else 0.0

    @property
    def underruns(self) -> int:
        """How many times there was silence because nothing more had been written; pauses that are meant
        count, too."""
        return self._feed.underruns if self._feed is not None else 0


def samples(name: str, pcm: Buffer) -> memoryview:
    """The samples in an argument of that name, if they are 16-bit ones of one channel, or bytes of them."""
    try:
        view = memoryview(pcm)
    except TypeError:
        raise checks.wrong(name, _PCM, pcm, TypeError) from None
    if view.format not in _FORMATS or view.ndim != 1:
        raise checks.wrong(name, _PCM, _Shape(view))
    if view.nbytes % 2:
        raise ValueError(f"{name} has to be whole samples of 16 bits: half of one is left over at the end")
    return view


class _Shape:
    """What samples are like that can't be taken."""

    def __init__(self, view: memoryview) -> None:
        self._view = view

    def __repr__(self) -> str:
        return f"format {self._view.format!r} of the shape {self._view.shape}"


class Listening:
    """Blocks as they come; ends with the call or the room.

    A block has a read-only buffer of 16-bit samples, in which ``memoryview(block)`` and
    ``numpy.frombuffer(block, dtype=numpy.int16)`` look without a copy, for as long as they like. It
    knows its ``rate``, its ``time`` and how many samples were ``dropped`` before it. The last one may
    be shorter.

    >>> listening = call.audio.listen(rate=16_000, block=0.1)
    >>> block = await anext(listening)
    >>> len(block), listening.dropped
    (1600, 0)
    >>> listening.skip()                        # go on with what comes now
    """

    def __init__(self, engine: Engine, ring: _Ring, blocks: Blocks) -> None:
        self._engine = engine
        self._ring = ring
        self._blocks = blocks

    @property
    def dropped(self) -> int:
        """Samples lost so far, because they were not taken in time."""
        return self._blocks.dropped

    def skip(self) -> None:
        """Passes over all that has come and was not taken."""
        self._blocks.skip()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Block:
        while True:
            finished = self._blocks.finished
            block = self._blocks.next()
            if block is not None:
                return block
            if finished:
                raise StopAsyncIteration
            try:
                ready = self._engine.tap_ready(self._ring.number)
            except EngineError:
                raise StopAsyncIteration from None
            if self._blocks.wait():
                await ready
            else:
                ready.cancel()
