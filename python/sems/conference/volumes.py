"""How loud the participants are: for all, and for one listener alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from .command import ParticipantCommand
from .errors import NotAllowed
from .event import Event, ParticipantChanged

if TYPE_CHECKING:
    from .model import ConferenceModel
    from .state import State

SOFTEST: Final = -40.0
"""The least gain, in dB; below it nobody would be heard, which is what muting is for."""
LOUDEST: Final = 12.0
"""The greatest gain, in dB."""


class GainChanged(ParticipantChanged):
    """He is louder or softer for all."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumesChanged(Event):
    """Somebody hears others louder or softer than the room does. He alone is told."""

    listener: int
    volumes: Mapping[int, float]
    """Gain in dB by the id of whom he hears so; who is not named is heard as the room hears him."""

    @property
    def audience(self) -> frozenset[int] | None:
        """The listener."""
        return frozenset({self.listener})

    def is_for(self, reader: int | None) -> bool:
        """Not even the operator, who hears nothing."""
        return reader == self.listener

    def apply(self, state: State) -> None:
        """He hears them so."""
        if self.volumes:
            state.volumes[self.listener] = self.volumes
        else:
            state.volumes.pop(self.listener, None)


@dataclass(frozen=True, slots=True)
class SetGain(ParticipantCommand):
    """All shall hear him so much louder, in dB; 0: as he is."""

    gain: float

    def carry_out(self, room: ConferenceModel, by: int | None) -> None:
        """Within what makes sense."""
        participant = room.present(self.participant)
        louder = replace(participant, gain=within(self.gain))
        if louder != participant:
            room.record(GainChanged, participant=louder, by=by)


@dataclass(frozen=True, slots=True)
class SetVolume(ParticipantCommand):
    """Whoever asks shall hear him so much louder, in dB; ``None``: as the room does. Nobody else notices."""

    gain: float | None

    def check(self, room: ConferenceModel, by: int | None) -> None:
        """Nobody hears himself."""
        ParticipantCommand.check(self, room, by)
        if by == self.participant:
            raise NotAllowed("Nobody hears himself.", "yourself")

    def carry_out(self, room: ConferenceModel, by: int | None) -> None:
        """Within what makes sense."""
        if by is None:
            return
        before = room.volumes(by)
        volumes = {id: gain for id, gain in before.items() if id != self.participant}
        if self.gain is not None:
            volumes[self.participant] = within(self.gain)
        if volumes != before:
            room.record(VolumesChanged, listener=by, volumes=volumes, by=by)


def forget(state: State, participant: int) -> None:
    """How he wanted to hear others, and how others wanted to hear him."""
    state.volumes.pop(participant, None)
    for listener, volumes in tuple(state.volumes.items()):
        if participant in volumes:
            left = {id: gain for id, gain in volumes.items() if id != participant}
            if left:
                state.volumes[listener] = left
            else:
                del state.volumes[listener]


def within(gain: float) -> float:
    """The nearest gain that makes sense, in dB."""
    return min(LOUDEST, max(SOFTEST, gain))
