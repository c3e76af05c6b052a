"""Calling people into the room: who is being called, how far that is, and why it came to nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol

from ..sip.dialled import LONGEST
from .command import Command
from .errors import BadTarget, NoSuchCall, NotAllowed
from .event import Event
from .participant import Participant, Presence
from .text import clean

if TYPE_CHECKING:
    from .model import ConferenceModel
    from .state import State

#: So many calls that came to nothing are remembered in a room.
MOST_REMEMBERED: Final = 10
#: The longest name that somebody can have in a room, in characters.
LONGEST_NAME: Final = 64


class DialState(StrEnum):
    """How far a call is that shall bring somebody into the room."""

    TRYING = "trying"
    """He is looked for."""
    RINGING = "ringing"
    """His telephone rings."""
    FAILED = "failed"
    """He does not come; code and reason say why."""
    CANCELLED = "cancelled"
    """It was taken back."""


@dataclass(frozen=True, slots=True)
class Dialling:
    """Somebody who is called, as a value. When he answers he is a participant with the same id."""

    id: int
    name: str
    """What others see."""
    target: str
    """What was dialled."""
    by: int | None
    """Who dialled; ``None``: the operator."""
    state: DialState = DialState.TRYING
    code: int | None = None
    """The last SIP response (100–699); 408 also for silence, 503 also when there was no way there."""
    reason: str = ""
    """Why he does not come, in plain words."""
    phrase: str = ""
    """The same as the response said it."""
    was: Participant | None = None
    """He was removed from the room, and is called because that was taken back: as he was."""

    @property
    def going_on(self) -> bool:
        """He may still come."""
        return self.state in (DialState.TRYING, DialState.RINGING)


class Switchboard(Protocol):
    """Decides who can be called, outside of the conference."""

    def check(self, target: str, by: int | None) -> None:
        """Returns if that can be dialled now, by that participant. Raises Refused."""


class NoSwitchboard:
    """Of a conference that calls nobody."""

    def check(self, target: str, by: int | None) -> None:
        """Refuses."""
        raise NotAllowed("Nobody can be called from here.", "nobody_called")


@dataclass(frozen=True, slots=True, kw_only=True)
class CallChanged(Event):
    """Somebody is called, or that has come further."""

    call: Dialling

    def apply(self, state: State) -> None:
        """It is as the event says."""
        state.calls[self.call.id] = self.call
        state.dismissed.pop(self.call.id, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallGone(Event):
    """He has answered, and joins; or nobody need know any more that he was called."""

    call: Dialling

    def apply(self, state: State) -> None:
        """There is no such call."""
        del state.calls[self.call.id]


@dataclass(frozen=True, slots=True)
class Dial(Command):
    """Somebody shall be called into the room."""

    target: str
    """A name, a number or an address."""
    name: str | None = None
    """What others see of him; ``None``: what was dialled tells."""

    def check(self, room: ConferenceModel, by: int | None) -> None:
        """There must be room for him, and he must be somebody who can be called."""
        if not self.target.strip():
            raise BadTarget("Whom? A name, a number or an address is wanted.")
        if len(self.target) > LONGEST:
            raise BadTarget("Nobody has so long a name, number or address.")
        check_room_for_one_more(room)
        room.switchboard.check(self.target.strip(), by)

    def carry_out(self, room: ConferenceModel, by: int | None) -> None:
        """He has an id from now on."""
        target = self.target.strip()
        name = printable(self.name or "") or printable(name_in(target))
        room.record(CallChanged, call=Dialling(room.next_id(), name, target, by), by=by)


@dataclass(frozen=True, slots=True)
class CancelCall(Command):
    """He shall not be called any more; of a call that has come to nothing: it is forgotten."""

    call: int

    def check(self, room: ConferenceModel, by: int | None) -> None:
        """There must be such a call: NoSuchCall."""
        known(room, self.call)

    def carry_out(self, room: ConferenceModel, by: int | None) -> None:
        """It stands there for a while, so that it can be dialled again."""
        call = known(room, self.call)
        if call.going_on:
            gone = replace(call, state=DialState.CANCELLED, code=None, reason="taken back", phrase="")
            room.record(CallChanged, call=gone, by=by)
            forget_the_oldest(room)
        else:
            room.record(CallGone, call=call, by=by)


@dataclass(frozen=True, slots=True)
class Redial(Command):
    """He shall be called again."""

    call: int

    def check(self, room: ConferenceModel, by: int | None) -> None:
        """As for the first time."""
        call = known(room, self.call)
        if not call.going_on:
            check_room_for_one_more(room)
            room.switchboard.check(call.target, by)

    def carry_out(self, room: ConferenceModel, by: int | None) -> None:
        """From the beginning, unless he is being called."""
        call = known(room, self.call)
        if not call.going_on:
            anew = Dialling(call.id, call.name, call.target, by, was=call.was)
            room.record(CallChanged, call=anew, by=by)


# what the call does


def progress(room: ConferenceModel, id: int, code: int, phrase: str, *, early_media: bool = False) -> None:
    """A provisional response (1xx) has come. ``early_media``: with sound, which mostly is that of ringing."""
    call = room.calls.get(id)
    if call and call.going_on:
        rings = code == 180 or early_media or call.state is DialState.RINGING
        state = DialState.RINGING if rings else DialState.TRYING
        further = replace(call, state=state, code=code, phrase=phrase)
        if further != call:
            room.record(CallChanged, call=further)


def failed(room: ConferenceModel, id: int, code: int, phrase: str, reason: str | None = None) -> None:
    """He does not come. ``reason``: in plain words; ``None``: what the code means."""
    call = room.calls.get(id)
    if call and call.going_on:
        why = plain(code) if reason is None else reason
        room.record(
            CallChanged,
            call=replace(call, state=DialState.FAILED, code=code, reason=why, phrase=phrase),
        )
        forget_the_oldest(room)


def answered(room: ConferenceModel, id: int, *, texts: bool = False) -> Participant:
    """He comes in. ``texts``: his phone takes texts.

    Raises :class:`NoSuchCall` for a call that was taken back, or RoomFull.
    """
    call = known(room, id)
    if not call.going_on:
        raise NoSuchCall
    room.must_have_room_for(1)
    room.record(CallGone, call=call)
    return room.admit(
        call.name,
        presence=Presence.DIALLED,
        texts=texts,
        invited=call.id,
        address=call.target,
        again=call.was,
    )


def forget(room: ConferenceModel, id: int) -> None:
    """Nobody need know any more that he was called in vain. No error if nobody does."""
    call = room.calls.get(id)
    if call and not call.going_on:
        room.record(CallGone, call=call)


def forget_the_oldest(room: ConferenceModel) -> None:
    """Of those who were called in vain so many that :data:`MOST_REMEMBERED` are left."""
    vain = [call.id for call in room.calls.values() if not call.going_on]
    for id in vain[: max(0, len(vain) - MOST_REMEMBERED)]:
        forget(room, id)


def known(room: ConferenceModel, id: int) -> Dialling:
    """The call of this id. Raises :class:`NoSuchCall`."""
    try:
        return room.calls[id]
    except KeyError:
        raise NoSuchCall from None


def check_room_for_one_more(room: ConferenceModel) -> None:
    """Also for those who are on their way. Raises RoomFull."""
    coming = sum(1 for call in room.calls.values() if call.going_on)
    room.must_have_room_for(coming + 1)


# words


def name_in(target: str) -> str:
    """The name, the number or the user part."""
    scheme, colon, rest = target.partition(":")
    bare = rest if colon and scheme.lower() in ("sip", "sips", "tel") else target
    return bare.partition("@")[0]


def printable(name: str) -> str:
    """As everybody can read it: on one line, no longer than :data:`LONGEST_NAME`, without control characters
    and without what turns the direction of the text around it. Empty where nothing would be seen of it."""
    return clean(" ".join(clean(name).split())[:LONGEST_NAME])


_PLAIN: Final = {
    "busy": (486, 600),
    "did not answer": (408, 480, 487),
    "declined": (603, 607, 608),
    "nobody has this name or number": (404, 410, 484, 485, 604),
    "not allowed there": (401, 403, 407),
    "no sound that both know": (415, 488, 606),
    "to be reached elsewhere": tuple(range(300, 400)),
    "the call would come back here": (482, 483),
}
_BY_CODE: Final = {code: words for words, codes in _PLAIN.items() for code in codes}


def plain(code: int) -> str:
    """What a final response means, in words that stand behind a name."""
    return _BY_CODE.get(code, "could not be reached")
