"""Writes down what the model says is recorded."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from ..errors import EngineError, SoundNotFound, WrongState
from ..log import logger
from .errors import StillRecording
from .events import CameBack, Event, Joined, LineChanged, Moved, RecordingChanged, RecordingsChanged
from .minutes import Minutes, RecordingKind, RecordingState
from .talks import Background, Conversation

if TYPE_CHECKING:
    from pathlib import Path

    from ..audio.recording import Recording
    from ..audio.room import Room
    from ..server import Server
    from .archive import Archive
    from .conference import Conference
    from .participant import Participant


class Recorder:
    """Follows the recording of one conference: files, a tone and words when it begins and ends, and words to
    those who come later, so that nobody is recorded who has not been told."""

    def __init__(self, conference: Conference, server: Server, archive: Archive) -> None:
        self._conference = conference
        self._server = server
        self._archive = archive
        self._log = logger.bind(conference=conference.name)
        self._recording: Recording | None = None
        self._id: str | None = None
        self._names: dict[str, str] = {}
        self._made: set[str] = set()
        self.stopped = False
        """Somebody did not want it to be recorded any more."""
        self._told: set[int] = set()
        self._ends = 0
        """How often recording was to end."""
        self._begun = 0
        """What that was when this one began."""
        self._done: RecordingState = RecordingState.OFF
        self._turn = asyncio.Lock()
        conference.model.subscribe(self._on_event)

    @property
    def made(self) -> frozenset[str]:
        """Ids of the recordings that were made since the conference began."""
        return frozenset(self._made)

    @property
    def current(self) -> str | None:
        """The id of the recording that is being made."""
        return self._id if self._recording else None

    @property
    def finished(self) -> frozenset[str]:
        """Ids of those of them that can be heard and deleted."""
        return frozenset(self._made - {self.current})

    def file(self, id: str) -> Path | None:
        """The file of what all said. Waits for the disk."""
        return self._archive.file(self._conference.name, id)

    def check_deletion(self, id: str) -> None:
        """It must be finished: StillRecording."""
        if id == self.current:
            raise StillRecording

    async def delete(self, id: str) -> bool:
        """Deletes it with all its files. False if there is none. Raises OSError."""
        if not await asyncio.to_thread(self._archive.delete, self._conference.name, id):
            return False
        self._made.discard(id)
        for member in self._conference.members.values():
            member.forget_recording(id)
        self._conference.model.record(RecordingsChanged)
        return True

    def _on_event(self, event: Event) -> None:
        match event:
            case RecordingChanged(recording=recording, error=error):
                if recording.state is RecordingState.OFF:
                    self._told.clear()
                    self._ends += 1
                    self.stopped = self.stopped or error is None
                self._server.spawn(self._follow())
            case (
                Moved(participant=him) | CameBack(participant=him) | Joined(participant=him, readmitted=True)
            ):
                # The room in which it was said is not the one where he was, or he did not hear it.
                self._greet(him)
            case LineChanged(participant=him) if self._done is not RecordingState.OFF:
                # It was said while he had put the room on hold.
                self._greet(him)

    def _greet(self, him: Participant) -> None:
        member = self._conference.members.get(him.id)
        if member and self._hears(him) and (words := self.greeting(him.id)):
            member.speech.start(*words)

    def _hears(self, him: Participant) -> bool:
        """He hears what is said in the room that is recorded."""
        in_talk = him.private and _deaf(self._conference.model.talk_of(him.id))
        return him.side_room is None and not him.on_hold and not in_talk

    def greeting(self, id: int) -> list[str]:
        """Names of prompts for one who comes while it is recorded."""
        if self._conference.model.recording.state is RecordingState.OFF or id in self._told:
            return []
        self._told.add(id)
        self._server.spawn(self._note_names())
        return ["is-recorded"]

    async def _follow(self) -> None:
        async with self._turn:
            # Of several changes in a row only the last counts; but what has ended does not go on.
            wanted = self._conference.model.recording
            ended = self._recording is not None and self._begun != self._ends
            if wanted.state is self._done and not ended:
                return
            try:
                if ended:
                    await self._end()
                await self._become(wanted)
            except (EngineError, WrongState, OSError) as error:
                self._fail(str(error))

    async def _become(self, wanted: Minutes) -> None:
        if wanted.state is not RecordingState.OFF:
            recording = self._recording or await self._begin(wanted)
            if wanted.state is RecordingState.PAUSED:
                await recording.pause()
            elif self._done is RecordingState.PAUSED:
                await recording.resume()
        self._done = wanted.state
        self._sound()
        if self._recording:
            await self._note_names()

    async def _begin(self, wanted: Minutes) -> Recording:
        ends = self._ends
        room: Room = await self._conference.rooms.of(None)
        kind = wanted.kind
        id, path = await asyncio.to_thread(self._archive.open, self._conference.name, kind.value)
        if kind is RecordingKind.MEMBERS:
            recording = await room.record(path, members="both")
        else:
            recording = await room.record(path / "mix.wav")
        self._recording, self._id, self._begun = recording, id, ends
        self._made.add(id)
        self._names = {}
        recording.on_end(self._on_end)
        return recording

    async def _end(self) -> None:
        self._done = RecordingState.OFF
        if self._recording:
            try:
                await self._note_names()
                await self._recording.stop()
            finally:
                # Until then its files are not whole.
                self._recording = None
            self._conference.model.record(RecordingsChanged)

    async def _note_names(self) -> None:
        """Who is heard in which file."""
        for member in self._conference.members.values():
            participant = self._conference.model.participants.get(member.id)
            if participant:
                self._names[f"call-{member.call.id}"] = participant.name
        if self._id:
            with contextlib.suppress(OSError):
                await asyncio.to_thread(
                    self._archive.name, self._conference.name, self._id, dict(self._names)
                )

    def _on_end(self) -> None:
        """It has ended by itself: the disk is full, or everybody has left."""
        if self._recording and self._recording.error:
            self._fail(self._recording.error)

    def _fail(self, why: str) -> None:
        self._recording = None
        self._done = RecordingState.OFF
        self._log.error("the conference can not be recorded", why=why)
        model = self._conference.model
        if model.recording.state is not RecordingState.OFF:
            model.record(RecordingChanged, recording=Minutes(), error="The recording could not be written.")

    def _sound(self) -> None:
        room = self._conference.rooms.main
        if not room or room.closed:
            return
        sounds, language = self._server.sounds, self._conference.model.settings.language
        with contextlib.suppress(SoundNotFound, EngineError, WrongState):
            if self._done is RecordingState.PAUSED:
                room.start_play(sounds.tone("hand-down"))
            elif self._done is RecordingState.OFF:
                room.start_play([sounds.tone("hand-down"), sounds.spoken("recording-ended", language)])
            elif self._all_are_told():
                room.start_play(sounds.tone("beep"))
            else:
                room.start_play([sounds.tone("beep"), sounds.spoken("is-recorded", language)])

    def _all_are_told(self) -> bool:
        """Notes those who hear now that it is recorded. False if it is new to somebody."""
        participants = self._conference.model.participants.values()
        here = {each.id for each in participants if self._hears(each)}
        new = here - self._told
        self._told |= here
        return not new


def _deaf(talk: Conversation | None) -> bool:
    return talk is not None and talk.room is Background.OFF
