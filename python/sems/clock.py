"""What time it is."""

from __future__ import annotations

import asyncio
import time


class Clock:
    """Seconds since 1970 that pass as the loop's time does: in a test in virtual time as well."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._ahead = time.time() - self._loop.time()

    def now(self) -> float:
        """Seconds since 1970."""
        return self._ahead + self._loop.time()
