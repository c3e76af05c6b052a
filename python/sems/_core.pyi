"""The Rust core: SIP, RTP and mixing behind one door, :class:`Engine`.

Every verb returns at once with a request id; its completion is an ``Event.Done`` with that id.
Wrong arguments raise ``ValueError``; a failing socket or file at start raises ``OSError``.
"""

import os
from collections.abc import Sequence
from typing import Final, final

from typing_extensions import Buffer

__version__: Final[str]

HeaderList = list[tuple[str, str]]

Credential = tuple[str | None, str, str]
"""Realm (``"*"``: any; None: the one that asks first, and no other after it), name and password."""

@final
class AuthConfig:
    """Whom the engine asks who they are (RFC 3261 §22), and who may answer."""

    def __new__(
        cls,
        *,
        realm: str,
        challenge: Sequence[str],
        algorithms: Sequence[str] = ("SHA-256", "MD5"),
        passwords: Sequence[tuple[str, str]] = (),
        hashes: Sequence[tuple[str, str, str]] = (),
        exempt: Sequence[str] = (),
    ) -> AuthConfig:
        """``challenge``: methods. ``passwords``: name and password. ``hashes``: name, algorithm and
        H(name:realm:password) in hexadecimal. ``exempt``: networks that are not asked."""

@final
class EngineConfig:
    """What the engine needs to know at start.

    An address to listen at is ``"ip:port"`` (``"[ip]:port"`` for IPv6), after ``"udp:"``, ``"tcp:"`` or
    ``"tls:"`` if it isn't UDP's; ``;advertise=ip:port`` is what peers are told instead, and
    ``;optional`` lets the engine start without it.
    """

    def __new__(
        cls,
        *,
        sip_listen: Sequence[str] = ("0.0.0.0:5060",),
        rtp_ports: tuple[int, int] = (10000, 19999),
        advertised_address: str | None = None,
        workers: int = 0,
        room_legs: int = 500,
        max_calls: int = 10000,
        calls_per_second: int = 0,
        calls_per_second_per_source: int = 0,
        calls_per_source: int = 0,
        requests_per_second: int = 1000,
        trusted: Sequence[str] = ("127.0.0.0/8", "::1/128"),
        user_agent: str = "SEMS",
        codecs: Sequence[str] = ("PCMU", "PCMA"),
        comfort_noise: bool = False,
        telephone_events: bool = True,
        methods: Sequence[tuple[str, int, int]] = (),
        event_packages: Sequence[str] = (),
        message_types: Sequence[str] = ("text/plain",),
        info_packages: Sequence[str] = (),
        rtp_timeout_ms: int = 10000,
        unanswered_ms: int = 300000,
        session_expires: int = 1800,
        min_se: int = 90,
        auth: AuthConfig | None = None,
        trace_bytes: int = 33554432,
        trace_packets: bool = True,
        file_threads: int = 2,
        prompt_cache_bytes: int = 67108864,
        stream_after_ms: int = 30000,
        seed: int | None = None,
        tls_certificate: str | os.PathLike[str] | None = None,
        tls_key: str | os.PathLike[str] | None = None,
        tls_ca: str | os.PathLike[str] | None = None,
        tls_verify: bool = True,
        tls_wildcards: bool = False,
        tls_folder: str | os.PathLike[str] | None = None,
        tls_names: Sequence[str] = (),
        max_connections: int = 5000,
        max_connections_per_source: int = 500,
        connection_idle_ms: int = 7200000,
    ) -> EngineConfig:
        """``methods``: those beside the methods of calls that Python takes, each with the code that is
        answered when Python has not answered within so many milliseconds. ``trace_bytes``: what the record of
        messages may take; 0: none is kept. ``trace_packets``: it holds also what comes to RTP ports."""

@final
class MemoryNetwork:
    """A network in memory for virtual time: both ends may lose, delay and reorder by the seed."""

    def __new__(
        cls,
        *,
        seed: int = 0,
        loss: float = 0.0,
        duplicate: float = 0.0,
        delay_ms: float = 1.0,
        jitter_ms: float = 0.0,
    ) -> MemoryNetwork: ...
    def set_link(
        self,
        source: str | None = None,
        to: str | None = None,
        *,
        loss: float = 0.0,
        duplicate: float = 0.0,
        delay_ms: float = 1.0,
        jitter_ms: float = 0.0,
    ) -> None:
        """What happens from now on to datagrams from one IP address, to one, or from one to the other;
        without either to all of which nothing else is said."""
    def place_next(self, ip: str) -> None:
        """Has the next engine made at this address."""
    def socket(self, address: str) -> MemorySocket:
        """Opens a socket for a peer that is no engine: ``"ip:port"`` for UDP, or with ``"tcp:"`` or
        ``"tls:"`` before it, where a message is sent and received whole. OSError if it is taken."""

@final
class MemorySocket:
    """A peer's socket on a network in memory."""

    def send(self, data: bytes, to: str) -> None:
        """Sends a datagram."""
    def break_off(self, to: str) -> None:
        """Closes the connection with an address; of UDP, tells it that nobody is here."""
    def receive(self) -> list[bytes]:
        """All that has arrived, in order."""

@final
class TraceEntry:
    """One thing that happened in a call, its secrets masked."""

    @property
    def at_ns(self) -> int:
        """Nanoseconds of the Unix time, or of virtual time."""
    @property
    def kind(self) -> str:
        """``"received"``, ``"sent"``, ``"ordered"`` (by Python), ``"told"`` (to Python), ``"heard"`` (packets
        that came to a port of ours one after the other) or ``"lost"`` (nobody is at the other end)."""
    @property
    def transport(self) -> str:
        """Of a message, and of what is lost: ``"udp"``, ``"tcp"`` or ``"tls"``."""
    @property
    def local(self) -> str:
        """The same: our address."""
    @property
    def remote(self) -> str:
        """The same, and of packets: the peer's."""
    @property
    def payload(self) -> bytes:
        """Of a message: all of it."""
    @property
    def text(self) -> str:
        """Of anything else: what."""
    @property
    def fields(self) -> list[tuple[str, str]]:
        """Its details."""

@final
class TracedCall:
    """A call, or another request, of which messages are recorded."""

    @property
    def call_id(self) -> str:
        """``unreadable@ADDRESS`` for what had no Call-ID."""
    @property
    def call(self) -> int | None:
        """Its number, if it came as far as to get one."""
    @property
    def first_ns(self) -> int: ...
    @property
    def last_ns(self) -> int: ...
    @property
    def incoming(self) -> bool:
        """The peer sent the first message."""
    @property
    def remote(self) -> str: ...
    @property
    def method(self) -> str: ...
    @property
    def uri(self) -> str: ...
    @property
    def caller(self) -> str:
        """From."""
    @property
    def messages(self) -> int: ...
    @property
    def code(self) -> int | None:
        """The final response to the first request."""
    @property
    def outcome(self) -> str:
        """How it ended, in plain words; empty while it lasts."""

def register_codec(codec: object) -> str:
    """Takes in a codec of another package, for servers that are started from now on; returns its name.

    ``codec``: a PyCapsule named ``sems.codec.v1`` that points to a ``sems_codec`` as ``sems_codec.h`` has
    it. Raises ValueError for one that can't be taken, with the reason."""

@final
class Prompt:
    """A sound, coded once and shared by all who play it."""

    @property
    def duration_ms(self) -> int: ...
    @property
    def pcm(self) -> bytes:
        """The sound at 8 kHz, 16-bit little-endian mono; nothing of one that is so long that it is read while
        it sounds."""
    @staticmethod
    def tone(spec: str) -> Prompt:
        """A generated sound by name: join, leave, muted, unmuted, hand-up, hand-down, beep, silence:MS,
        sine:HZ:MS:DBOV (below 24,000 Hz; who hears less of it hears silence), dtmf:KEYS (up to 64), or one
        turn of what a network tells its callers: dial, ringback, busy, congestion (or reorder), waiting,
        special, as in most of Europe or, with :us, :uk, :de, :fr, :it, :jp, :au behind it, as there."""
    @staticmethod
    def from_pcm(samples: bytes, rate: int = 8000) -> Prompt:
        """From 16-bit little-endian mono samples of ``rate`` Hz, which are heard as far up as they and the
        codec go."""

@final
class Spectrogram:
    """How loud a sound is in each of 16 bands, in frames of 10 ms: by that it is found again in what was
    heard, whatever codec it came through and however loud it is."""

    def __new__(cls, pcm: bytes | None = None) -> Spectrogram:
        """Of a whole sound, 16-bit little-endian mono at 8 kHz; without one of what is pushed."""
    def push(self, pcm: bytes) -> None:
        """Adds what came next."""
    def __len__(self) -> int:
        """Frames so far."""
    def likeness(self, other: Spectrogram, at: int, first: int, end: int) -> float:
        """How much the frames from ``first`` until ``end`` of another sound look like what is here if it
        begins at the frame ``at``: 1 for the same, about 0 for something else or what is not there."""
    def find(
        self, other: Spectrogram, first: int, last: int, at_least: float, begun: int | None = None
    ) -> list[tuple[int, float]]:
        """At which frames from ``first`` to ``last`` another sound begins, and its likeness. What is still
        under way counts once ``begun`` frames of it were heard; None: when it was heard whole."""

@final
class Quality:
    """What a line is like. Counts and shares are of the last five seconds."""

    @property
    def received(self) -> int:
        """RTP packets received."""
    @property
    def lost(self) -> int:
        """RTP packets that should have come and did not."""
    @property
    def discarded(self) -> int:
        """RTP packets that came too late to be played."""
    @property
    def loss(self) -> float:
        """The share of packets that did not come, 0.0–1.0."""
    @property
    def jitter_ms(self) -> float:
        """Interarrival jitter (RFC 3550 §6.4.1)."""
    @property
    def buffer_ms(self) -> float:
        """How long packets wait here to be played."""
    @property
    def round_trip_ms(self) -> float | None:
        """From RTCP, where the peer sends it."""
    @property
    def remote_loss(self) -> float | None:
        """The share of our packets that the peer reports as lost, 0.0–1.0."""
    @property
    def remote_jitter_ms(self) -> float | None:
        """The jitter of our packets that the peer reports."""
    @property
    def mos(self) -> float | None:
        """What the peer sounds like here, 1.0–4.5: the E-model (ITU-T G.107), simplified. None while
        nothing comes."""
    @property
    def remote_mos(self) -> float | None:
        """What we sound like to the peer: as it says (RFC 3611), else estimated from its reports."""
    @property
    def reported_ms(self) -> float | None:
        """For so long the peer has not reported (RTCP SR or RR, RFC 3550 §6.4). None: it never has."""
    def __eq__(self, other: object, /) -> bool: ...

@final
class Progress:
    """How far a playback has come."""

    @property
    def position(self) -> float:
        """Seconds since the beginning of the list, in the turn that it is in."""

@final
class Tap:
    """Audio of a call or a room as it passes, in a bounded ring (two seconds; of 48 kHz 0.8)."""

    def read(self) -> bytes:
        """All that has come since the last read: 16-bit little-endian mono."""
    @property
    def dropped(self) -> int:
        """Samples lost because nobody read, at the rate at which it is read."""
    def blocks(self, rate: int, samples: int) -> Blocks:
        """Another listener to the same ring, from now on, in blocks of ``samples`` at ``rate`` Hz."""

@final
class Blocks:
    """One listener's blocks."""

    def next(self) -> Block | None:
        """The next block; None: it has not come yet, or (with ``finished``) that was the last."""
    def wait(self) -> bool:
        """Asks to be told by Event.TapReady when the next block has come; False: it is here, or the end."""
    def skip(self) -> None:
        """Passes over all that waits."""
    @property
    def dropped(self) -> int:
        """Samples lost because nobody read."""
    @property
    def finished(self) -> bool:
        """Nothing will come any more, beyond what waits."""

@final
class Block:
    """Samples that are read in place, by the buffer protocol: 16-bit, read-only. They never change."""

    @property
    def rate(self) -> int:
        """Samples a second."""
    @property
    def time(self) -> float:
        """When its first sample was heard, in seconds since the engine's start."""
    @property
    def dropped(self) -> int:
        """Samples lost in it or right before it."""
    def __len__(self) -> int: ...
    def __buffer__(self, flags: int, /) -> memoryview: ...

@final
class Feed:
    """The writing end of a playback that is written while it sounds."""

    def write(self, pcm: Buffer, rate: int) -> bool:
        """Appends audio of ``rate`` Hz; False, and nothing is taken, when too much waits already or it is
        closed."""
    def flush(self) -> None:
        """Nothing follows for now what was written: the end of what was resampled sounds, too."""
    def clear(self) -> None:
        """What waits is not to sound any more."""
    def close(self) -> None:
        """Nothing more will be written; what waits sounds on."""
    @property
    def waiting(self) -> float:
        """Seconds that wait to sound."""
    def wait(self, seconds: float) -> bool:
        """Asks to be told by Event.FeedReady when no more than ``seconds`` wait; False: it is so already,
        or nobody hears it any more."""
    @property
    def underruns(self) -> int:
        """How many times there was silence because nothing more had been written."""

class Event:
    """What happened; match on the subclasses."""

    @final
    class Done(Event):
        __match_args__ = ("request", "error")
        request: int
        error: str | None

    @final
    class PromptLoaded(Event):
        __match_args__ = ("request", "prompt")
        request: int
        prompt: Prompt

    @final
    class Incoming(Event):
        """``codecs``: those that it offers and we have, in its order."""

        __match_args__ = ("call", "uri", "headers", "source", "local", "trusted", "user", "codecs")
        call: int
        uri: str
        headers: HeaderList
        source: str
        local: str
        trusted: bool
        user: str | None
        codecs: list[str]

    @final
    class Progress(Event):
        """``codec``: that of the early media."""

        __match_args__ = ("call", "code", "reason", "early_media", "link", "codec", "headers")
        call: int
        code: int
        reason: str
        early_media: bool
        link: str | None
        codec: str | None
        headers: HeaderList

    @final
    class Answered(Event):
        __match_args__ = ("call", "headers", "link", "codec")
        call: int
        headers: HeaderList
        link: str | None
        codec: str

    @final
    class Confirmed(Event):
        __match_args__ = ("call", "codec")
        call: int
        codec: str

    @final
    class Updated(Event):
        """``direction``: what the peer wishes to do, by its name in SDP; all but ``sendrecv`` is a hold."""

        __match_args__ = ("call", "direction", "codec")
        call: int
        direction: str
        codec: str

    @final
    class Redirected(Event):
        __match_args__ = ("call", "targets")
        call: int
        targets: list[str]

    @final
    class Replaced(Event):
        """Another peer has taken the place of the call's, by the INVITE with these header fields."""

        __match_args__ = ("call", "uri", "headers", "source", "local", "trusted", "user")
        call: int
        uri: str
        headers: HeaderList
        source: str
        local: str
        trusted: bool
        user: str | None

    @final
    class Ended(Event):
        """``cause`` is one of local, remote, cancelled, rejected, timeout, error."""

        __match_args__ = ("call", "cause", "code", "reason")
        call: int
        cause: str
        code: int | None
        reason: str

    @final
    class Digit(Event):
        __match_args__ = ("call", "digit")
        call: int
        digit: str

    @final
    class Speaking(Event):
        __match_args__ = ("call", "on")
        call: int
        on: bool

    @final
    class Levels(Event):
        """dBov, −127 to 0."""

        __match_args__ = ("room", "levels")
        room: int
        levels: list[tuple[int, int]]

    @final
    class Quality(Event):
        """Audio has begun to come, or a twentieth of it and more gets lost; at most each five seconds.
        What a line is like is read with quality()."""

        __match_args__ = ("call", "received", "lost")
        call: int
        received: int
        lost: int

    @final
    class RtpTimeout(Event):
        __match_args__ = ("call", "silent_ms")
        call: int
        silent_ms: int

    @final
    class RtpResumed(Event):
        __match_args__ = ("call",)
        call: int

    @final
    class StreamStopped(Event):
        """Nothing comes from the peer ("in"), or its reports show that nothing of ours arrives ("out")."""

        __match_args__ = ("call", "direction", "ever")
        call: int
        direction: str
        ever: bool

    @final
    class StreamResumed(Event):
        __match_args__ = ("call", "direction")
        call: int
        direction: str

    @final
    class Request(Event):
        """Something else than a call is asked for, in the dialog of ``call`` or outside any. It waits
        for respond(), unless ``answered`` says that it is only told."""

        __match_args__ = (
            "transaction",
            "call",
            "method",
            "uri",
            "headers",
            "body",
            "source",
            "local",
            "trusted",
            "answered",
            "user",
            "transport",
        )
        transaction: int
        call: int | None
        method: str
        uri: str
        headers: HeaderList
        body: bytes
        source: str
        local: str
        trusted: bool
        answered: bool
        user: str | None
        transport: str

    @final
    class Response(Event):
        """How a request() was answered. 408 and 503 without header fields are our own: no answer came,
        or there was no way there."""

        __match_args__ = ("request", "code", "reason", "headers", "body")
        request: int
        code: int
        reason: str
        headers: HeaderList
        body: bytes

    @final
    class Subscribed(Event):
        """Somebody subscribes to a package; granted for the time being. ``expires`` 0: for one look."""

        __match_args__ = (
            "subscription",
            "call",
            "package",
            "uri",
            "headers",
            "body",
            "expires",
            "source",
            "local",
            "trusted",
            "user",
        )
        subscription: int
        call: int | None
        package: str
        uri: str
        headers: HeaderList
        body: bytes
        expires: int
        source: str
        local: str
        trusted: bool
        user: str | None

    @final
    class Refreshed(Event):
        """Who is notified by numbered bodies wants all of it again."""

        __match_args__ = ("subscription",)
        subscription: int

    @final
    class Subscribing(Event):
        """The first answer to our subscribe() or refer()."""

        __match_args__ = ("subscription", "code", "reason")
        subscription: int
        code: int
        reason: str

    @final
    class Notified(Event):
        __match_args__ = ("subscription", "headers", "body")
        subscription: int
        headers: HeaderList
        body: bytes

    @final
    class SubscriptionEnded(Event):
        """``end`` is one of terminated, expired, left, refused, silent."""

        __match_args__ = ("subscription", "end")
        subscription: int
        end: str

    @final
    class PlayFinished(Event):
        __match_args__ = ("play", "complete")
        play: int
        complete: bool

    @final
    class PlayFailed(Event):
        """A file of it can't be read on; told once, and mostly before PlayFinished."""

        __match_args__ = ("play", "reason")
        play: int
        reason: str

    @final
    class TapReady(Event):
        __match_args__ = ("tap",)
        tap: int

    @final
    class FeedReady(Event):
        __match_args__ = ("play",)
        play: int

    @final
    class Recorded(Event):
        __match_args__ = ("recording", "error")
        recording: int
        error: str | None

    @final
    class Overload(Event):
        """New calls or requests are refused from now on, or no longer, and why, in plain words."""

        __match_args__ = ("on", "reason")
        on: bool
        reason: str

    @final
    class FlowClosed(Event):
        """A connection over which a REGISTER had come is gone."""

        __match_args__ = ("source", "transport")
        source: str
        transport: str

    @final
    class Account(Event):
        """How an address that we register stands: ``state`` is registered, failed or ended. ``seconds``:
        for how long, or after a failure when it is tried again."""

        __match_args__ = (
            "account",
            "state",
            "code",
            "reason",
            "seconds",
            "contact",
            "service_route",
            "realms",
        )
        account: int
        state: str
        code: int | None
        reason: str
        seconds: int
        contact: str
        service_route: list[str]
        realms: list[str]

    @final
    class Fault(Event):
        __match_args__ = ("message",)
        message: str

@final
class Engine:
    """The core, running.

    Without ``network`` it has real sockets, threads and the machine's clock. With one it is virtual:
    nothing happens but in :meth:`step`, so a test decides what time it is.
    """

    def __new__(cls, config: EngineConfig, network: MemoryNetwork | None = None) -> Engine: ...
    def fileno(self) -> int:
        """Readable while events wait (−1 for a virtual engine)."""
    def events(self, soon: bool = False) -> list[Event]:
        """Takes all events that wait; clears the readability of :meth:`fileno`, which with ``soon`` stays
        clear until they are taken without: the taker promises to come again by itself, in milliseconds."""
    def sip_addresses(self) -> list[str]:
        """The addresses bound, with the ports that the system chose for port 0."""
    def listeners(self) -> list[str]:
        """The same with their transports: ``"udp:ip:port"``, ``"tls:[ip]:port"``."""
    def reload_tls(self) -> None:
        """Reads certificates and keys again, for connections opened from now on. Raises ValueError when
        they make no sense; then everything stays as it was."""
    def notices(self) -> list[str]:
        """What the operator should know of the start, such as missing real-time priority."""
    def stats(self) -> dict[str, int]:
        """Counters and gauges by name (``calls``, ``legs``, ``rooms``, ``rtp_ports``, ``ticks``,
        ``late_ticks``, ``skipped_ticks``, ``headroom_percent``, ``rtp_received``, ``rtp_sent``,
        ``rtp_foreign``, ``sip_received``, ``sip_malformed``, ``transactions``, ``sessions``, …)."""
    def quality(self, calls: Sequence[int]) -> list[Quality | None]:
        """What the lines of these calls are like, at most a second old; None for one without audio.
        The last figures of a call that has ended stay for a while."""
    def traced_calls(self, limit: int = 500) -> list[TracedCall]:
        """What is recorded of whom, the newest first."""
    def trace(self, call: int | str) -> list[TraceEntry]:
        """All that is recorded of a call, by its number or its Call-ID."""
    def close(self) -> None:
        """Ends all threads and closes all sockets at once. Idempotent. Use shutdown() first to say BYE."""

    # signaling
    def ring(
        self,
        call: int,
        code: int = 180,
        headers: HeaderList = ...,
        early_media: bool = False,
        link: str | None = None,
        reliable: bool = False,
    ) -> int:
        """With ``reliable`` it is sent until the caller has acknowledged it (RFC 3262), and is an error for
        a caller who does not know that."""
    def answer(self, call: int, headers: HeaderList = ..., link: str | None = None) -> int: ...
    def reject(self, call: int, code: int, reason: str | None = None, headers: HeaderList = ...) -> int: ...
    def hangup(self, call: int, reason: str | None = None) -> int: ...
    def dial(
        self,
        uri: str,
        destinations: Sequence[str],
        *,
        route: Sequence[str] = ...,
        to_uri: str = "",
        from_name: str = "",
        from_uri: str = "",
        headers: HeaderList = ...,
        link: str | None = None,
        late_offer: bool = False,
        reliable: bool = False,
        ring_timeout_ms: int = 185000,
        credentials: Sequence[Credential] = ...,
        contact: str | None = None,
        focus: bool = False,
        codecs: Sequence[str] = ...,
    ) -> tuple[int, int]:
        """Places a call; returns (request, call). Each destination is ``"ip:port"`` (UDP) or names a
        transport and, for TLS, whom the certificate must be for: ``"tcp:[::1]:5060"``,
        ``"tls:192.0.2.1:5061;name=example.org"``; the next is tried when one fails. ``route``: the URIs of
        a Route to start with. ``to_uri``: the To address, when it isn't ``uri``. Its Event.Done says that
        the INVITE was sent; one with an error, that there is no such call and will be no Event.Ended.
        With ``late_offer`` the peer offers in its 200 and our ACK answers. With ``reliable`` the peer
        has to ring reliably (RFC 3262). ``ring_timeout_ms``: when the call is taken
        back, if earlier than ``unanswered_ms``; 0: then. ``focus``: as focus(). ``codecs``: those to offer,
        by name, the best first; none: all."""
    def prefer(self, call: int, codecs: Sequence[str]) -> int:
        """Which codecs our answer or offer is to have that is yet to be made in this call: of an offer that
        is in, the first of these; of ours, these only. What we don't have is passed over."""
    def focus(self, call: int) -> int:
        """From its next message on, the Contact of this call says that we are the focus of a conference
        (RFC 4579)."""
    def hold(self, call: int, direction: str) -> int:
        """Offers the peer another direction: sendrecv, sendonly, recvonly or inactive."""
    def recode(self, call: int, codecs: Sequence[str]) -> int:
        """Offers the peer these codecs, the best first."""
    def pass_info(self, call: int, packages: Sequence[str]) -> int:
        """INFO of these packages comes as requests to be answered: somebody else takes them."""
    def request(
        self,
        method: str,
        *,
        call: int | None = None,
        uri: str | None = None,
        destinations: Sequence[str] | None = None,
        route: Sequence[str] = ...,
        from_name: str = "",
        from_uri: str = "",
        headers: HeaderList = ...,
        body: bytes | None = None,
        content_type: str = "",
        credentials: Sequence[Credential] = ...,
    ) -> int:
        """To exactly one of call and uri (with destinations); ends in Event.Response, or in Event.Done
        with an error when it can't be sent."""
    def send_digits(self, call: int, digits: str, way: str = "agreed") -> int:
        """``way``: ``rtp``, ``info``, or what was agreed on. Event.Done tells that they are queued (RTP),
        or that the peer has taken the last (INFO)."""
    def respond(
        self,
        transaction: int,
        code: int,
        reason: str | None = None,
        *,
        headers: HeaderList = ...,
        body: bytes | None = None,
        content_type: str = "",
    ) -> int:
        """Answers an Event.Request; Event.Done has an error when it was answered before."""
    def subscribe(
        self,
        uri: str,
        destinations: Sequence[str],
        package: str,
        expires: int,
        *,
        route: Sequence[str] = ...,
        from_name: str = "",
        from_uri: str = "",
        headers: HeaderList = ...,
        credentials: Sequence[Credential] = ...,
    ) -> tuple[int, int]:
        """Returns (request, subscription); refreshed until unsubscribe()."""
    def unsubscribe(self, subscription: int) -> int: ...
    def refer(
        self,
        call: int,
        *,
        uri: str | None = None,
        other: int | None = None,
        silent: bool = False,
        headers: HeaderList = ...,
    ) -> tuple[int, int]:
        """Has the call's peer call exactly one of uri and the peer of another call; returns (request,
        subscription). What comes of it is told by Event.Notified."""
    def accept_refer(self, transaction: int) -> tuple[int, int]:
        """Accepts a REFER of Event.Request; returns (request, subscription)."""
    def notify_refer(self, subscription: int, code: int, reason: str | None = None) -> int:
        """Tells what has come of a REFER; for the last time with a final code."""
    def notify(
        self,
        subscription: int,
        state: str = "active",
        *,
        reason: str = "noresource",
        retry_after: int | None = None,
        headers: HeaderList = ...,
        body: bytes | None = None,
        content_type: str = "",
        numbered: bool = False,
    ) -> int:
        """``state``: active, pending or terminated, which has a reason and may be tried again. A
        ``numbered`` body belongs to a series: it fails while the one before has no answer, and
        Event.Refreshed asks for another at each refresh."""
    def register(
        self,
        account: int,
        uri: str,
        registrar: str,
        destinations: Sequence[str],
        *,
        route: Sequence[str] = ...,
        expires: int = 600,
        credentials: Sequence[Credential] = ...,
    ) -> int:
        """Registers an address and keeps it registered; Event.Account tells how it stands. ``account``
        is a number of the caller's choice."""
    def reroute(self, account: int, destinations: Sequence[str]) -> int:
        """Another way to the registrar, taken at once if it can't be reached now."""
    def unregister(self, account: int) -> int: ...
    def take(
        self,
        methods: Sequence[tuple[str, int, int]],
        *,
        message_types: Sequence[str] = ...,
        info_packages: Sequence[str] = ...,
    ) -> int:
        """Which requests beside calls Python takes from now on, each as in EngineConfig."""
    def shutdown(self) -> int: ...

    # media
    def open_room(self) -> tuple[int, int]:
        """Returns (request, room)."""
    def close_room(self, room: int) -> int: ...
    def join(self, call: int, room: int | None) -> int: ...
    def mute(self, call: int, on: bool) -> int: ...
    def echo(self, call: int, on: bool, *, delay_ms: int = 0) -> int: ...
    def deafen(self, call: int, on: bool) -> int:
        """The call hears nobody any more (or again)."""
    def set_gain(self, call: int, db: float) -> int:
        """How loud all hear the call. Gains are in dB, up to 18; below −72 (or −inf): not at all."""
    def whisper(self, call: int, on: bool) -> int:
        """Only those who overhear the call hear it."""
    def overhear(self, call: int, other: int, on: bool) -> int:
        """The call hears another one of its room also while that one whispers."""
    def set_volume(self, call: int, other: int, db: float | None) -> int:
        """How loud the call hears another one of its room; None: as the room does."""
    def set_room_volume(self, call: int, db: float) -> int:
        """How loud the call hears its room."""
    def set_room(self, room: int, level_control: bool, noise_gate: bool, max_talkers: int | None) -> int:
        """How a room mixes. ``max_talkers``: 1–32."""
    def watch_levels(self, room: int, on: bool) -> int:
        """Whether the room's Event.Levels are told, as they are from the start. Each costs Python time."""
    def load_prompt(self, path: str) -> int:
        """Reads a file (WAV, or raw G.711 by its name) on a file thread; ends in Event.PromptLoaded or in
        Event.Done with an error."""
    def ready_prompt(self, path: str) -> Prompt | None:
        """The sound of a file that was read before, is still kept and has not changed."""
    def play(
        self, prompts: Sequence[Prompt], *, call: int | None = None, room: int | None = None, repeat: int = 1
    ) -> tuple[int, int, Progress]:
        """To exactly one of call and room; returns (request, play, progress). ``repeat=0``: until stopped."""
    def stop_play(self, play: int, *, call: int | None = None, room: int | None = None) -> int: ...
    def pause_play(self, play: int, on: bool, *, call: int | None = None, room: int | None = None) -> int:
        """Holds a playback, or lets it go on."""
    def seek_play(
        self, play: int, position: float, *, call: int | None = None, room: int | None = None
    ) -> int:
        """Takes a playback to a time since the beginning of its list, in seconds."""
    def feed(
        self, *, call: int | None = None, room: int | None = None, limit: float = 60.0
    ) -> tuple[int, int, Feed]:
        """Begins a playback that is written while it sounds, of which up to ``limit`` seconds may wait;
        returns (request, play, feed)."""
    def tap(
        self, call: int | None = None, direction: str = "in", *, room: int | None = None, rate: int = 8000
    ) -> tuple[int, int, Tap]:
        """Of exactly one of call and room; returns (request, tap id, tap). ``rate``: samples a second of
        what is read."""
    def record_call(self, call: int, path: str, direction: str = "in", rate: int = 8000) -> tuple[int, int]:
        """``direction``: in, out, or both on two channels; returns (request, recording)."""
    def record_room(
        self, room: int, mix: str | None = None, members: str | None = None, rate: int = 8000
    ) -> tuple[int, int]:
        """What is said there into the file ``mix``, what each member says into the folder ``members``, as
        ``call-ID.wav``; returns (request, recording)."""
    def pause_record(
        self, recording: int, on: bool, *, call: int | None = None, room: int | None = None
    ) -> int:
        """Leaves out what is heard from now on, or no longer."""
    def stop_record(self, recording: int, *, call: int | None = None, room: int | None = None) -> int:
        """Ends a recording; done when its files are complete."""

    # virtual time only; a real engine raises RuntimeError
    def step(self, now_ns: int) -> None:
        """Does all that is due until ``now_ns`` (nanoseconds since the network was made; less than
        before counts as now)."""
    def next_deadline(self) -> int | None:
        """When the next step is due; ``now`` or less while work is outstanding; None when nothing ever is."""
