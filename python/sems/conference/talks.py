"""Talks that the room does not hear: in private, and between a coach and whom he coaches."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from .command import Command
from .errors import Busy, Elsewhere, NoSuchTalk, NotAllowed, Refused, TalkFull
from .event import Event, ParticipantChanged
from .line import VoiceChanged
from .participant import Participant

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .model import ConferenceModel
    from .state import State

#: So many can be in one private talk, with those who are asked.
MOST: Final = 10


class TalkKind(StrEnum):
    """Who hears whom."""

    PRIVATE = "private"
    """All who are in it hear each other, and nobody else hears them."""
    COACH = "coach"
    """One moderator is heard by one other, who goes on to be heard by the room."""


class TalkState(StrEnum):
    """How far a talk is."""

    ASKED = "asked"
    """Somebody was asked, and nobody has come yet."""
    TALKING = "talking"
    ENDED = "ended"


class Background(StrEnum):
    """How those who talk in private hear the room."""

    SOFT = "soft"
    """Softly underneath."""
    OFF = "off"
    """Not at all."""
    FULL = "full"
    """As ever: so coaches hear it, and those who are coached."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """A talk as a value. A change makes a new one; the id stays."""

    id: int
    """Never used twice in a conference."""
    kind: TalkKind
    by: int
    """Who wanted it: of a coach's talk the coach."""
    members: tuple[int, ...]
    """Who is in it, in the order in which they came."""
    asked: tuple[int, ...] = ()
    """Who has not said yet whether he wants to."""
    declined: tuple[int, ...] = ()
    """Who did not want to."""
    unanswered: tuple[int, ...] = ()
    """Who has let the time pass."""
    room: Background = Background.SOFT

    @property
    def state(self) -> TalkState:
        """How far it is. It ends when one is left, unless he still waits for those whom he has asked."""
        if len(self.members) > 1:
            return TalkState.TALKING
        if self.by in self.members and self.asked:
            return TalkState.ASKED
        return TalkState.ENDED

    @property
    def talkers(self) -> tuple[int, ...]:
        """Those whom the room does not hear while it goes on."""
        if self.state is not TalkState.TALKING:
            return ()
        return self.members if self.kind is TalkKind.PRIVATE else (self.by,)

    @property
    def involved(self) -> tuple[int, ...]:
        """Those whose talk it is, or can be."""
        return (*self.members, *self.asked)

    def without(self, *ids: int) -> Conversation:
        """The others."""
        return replace(
            self,
            members=tuple(id for id in self.members if id not in ids),
            asked=tuple(id for id in self.asked if id not in ids),
        )


# events


@dataclass(frozen=True, slots=True, kw_only=True)
class TalkChanged(Event):
    """A talk is another, or a new one. Told to those whose it is, and to those whose it was until now."""

    talk: Conversation
    told: frozenset[int]

    @property
    def audience(self) -> frozenset[int] | None:
        """Nobody else knows who talks with whom."""
        return self.told

    def is_for(self, reader: int | None) -> bool:
        """Not even the operator does."""
        return reader in self.told

    def concerns(self, participant: int) -> bool:
        """It is his talk now."""
        return participant in self.talk.involved

    def apply(self, state: State) -> None:
        """One that has ended is not there any more."""
        if self.talk.state is TalkState.ENDED:
            state.talks.pop(self.talk.id, None)
        else:
            state.talks[self.talk.id] = self.talk


class WentPrivate(ParticipantChanged):
    """The room does not hear him while he talks with somebody else."""

    __slots__ = ()


class CameBack(ParticipantChanged):
    """The room hears him again, as before his talk."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MutedInTalk(ParticipantChanged):
    """Those with whom he talks do not hear him any more, or do again. The room has no part in it."""

    told: frozenset[int]

    @property
    def audience(self) -> frozenset[int] | None:
        """Those who are in the talk."""
        return self.told

    def is_for(self, reader: int | None) -> bool:
        """Not even the operator is told."""
        return reader in self.told


# commands


@dataclass(frozen=True, slots=True)
class TalkCommand(Command):
    """One that is about a talk that there is."""

    talk: int


@dataclass(frozen=True, slots=True)
class AskToTalk(Command):
    """I want to talk with these in private. Who is in a private talk already brings them into it."""

    participants: tuple[int, ...]
    room: Background | None = None
    """How we hear the room; ``None``: as the talk is already, or softly in a new one."""

    def check(self, room: ConferenceModel, by: int | None) -> None:
        """All must be in the room where I am (NotHere, Elsewhere) and in no other talk (Busy)."""
        asker = room.present(by or 0)
        own = room.talk_of(asker.id)
        if own and own.kind is TalkKind.COACH:
            raise Refused("You are busy in another talk. Go back to the room before.", "busy_yourself")
        if own and asker.id in own.asked:
            if self._accepts(own):
                return
            # He declines that one by asking for another.
            own = None
        for id in self.participants:
            _must_be_free(room, asker, room.present(id), own)
        involved = own.involved if own else (asker.id,)
        if len({*involved, *self.participants}) > MOST:
            raise TalkFull(MOST)

    def _accepts(self, talk: Conversation) -> bool:
        """They are those who talk there, or were asked to it like him."""
        return set(self.participants) <= set(talk.involved)

    def carry_out(self, room: ConferenceModel, by: int | None) -> None:
        """They are asked. If they have asked me already, I accept."""
        if by is None:
            return
        own = room.talk_of(by)
        if own and by in own.asked:
            if self._accepts(own):
                _come(room, own, by)
                return
            _go(room, own, by, declined=True)
            own = None
        own = own or Conversation(room.sequence + 1, TalkKind.PRIVATE, by, (by,))
        fresh = [id for id in dict.fromkeys(self.participants) if room.talk_of(id) is None and id != by]
        talk = replace(
            own,
            asked=(*own.asked, *fresh),
            # Who is asked again has not answered yet.
            declined=tuple(id for id in own.declined if id not in fresh),
            unanswered=tuple(id for id in own.unanswered if id not in fresh),
            room=self.room or own.room,
        )
        if talk.state is not TalkState.ENDED and talk != room.talks.get(talk.id):
            _change(room, talk, by)


@dataclass(frozen=True, slots=True)
class Coach(Command):
    """I want to be heard by this one alone, who is not asked."""

    participant: int

    def check(self, room: ConferenceModel, by: int | None) -> None:
        """He must be in the room where I am, and both of us in no talk."""
        coach = room.present(by or 0)
        own = room.talk_of(coach.id)
        if own and coach.id in own.members:
            raise Refused("You are busy in another talk. Go back to the room before.", "busy_yourself")
        _must_be_free(room, coach, room.present(self.participant), None)

    def carry_out(self, room: ConferenceModel, by: int | None) -> None:
        """It begins at once."""
        if by is None or room.talk_of(self.participant) or self.participant == by:
            return
        withdraw(room, by, by)
        both = (by, self.participant)
        _change(room, Conversation(room.sequence + 1, TalkKind.COACH, by, both, room=Background.FULL), by)


class AcceptTalk(TalkCommand):
    """I come to the talk to which I was asked."""

    __slots__ = ()

    def check(self, room: ConferenceModel, by: int | None) -> None:
        """I must have been asked."""
        _must_be_asked(room, self.talk, by)

    def carry_out(self, room: ConferenceModel, by: int | None) -> None:
        """I am in it."""
        if by is not None and (talk := room.talks.get(self.talk)) and by in talk.asked:
            _come(room, talk, by)


class DeclineTalk(TalkCommand):
    """I do not want to talk now."""

    __slots__ = ()

    def check(self, room: ConferenceModel, by: int | None) -> None:
        """I must have been asked."""
        _must_be_asked(room, self.talk, by)

    def carry_out(self, room: ConferenceModel, by: int | None) -> None:
        """The talk without me."""
        if by is not None and (talk := room.talks.get(self.talk)) and by in talk.asked:
            _go(room, talk, by, declined=True)


class LeaveTalk(TalkCommand):
    """I go back to the room; from one who was asked: he declines."""

    __slots__ = ()

    def check(self, room: ConferenceModel, by: int | None) -> None:
        """It must be mine."""
        _must_be_own(room, self.talk, by)

    def carry_out(self, room: ConferenceModel, by: int | None) -> None:
        """The talk without me, which may end it."""
        if by is not None and (talk := room.talks.get(self.talk)) and by in talk.involved:
            _go(room, talk, by, declined=by in talk.asked)


@dataclass(frozen=True, slots=True)
class SetBackground(TalkCommand):
    """All who are in the talk shall hear the room so."""

    room: Background

    def check(self, room: ConferenceModel, by: int | None) -> None:
        """It must be mine, and private."""
        talk = _must_be_own(room, self.talk, by)
        if by not in talk.members or talk.kind is TalkKind.COACH:
            raise NotAllowed("This is for those who talk in private.", "not_private")

    def carry_out(self, room: ConferenceModel, by: int | None) -> None:
        """One event, if that is not so yet."""
        talk = room.talks.get(self.talk)
        if talk and talk.room is not self.room:
            _change(room, replace(talk, room=self.room), by)


# what follows


def withdraw(room: ConferenceModel, id: int, by: int | None) -> None:
    """He is in no talk any more, and asked to none, as ``by`` wants it. For those who leave the room, or
    change it."""
    if talk := room.talk_of(id):
        _change(room, talk.without(id), by)


def give_up(room: ConferenceModel, talk_id: int, id: int) -> None:
    """He has not answered for so long that he is not asked any more. No error if he is not."""
    if (talk := room.talks.get(talk_id)) and id in talk.asked:
        _change(room, replace(talk.without(id), unanswered=(*talk.unanswered, id)), None)


def mute_in_talk(room: ConferenceModel, participant: Participant, on: bool) -> None:
    """Those with whom he talks do not hear him any more, or do again."""
    talk = room.talk_of(participant.id)
    if talk and participant.muted_in_talk != on:
        changed = replace(participant, muted_in_talk=on)
        room.record(MutedInTalk, participant=changed, told=frozenset(talk.members), by=participant.id)


def _come(room: ConferenceModel, talk: Conversation, id: int) -> None:
    asked = tuple(each for each in talk.asked if each != id)
    _change(room, replace(talk, members=(*talk.members, id), asked=asked), id)


def _go(room: ConferenceModel, talk: Conversation, id: int, *, declined: bool = False) -> None:
    rest = talk.without(id)
    _change(room, replace(rest, declined=(*rest.declined, id)) if declined else rest, id)


def _change(room: ConferenceModel, talk: Conversation, by: int | None) -> None:
    """The talk is so now; then it is told of whom the room hears no more, or again."""
    before = room.talks.get(talk.id)
    told = {*talk.involved, *(before.involved if before else ())}
    talkers = talk.talkers
    if talk.state is TalkState.ENDED:
        talk = talk.without(*talk.involved)
    room.record(TalkChanged, talk=talk, told=frozenset(told), by=by)
    for id in (*(before.talkers if before else ()), *talkers):
        participant = room.present(id)
        if participant.private == (id in talkers):
            continue
        if id in talkers:
            # Who asked or accepted is not told: it would say who talks with whom.
            room.record(WentPrivate, participant=replace(participant, private=True))
        else:
            # Whose last wish was not to be heard stays so.
            muted = participant.muted_by_self or participant.muted_in_talk
            back = replace(participant, private=False, muted_in_talk=False, muted_by_self=muted)
            room.record(CameBack, participant=back)
    _tell_who_speaks(room, talk, {*talk.members} ^ {*(before.members if before else ())})


def _tell_who_speaks(room: ConferenceModel, talk: Conversation, told: set[int]) -> None:
    """Those who come to a talk, or leave it, are told who speaks in it just then."""
    for participant in map(room.present, talk.talkers):
        others = frozenset(told - {participant.id})
        if others and participant.voice and room.heard(participant):
            room.record(VoiceChanged, participant=participant, heard=False, told=others)


def _must_be_free(
    room: ConferenceModel, asker: Participant, other: Participant, own: Conversation | None
) -> None:
    if other.id == asker.id:
        raise Refused("Nobody talks with himself.", "yourself")
    if other.side_room != asker.side_room:
        raise Elsewhere(other.name)
    talk = room.talk_of(other.id)
    if talk and talk is not own:
        raise Busy(other.name)


def _must_be_asked(room: ConferenceModel, talk_id: int, by: int | None) -> None:
    if by not in _must_be_own(room, talk_id, by).asked:
        raise NotAllowed("You were not asked to this talk.", "not_asked")


def _must_be_own(room: ConferenceModel, talk_id: int, by: int | None) -> Conversation:
    talk = room.talks.get(talk_id)
    if talk is None or by not in talk.involved:
        # Who has no part in it is not told whether there is one.
        raise NoSuchTalk
    return talk


def talk_among(talks: Iterable[Conversation], id: int) -> Conversation | None:
    """The one that he is in, or to which he was asked. There is one at most."""
    return next((talk for talk in talks if id in talk.involved), None)
