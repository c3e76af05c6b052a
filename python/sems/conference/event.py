"""What an event is.

Every change is one event. Events are numbered without a gap, and each carries the new value of what it
changed: who has the state before an event and applies it has the state after it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .participant import Participant

if TYPE_CHECKING:
    from .state import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Event(ABC):
    """Something that has happened."""

    sequence: int
    """One more than that of the event before."""
    by: int | None = None
    """The participant whose command it was; ``None``: nobody's, or the operator's."""

    @property
    def audience(self) -> frozenset[int] | None:
        """The participants who are told; ``None``: all are."""
        return None

    def is_for(self, reader: int | None) -> bool:
        """``reader`` is told of it; ``None``: the operator, who is told of all that is not private."""
        return reader is None or self.audience is None or reader in self.audience

    def concerns(self, participant: int) -> bool:
        """It is about himself, so he is told more of it than others are."""
        return False

    @abstractmethod
    def apply(self, state: State) -> None:
        """Makes the state after it of the state before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParticipantChanged(Event):
    """Something about one participant is new. The subclasses say what."""

    participant: Participant

    def concerns(self, participant: int) -> bool:
        """It is about this one."""
        return self.participant.id == participant

    def apply(self, state: State) -> None:
        """He is as the event says."""
        state.participants[self.participant.id] = self.participant


@dataclass(frozen=True, slots=True, kw_only=True)
class HandsChanged(ParticipantChanged):
    """The queue of raised hands is another. The subclasses say how."""

    hands: tuple[int, ...]
    """Ids of those who ask for the word, in the order in which they asked."""

    def apply(self, state: State) -> None:
        """The queue is as the event says."""
        ParticipantChanged.apply(self, state)
        state.hands = self.hands


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorChanged(HandsChanged):
    """Who holds the floor is another. The subclasses say how."""

    floor: tuple[int, ...]
    """Ids of those who hold the floor, in the order in which they got it."""

    def apply(self, state: State) -> None:
        """The floor is as the event says."""
        HandsChanged.apply(self, state)
        state.floor = self.floor
        state.floor_until = {id: until for id, until in state.floor_until.items() if id in self.floor}
