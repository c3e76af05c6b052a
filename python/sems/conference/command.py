"""What a command is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .model import ConferenceModel


@dataclass(frozen=True, slots=True)
class Command(ABC):
    """Something that is asked of a conference, by keypad, page, REST or SIP.

    Who may ask for it is decided in :mod:`~sems.conference.permissions`, before anything else. A command
    that asks for what already is so is carried out without an event.
    """

    def check(self, room: ConferenceModel, by: int | None) -> None:  # noqa: B027 -- many have nothing to check
        """Raises a :class:`~sems.conference.errors.Refused` if it can't be carried out as things are.
        Changes nothing."""

    @abstractmethod
    def carry_out(self, room: ConferenceModel, by: int | None) -> None:
        """Records what follows from it. ``by``: the participant who asks; ``None``: the operator."""


@dataclass(frozen=True, slots=True)
class ParticipantCommand(Command):
    """One that is about somebody in the room."""

    participant: int

    def check(self, room: ConferenceModel, by: int | None) -> None:
        """He must be here: NotHere."""
        room.present(self.participant)
