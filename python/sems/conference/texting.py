"""What is written in a conference goes to phones, and what phones write into the conference."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from .errors import NotAllowed, NotHere, Refused
from .events import Event, MessageSent
from .phones import sender_of
from .text import NothingSaid, Say, TooFast, TooLong

if TYPE_CHECKING:
    from ..sip.requests import SipRequest
    from .conference import Conference
    from .member import Member
    from .participant import Participant

#: How a refusal is said in SIP, by status code.
_CODES: Final[tuple[tuple[type[Refused], int], ...]] = (
    (NothingSaid, 400),
    (NotAllowed, 403),
    (NotHere, 404),
    (TooLong, 413),
    (TooFast, 480),
)
#: After how many seconds he may try again who wrote too fast.
_RETRY_AFTER: Final = "10"
#: What all are called in a text that is for all.
_ALL: Final = ["all", "everybody"]


class NobodyOfThisName(NotHere):
    """A text begins with the name of somebody who is not here."""

    def __init__(self) -> None:
        Refused.__init__(self, "There is nobody of this name in the room, or there are several.")


def send_lines_to_phones(conference: Conference) -> None:
    """Follows what is written: phones that take texts get all that is for their owners, but not what
    these have written themselves."""

    def on_event(event: Event) -> None:
        if isinstance(event, MessageSent):
            for id in conference.model.participants:
                is_meant = id != event.message.sender and event.message.is_for(id)
                if is_meant and (member := conference.members.get(id)):
                    member.outbox.put(event.message)

    conference.model.subscribe(on_event)


async def take_text(conference: Conference | None, message: SipRequest) -> None:
    """A MESSAGE to a room, in the call of a member or outside. Who is not in the room is refused."""
    member = conference and sender_of(conference, message)
    if not conference or not member or member.id not in conference.model.participants:
        return await message.respond(403, "You Are Not In This Room")
    try:
        to, text = addressed(conference, member, message.text)
        conference.do(Say(text, at=time.time(), to=to), by=member.id)
    except Refused as refused:
        code = next((code for kind, code in _CODES if isinstance(refused, kind)), 403)
        headers = [("Retry-After", _RETRY_AFTER)] if code == 480 else []
        return await message.respond(code, str(refused), headers=headers)
    await message.respond(200)


def addressed(conference: Conference, sender: Member, text: str) -> tuple[tuple[int, ...] | None, str]:
    """For whom a text from a phone is, and what it says: one that begins with ``@NAME`` is for that
    member alone. Raises NobodyOfThisName."""
    text = text.strip()
    if not text.startswith("@"):
        return None, text
    others = [each for each in conference.model.participants.values() if each.id != sender.id]
    # Of Anna and Anna Maria the longer name counts.
    others.sort(key=lambda each: len(each.name), reverse=True)
    for names in (_whole_name, _any_name):
        found = [(each, rest) for each in others if (rest := _after(text[1:], names(each))) is not None]
        longest = [(each, rest) for each, rest in found if len(rest) == min(len(left) for _, left in found)]
        if names is _any_name and _after(text[1:], _ALL) is not None:
            return None, text
        if len(longest) == 1:
            return (longest[0][0].id,), longest[0][1]
        if found:
            break
    raise NobodyOfThisName


def _whole_name(participant: Participant) -> list[str]:
    # Whoever calls himself so gets nothing that is for all.
    return [] if participant.name.casefold() in _ALL else [participant.name]


def _any_name(participant: Participant) -> list[str]:
    return participant.name.split()


def _after(text: str, names: list[str]) -> str | None:
    """What follows the name that the text begins with; ``None``: none of these."""
    for name in names:
        if name and text[: len(name)].casefold() == name.casefold():
            rest = text[len(name) :]
            if not rest[:1].isalnum():
                return rest.lstrip(" :,")
    return None
