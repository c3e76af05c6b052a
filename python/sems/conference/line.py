"""What the lines of the participants do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .event import Event, ParticipantChanged
from .participant import Participant

if TYPE_CHECKING:
    from .state import State


class LineChanged(ParticipantChanged):
    """Hold, or the quality of his line."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AbsentLineChanged(Event):
    """Hold, or the quality of the line of one who waits, or was removed, or the room in which he would
    be. It is told when he comes in."""

    participant: Participant

    @property
    def audience(self) -> frozenset[int]:
        """Nobody in the room sees any difference."""
        return frozenset()

    def is_for(self, reader: int | None) -> bool:
        """The operator does not either."""
        return False

    def apply(self, state: State) -> None:
        """His line is so, wherever he is."""
        for absent in (state.waiting, state.removed):
            if self.participant.id in absent:
                absent[self.participant.id] = self.participant


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceChanged(ParticipantChanged):
    """He begins or ceases to speak, or to be heard while he does. That one speaks whom the room does not
    hear is told to himself, and to those with whom he talks."""

    heard: bool
    """The room hears him, or did until now."""
    told: frozenset[int] = frozenset()
    """Those who hear him in a talk that the room does not hear, or did until now."""

    @property
    def audience(self) -> frozenset[int] | None:
        """While the room does not hear him: he himself, and those who do."""
        return None if self.heard else self.told | {self.participant.id}

    def is_for(self, reader: int | None) -> bool:
        """Who speaks in a private talk is not told to the operator either."""
        return not self.told if reader is None else ParticipantChanged.is_for(self, reader)
