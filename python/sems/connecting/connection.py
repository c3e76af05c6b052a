"""What is so of two who are to be connected, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ..conference.errors import BadTarget


class SideState(StrEnum):
    """How far one side is.

    >>> SideState("ringing")
    <SideState.RINGING: 'ringing'>
    """

    WAITING = "waiting"
    """Not called yet."""
    CALLING = "calling"
    RINGING = "ringing"
    ANSWERED = "answered"
    FAILED = "failed"
    """It was called in vain, or was not called at all."""
    ENDED = "ended"
    """It was answered, and is over."""


class State(StrEnum):
    """How far the whole is.

    >>> State.CONNECTED == "connected"
    True
    """

    CALLING = "calling"
    """The first is called."""
    CONNECTING = "connecting"
    """The first has answered, and the second is called."""
    CONNECTED = "connected"
    """Both are through to each other; or the first is where he was wanted."""
    ENDED = "ended"
    """They were connected, and somebody has hung up."""
    FAILED = "failed"
    """They could not be connected; why says the side that failed."""
    CANCELLED = "cancelled"
    """It was taken back."""


@dataclass(frozen=True, slots=True)
class Side:
    """One who is called. A change makes a new value.

    >>> Side("+49301234567").state
    <SideState.WAITING: 'waiting'>
    """

    target: str
    """Whom, as it was asked for."""
    state: SideState = SideState.WAITING
    """How far it is."""
    call: int | None = None
    """The id of the call that was answered, or was placed last."""
    code: int | None = None
    """The last SIP response, 100 to 699."""
    reason: str = ""
    """What it said; or why the call ended."""


@dataclass(frozen=True, slots=True)
class Connection:
    """Two who are to be connected, or one and a room or service. A change makes a new value.

    >>> connection = server.connections.connect(Wanted(first="sip:anna@anna", room="standup"))
    >>> connection.over, connection.room, connection.second
    (False, 'standup', None)
    """

    id: int
    """Its number, which is that of its first change."""
    first: Side
    """Who is called first."""
    second: Side | None
    """Whom the first is put through to; ``None``: to a room or service."""
    room: str | None
    """The conference in which the first is to take part."""
    service: str | None
    """The app that is to serve him."""
    began: float
    """In seconds since 1970, as are the others."""
    state: State = State.CALLING
    """How far it is."""
    connected: float | None = None
    """When they were; ``None``: not yet."""
    ended: float | None = None
    """When it was over; ``None``: it goes on."""

    @property
    def over(self) -> bool:
        """Nothing more will happen."""
        return self.ended is not None


@dataclass(frozen=True, slots=True)
class Change:
    """That something is so now.

    >>> def tell(change: Change) -> None:
    ...     print(change.sequence, change.connection.state)
    >>> forget = server.connections.subscribe(tell)
    """

    sequence: int
    """Rises with each."""
    at: float
    """In seconds since 1970."""
    connection: Connection
    """How it is now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is asked for: ``first`` and one of ``second``, ``room`` and ``service``.

    >>> Wanted(first="anna", second="+49301234567", early=True, timeout=30).early
    True
    >>> Wanted(first="anna", service="voicebox", params={"box": "anna"}).service
    'voicebox'
    """

    first: str
    """Whom to call first: a name, a number or an address, as ``[dialout]`` takes it."""
    second: str | None = None
    """Whom to put him through to."""
    room: str | None = None
    """The conference that he is to be in."""
    service: str | None = None
    """The app that he is to be served by, …"""
    params: Mapping[str, str] = field(default_factory=dict)
    """… and its parameters."""
    early: bool = False
    """The second is called as soon as the first rings, and not only when he has answered."""
    shown: str | None = None
    """What their telephones show as the caller's name; ``None``: who is at the other end."""
    timeout: float | None = None
    """For so many seconds each may ring; ``None``: as ``[dialout] ring_time`` says."""
    language: str = "en"
    """What the first is spoken to in when the second does not come."""

    def __post_init__(self) -> None:
        if sum(each is not None for each in (self.second, self.room, self.service)) != 1:
            raise BadTarget("One of a second party, a room and a service is wanted.")
        if self.early and self.second is None:
            raise BadTarget("Only a second party can be called early.")
