"""What the lines of the participants do."""

from __future__ import annotations

from dataclasses import dataclass

from .event import ParticipantChanged


class LineChanged(ParticipantChanged):
    """Hold, or the quality of his line."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceChanged(ParticipantChanged):
    """He begins or ceases to speak, or to be heard while he does. That one speaks whom the room does not
    hear is told to himself only."""

    heard: bool
    """The room hears him, or did until now."""

    @property
    def audience(self) -> frozenset[int] | None:
        """The participant himself while he is not heard."""
        return None if self.heard else frozenset({self.participant.id})
