"""A mixing room: calls that hear each other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from .. import checks
from ..errors import WrongState
from ..events import Levels
from ..log import logger
from ..subscribers import Subscribers
from .kinds import NATIVE
from .pcm import Audio
from .playback import Playback
from .private_talk import PrivateTalk
from .recording import Recording, begin
from .sounds import Sound

if TYPE_CHECKING:
    from ..call import Call
    from ..server import Server


class Room:
    """Calls that have :meth:`joined <sems.call.Call.join>` it hear each other, and never themselves.

    Made by :meth:`Server.open_room() <sems.server.Server.open_room>`.

    >>> room = await server.open_room(max_talkers=4)
    >>> for each in (call, other):
    ...     await each.join(room)
    >>> await room.play("welcome")
    >>> await room.close()
    """

    def __init__(self, server: Server, room_id: int) -> None:
        self.id = room_id
        self.level_control = False
        """Quiet and loud talkers are brought to the same level."""
        self.noise_gate = False
        """The noise of each line stays out while nobody speaks there."""
        self.max_talkers: int | None = None
        """How many are heard at once, the loudest; None: all."""
        self.server = server
        self.closed = False
        self.levels: dict[int, int] = {}
        """Who sounds right now: call ids with their level in dBov (−127 to 0)."""
        self._subscribers: Subscribers[Levels] = Subscribers()

    def start_play(self, sound: Sound | Sequence[Sound], *, repeat: int = 1) -> Playback:
        """Begins to play over what the members say, for all to hear, and returns at once.

        ``repeat``: how many times; 0: until stopped. Raises SoundNotFound.
        """
        return Playback(
            self.server.engine,
            self.server.sounds,
            sound,
            repeat=repeat,
            room=self.id,
            log=logger.bind(room=self.id),
        )

    async def play(self, sound: Sound | Sequence[Sound], *, repeat: int = 1) -> bool:
        """Plays to the end: True when all was played, False when it was stopped. Cancelling it stops the
        sound."""
        playback = self.start_play(sound, repeat=repeat)
        try:
            return await playback.wait()
        finally:
            playback.cancel()

    @cached_property
    def audio(self) -> Audio:
        """PCM both ways: ``async for block in room.audio`` is what is said in the room,
        ``room.audio.write()`` says something to all."""
        return Audio(self.server.engine, self._must_be_open, self._while_open, room=self.id)

    def _must_be_open(self) -> None:
        if self.closed:
            raise WrongState("the room is closed")

    async def _while_open(self, source: asyncio.Future[None]) -> None:
        await source
        self._must_be_open()

    async def record(
        self, path: str | Path, *, members: Literal["mix", "each", "both"] = "mix", rate: int = 8000
    ) -> Recording:
        """Records the room, until it is stopped or the room is closed.

        ``mix``: what is said in the room, into the file ``path``: WAV, or raw G.711 by its name as in
        :meth:`Call.record() <sems.call.Call.record>`. ``each``: what every member says to the
        room, each into a file of its own in the folder ``path``, which is made if it isn't there; see
        :meth:`Recording.member() <sems.audio.recording.Recording.member>`. Who is muted, or whispers, is
        silent there. ``both``: these, and the mix in ``mix.wav`` beside them. All files begin with the same
        sample and are of one length: who comes late begins with silence, who leaves early ends with it.

        ``rate``: samples a second of the files. Raises EngineError when they can't be made.
        """
        checks.one_of("members", members, "mix", "each", "both")
        checks.path("path", path, endings=NATIVE if members == "mix" else None)
        checks.rate(rate)
        self._must_be_open()
        path = Path(path)
        mix = path if members == "mix" else path / "mix.wav" if members == "both" else None
        folder = None if members == "mix" else path
        engine = self.server.engine
        request, number = engine.core.record_room(
            self.id, None if mix is None else str(mix), None if folder is None else str(folder), rate
        )
        started = engine.completion(request)
        return await begin(engine, started, number, path, room=self.id, mix=mix, members=folder)

    def subscribe(self, callback: Callable[[Levels], None]) -> Callable[[], None]:
        """Tells ``callback`` who sounds, at most ten times a second; returns what ends that."""
        checks.callback("callback", callback)
        return self._subscribers.add(callback)

    def watch_levels(self, on: bool) -> None:
        """Whether levels are told, as they are from the start. Each reading costs time, so turn them off
        in a room at which nobody looks; the members' ``level`` then stays at silence. Two members of one
        codec in such a room, if it also mixes without level control, noise gate and limit, get each other's
        packets as they come (see :meth:`Call.bridge() <sems.call.Call.bridge>`)."""
        checks.flag("on", on)
        if not self.closed:
            engine = self.server.engine
            # A room that closes meanwhile has no levels either.
            engine.completion(engine.core.watch_levels(self.id, on))
            if not on:
                self.server.told.on_levels(self.id, {})

    async def set_mixing(self, *, level_control: bool, noise_gate: bool, max_talkers: int | None) -> None:
        """Changes how the room mixes.

        ``level_control``: quiet and loud talkers are brought to the same level (−23 dBov), slowly and
        never in pauses. ``noise_gate``: what is not 7 dB above the noise of its line stays out, but for the
        ends of words. ``max_talkers``: of all who talk at once the loudest so many are heard, 1 to 32,
        and who is heard stays so for as long as he talks; None: all."""
        checks.flag("level_control", level_control)
        checks.flag("noise_gate", noise_gate)
        checks.whole("max_talkers", max_talkers, 1, 32, none=True)
        engine = self.server.engine
        await engine.completion(engine.core.set_room(self.id, level_control, noise_gate, max_talkers))
        self.level_control = level_control
        self.noise_gate = noise_gate
        self.max_talkers = max_talkers

    async def private_talk(self, *calls: Call, room_gain: float = -20.0) -> PrivateTalk:
        """These members hear each other at full level from now on, and the room softer by ``room_gain`` dB
        (``-math.inf``: not at all); the room hears nothing of what they say.

        Raises WrongState for a call that is not in the room or talks privately already, and HungUp."""
        for call in calls:
            checks.call("each of calls", call)
        checks.gain("room_gain", room_gain)
        talk = PrivateTalk(self, calls, calls, room_gain)
        await talk.begin()
        return talk

    async def coach(self, coach: Call, coached: Call) -> PrivateTalk:
        """``coached`` hears what ``coach`` says, and nobody else does; both hear the room as before.

        Raises as :meth:`private_talk`."""
        checks.call("coach", coach)
        checks.call("coached", coached)
        talk = PrivateTalk(self, [coach], [coached], 0.0)
        await talk.begin()
        return talk

    async def close(self) -> None:
        """Closes the room. Calls still in it go on, each by itself. Idempotent."""
        if not self.closed:
            self.closed = True
            self.server.rooms.pop(self.id, None)
            for call in tuple(self.server.calls.values()):
                call.on_room_closed(self)
            engine = self.server.engine
            await engine.completion(engine.core.close_room(self.id))

    def on_levels(self, levels: dict[int, int]) -> None:
        """For the server: who sounds, as the core tells it."""
        self.levels = levels
        self._subscribers.tell(Levels(levels))
