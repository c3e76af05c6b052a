"""No more requests than a server can be asked."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from starlette.exceptions import HTTPException

#: Of so many who asked lately it is known how often.
_KNOWN: Final = 10_000


class Rates:
    """How often each credential, and each address that shows none that is known, may ask."""

    def __init__(self, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        """``per_second``: how often one may ask; twice as often at once; 0: as often as he likes."""
        self._per_second = per_second
        self._clock = clock
        # What is left to somebody, and when that was so. Who asked last comes last.
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def ask(self, who: str) -> None:
        """Somebody asks for something. Raises HTTPException 429 with Retry-After if that is too often."""
        if not self._per_second:
            return
        now = self._clock()
        most = max(1.0, 2.0 * self._per_second)
        left, since = self._left.pop(who, (most, now))
        left = min(most, left + (now - since) * self._per_second)
        enough = left >= 1.0
        self._left[who] = (left - 1.0 if enough else left, now)
        if len(self._left) > _KNOWN:
            self._left.popitem(last=False)
        if not enough:
            wait = max(1, math.ceil((1.0 - left) / self._per_second))
            raise HTTPException(429, "That was too often. Please wait a moment.", {"Retry-After": str(wait)})
