"""What lines are like: loss, jitter and how a call sounds, read once a second by who wants to know."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Final

from ..errors import is_failure
from ..log import logger

if TYPE_CHECKING:
    from ..engine import Engine, Quality

#: How often, in seconds, the figures of a line are made and read.
EACH: Final = 1.0


def follow(
    engine: Engine, calls: Callable[[], Collection[int]], tell: Callable[[Mapping[int, Quality]], None]
) -> Callable[[], None]:
    """Tells the figures of all of ``calls()`` by id, soon and then each second; returns what ends that.

    They are read for all calls at once. Nothing is done for calls that nobody follows.
    """
    loop = asyncio.get_running_loop()
    handle: asyncio.TimerHandle | None = None

    def look() -> None:
        nonlocal handle
        handle = loop.call_later(EACH, look)
        ids = list(calls())
        known = {id: found for id, found in zip(ids, engine.core.quality(ids), strict=True) if found}
        try:
            tell(known)
        except BaseException as error:
            if not is_failure(error):
                raise
            logger.exception("a follower of lines failed")

    handle = loop.call_later(0, look)

    def end() -> None:
        handle.cancel()

    return end
