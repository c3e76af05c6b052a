"""Calls of whose peers nothing is heard any more."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from ..errors import EngineError, HungUp
from ..events import Answered, CallEvent, RtpResumed

if TYPE_CHECKING:
    from .call import Call

#: A telephone that is there answers within this time, in seconds: over UDP it has been asked five times by
#: then (RFC 3261 §17.1.2.2).
ANSWERS_WITHIN: Final = 8.0

#: What says that the peer is gone: its own word that it has no such call (RFC 3261 §12.2.1.2), and that of
#: proxies which can't reach it (408, 504, 430 of RFC 5626 §5.3, and 477 and 478 of Kamailio).
_GONE: Final = frozenset({408, 430, 477, 478, 481, 504})


def end_unless_heard(call: Call) -> None:
    """As :meth:`Call.end_unless_heard() <sems.call.Call.end_unless_heard>`."""
    patience = call.server.config.rtp_timeout
    silent = True

    def due() -> None:
        if silent and call.state == "answered":
            call.server.spawn(end())

    def later() -> None:
        asyncio.get_running_loop().call_later(patience, due)

    async def end() -> None:
        # Whoever has us on hold may send music, and need not (RFC 3264 §8.4).
        if (call.may_listen or call.on_hold) and await _is_there(call):
            later()
        elif silent and call.end is None:
            call.log.warning("nothing is heard of the peer")
            await call.hangup("nothing is heard")

    def follow(told: CallEvent) -> None:
        nonlocal silent
        match told:
            case RtpResumed():
                silent = False
                forget()
            case Answered():
                # Early media was not heard; now it is time to speak.
                later()

    if patience > 0:
        forget = call.subscribe(follow)
        due()


async def _is_there(call: Call) -> bool:
    """Whether the peer still has the call: most responses say so, whatever else they say; but what has no
    header field came from nobody."""
    try:
        async with asyncio.timeout(ANSWERS_WITHIN):
            response = await call.request("OPTIONS")
    except (EngineError, HungUp, TimeoutError):
        return False
    return bool(response.headers) and response.code not in _GONE
