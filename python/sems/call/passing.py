"""What one side of a bridge asks of us within its call, and is for the other side (RFC 7092)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..checks import is_media_type, one_line
from ..errors import CallFailed, EngineError, HungUp
from ..sip.passing import of_requests
from ..sip.requests import SipRequest
from ..sip.transfer import Refer

if TYPE_CHECKING:
    from .bridge import CallBridge
    from .call import Call


async def pass_on(request: SipRequest, other: Call) -> None:
    """Has the other side answer a request, with its body and the header fields that are for it."""
    if isinstance(request, Refer):
        return await _hand_over(request, other)
    headers: list[tuple[str, str]] = []
    try:
        answer = await other.request(
            request.method,
            body=request.body or None,
            content_type=request.headers.get("Content-Type", ""),
            headers=of_requests(request.headers, also=("info-package",)),
        )
    except HungUp:
        code, reason, body, kind = 481, None, None, ""
    except (EngineError, CallFailed, ValueError) as error:
        other.log.debug("a request can't be passed on", method=request.method, why=str(error))
        code, reason, body, kind = 500, None, None, ""
    else:
        code, reason = answer.code, one_line(answer.reason)
        # Who refuses a package says which it takes (RFC 6086 §4.2.2).
        headers = of_requests(answer.headers, also=("recv-info",) if code == 469 else ())
        body, kind = answer.body or None, answer.headers.get("Content-Type", "")
        if not is_media_type(kind):
            body, kind = None, ""
    if not request.answered:
        await request.respond(code, reason, headers=headers, body=body, content_type=kind)


def take_info(call: CallBridge, packages: Sequence[str]) -> None:
    """What the peer of a call sends of these INFO packages (RFC 6086) is for the other side."""
    if call.end is None:
        call.server.engine.completion(call.server.engine.core.pass_info(call.id, packages))


def recv_info(packages: Sequence[str]) -> list[tuple[str, str]]:
    """Says that we take these, for the other side does."""
    return [("Recv-Info", ", ".join(packages))] if packages else []


async def _hand_over(refer: Refer, other: Call) -> None:
    """The other side is to call somebody: it is asked to, and what comes of it is told."""
    await refer.accept()
    try:
        # Who asks usually hangs up at once, and with that the bridge ends; it is told all the same.
        outcome = await other.transfer(
            refer.whole_target, referred_by=refer.referred_by or "", hangup=False, after_end=180.0
        )
    except (HungUp, EngineError, ValueError) as error:
        other.log.debug("a REFER can't be passed on", why=str(error))
        await refer.progress(503)
    else:
        await refer.progress(outcome.code, one_line(outcome.reason))
