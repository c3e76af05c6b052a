"""A sound that is being played to a call or a room."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .. import checks
from ..engine import Engine, Progress, Prompt
from ..errors import SemsError, SoundNotFound, in_one_line, is_failure
from ..log import Log
from ..waiting import on_done
from .sounds import Sound, checked
from .voice import Say

if TYPE_CHECKING:
    from .decoding import Coming
    from .sounds import SoundLibrary
    from .web import Url

__all__ = ["Playback", "Sound"]


class Playback:
    """What ``start_play()`` of a call or a room returns.

    >>> music = call.start_play("hold-music", repeat=0)
    >>> await call.sleep(2)
    >>> music.pause()
    >>> music.seek(1.0)
    >>> music.resume()
    >>> await music.stop()
    >>> music.done
    True
    """

    def __init__(
        self,
        engine: Engine,
        library: SoundLibrary,
        sounds: Sound | Sequence[Sound],
        *,
        repeat: int,
        call: int | None = None,
        room: int | None = None,
        beside: Path | None = None,
        log: Log,
        guard: Callable[[asyncio.Future[bool]], Awaitable[bool]] | None = None,
    ) -> None:
        # How many times, or 0 for until stopped.
        checks.whole("repeat", repeat, 0)
        parts = checked("sound", sounds)
        if not parts:
            raise ValueError("there is nothing to play")
        self._engine = engine
        self._call = call
        self._room = room
        self._repeat = repeat
        self._guard = guard
        self._log = log
        self._heeded = False
        self._play: int | None = None
        self._progress: Progress | None = None
        self._sought: float | None = None
        self._coming: list[tuple[float, float, Coming]] = []
        """The parts that are still being decoded: from when until when they sound, and how far that is."""
        self._waiting: asyncio.Task[None] | None = None
        self.paused = False
        """It is held where it is."""
        self._ended: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        # An error that nobody waits for has been logged.
        self._ended.add_done_callback(lambda future: future.cancelled() or future.exception())
        self._ended.add_done_callback(self._end_waiting)
        found = [library.place(part, beside=beside) for part in parts]
        ready = [library.ready(part) for part in found]
        prompts = [prompt for prompt in ready if prompt is not None]
        self._loading: asyncio.Task[None] | None = None
        if len(prompts) == len(found):
            self._begin(prompts)
        else:
            self._loading = asyncio.create_task(self._load(library, found))

    @property
    def done(self) -> bool:
        """It has ended, by itself or because it was stopped."""
        return self._ended.done()

    @property
    def failed(self) -> bool:
        """It could not be played; :meth:`wait` raises why."""
        return self._ended.done() and self._ended.exception() is not None

    async def wait(self) -> bool:
        """Waits for the end: True when all was played, False when it was stopped, or a file could not be read
        on, which is logged.

        Raises SoundNotFound for a file that can't be read, or a text that can't be spoken, and HungUp when
        the call ends; where nobody waits such an error is logged, with the call. Cancelling the wait does not
        stop the sound.
        """
        self.heed()
        return await (asyncio.shield(self._ended) if self._guard is None else self._guard(self._ended))

    def heed(self) -> None:
        """For who waits in another way: looks at :attr:`failed` himself, so that it need not be logged."""
        self._heeded = True

    async def stop(self) -> None:
        """Stops the sound and waits until it is silent."""
        self.cancel()
        await asyncio.wait({self._ended})

    def cancel(self) -> None:
        """Stops the sound without waiting. Harmless when it has ended."""
        if self._ended.done():
            return
        if self._play is not None:
            self._engine.core.stop_play(self._play, call=self._call, room=self._room)
        else:
            self._ended.set_result(False)

    @property
    def position(self) -> float:
        """Seconds since the beginning of the list, in the turn that it is in."""
        if self._progress is None or self._waiting is not None:
            return self._sought or 0.0
        return self._progress.position

    def pause(self) -> None:
        """Holds it where it is, from the next 20 ms on. Harmless when it has ended."""
        self._pause(True)

    def resume(self) -> None:
        """Goes on where it was held."""
        self._pause(False)

    def seek(self, seconds: float) -> None:
        """Goes to a time since the beginning of the list, in the turn that it is in; behind the end that
        is the end of the turn. In a long file that takes a moment of silence: until it is read there, and
        where it is still being decoded (FLAC, MP3 …) until it is decoded there."""
        checks.seconds("seconds", seconds)
        if self._play is None:
            self._sought = seconds
        elif not self.done:
            self._go_to(seconds)

    def _go_to(self, seconds: float) -> None:
        waited = self._waiting is not None
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
        for begin, end, coming in self._coming:
            if begin <= seconds < end and not coming.has(seconds - begin):
                self._sought = seconds
                # Held meanwhile, so that what has yet to come is not passed over.
                self._hold(True)
                self._waiting = asyncio.create_task(self._wait_for(coming, seconds, seconds - begin))
                return
        self._arrive(seconds, waited)

    async def _wait_for(self, coming: Coming, seconds: float, in_part: float) -> None:
        await coming.reach(in_part)
        self._waiting = None
        if not self.done:
            self._arrive(seconds, True)

    def _arrive(self, seconds: float, waited: bool) -> None:
        assert self._play is not None
        self._engine.core.seek_play(self._play, seconds, call=self._call, room=self._room)
        if waited:
            self._hold(self.paused)

    def _pause(self, on: bool) -> None:
        self.paused = on
        if self._play is not None and not self.done and self._waiting is None:
            self._hold(on)

    def _hold(self, on: bool) -> None:
        assert self._play is not None
        self._engine.core.pause_play(self._play, on, call=self._call, room=self._room)

    def on_end(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Calls ``callback`` once it has ended; returns what takes that back."""
        checks.callback("callback", callback)
        return on_done(self._ended, callback)

    async def _load(self, library: SoundLibrary, parts: Sequence[Path | Prompt | Say | Url]) -> None:
        try:
            opened = [await library.open(part) for part in parts]
            if not self._ended.done():
                self._begin([prompt for prompt, _ in opened], [coming for _, coming in opened])
        except BaseException as error:
            if not is_failure(error):
                raise
            if not self._ended.done():
                self._fail(error)

    def _fail(self, error: BaseException) -> None:
        """Whatever it was, who waits is told, or the log."""
        if not isinstance(error, SemsError):
            unforeseen, error = error, SoundNotFound(f"it can't be played: {in_one_line(error)}")
            error.__cause__ = unforeseen
        self._ended.set_exception(error)
        if not self._heeded:
            self._log.warning("a sound can't be played", why=str(error))

    def _begin(self, prompts: Sequence[Prompt], coming: Sequence[Coming | None] = ()) -> None:
        begin = 0.0
        for prompt, one in zip(prompts, coming, strict=False):
            end = begin + prompt.duration_ms / 1000
            if one is not None:
                self._coming.append((begin, end, one))
            begin = end
        request, self._play, self._progress = self._engine.core.play(
            prompts, call=self._call, room=self._room, repeat=self._repeat
        )
        # What was asked for while files were being read.
        if self._sought is not None:
            self.seek(self._sought)
        if self.paused:
            self.pause()
        self._engine.completion(request).add_done_callback(self._on_begun)
        self._engine.played(self._play).add_done_callback(self._on_played)

    def _end_waiting(self, _: asyncio.Future[bool]) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _on_begun(self, future: asyncio.Future[None]) -> None:
        error = None if future.cancelled() else future.exception()
        if error is not None and not self._ended.done():
            self._ended.set_exception(error)

    def _on_played(self, future: asyncio.Future[bool]) -> None:
        error = future.exception()
        if isinstance(error, SoundNotFound):
            self._log.warning("a sound could not be played to its end", why=str(error))
        if not self._ended.done():
            self._ended.set_result(error is None and future.result())
