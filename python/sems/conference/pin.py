"""Asking callers for the PIN of a room, and slowing down those who guess."""

from __future__ import annotations

import asyncio
import hmac
from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final
from weakref import WeakValueDictionary

from .errors import WrongPin
from .participant import Role

if TYPE_CHECKING:
    from ..call import Call
    from .speech import Speech

#: How often one call may try.
TRIES: Final = 3
#: For so long, in seconds, a wrong guess slows down the next ones.
REMEMBERED: Final = 600.0
#: So many wrong guesses cost nobody anything; …
FREE: Final = 3
#: … and so much, in seconds, a guess takes at most.
LONGEST: Final = 10.0


#: So many wrong guesses of whomever within that time slow down everybody alike.
CROWD: Final = 24


class Guesses:
    """Wrong PINs of one room. Who has guessed wrong often has his guesses looked at one by one, each after a
    delay that doubles with every wrong one: whoever calls often at once gains nothing by it. Others need not
    wait for that, as long as it is not a crowd that guesses."""

    def __init__(self) -> None:
        self._wrong: deque[tuple[float, str]] = deque(maxlen=2 * CROWD)
        """When, and by whom."""
        self._one_by_one: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def check(self, keyed: str, pins: Mapping[str, object], guesser: str = "") -> str | None:
        """Which of the PINs it is, after the delay; ``None``: none of them. ``guesser``: who keys it in, as
        surely as that is known."""
        if self.delay(guesser):
            async with self._one_by_one.setdefault(self._queue(guesser), asyncio.Lock()):
                await asyncio.sleep(self.delay(guesser))
        right = [pin for pin in pins if hmac.compare_digest(pin.encode(), keyed.encode())]
        if not right:
            loop = asyncio.get_running_loop()
            self._wrong.append((loop.time(), guesser))
            # This also keeps all of them for so long, whoever forgets the room in the meantime.
            loop.call_later(REMEMBERED, self._forget)
        return right[0] if right else None

    def _queue(self, guesser: str) -> str:
        return "" if len(self._wrong) >= CROWD else guesser

    def _forget(self) -> None:
        """What is so old that it counts no more."""
        oldest = asyncio.get_running_loop().time() - REMEMBERED
        while self._wrong and self._wrong[0][0] < oldest:
            self._wrong.popleft()

    def delay(self, guesser: str = "") -> float:
        """What his next guess has to wait, in seconds."""
        self._forget()
        wrong = len(self._wrong)
        if wrong < CROWD:
            wrong = sum(who == guesser for _, who in self._wrong)
        over = wrong - FREE
        return 0.0 if over < 0 else min(LONGEST, 0.5 * 2.0**over)


async def ask_pin(
    call: Call, speech: Speech, guesses: Guesses, pin: str | None, moderator_pin: str | None
) -> Role | None:
    """Asks for one of the PINs; where there is only one for moderators, ``#`` alone is enough for others.

    Returns the role that comes with it; ``None``: none in particular. Raises WrongPin after three that
    are wrong, and HungUp.
    """
    pins: dict[str, Role | None] = {}
    if moderator_pin is not None:
        pins[moderator_pin] = Role.MODERATOR
    if pin is not None:
        # Sections of the configuration may together make them the same, which makes nobody more.
        pins[pin] = None
    for attempt in range(TRIES):
        prompts = (
            [speech.find("enter-pin")]
            if attempt == 0
            else [
                speech.find("wrong-pin"),
                speech.find("enter-pin"),
            ]
        )
        keyed = await call.ask(prompts, digits=None, timeout=10.0, retries=0)
        if not keyed and pin is None:
            return None
        right = await guesses.check(keyed, pins, _guesser(call))
        if right is not None:
            return pins[right]
        call.log.info("a wrong PIN was keyed in", attempt=attempt + 1)
    raise WrongPin


def _guesser(call: Call) -> str:
    """Who calls: as a neighbour whom we trust says, or else from which address."""
    identity = call.asserted_identity
    return call.source.rpartition(":")[0] if identity is None else identity.uri
