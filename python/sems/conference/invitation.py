"""What somebody hears who is asked to a private talk: a tone, who asks, and with which keys he answers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from ..errors import SoundNotFound
from ..events import CallEvent, Digit
from .keypad import spoken_code

if TYPE_CHECKING:
    from ..audio.playback import Playback
    from ..audio.sounds import Sound
    from .member import Member

#: For so long, in seconds, somebody is asked to a talk.
PATIENCE: Final = 30.0
#: What he hears before the words, …
TONES: Final = ("tone:sine:660:120:-26", "tone:silence:60", "tone:sine:880:180:-26")
#: … and between one time and the next.
PAUSE: Final = "tone:silence:3600"


class Invitation:
    """Asks one member, over and over, until it is ended or the time is over. The words end with the first key
    that he presses: he has heard what he wanted, and needs to hear what he does."""

    def __init__(self, member: Member | None, asker: int, unanswered: Callable[[], None]) -> None:
        """``asker``: the id of who asks. ``unanswered`` is called when the time is over."""
        self._alarm = asyncio.get_running_loop().call_later(PATIENCE, unanswered)
        self._member = member
        self._sound: Playback | None = None
        self._unsubscribe: Callable[[], None] | None = None
        if member:
            words: list[Sound] = []
            with contextlib.suppress(SoundNotFound):
                words = _words(member, asker)
            self._sound = member.start_sound([*TONES, *words, PAUSE], repeat=0)
            self._unsubscribe = member.call.subscribe(self._on_call)
            if self._sound and (other := member.conference.members.get(asker)):
                other.speech.tell(self._sound)

    def end(self) -> None:
        """He has answered, or need not any more."""
        self._alarm.cancel()
        self._hush()

    def _on_call(self, event: CallEvent) -> None:
        if isinstance(event, Digit) and self._member:
            self._hush()
            self._sound = self._member.start_sound([PAUSE, *TONES], repeat=0)

    def _hush(self) -> None:
        if self._unsubscribe:
            self._unsubscribe()
            self._unsubscribe = None
        if self._sound:
            self._sound.cancel()


def _words(member: Member, asker: int) -> list[Sound]:
    """NAME wants to talk with you; to accept, press this; to decline, press that."""
    keys = member.call.server.config.keys
    names = ["talk-wanted"]
    for prompt, code in (("talk-accept", keys.accept), ("talk-decline", keys.back)):
        if code:
            names += [prompt, *spoken_code(code)]
    return [*_called(member, asker), *map(member.speech.find, names)]


def _called(member: Member, id: int) -> list[Sound]:
    """As somebody has spoken his name, or else the number by which he is meant on a telephone."""
    other = member.conference.members.get(id)
    if other and other.speech.name:
        return [other.speech.name]
    place = member.conference.model.places[id]
    return [member.speech.find(name) for name in ("member", *member.speech.number(place))]
