"""What the API sends and takes of talks that the room does not hear."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ...conference import Background, Conversation, TalkKind, TalkState
from .base import View, Wish


class TalkView(View):
    """A talk that the room does not hear, or what may become one. Shown to those whose it is."""

    id: int
    kind: TalkKind
    """`private`: all members hear each other and nobody else hears them; `coach`: `by` is heard by the other
    member alone, who goes on to be heard by the room."""
    by: int
    """Who wanted it."""
    members: list[int]
    """Who is in it, in the order in which they came."""
    asked: list[int]
    """Who has not said yet whether he wants to."""
    declined: list[int]
    """Who did not want to."""
    unanswered: list[int]
    """Who has not answered in time."""
    room: Background
    """How the members hear the room: softly underneath, not at all, or as ever."""
    state: TalkState
    """`asked`: nobody has come yet; `talking`; `ended`: also for whoever has left it while others go on."""

    @classmethod
    def of(cls, talk: Conversation, *, own: bool) -> TalkView:
        """As shown to one whose talk it is (``own``), or was until now."""
        return cls(
            id=talk.id,
            kind=talk.kind,
            by=talk.by,
            members=list(talk.members) if own else [],
            asked=list(talk.asked) if own else [],
            declined=list(talk.declined),
            unanswered=list(talk.unanswered),
            room=talk.room,
            state=talk.state if own else TalkState.ENDED,
        )


class TalkWish(Wish):
    """A talk that is wanted."""

    participants: Annotated[list[int], Field(alias="with", min_length=1, max_length=100)]
    """With whom. Who is in a private talk already brings them into it."""
    kind: Annotated[TalkKind, Field(strict=False)] = TalkKind.PRIVATE
    """`private`: they are asked; `coach`, for moderators and with one participant: begins at once."""
    room: Literal["soft", "off"] | None = None
    """How the room is heard in a private talk: softly underneath or not at all; if nothing is said, as in the
    talk that one is in, or softly."""


class TalkChange(Wish):
    """What shall be so in a talk."""

    room: Literal["soft", "off"]
    """How its members hear the room: softly underneath or not at all."""


class TalkDone(View):
    """A talk was asked for."""

    id: int
    """The talk's."""
    sequence: int
    """Whoever has seen the event of this number has seen all that the command led to."""
