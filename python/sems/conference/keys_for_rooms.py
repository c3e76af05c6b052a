"""What moderators key in for the room as a whole: its mode, its door, its recordings."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from .action import Action, NoSuchNumber, done, moderates
from .commands import (
    Command,
    PauseRecording,
    Readmit,
    Record,
    SetMaxMembers,
    SetMode,
    SetModeratorPin,
    SetPin,
    SetQuiet,
    SetTalkTime,
    SetWaitForModerator,
    SetWaitingRoom,
    StopRecording,
)
from .errors import NotHere, Refused
from .minutes import RecordingKind, RecordingState
from .participant import Participant
from .permissions import permit_to_hear
from .settings import Mode, Settings

if TYPE_CHECKING:
    from .member import Member
    from .model import ConferenceModel

#: A PIN has so many digits at least and at most.
PIN: Final = (3, 16)
#: What is of no use where nothing was recorded.
OF_RECORDINGS: Final = ("hear", "delete")
#: The longest time to talk, in seconds.
LONGEST: Final = 86_400


def _switch(
    make: Callable[[bool], Command], is_on: Callable[[Settings], bool]
) -> Callable[[Member, str], None]:
    """Switches something on, or off if it is on."""

    def act(member: Member, _: str) -> None:
        on = not is_on(member.conference.model.settings)
        member.conference.do(make(on), by=member.id)
        done(member, on=on)

    return act


def _set(make: Callable[[str], Command]) -> Callable[[Member, str], None]:
    """Sets something to what is keyed in."""

    def act(member: Member, text: str) -> None:
        member.conference.do(make(text), by=member.id)
        done(member, on=text != "0")

    return act


def _mode(mode: Mode) -> Action:
    def useful(room: ConferenceModel, him: Participant) -> bool:
        return him.moderates and room.settings.mode is not mode

    return Action(_set(lambda _: SetMode(mode)), useful, prompt=f"key-{mode}")


def _pin(text: str) -> str | None:
    if text == "0":
        return None
    if not PIN[0] <= len(text) <= PIN[1]:
        raise NoSuchNumber(f"a PIN has {PIN[0]} to {PIN[1]} digits")
    return text


def _talk_time(text: str) -> SetTalkTime:
    if len(text) > len(str(LONGEST)) or int(text) > LONGEST:
        raise NoSuchNumber(f"nobody talks for longer than {LONGEST} seconds")
    return SetTalkTime(float(text) or None)


def _size(text: str) -> SetMaxMembers:
    if len(text) > 9:
        raise NoSuchNumber("so many can not be here")
    return SetMaxMembers(int(text) or None)


def _pause(member: Member, _: str) -> None:
    paused = member.conference.model.recording.state is RecordingState.PAUSED
    member.conference.do(Record(time.time()) if paused else PauseRecording(), by=member.id)


def _record_members(member: Member, _: str) -> None:
    off = member.conference.model.recording.state is RecordingState.OFF
    wanted = Record(time.time(), RecordingKind.MEMBERS) if off else StopRecording()
    member.conference.do(wanted, by=member.id)


def _readmit(member: Member, _: str) -> None:
    """Whoever was removed last."""
    room = member.conference.model
    gone = [*room.dismissed, *room.removed]
    if not gone:
        raise NotHere
    member.conference.do(Readmit(gone[-1]), by=member.id)
    done(member, gone[-1])


def _hear(member: Member, which: str) -> None:
    recording = _recording(member, which)
    if member.hears_recording(recording):
        return
    member.spawn(_start(member, recording))


async def _start(member: Member, recording: str) -> None:
    conference = member.conference
    file = await asyncio.to_thread(conference.recorder.file, recording)
    if file:
        member.hear_recording(recording, file)


def _delete(member: Member, which: str) -> None:
    recording = _recording(member, which)
    member.conference.recorder.check_deletion(recording)
    member.hears_recording(recording)
    member.spawn(_remove(member, recording))


async def _remove(member: Member, recording: str) -> None:
    if await member.conference.recorder.delete(recording):
        done(member, on=False)


def _recording(member: Member, which: str) -> str:
    """The id of the so-manieth, the newest first. Raises Refused, or NoSuchNumber."""
    permit_to_hear(member.conference.model.present(member.id))
    ids = sorted(member.conference.recorder.finished, reverse=True)
    if not 1 <= int(which) <= len(ids):
        raise NoSuchNumber("there is no such recording")
    return ids[int(which) - 1]


def _records(room: ConferenceModel, him: Participant) -> bool:
    return him.moderates and room.recording.state is not RecordingState.OFF


def _has_removed(room: ConferenceModel, him: Participant) -> bool:
    gone = [*room.dismissed, *room.removed]
    if not gone or not him.moderates:
        return False
    try:
        # Whose call has ended is called, which not everybody may have done.
        Readmit(gone[-1]).check(room, him.id)
    except Refused:
        return False
    return True


ACTIONS: Final[dict[str, Action]] = {
    "readmit": Action(_readmit, _has_removed, prompt="key-readmit"),
    "record_members": Action(_record_members, moderates, prompt="key-record-members"),
    "pause": Action(_pause, _records, prompt="key-pause"),
    "open": _mode(Mode.OPEN),
    "moderated": _mode(Mode.MODERATED),
    "lecture": _mode(Mode.LECTURE),
    "talk_time": Action(_set(_talk_time), moderates, prompt="key-talk-time", places={"+": "key-seconds"}),
    "waiting_room": Action(
        _switch(SetWaitingRoom, lambda settings: settings.waiting_room), moderates, prompt="key-waiting-room"
    ),
    "wait_for_moderator": Action(
        _switch(SetWaitForModerator, lambda settings: settings.wait_for_moderator),
        moderates,
        prompt="key-wait-for-moderator",
    ),
    "quiet": Action(_switch(SetQuiet, lambda settings: settings.quiet), moderates, prompt="key-quiet"),
    "size": Action(_set(_size), moderates, prompt="key-size", places={"+": "key-limit"}),
    "pin": Action(
        _set(lambda text: SetPin(_pin(text))), moderates, prompt="key-pin", places={"+": "key-new-pin"}
    ),
    "moderator_pin": Action(
        _set(lambda text: SetModeratorPin(_pin(text))),
        moderates,
        prompt="key-moderator-pin",
        places={"+": "key-new-pin"},
    ),
    "hear": Action(_hear, moderates, prompt="key-hear", places={"+": "key-recording"}),
    "delete": Action(_delete, moderates, prompt="key-delete", places={"+": "key-recording"}),
}
"""By their names in ``[keys]``, in the order in which help speaks them."""
