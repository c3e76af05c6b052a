"""A message that somebody has left, as a value."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

State = Literal["new", "saved"]
"""Not listened to yet, or kept by the owner."""


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """One message of a box.

    >>> for message in await server.mailboxes.messages("anna"):
    ...     print(message.caller_name, message.state, f"{message.seconds:.0f} s")
    """

    id: str
    """What it is called within its box."""
    box: str
    """The name of the box."""
    state: State
    """``new`` or ``saved``."""
    caller_name: str
    """Who left it, as he calls himself; empty: unknown."""
    caller_uri: str
    """His address; empty: unknown."""
    left_at: float
    """When, in seconds since 1970."""
    seconds: float
    """How long it is."""
    path: Path
    """Its sound, WAV."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How many messages a box has.

    >>> Counts(new=2, saved=3).all
    5
    >>> await server.mailboxes.counts("ben")
    Counts(new=0, saved=0)
    """

    new: int = 0
    """Not listened to yet."""
    saved: int = 0
    """Kept."""

    @property
    def all(self) -> int:
        """Both together."""
        return self.new + self.saved
