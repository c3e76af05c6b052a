"""What a server does that nobody waits for."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from typing import Any

from ..errors import SemsError, is_failure
from ..log import logger
from ..waiting import cancelled

# What those that are cancelled may take to clean up, in seconds.
_CLEANING_TIME = 0.2


class Chores:
    """For the server: work in tasks of its own, until it stops."""

    def __init__(self) -> None:
        """None at first."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    def __len__(self) -> int:
        return len(self._tasks)

    def __iter__(self) -> Iterator[asyncio.Task[None]]:
        """Those that are not done."""
        return iter(self._tasks)

    def spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        """Does it; once closed, does not. What it raises is logged."""
        if self._closed:
            return work.close()

        async def quietly() -> None:
            try:
                await work
            except SemsError as error:
                logger.debug("a chore could not be done", why=str(error))
            except BaseException as error:
                if not is_failure(error):
                    raise
                logger.exception("a chore failed")

        def over(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            # What was cancelled before it began has not been awaited, and need not be.
            work.close()

        task = asyncio.create_task(quietly())
        self._tasks.add(task)
        task.add_done_callback(over)

    async def close(self) -> None:
        """Cancels what is not done; what that leaves to do is not done any more."""
        self._closed = True
        for _ in await cancelled(tuple(self._tasks), _CLEANING_TIME):
            logger.error("a chore does not end though it is cancelled, and is given up")
