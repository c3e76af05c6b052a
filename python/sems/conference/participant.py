"""One person in a conference, as a value."""

from dataclasses import dataclass
from enum import StrEnum

#: Packet loss, in percent, from which a line is called bad.
BAD_LOSS = 3


class Role(StrEnum):
    """What a participant may do."""

    MODERATOR = "moderator"
    """Steers the room: mutes, removes, locks."""
    SPEAKER = "speaker"
    """Is heard."""
    LISTENER = "listener"
    """Is not heard until a moderator lets him speak, which makes him a speaker."""


class Presence(StrEnum):
    """How a participant is here."""

    PHONE = "phone"
    """He called in."""
    DIALLED = "dialled"
    """We called him."""


@dataclass(frozen=True, slots=True)
class Line:
    """The state of a participant's line, as far as others should know of it."""

    loss: int = 0
    """Packets lost on the way to us, in percent; 0 below :data:`BAD_LOSS`."""
    silent: bool = False
    """Nothing arrives although something should: he can't be heard."""
    deaf: bool = False
    """Nothing of ours arrives at his phone, as it reports: he hears nothing."""

    @property
    def bad(self) -> bool:
        """Others should be told that the line, not the person, is the trouble."""
        return self.loss > 0 or self.silent or self.deaf


@dataclass(frozen=True, slots=True)
class Participant:
    """One person in a conference. A change makes a new value; the id stays.

    >>> conference = server.conferences.get("standup")
    >>> [each.name for each in conference.model.participants.values() if each.moderates and not each.muted]
    []
    """

    id: int
    """Rises with each who joins, and is never used twice in a conference."""
    name: str
    """What others see: the display name of the caller, on one line and without what cannot be read, at most
    64 characters of it."""
    presence: Presence
    role: Role
    role_fixed: bool = False
    """The role was given from outside, so he does not become moderator by having been here longest."""
    muted_by_self: bool = False
    muted_by_moderator: bool = False
    """Can be undone by a moderator only."""
    voice: bool = False
    """Speech arrives from the line, whether the room hears it or not."""
    private: bool = False
    """He talks with somebody else, and the room does not hear it."""
    muted_in_talk: bool = False
    """He does not want to be heard in that talk either."""
    side_room: str | None = None
    """The room beside the main room in which he is; ``None``: he is in the main room."""
    on_hold: bool = False
    """He has put the room on hold."""
    line: Line = Line()
    gain: float = 0.0
    """So much louder, in dB, he is for all."""
    texts: bool = False
    """His phone takes texts (MESSAGE, RFC 3428)."""
    knocks: bool | None = None
    """Whether he waits until a moderator lets him in; ``None``: as the room says."""
    waits_for_moderator: bool | None = None
    """Whether he waits while no moderator is here; ``None``: as the room says."""
    address: str = ""
    """Where he can be called, as far as that is known. Shown to nobody."""

    @property
    def muted(self) -> bool:
        """He, or a moderator, does not want the room to hear him."""
        return self.muted_by_self or self.muted_by_moderator

    @property
    def moderates(self) -> bool:
        """He is a moderator."""
        return self.role is Role.MODERATOR
