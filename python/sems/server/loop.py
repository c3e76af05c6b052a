"""The loop of a server, which goes on whatever the services do in it."""

from __future__ import annotations

import asyncio
import math
import selectors
import time
import traceback
from typing import Any, Final

from ..log import logger

BLOCKED: Final = 1.0
"""For so many seconds without a pause Python may be busy before that is told …"""
_ONCE_IN: Final = 10.0
"""… which it is once in so many."""
_INSTEAD: Final = (
    "await call.sleep() in place of time.sleep(), asyncio.to_thread() for what takes long; "
    "PYTHONASYNCIODEBUG=1 names the task"
)


class _Selector(selectors.DefaultSelector):
    """Asks the system every second time at most while there is something else to do: what has just come has
    mostly had a task woken, which is run at once so, and nothing new can have come that soon."""

    def __init__(self) -> None:
        super().__init__()
        self._passed_over = False
        self._returned = math.inf
        self._next_told = 0.0
        self._most = math.inf

    def watch(self, seconds: float) -> None:
        """Tells from now on when the loop is away for longer."""
        self._most = seconds
        # The start of a server, which may take long, is no matter of services.
        self._returned = time.monotonic()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        now = time.monotonic()
        if now - self._returned > self._most and now >= self._next_told:
            self._next_told = now + _ONCE_IN
            seconds = round(now - self._returned, 1)
            logger.warning(
                "Python was blocked, and decided nothing meanwhile", seconds=seconds, instead=_INSTEAD
            )
        if timeout == 0 and not self._passed_over:
            self._passed_over = True
            self._returned = now
            return []
        self._passed_over = False
        come = super().select(timeout)
        self._returned = time.monotonic()
        return come


class EnduringLoop(asyncio.SelectorEventLoop):
    """A loop that ends with what it was to run, and not when a task or a callback beside that calls
    ``sys.exit()``, as asyncio's own do: that ends only who called it, as any other exception would."""

    def __init__(self, selector: selectors.BaseSelector | None = None) -> None:
        self._own = _Selector() if selector is None else None
        super().__init__(self._own or selector)

    def tell_when_blocked(self, seconds: float = BLOCKED) -> None:
        """From now on a callback or a task that keeps all others waiting for longer is told of in the log."""
        if self._own is not None:
            self._own.watch(seconds)

    def run_until_complete(self, future: Any) -> Any:
        """As always."""
        whole = asyncio.ensure_future(future, loop=self)
        while True:
            try:
                return super().run_until_complete(whole)
            except SystemExit as error:
                if whole.done():
                    raise
                place = traceback.extract_tb(error.__traceback__)[-1]
                logger.warning(
                    "sys.exit() ends what has called it, and not the server",
                    place=f"{place.filename}, line {place.lineno}",
                )
