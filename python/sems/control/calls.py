"""The API of calls that bring people into a conference."""

from __future__ import annotations

from starlette.types import ASGIApp

from ..conference import CancelCall, Dial, NoSuchCall, Redial
from .endpoint import Ask, Endpoint, answer
from .views import Dialled, DialWish, Done


class DialApi:
    """Dials, takes that back, and dials again."""

    def endpoints(self) -> list[Endpoint]:
        """All that belongs to calls of a conference."""
        calls = "/conferences/{name}/calls"
        return [
            Endpoint(
                method="POST",
                path=calls,
                handle=self.dial,
                name="dial",
                summary="Call somebody into the conference",
                body=DialWish,
                answer=Dialled,
                errors=(403, 404, 409, 413, 415, 422),
            ),
            Endpoint(
                method="DELETE",
                path=calls + "/{call}",
                handle=self.cancel,
                name="cancelCall",
                summary="Take the call back; one that has come to nothing is forgotten",
                answer=Done,
                errors=(403, 404),
            ),
            Endpoint(
                method="POST",
                path=calls + "/{call}/redial",
                handle=self.redial,
                name="redial",
                summary="Call him again",
                answer=Done,
                errors=(403, 404, 409, 422),
            ),
        ]

    async def dial(self, ask: Ask) -> ASGIApp:
        """Calls somebody."""
        conference = ask.caller.conference(ask.server, ask.path("name"))
        wish = await ask.body(DialWish)
        conference.do(Dial(wish.target, wish.name), by=ask.caller.id)
        # The newest is the last.
        *_, call = conference.model.calls.values()
        return answer(Dialled(sequence=conference.model.sequence, id=call.id))

    async def cancel(self, ask: Ask) -> ASGIApp:
        """Takes a call back."""
        conference = ask.caller.conference(ask.server, ask.path("name"))
        conference.do(CancelCall(_call(ask)), by=ask.caller.id)
        return answer(Done(sequence=conference.model.sequence))

    async def redial(self, ask: Ask) -> ASGIApp:
        """Calls again."""
        conference = ask.caller.conference(ask.server, ask.path("name"))
        conference.do(Redial(_call(ask)), by=ask.caller.id)
        return answer(Done(sequence=conference.model.sequence))


def _call(ask: Ask) -> int:
    if (id := ask.number("call")) is None:
        raise NoSuchCall
    return id
