"""What has happened in a conference.

Every change is one event. Events are numbered without a gap, and each carries the new value of what it
changed: who has the state before an event and applies it has the state after it.
"""

from dataclasses import dataclass

from .participant import Participant


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that has happened."""

    sequence: int
    """One more than that of the event before."""
    by: int | None = None
    """The participant whose command it was; ``None``: nobody's, or the operator's."""

    @property
    def audience(self) -> int | None:
        """The only participant who is told; ``None``: all are."""
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class ParticipantChanged(Event):
    """Something about one participant is new. The subclasses say what."""

    participant: Participant


class Muted(ParticipantChanged):
    """The room does not hear him any more, or for one more reason."""

    __slots__ = ()


class Unmuted(ParticipantChanged):
    """One reason, or all, why the room did not hear him is gone."""

    __slots__ = ()


class RoleChanged(ParticipantChanged):
    """He has become moderator, or was allowed to speak."""

    __slots__ = ()


class LineChanged(ParticipantChanged):
    """Hold, or the quality of his line."""

    __slots__ = ()


class VoiceChanged(ParticipantChanged):
    """He begins or ceases to speak. That a muted participant speaks is told to himself only."""

    __slots__ = ()

    @property
    def audience(self) -> int | None:
        """The participant himself while he is muted."""
        return self.participant.id if self.participant.muted else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined(ParticipantChanged):
    """He is here now."""

    readmitted: bool = False
    """He had been removed, and a moderator has taken that back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandsChanged(ParticipantChanged):
    """The queue of raised hands is another. The subclasses say how."""

    hands: tuple[int, ...]
    """Ids of those who ask for the word, in the order in which they asked."""


class HandRaised(HandsChanged):
    """He asks for the word."""

    __slots__ = ()


class HandLowered(HandsChanged):
    """He does not ask for the word any more."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone(HandsChanged):
    """He is not here any more. The subclasses say why."""


class Left(Gone):
    """His call has ended."""

    __slots__ = ()


class Removed(Gone):
    """A moderator, or the operator, took him out of the room."""

    __slots__ = ()


class Locked(Event):
    """Nobody else can join."""

    __slots__ = ()


class Unlocked(Event):
    """Everybody can join."""

    __slots__ = ()
