"""The API of pairing: for who has a call and no link."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from starlette.types import ASGIApp

from ..conference.pairing import LASTS
from .endpoint import Ask, Endpoint, answer
from .views import ClaimWish, LinkView, PairingOpened, PairingState, moment

if TYPE_CHECKING:
    from ..server import Server

#: How long an answer waits for a phone, in seconds.
PATIENCE: Final = 25.0
#: More who ask for the same code are answered at once.
MOST_WAITERS: Final = 3


class PairingApi:
    """Opens codes, waits for phones, and takes what they have spoken."""

    def endpoints(self) -> list[Endpoint]:
        """All that belongs to pairing."""
        return [
            Endpoint(
                method="POST",
                path="/pairings",
                handle=self.open,
                name="openPairing",
                summary=(
                    "Open a code of six digits: whoever keys in `*` code `#` on a phone during a conference "
                    "opens the page of that call to who has the secret"
                ),
                who="anyone",
                answer=PairingOpened,
                errors=(429,),
            ),
            Endpoint(
                method="POST",
                path="/pairings/claim",
                handle=self.claim,
                name="claimPairing",
                summary="The page of the call whose phone has spoken this code (`*#`)",
                who="anyone",
                body=ClaimWish,
                answer=LinkView,
                errors=(404, 413, 415, 422, 429),
            ),
            Endpoint(
                method="GET",
                path="/pairings/{secret}",
                handle=self.wait,
                name="waitForPairing",
                summary="Wait for up to 25 seconds until a phone has keyed in the code",
                who="anyone",
                answer=PairingState,
            ),
        ]

    async def open(self, ask: Ask) -> ASGIApp:
        """A new code."""
        pairing = ask.server.conferences.pairings.open(_source(ask))
        return answer(
            PairingOpened(code=pairing.code, secret=pairing.secret, until=moment(time.time() + LASTS))
        )

    async def wait(self, ask: Ask) -> ASGIApp:
        """What has become of a code."""
        pairings = ask.server.conferences.pairings
        pairing = pairings.find(ask.path("secret"))
        if pairing is None:
            return answer(PairingState(state="expired", link=None))
        if pairing.waiters < MOST_WAITERS:
            pairing.waiters += 1
            try:
                await _first(pairing.paired, ask.server, min(PATIENCE, pairings.left(pairing)))
            finally:
                pairing.waiters -= 1
        if pairing.link is not None:
            return answer(PairingState(state="paired", link=_link(ask, pairing.link)))
        known = pairings.find(pairing.secret) is not None
        return answer(PairingState(state="waiting" if known else "expired", link=None))

    async def claim(self, ask: Ask) -> ASGIApp:
        """A code that was heard."""
        wish = await ask.body(ClaimWish)
        token = ask.server.conferences.pairings.claim(wish.code, _source(ask))
        return answer(LinkView(link=_link(ask, token)))


async def _first(paired: asyncio.Event, server: Server, seconds: float) -> None:
    """Returns when the phone was there, the server stops or the time is over."""
    waiting = [asyncio.create_task(event.wait()) for event in (paired, server.stopping)]
    try:
        await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()


def _link(ask: Ask, token: str) -> str:
    base = ask.server.config.base_url or str(ask.request.base_url).rstrip("/")
    return f"{base}/c/{token}"


def _source(ask: Ask) -> str:
    return ask.request.client.host if ask.request.client else ""
