"""Where a replay takes place: an engine at the address of the recorded one, in virtual time, and a socket for
each of its peers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from ..engine import AuthConfig, Engine, EngineConfig, Event, MemoryNetwork, MemorySocket
from ..errors import TraceError
from ..sip.headers import join_host_port, split_host_port
from . import digest
from .packets import source_of
from .record import Entry, Trace

_PING: Final = b"\r\n\r\n"
_PONG: Final = b"\r\n"
#: For whom challenges are, before the recorded time begins.
_ASKING: Final = (
    "{method} sip:{to} SIP/2.0\r\nVia: SIP/2.0/{transport} {remote};branch=z9hG4bK-before-{number}\r\n"
    "From: <sip:before@{remote}>;tag=before\r\nTo: <sip:{to}>\r\nCall-ID: before-{number}\r\n"
    "CSeq: 1 {method}\r\nContact: <sip:before@{remote}>\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
)

Way = tuple[str, str]
"""A transport and a peer's address."""


class Stage:
    """The engine and the network. Times are nanoseconds since the first entry."""

    def __init__(self, trace: Trace, users: Iterable[str]) -> None:
        """``users``: those who know their passwords."""
        messages = trace.messages
        self._start = trace.entries[0].at_ns
        self._locals = {entry.transport: entry.local for entry in messages}
        self._network = MemoryNetwork(delay_ms=0.0)
        host, _ = split_host_port(messages[0].local)
        self._ip = host.strip("[]")
        self._network.place_next(self._ip)
        self._auth: dict[str, Any] | None = trace.settings.get("auth")
        # A phone that speaks from the port that it signals by is one socket.
        self._sockets: dict[Way, MemorySocket] = {}
        try:
            for entry in trace.entries:
                self._place(entry)
            self.engine = Engine(_config(trace, self._listeners(trace), set(users)), self._network)
        except (TypeError, ValueError, OSError) as error:
            raise TraceError(f"the settings in this trace make no sense: {error}") from None
        self.on_sent: Callable[[Entry], None] = lambda entry: None
        """Told of each message that the engine sends."""
        self.on_event: Callable[[Event], None] = lambda event: None
        """Told of what it tells its app."""
        self._rtp_port: int | None = None
        self._our_source: int | None = None
        self._challenges = 0

    def _place(self, entry: Entry) -> None:
        way = ("udp" if entry.kind == "heard" else entry.transport, entry.remote)
        if entry.remote and way not in self._sockets:
            self._sockets[way] = self._network.socket(":".join(way))

    def _listeners(self, trace: Trace) -> list[str]:
        """Where the engine listens: where it did, as far as that is at its address, and where it was met."""
        listeners = {(kind, split_host_port(local)[1]): "" for kind, local in self._locals.items()}
        for listener in trace.settings.get("listen", ()):
            kind, _, place = listener.partition(":")
            place, _, advertised = place.partition(";")
            host, port = split_host_port(place)
            any_of_ours = "::" if ":" in self._ip else "0.0.0.0"
            if host.strip("[]") in (self._ip, any_of_ours):
                listeners[kind, port] = f";{advertised}" if advertised else ""
        return [
            f"{kind}:{join_host_port(self._ip, port or 5060)}{advertised}"
            for (kind, port), advertised in listeners.items()
        ]

    # Time

    def pass_to(self, now: int) -> None:
        """Lets time pass in steps at which something is due, so that each message gets its time."""
        while self.pass_once(now):
            pass
        self._step(now)

    def pass_once(self, until: int) -> bool:
        """One such step, before ``until``; False: nothing is due before."""
        due = self.engine.core.next_deadline()
        if due is None or due >= until:
            return False
        self._step(due)
        return True

    def _step(self, now: int) -> None:
        core = self.engine.core
        core.step(now)
        for event in core.events():
            self.on_event(event)
        for (transport, remote), socket in self._sockets.items():
            for message in socket.receive():
                if message[:1] >= b"\x80":
                    self._our_source = source_of(message) or self._our_source
                elif message == _PING and transport != "udp":
                    socket.send(_PONG, self._locals[transport])
                elif message not in (_PING, _PONG):
                    local = self._locals[transport]
                    self._sent(Entry(self._start + now, "sent", transport, local, remote, message))

    def _sent(self, entry: Entry) -> None:
        if entry.has_description and (port := re.search(rb"(?m)^m=audio ([1-9]\d*)", entry.body)):
            self._rtp_port = int(port[1])
        self.on_sent(entry)

    # What comes

    def send(self, entry: Entry, message: bytes) -> None:
        """A peer sends a message, the way that an entry tells."""
        self._sockets[entry.transport, entry.remote].send(message, entry.local)

    def lose(self, entry: Entry) -> None:
        """A connection is closed, or nobody is there."""
        self._sockets[entry.transport, entry.remote].break_off(entry.local)

    def hear(self, remote: str, control: bool, make: Callable[[int | None], bytes]) -> None:
        """A packet comes to the call's port, once there is one."""
        if self._rtp_port is not None:
            at = join_host_port(self._ip, self._rtp_port + control)
            self._sockets["udp", remote].send(make(self._our_source), at)

    def challenge(self, entry: Entry, now: int) -> Mapping[str, str]:
        """Nonces that a peer knows from before, by their algorithms."""
        if self._auth is None:
            return {}
        self._challenges += 1
        asking = _ASKING.format(
            method=self._auth["challenge"][0],
            to=entry.local,
            transport=entry.transport.upper(),
            remote=entry.remote,
            number=self._challenges,
        )
        nonces: dict[str, str] = {}
        on_sent = self.on_sent
        self.on_sent = lambda sent: nonces.update(digest.challenges(sent))
        self.send(entry, asking.encode())
        self._step(now)
        self.on_sent = on_sent
        return nonces


def _config(trace: Trace, listeners: list[str], users: set[str]) -> EngineConfig:
    settings = {name: value for name, value in trace.settings.items() if name not in ("listen", "auth")}
    auth = trace.settings.get("auth")
    if auth is not None:
        passwords = [(user, digest.PASSWORD) for user in sorted(users)]
        settings["auth"] = AuthConfig(**auth, passwords=passwords)
    given = {name: _tuples(value) for name, value in settings.items()}
    return EngineConfig(sip_listen=listeners, workers=1, seed=1, **given)


def _tuples(value: Any) -> Any:
    return (
        [tuple(each) if isinstance(each, list) else each for each in value]
        if isinstance(value, list)
        else value
    )
