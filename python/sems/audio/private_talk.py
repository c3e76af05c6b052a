"""Calls of a room that talk without the room hearing it."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

from ..errors import EngineError, HungUp, WrongState

if TYPE_CHECKING:
    from ..call import Call
    from .room import Room


class PrivateTalk:
    """Members of a room who hear each other while the room hears nothing of it, until :meth:`end`.

    Made by :meth:`Room.private_talk() <sems.audio.room.Room.private_talk>` and
    :meth:`Room.coach() <sems.audio.room.Room.coach>`. Ends with ``async with`` too.

    Who leaves the room is out of it; whoever is left is heard by nobody until the talk is ended.
    """

    def __init__(
        self, room: Room, talkers: Sequence[Call], listeners: Sequence[Call], room_gain: float
    ) -> None:
        self.room = room
        self.talkers = tuple(talkers)
        """Whom the room does not hear."""
        self.listeners = tuple(listeners)
        """Who hears them."""
        self.ended = False
        self._room_gain = room_gain

    async def begin(self) -> None:
        """For the room: takes the talkers out of it, and lets the listeners hear them. Raises WrongState
        for a call that is not in the room or talks privately already, and HungUp."""
        for call in {*self.talkers, *self.listeners}:
            if call.room is not self.room:
                raise WrongState(f"call {call.id} is not in the room")
        for call in self.talkers:
            if call.private_talk is not None:
                raise WrongState(f"call {call.id} is in a private talk already")
        for call in self.talkers:
            call.private_talk = self
        try:
            # First of all nobody else is to hear them.
            for call in self.talkers:
                await call.aside(True)
            for listener in self.listeners:
                for talker in self.talkers:
                    if talker is not listener:
                        await listener.hear(talker, 0.0)
                if self._room_gain != 0.0:
                    await listener.hear_room(self._room_gain)
        except BaseException:
            await self.end()
            raise

    async def end(self) -> None:
        """The room hears them again, and they the room as loud as before. Idempotent."""
        if self.ended:
            return
        self.ended = True
        for listener in self.listeners:
            for talker in self.talkers:
                if talker is not listener and listener.room is talker.room:
                    with contextlib.suppress(HungUp, EngineError, WrongState):
                        await listener.hear(talker, None)
            if self._room_gain != 0.0 and listener.room is self.room:
                with contextlib.suppress(HungUp, EngineError):
                    await listener.hear_room(0.0)
        for talker in self.talkers:
            if talker.private_talk is self:
                talker.private_talk = None
                if talker.room is self.room:
                    with contextlib.suppress(HungUp, EngineError):
                        await talker.aside(False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.end()
