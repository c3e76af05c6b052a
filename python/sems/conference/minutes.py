"""Whether the conference is being recorded."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from .command import Command
from .errors import NotRecording
from .event import Event

if TYPE_CHECKING:
    from .model import ConferenceModel
    from .state import State


class RecordingState(StrEnum):
    """Whether something is being written."""

    OFF = "off"
    RECORDING = "recording"
    PAUSED = "paused"
    """What is said now is left out."""


class RecordingKind(StrEnum):
    """What is being written."""

    MIX = "mix"
    """What is said in the room, in one file."""
    MEMBERS = "members"
    """That, and what every member says, each in a file of his own, all of one length."""


@dataclass(frozen=True, slots=True)
class Minutes:
    """The recording of a conference. A change makes a new value."""

    state: RecordingState = RecordingState.OFF
    kind: RecordingKind = RecordingKind.MIX
    since: float | None = None
    """When it began, in seconds since 1970."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingChanged(Event):
    """The recording begins, pauses, goes on or ends."""

    recording: Minutes
    error: str | None = None
    """Why it ended, if nobody wanted that."""

    def apply(self, state: State) -> None:
        """It is as the event says."""
        state.recording = self.recording


class RecordingsChanged(Event):
    """There is one more recording to be heard, or one less."""

    __slots__ = ()

    def apply(self, state: State) -> None:
        """What there is lies in files, and nothing here knows of it."""


@dataclass(frozen=True, slots=True)
class Record(Command):
    """The conference shall be recorded from now on. Goes on with one that is paused."""

    at: float
    """Now, in seconds since 1970."""
    kind: RecordingKind = RecordingKind.MIX

    def carry_out(self, room: ConferenceModel, by: int | None) -> None:
        """One recording at a time."""
        before = room.recording
        if before.state is RecordingState.OFF:
            begun = Minutes(RecordingState.RECORDING, self.kind, self.at)
            room.record(RecordingChanged, recording=begun, by=by)
        elif before.state is RecordingState.PAUSED:
            _become(room, RecordingState.RECORDING, by)


@dataclass(frozen=True, slots=True)
class PauseRecording(Command):
    """What is said from now on shall be left out."""

    def check(self, room: ConferenceModel, by: int | None) -> None:
        """There must be a recording: NotRecording."""
        if room.recording.state is RecordingState.OFF:
            raise NotRecording

    def carry_out(self, room: ConferenceModel, by: int | None) -> None:
        """It waits."""
        if room.recording.state is RecordingState.RECORDING:
            _become(room, RecordingState.PAUSED, by)


@dataclass(frozen=True, slots=True)
class StopRecording(Command):
    """The recording shall end."""

    def carry_out(self, room: ConferenceModel, by: int | None) -> None:
        """It can be heard from then on."""
        if room.recording.state is not RecordingState.OFF:
            room.record(RecordingChanged, recording=Minutes(), by=by)


def _become(room: ConferenceModel, state: RecordingState, by: int | None) -> None:
    room.record(RecordingChanged, recording=replace(room.recording, state=state), by=by)
