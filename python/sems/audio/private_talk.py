"""Calls of a room that talk without the room hearing it."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

from .. import checks
from ..errors import EngineError, HungUp, WrongState

if TYPE_CHECKING:
    from ..call import Call
    from .room import Room


class PrivateTalk:
    """Members of a room who hear each other while the room hears nothing of it, until :meth:`end`.

    Made by :meth:`Room.private_talk() <sems.audio.room.Room.private_talk>` and
    :meth:`Room.coach() <sems.audio.room.Room.coach>`. Ends with ``async with`` too.

    Who leaves the room is out of it. It ends when nobody is left who could be heard by somebody.

    >>> async with await room.private_talk(call, other) as talk:
    ...     await call.sleep(5)                 # the room hears neither
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
            self._must_be_here(call)
        for call in self.talkers:
            self._must_be_free(call)
        for call in {*self.talkers, *self.listeners}:
            self._take(call)
        try:
            for call in self.talkers:
                await call.whisper(self.listeners)
            for call in self.listeners:
                if self._room_gain != 0.0:
                    await call.set_room_volume(self._room_gain)
        except BaseException:
            await self.end()
            raise

    async def add(self, call: Call) -> None:
        """One more of the room hears all who are in it, and they hear him.

        Raises WrongState when it has ended, when it is a coach's, and as :meth:`Room.private_talk()
        <sems.audio.room.Room.private_talk>`; HungUp when his call has ended."""
        checks.call("call", call)
        if self.ended or set(self.talkers) != set(self.listeners):
            raise WrongState("nobody can be added to this talk")
        self._must_be_here(call)
        self._must_be_free(call)
        self.talkers += (call,)
        self.listeners += (call,)
        self._take(call)
        try:
            for talker in self.talkers:
                with contextlib.suppress(HungUp, WrongState):
                    await talker.whisper(self.listeners)
            if self._room_gain != 0.0:
                await call.set_room_volume(self._room_gain)
        except BaseException:
            # He is in it altogether, or not at all.
            self.room.server.spawn(self.remove(call))
            raise

    async def remove(self, call: Call) -> None:
        """He is back in the room; the talk ends if that leaves nobody to talk with. Harmless for one who is
        not in it."""
        checks.call("call", call)
        if call not in self.talkers and call not in self.listeners:
            return
        self._forget(call)
        if self._is_over():
            try:
                await self._give_back_to([call])
            finally:
                await self.end()
            return
        try:
            for talker in self.talkers:
                with contextlib.suppress(HungUp, WrongState):
                    await talker.whisper(self.listeners)
        finally:
            await self._give_back_to([call])

    async def end(self) -> None:
        """The room hears them again, and they the room as loud as before, also if this is cancelled.
        Idempotent."""
        if self.ended:
            return
        self.ended = True
        for call in {*self.talkers, *self.listeners}:
            call.when_out_of_room(self, None)
            if call.private_talk is self:
                call.private_talk = None
        await self._give_back_to([*{*self.talkers, *self.listeners}])

    async def _give_back_to(self, calls: list[Call]) -> None:
        """To all of them, also if this is cancelled."""
        try:
            while calls:
                await self._give_back(calls[-1])
                calls.pop()
        except BaseException:
            self.room.server.spawn(self._give_back_to(calls))
            raise

    async def _give_back(self, call: Call) -> None:
        if call.room is not self.room:
            return
        with contextlib.suppress(HungUp, EngineError):
            if call.private_talk is None:
                await call.whisper(None)
            if self._room_gain != 0.0:
                await call.set_room_volume(0.0)

    def _must_be_here(self, call: Call) -> None:
        if call.room is not self.room:
            raise WrongState(f"call {call.id} is not in the room")

    def _must_be_free(self, call: Call) -> None:
        if call.private_talk is not None:
            raise WrongState(f"call {call.id} is in a private talk already")

    def _take(self, call: Call) -> None:
        if call in self.talkers:
            call.private_talk = self
        call.when_out_of_room(self, functools.partial(self._on_out_of_room, call))

    def _forget(self, call: Call) -> None:
        self.talkers = tuple(each for each in self.talkers if each is not call)
        self.listeners = tuple(each for each in self.listeners if each is not call)
        call.when_out_of_room(self, None)
        if call.private_talk is self:
            call.private_talk = None

    def _is_over(self) -> bool:
        return not any(talker is not other for talker in self.talkers for other in self.listeners)

    def _on_out_of_room(self, call: Call) -> None:
        self._forget(call)
        if self._is_over() and not self.ended:
            self.room.server.spawn(self.end())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.end()
