"""The API of talks that the room does not hear."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from ..conference import (
    AcceptTalk,
    AskToTalk,
    Background,
    Coach,
    DeclineTalk,
    LeaveTalk,
    NoSuchTalk,
    SetBackground,
    TalkKind,
)
from .endpoint import Ask, Endpoint, answer
from .views import Done, TalkChange, TalkDone, TalkWish

if TYPE_CHECKING:
    from ..conference import Command, Conference


class TalkApi:
    """Asks for private talks, answers, and ends them; coaches."""

    def endpoints(self) -> list[Endpoint]:
        """All that belongs to talks."""
        talks = "/conferences/{name}/talks"
        talk = talks + "/{talk}"
        return [
            Endpoint(
                method="POST",
                path=talks,
                handle=self.ask,
                name="askToTalk",
                summary="Ask to a private talk, or coach",
                who="participant",
                body=TalkWish,
                answer=TalkDone,
                errors=(403, 404, 409, 413, 415, 422),
            ),
            Endpoint(
                method="POST",
                path=talk + "/accept",
                handle=self.accept,
                name="acceptTalk",
                summary="Come to the private talk to which one was asked",
                who="participant",
                answer=Done,
                errors=(403, 404),
            ),
            Endpoint(
                method="POST",
                path=talk + "/decline",
                handle=self.decline,
                name="declineTalk",
                summary="Not come to it",
                who="participant",
                answer=Done,
                errors=(403, 404),
            ),
            Endpoint(
                method="PATCH",
                path=talk,
                handle=self.change,
                name="changeTalk",
                summary="Hear the room softly underneath, or not at all",
                who="participant",
                body=TalkChange,
                answer=Done,
                errors=(403, 404, 413, 415, 422),
            ),
            Endpoint(
                method="DELETE",
                path=talk,
                handle=self.leave,
                name="leaveTalk",
                summary="Go back to the room",
                who="participant",
                answer=Done,
                errors=(403, 404),
            ),
        ]

    async def ask(self, ask: Ask) -> ASGIApp:
        """For a talk."""
        conference, id = _mine(ask)
        wish = await ask.body(TalkWish)
        if wish.kind is TalkKind.COACH:
            if len(wish.participants) != 1 or wish.room is not None:
                raise HTTPException(422, "One participant is coached, and hears the room as ever.")
            conference.do(Coach(wish.participants[0]), by=id)
        else:
            room = Background(wish.room) if wish.room else None
            conference.do(AskToTalk(tuple(wish.participants), room), by=id)
        talk = conference.model.talk_of(id)
        if talk is None:
            raise NoSuchTalk
        return answer(TalkDone(id=talk.id, sequence=conference.model.sequence))

    async def accept(self, ask: Ask) -> ASGIApp:
        """I come."""
        return _do(ask, AcceptTalk(_talk(ask)))

    async def decline(self, ask: Ask) -> ASGIApp:
        """I do not."""
        return _do(ask, DeclineTalk(_talk(ask)))

    async def change(self, ask: Ask) -> ASGIApp:
        """How loud the room is."""
        wish = await ask.body(TalkChange)
        return _do(ask, SetBackground(_talk(ask), Background(wish.room)))

    async def leave(self, ask: Ask) -> ASGIApp:
        """Back to the room."""
        return _do(ask, LeaveTalk(_talk(ask)))


def _mine(ask: Ask) -> tuple[Conference, int]:
    return ask.caller.conference(ask.server, ask.path("name")), ask.caller.must_be_participant().id


def _talk(ask: Ask) -> int:
    """The id in the path."""
    if (id := ask.number("talk")) is None:
        raise NoSuchTalk
    return id


def _do(ask: Ask, command: Command) -> ASGIApp:
    conference, id = _mine(ask)
    conference.do(command, by=id)
    return answer(Done(sequence=conference.model.sequence))
