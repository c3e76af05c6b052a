"""A recording that is under way."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from .. import checks
from ..engine import Engine
from ..errors import EngineError, WrongState
from ..log import logger
from ..waiting import on_done

if TYPE_CHECKING:
    from ..call import Call


class Recording:
    """What ``record()`` of a call or a room returns.

    The files can be read at any time, also after a crash: their headers are never older than a second.

    >>> recording = await call.record("interview.wav", "both")
    >>> await recording.pause()
    >>> await recording.resume()
    >>> await recording.stop()
    >>> recording.done, recording.error
    (True, None)
    """

    def __init__(
        self,
        engine: Engine,
        number: int,
        path: Path,
        *,
        call: int | None = None,
        room: int | None = None,
        mix: Path | None = None,
        members: Path | None = None,
    ) -> None:
        self.path = path
        """The file, or the folder."""
        self.mix = mix
        """The file of what is said in a room."""
        self.paused = False
        """What is heard is left out."""
        self.error: str | None = None
        """Why it could not go on."""
        self._engine = engine
        self._number = number
        self.call = call
        """The call that is recorded, by its id."""
        self.room = room
        """The room that is recorded, by its id."""
        self._members = members
        self._ended: asyncio.Future[None] = engine.recorded(number)
        self._ended.add_done_callback(self._on_ended)
        if call is not None:
            self._hold(os.path.abspath(path))

    def member(self, call: Call | int) -> Path:
        """The file of what that member of the room says, once it has been there. Raises ValueError when the
        members are not recorded."""
        number = getattr(call, "id", call)
        if not isinstance(number, int) or isinstance(number, bool):
            raise checks.wrong("call", "a call or its id", call, TypeError)
        if self._members is None:
            raise ValueError("the members are not recorded")
        return self._members / f"call-{call if isinstance(call, int) else call.id}.wav"

    @property
    def done(self) -> bool:
        """It has ended: by :meth:`stop`, with the call or the room, or because of an error."""
        return self._ended.done()

    async def pause(self) -> None:
        """Leaves out what is heard from now on, in all files alike."""
        await self._pause(True)

    async def resume(self) -> None:
        """Goes on."""
        await self._pause(False)

    async def stop(self) -> None:
        """Ends it; returns when the files are complete. Raises EngineError when they could not be written
        to the end. Harmless when it has ended."""
        if not self.done:
            core = self._engine.core
            stopped = core.stop_record(self._number, call=self.call, room=self.room)
            await self._engine.completion(stopped)
        await self.wait()

    async def wait(self) -> None:
        """Waits for the end. Raises EngineError with the reason when the files could not be written on;
        they hold what came before. Cancelling it stops nothing."""
        await asyncio.shield(self._ended)

    def on_end(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Calls ``callback`` once it has ended; returns what takes that back."""
        checks.callback("callback", callback)
        return on_done(self._ended, callback)

    def _hold(self, file: str) -> None:
        held = self._engine.recorded_files
        held[file] = self._ended

        def release(ended: asyncio.Future[None]) -> None:
            # It may be another's by now.
            if held.get(file) is ended:
                del held[file]

        self._ended.add_done_callback(release)

    async def _pause(self, on: bool) -> None:
        core = self._engine.core
        await self._engine.completion(core.pause_record(self._number, on, call=self.call, room=self.room))
        self.paused = on

    def _on_ended(self, future: asyncio.Future[None]) -> None:
        error = None if future.cancelled() else future.exception()
        if error is not None:
            self.error = str(error)
            logger.error("a recording could not be written on", path=str(self.path), why=self.error)


def must_be_free(engine: Engine, path: Path) -> None:
    """Raises WrongState for a file to which a call is being recorded: one would hear the words of another."""
    before = engine.recorded_files.get(os.path.abspath(path))
    if before is not None and not before.done():
        raise WrongState(f"a call is being recorded to {path} already")


async def begin(
    engine: Engine, started: Awaitable[None], number: int, path: Path, **what: object
) -> Recording:
    """For calls and rooms: the recording, once the core has begun it. Raises EngineError."""
    recording = Recording(engine, number, path, **what)  # type: ignore[arg-type]
    try:
        await started
    except BaseException as error:
        # Who was cancelled meanwhile has nobody who could stop it.
        engine.forget_recording(number)
        engine.completion(engine.core.stop_record(number, call=recording.call, room=recording.room))
        if isinstance(error, EngineError) and not path.parent.is_dir():
            why = f"{path} can't be written: there is no folder {path.parent.absolute()}"
            raise EngineError(why) from None
        raise
    return recording
