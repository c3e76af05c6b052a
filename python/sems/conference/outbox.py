"""What is written in a conference, on its way to the phone of one member (MESSAGE, RFC 3428)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from .. import words
from ..errors import EngineError, HungUp
from .phones import allows
from .text import Message, report_texts, report_undelivered

if TYPE_CHECKING:
    from .member import Member

#: So many lines may wait for a phone that is slow to answer.
MOST_WAITING: Final = 20
#: So many bytes of text are sent at once, so that the whole request stays within the 1300 bytes that
#: RFC 3428 §8 allows over UDP. What is longer is sent in parts.
PART: Final = 700

# The phone knows no texts, or not within a call.
_NO_TEXTS: Final = frozenset({405, 415, 481, 488, 489, 501})
_SILENCE: Final = frozenset({408, 503})


class Outbox:
    """The lines for the phone of one member, one after the other, in the dialog of his call."""

    def __init__(self, member: Member) -> None:
        self._member = member
        self._model = member.conference.model
        self._on = member.conference.settings.texts_to_phones
        self._takes = allows(member.call, "MESSAGE")
        # An empty deque takes ten times as much memory as an empty list, and few ever wait here.
        self._waiting: list[tuple[Message, list[str]]] = []
        self._busy = False

    def begin_again(self) -> None:
        """There is another phone at the other end."""
        self._takes = allows(self._member.call, "MESSAGE")
        report_texts(self._model, self._member.id, self._member.conference.sends_texts_to(self._member.call))

    def put(self, message: Message) -> None:
        """He shall read this line."""
        if not self._on or self._takes is False:
            self._member.spawn(self._tell_that_he_has_no_phone_for_it(message))
        elif len(self._waiting) >= MOST_WAITING:
            self._member.spawn(self._fail(message, "Too many texts wait for this phone."))
        else:
            self._waiting.append((message, parts(self._words(message))))
            if not self._busy:
                self._busy = True
                self._member.spawn(self._send_all())

    def welcome(self) -> None:
        """He shall have the link to his page as a text, if his phone has said that it takes texts."""
        if self._member.conference.settings.link_as_text and self._takes:
            self._member.spawn(self._send_link())

    async def _send_link(self) -> None:
        text = self._said["yourPage"].replace("{page}", self._member.page)
        self._learn((await self._member.call.send_message(text)).code)

    async def _send_all(self) -> None:
        try:
            while self._waiting:
                await self._send(*self._waiting.pop(0))
        finally:
            self._busy = False

    async def _send(self, message: Message, texts: list[str]) -> None:
        if self._takes is False:
            return await self._tell_that_he_has_no_phone_for_it(message)
        known = self._takes
        for text in texts:
            try:
                code = (await self._member.call.send_message(text)).code
            except (HungUp, EngineError):
                return
            self._learn(code)
            if code in _NO_TEXTS:
                if known:
                    return await self._fail(message, "This phone takes no texts.")
                return await self._tell_that_he_has_no_phone_for_it(message)
            if code >= 300:
                silent = code in _SILENCE
                why = "This phone does not answer." if silent else "This phone has refused the text."
                return await self._fail(message, why)

    def _learn(self, code: int) -> None:
        if code < 300 or code in _NO_TEXTS:
            self._takes = code < 300
            report_texts(self._model, self._member.id, self._on and self._takes)

    async def _tell_that_he_has_no_phone_for_it(self, message: Message) -> None:
        """What is for all is on everybody's page; what is for him he reads only if that is open."""
        if message.to is not None and not self._member.watchers:
            await self._fail(message, "The page is not open there, and this phone takes no texts.")

    async def _fail(self, message: Message, why: str) -> None:
        report_undelivered(self._model, message.id, self._member.id, why)

    @property
    def _said(self) -> Mapping[str, str]:
        """The words of the room's language."""
        return words.known(self._member.call.server.config.data).of(self._model.settings.language)

    def _words(self, message: Message) -> str:
        """The dialog is the room's, so a phone shows it as the sender: who wrote it stands in the text.
        Later lines are indented, so that they can't be taken for those of somebody else."""
        name = " ".join(message.name.split())
        if message.to is not None:
            name = f"{name} ({self._said['onlyToYou']})"
        return f"{name}: {message.text}".replace("\n", "\n  ")


def parts(text: str, size: int = PART) -> list[str]:
    """The text in parts of at most so many bytes of UTF-8, numbered if there are several, and parted
    between words where that is possible."""
    if len(text.encode()) <= size:
        return [text]
    found = []
    # For the numbers.
    size -= len(" (99/99)")
    while text:
        head = text.encode()[:size].decode(errors="ignore")
        if len(head) < len(text) and not text[len(head)].isspace():
            cut = max(head.rfind(" "), head.rfind("\n"))
            head = head[:cut] if cut > len(head) // 2 else head
        found.append(head.rstrip())
        text = text[len(head) :].lstrip()
    return [f"{part} ({number}/{len(found)})" for number, part in enumerate(found, 1)]
