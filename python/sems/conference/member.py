"""A call that takes part in a conference."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

from ..errors import HungUp, SoundNotFound
from ..events import CallEvent, Digit, Hold, Replaced, Speaking, StreamResumed, StreamStopped
from ..waiting import resolve
from .action import NoSuchNumber
from .errors import Refused
from .events import (
    Admitted,
    CameBack,
    Event,
    FloorGiven,
    FloorTaken,
    GainChanged,
    HandLowered,
    HandRaised,
    Joined,
    Moved,
    Muted,
    MutedInTalk,
    Removed,
    TurnedAway,
    Unmuted,
    WentPrivate,
)
from .keypad import ACTIONS, FARTHEST, Keypad, spoken
from .keys_for_rooms import OF_RECORDINGS
from .outbox import Outbox
from .participant import Participant

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ..audio.playback import Playback
    from ..audio.sounds import Sound
    from ..call import Call
    from .conference import Conference
    from .speech import Speech

#: What he hears who keys in something that he may not do.
REFUSED: Final = "sine:220:250:-20"


class Member:
    """Carries what happens on a call to the model, and what the model says to the call."""

    def __init__(
        self, conference: Conference, participant: Participant, call: Call, link: str, speech: Speech
    ) -> None:
        self.conference = conference
        self.id = participant.id
        self.call = call
        self.link = link
        """The token of his page."""
        conference.links.give(link, self)
        self.speech: Speech = speech
        """What the room says to him."""
        self.removed = False
        """A moderator has taken him out of the room."""
        self.ended = False
        """His call is over."""
        self.turned_away = False
        """A moderator did not let him in."""
        self._admitted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.watchers: set[asyncio.Event] = set()
        """Set when his call is over."""
        self._heard = conference.model.heard(participant)
        self.room_gain = 0.0
        """So much louder, in dB, he hears the room."""
        self.outbox = Outbox(self)
        """What is written and goes to his phone."""
        self._keys = call.server.config.keys
        self._keypad = Keypad(call.server.conferences.codes)
        self._help: Playback | None = None
        self._code: Playback | None = None
        self._recording: tuple[str, Playback] | None = None
        self.entered = False
        """He has been in the room."""
        self._farewell: asyncio.TimerHandle | None = None
        self._goodbye: Playback | None = None
        # Chores begin in the order in which they were given, so the core is told in that order too.
        self.spawn = call.server.spawn
        self._unsubscribe = call.subscribe(self._on_call)

    @property
    def page(self) -> str:
        """The link to his page."""
        return f"{self.call.server.base_url(self.call.local)}/c/{self.link}"

    @property
    def waiting(self) -> bool:
        """He waits to be let in."""
        return self.id in self.conference.model.waiting

    async def wait_in_the_lobby(self) -> None:
        """Music, until he is let in. Raises HungUp."""
        if not self.waiting:
            return
        music: Playback | None = None
        with contextlib.suppress(SoundNotFound):
            music = self.call.start_play([self.speech.find("please-wait"), *["hold-music"] * 3], repeat=0)
        try:
            await self.call.while_up(self._admitted)
        finally:
            if music:
                music.cancel()

    async def enter(self) -> None:
        """Lets him hear the room, and the room him if he is not muted. Raises HungUp."""
        self.entered = True
        await self.conference.mixing.enter(self)

    def leave(self) -> None:
        """His call has ended."""
        self._unsubscribe()
        self.conference.mixing.leave(self)
        self.conference.links.end(self.link)
        self.conference.pairings.forget(self)
        if self._farewell:
            self._farewell.cancel()
        self.ended = True
        for watcher in self.watchers:
            watcher.set()

    # what happens on the call

    def _on_call(self, event: CallEvent) -> None:
        model = self.conference.model
        match event:
            case Digit(key):
                self._on_key(key)
            case Speaking(on):
                model.report_voice(self.id, on)
            case Hold(on):
                model.report_hold(self.id, on)
            case Replaced():
                self.outbox.begin_again()
            case StreamStopped(direction) | StreamResumed(direction):
                report = model.report_silence if direction == "in" else model.report_deafness
                report(self.id, isinstance(event, StreamStopped))

    def _on_key(self, key: str) -> None:
        pressed = self._keypad.press(key, asyncio.get_running_loop().time())
        if not pressed:
            return
        name, places = pressed
        if self.id in self.conference.model.participants or (ACTIONS[name].outside and not self.removed):
            try:
                ACTIONS[name].act(self, places)
            except (Refused, NoSuchNumber):
                self.sound(REFUSED)

    def help(self) -> None:
        """Speaks to him, over the room, what he can key in; if that is being spoken, it ends."""
        if self._help and not self._help.done:
            self._help.cancel()
            return
        model = self.conference.model
        without = () if self.conference.recorder.finished else OF_RECORDINGS
        self._help = self.speech.start(*spoken(model, model.participants[self.id], self._keys, without))

    def pair(self, code: str) -> None:
        """The browser that shows this code becomes his page. Raises Refused."""
        self.conference.pairings.key_in(code, self)
        self.sound("beep")

    def speak_code(self) -> None:
        """Speaks to him, over the room, twice, a code that opens his page in a browser; if that is being
        spoken, it begins anew. Raises Refused."""
        if self._code:
            self._code.cancel()
        digits = [f"digit-{digit}" for digit in self.conference.pairings.speak(self)]
        self._code = self.speech.start("pairing-code", *digits, "pairing-again", *digits)

    def hear_recording(self, id: str, file: Path) -> None:
        """Plays it to him alone, over the room."""
        if playback := self.start_sound(file):
            self._recording = id, playback

    def hears_recording(self, id: str) -> bool:
        """Ends what he hears of a recording. Whether it was this one."""
        recording, self._recording = self._recording, None
        if recording is None or recording[1].done:
            return False
        recording[1].cancel()
        return recording[0] == id

    def forget_recording(self, id: str) -> None:
        """It has been deleted: he hears no more of it."""
        if self._recording and self._recording[0] == id:
            self.hears_recording(id)

    def say_count(self) -> None:
        """Speaks to him, over the room, how many are here."""
        self.speech.start(*self.speech.count(len(self.conference.model.participants)))

    # what happens in the conference

    def on_conference(self, event: Event) -> None:
        """Follows an event of the model that is about him."""
        match event:
            case Muted() | Unmuted() | MutedInTalk() | FloorGiven() | FloorTaken():
                self._follow_hearing()
            case GainChanged(participant=participant):
                self.spawn(self.call.set_gain(participant.gain))
            case Admitted():
                resolve(self._admitted, None)
            case TurnedAway():
                self.turned_away = True
                resolve(self._admitted, None)
                self.spawn(self._turn_away())
            case WentPrivate() | CameBack() | Moved():
                # These have sounds of their own.
                self._heard = self.conference.model.heard(event.participant)
            case HandRaised():
                self.sound("hand-up")
            case HandLowered():
                self.sound("hand-down")
            case Removed():
                self.removed = True
                if self.entered and self.call.has_media:
                    self._goodbye = self.speech.start("removed-from-room")
                undo_time = self.conference.model.settings.undo_time
                self._farewell = asyncio.get_running_loop().call_later(undo_time, self._hang_up)
            case Joined(readmitted=True):
                self.removed = False
                if self._farewell:
                    self._farewell.cancel()
                if self._goodbye:
                    self._goodbye.cancel()

    def on_mode(self) -> None:
        """Others are heard from now on."""
        self._follow_hearing()

    def _follow_hearing(self) -> None:
        model = self.conference.model
        participant = model.participants.get(self.id)
        if participant and (heard := model.heard(participant)) != self._heard:
            self._heard = heard
            self.sound("unmuted" if heard else "muted")

    def nudge(self, gain: float) -> None:
        """He hears the room louder by ``gain`` dB, as far as that makes sense."""
        self.room_gain = min(FARTHEST, max(-FARTHEST, self.room_gain + gain))
        self.conference.mixing.follow(self.id)

    def sound(self, tone: str) -> None:
        """He alone hears a short tone."""
        self.start_sound(f"tone:{tone}")

    def start_sound(self, sound: Sound | Sequence[Sound], *, repeat: int = 1) -> Playback | None:
        """Plays something to him alone, over the room, if there is a way for sound."""
        if self.entered and self.call.has_media:
            return self.call.start_play(sound, repeat=repeat)
        return None

    async def _turn_away(self) -> None:
        with contextlib.suppress(HungUp):
            await self.speech.say("turned-away")
            await self.call.hangup("Not let into the conference", cause=403)

    def _hang_up(self) -> None:
        self.spawn(self.call.hangup("Removed from the conference", cause=403))
