"""Who comes and who goes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from .command import Command, ParticipantCommand
from .dialling import MOST_REMEMBERED, CallChanged, Dialling, check_room_for_one_more
from .event import Event, FloorChanged, ParticipantChanged
from .floor import FloorGiven, HandRaised, without
from .participant import Participant
from .state import LeftBehind
from .talks import withdraw
from .volumes import forget

if TYPE_CHECKING:
    from .model import ConferenceModel
    from .state import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined(ParticipantChanged):
    """He is here now."""

    readmitted: bool = False
    """He had been removed, and a moderator has taken that back."""

    def apply(self, state: State) -> None:
        """He is the last of those who are here."""
        state.removed.pop(self.participant.id, None)
        state.left_behind.pop(self.participant.id, None)
        ParticipantChanged.apply(self, state)
        state.places.keep(state.participants)


class Gone(FloorChanged):
    """He is not here any more. The subclasses say why."""

    __slots__ = ()

    def apply(self, state: State) -> None:
        """Neither in the room, nor in the queue, nor on the floor."""
        FloorChanged.apply(self, state)
        del state.participants[self.participant.id]
        state.places.keep(state.participants)


class Left(Gone):
    """His call has ended."""

    __slots__ = ()

    def apply(self, state: State) -> None:
        """What he wanted to hear is forgotten, and how others wanted to hear him."""
        Gone.apply(self, state)
        forget(state, self.participant.id)


class Removed(Gone):
    """A moderator, or the operator, took him out of the room."""

    __slots__ = ()

    def apply(self, state: State) -> None:
        """He can be brought back."""
        id = self.participant.id
        place = state.hands.index(id) if id in state.hands else None
        state.left_behind[id] = LeftBehind(place, id in state.floor, state.floor_until.get(id))
        Gone.apply(self, state)
        state.removed[id] = self.participant


@dataclass(frozen=True, slots=True, kw_only=True)
class Dismissed(Event):
    """The line of one who was removed has ended. He comes back only if he is called, or calls."""

    participant: Participant

    @property
    def audience(self) -> frozenset[int]:
        """Nobody in the room sees any difference."""
        return frozenset()

    def apply(self, state: State) -> None:
        """Of those who can be called, the last few are remembered."""
        state.removed.pop(self.participant.id, None)
        forget(state, self.participant.id)
        state.left_behind.pop(self.participant.id, None)
        if self.participant.address:
            state.dismissed[self.participant.id] = self.participant
            if len(state.dismissed) > MOST_REMEMBERED:
                del state.dismissed[next(iter(state.dismissed))]


@dataclass(frozen=True, slots=True)
class Remove(ParticipantCommand):
    """He is taken out of the room."""

    def carry_out(self, room: ConferenceModel, by: int | None) -> None:
        """The room without him."""
        go(room, Removed, self.participant, by)


@dataclass(frozen=True, slots=True)
class Readmit(Command):
    """One who was removed comes back: at once while his line still stands, later by a call."""

    participant: int

    def check(self, room: ConferenceModel, by: int | None) -> None:
        """He must have been here: NotHere; there must be a place for him: RoomFull; and where his line has
        ended, he must be somebody who can be called."""
        if self.participant in room.removed:
            room.must_have_room_for(1)
        elif dismissed := room.dismissed.get(self.participant):
            check_room_for_one_more(room)
            room.switchboard.check(dismissed.address, by)
        elif self.participant not in room.calls:
            room.present(self.participant)

    def carry_out(self, room: ConferenceModel, by: int | None) -> None:
        """He is the last of those who are here, with side room, hand and floor as before, or is called."""
        if removed := room.removed.get(self.participant):
            had = room.left_behind[removed.id]
            back = replace(removed, voice=False)
            room.record(Joined, participant=back, readmitted=True, by=by)
            if had.place is not None:
                hands = (*room.hands[: had.place], back.id, *room.hands[had.place :])
                room.record(HandRaised, participant=back, hands=hands, by=by)
            if had.floor:
                floor = (*room.floor, back.id)
                room.record(
                    FloorGiven,
                    participant=back,
                    hands=room.hands,
                    floor=floor,
                    until=had.until,
                    goes_on=True,
                    by=by,
                )
            room.let_lecture(removed.id)
            if back.moderates:
                room.open_the_door(by)
        elif was := room.dismissed.get(self.participant):
            room.record(CallChanged, call=Dialling(was.id, was.name, was.address, by, was=was), by=by)


def go(room: ConferenceModel, kind: type[Gone], id: int, by: int | None = None) -> None:
    """The room, the queue, the floor and his talk without him."""
    withdraw(room, id, by)
    room.record(
        kind,
        participant=room.present(id),
        hands=without(room.hands, id),
        floor=without(room.floor, id),
        by=by,
    )
    room.settle_moderator()
    # Whoever waited because it was full comes before those who call now.
    room.open_the_door(None)


def brought_back(was: Participant, now: Participant) -> Participant:
    """One who was removed and was called, with the role and the loudness that he had."""
    return replace(
        now,
        role=was.role,
        role_fixed=was.role_fixed,
        muted_by_self=was.muted_by_self,
        muted_by_moderator=was.muted_by_moderator,
        gain=was.gain,
    )
