"""The asyncio face of the core. The only module that imports :mod:`sems._core`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

from . import _core
from ._core import (
    AuthConfig,
    Block,
    Blocks,
    EngineConfig,
    Event,
    Feed,
    MemoryNetwork,
    MemorySocket,
    Progress,
    Prompt,
    Quality,
    Spectrogram,
    Tap,
    TracedCall,
    TraceEntry,
    __version__,
    register_codec,
)
from .errors import EngineError, SoundNotFound, is_failure
from .log import gather, logger, write_out
from .waiting import fail, resolve

__all__ = [
    "AuthConfig",
    "Block",
    "Blocks",
    "Engine",
    "EngineConfig",
    "Event",
    "Feed",
    "MemoryNetwork",
    "MemorySocket",
    "Progress",
    "Prompt",
    "Quality",
    "Spectrogram",
    "Tap",
    "TraceEntry",
    "TracedCall",
    "__version__",
    "register_codec",
]


# Who is woken more often than this (in seconds) has much to do, and does more at a time when it naps
# between. Nothing that the core tells is in such a hurry. Where there is most to do, signaling tells but
# every four milliseconds, and who naps then would only come later.
_OFTEN = 0.0015
_NAP = 0.001


@runtime_checkable
class StepsEngines(Protocol):
    """A loop in virtual time, which moves engines that have no threads of their own."""

    def attach(self, engine: Engine) -> None:
        """Steps the engine from now on."""

    def detach(self, engine: Engine) -> None:
        """Leaves it alone again."""


class Engine:
    """Gives orders to the core and tells of what happens there.

    Orders are the methods of :attr:`core`. Each returns a request id at once, and
    :meth:`completion` (or :meth:`loaded`) makes a future of it:

    >>> await engine.completion(engine.core.answer(call))

    All methods belong to the loop in which :meth:`start` was called.
    """

    def __init__(self, config: EngineConfig, network: MemoryNetwork | None = None) -> None:
        """Opens the sockets. Raises OSError for an address that can't be had."""
        self.core = _core.Engine(config, network)
        self.on_event: Callable[[Event], None] = lambda event: None
        """Told of every event that is no completion."""
        self.recorded_files: dict[str, asyncio.Future[None]] = {}
        """The files to which calls are being recorded; done when that has ended."""
        self._requests: dict[int, asyncio.Future[Any]] = {}
        self._plays: dict[int, asyncio.Future[bool]] = {}
        self._unreadable: dict[int, str] = {}
        self._recordings: dict[int, asyncio.Future[None]] = {}
        self._told: dict[int, Callable[[str | None], None]] = {}
        self._listening: dict[int, set[asyncio.Future[None]]] = {}
        self._writing: dict[int, set[asyncio.Future[None]]] = {}
        self._takers: dict[type[Event], Callable[[Any], None]] = {
            Event.Done: self._on_done,
            Event.PromptLoaded: self._on_prompt_loaded,
            Event.Response: self._on_response,
            Event.PlayFailed: self._on_play_failed,
            Event.PlayFinished: self._on_play_finished,
            Event.TapReady: lambda event: self.wake_tap(event.tap),
            Event.FeedReady: lambda event: _wake(self._writing, event.play),
            Event.Recorded: self._on_recorded,
        }
        self._loop: asyncio.AbstractEventLoop | None = None
        self._woken = 0.0
        self._nap: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Takes events from now on."""
        self._loop = loop = asyncio.get_running_loop()
        if self.core.fileno() >= 0:
            loop.add_reader(self.core.fileno(), self._on_readable)
        elif isinstance(loop, StepsEngines):
            loop.attach(self)
        else:
            raise RuntimeError("an engine on a memory network needs the loop of sems.testing")

    @property
    def running(self) -> bool:
        """Between :meth:`start` and :meth:`close`."""
        return self._loop is not None

    def close(self) -> None:
        """Ends the core's threads and closes its sockets. Idempotent."""
        if self._loop is not None:
            if self.core.fileno() >= 0:
                self._loop.remove_reader(self.core.fileno())
            elif isinstance(self._loop, StepsEngines):
                self._loop.detach(self)
            if self._nap is not None:
                self._nap.cancel()
            self.drain()
            self._loop = None
        self.core.close()
        closed = "the engine has been closed"
        for future in (*self._requests.values(), *self._plays.values(), *self._recordings.values()):
            fail(future, EngineError(closed))
        for table in (self._listening, self._writing):
            for number in tuple(table):
                _wake(table, number)
        for tell in self._told.values():
            tell(closed)
        self._requests.clear()
        self._plays.clear()
        self._recordings.clear()
        self._told.clear()

    def completion(self, request: int) -> asyncio.Future[None]:
        """Done when the request has been carried out; EngineError when it could not be.

        Nobody has to wait for it: an error that nobody asks for is passed over.
        """
        return self._future(self._requests, request)

    def when_done(self, request: int, tell: Callable[[str | None], None]) -> None:
        """Calls ``tell`` as soon as the request has been carried out, or could not be, with the reason.

        A future wakes who waits for it in the next turn of the loop only."""
        if self._loop is None:
            raise EngineError("the engine is not running")
        self._told[request] = tell

    def loaded(self, request: int) -> asyncio.Future[Prompt]:
        """The prompt that ``core.load_prompt()`` was asked for."""
        return self._future(self._requests, request)

    def played(self, play: int) -> asyncio.Future[bool]:
        """Done when the playback has ended: whether it sounded to its end; SoundNotFound, with the file and
        the reason, when that could not be read on."""
        return self._future(self._plays, play)

    def recorded(self, recording: int) -> asyncio.Future[None]:
        """Done when the recording has ended; EngineError when it could not be written to its end."""
        return self._future(self._recordings, recording)

    def forget_recording(self, recording: int) -> None:
        """The recording has never begun."""
        if future := self._recordings.pop(recording, None):
            future.cancel()

    def tap_ready(self, tap: int) -> asyncio.Future[None]:
        """Done when the core has told of that tap."""
        return self._waiter(self._listening, tap)

    def wake_tap(self, tap: int) -> None:
        """Wakes all who wait for the tap, to look for themselves."""
        _wake(self._listening, tap)

    def feed_ready(self, play: int) -> asyncio.Future[None]:
        """Done when the core has told of what waits to sound there, or the playback has ended."""
        return self._waiter(self._writing, play)

    def _waiter(self, table: dict[int, set[asyncio.Future[None]]], key: int) -> asyncio.Future[None]:
        if self._loop is None:
            raise EngineError("the engine is not running")
        future: asyncio.Future[None] = self._loop.create_future()
        table.setdefault(key, set()).add(future)
        return future

    def answered(self, request: int) -> asyncio.Future[Event.Response]:
        """The final response to what ``core.request()`` sent."""
        return self._future(self._requests, request)

    def _future(self, table: dict[int, asyncio.Future[Any]], key: int) -> asyncio.Future[Any]:
        if self._loop is None:
            raise EngineError("the engine is not running")
        future = table[key] = self._loop.create_future()
        return future

    def _on_readable(self) -> None:
        now = time.monotonic()
        often, self._woken = now - self._woken < _OFTEN, now
        self.drain(soon=often)
        if often:
            self._take_a_nap()

    def _take_a_nap(self) -> None:
        if self._loop is not None:
            self._nap = self._loop.call_later(_NAP, self._on_nap_over)

    def _on_nap_over(self) -> None:
        if self.drain(soon=True):
            self._take_a_nap()
        else:
            self.drain()

    def drain(self, *, soon: bool = False) -> bool:
        """Takes what the core has to tell, and tells it on. True when there was anything. ``soon``: it is
        called again very soon."""
        told = self.core.events(soon)
        if not told:
            return False
        gather()
        takers, others = self._takers, self.on_event
        try:
            for event in told:
                try:
                    takers.get(type(event), others)(event)
                except BaseException as error:
                    if not is_failure(error):
                        raise
                    logger.exception("an event could not be dealt with", told=type(event).__name__)
        finally:
            write_out()
        return True

    def _on_done(self, event: Event.Done) -> None:
        if tell := self._told.pop(event.request, None):
            tell(event.error)
        elif future := self._requests.pop(event.request, None):
            if event.error is None:
                resolve(future, None)
            else:
                fail(future, EngineError(event.error))

    def _on_prompt_loaded(self, event: Event.PromptLoaded) -> None:
        if future := self._requests.pop(event.request, None):
            resolve(future, event.prompt)

    def _on_response(self, event: Event.Response) -> None:
        if future := self._requests.pop(event.request, None):
            resolve(future, event)

    def _on_recorded(self, event: Event.Recorded) -> None:
        if future := self._recordings.pop(event.recording, None):
            if event.error is None:
                resolve(future, None)
            else:
                fail(future, EngineError(event.error))

    def _on_play_finished(self, event: Event.PlayFinished) -> None:
        _wake(self._writing, event.play)
        why = self._unreadable.pop(event.play, None)
        if future := self._plays.pop(event.play, None):
            if why is None:
                resolve(future, event.complete)
            else:
                fail(future, SoundNotFound(why))

    def _on_play_failed(self, event: Event.PlayFailed) -> None:
        if event.play in self._plays:
            self._unreadable[event.play] = event.reason
        else:
            # Another thread has told of its end before, or nobody follows it.
            logger.warning("a sound could not be played to its end", why=event.reason)


def _wake(table: dict[int, set[asyncio.Future[None]]], key: int) -> None:
    for future in table.pop(key, ()):
        resolve(future, None)
