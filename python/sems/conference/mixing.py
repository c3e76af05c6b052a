"""Keeps every call of a conference where the model says: in which room, and who hears whom there."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from ..errors import EngineError, HungUp, WrongState
from .events import (
    CameBack,
    Event,
    LineChanged,
    ModeChanged,
    ParticipantChanged,
    TalkChanged,
    VoiceChanged,
    VolumesChanged,
    WentPrivate,
)
from .talks import Background, TalkState

if TYPE_CHECKING:
    from ..audio.room import Room
    from ..call import Call
    from .member import Member
    from .model import ConferenceModel
    from .rooms import Rooms

#: The greatest gain that the mixer has, in dB.
LOUDEST: Final = 18.0

#: For so long, in seconds, the room does not hear one whose private talk another has ended: he may be in the
#: middle of a sentence that is not for it, and has to hear first that it would be.
BREATH: Final = 1.5

#: How loud the room is, in dB, for those who talk in private.
BACKGROUND: Final = {Background.SOFT: -20.0, Background.OFF: -math.inf, Background.FULL: 0.0}


@dataclass(frozen=True, slots=True)
class Place:
    """What is to be so of one call."""

    here: bool = False
    """It is in a room of the conference."""
    side_room: str | None = None
    muted: bool = True
    """Nobody hears it."""
    whispers_to: frozenset[int] | None = None
    """Ids of those who alone hear it; ``None``: its room does."""
    room_volume: float = 0.0
    """So much louder, in dB, it hears the room."""
    volumes: Mapping[int, float] = field(default_factory=dict)
    """The gains, in dB, with which it alone hears others, by their ids."""

    @classmethod
    def of(cls, id: int, model: ConferenceModel, room_gain: float = 0.0) -> Place:
        """As the model says; ``room_gain``: so much louder, in dB, he wants to hear the room."""
        him = model.participants.get(id)
        if him is None:
            return cls()
        talk = model.talk_of(id)
        if talk and (talk.state is not TalkState.TALKING or id not in talk.members):
            talk = None
        room_volume = room_gain + (BACKGROUND[talk.room] if talk else 0.0)
        volumes = {
            other: gain if talk and other in talk.talkers else min(LOUDEST, gain + room_volume)
            for other, gain in model.volumes(id).items()
        }
        return cls(
            here=True,
            side_room=him.side_room,
            muted=not model.heard(him),
            whispers_to=frozenset(talk.members) - {id} if talk and him.private else None,
            room_volume=room_volume,
            volumes=volumes,
        )


@dataclass(slots=True)
class _Standing:
    """How a call is mixed now, as far as the core has said that it is; the rest knows the call itself."""

    member: Member
    room_volume: float = 0.0
    volumes: dict[int, float] = field(default_factory=dict)

    @property
    def call(self) -> Call:
        return self.member.call


_Step = Callable[[_Standing, Place], Awaitable[None]]


class Mixing:
    """Follows the model, and changes what is not as it says.

    Changes are made in an order in which nobody is ever heard by those who must not hear him: first who
    must be silent is, then calls move, then gains change, and at last who may be heard is.
    """

    def __init__(
        self,
        model: ConferenceModel,
        rooms: Rooms,
        spawn: Callable[[Coroutine[Any, Any, None]], None],
        on_moved: Callable[[Member, Room | None, Room | None], None],
    ) -> None:
        """``on_moved`` is told of each call that has gone from one room to another (``None``: to none)."""
        self._model = model
        self._talked: int | None = None
        """Who was the last to change a talk."""
        self._breathless: dict[int, asyncio.TimerHandle] = {}
        """By id, when the room hears those again whom it does not hear for a moment, whatever else is so."""
        self._rooms = rooms
        self._spawn = spawn
        self._on_moved = on_moved
        self._standings: dict[int, _Standing] = {}
        self._stirred: set[int] = set()
        self._settling = False
        model.subscribe(self._on_event)

    async def enter(self, member: Member) -> None:
        """The call comes in. Raises HungUp."""
        place = self._place(member)
        if place.muted:
            await member.call.mute(True)
        if place.here:
            await member.call.join(await self._rooms.of(place.side_room))
        self._standings[member.id] = _Standing(member)
        self._stir([member.id, *self._those_who_mind(member.id)])

    def follow(self, id: int) -> None:
        """He wants to hear the room louder or softer."""
        self._stir([id])

    def leave(self, member: Member) -> None:
        """The call has ended."""
        if self._standings.pop(member.id, None):
            for other in self._standings.values():
                other.volumes.pop(member.id, None)
            self._breathe(member.id)
            # A side room may be empty now.
            self._stir([member.id])

    def _on_event(self, event: Event) -> None:
        match event:
            case LineChanged() | VoiceChanged():
                pass
            case ModeChanged():
                self._stir(self._standings)
            case TalkChanged(told=told, by=by):
                self._talked = by
                self._stir(told)
            case CameBack(participant=participant) if participant.id != self._talked:
                self._hold_breath(participant.id)
            case WentPrivate(participant=participant):
                self._breathe(participant.id)
            case VolumesChanged(listener=listener):
                self._stir([listener])
            case ParticipantChanged(participant=participant):
                self._stir([participant.id])

    def _hold_breath(self, id: int) -> None:
        self._breathe(id)
        self._breathless[id] = asyncio.get_running_loop().call_later(BREATH, self._breathe, id)

    def _breathe(self, id: int) -> None:
        if timer := self._breathless.pop(id, None):
            timer.cancel()
        self._stir([id])

    def _those_who_mind(self, id: int) -> list[int]:
        """Those who have a volume for him, or talk with him."""
        talk = self._model.talk_of(id)
        listeners = [each for each in self._standings if id in self._model.volumes(each)]
        return [*listeners, *(talk.members if talk else ())]

    def _stir(self, ids: Iterable[int]) -> None:
        self._stirred.update(ids)
        if self._stirred and not self._settling:
            self._settling = True
            self._spawn(self._settle())

    async def _settle(self) -> None:
        try:
            while self._stirred:
                ids, self._stirred = self._stirred, set()
                due = [standing for id in ids if (standing := self._standings.get(id))]
                places = [(each, self._place(each.member)) for each in due]
                for step in (self._hush, self._move, self._tune, self._let_be_heard):
                    await asyncio.gather(*(_quietly(step, *each) for each in places))
                await self._rooms.close_others(each.call.room for each in self._standings.values())
        finally:
            self._settling = False

    def _place(self, member: Member) -> Place:
        place = Place.of(member.id, self._model, member.room_gain)
        return replace(place, muted=True) if member.id in self._breathless else place

    def _moves(self, call: Call, place: Place) -> bool:
        if not place.here:
            return call.room is not None
        return call.room is None or call.room is not self._rooms.find(place.side_room)

    async def _hush(self, standing: _Standing, place: Place) -> None:
        call = standing.call
        whispers, moves = place.whispers_to is not None, self._moves(call, place)
        # Whoever comes to another room does not whisper there yet.
        if (place.muted or (whispers and moves)) and not call.muted:
            await call.mute(True)
        if whispers and not moves and call.whispers_to is None:
            await call.whisper(())

    async def _move(self, standing: _Standing, place: Place) -> None:
        call = standing.call
        if not self._moves(call, place):
            return
        before = call.room
        await call.join(await self._rooms.of(place.side_room) if place.here else None)
        standing.room_volume = 0.0
        standing.volumes.clear()
        for other in self._standings.values():
            other.volumes.pop(standing.member.id, None)
        self._stir(self._those_who_mind(standing.member.id))
        self._on_moved(standing.member, before, call.room)

    async def _tune(self, standing: _Standing, place: Place) -> None:
        call = standing.call
        if place.whispers_to is not None:
            listeners = self._here(call, place.whispers_to)
            if call.whispers_to != frozenset(listeners.values()):
                await call.whisper(listeners.values())
        for id, other in self._here(call, {*place.volumes, *standing.volumes}).items():
            volume = place.volumes.get(id)
            if volume != standing.volumes.get(id):
                await call.set_volume(other, volume)
                if volume is None:
                    del standing.volumes[id]
                else:
                    standing.volumes[id] = volume
        if call.room and place.room_volume != standing.room_volume:
            await call.set_room_volume(place.room_volume)
            standing.room_volume = place.room_volume

    def _here(self, call: Call, ids: Iterable[int]) -> dict[int, Call]:
        """The calls of these, as far as they are in the same room."""
        calls = {id: standing.call for id in ids if (standing := self._standings.get(id))}
        return {id: other for id, other in calls.items() if call.room and other.room is call.room}

    async def _let_be_heard(self, standing: _Standing, place: Place) -> None:
        call = standing.call
        if call.muted and not place.muted:
            await call.mute(False)
        if call.whispers_to is not None and place.whispers_to is None:
            await call.whisper(None)


async def _quietly(step: _Step, standing: _Standing, place: Place) -> None:
    # Of a call that ends there is nothing left to mix.
    with contextlib.suppress(HungUp):
        try:
            await step(standing, place)
        except (EngineError, WrongState) as error:
            standing.call.log.warning("a call is not mixed as it should be", why=str(error))
