"""What happens on a call, as small values for those who :meth:`~sems.call.Call.subscribe`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

SILENT = -127
"""The level of silence, in dBov."""

Direction = Literal["in", "out"]
"""The way of a stream: from the peer, or to it."""

StreamDirection = Literal["sendrecv", "sendonly", "recvonly", "inactive"]
"""What somebody does in a call, as he says it himself (RFC 8866 §6.7): ``sendonly`` is the classic hold."""

EndCause = Literal["local", "remote", "cancelled", "rejected", "timeout", "error"]


@dataclass(frozen=True, slots=True)
class EndReason:
    """Why a call is over.

    >>> end = EndReason("rejected", 486, "Busy Here")
    >>> end.cause, str(end)
    ('rejected', 'rejected 486 Busy Here')
    """

    cause: EndCause
    """``local``: we hung up or refused; ``remote``: the peer hung up; ``cancelled``: the caller gave up
    before the answer; ``rejected``: the peer refused our call; ``timeout``: the peer fell silent;
    ``error``: the transport or the engine failed."""
    code: int | None = None
    """Final response code, where one was sent or received."""
    reason: str = ""
    """Reason phrase, or the text of a Reason header field (RFC 3326)."""

    def __str__(self) -> str:
        return " ".join([str(part) for part in (self.cause, self.code, self.reason) if part])


@dataclass(frozen=True, slots=True)
class Progress:
    """A call that we placed rings or says why it takes so long (1xx).

    >>> def on_event(event: CallEvent) -> None:
    ...     match event:
    ...         case Progress(code=180):
    ...             print("it rings")
    ...         case Progress(early_media=True):
    ...             print("it can be heard already")
    >>> forget = call.subscribe(on_event)
    """

    code: int
    """The status, 100 to 199."""
    reason: str
    """What it said."""
    early_media: bool
    """The peer can be heard already."""
    headers: tuple[tuple[str, str], ...] = ()
    """The header fields of the response, as names and values."""


@dataclass(frozen=True, slots=True)
class Answered:
    """Both sides are through to each other.

    >>> Answered("opus").codec
    'opus'
    """

    codec: str
    """The name of the codec that was agreed on, such as ``PCMU``."""


@dataclass(frozen=True, slots=True)
class Digit:
    """The peer pressed a key: one of ``0``–``9``, ``*``, ``#``, ``A``–``D``.

    >>> keys = []
    >>> forget = call.subscribe(lambda event: keys.append(event.digit) if isinstance(event, Digit) else None)
    """

    digit: str
    """The key."""


@dataclass(frozen=True, slots=True)
class Speaking:
    """The peer began (or ceased) to speak.

    >>> forget = call.subscribe(lambda event: print(event.on) if isinstance(event, Speaking) else None)
    """

    on: bool
    """The peer speaks."""


@dataclass(frozen=True, slots=True)
class Level:
    """How loud the peer is, at most ten times a second while the call is in a room.

    >>> Level(-30).dbov
    -30
    """

    dbov: int
    """−127 (silence) to 0."""


@dataclass(frozen=True, slots=True)
class Hold:
    """The peer put us on hold, or took us back.

    >>> forget = call.subscribe(lambda event: print("on hold") if event == Hold(True) else None)
    """

    on: bool
    """We are on hold."""
    direction: StreamDirection = field(default="sendrecv", compare=False)
    """What the peer does from now on, as it says (RFC 3264 §6.1)."""


@dataclass(frozen=True, slots=True)
class Recoded:
    """Another codec was agreed on, by a re-INVITE of either side.

    >>> forget = call.subscribe(lambda event: print(event.codec) if isinstance(event, Recoded) else None)
    """

    codec: str
    """Its name."""


@dataclass(frozen=True, slots=True)
class RtpTimeout:
    """Nothing has been heard of the peer, though something should have been.

    >>> RtpTimeout(30_000).silent_ms
    30000
    """

    silent_ms: int
    """For how long, in milliseconds."""


@dataclass(frozen=True, slots=True)
class RtpResumed:
    """The peer is heard again.

    >>> forget = call.subscribe(lambda event: print("heard again") if event == RtpResumed() else None)
    """


@dataclass(frozen=True, slots=True)
class StreamStopped:
    """A stream that should flow does not: the call is dead, or one-way.

    >>> StreamStopped("out", ever=False).direction         # they hear nothing of us
    'out'
    """

    direction: Direction
    """``in``: nothing comes from the peer, who can't be heard; ``out``: the peer's reports (RTCP) show
    that nothing of ours arrives: it hears nothing."""
    ever: bool
    """It has flowed before; otherwise the way may be wrong from the start, as behind a NAT."""


@dataclass(frozen=True, slots=True)
class StreamResumed:
    """It flows again, or for the first time.

    >>> StreamResumed("in").direction
    'in'
    """

    direction: Direction
    """``in`` or ``out``, as of :class:`StreamStopped`."""


@dataclass(frozen=True, slots=True)
class Replaced:
    """Another peer has taken the place of the call's (RFC 3891), as when a call is transferred after
    consultation. The call goes on; :attr:`~sems.call.Call.caller_name` and the like are the new one's.

    >>> Replaced("Anna", "sip:anna@example.org").caller_uri
    'sip:anna@example.org'
    """

    caller_name: str
    """The name of the new peer."""
    caller_uri: str
    """Its address."""


@dataclass(frozen=True, slots=True)
class Transferring:
    """The peer, which was asked to call somebody else, tells how that goes (1xx).

    >>> Transferring(180, "Ringing").code
    180
    """

    code: int
    """The status of the call that it has placed, 100 to 199."""
    reason: str
    """What it said."""


@dataclass(frozen=True, slots=True)
class Message:
    """The peer sent a text (MESSAGE) within the call.

    >>> forget = call.subscribe(lambda event: print(event.text) if isinstance(event, Message) else None)
    """

    text: str
    """What it says."""
    content_type: str = "text/plain"
    """Its media type."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The call is over; the last event of every call.

    >>> forget = call.subscribe(lambda event: print(event.end.cause) if isinstance(event, Ended) else None)
    """

    end: EndReason
    """Why."""


CallEvent = (
    Progress
    | Answered
    | Digit
    | Speaking
    | Level
    | Hold
    | Recoded
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
    is silent.

    >>> forget = room.subscribe(lambda told: print(max(told.levels.values(), default=-127)))
    """

    levels: dict[int, int]
    """By the ids of calls, −127 to 0."""
