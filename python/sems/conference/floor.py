"""Hands and the floor: who asks for the word, and who has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .command import Command, ParticipantCommand
from .errors import Elsewhere, NoFloor
from .event import FloorChanged, HandsChanged
from .microphone import Unmute, allowed_to_speak
from .settings import Mode

if TYPE_CHECKING:
    from .model import ConferenceModel
    from .state import State


class HandRaised(HandsChanged):
    """He asks for the word."""

    __slots__ = ()


class HandLowered(HandsChanged):
    """He does not ask for the word any more."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorGiven(FloorChanged):
    """He holds the floor: the room hears him."""

    until: float | None = None
    """When it is taken back by itself, in seconds since 1970; ``None``: never."""
    goes_on: bool = False
    """He held it before he was removed, and his time has gone on."""

    def apply(self, state: State) -> None:
        """He holds it so long."""
        FloorChanged.apply(self, state)
        if self.until is not None:
            state.floor_until[self.participant.id] = self.until


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorTaken(FloorChanged):
    """He does not hold the floor any more."""

    lost: bool = False
    """Nothing comes from his telephone any more."""


@dataclass(frozen=True, slots=True)
class RaiseHand(ParticipantCommand):
    """He asks for the word and queues behind those who have asked before."""

    def carry_out(self, room: ConferenceModel, by: int | None) -> None:
        """The queue with him at its end."""
        participant = room.present(self.participant)
        if participant.id not in room.hands:
            room.record(HandRaised, participant=participant, hands=(*room.hands, participant.id), by=by)


@dataclass(frozen=True, slots=True)
class LowerHand(ParticipantCommand):
    """He does not ask for the word any more."""

    def carry_out(self, room: ConferenceModel, by: int | None) -> None:
        """The queue without him."""
        participant = room.present(self.participant)
        if participant.id in room.hands:
            hands = without(room.hands, participant.id)
            room.record(HandLowered, participant=participant, hands=hands, by=by)


@dataclass(frozen=True, slots=True)
class GiveFloor(ParticipantCommand):
    """He shall be heard, beside those who hold the floor already. A hand that he has raised goes down."""

    at: float | None = None
    """Now, in seconds since 1970; ``None``: nobody is told until when he has time."""

    def check(self, room: ConferenceModel, by: int | None) -> None:
        """In an open room there is none: NoFloor. He must be in the main room: Elsewhere."""
        ParticipantCommand.check(self, room, by)
        if room.settings.mode is Mode.OPEN:
            raise NoFloor
        participant = room.present(self.participant)
        if participant.side_room is not None:
            raise Elsewhere(participant.name)

    def carry_out(self, room: ConferenceModel, by: int | None) -> None:
        """The floor with him. What muted him, but himself, is gone."""
        participant = room.present(self.participant)
        if participant.id not in room.floor and participant.side_room is None:
            with room.hearing():
                room.record(
                    FloorGiven,
                    participant=allowed_to_speak(participant),
                    hands=without(room.hands, participant.id),
                    floor=(*room.floor, participant.id),
                    until=room.time_is_over(participant, self.at),
                    by=by,
                )


@dataclass(frozen=True, slots=True)
class TakeFloor(ParticipantCommand):
    """He shall not be heard any more; from himself: he gives the floor back."""

    def carry_out(self, room: ConferenceModel, by: int | None) -> None:
        """The floor without him."""
        take_floor(room, self.participant, by)


@dataclass(frozen=True, slots=True)
class Talk(Command):
    """I want to be heard, now. A moderator takes the floor for it, and whoever holds it is not muted."""

    def carry_out(self, room: ConferenceModel, by: int | None) -> None:
        """The floor, if there is one, and the microphone."""
        if by is None:
            return
        Unmute(by).carry_out(room, by)
        participant = room.present(by)
        in_main_room = participant.side_room is None and not participant.private
        if room.settings.mode is not Mode.OPEN and in_main_room:
            GiveFloor(by).carry_out(room, by)


def take_floor(room: ConferenceModel, id: int, by: int | None, *, lost: bool = False) -> None:
    """The floor without him; ``lost``: because nothing comes from his telephone any more. No error if he does
    not hold it."""
    if id in room.floor:
        with room.hearing():
            room.record(
                FloorTaken,
                participant=room.present(id),
                hands=room.hands,
                floor=without(room.floor, id),
                lost=lost,
                by=by,
            )


def without(ids: tuple[int, ...], id: int) -> tuple[int, ...]:
    """The others in their order."""
    return tuple(each for each in ids if each != id)
