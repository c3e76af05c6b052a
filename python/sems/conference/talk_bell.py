"""Tones that tell of talks, and what those hear who are asked to one."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from .events import CameBack, Event, TalkChanged, WentPrivate
from .invitation import Invitation
from .talks import Conversation, TalkKind, TalkState

if TYPE_CHECKING:
    from .conference import Conference

#: What he hears who talks in private or is coached from now on, …
BEGINS: Final = ("tone:sine:587:90:-26", "tone:sine:440:160:-26")
#: … who is back in the room, …
ENDS: Final = ("tone:sine:440:90:-26", "tone:sine:587:160:-26")
#: … who has asked, answered or changed something else, …
DONE: Final = ("tone:sine:587:70:-26",)
#: … and who asked in vain.
IN_VAIN: Final = ("tone:sine:440:120:-26", "tone:silence:60", "tone:sine:440:120:-26")


class TalkBell:
    """Follows the talks of one conference."""

    def __init__(self, conference: Conference) -> None:
        self._conference = conference
        self._asked: dict[tuple[int, int], Invitation] = {}
        self._coached: dict[int, int] = {}
        conference.model.subscribe(self._on_event)

    def _on_event(self, event: Event) -> None:
        match event:
            case TalkChanged(talk=talk, by=by):
                self._follow(talk, by)
                self._confirm(talk, by)
                if talk.state is TalkState.ENDED and by != talk.by and (talk.declined or talk.unanswered):
                    self._sound(talk.by, IN_VAIN)
            case WentPrivate(participant=participant):
                self._sound(participant.id, BEGINS)
            case CameBack(participant=participant):
                self._sound(participant.id, ENDS)

    def _follow(self, talk: Conversation, by: int | None) -> None:
        for id in talk.asked:
            if (talk.id, id) not in self._asked:
                self._ask(talk.id, id, talk.by if by is None else by)
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

    def _ask(self, talk: int, id: int, by: int) -> None:
        conference = self._conference
        unanswered = partial(conference.model.report_unanswered, talk, id)
        self._asked[talk, id] = Invitation(conference.members.get(id), by, unanswered)

    def _sound(self, id: int, sound: tuple[str, ...]) -> None:
        if member := self._conference.members.get(id):
            member.start_sound(sound)
