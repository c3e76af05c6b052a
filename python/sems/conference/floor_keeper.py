"""Takes the floor from those from whom nothing comes any more: a telephone that has died would keep it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from .events import Event, FloorChanged, LineChanged, ModeChanged, ParticipantChanged
from .settings import Mode

if TYPE_CHECKING:
    from .conference import Conference

#: For so long, in seconds, nothing has come when a line is said to be silent.
SILENT: Final = 4.0


class FloorKeeper:
    """Follows the lines of those who hold the floor of one conference. A line on hold is not silent, nor one
    that says by comfort noise and reports that it only rests. Moderators keep the floor of a lecture, which
    is theirs."""

    def __init__(self, conference: Conference) -> None:
        self._conference = conference
        self._alarms: dict[int, asyncio.TimerHandle] = {}
        conference.model.subscribe(self._on_event)

    def _on_event(self, event: Event) -> None:
        match event:
            case ModeChanged():
                for id in {*self._alarms, *event.floor}:
                    self._review(id, 0.0)
            case LineChanged(participant=participant):
                self._review(participant.id, SILENT)
            case FloorChanged(participant=participant):
                self._review(participant.id, 0.0)
            case ParticipantChanged(participant=participant) if participant.id in self._alarms:
                self._review(participant.id, 0.0)

    def _review(self, id: int, passed: float) -> None:
        """``passed``: so long, in seconds, nothing has come already."""
        timeout = self._conference.settings.floor_timeout
        if not (timeout and self._is_dead(id)):
            if alarm := self._alarms.pop(id, None):
                alarm.cancel()
        elif id not in self._alarms:
            loop = asyncio.get_running_loop()
            self._alarms[id] = loop.call_later(max(0.0, timeout - passed), self._lose, id)

    def _is_dead(self, id: int) -> bool:
        model = self._conference.model
        him = model.participants.get(id)
        if him is None or id not in model.floor or not him.line.silent:
            return False
        return not (model.settings.mode is Mode.LECTURE and him.moderates)

    def _lose(self, id: int) -> None:
        del self._alarms[id]
        self._conference.model.report_floor_lost(id)
