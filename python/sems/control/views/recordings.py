"""What the API sends and takes of recordings."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from ...conference.archive import Recorded
from ...conference.minutes import Minutes
from .base import View, Wish, moment


class RecordingView(View):
    """Whether the conference is being recorded."""

    state: Literal["off", "recording", "paused"]
    kind: Literal["mix", "members"]
    """`mix`: what is said in the room, in one file; `members`: also each member in a file of his own."""
    since: datetime | None

    @classmethod
    def of(cls, minutes: Minutes) -> RecordingView:
        """As everybody sees it."""
        return cls.model_validate(
            {
                "state": minutes.state.value,
                "kind": minutes.kind.value,
                "since": None if minutes.since is None else moment(minutes.since),
            }
        )


class RecordingWish(Wish):
    """What shall be so of the recording."""

    state: Literal["off", "recording", "paused"]
    kind: Literal["mix", "members"] | None = None
    """Of a recording that begins; without it `mix`."""


class RecordedMember(View):
    """One who is heard in a file of his own."""

    file: str
    """What to ask for as `member`."""
    name: str


class RecordedView(View):
    """One recording, finished or not."""

    id: str
    kind: Literal["mix", "members"]
    began: datetime
    seconds: float
    bytes: int
    """What all its files take."""
    members: list[RecordedMember]
    """Of `members`: who is heard in which file."""

    @classmethod
    def of(cls, recorded: Recorded) -> RecordedView:
        """As it lies on the disk."""
        return cls.model_validate(
            {
                "id": recorded.id,
                "kind": recorded.kind if recorded.kind in ("mix", "members") else "mix",
                "began": moment(recorded.began),
                "seconds": round(recorded.seconds, 1),
                "bytes": recorded.bytes,
                "members": [{"file": file, "name": name} for file, name in sorted(recorded.members.items())],
            }
        )


class RecordedList(View):
    """Recordings, the newest first."""

    recordings: list[RecordedView]
