"""What holds in a room, and can be changed while people are in it."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from .command import Command
from .errors import Refused
from .event import Event

if TYPE_CHECKING:
    from .model import ConferenceModel
    from .state import State


class Mode(StrEnum):
    """Who is heard."""

    OPEN = "open"
    """Everybody who is not muted."""
    MODERATED = "moderated"
    """Who holds the floor. Hands queue for it; moderators give and take it, and take it for themselves."""
    LECTURE = "lecture"
    """Moderators, who hold the floor from the start, and to whom they give it."""


class Who(StrEnum):
    """Who may do something that not everybody need be allowed."""

    MODERATORS = "moderators"
    """Moderators, and the operator."""
    EVERYONE = "everyone"
    NOBODY = "nobody"
    """Not even the operator."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What holds in a room. A change makes a new value."""

    mode: Mode = Mode.OPEN
    locked: bool = False
    """Nobody else can join."""
    waiting_room: bool = False
    """Who comes waits until a moderator lets him in."""
    wait_for_moderator: bool = False
    """Who comes while no moderator is here waits for one."""
    quiet: bool = False
    """No sound tells that somebody comes or goes."""
    max_members: int | None = None
    """How many can be here at once; ``None``: as many as there are calls."""
    pin: str | None = None
    """What is to be keyed in to come in; ``None``: nothing."""
    moderator_pin: str | None = None
    """What a moderator keys in instead."""
    language: str = "en"
    """In which language the room speaks to those whose own is not known."""
    talk_time: float | None = None
    """For how long, in seconds, the floor is given to somebody; ``None``: until it is taken."""
    dial: Who = Who.MODERATORS
    """Who may call somebody into the room."""
    undo_time: float = 5.0
    """For how long, in seconds, somebody who was removed is back at once if that is taken back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsChanged(Event):
    """What holds in the room is something else."""

    settings: Settings

    def apply(self, state: State) -> None:
        """It holds from now on."""
        state.settings = self.settings
        if self.settings.talk_time is None:
            state.floor_until = {}
            state.left_behind = {id: replace(had, until=None) for id, had in state.left_behind.items()}


@dataclass(frozen=True, slots=True)
class Change(Command):
    """Something else shall hold in the room. The subclasses say what."""

    @abstractmethod
    def values(self) -> dict[str, Any]:
        """The fields of :class:`Settings` that shall be so."""

    def carry_out(self, room: ConferenceModel, by: int | None) -> None:
        """One event, if that is not so yet."""
        settings = replace(room.settings, **self.values())
        if settings != room.settings:
            room.record(SettingsChanged, settings=settings, by=by)
            room.open_the_door(by)


@dataclass(frozen=True, slots=True)
class Lock(Change):
    """Nobody else can join."""

    def values(self) -> dict[str, Any]:
        """The lock."""
        return {"locked": True}


@dataclass(frozen=True, slots=True)
class Unlock(Change):
    """Everybody can join."""

    def values(self) -> dict[str, Any]:
        """The lock."""
        return {"locked": False}


@dataclass(frozen=True, slots=True)
class SetWaitingRoom(Change):
    """Whether who comes waits until a moderator lets him in."""

    on: bool

    def values(self) -> dict[str, Any]:
        """The waiting room."""
        return {"waiting_room": self.on}


@dataclass(frozen=True, slots=True)
class SetWaitForModerator(Change):
    """Whether who comes while no moderator is here waits for one."""

    on: bool

    def values(self) -> dict[str, Any]:
        """The wait."""
        return {"wait_for_moderator": self.on}


@dataclass(frozen=True, slots=True)
class SetQuiet(Change):
    """Whether it is silent when somebody comes or goes."""

    on: bool

    def values(self) -> dict[str, Any]:
        """The sounds."""
        return {"quiet": self.on}


@dataclass(frozen=True, slots=True)
class SetMaxMembers(Change):
    """How many can be here at once; ``None``: as many as there are calls. Who is here stays."""

    most: int | None

    def values(self) -> dict[str, Any]:
        """The size."""
        return {"max_members": self.most}


class SamePin(Refused):
    """What is keyed in to come in would make moderators."""

    code = "same_pin"

    def __init__(self) -> None:
        super().__init__("Moderators need another PIN than the room's.")


@dataclass(frozen=True, slots=True)
class SetPins(Change):
    """What is to be keyed in to come in from now on, and what moderators key in, both at once."""

    pin: str | None
    moderator_pin: str | None

    def check(self, room: ConferenceModel, by: int | None) -> None:
        """They differ: SamePin."""
        if self.pin is not None and self.pin == self.moderator_pin:
            raise SamePin

    def values(self) -> dict[str, Any]:
        """The PINs."""
        return {"pin": self.pin, "moderator_pin": self.moderator_pin}


@dataclass(frozen=True, slots=True)
class SetPin(Change):
    """What is to be keyed in to come in from now on; ``None``: nothing."""

    pin: str | None

    def check(self, room: ConferenceModel, by: int | None) -> None:
        """It is not that of moderators: SamePin."""
        if self.pin is not None and self.pin == room.settings.moderator_pin:
            raise SamePin

    def values(self) -> dict[str, Any]:
        """The PIN."""
        return {"pin": self.pin}


@dataclass(frozen=True, slots=True)
class SetModeratorPin(Change):
    """What moderators key in from now on; ``None``: nobody becomes moderator by a PIN."""

    pin: str | None

    def check(self, room: ConferenceModel, by: int | None) -> None:
        """It is not the room's: SamePin."""
        if self.pin is not None and self.pin == room.settings.pin:
            raise SamePin

    def values(self) -> dict[str, Any]:
        """The PIN."""
        return {"moderator_pin": self.pin}


@dataclass(frozen=True, slots=True)
class SetTalkTime(Change):
    """The floor is given for so long from now on, in seconds; ``None``: until it is taken, also from
    who holds it already."""

    seconds: float | None

    def values(self) -> dict[str, Any]:
        """The time."""
        return {"talk_time": self.seconds}


@dataclass(frozen=True, slots=True)
class SetMode(Command):
    """Others are heard from now on. The floor begins anew: empty, and in a lecture with the moderators."""

    mode: Mode

    def carry_out(self, room: ConferenceModel, by: int | None) -> None:
        """The mode; then whose voice comes or goes by that."""
        if self.mode is not room.settings.mode:
            here = [id for id in room.moderators if room.participants[id].side_room is None]
            floor = tuple(here) if self.mode is Mode.LECTURE else ()
            settings = replace(room.settings, mode=self.mode)
            with room.hearing():
                room.record(ModeChanged, settings=settings, floor=floor, by=by)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeChanged(SettingsChanged):
    """Others are heard from now on."""

    floor: tuple[int, ...]
    """Ids of those who hold the floor now."""

    def apply(self, state: State) -> None:
        """Mode and floor."""
        SettingsChanged.apply(self, state)
        state.floor = self.floor
        state.left_behind = {id: replace(had, floor=False) for id, had in state.left_behind.items()}
        state.floor_until = {}
