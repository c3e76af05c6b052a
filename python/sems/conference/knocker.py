"""Lets moderators hear on their telephones that somebody waits to be let in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .events import Event, Knocked

if TYPE_CHECKING:
    from .conference import Conference

#: Two knocks, softer than speech.
KNOCK: Final = ("tone:sine:260:50:-24", "tone:silence:110", "tone:sine:260:50:-24")


class Knocker:
    """Follows who waits for one conference. A quiet room stays quiet."""

    def __init__(self, conference: Conference) -> None:
        self._conference = conference
        conference.model.subscribe(self._on_event)

    def _on_event(self, event: Event) -> None:
        model = self._conference.model
        if isinstance(event, Knocked) and not model.settings.quiet:
            for id in model.moderators:
                if member := self._conference.members.get(id):
                    member.start_sound(KNOCK)
