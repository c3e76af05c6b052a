"""Recording somebody who has been asked to speak, until he has said it."""

from __future__ import annotations

import asyncio
import contextlib
import wave
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from .. import checks
from ..errors import HungUp
from ..events import CallEvent, Digit, Speaking
from .keys import CallKeys
from .kinds import RAW
from .recording import Recording

_RAW_RATE = 8000

Ending = Literal["key", "silence", "limit", "hangup"]


@dataclass(frozen=True, slots=True)
class Take:
    """What :meth:`Call.record_until() <sems.call.Call.record_until>` has recorded.

    >>> take = await call.record_until("name.wav", limit=10)
    >>> if take.spoken and take.ended_by != "hangup":
    ...     await call.play(take.path)
    """

    path: Path
    """The file."""
    seconds: float
    """How long it is, without the silence at which it ended."""
    ended_by: Ending
    """``key``: a key was pressed; ``silence``: nothing was said for so long; ``limit``: it may not be
    longer; ``hangup``: the call has ended."""
    key: str | None
    """The key."""
    spoken: bool
    """Something was said."""


class CallTakes(CallKeys):
    """Recordings that end by themselves. See :class:`~sems.call.Call`, which adds the rest."""

    speaking: bool

    async def record_until(
        self,
        path: str | Path,
        *,
        keys: str = "#",
        silence: float | None = 5.0,
        limit: float = 300.0,
        rate: int = 8000,
    ) -> Take:
        """Writes what the peer says to a file (WAV, or raw G.711 by its name), made anew, until it has
        said it.

        >>> take = await call.record_until("message.wav", keys="#1", silence=4, limit=120)
        >>> if take.spoken:
        ...     await call.play(take.path)

        Ends with one of ``keys`` (``""``: none; all others are passed over), when nothing is said for
        ``silence`` seconds, also at the beginning (None: then it does not end), after ``limit`` seconds, and
        when the call ends: that raises no HungUp here, for what was said is there. ``rate``: samples a second
        of the file. Cancelling it ends the recording.

        Raises EngineError when the file can't be made, and as soon as it can't be written on, as on a full
        disk; what was recorded until then is in it.
        """
        checks.keys("keys", keys)
        checks.seconds("silence", silence, more_than_0=True, none=True)
        checks.seconds("limit", limit, more_than_0=True)
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[tuple[Ending, str | None]] = loop.create_future()
        timer: asyncio.TimerHandle | None = None
        spoken = self.speaking

        def end(by: Ending, key: str | None = None) -> None:
            if not ended.done():
                ended.set_result((by, key))

        def wait_for_speech() -> None:
            nonlocal timer
            if silence is not None:
                timer = loop.call_later(silence, end, "silence")

        def on_event(event: CallEvent) -> None:
            nonlocal spoken
            match event:
                case Digit(digit):
                    if self._keys and self._keys[-1] == digit:
                        self._keys.pop()
                    if digit in keys:
                        end("key", digit)
                case Speaking(on):
                    spoken = spoken or on
                    if timer is not None:
                        timer.cancel()
                    if not on:
                        wait_for_speech()

        recording = await self.record(path, rate=rate)
        # Nobody is to speak on into nothing: what hinders it is raised by stop().
        stay = recording.on_end(lambda: end("hangup"))
        forget = self.subscribe(on_event)
        longest = loop.call_later(limit, end, "limit")
        if not self.speaking:
            wait_for_speech()
        by: Ending = "hangup"
        key: str | None = None
        try:
            with contextlib.suppress(HungUp):
                by, key = await self._while_up(ended)
        finally:
            forget()
            stay()
            longest.cancel()
            if timer is not None:
                timer.cancel()
            with contextlib.suppress(HungUp):
                await recording.stop()
        seconds = await asyncio.to_thread(_seconds, recording.path)
        if by == "silence" and silence is not None:
            seconds = max(0.0, seconds - silence)
        return Take(recording.path, seconds, by, key, spoken)

    @abstractmethod
    async def record(self, path: str | Path, *, rate: int = 8000) -> Recording:
        """Begins to record."""

    @abstractmethod
    def subscribe(self, callback: Callable[[CallEvent], None]) -> Callable[[], None]:
        """Tells ``callback`` of all that happens."""


def _seconds(path: Path) -> float:
    if path.suffix.lower() in RAW:
        return path.stat().st_size / _RAW_RATE
    with wave.open(str(path), "rb") as file:
        return file.getnframes() / file.getframerate()
