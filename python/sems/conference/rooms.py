"""The mixing rooms of a conference: the main room, and side rooms while somebody is in them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Final

from ..errors import SemsError, WrongState
from ..events import Levels

if TYPE_CHECKING:
    from ..audio.room import Room

#: Readings of several rooms are told together, so often at most, in seconds.
_READING: Final = 0.1


class Rooms:
    """Opens rooms when they are needed, all with the same settings, and reads their levels as one."""

    def __init__(
        self,
        open_room: Callable[[], asyncio.Task[Room]],
        tell_levels: Callable[[Mapping[int, int]], None],
    ) -> None:
        """``open_room`` opens one more; ``tell_levels`` is told how loud who sounds, by call."""
        self._open_room = open_room
        self._tell_levels = tell_levels
        self._rooms: dict[str | None, Room] = {}
        self._opening: dict[str | None, asyncio.Task[Room]] = {}
        self._readings: dict[str | None, Mapping[int, int]] = {}
        self._telling: asyncio.TimerHandle | None = None
        self._watched = False
        self._closed = False

    @property
    def main(self) -> Room | None:
        """The main room, once it is open."""
        return self._rooms.get(None)

    def find(self, name: str | None) -> Room | None:
        """The side room of that name, if it is open; ``None``: the main room."""
        return self._rooms.get(name)

    async def of(self, name: str | None) -> Room:
        """The side room of that name, opened if there is none; ``None``: the main room."""
        if self._closed:
            raise WrongState("the conference is over")
        if name not in self._rooms:
            if name not in self._opening:
                self._opening[name] = self._open_room()
            opening = self._opening[name]
            try:
                room = await asyncio.shield(opening)
            except SemsError:
                self._opening.pop(name, None)
                raise
            if self._opening.get(name) is opening:
                del self._opening[name]
                self._take(name, room)
        return self._rooms[name]

    def _take(self, name: str | None, room: Room) -> None:
        self._rooms[name] = room
        room.subscribe(lambda levels: self._on_levels(name, levels))
        if not self._watched:
            room.watch_levels(False)

    def watch_levels(self, on: bool) -> None:
        """Whether levels are read, in all rooms."""
        self._watched = on
        for room in self._rooms.values():
            room.watch_levels(on)

    async def close_others(self, used: Iterable[Room | None]) -> None:
        """Closes the side rooms that are not among the ``used`` ones."""
        kept = {None, *used}
        for name, room in list(self._rooms.items()):
            if name is not None and room not in kept:
                del self._rooms[name]
                self._readings.pop(name, None)
                with contextlib.suppress(SemsError):
                    await room.close()

    async def close(self) -> None:
        """Closes all of them, also those that are about to be opened."""
        self._closed = True
        if self._telling:
            self._telling.cancel()
        for opening in list(self._opening.values()):
            with contextlib.suppress(SemsError, asyncio.CancelledError):
                await (await opening).close()
        for room in list(self._rooms.values()):
            with contextlib.suppress(SemsError):
                await room.close()

    def _on_levels(self, name: str | None, levels: Levels) -> None:
        self._readings[name] = levels.levels
        if len(self._rooms) == 1:
            self._tell()
        elif self._telling is None:
            self._telling = asyncio.get_running_loop().call_later(_READING, self._tell)

    def _tell(self) -> None:
        self._telling = None
        self._tell_levels({call: level for each in self._readings.values() for call, level in each.items()})
