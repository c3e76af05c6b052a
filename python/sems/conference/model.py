"""The truth about one conference.

There is no input or output here, and no clock: :meth:`ConferenceModel.do` decides what a command leads
to, the ``report`` methods say what the lines do, and all of it ends in :meth:`ConferenceModel._record`,
the one place where anything changes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final, Literal

from ..subscribers import Subscribers
from .commands import (
    Command,
    Lock,
    LowerHand,
    Mute,
    RaiseHand,
    Readmit,
    Remove,
    Unlock,
    Unmute,
)
from .errors import NotHere, RoomFull, RoomLocked
from .events import (
    Event,
    Gone,
    HandLowered,
    HandRaised,
    HandsChanged,
    Joined,
    Left,
    LineChanged,
    Locked,
    Muted,
    ParticipantChanged,
    Removed,
    RoleChanged,
    Unlocked,
    Unmuted,
    VoiceChanged,
)
from .participant import BAD_LOSS, Line, Participant, Presence, Role
from .permissions import permit

#: How many events a conference remembers for those who have to catch up.
HISTORY: Final = 1000


class ConferenceModel:
    """Members, hands and the lock of one conference, and the events that made them so."""

    def __init__(
        self,
        *,
        moderator: Literal["first", "everyone", "none"] = "first",
        max_members: int | None = None,
        sequence: int = 0,
    ) -> None:
        """An empty conference, whose first event has the number ``sequence + 1``.

        ``moderator`` says who is one among those whose role nobody else decides: ``first``: whoever has
        been there longest, whenever there would be none; ``everyone``; or ``none`` of them.
        """
        self._participants: dict[int, Participant] = {}
        self._removed: dict[int, Participant] = {}
        self._hands: tuple[int, ...] = ()
        self._locked = False
        self._levels: Mapping[int, int] = {}
        self._moderator = moderator
        self._max_members = max_members
        self._sequence = sequence
        self._last_id = 0
        self._history: deque[Event] = deque(maxlen=HISTORY)
        self._events: Subscribers[Event] = Subscribers()
        self._readings: Subscribers[Mapping[int, int]] = Subscribers()

    # what is so

    @property
    def participants(self) -> Mapping[int, Participant]:
        """Who is here, by id, in the order in which they came."""
        return MappingProxyType(self._participants)

    @property
    def hands(self) -> tuple[int, ...]:
        """Ids of those who ask for the word, in the order in which they asked."""
        return self._hands

    @property
    def locked(self) -> bool:
        """Nobody else can join."""
        return self._locked

    @property
    def sequence(self) -> int:
        """The number of the last event."""
        return self._sequence

    @property
    def levels(self) -> Mapping[int, int]:
        """Levels in dBov (−127 to 0) of those whom the room hears now, by id. Not events: the next
        reading replaces the last."""
        return self._levels

    def place(self, participant: int) -> int | None:
        """The place of his hand in the queue, from 1, if it is raised."""
        return self._hands.index(participant) + 1 if participant in self._hands else None

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

    # coming and going

    def admit(
        self, name: str, *, presence: Presence = Presence.PHONE, role: Role | None = None
    ) -> Participant:
        """Lets somebody in. ``role`` is given where something outside the conference decides it.

        Raises :class:`RoomLocked` or :class:`RoomFull`.
        """
        if self._locked:
            raise RoomLocked
        if self._max_members is not None and len(self._participants) >= self._max_members:
            raise RoomFull
        self._last_id += 1
        participant = Participant(
            id=self._last_id,
            name=name,
            presence=presence,
            role=role or self._role_of_a_newcomer(),
            role_fixed=role is not None,
            muted_by_moderator=role is Role.LISTENER,
        )
        self._record(Joined, participant=participant)
        return participant

    def leave(self, participant: int) -> None:
        """His call has ended. No error if he is not here."""
        self._removed.pop(participant, None)
        if leaver := self._participants.get(participant):
            self._record(Left, participant=leaver, hands=self._hands_without(leaver))
            self._settle_moderator()

    # commands

    def do(self, *commands: Command, by: int | None) -> None:
        """Carries out what participant ``by`` (``None``: the operator) asks for: all of it, or nothing.

        Raises :class:`NotAllowed`, or :class:`NotHere` if somebody it takes is not in the room.
        """
        for command in commands:
            permit(command, None if by is None else self._present(by))
            self._must_be_there(command)
        for command in commands:
            self._carry_out(command, by)

    def _must_be_there(self, command: Command) -> None:
        match command:
            case Readmit(id) if id not in self._removed:
                self._present(id)
            case Mute(id) | Unmute(id) | RaiseHand(id) | LowerHand(id) | Remove(id):
                self._present(id)

    def _carry_out(self, command: Command, by: int | None) -> None:
        match command:
            case Mute(id):
                self._mute(self._present(id), by)
            case Unmute(id):
                self._unmute(self._present(id), by)
            case RaiseHand(id):
                participant = self._present(id)
                if id not in self._hands:
                    self._record(HandRaised, participant=participant, hands=(*self._hands, id), by=by)
            case LowerHand(id):
                participant = self._present(id)
                if id in self._hands:
                    self._record(
                        HandLowered, participant=participant, hands=self._hands_without(participant), by=by
                    )
            case Remove(id):
                participant = self._present(id)
                self._record(Removed, participant=participant, hands=self._hands_without(participant), by=by)
                self._settle_moderator()
            case Readmit(id) if id in self._removed:
                returner = replace(self._removed[id], voice=False)
                self._record(Joined, participant=returner, readmitted=True, by=by)
            case Lock():
                if not self._locked:
                    self._record(Locked, by=by)
            case Unlock():
                if self._locked:
                    self._record(Unlocked, by=by)

    def _mute(self, participant: Participant, by: int | None) -> None:
        if by == participant.id:
            muted = replace(participant, muted_by_self=True)
        else:
            muted = replace(participant, muted_by_moderator=True)
        if muted != participant:
            self._record(Muted, participant=muted, by=by)

    def _unmute(self, participant: Participant, by: int | None) -> None:
        if by == participant.id:
            unmuted = replace(participant, muted_by_self=False, muted_by_moderator=False)
        elif participant.role is Role.LISTENER:
            unmuted = replace(participant, role=Role.SPEAKER, muted_by_moderator=False)
        else:
            unmuted = replace(participant, muted_by_moderator=False)
        if unmuted != participant:
            self._record(Unmuted, participant=unmuted, by=by)

    # what the lines do

    def report_voice(self, participant: int, on: bool) -> None:
        """Speech begins or ends on his line."""
        if (speaker := self._participants.get(participant)) and speaker.voice != on:
            self._record(VoiceChanged, participant=replace(speaker, voice=on))

    def report_hold(self, participant: int, on: bool) -> None:
        """He puts the room on hold, or comes back."""
        if (holder := self._participants.get(participant)) and holder.on_hold != on:
            self._record(LineChanged, participant=replace(holder, on_hold=on))

    def report_loss(self, participant: int, share: float) -> None:
        """Of the packets that he sent, this share (0.0–1.0) did not arrive."""
        if him := self._participants.get(participant):
            percent = round(100 * share)
            self._report_line(him, replace(him.line, loss=percent if percent >= BAD_LOSS else 0))

    def report_silence(self, participant: int, on: bool) -> None:
        """Nothing arrives from him although something should, or it does again."""
        if him := self._participants.get(participant):
            self._report_line(him, replace(him.line, silent=on))

    def report_deafness(self, participant: int, on: bool) -> None:
        """Nothing of the room arrives at his phone, or it does again."""
        if him := self._participants.get(participant):
            self._report_line(him, replace(him.line, deaf=on))

    def _report_line(self, participant: Participant, line: Line) -> None:
        if participant.line != line:
            self._record(LineChanged, participant=replace(participant, line=line))

    def report_levels(self, levels: Mapping[int, int]) -> None:
        """A reading of the levels of all who sound, in dBov by id; those who are not heard are left out."""
        self._levels = {
            id: level
            for id, level in levels.items()
            if (participant := self._participants.get(id)) and not participant.muted
        }
        self._readings.tell(self._levels)

    # how things change

    def _record(self, kind: type[Event], **changes: object) -> None:
        event = kind(sequence=self._sequence + 1, **changes)  # type: ignore[arg-type]
        self._apply(event)
        self._history.append(event)
        self._events.tell(event)

    def _apply(self, event: Event) -> None:
        self._sequence = event.sequence
        match event:
            case Gone(participant=participant):
                del self._participants[participant.id]
                if isinstance(event, Removed):
                    self._removed[participant.id] = participant
            case Joined(participant=participant):
                self._removed.pop(participant.id, None)
                self._participants[participant.id] = participant
            case ParticipantChanged(participant=participant):
                self._participants[participant.id] = participant
            case Locked():
                self._locked = True
            case Unlocked():
                self._locked = False
        if isinstance(event, HandsChanged):
            self._hands = event.hands

    # questions

    def _present(self, id: int) -> Participant:
        try:
            return self._participants[id]
        except KeyError:
            raise NotHere from None

    def _hands_without(self, participant: Participant) -> tuple[int, ...]:
        return tuple(id for id in self._hands if id != participant.id)

    @property
    def _moderated(self) -> bool:
        return any(participant.moderates for participant in self._participants.values())

    def _role_of_a_newcomer(self) -> Role:
        if self._moderator == "everyone" or (self._moderator == "first" and not self._moderated):
            return Role.MODERATOR
        return Role.SPEAKER

    def _settle_moderator(self) -> None:
        if self._moderator != "first" or self._moderated:
            return
        heir = next((heir for heir in self._participants.values() if not heir.role_fixed), None)
        if heir:
            self._record(RoleChanged, participant=replace(heir, role=Role.MODERATOR))
