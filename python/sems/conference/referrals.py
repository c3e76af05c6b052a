"""Members who have somebody called into the room, or taken out of it, by REFER (RFC 4579)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from ..sip.headers import NameAddr, SipUri
from .dialling import CallChanged, CallGone, Dial, Dialling, DialState
from .door import Remove
from .errors import BadTarget, LinesBusy, NotAllowed, NotHere, Refused, RoomFull
from .event import Event
from .phones import sender_of
from .roster import entity_of

if TYPE_CHECKING:
    from ..sip.transfer import Refer
    from .conference import Conference

_CODES: Final[tuple[tuple[type[Refused], int], ...]] = (
    (BadTarget, 400),
    (NotAllowed, 403),
    (NotHere, 404),
    (RoomFull, 486),
    (LinesBusy, 503),
)


async def take_refer(conference: Conference | None, refer: Refer) -> None:
    """A REFER to a room, in the call of a member or outside."""
    member = conference and sender_of(conference, refer)
    if not conference or not member or member.id not in conference.model.participants:
        return await refer.respond(403, "You Are Not In This Room")
    uri = SipUri.parse(refer.target)
    method = uri.params.get("method", "INVITE").upper()
    try:
        if method == "BYE":
            conference.do(Remove(_named(conference, uri)), by=member.id)
            await refer.accept()
            return await refer.progress(200)
        if method != "INVITE" or refer.replaces is not None:
            return await refer.respond(488, "Only Plain Calls Can Be Placed From Here")
        name = NameAddr.parse(refer.headers.get("Refer-To", "")).name
        call = _dial(conference, Dial(_plain(refer.target), name or None), member.id)
    except Refused as refused:
        code = next((code for kind, code in _CODES if isinstance(refused, kind)), 403)
        return await refer.respond(code, str(refused))
    await refer.accept()
    await _tell(conference, call, refer)


def _dial(conference: Conference, command: Dial, by: int) -> Dialling:
    """Raises Refused."""
    begun: list[Dialling] = []
    stop = conference.model.subscribe(
        lambda event: begun.append(event.call) if isinstance(event, CallChanged) else None
    )
    try:
        conference.do(command, by=by)
    finally:
        stop()
    return begun[0]


async def _tell(conference: Conference, call: Dialling, refer: Refer) -> None:
    """How the call goes, until it is answered or comes to nothing."""
    news: asyncio.Queue[tuple[int, str]] = asyncio.Queue()

    def on_event(event: Event) -> None:
        match event:
            case CallGone(call=gone) if gone.id == call.id:
                news.put_nowait((200, "OK") if gone.going_on else (487, ""))
            case CallChanged(call=changed) if changed.id == call.id:
                if changed.state is DialState.CANCELLED:
                    news.put_nowait((487, "Request Terminated"))
                elif changed.code is not None:
                    news.put_nowait((changed.code, changed.phrase))

    stop = conference.model.subscribe(on_event)
    try:
        on_event(CallChanged(sequence=0, call=conference.model.calls.get(call.id, call)))
        while not refer.finished:
            code, phrase = await news.get()
            await refer.progress(code, phrase or None)
            if code >= 200:
                return
    finally:
        stop()


def _named(conference: Conference, uri: SipUri) -> int:
    """The participant who stands under this address in the conference's own description. Raises NotHere."""
    wanted = uri.user, uri.host, uri.port or 5060
    for id in conference.model.participants:
        member = conference.members.get(id)
        known = SipUri.parse(entity_of(member.call if member else None, id))
        if (known.user, known.host, known.port or 5060) == wanted:
            return id
    raise NotHere


def _plain(target: str) -> str:
    """Without the method, which is the default."""
    return ";".join(part for part in target.split(";") if not part.lower().startswith("method="))
