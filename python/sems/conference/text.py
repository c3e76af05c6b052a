"""Text: lines that people in a conference write to all others, or to some."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from .command import Command
from .errors import Refused
from .event import Event, ParticipantChanged

if TYPE_CHECKING:
    from .model import ConferenceModel
    from .state import State

#: The longest line, in characters.
LONGEST: Final = 2000
#: So many lines to all a conference keeps for those who come later, and as many that are for some, …
MOST_KEPT: Final = 200
#: … and so many characters of each.
MOST_CHARACTERS: Final = 50_000
#: So many failed deliveries are kept of one line.
MOST_FAILURES: Final = 50
#: So many lines one person can write …
BURST: Final = 10
#: … within so many seconds.
WINDOW: Final = 10.0

#: As whom the operator writes.
OPERATOR: Final = "Operator"

# Explicit directions would reach beyond the line and make it look like another (UAX #9 §2).
_DIRECTIONS: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# Letters and a symbol that nothing is seen of.
_BLANKS: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0")
_NEW_LINES: Final = str.maketrans(dict.fromkeys("\r\v\f\x85\u2028\u2029", "\n"))


class NothingSaid(Refused):
    """There is no text in it."""

    code = "nothing_said"

    def __init__(self) -> None:
        super().__init__("There is nothing to send.")


class TooLong(Refused):
    """The text is longer than a line may be."""

    code = "too_long"

    def __init__(self) -> None:
        super().__init__(f"This is too long: {LONGEST} characters can be sent at once.", most=LONGEST)


class TooFast(Refused):
    """He has written too much in too short a time."""

    code = "too_fast"

    def __init__(self) -> None:
        super().__init__("That was too much at once, so the room is busy. Wait a few seconds.")


@dataclass(frozen=True, slots=True)
class Failure:
    """Somebody whom a line did not reach."""

    participant: int
    name: str
    reason: str
    """Why, as a sentence."""


@dataclass(frozen=True, slots=True)
class Message:
    """A line as it was written."""

    id: int
    """The number of the event by which it was sent."""
    at: float
    """When, in seconds since 1970."""
    sender: int | None
    """The participant who wrote it; ``None``: the operator."""
    name: str
    """What the sender was called then."""
    text: str
    """Plain text. The only control character in it is the line feed."""
    to: tuple[int, ...] | None = None
    """Ids of those who are meant; ``None``: all, and those who come later."""
    failed: tuple[Failure, ...] = ()
    """Whom it did not reach, which is told to the sender."""
    to_names: tuple[str, ...] = ()
    """What those who are meant were called then, in the order of ``to``."""

    def is_for(self, reader: int | None) -> bool:
        """``reader`` (``None``: the operator) may read it."""
        return self.to is None or reader == self.sender or reader in self.to

    def as_seen_by(self, reader: int | None) -> Message:
        """That it did not reach somebody is its sender's business."""
        return self if reader == self.sender else replace(self, failed=())


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageSent(Event):
    """Somebody has written a line."""

    message: Message

    @property
    def audience(self) -> frozenset[int] | None:
        """Who wrote it, and for whom it is."""
        return audience(self.message)

    def is_for(self, reader: int | None) -> bool:
        """Not even the operator reads what is private."""
        return self.message.is_for(reader)

    def apply(self, state: State) -> None:
        """It is the newest; the oldest go when there are too many. What is for some takes no room from what
        is for all."""
        state.messages[self.message.id] = self.message
        is_for_all = self.message.to is None
        alike = [each for each in state.messages.values() if (each.to is None) == is_for_all]
        count, size = len(alike), sum(len(each.text) for each in alike)
        for each in alike:
            if count <= MOST_KEPT and size <= MOST_CHARACTERS:
                break
            del state.messages[each.id]
            count, size = count - 1, size - len(each.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageFailed(Event):
    """A line did not reach somebody."""

    message: Message

    @property
    def audience(self) -> frozenset[int] | None:
        """Who wrote it."""
        return frozenset() if self.message.sender is None else frozenset({self.message.sender})

    def is_for(self, reader: int | None) -> bool:
        """Only who wrote it."""
        return reader == self.message.sender

    def apply(self, state: State) -> None:
        """It is known of the line as long as that is kept."""
        if self.message.id in state.messages:
            state.messages[self.message.id] = self.message


class TextsChanged(ParticipantChanged):
    """It has turned out that his phone takes texts, or does not."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Say(Command):
    """Sends a line to all, or to those who are named."""

    text: str
    at: float
    """When it was written, in seconds since 1970."""
    to: tuple[int, ...] | None = None
    """Ids of those who are meant; ``None``: all."""

    def check(self, room: ConferenceModel, by: int | None) -> None:
        """NothingSaid, TooLong, NotHere if one who is named is not here, or TooFast."""
        text = clean(self.text)
        if not text or self.to == ():
            raise NothingSaid
        if len(text) > LONGEST:
            raise TooLong
        for id in self.to or ():
            room.present(id)
        lately = [
            each for each in room.messages.values() if each.sender == by and 0 <= self.at - each.at < WINDOW
        ]
        if len(lately) >= BURST:
            raise TooFast

    def carry_out(self, room: ConferenceModel, by: int | None) -> None:
        """The line, as it is shown."""
        to = None if self.to is None else tuple(dict.fromkeys(self.to))
        message = Message(
            id=room.sequence + 1,
            at=self.at,
            sender=by,
            name=OPERATOR if by is None else room.present(by).name,
            text=clean(self.text),
            to=to,
            to_names=tuple(room.present(each).name for each in to or ()),
        )
        room.record(MessageSent, message=message, by=by)


def clean(text: str) -> str:
    """Only what can be read: without control characters but line feeds, and without what turns the
    direction of the text that follows. Nothing, where nothing would be seen of it."""
    text = text.replace("\r\n", "\n").translate(_NEW_LINES).replace("\t", " ")
    kept = (each for each in text if each == "\n" or _is_readable(each))
    read = "".join(kept).strip()
    return read if any(map(_is_visible, read)) else ""


def _is_readable(character: str) -> bool:
    return unicodedata.category(character) not in ("Cc", "Cs") and character not in _DIRECTIONS


def _is_visible(character: str) -> bool:
    category = unicodedata.category(character)
    return category[0] not in "ZM" and category not in ("Cc", "Cf") and character not in _BLANKS


def audience(message: Message) -> frozenset[int] | None:
    """The participants who may read it; ``None``: all."""
    if message.to is None:
        return None
    return frozenset(message.to if message.sender is None else (*message.to, message.sender))


def report_undelivered(room: ConferenceModel, message: int, participant: int, reason: str) -> None:
    """A line that is still kept did not reach one of those for whom it was."""
    line, him = room.messages.get(message), room.participants.get(participant)
    if line and him and len(line.failed) < MOST_FAILURES:
        failure = Failure(participant, him.name, reason)
        room.record(MessageFailed, message=replace(line, failed=(*line.failed, failure)))


def report_texts(room: ConferenceModel, participant: int, on: bool) -> None:
    """His phone has taken a text, or has said that it takes none."""
    if (him := room.participants.get(participant)) and him.texts != on:
        room.record(TextsChanged, participant=replace(him, texts=on))
