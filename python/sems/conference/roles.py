"""Who steers the room, who talks and who listens."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from .command import ParticipantCommand
from .errors import NobodySteers
from .event import ParticipantChanged
from .floor import take_floor
from .participant import Role

if TYPE_CHECKING:
    from .model import ConferenceModel
    from .state import State


class RoleChanged(ParticipantChanged):
    """He has become moderator, or was allowed to speak, or may not do so any more."""

    __slots__ = ()

    def apply(self, state: State) -> None:
        """Moderators have time."""
        ParticipantChanged.apply(self, state)
        if self.participant.moderates:
            state.floor_until.pop(self.participant.id, None)


@dataclass(frozen=True, slots=True)
class SetRole(ParticipantCommand):
    """He shall be moderator, speaker or listener from now on."""

    role: Role

    def check(self, room: ConferenceModel, by: int | None) -> None:
        """Somebody must steer the room: NobodySteers."""
        ParticipantCommand.check(self, room, by)
        if self._leaves_nobody(room):
            raise NobodySteers

    def _leaves_nobody(self, room: ConferenceModel) -> bool:
        return self.role is not Role.MODERATOR and room.moderators == (self.participant,)

    def carry_out(self, room: ConferenceModel, by: int | None) -> None:
        """A listener is muted until he is let speak, and neither he nor who was moderator keeps the floor,
        which has a time for others."""
        participant = room.present(self.participant)
        # Of several of these at once each alone may leave somebody.
        if participant.role is self.role or self._leaves_nobody(room):
            return
        loses_floor = self.role is Role.LISTENER or participant.moderates
        listens = self.role is Role.LISTENER
        if participant.role is Role.LISTENER or listens:
            participant = replace(participant, muted_by_moderator=listens)
        with room.hearing():
            room.record(RoleChanged, participant=replace(participant, role=self.role), by=by)
            room.let_lecture(self.participant)
        if loses_floor:
            take_floor(room, self.participant, by)
        if self.role is Role.MODERATOR:
            room.open_the_door(by)
