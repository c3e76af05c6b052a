"""What became of the calls of the last hour, minute by minute."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ..call import Call

#: So many minutes are remembered.
MINUTES: Final = 60


@dataclass(slots=True)
class Minute:
    """The calls of one minute."""

    number: int
    """Minutes since 1970."""
    most: int = 0
    """Calls at once, at most."""
    begun: int = 0
    answered: int = 0
    setup_seconds: float = 0.0
    """From INVITE to answer, of all that were answered together."""
    codes: Counter[str] = field(default_factory=Counter)
    """How calls ended that were never answered: ``4xx``, ``5xx``, ``6xx``, ``none``: no response."""


class History:
    """Counts calls as they come and go. Costs a few additions a call."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._minutes: deque[Minute] = deque(maxlen=MINUTES)
        self._calls = 0

    def begins(self) -> None:
        """There is one more call."""
        self._calls += 1
        now = self._now()
        now.begun += 1
        if self._calls > now.most:
            now.most = self._calls

    def ends(self, call: Call) -> None:
        """It is over."""
        now = self._now()
        self._calls -= 1
        if call.answered_at is not None:
            now.answered += 1
            now.setup_seconds += max(0.0, call.answered_at - call.started)
        else:
            code = call.end.code if call.end else None
            now.codes[f"{code // 100}xx" if code else "none"] += 1

    @property
    def minutes(self) -> tuple[Minute, ...]:
        """The minutes of the last hour in which there was a call, the last is the present one."""
        oldest = self._now().number - MINUTES
        return tuple(each for each in self._minutes if each.number > oldest)

    def _now(self) -> Minute:
        number = int(self._clock() // 60)
        if not self._minutes or self._minutes[-1].number < number:
            self._minutes.append(Minute(number, most=self._calls))
        return self._minutes[-1]
