"""Whether the room hears somebody, as far as it is up to himself and the moderators."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from .command import ParticipantCommand
from .event import ParticipantChanged
from .participant import Participant, Role
from .talks import mute_in_talk

if TYPE_CHECKING:
    from .model import ConferenceModel


class Muted(ParticipantChanged):
    """The room does not hear him any more, or for one more reason."""

    __slots__ = ()


class Unmuted(ParticipantChanged):
    """One reason, or all, why the room did not hear him is gone."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Mute(ParticipantCommand):
    """The room shall not hear this participant any more."""

    def carry_out(self, room: ConferenceModel, by: int | None) -> None:
        """By himself, or by a moderator, who alone can take that back. In a talk that the room does not hear
        he mutes himself there."""
        participant = room.present(self.participant)
        if by == participant.id and participant.private:
            mute_in_talk(room, participant, True)
            return
        if by == participant.id:
            muted = replace(participant, muted_by_self=True)
        else:
            muted = replace(participant, muted_by_moderator=True)
        if muted != participant:
            room.record(Muted, participant=muted, by=by)


@dataclass(frozen=True, slots=True)
class Unmute(ParticipantCommand):
    """The room shall hear him again: as he wishes himself, or as far as the moderator minds."""

    def carry_out(self, room: ConferenceModel, by: int | None) -> None:
        """A listener whom a moderator lets speak is a speaker. In a talk that the room does not hear he lets
        himself be heard there."""
        participant = room.present(self.participant)
        if by == participant.id and participant.private:
            mute_in_talk(room, participant, False)
            return
        if by == participant.id:
            unmuted = replace(participant, muted_by_self=False, muted_by_moderator=False)
        else:
            unmuted = allowed_to_speak(participant)
        if unmuted != participant:
            room.record(Unmuted, participant=unmuted, by=by)


def allowed_to_speak(participant: Participant) -> Participant:
    """Him, when no moderator minds that he is heard."""
    role = Role.SPEAKER if participant.role is Role.LISTENER else participant.role
    return replace(participant, role=role, muted_by_moderator=False)
