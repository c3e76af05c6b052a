"""What happens on a call, as small values for those who :meth:`~sems.call.Call.subscribe`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SILENT = -127
"""The level of silence, in dBov."""

Direction = Literal["in", "out"]
"""The way of a stream: from the peer, or to it."""

EndCause = Literal["local", "remote", "cancelled", "rejected", "timeout", "error"]


@dataclass(frozen=True, slots=True)
class EndReason:
    """Why a call is over."""

    cause: EndCause
    """``local``: we hung up or refused; ``remote``: the peer hung up; ``cancelled``: the caller gave up
    before the answer; ``rejected``: the peer refused our call; ``timeout``: the peer fell silent;
    ``error``: the transport or the engine failed."""
    code: int | None = None
    """Final response code, where one was sent or received."""
    reason: str = ""
    """Reason phrase, or the text of a Reason header field (RFC 3326)."""

    def __str__(self) -> str:
        return " ".join(str(part) for part in (self.cause, self.code, self.reason) if part)


@dataclass(frozen=True, slots=True)
class Progress:
    """A call that we placed rings or says why it takes so long (1xx)."""

    code: int
    reason: str
    early_media: bool
    """The peer can be heard already."""
    headers: tuple[tuple[str, str], ...] = ()
    """The header fields of the response, as names and values."""


@dataclass(frozen=True, slots=True)
class Answered:
    """Both sides are through to each other."""

    codec: str


@dataclass(frozen=True, slots=True)
class Digit:
    """The peer pressed a key: one of ``0``–``9``, ``*``, ``#``, ``A``–``D``."""

    digit: str


@dataclass(frozen=True, slots=True)
class Speaking:
    """The peer began (or ceased) to speak."""

    on: bool


@dataclass(frozen=True, slots=True)
class Level:
    """How loud the peer is, at most ten times a second while the call is in a room."""

    dbov: int
    """−127 (silence) to 0."""


@dataclass(frozen=True, slots=True)
class Hold:
    """The peer put us on hold, or took us back."""

    on: bool


@dataclass(frozen=True, slots=True)
class RtpTimeout:
    """Nothing has been heard of the peer, though something should have been."""

    silent_ms: int


@dataclass(frozen=True, slots=True)
class RtpResumed:
    """The peer is heard again."""


@dataclass(frozen=True, slots=True)
class StreamStopped:
    """A stream that should flow does not: the call is dead, or one-way."""

    direction: Direction
    """``in``: nothing comes from the peer, who can't be heard; ``out``: the peer's reports (RTCP) show
    that nothing of ours arrives: it hears nothing."""
    ever: bool
    """It has flowed before; otherwise the way may be wrong from the start, as behind a NAT."""


@dataclass(frozen=True, slots=True)
class StreamResumed:
    """It flows again, or for the first time."""

    direction: Direction


@dataclass(frozen=True, slots=True)
class Replaced:
    """Another peer has taken the place of the call's (RFC 3891), as when a call is transferred after
    consultation. The call goes on; :attr:`~sems.call.Call.caller_name` and the like are the new one's."""

    caller_name: str
    caller_uri: str


@dataclass(frozen=True, slots=True)
class Transferring:
    """The peer, which was asked to call somebody else, tells how that goes (1xx)."""

    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class Message:
    """The peer sent a text (MESSAGE) within the call."""

    text: str
    content_type: str = "text/plain"


@dataclass(frozen=True, slots=True)
class Ended:
    """The call is over; the last event of every call."""

    end: EndReason


CallEvent = (
    Progress
    | Answered
    | Digit
    | Speaking
    | Level
    | Hold
    | RtpTimeout
    | RtpResumed
    | StreamStopped
    | StreamResumed
    | Replaced
    | Transferring
    | Message
    | Ended
)


@dataclass(frozen=True, slots=True)
class Levels:
    """Who sounds in a room, or whispers to some there: call ids with their level in dBov. Whoever is missing
    is silent."""

    levels: dict[int, int]
