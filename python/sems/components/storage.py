"""Where messages are kept."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from ..config import Config
    from ..config.boxes import BoxSettings
    from ..storage import Counts, Draft, Mail, State, StoredMessage


@runtime_checkable
class Storage(Protocol):
    """The boxes of ``[boxes]``: what :class:`~sems.storage.Mailboxes` does, whose methods say what each has
    to do. Whatever can't be read or written raises StorageError. The factory gets, beside the configuration
    and the options, ``send``, which sends a mail or raises MailFailed.

    >>> isinstance(server.mailboxes, Storage)
    True
    >>> await server.mailboxes.counts("ben")
    Counts(new=0, saved=0)
    """

    async def start(self) -> None:
        """Delivers what was left over when the process ended."""

    async def close(self) -> None:
        """Lets go of everything."""

    def settings(self, box: str) -> BoxSettings | None:
        """What is configured for the box; None: there is no such box."""

    def box_of(self, user: str | None) -> str | None:
        """The box that belongs to a user's telephone."""

    def follow(self, callback: Callable[[str], None]) -> Callable[[], None]:
        """Tells the name of each box whose messages have changed."""

    async def begin(self, box: str, *, caller_name: str = "", caller_uri: str = "") -> Draft:
        """A message that is to be recorded."""

    async def deliver(self, draft: Draft) -> StoredMessage | None:
        """Delivers what was recorded; None: it is too short, which ``draft.cut`` forgives."""

    async def discard(self, draft: Draft) -> None:
        """It is no message."""

    async def counts(self, box: str) -> Counts:
        """How many messages there are."""

    async def messages(self, box: str, state: State | None = None) -> list[StoredMessage]:
        """The messages, the new before the saved, and of each the oldest first."""

    async def message(self, box: str, id: str) -> StoredMessage | None:
        """One of them."""

    async def save(self, box: str, id: str) -> bool:
        """Keeps a message as listened to."""

    async def delete(self, box: str, id: str) -> bool:
        """Deletes a message."""

    async def greeting(self, box: str) -> Path | None:
        """What greets callers."""

    async def set_greeting(self, box: str, recorded: Path | None) -> None:
        """Takes the file as what the owner has spoken."""

    async def has_pin(self, box: str) -> bool:
        """There is a PIN that opens the box."""

    async def check_pin(self, box: str, pin: str) -> bool:
        """Whether it opens the box. Raises BoxLocked."""

    async def set_pin(self, box: str, pin: str) -> None:
        """Another PIN opens the box from now on."""


def mailboxes(config: Config, send: Callable[[Mail], Awaitable[None]]) -> Storage:
    """The storage that comes with SEMS."""
    # SQLAlchemy is big, and a server without boxes needs none of it.
    from ..storage import Mailboxes

    return Mailboxes(config, send)
