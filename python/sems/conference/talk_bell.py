"""Tones that tell of talks, and the patience with those who are asked to one."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .events import CameBack, Event, TalkChanged, WentPrivate
from .talks import Conversation, TalkKind, TalkState

if TYPE_CHECKING:
    from ..audio.playback import Playback
    from .conference import Conference

#: For so long, in seconds, somebody is asked to a talk.
PATIENCE: Final = 30.0

#: What he hears who is asked, over and over, …
ASKED: Final = ("tone:sine:660:120:-26", "tone:silence:60", "tone:sine:880:180:-26", "tone:silence:3600")
#: … who talks in private or is coached from now on, …
BEGINS: Final = ("tone:sine:587:90:-26", "tone:sine:440:160:-26")
#: … who is back in the room, …
ENDS: Final = ("tone:sine:440:90:-26", "tone:sine:587:160:-26")
#: … who has asked, answered or changed something else, …
DONE: Final = ("tone:sine:587:70:-26",)
#: … and who asked in vain.
IN_VAIN: Final = ("tone:sine:440:120:-26", "tone:silence:60", "tone:sine:440:120:-26")


@dataclass(slots=True)
class _Asking:
    alarm: asyncio.TimerHandle
    sound: Playback | None

    def end(self) -> None:
        self.alarm.cancel()
        if self.sound:
            self.sound.cancel()


class TalkBell:
    """Follows the talks of one conference."""

    def __init__(self, conference: Conference) -> None:
        self._conference = conference
        self._asked: dict[tuple[int, int], _Asking] = {}
        self._coached: dict[int, int] = {}
        conference.model.subscribe(self._on_event)

    def _on_event(self, event: Event) -> None:
        match event:
            case TalkChanged(talk=talk, by=by):
                self._follow(talk)
                self._confirm(talk, by)
                if talk.state is TalkState.ENDED and by != talk.by and (talk.declined or talk.unanswered):
                    self._sound(talk.by, IN_VAIN)
            case WentPrivate(participant=participant):
                self._sound(participant.id, BEGINS)
            case CameBack(participant=participant):
                self._sound(participant.id, ENDS)

    def _follow(self, talk: Conversation) -> None:
        for id in talk.asked:
            if (talk.id, id) not in self._asked:
                self._ask(talk.id, id)
        for key in [key for key in self._asked if key[0] == talk.id and key[1] not in talk.asked]:
            self._asked.pop(key).end()
        if talk.kind is TalkKind.COACH:
            self._follow_coached(talk)

    def _confirm(self, talk: Conversation, by: int | None) -> None:
        him = self._conference.model.participants.get(by or 0)
        # Who goes or comes back by that hears it anyway.
        if him and him.private == (him.id in talk.talkers) and talk.kind is TalkKind.PRIVATE:
            self._sound(him.id, DONE)

    def _follow_coached(self, talk: Conversation) -> None:
        if talk.state is TalkState.TALKING:
            self._coached[talk.id] = talk.members[-1]
            self._sound(talk.members[-1], BEGINS)
        elif coached := self._coached.pop(talk.id, None):
            self._sound(coached, ENDS)

    def _ask(self, talk: int, id: int) -> None:
        loop = asyncio.get_running_loop()
        alarm = loop.call_later(PATIENCE, self._conference.model.report_unanswered, talk, id)
        member = self._conference.members.get(id)
        sound = member.start_sound(ASKED, repeat=0) if member else None
        self._asked[talk, id] = _Asking(alarm, sound)

    def _sound(self, id: int, sound: tuple[str, ...]) -> None:
        if member := self._conference.members.get(id):
            member.start_sound(sound)
