"""Rooms by the number that a caller keys in, for all who dial one number."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from .pin import Guesses

if TYPE_CHECKING:
    from ..call import Call
    from ..config import Config

#: Of so many callers it is remembered how often they were wrong.
MOST: Final = 1000


class Numbers:
    """Finds rooms, and slows down who tries one number after the other."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._guesses: OrderedDict[str, Guesses] = OrderedDict()

    async def find(self, call: Call, number: str, *, known: bool) -> str | None:
        """The name of the room, after the delay that wrong ones before have earned this caller."""
        names = self._names()
        if number.isascii() and number.isdigit() and number not in names and not known:
            names[number] = number
        if await self._of(call).check(number, dict.fromkeys(names)) is None:
            call.log.info("a number was keyed in that no room has")
            return None
        return names[number]

    def _names(self) -> dict[str, str]:
        """The rooms that the configuration names, by number."""
        rooms = self._config.rooms
        numbered = {settings.number: name for name, settings in rooms.items() if settings.number is not None}
        plain = (name for name, settings in rooms.items() if settings.number is None)
        return {**{name: name for name in plain if name.isascii() and name.isdigit()}, **numbered}

    def _of(self, call: Call) -> Guesses:
        # Behind a proxy all come from one address.
        who = call.caller_uri if call.trusted else call.source.rpartition(":")[0]
        guesses = self._guesses.setdefault(who, Guesses())
        self._guesses.move_to_end(who)
        if len(self._guesses) > MOST:
            self._guesses.popitem(last=False)
        return guesses
