"""What the API sends and takes of text."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from ...conference.text import LONGEST
from .base import View, Wish, moment

if TYPE_CHECKING:
    from ...conference import ConferenceModel, Message


class FailureView(View):
    """Somebody whom a line did not reach."""

    participant: int
    name: str
    reason: str
    """Why, as a sentence."""


class MessageView(View):
    """A line that somebody has written."""

    id: int
    at: datetime
    sender: int | None
    """The participant who wrote it; null for the operator."""
    name: str
    """What the sender was called then."""
    text: str
    """Plain text: it must be escaped where it is shown. Line feeds are its only control characters."""
    to: list[int] | None
    """Ids of those who are meant, beside whom only the sender reads it; null: all."""
    to_names: list[str] | None
    """What those were called then, in the same order: also of who is not here any more."""
    failed: list[FailureView]
    """Whom it did not reach; told to the sender alone, and empty for others."""

    @classmethod
    def of(cls, message: Message, reader: int | None) -> MessageView:
        """As shown to ``reader`` (``None``: the operator)."""
        message = message.as_seen_by(reader)
        return cls(
            id=message.id,
            at=moment(message.at),
            sender=message.sender,
            name=message.name,
            text=message.text,
            to=None if message.to is None else list(message.to),
            to_names=None if message.to is None else list(message.to_names),
            failed=[
                FailureView(participant=each.participant, name=each.name, reason=each.reason)
                for each in message.failed
            ],
        )


class MessageWish(Wish):
    """A line to be sent."""

    text: Annotated[str, Field(min_length=1, max_length=LONGEST)]
    """Plain text. Control characters other than line feeds are left out."""
    to: Annotated[list[int], Field(min_length=1, max_length=500)] | None = None
    """Ids of those who are meant; null: all."""


class Sent(View):
    """A line was sent."""

    sequence: int
    """Whoever has seen the event of this number has seen the line."""
    id: int
    """The line's own."""


def messages_for(model: ConferenceModel, reader: int | None) -> list[MessageView]:
    """What ``reader`` (``None``: the operator) may read of what was written."""
    return [MessageView.of(each, reader) for each in model.messages.values() if each.is_for(reader)]
