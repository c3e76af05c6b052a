"""Who waits to be let in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from .command import Command
from .door import Joined
from .errors import NotHere, RoomFull
from .event import Event
from .participant import Participant

if TYPE_CHECKING:
    from .model import ConferenceModel
    from .state import State

#: So many can wait at once; one more finds the room full.
PATIENT: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class LobbyChanged(Event):
    """Others wait. The subclasses say why."""

    participant: Participant
    """Whom it is about."""
    waiting: tuple[Participant, ...]
    """All who wait, in the order in which they came."""

    def apply(self, state: State) -> None:
        """They wait."""
        let_wait(state, self.waiting)


class Knocked(LobbyChanged):
    """He waits to be let in."""

    __slots__ = ()


class WentAway(LobbyChanged):
    """He has hung up before he was let in."""

    __slots__ = ()


class TurnedAway(LobbyChanged):
    """A moderator did not let him in."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted(Joined):
    """He has waited, and was let in."""

    waiting: tuple[Participant, ...]
    """Those who still wait."""

    def apply(self, state: State) -> None:
        """He waits no more."""
        Joined.apply(self, state)
        let_wait(state, self.waiting)


@dataclass(frozen=True, slots=True)
class Admit(Command):
    """He is let in."""

    participant: int

    def check(self, room: ConferenceModel, by: int | None) -> None:
        """He must wait, or be in already: NotHere; and there must be a place for him: RoomFull."""
        if self.participant in room.waiting:
            room.must_have_room_for(1)
        elif self.participant not in room.participants:
            raise NotHere

    def carry_out(self, room: ConferenceModel, by: int | None) -> None:
        """He is the last in the room."""
        if him := room.waiting.get(self.participant):
            room.let_in(him, by)


@dataclass(frozen=True, slots=True)
class AdmitAll(Command):
    """All who wait are let in, in the order in which they came, as long as there is room."""

    def check(self, room: ConferenceModel, by: int | None) -> None:
        """There must be a place for one at least: RoomFull."""
        if room.waiting:
            room.must_have_room_for(1)

    def carry_out(self, room: ConferenceModel, by: int | None) -> None:
        """One after the other."""
        for him in list(room.waiting.values()):
            try:
                room.must_have_room_for(1)
            except RoomFull:
                return
            room.let_in(him, by)


@dataclass(frozen=True, slots=True)
class TurnAway(Command):
    """He is not let in, and his call ends."""

    participant: int

    def check(self, room: ConferenceModel, by: int | None) -> None:
        """He must wait: NotHere."""
        if self.participant not in room.waiting:
            raise NotHere

    def carry_out(self, room: ConferenceModel, by: int | None) -> None:
        """The others wait on."""
        him = room.waiting[self.participant]
        room.record(TurnedAway, participant=him, waiting=without(room, him), by=by)


def let_wait(state: State, waiting: tuple[Participant, ...]) -> None:
    """For events: these wait. Where nobody does, numbers begin anew: who waits alone is the first."""
    state.waiting = {each.id: each for each in waiting}
    state.waiting_places.keep(state.waiting)
    if not waiting:
        state.waiting_places.resting.clear()


def without(room: ConferenceModel, him: Participant) -> tuple[Participant, ...]:
    """The others who wait."""
    return tuple(each for each in room.waiting.values() if each.id != him.id)


def admitted(him: Participant) -> Participant:
    """Him, as he comes in."""
    return replace(him, voice=False)
