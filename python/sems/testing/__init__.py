"""The test kit: the real engine on a network in memory, in virtual time.

A :class:`Lab` holds servers and :class:`Phone`\\ s. A phone calls an app, presses keys, speaks a tone
and hears; twenty seconds of it pass in milliseconds, and the same seed gives the same run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from .. import checks
from .clock import NothingWillHappen, TimeIsUp, VirtualLoop
from .hearing import Hearing
from .known import Heard
from .lab import Lab
from .listening import NotHeard
from .phone import Phone
from .replays import replay

__all__ = [
    "Heard",
    "Hearing",
    "Lab",
    "NotHeard",
    "NothingWillHappen",
    "Phone",
    "TimeIsUp",
    "VirtualLoop",
    "replay",
    "run",
]

_Result = TypeVar("_Result")


def run(main: Coroutine[Any, Any, _Result], *, limit: float = 3600.0) -> _Result:
    """Runs a coroutine in virtual time; ``limit``: how many seconds of it may pass.

    >>> async def main() -> None:
    ...     async with Lab() as lab:
    ...         await lab.server()
    ...         phone = await lab.phone("anna")
    ...         await phone.call("sip:echo@sems")
    >>> # run(main())
    """
    checks.kind("main", main, "a coroutine", Coroutine)
    checks.seconds("limit", limit, more_than_0=True)
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(limit)) as runner:
        return runner.run(main)
