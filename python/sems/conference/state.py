"""What is true of one conference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .dialling import Dialling
from .minutes import Minutes
from .participant import Participant
from .places import Places
from .settings import Mode, Settings
from .talks import Conversation
from .text import Message


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """What one had who was removed."""

    place: int | None
    """Of his hand in the queue, from 0."""
    floor: bool
    """He held the floor, …"""
    until: float | None
    """… until then, in seconds since 1970."""


@dataclass(slots=True)
class State:
    """What events change, and nothing else does."""

    participants: dict[int, Participant] = field(default_factory=dict)
    """Who is here, by id, in the order in which they came."""
    waiting: dict[int, Participant] = field(default_factory=dict)
    """Who waits to be let in, by id, in the order in which they came."""
    places: Places = field(default_factory=Places)
    """By what numbers those who are here are meant in codes, …"""
    waiting_places: Places = field(default_factory=Places)
    """… and those who wait."""
    removed: dict[int, Participant] = field(default_factory=dict)
    """Who was taken out of the room and whose line still stands."""
    left_behind: dict[int, LeftBehind] = field(default_factory=dict)
    """What those had in the room, which they get back when they are brought back."""
    dismissed: dict[int, Participant] = field(default_factory=dict)
    """Those of them whose line stands no more, but who can be called: the last few."""
    hands: tuple[int, ...] = ()
    """Ids of those who ask for the word, in the order in which they asked."""
    floor: tuple[int, ...] = ()
    """Ids of those who hold the floor, in the order in which they got it. Empty in an open room."""
    floor_until: dict[int, float] = field(default_factory=dict)
    """When it is taken back by itself from those whose time is limited, in seconds since 1970."""
    settings: Settings = field(default_factory=Settings)
    messages: dict[int, Message] = field(default_factory=dict)
    """What was written lately, by id, the oldest first."""

    recording: Minutes = field(default_factory=Minutes)
    """Whether it is being recorded."""
    volumes: dict[int, Mapping[int, float]] = field(default_factory=dict)
    """By listener, the gain in dB with which he alone hears others."""
    talks: dict[int, Conversation] = field(default_factory=dict)
    """Talks that the room does not hear, by id, and what may become one. Nobody is in two."""
    calls: dict[int, Dialling] = field(default_factory=dict)
    """Who is called into the room, or was in vain, by id, in the order in which they were dialled."""

    def speaks(self, participant: Participant) -> bool:
        """The room hears him speak."""
        return participant.voice and self.hears(participant)

    def hears(self, participant: Participant) -> bool:
        """The room in which he is hears him when he speaks. Mode and floor are those of the main room."""
        if participant.muted or participant.private:
            return False
        in_side_room = participant.side_room is not None
        return in_side_room or self.settings.mode is Mode.OPEN or participant.id in self.floor
