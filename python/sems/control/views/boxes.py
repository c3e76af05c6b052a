"""What the API sends and takes of voice mail."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal

from .base import View, Wish, moment

if TYPE_CHECKING:
    from ...config.boxes import BoxSettings
    from ...storage import StoredMessage


class MailboxView(View):
    """A box, and how many messages it has."""

    name: str
    owner: str
    """Whose it is, in words."""
    users: list[str]
    """Whose telephones it belongs to."""
    new: int
    saved: int

    @classmethod
    def of(cls, name: str, settings: BoxSettings, messages: list[StoredMessage]) -> MailboxView:
        """As its owner and the operator see it."""
        new = sum(message.state == "new" for message in messages)
        return cls(
            name=name,
            owner=settings.name or name,
            users=list(settings.users or (name,)),
            new=new,
            saved=len(messages) - new,
        )


class MailboxList(View):
    """All boxes."""

    boxes: list[MailboxView]


class VoiceMessageView(View):
    """One message of a box."""

    id: str
    state: Literal["new", "saved"]
    caller_name: str
    """Who left it, as he calls himself; empty: unknown."""
    caller_uri: str
    """His address; empty: unknown."""
    left: datetime
    seconds: float
    """How long it is."""

    @classmethod
    def of(cls, message: StoredMessage) -> VoiceMessageView:
        """As its owner sees it."""
        return cls(
            id=message.id,
            state=message.state,
            caller_name=message.caller_name,
            caller_uri=message.caller_uri,
            left=moment(message.left_at),
            seconds=round(message.seconds, 2),
        )


class VoiceMessageList(View):
    """The messages of a box: the new before the saved, and of each the oldest first."""

    messages: list[VoiceMessageView]


class VoiceMessageWish(Wish):
    """What shall be so of a message."""

    state: Literal["saved"]
    """It has been listened to."""
