"""The API of text: what is written to others in a conference."""

from __future__ import annotations

import time

from starlette.types import ASGIApp

from ..conference import Say
from .endpoint import Ask, Endpoint, answer
from .views import MessageWish, Sent


class TextApi:
    """Takes lines. They are read in the conference itself."""

    def endpoints(self) -> list[Endpoint]:
        """All that belongs to text."""
        return [
            Endpoint(
                method="POST",
                path="/conferences/{name}/messages",
                handle=self.send,
                name="sendMessage",
                summary=(
                    "Write to all, or to some. Phones that take texts get it as well; whom it does not "
                    "reach is told by the event `message_failed`."
                ),
                body=MessageWish,
                answer=Sent,
                errors=(403, 404, 409, 413, 415, 422, 429),
            )
        ]

    async def send(self, ask: Ask) -> ASGIApp:
        """A line."""
        conference = ask.caller.conference(ask.server, ask.path("name"))
        wish = await ask.body(MessageWish)
        to = None if wish.to is None else tuple(wish.to)
        conference.do(Say(wish.text, at=time.time(), to=to), by=ask.caller.id)
        sequence = conference.model.sequence
        return answer(Sent(sequence=sequence, id=sequence))
