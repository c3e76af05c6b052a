"""Takes the floor back from those whose time is over."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from .events import (
    Dismissed,
    Event,
    FloorGiven,
    FloorTaken,
    Gone,
    ModeChanged,
    Moved,
    Removed,
    RoleChanged,
    SettingsChanged,
)
from .floor import TakeFloor

if TYPE_CHECKING:
    from .conference import Conference

#: So many seconds before it is over, whoever holds the floor hears a short tone.
WARNING: Final = 10.0


class FloorClock:
    """Follows the floor of one conference where ``talk_time`` is set. Moderators have time."""

    def __init__(self, conference: Conference) -> None:
        self._conference = conference
        self._alarms: dict[int, list[asyncio.TimerHandle]] = {}
        self._ends: dict[int, float] = {}
        """When the time is over, by the loop, of those who were removed and may be brought back."""
        conference.model.subscribe(self._on_event)

    def _on_event(self, event: Event) -> None:
        match event:
            case FloorGiven(participant=participant, goes_on=True):
                if end := self._ends.pop(participant.id, None):
                    self._set(participant.id, max(0.0, end - asyncio.get_running_loop().time()))
            case Removed(participant=participant) if alarms := self._alarms.get(participant.id):
                self._ends[participant.id] = alarms[0].when()
                self._clear(participant.id)
            case FloorGiven(participant=participant):
                seconds = self._conference.model.settings.talk_time
                if seconds is not None and not participant.moderates:
                    self._set(participant.id, seconds)
            case Dismissed(participant=participant):
                self._ends.pop(participant.id, None)
            case (
                FloorTaken(participant=participant)
                | Moved(participant=participant)
                | Gone(participant=participant)
            ):
                self._clear(participant.id)
            case RoleChanged(participant=participant) if participant.moderates:
                self._clear(participant.id)
            case ModeChanged():
                self._clear_all()
            case SettingsChanged(settings=settings) if settings.talk_time is None:
                self._clear_all()

    def _set(self, id: int, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        self._alarms[id] = [loop.call_later(seconds, self._take, id)]
        if seconds > WARNING:
            self._alarms[id].append(loop.call_later(seconds - WARNING, self._warn, id))

    def _clear(self, id: int) -> None:
        for alarm in self._alarms.pop(id, []):
            alarm.cancel()

    def _clear_all(self) -> None:
        for id in list(self._alarms):
            self._clear(id)
        self._ends.clear()

    def _warn(self, id: int) -> None:
        if member := self._conference.members.get(id):
            member.sound("beep")

    def _take(self, id: int) -> None:
        self._conference.do(TakeFloor(id), by=None)
