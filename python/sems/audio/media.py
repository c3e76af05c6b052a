"""The audio half of a call: sounds, rooms, taps and recordings."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from .. import checks
from ..errors import HungUp, WrongState
from ..events import CallEvent, Digit, Speaking
from ..waiting import resolve
from .kinds import NATIVE
from .pcm import Audio, Direction
from .playback import Playback
from .recording import Recording, begin, must_be_free
from .sounds import Sound
from .take import CallTakes
from .voice import Say

if TYPE_CHECKING:
    from ..engine import Tap
    from ..log import Log
    from .private_talk import PrivateTalk
    from .room import Room


_LONGEST_ECHO = 10.0

Until = Literal["key", "speech", "either"]
"""What of the peer stops a sound."""


class CallMedia(CallTakes):
    """What can be done with the audio of a call. See :class:`~sems.call.Call`, which adds the rest."""

    sound_folder: Path | None
    """Where the app that has the call keeps its own sounds."""
    log: Log
    """Writes lines that name the call."""

    room: Room | None = None
    """The mixing room the call is in; None: by itself."""
    muted = False
    """Nobody hears the call."""
    deafened = False
    """The call hears nobody."""
    gain = 0.0
    """How much louder all hear the call, in dB, on top of level control."""
    private_talk: PrivateTalk | None = None
    """The private talk in which the call speaks."""
    whispers_to: frozenset[CallMedia] | None = None
    """The calls that alone hear this one; None: the room does."""
    _out: dict[object, Callable[[], None]] | None = None

    @cached_property
    def _recordings(self) -> dict[str, Recording]:
        return {}

    @property
    @abstractmethod
    def has_media(self) -> bool:
        """There is a way for sound: answered, or in early media."""

    # Sounds

    def start_play(
        self, sound: Sound | Sequence[Sound], *, repeat: int = 1, until: Until | None = None
    ) -> Playback:
        """Begins to play to the peer, over what its room says, and returns at once.

        >>> music = call.start_play("hold-music", repeat=0, until="key")

        ``sound``: a name, the path of a file (WAV, or raw G.711 by its name), a prompt, or a list of
        these, which sound without a gap. ``repeat``: how many times the whole is played; 0: until
        stopped. ``until``: what of the peer stops it: a ``key``, which :meth:`digit` then returns,
        ``speech``, or ``either``; who has pressed one or speaks already hears nothing of it.

        Raises SoundNotFound for an unknown name and WrongState before there is a way for sound.
        """
        if until is not None:
            checks.one_of("until", until, "key", "speech", "either")
        self._must_be_up()
        if not self.has_media:
            raise WrongState("nothing can be played before answer() or ring(early_media=True)")
        playback = Playback(
            self.server.engine,
            self.server.sounds,
            sound,
            repeat=repeat,
            call=self.id,
            beside=self.sound_folder,
            log=self.log,
            guard=self._while_up,
        )
        if until is not None:
            self._stop_at(playback, until)
        return playback

    def _stop_at(self, playback: Playback, until: Until) -> None:
        if (self._keys and until != "speech") or (self.speaking and until != "key"):
            playback.cancel()
            return

        def on_event(event: CallEvent) -> None:
            match event:
                case Digit() if until != "speech":
                    playback.cancel()
                case Speaking(on=True) if until != "key":
                    playback.cancel()

        playback.on_end(self.subscribe(on_event))

    async def play(
        self, sound: Sound | Sequence[Sound], *, repeat: int = 1, until: Until | None = None
    ) -> bool:
        """Plays to the end, as :meth:`start_play`: True when all was played, False when it was stopped.
        Cancelling it stops the sound.

        >>> await call.play(["welcome", "enter-pin"])
        """
        playback = self.start_play(sound, repeat=repeat, until=until)
        try:
            return await playback.wait()
        finally:
            playback.cancel()

    async def say(self, text: str, *, language: str = "en", until: Until | None = None) -> bool:
        """Speaks a text, with the voice of the server: ``espeak-ng`` when it is installed, or what
        :attr:`Server.voice <sems.server.Server.voice>` is set to. Otherwise as :meth:`play`.

        >>> await call.say("Guten Tag", language="de", until="speech")

        With :class:`~sems.Say` texts go wherever sounds go. What was said is kept and said again at once.
        Raises NoVoice.
        """
        return await self.play(Say(text, language), until=until)

    async def tone(self, spec: str) -> None:
        """Plays a generated sound to its end: ``beep``, ``sine:440:1000:-10`` and others, as
        :meth:`SoundLibrary.tone() <sems.audio.sounds.SoundLibrary.tone>` knows them.

        >>> await call.tone("busy:us")
        """
        await self.play(self.server.sounds.tone(spec))

    # Mixing

    async def join(self, room: Room | None) -> None:
        """Goes into the room; None: out of it, to be by itself again.

        >>> room = await server.open_room()
        >>> await call.join(room)

        Raises WrongState when the room is closed.
        """
        if room is not None:
            if isinstance(room, type) or not hasattr(room, "private_talk"):
                raise checks.wrong(
                    "room", "a Room of this server, such as open_room() gives, or None", room, TypeError
                )
            if room.closed:
                raise WrongState("the room is closed")
        await self._done(self.server.engine.core.join(self.id, None if room is None else room.id))
        if room is not self.room:
            self._on_out_of_room()
        self.room = room

    def when_out_of_room(self, owner: object, tell: Callable[[], None] | None) -> None:
        """For rooms: ``tell`` is called when the call leaves its room; one for each ``owner``."""
        if self._out is None:
            self._out = {}
        if tell is None:
            self._out.pop(owner, None)
        else:
            self._out[owner] = tell

    def on_room_closed(self, room: Room) -> None:
        """For rooms: whoever is in that one is by himself again."""
        if self.room is room:
            self._on_out_of_room()
            self.room = None

    def _on_out_of_room(self) -> None:
        if self.whispers_to is not None:
            self.whispers_to = None
        while self._out:
            self._out.popitem()[1]()

    async def mute(self, on: bool) -> None:
        """Nobody hears the call any more (or again), nor what it whispers. Stays in other rooms.

        >>> await call.mute(True)
        """
        checks.flag("on", on)
        await self._done(self.server.engine.core.mute(self.id, on))
        self.muted = on

    async def deafen(self, on: bool) -> None:
        """The call hears nobody any more (or again), only what is played to it. Stays in other rooms.

        >>> await call.deafen(True)
        """
        checks.flag("on", on)
        await self._done(self.server.engine.core.deafen(self.id, on))
        self.deafened = on

    async def set_gain(self, gain: float) -> None:
        """All hear the call louder by ``gain`` dB, −72 to 18; ``-math.inf``: not at all. Stays in
        other rooms.

        >>> await call.set_gain(-6.0)

        Raises ValueError for more than 18."""
        checks.gain("gain", gain)
        await self._done(self.server.engine.core.set_gain(self.id, gain))
        self.gain = gain

    async def set_volume(self, other: CallMedia, gain: float | None) -> None:
        """This call alone hears ``other`` of its room louder by ``gain`` dB, −72 to 18; ``-math.inf``: not at
        all; None: as the room does. Ends when either leaves the room.

        >>> await call.set_volume(other, 6.0)

        Raises WrongState when they are not in one room, and ValueError for more than 18 dB."""
        checks.kind("other", other, "a call", CallMedia)
        checks.gain("gain", gain, none=True)
        self._must_be_up()
        self._must_be_in_one_room(other)
        await self._done(self.server.engine.core.set_volume(self.id, other.id, gain))

    async def set_room_volume(self, gain: float) -> None:
        """This call alone hears the room louder by ``gain`` dB, as in :meth:`set_volume`, but for those who
        have a volume of their own, or whisper to it. 0 is as before. Ends when it leaves the room.

        >>> await call.set_room_volume(-12.0)
        """
        checks.gain("gain", gain)
        await self._done(self.server.engine.core.set_room_volume(self.id, gain))

    async def whisper(self, to: Iterable[CallMedia] | None) -> None:
        """Only these calls of its room hear the call from now on, as loud as each has set its volume; None:
        the room hears it again. Ends when it leaves the room; whoever leaves hears it no more. See also
        :meth:`Room.private_talk() <sems.audio.room.Room.private_talk>`.

        >>> await call.whisper([other])

        Raises WrongState for one that is not in the room."""
        self._must_be_up()
        core = self.server.engine.core
        before = self.whispers_to
        others = None if to is None else list(to) if isinstance(to, Iterable) else [to]
        for other in others or ():
            checks.kind("to", other, "calls of its room, or None", CallMedia)
        after = None if others is None else frozenset(others) - {self}
        for other in after or ():
            self._must_be_in_one_room(other)
        if before is None and after is not None:
            # First of all nobody else is to hear it.
            await self._done(core.whisper(self.id, True))
            self.whispers_to = frozenset()
        for other in (before or frozenset()) - (after or frozenset()):
            other.when_out_of_room(self, None)
            self._whisper_no_more_to(other)
            with contextlib.suppress(HungUp):
                await other._done(core.overhear(other.id, self.id, False))
        for other in (after or frozenset()) - (before or frozenset()):
            with contextlib.suppress(HungUp):
                await other._done(core.overhear(other.id, self.id, True))
                if self.whispers_to is not None and other.room is self.room:
                    self.whispers_to |= {other}
                    other.when_out_of_room(self, functools.partial(self._whisper_no_more_to, other))
        if after is None and before is not None:
            await self._done(core.whisper(self.id, False))
            self.whispers_to = None

    def _whisper_no_more_to(self, other: CallMedia) -> None:
        if self.whispers_to is not None:
            self.whispers_to -= {other}

    def _must_be_in_one_room(self, other: CallMedia) -> None:
        if self.room is None or other.room is not self.room:
            raise WrongState(f"calls {self.id} and {other.id} are not in one room")

    async def echo(self, on: bool, *, delay: float = 0.0) -> None:
        """The peer hears itself (or not any more), ``delay`` seconds later, up to ten.

        >>> await call.echo(True, delay=0.5)

        What it has not heard yet is forgotten when this is called again. Raises ValueError for another delay.
        """
        checks.flag("on", on)
        checks.number("delay", delay, 0, _LONGEST_ECHO, "seconds")
        await self._done(self.server.engine.core.echo(self.id, on, delay_ms=round(delay * 1000)))

    # Listening and speaking

    @cached_property
    def audio(self) -> Audio:
        """PCM both ways: ``async for block in call.audio`` is what the peer says, ``call.audio.write()``
        says something to it."""
        return Audio(self.server.engine, self._check_media, self._while_up, call=self.id)

    async def wait_speaking(self, on: bool = True, *, timeout: float | None = None) -> bool:
        """Waits until the peer speaks (``on=False``: is silent), and returns at once when that is so: False
        when it has not come within ``timeout`` seconds. Speech is told some 60 ms after it has begun.

        >>> if not await call.wait_speaking(timeout=5):
        ...     await call.say("Are you still there?")
        """
        checks.flag("on", on)
        checks.seconds("timeout", timeout, none=True)
        changed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def on_event(event: CallEvent) -> None:
            if isinstance(event, Speaking) and event.on == on:
                resolve(changed, None)

        self._must_be_up()
        if self.speaking == on:
            return True
        forget = self.subscribe(on_event)
        try:
            async with asyncio.timeout(timeout):
                await self._while_up(changed)
        except TimeoutError:
            return False
        finally:
            forget()
        return True

    def _check_media(self) -> None:
        self._must_be_up()
        if not self.has_media:
            raise WrongState("nothing can be heard or said before answer() or ring(early_media=True)")

    @abstractmethod
    def _must_be_up(self) -> None:
        """Raises HungUp when the call has ended."""

    def tap(self, direction: Direction = "in", *, rate: int = 8000) -> Tap:
        """A copy of one direction as it passes: 16-bit mono at ``rate`` Hz (1000–768000) whatever the codec,
        read with ``tap.read()`` at least every two seconds, with Opus every 0.8. Raises WrongState before
        there is a way for sound, and HungUp after the end of the call. :attr:`audio` waits for it."""
        checks.one_of("direction", direction, "in", "out")
        checks.rate(rate)
        self._must_be_up()
        if not self.has_media:
            raise WrongState("nothing can be heard before answer() or ring(early_media=True)")
        request, _, tap = self.server.engine.core.tap(self.id, direction, rate=rate)
        self.server.engine.completion(request)
        return tap

    async def record(
        self, path: str | Path, direction: Direction | Literal["both"] = "in", *, rate: int = 8000
    ) -> Recording:
        """Begins to write one direction to a file, made anew, until it is stopped or the call ends;
        ``both``: on two channels, what the peer says on the left. It is WAV of ``rate`` samples a second,
        1000 to 768000; or raw G.711 (one channel of 8000), if its name ends in ``.ulaw``, ``.alaw`` or the
        like. What is to be FLAC or another kind is converted afterwards (:meth:`SoundLibrary.convert()
        <sems.audio.sounds.SoundLibrary.convert>`).

        >>> recording = await call.record("both-sides.wav", "both")
        >>> await call.sleep(60)
        >>> await recording.stop()

        Raises EngineError when the file can't be made, ValueError for a name that ends otherwise, and
        WrongState when that direction, or any call to that file, is being recorded already.
        """
        checks.path("path", path, endings=NATIVE)
        checks.one_of("direction", direction, "in", "out", "both")
        checks.rate(rate)
        before = self._recordings.get(direction)
        if before is not None and not before.done:
            raise WrongState(f"the call is being recorded already, to {before.path}")
        engine, path = self.server.engine, Path(path)
        must_be_free(engine, path)
        request, number = engine.core.record_call(self.id, str(path), direction, rate)
        recording = await begin(engine, self._done(request), number, path, call=self.id)
        self._recordings[direction] = recording
        return recording

    async def stop_record(self, direction: Direction | Literal["both"] = "in") -> None:
        """Ends the recording; returns when the file is complete. Harmless when there is none.

        >>> await call.stop_record()
        """
        checks.one_of("direction", direction, "in", "out", "both")
        if recording := self._recordings.get(direction):
            await recording.stop()
