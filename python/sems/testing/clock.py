"""An asyncio loop in virtual time.

Time passes only when nothing else is left to do: no callback is ready, no engine has work, no thread
that was asked for something is busy. Then it jumps to what comes next. So twenty seconds of a prompt
pass in milliseconds, and a slow machine can't make a test fail.
"""

from __future__ import annotations

import asyncio
import contextlib
import linecache
import math
import os
import selectors
from collections.abc import Callable, Iterator, Mapping
from types import FrameType
from typing import Any, NoReturn, TypeVarTuple

from ..engine import Engine
from ..server.loop import EnduringLoop

_Ts = TypeVarTuple("_Ts")

NANOSECONDS = 1_000_000_000

# How long a thread that was asked for something may really take, in seconds.
_PATIENCE = 60.0
# How often engines may have more to do without time passing.
_ROUNDS = 100_000
# Where nobody looks for the line at which his test waits.
_NOT_OF_TESTS = tuple(
    f"{os.path.dirname(file)}{os.sep}" for file in (os.path.dirname(__file__), asyncio.__file__)
)


class NothingWillHappen(RuntimeError):
    """A test waits for what can't come: no timer, no packet and no thread is under way.

    >>> NothingWillHappen.__mro__[1].__name__
    'RuntimeError'
    """


class TimeIsUp(RuntimeError):
    """More virtual time has passed than the test was given.

    >>> TimeIsUp.__mro__[1].__name__
    'RuntimeError'
    """


class VirtualLoop(EnduringLoop):
    """The loop. Engines on a memory network are stepped by it; real sockets raise RuntimeError.

    >>> loop = asyncio.get_running_loop()
    >>> begin = loop.time()
    >>> await asyncio.sleep(3600)               # takes no time
    >>> loop.time() - begin
    3600.0
    """

    def __init__(self, limit: float = 3600.0) -> None:
        """``limit``: how many seconds of virtual time may pass before TimeIsUp."""
        self._now = 0
        self._limit = self._ends = round(limit * NANOSECONDS)
        self._engines: list[Engine] = []
        self._threads = 0
        self._busy: list[Callable[[], bool]] = []
        self._test: asyncio.Future[Any] | None = None
        super().__init__(_Selector(self))
        # Timers that are due at the same nanosecond run together.
        self._clock_resolution = 1 / NANOSECONDS

    def run_until_complete(self, future: Any) -> Any:
        """As always. What waits in vain, or for too long, is cancelled, so that it puts away what it has."""
        test = self._test = asyncio.ensure_future(future, loop=self)
        try:
            return super().run_until_complete(test)
        except (NothingWillHappen, TimeIsUp):
            self._ends = self._now + self._limit
            test.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                super().run_until_complete(test)
            raise
        finally:
            self._test = None

    def time(self) -> float:
        """Seconds since the loop was made."""
        return self._now / NANOSECONDS

    def attach(self, engine: Engine) -> None:
        """Steps the engine from now on."""
        self._engines.append(engine)

    def detach(self, engine: Engine) -> None:
        """Leaves it alone again."""
        if engine in self._engines:
            self._engines.remove(engine)

    def stand_still_while(self, busy: Callable[[], bool]) -> None:
        """No time passes while ``busy()`` says that a thread works for us.

        Whoever it is must wake the loop with ``call_soon_threadsafe`` when it is done.
        """
        self._busy.append(busy)

    def run_in_executor(self, executor: Any, func: Callable[[*_Ts], Any], *args: *_Ts) -> asyncio.Future[Any]:
        """As always; meanwhile no time passes."""
        future = super().run_in_executor(executor, func, *args)
        self._threads += 1

        def done(_: asyncio.Future[Any]) -> None:
            self._threads -= 1

        future.add_done_callback(done)
        return future

    def pass_time(self, timeout: float | None, wait_for_threads: Callable[[float], bool]) -> None:
        """For the selector: does what is due, or else lets time pass until something is."""
        if self._step():
            return
        if self._threads or any(busy() for busy in self._busy):
            if not wait_for_threads(_PATIENCE):
                raise TimeIsUp(f"a thread has not answered within {_PATIENCE:g} real seconds")
            return
        coming = [
            deadline for engine in self._engines if (deadline := engine.core.next_deadline()) is not None
        ]
        if timeout is not None:
            coming.append(self._now + max(1, math.ceil(timeout * NANOSECONDS)))
        if not coming:
            raise NothingWillHappen(f"the test waits for something that can't come any more{self._where()}")
        self._now = max(self._now, min(coming))
        if self._now > self._ends:
            passed = f"{self._limit / NANOSECONDS:g} seconds of virtual time have passed"
            raise TimeIsUp(f"{passed}{self._where('; the test waits')}")
        # Idle engines come along, so that what they are asked next begins now and not when they last
        # had something to do.
        for engine in tuple(self._engines):
            engine.core.step(self._now)
            engine.drain()
        self._step()

    def _where(self, before: str = "") -> str:
        """At which line of its own the test waits, which no traceback shows: it is the loop that fails."""
        if not isinstance(self._test, asyncio.Task):
            return ""
        waiting = [(frame.f_code.co_filename, frame.f_lineno) for frame in _frames(self._test)]
        own = [place for place in waiting if not place[0].startswith(_NOT_OF_TESTS)]
        if not own:
            return ""
        file, line = own[-1]
        return f"{before} at {file}, line {line}: {linecache.getline(file, line).strip()}"

    def _step(self) -> bool:
        """Lets engines do what is due now; True when one of them had anything to tell."""
        for _ in range(_ROUNDS):
            worked = told = False
            for engine in tuple(self._engines):
                deadline = engine.core.next_deadline()
                if deadline is not None and deadline <= self._now:
                    engine.core.step(self._now)
                    worked = True
                    told = engine.drain() or told
            if told:
                return True
            if not worked:
                return False
        raise TimeIsUp("an engine always has more to do and lets no time pass")

    async def shutdown_default_executor(self, *args: Any, **kwargs: Any) -> None:
        """As always; meanwhile no time passes."""
        self._threads += 1
        try:
            await super().shutdown_default_executor(*args, **kwargs)
        finally:
            self._threads -= 1

    # What belongs to the real world

    async def getaddrinfo(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Raises."""
        _no_sockets()

    async def create_connection(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Raises."""
        _no_sockets()

    async def create_server(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Raises."""
        _no_sockets()

    async def create_datagram_endpoint(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Raises."""
        _no_sockets()

    async def create_unix_connection(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Raises."""
        _no_sockets()

    async def create_unix_server(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Raises."""
        _no_sockets()

    async def subprocess_exec(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Raises."""
        _no_sockets()

    async def subprocess_shell(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Raises."""
        _no_sockets()


def _frames(task: asyncio.Task[Any]) -> Iterator[FrameType]:
    """Those of the coroutines in which a task waits, from the outermost."""
    waiting: Any = task.get_coro()
    while waiting is not None:
        if frame := getattr(waiting, "cr_frame", None):
            yield frame
        waiting = getattr(waiting, "cr_await", None)


def _no_sockets() -> NoReturn:
    raise RuntimeError("there are no real sockets and processes in virtual time")


class _Selector(selectors.BaseSelector):
    """Stands where the loop would wait for the machine."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self._wakes = selectors.DefaultSelector()

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        # Of the machine there is only the pipe by which threads wake the loop: the first to come.
        if self._wakes.get_map():
            _no_sockets()
        return self._wakes.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._wakes.unregister(fileobj)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._wakes.get_map()

    def close(self) -> None:
        self._wakes.close()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        woken = self._wakes.select(0)
        if not woken and (timeout is None or timeout > 0):
            self._loop.pass_time(timeout, self._wait_for_threads)
        return woken

    def _wait_for_threads(self, seconds: float) -> bool:
        # What woke us is taken in the next round.
        return bool(self._wakes.select(seconds))
