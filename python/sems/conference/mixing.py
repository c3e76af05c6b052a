"""Keeps every call of a conference where the model says: in which room, and who hears whom there."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
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
    aside: bool = False
    """Only those hear it who have a gain for it."""
    background: float = 0.0
    """So much louder, in dB, it hears the room."""
    voices: Mapping[int, float] = field(default_factory=dict)
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
        background = room_gain + (BACKGROUND[talk.room] if talk else 0.0)
        volumes = model.volumes(id)
        # Who has a gain for one whom the room does not hear would hear him.
        in_the_room = {other: gain for other, gain in volumes.items() if not model.is_private(other)}
        voices = {other: min(LOUDEST, background + gain) for other, gain in in_the_room.items()}
        for other in talk.talkers if talk else ():
            if other != id:
                voices[other] = volumes.get(other, 0.0)
        return cls(
            here=True,
            side_room=him.side_room,
            muted=not model.heard(him),
            aside=him.private,
            background=background,
            voices=voices,
        )


@dataclass(slots=True)
class _Standing:
    """How a call is mixed now, as far as the core has said that it is."""

    member: Member
    room: Room | None = None
    muted: bool = False
    aside: bool = False
    background: float = 0.0
    voices: dict[int, float] = field(default_factory=dict)

    @property
    def call(self) -> Call:
        return self.member.call


_Step = Callable[[_Standing, Place], Awaitable[None]]


class Mixing:
    """Follows the model, and changes what is not as it says.

    Changes are made in an order in which nobody is ever heard by those who must not hear him: first gains
    end, and who must be silent is, then calls move, then gains begin, and at last who may be heard is.
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
        self._rooms = rooms
        self._spawn = spawn
        self._on_moved = on_moved
        self._standings: dict[int, _Standing] = {}
        self._stirred: set[int] = set()
        self._settling = False
        model.subscribe(self._on_event)

    async def enter(self, member: Member) -> None:
        """The call comes in. Raises HungUp."""
        standing = _Standing(member)
        place = self._place(member)
        if place.muted:
            await member.call.mute(True)
            standing.muted = True
        if place.here:
            room = await self._rooms.of(place.side_room)
            await member.call.join(room)
            standing.room = room
        self._standings[member.id] = standing
        self._stir([member.id, *self._listeners(member.id)])

    def follow(self, id: int) -> None:
        """He wants to hear the room louder or softer."""
        self._stir([id])

    def leave(self, member: Member) -> None:
        """The call has ended."""
        if self._standings.pop(member.id, None):
            for other in self._standings.values():
                other.voices.pop(member.id, None)
            # A side room may be empty now.
            self._stir([member.id])

    def _on_event(self, event: Event) -> None:
        match event:
            case LineChanged() | VoiceChanged():
                pass
            case ModeChanged():
                self._stir(self._standings)
            case TalkChanged(told=told):
                self._stir(told)
            case VolumesChanged(listener=listener):
                self._stir([listener])
            case WentPrivate(participant=participant) | CameBack(participant=participant):
                self._stir([participant.id, *self._listeners(participant.id)])
            case ParticipantChanged(participant=participant):
                self._stir([participant.id])

    def _listeners(self, id: int) -> Iterable[int]:
        """Those who have a volume for him."""
        return [each for each in self._standings if id in self._model.volumes(each)]

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
                for step in (self._tune_out, self._hush, self._move, self._tune, self._let_be_heard):
                    await asyncio.gather(*(_quietly(step, *each) for each in places))
                await self._rooms.close_others(each.room for each in self._standings.values())
        finally:
            self._settling = False

    def _place(self, member: Member) -> Place:
        return Place.of(member.id, self._model, member.room_gain)

    def _moves(self, standing: _Standing, place: Place) -> bool:
        if not place.here:
            return standing.room is not None
        return standing.room is None or standing.room is not self._rooms.find(place.side_room)

    async def _tune_out(self, standing: _Standing, place: Place) -> None:
        for id in standing.voices.keys() - place.voices.keys():
            if other := self._standings.get(id):
                await standing.call.hear(other.call, None)
            standing.voices.pop(id, None)

    async def _hush(self, standing: _Standing, place: Place) -> None:
        moves = self._moves(standing, place)
        # Nobody is aside when he comes to another room.
        if (place.muted or (moves and place.aside)) and not standing.muted:
            await standing.call.mute(True)
            standing.muted = True
        if place.aside and not moves and not standing.aside:
            await standing.call.aside(True)
            standing.aside = True

    async def _move(self, standing: _Standing, place: Place) -> None:
        if not self._moves(standing, place):
            return
        before = standing.room
        room = await self._rooms.of(place.side_room) if place.here else None
        await standing.call.join(room)
        standing.room = room
        standing.aside = False
        standing.background = 0.0
        standing.voices.clear()
        for other in self._standings.values():
            other.voices.pop(standing.member.id, None)
        self._stir(self._listeners(standing.member.id))
        self._on_moved(standing.member, before, room)

    async def _tune(self, standing: _Standing, place: Place) -> None:
        call = standing.call
        if place.aside and not standing.aside:
            await call.aside(True)
            standing.aside = True
        for id, gain in place.voices.items():
            other = self._standings.get(id)
            if other and other.room is standing.room and gain != standing.voices.get(id):
                await call.hear(other.call, gain)
                standing.voices[id] = gain
        if standing.room and place.background != standing.background:
            await call.hear_room(place.background)
            standing.background = place.background

    async def _let_be_heard(self, standing: _Standing, place: Place) -> None:
        if standing.muted and not place.muted:
            await standing.call.mute(False)
            standing.muted = False
        if standing.aside and not place.aside:
            await standing.call.aside(False)
            standing.aside = False


async def _quietly(step: _Step, standing: _Standing, place: Place) -> None:
    # Of a call that ends there is nothing left to mix.
    with contextlib.suppress(HungUp, EngineError, WrongState):
        await step(standing, place)
