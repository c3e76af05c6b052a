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
#: A telephone that sends no audio while nobody speaks (RFC 3551 §4.1) shows by its reports that it lives. The
#: next one comes within so many seconds, if any does: each five, times up to 1.5 by chance (RFC 3550 §6.2), …
NEXT_REPORT: Final = 9.0
#: … and one that goes on to report may lose one of them on the way.
REPORTS: Final = 16.0
#: When somebody last reported is known so exactly, in seconds.
EXACT: Final = 1.0


class FloorKeeper:
    """Follows the lines of those who hold the floor of one conference. A line on hold is not silent, nor one
    that says by comfort noise and reports, or by reports alone, that it only rests. Moderators keep the floor
    of a lecture, which is theirs."""

    def __init__(self, conference: Conference) -> None:
        self._conference = conference
        self._alarms: dict[int, asyncio.TimerHandle] = {}
        self._silent_since: dict[int, float] = {}
        """In the time of the loop, of those for whom there is an alarm."""
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
                del self._silent_since[id]
        elif id not in self._alarms:
            loop = asyncio.get_running_loop()
            self._silent_since[id] = loop.time() - passed
            self._alarms[id] = loop.call_later(max(0.0, timeout - passed), self._look, id)

    def _is_dead(self, id: int) -> bool:
        model = self._conference.model
        him = model.participants.get(id)
        if him is None or id not in model.floor or not him.line.silent:
            return False
        return not (model.settings.mode is Mode.LECTURE and him.moderates)

    def _look(self, id: int) -> None:
        """Nothing has come for so long that he may be dead."""
        if (wait := self._until_overdue(id)) > 0:
            self._alarms[id] = asyncio.get_running_loop().call_later(wait, self._look, id)
            return
        del self._alarms[id], self._silent_since[id]
        self._conference.model.report_floor_lost(id)

    def _until_overdue(self, id: int) -> float:
        """In so many seconds a report will be overdue that shows that he lives."""
        member = self._conference.members.get(id)
        quality = member and member.call.quality
        if not quality or quality.reported_ms is None:
            return 0.0
        since_report = quality.reported_ms / 1000
        silence = asyncio.get_running_loop().time() - self._silent_since[id]
        return (REPORTS if since_report + EXACT < silence else NEXT_REPORT) - since_report
