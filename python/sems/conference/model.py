"""The truth about one conference.

There is no input or output here, and no clock: :meth:`ConferenceModel.do` decides what a command leads
to, the ``report`` methods say what the lines do, and all of it ends in :meth:`ConferenceModel.record`,
the one place where anything changes. What commands and events there are, and what they lead to, is in
the modules beside this one, one for each thing that a conference can do.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from types import MappingProxyType
from typing import Final, Literal

from ..subscribers import Subscribers
from .command import Command
from .dialling import Dialling, NoSwitchboard, Switchboard, printable
from .door import Dismissed, Joined, Left, brought_back, go
from .errors import NotHere, RoomFull, RoomLocked, StillWaiting
from .event import Event
from .floor import GiveFloor, take_floor
from .line import AbsentLineChanged, LineChanged, VoiceChanged
from .lobby import PATIENT, Admitted, Knocked, WentAway, admitted, without
from .minutes import Minutes
from .participant import BAD_LOSS, Participant, Presence, Role
from .permissions import permit
from .roles import RoleChanged
from .settings import Mode, Settings
from .state import LeftBehind, State
from .talks import Conversation, give_up, talk_among
from .text import Message

#: How many events a conference remembers for those who have to catch up.
HISTORY: Final = 1000


class ConferenceModel:
    """The members of one conference, all that is so of them and of the room, and the events that made it
    so."""

    def __init__(
        self,
        *,
        moderator: Literal["first", "everyone", "none"] = "first",
        settings: Settings | None = None,
        sequence: int = 0,
    ) -> None:
        """An empty conference, whose first event has the number ``sequence + 1``.

        ``moderator`` says who is one among those whose role nobody else decides: ``first``: whoever has
        been there longest, whenever there would be none; ``everyone``; or ``none`` of them.
        """
        self.switchboard: Switchboard = NoSwitchboard()
        """Decides who can be called into the room."""
        self.main_room_names: Collection[str] = ()
        """What nobody may call a side room, for it would be taken for the main room: plain names."""
        self._state = State(settings=settings or Settings())
        self._levels: Mapping[int, int] = {}
        self._private: Mapping[int, int] = {}
        self._moderator = moderator
        self._sequence = sequence
        self._last_id = 0
        self._history: deque[Event] = deque(maxlen=HISTORY)
        self._events: Subscribers[Event] = Subscribers()
        self._readings: Subscribers[Mapping[int, int]] = Subscribers()

    # what is so

    @property
    def participants(self) -> Mapping[int, Participant]:
        """Who is here, by id, in the order in which they came."""
        return MappingProxyType(self._state.participants)

    @property
    def waiting(self) -> Mapping[int, Participant]:
        """Who waits to be let in, by id, in the order in which they came."""
        return MappingProxyType(self._state.waiting)

    @property
    def places(self) -> Mapping[int, int]:
        """By id, the number that means each who is here when it is keyed in. He keeps it while he is here."""
        return MappingProxyType(self._state.places.by_id)

    @property
    def waiting_places(self) -> Mapping[int, int]:
        """The same of those who wait."""
        return MappingProxyType(self._state.waiting_places.by_id)

    @property
    def removed(self) -> Mapping[int, Participant]:
        """Who was taken out of the room and whose line still stands."""
        return MappingProxyType(self._state.removed)

    @property
    def left_behind(self) -> Mapping[int, LeftBehind]:
        """What they had in the room, by id."""
        return MappingProxyType(self._state.left_behind)

    @property
    def dismissed(self) -> Mapping[int, Participant]:
        """Those of them whose line stands no more, but who can be called: the last few."""
        return MappingProxyType(self._state.dismissed)

    @property
    def moderators(self) -> tuple[int, ...]:
        """Ids of those who steer the room."""
        return tuple(each.id for each in self._state.participants.values() if each.moderates)

    @property
    def hands(self) -> tuple[int, ...]:
        """Ids of those who ask for the word, in the order in which they asked."""
        return self._state.hands

    @property
    def floor(self) -> tuple[int, ...]:
        """Ids of those who hold the floor, in the order in which they got it. Empty in an open room."""
        return self._state.floor

    @property
    def calls(self) -> Mapping[int, Dialling]:
        """Who is called into the room, or was in vain, by id, in the order in which they were dialled."""
        return MappingProxyType(self._state.calls)

    def floor_until(self, participant: int) -> float | None:
        """When the floor is taken back from him by itself, in seconds since 1970."""
        return self._state.floor_until.get(participant)

    def time_is_over(self, participant: Participant, at: float | None) -> float | None:
        """When the time of one would be over who gets the floor ``at`` that moment. Moderators have time."""
        limit = self.settings.talk_time
        return None if limit is None or at is None or participant.moderates else at + limit

    @property
    def settings(self) -> Settings:
        """What holds in the room."""
        return self._state.settings

    @property
    def messages(self) -> Mapping[int, Message]:
        """What was written lately, by id, the oldest first."""
        return MappingProxyType(self._state.messages)

    @property
    def talks(self) -> Mapping[int, Conversation]:
        """Talks that the room does not hear, by id, and what may become one. Nobody is in two."""
        return MappingProxyType(self._state.talks)

    def talk_of(self, participant: int) -> Conversation | None:
        """The one that he is in, or to which he was asked."""
        return talk_among(self._state.talks.values(), participant)

    @property
    def sequence(self) -> int:
        """The number of the last event."""
        return self._sequence

    @property
    def levels(self) -> Mapping[int, int]:
        """Levels in dBov (−127 to 0) of those whom the room hears now, by id. Not events: the next
        reading replaces the last."""
        return self._levels

    def levels_in_talk(self, listener: int) -> Mapping[int, int]:
        """The same of those whom he hears, and the room does not."""
        return {id: level for id, level in self._private.items() if self.hears_in_talk(listener, id)}

    def hears(self, participant: Participant) -> bool:
        """The room hears him when he speaks."""
        return self._state.hears(participant)

    def heard(self, participant: Participant) -> bool:
        """Somebody hears him when he speaks: those with whom he talks in private, or the room."""
        return not participant.muted_in_talk if participant.private else self.hears(participant)

    def speaks(self, participant: Participant) -> bool:
        """The room hears him speak."""
        return self._state.speaks(participant)

    def hears_in_talk(self, listener: int, speaker: int) -> bool:
        """They are in a talk in which the one is heard by the other, or it is himself, and the room does not
        hear it."""
        talk = self.talk_of(speaker)
        return talk is not None and speaker in talk.talkers and listener in talk.members

    def unheard(self, participant: Participant) -> bool:
        """He speaks, and nobody hears it: something to tell to him alone."""
        return participant.voice and not self.heard(participant)

    def muted(self, participant: Participant) -> bool:
        """He is not to be heard where he talks now: in a talk that the room does not hear, or in the room."""
        return participant.muted_in_talk if participant.private else participant.muted

    @property
    def recording(self) -> Minutes:
        """Whether it is being recorded."""
        return self._state.recording

    def volumes(self, listener: int) -> Mapping[int, float]:
        """The gain in dB with which he alone hears others, by their ids."""
        return MappingProxyType(self._state.volumes.get(listener, {}))

    def place(self, participant: int) -> int | None:
        """The place of his hand in the queue, from 1, if it is raised."""
        return self.hands.index(participant) + 1 if participant in self.hands else None

    def present(self, id: int) -> Participant:
        """The participant of this id. Raises :class:`NotHere`, or :class:`StillWaiting`."""
        try:
            return self._state.participants[id]
        except KeyError:
            raise (StillWaiting if id in self._state.waiting else NotHere) from None

    def since(self, sequence: int) -> list[Event] | None:
        """The events after that number, or ``None`` if they are not all remembered (or are yet to come)."""
        missing = self._sequence - sequence
        if not 0 <= missing <= len(self._history):
            return None
        return [self._history[i] for i in range(len(self._history) - missing, len(self._history))]

    def subscribe(self, callback: Callable[[Event], None]) -> Callable[[], None]:
        """Tells ``callback`` of each event; returns what ends that. The callback must not change the
        conference."""
        return self._events.add(callback)

    def subscribe_levels(self, callback: Callable[[Mapping[int, int]], None]) -> Callable[[], None]:
        """Tells ``callback`` each reading of :attr:`levels`; returns what ends that."""
        return self._readings.add(callback)

    def begin(self, settings: Settings, moderator: Literal["first", "everyone", "none"]) -> None:
        """What holds from the start, said by whoever comes first. Only while nobody is here."""
        if not (self.participants or self.waiting):
            self._state.settings = settings
            self._moderator = moderator

    # coming and going

    def admit(
        self,
        name: str,
        *,
        presence: Presence = Presence.PHONE,
        role: Role | None = None,
        texts: bool = False,
        wait: bool | None = None,
        wait_for_moderator: bool | None = None,
        invited: int | None = None,
        address: str = "",
        again: Participant | None = None,
    ) -> Participant:
        """Lets somebody in, or wait, as the settings say: afterwards he is one of the
        :attr:`participants` or of those who are :attr:`waiting`. ``role`` is given where something
        outside the conference decides it: for a moderator also a locked room is open, and he need not wait;
        ``texts``: his phone takes texts; ``wait``: whether he waits until he is let in, and
        ``wait_for_moderator``: whether he does while no moderator is here, if not as the room says;
        ``invited``: the id of one who was called, for whom the same is so; ``address``: where he can be
        called; ``again``: as he was before he was removed.

        Raises :class:`RoomLocked` or :class:`RoomFull`.
        """
        if invited is None and role is not Role.MODERATOR:
            self.must_be_open()
        self.must_have_room_for(1)
        participant = Participant(
            id=self.next_id() if invited is None else invited,
            name=printable(name),
            presence=presence,
            role=role or self._role_of_a_newcomer(),
            role_fixed=role is not None,
            muted_by_moderator=role is Role.LISTENER,
            texts=texts,
            knocks=wait,
            waits_for_moderator=wait_for_moderator,
            address=address,
        )
        if again is not None:
            participant = brought_back(again, participant)
        if invited is None and not participant.moderates and self._must_wait(participant):
            if len(self.waiting) >= PATIENT:
                raise RoomFull
            self.record(Knocked, participant=participant, waiting=(*self.waiting.values(), participant))
        else:
            self.record(Joined, participant=participant)
            self._on_entered(participant)
        return participant

    def next_id(self) -> int:
        """An id for somebody who comes, or is called."""
        self._last_id += 1
        return self._last_id

    def let_in(self, waiting: Participant, by: int | None) -> None:
        """For commands: he does not wait any more."""
        him = admitted(waiting)
        self.record(Admitted, participant=him, waiting=without(self, him), by=by)
        self._on_entered(him)

    def must_be_open(self) -> None:
        """Raises :class:`RoomLocked` or :class:`RoomFull` if nobody can come."""
        if self.settings.locked:
            raise RoomLocked
        self.must_have_room_for(1)

    def must_have_room_for(self, more: int) -> None:
        """Raises :class:`RoomFull` if so many more can't be here."""
        most = self.settings.max_members
        if most is not None and len(self.participants) + more > most:
            raise RoomFull

    def _must_wait(self, him: Participant) -> bool:
        """As holds for him, or else in the room."""
        settings = self.settings
        if settings.waiting_room if him.knocks is None else him.knocks:
            return True
        waits = settings.wait_for_moderator if him.waits_for_moderator is None else him.waits_for_moderator
        return waits and not self.moderators

    def _on_entered(self, him: Participant) -> None:
        self.let_lecture(him.id)
        if him.moderates:
            self.open_the_door(him.id)

    def open_the_door(self, by: int | None) -> None:
        """Lets all in who wait for something that is not so any more."""
        if self.settings.locked:
            return
        for him in list(self.waiting.values()):
            try:
                self.must_have_room_for(1)
            except RoomFull:
                return
            if him.id in self.waiting and not self._must_wait(him):
                self.let_in(him, by)

    def leave(self, participant: int) -> None:
        """His call has ended. No error if he is not here."""
        if removed := self.removed.get(participant):
            self.record(Dismissed, participant=removed)
        elif participant in self.participants:
            go(self, Left, participant)
        elif him := self.waiting.get(participant):
            self.record(WentAway, participant=him, waiting=without(self, him))

    def settle_moderator(self) -> None:
        """Whoever has been here longest steers the room, where the first does and nobody else would."""
        if self._moderator != "first" or self.moderators:
            return
        heir = next((heir for heir in self.participants.values() if not heir.role_fixed), None)
        if heir:
            self.record(RoleChanged, participant=replace(heir, role=Role.MODERATOR))
            self.let_lecture(heir.id)
        elif not self.participants and (
            first := next((w for w in self.waiting.values() if not w.role_fixed), None)
        ):
            # Nobody else would ever let him in.
            self.let_in(replace(first, role=Role.MODERATOR), None)

    # commands

    def do(self, *commands: Command, by: int | None) -> None:
        """Carries out what participant ``by`` (``None``: the operator) asks for: all of it, or nothing.

        Raises :class:`NotAllowed`, :class:`NotHere` if somebody it takes is not in the room, or another
        :class:`Refused`.
        """
        for command in commands:
            permit(command, None if by is None else self.present(by), self._state)
            command.check(self, by)
        for command in commands:
            command.carry_out(self, by)

    # what the lines do

    def report_voice(self, participant: int, on: bool) -> None:
        """Speech begins or ends on his line."""
        if (speaker := self.participants.get(participant)) and speaker.voice != on:
            talk = self.talk_of(participant) if speaker.private and not speaker.muted_in_talk else None
            self.record(
                VoiceChanged,
                participant=replace(speaker, voice=on),
                heard=self.hears(speaker),
                told=frozenset(talk.members if talk else ()),
            )

    def report_hold(self, participant: int, on: bool) -> None:
        """He puts the room on hold, or comes back."""
        if him := self._on_the_line(participant):
            self._report_line(him, replace(him, on_hold=on))

    def report_loss(self, participant: int, share: float) -> None:
        """Of the packets that he sent, this share (0.0–1.0) did not arrive."""
        if him := self._on_the_line(participant):
            percent = round(100 * share)
            line = replace(him.line, loss=percent if percent >= BAD_LOSS else 0)
            self._report_line(him, replace(him, line=line))

    def report_silence(self, participant: int, on: bool) -> None:
        """Nothing arrives from him although something should, or it does again."""
        if him := self._on_the_line(participant):
            self._report_line(him, replace(him, line=replace(him.line, silent=on)))

    def report_floor_lost(self, participant: int) -> None:
        """Nothing has come from him for so long that he does not hold the floor any more."""
        take_floor(self, participant, None, lost=True)

    def report_deafness(self, participant: int, on: bool) -> None:
        """Nothing of the room arrives at his phone, or it does again."""
        if him := self._on_the_line(participant):
            self._report_line(him, replace(him, line=replace(him.line, deaf=on)))

    def _on_the_line(self, id: int) -> Participant | None:
        """Also one who is not in the room yet, or may come back."""
        return self.participants.get(id) or self.waiting.get(id) or self.removed.get(id)

    def _report_line(self, before: Participant, now: Participant) -> None:
        if now != before:
            self.record(LineChanged if now.id in self.participants else AbsentLineChanged, participant=now)

    def report_levels(self, levels: Mapping[int, int]) -> None:
        """A reading of the levels of all who sound, in dBov by id; those who are not heard are left out."""
        here = {id: him for id in levels if (him := self.participants.get(id))}
        self._levels = {id: levels[id] for id, him in here.items() if self.hears(him)}
        self._private = {id: levels[id] for id, him in here.items() if him.private and self.heard(him)}
        self._readings.tell(self._levels)

    def report_unanswered(self, talk: int, participant: int) -> None:
        """He has not answered for so long that he is not asked to this talk any more."""
        give_up(self, talk, participant)

    # how things change

    def record(self, kind: type[Event], **changes: object) -> None:
        """The one place where anything changes: makes an event, applies it, remembers it and tells of it."""
        event = kind(sequence=self._sequence + 1, **changes)  # type: ignore[arg-type]
        self._sequence = event.sequence
        event.apply(self._state)
        self._history.append(event)
        self._events.tell(event)

    @contextmanager
    def hearing(self) -> Iterator[None]:
        """Around what changes by a rule for all whom the room hears: afterwards it is told whose voice
        is heard by that now, or is not any more."""
        before = [each.id for each in self.participants.values() if self.speaks(each)]
        yield
        for each in list(self.participants.values()):
            if each.voice and self.hears(each) != (each.id in before):
                self.record(VoiceChanged, participant=each, heard=True)

    def let_lecture(self, id: int) -> None:
        """Gives him the floor where he has it by being a moderator."""
        him = self.present(id)
        if self.settings.mode is Mode.LECTURE and him.moderates and him.side_room is None:
            GiveFloor(id).carry_out(self, None)

    def _role_of_a_newcomer(self) -> Role:
        if self._moderator == "everyone" or (self._moderator == "first" and not self.moderators):
            return Role.MODERATOR
        return Role.SPEAKER
