"""What one member hears louder or softer than the others do."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from ..errors import EngineError, HungUp, WrongState
from .keypad import FARTHEST

if TYPE_CHECKING:
    from .member import Member


class Ears:
    """Keeps what the call of a member hears as the model, and his keys, say."""

    def __init__(self, member: Member) -> None:
        self._member = member
        self.room_gain = 0.0
        """So much louder, in dB, he hears the room."""
        self._applied: dict[int, float] = {}

    def nudge(self, gain: float) -> None:
        """He hears the room louder by ``gain`` dB, as far as that makes sense."""
        self.room_gain = min(FARTHEST, max(-FARTHEST, self.room_gain + gain))
        self._member.spawn(self._hear_room())

    def follow(self) -> None:
        """The volumes of the model are others."""
        self._member.spawn(self._hear_others(restore=False))

    def restore(self) -> None:
        """Something else, a new room or a private talk, has changed what he hears: it is as before again."""
        self._applied.clear()
        if self.room_gain:
            self._member.spawn(self._hear_room())
        if self._member.conference.model.volumes(self._member.id):
            self._member.spawn(self._hear_others(restore=True))

    async def _hear_room(self) -> None:
        with contextlib.suppress(HungUp, EngineError, WrongState):
            await self._member.call.hear_room(self.room_gain)

    async def _hear_others(self, *, restore: bool) -> None:
        conference = self._member.conference
        wanted = conference.model.volumes(self._member.id)
        for id in {*wanted, *self._applied}:
            gain = wanted.get(id)
            other = conference.members.get(id)
            if other is None or (gain == self._applied.get(id) and not restore):
                continue
            with contextlib.suppress(HungUp, EngineError, WrongState):
                await self._member.call.hear(other.call, gain)
            if gain is None:
                self._applied.pop(id, None)
            else:
                self._applied[id] = gain
