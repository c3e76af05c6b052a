"""Side rooms: members go to another room and come back, without hanging up."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from .command import Command, ParticipantCommand
from .errors import MainRoom
from .event import FloorChanged
from .line import AbsentLineChanged
from .talks import withdraw

if TYPE_CHECKING:
    from .model import ConferenceModel


def plain(name: str) -> str:
    """The name without what nobody hears in it: capitals, blanks, other ways to write the same letters."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


class Moved(FloorChanged):
    """He is in another room of the conference. The floor of the main room stays there."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Move(ParticipantCommand):
    """He shall be in the side room of this name, which there is as long as somebody is in it; ``None``: in
    the main room. A talk that he is in goes on without him."""

    side_room: str | None

    def check(self, room: ConferenceModel, by: int | None) -> None:
        """He must be there (NotHere), and nobody may take the side room for the main room (MainRoom)."""
        ParticipantCommand.check(self, room, by)
        if self.side_room is not None and plain(self.side_room) in room.main_room_names:
            raise MainRoom

    def carry_out(self, room: ConferenceModel, by: int | None) -> None:
        """Out of his talk and off the floor, into the other room."""
        participant = room.present(self.participant)
        if participant.side_room == self.side_room:
            return
        withdraw(room, participant.id, by)
        room.record(
            Moved,
            participant=replace(room.present(participant.id), side_room=self.side_room),
            hands=room.hands,
            floor=tuple(id for id in room.floor if id != participant.id),
            by=by,
        )
        if self.side_room is None:
            room.let_lecture(participant.id)


@dataclass(frozen=True, slots=True)
class Gather(Command):
    """Everybody who is in a side room comes back to the main room, and so does who was removed from one, when
    he is brought back."""

    def carry_out(self, room: ConferenceModel, by: int | None) -> None:
        """One after the other, in the order in which they came to the conference."""
        for id in [each.id for each in room.participants.values() if each.side_room is not None]:
            Move(id, None).carry_out(room, by)
        for removed in [each for each in room.removed.values() if each.side_room is not None]:
            room.record(AbsentLineChanged, participant=replace(removed, side_room=None), by=by)
