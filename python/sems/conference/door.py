"""Who comes and who goes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from .command import Command, ParticipantCommand
from .event import FloorChanged, ParticipantChanged
from .floor import without
from .talks import withdraw

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
        ParticipantChanged.apply(self, state)


class Gone(FloorChanged):
    """He is not here any more. The subclasses say why."""

    __slots__ = ()

    def apply(self, state: State) -> None:
        """Neither in the room, nor in the queue, nor on the floor."""
        FloorChanged.apply(self, state)
        del state.participants[self.participant.id]


class Left(Gone):
    """His call has ended."""

    __slots__ = ()

    def apply(self, state: State) -> None:
        """What he wanted to hear is forgotten."""
        Gone.apply(self, state)
        state.volumes.pop(self.participant.id, None)


class Removed(Gone):
    """A moderator, or the operator, took him out of the room."""

    __slots__ = ()

    def apply(self, state: State) -> None:
        """He can be brought back."""
        Gone.apply(self, state)
        state.removed[self.participant.id] = self.participant


@dataclass(frozen=True, slots=True)
class Remove(ParticipantCommand):
    """He is taken out of the room."""

    def carry_out(self, room: ConferenceModel, by: int | None) -> None:
        """The room without him."""
        go(room, Removed, self.participant, by)


@dataclass(frozen=True, slots=True)
class Readmit(Command):
    """One who was removed a moment ago, and whose line still stands, comes back."""

    participant: int

    def check(self, room: ConferenceModel, by: int | None) -> None:
        """He must have been here: NotHere."""
        if self.participant not in room.removed:
            room.present(self.participant)

    def carry_out(self, room: ConferenceModel, by: int | None) -> None:
        """He is the last in the main room."""
        if removed := room.removed.get(self.participant):
            room.record(
                Joined, participant=replace(removed, voice=False, side_room=None), readmitted=True, by=by
            )


def go(room: ConferenceModel, kind: type[Gone], id: int, by: int | None = None) -> None:
    """The room, the queue, the floor and his talk without him."""
    withdraw(room, id)
    room.record(
        kind,
        participant=room.present(id),
        hands=without(room.hands, id),
        floor=without(room.floor, id),
        by=by,
    )
    room.settle_moderator()
