"""What can be asked of a conference.

Keypad, page and REST are doors to these. Who may ask for what is decided in
:mod:`~sems.conference.permissions`; what follows from it in :mod:`~sems.conference.model`.
A command that asks for what already is so is carried out without an event.
"""

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Mute:
    """The room shall not hear this participant any more."""

    participant: int


@dataclass(frozen=True, slots=True)
class Unmute:
    """The room shall hear him again: as he wishes himself, or as far as the moderator minds."""

    participant: int


@dataclass(frozen=True, slots=True)
class RaiseHand:
    """He asks for the word and queues behind those who have asked before."""

    participant: int


@dataclass(frozen=True, slots=True)
class LowerHand:
    """He does not ask for the word any more."""

    participant: int


@dataclass(frozen=True, slots=True)
class Remove:
    """He is taken out of the room."""

    participant: int


@dataclass(frozen=True, slots=True)
class Readmit:
    """One who was removed a moment ago, and whose line still stands, comes back."""

    participant: int


@dataclass(frozen=True, slots=True)
class Lock:
    """Nobody else can join."""


@dataclass(frozen=True, slots=True)
class Unlock:
    """Everybody can join."""


Command: TypeAlias = Mute | Unmute | RaiseHand | LowerHand | Remove | Readmit | Lock | Unlock
