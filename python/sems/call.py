"""A call, as an app sees it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar, cast

from . import events
from .audio import lines
from .audio.media import CallMedia
from .engine import Event, Quality
from .errors import CallFailed, EngineError, HungUp, WrongState
from .events import SILENT, CallEvent, EndCause, EndReason
from .log import logger
from .sip.headers import Headers, NameAddr, SipUri, quote
from .sip.identity import Identity
from .sip.links import chokes_on_links, in_header
from .sip.requests import CallRequests
from .sip.transfer import CallTransfer
from .subscribers import Subscribers
from .waiting import Moment, fail

if TYPE_CHECKING:
    from pathlib import Path

    from .app import App
    from .server import Server

State = Literal["incoming", "dialing", "ringing", "answered", "ended"]
_T = TypeVar("_T")

# What a placed call that ended without a response is said to have failed with.
_CODES = {"local": 487, "cancelled": 487, "timeout": 408}
# How long the end of a call may take to be told after a worker has found that the call is gone.
_END_IS_TOLD_WITHIN = 0.1


class Call(CallMedia, CallRequests, CallTransfer, Identity):
    """One call, incoming or placed by us, from its INVITE to its end.

    Whatever waits on a call that ends raises :class:`~sems.errors.HungUp`. Every method can be
    cancelled. As a context manager it hangs up when left.
    """

    def __init__(
        self,
        server: Server,
        call_id: int,
        *,
        direction: Literal["in", "out"],
        uri: str,
        caller: NameAddr,
        headers: Headers,
        source: str,
        local: str,
    ) -> None:
        super().__init__()
        self.id = call_id
        self.server = server
        self.direction = direction
        self.uri = uri
        """The Request-URI: whom the caller wants."""
        self.request_uri = SipUri.parse(uri)
        """The same in its parts."""
        self.user = self.request_uri.user
        """Its user part, unescaped."""
        self.caller_uri: str
        """The URI of the From header field."""
        self.caller_user: str
        """Its user part, unescaped."""
        self.caller_name: str
        """The From display name, unaltered; without one the user part."""
        self._set_caller(caller)
        self.headers = headers
        """The header fields of the INVITE; of a placed call those of its 200."""
        self.source = source
        """Where the INVITE came from (or was sent), ``"ip:port"``."""
        self.local = local
        """The address at which it arrived, ``"ip:port"``; empty for a placed call."""
        self.authenticated_user: str | None = None
        """The user whose password the caller has; None: it wasn't asked (``[auth] challenge``)."""
        self.account: str | None = None
        """The name of the account that it came in for, or that it is placed for."""
        self.trusted = False
        self.app: App | None = None
        """The app that has the call: for as long as it lasts, also when its script is loaded again."""
        self.app_name: str | None = None
        """How that app was called when the call came in."""
        self.params: dict[str, str] = {}
        """Parameters for the app: from the route, P-App-Param (of trusted neighbours), or RFC 4240."""
        self.sound_folder: Path | None = None
        self.state: State = "incoming" if direction == "in" else "dialing"
        self.codec: str | None = None
        """Name of the negotiated codec, such as ``PCMU``; None before the answer."""
        self.early_media = False
        """There is a way for sound although the call is not answered."""
        self.on_hold = False
        """The peer has put us on hold."""
        self.link: str | None = None
        """The control page that we gave to the peer, as ``u=`` in SDP."""
        self.peer_link: str | None = None
        """The control page that the peer gave to us."""
        self.started = time.time()
        """When it began, in seconds since 1970."""
        self.answered_at: float | None = None
        """When it was answered, in seconds since 1970."""
        self.redirect_targets: tuple[str, ...] = ()
        """Where a call that we placed was redirected to (3xx), the preferred first."""
        self.end: EndReason | None = None
        """Why it ended; None while it goes on."""
        self.speaking = False
        """The peer speaks."""
        self.level = SILENT
        """How loud the peer is, in dBov (−127 to 0); told while the call is in a room."""
        self.stopped: frozenset[events.Direction] = frozenset()
        """Streams that should flow and don't: ``in``: nothing is heard of the peer; ``out``: the peer
        hears nothing of us."""
        self._last_quality: Quality | None = None
        self.log = logger.bind(call=call_id, caller=caller.uri, uri=uri)
        self._subscribers: Subscribers[CallEvent] = Subscribers()
        self._waiting: set[asyncio.Future[Any]] = set()
        self._answering = False
        self._answered = Moment()
        self._ended = Moment()

    def __repr__(self) -> str:
        return f"<Call {self.id} {self.direction} {self.uri} {self.state}>"

    def _must_be_up(self) -> None:
        if self.end is not None:
            raise HungUp(self, self.end)

    @property
    def has_media(self) -> bool:
        return self.state == "answered" or (self.early_media and self.end is None)

    @property
    def quality(self) -> Quality | None:
        """What the line is like, at most a second old: loss, jitter, round trip, how it sounds. None
        before there is sound; after the end the last figures."""
        if self.end is not None:
            return self._last_quality
        return self.server.engine.core.quality([self.id])[0]

    def follow_quality(self, callback: Callable[[Quality], None]) -> Callable[[], None]:
        """Tells ``callback`` what the line is like once a second, until the call ends; returns what ends
        that. Lines that nobody follows cost nothing."""

        def calls() -> tuple[int, ...]:
            if self.end is not None:
                unfollow()
                return ()
            return (self.id,)

        def tell(figures: Mapping[int, Quality]) -> None:
            for quality in figures.values():
                callback(quality)

        unfollow = lines.follow(self.server.engine, calls, tell)
        return unfollow

    # Signaling

    async def ring(
        self,
        code: int = 180,
        *,
        early_media: bool = False,
        reliable: bool = False,
        headers: Iterable[tuple[str, str]] = (),
        link: str | None = None,
    ) -> None:
        """Tells the caller that it rings (180–183). With ``early_media`` what is played from now on is
        heard before the answer. With ``reliable`` it is sent until the caller has acknowledged it
        (RFC 3262); early media is so sent to every caller who knows that.

        Raises WrongState unless the call is incoming and unanswered, and EngineError when it is to be
        ``reliable`` and the caller does not know that.
        """
        self._must_be_unanswered("ring")
        self._give(link)
        core = self.server.engine.core
        described = None if chokes_on_links(self.headers) else link
        await self._done(core.ring(self.id, code, list(headers), early_media, described, reliable))
        if self.state == "incoming":
            self.state = "ringing"
        self.early_media = self.early_media or early_media

    async def answer(self, *, headers: Iterable[tuple[str, str]] = (), link: str | None = None) -> None:
        """Answers, and returns when the caller has confirmed it (ACK). Harmless when answered already.

        ``link`` is the control page of this call: it goes into every SDP from now on, unless the caller
        is known to choke on that, and out as Call-Info. Raises WrongState for a call that we placed.
        """
        if self.state == "answered":
            return
        if not self._answering:
            self._must_be_unanswered("answer")
            self._give(link)
            fields = list(headers)
            if link is not None and chokes_on_links(self.headers):
                fields.append(in_header(link))
                link = None
            request = self.server.engine.core.answer(self.id, fields, link)
            self.server.engine.when_done(request, self._on_answer_done)
            self._answering = True
        await self._answered.wait(self._alone)

    async def reject(
        self, code: int = 486, reason: str | None = None, *, headers: Iterable[tuple[str, str]] = ()
    ) -> None:
        """Refuses the call with a final response (300–699). Harmless when the call has ended.

        ``reason``: the phrase; None: the standard one. Raises WrongState when it is answered.
        """
        if self.end is None:
            self._must_be_unanswered("reject")
            core = self.server.engine.core
            await self._until_ended(core.reject(self.id, code, reason, list(headers)))

    async def hangup(self, reason: str | None = None) -> None:
        """Ends the call in whatever state it is. Harmless when it has ended.

        ``reason``: why, in words for the peer (RFC 3326).
        """
        if self.end is None:
            value = None if reason is None else f"SIP;text={quote(reason)}"
            await self._until_ended(self.server.engine.core.hangup(self.id, value))

    async def be_focus(self) -> None:
        """Says in our Contact, from the next message on, that we are the focus of a conference (RFC 4579
        §5.1): the peer may then subscribe to it there, and ask us to call others. Of a call that we place
        it is said in the INVITE with ``place(focus=True)``."""
        await self._done(self.server.engine.core.focus(self.id))

    async def hold(self, on: bool) -> None:
        """Puts the peer on hold, or takes it back: by re-INVITE, or by UPDATE while it rings."""
        await self._done(self.server.engine.core.hold(self.id, on))

    async def wait_answered(self) -> None:
        """Waits until a call that we placed is answered. Raises CallFailed when it is not."""
        if self.state == "answered":
            return
        try:
            await self._answered.wait(self._alone)
        except HungUp as hung_up:
            end = hung_up.end
            code = end.code or _CODES.get(end.cause, 503)
            raise CallFailed(code, end.reason or end.cause, self.redirect_targets) from None

    async def wait_ended(self) -> EndReason:
        """Waits for the end of the call, and tells why it ended. Raises no HungUp."""
        if self.end is None:
            await self._ended.wait()
        return cast(EndReason, self.end)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.hangup()

    # Following what happens

    def subscribe(self, callback: Callable[[CallEvent], None]) -> Callable[[], None]:
        """Tells ``callback`` of all that happens on the call, from the loop; returns what ends that."""
        return self._subscribers.add(callback)

    def tell(self, event: CallEvent) -> None:
        """For the server: tells those who have subscribed."""
        self._subscribers.tell(event)

    def on_event(self, event: Event) -> None:
        """For the server: takes what the core tells of this call."""
        match event:
            # First what every call is told.
            case Event.Confirmed(_, codec):
                self._on_answered(codec)
            case Event.Ended(_, cause, code, reason):
                self.on_ended(EndReason(cast(EndCause, cause), code, reason))
            case Event.Digit(_, digit):
                self._on_key(digit)
                self._subscribers.tell(events.Digit(digit))
            case Event.Speaking(_, on):
                self.speaking = on
                self._subscribers.tell(events.Speaking(on))
            case Event.Updated(_, on_hold, codec):
                self.codec = codec
                if on_hold != self.on_hold:
                    self.on_hold = on_hold
                    self._subscribers.tell(events.Hold(on_hold))
            case Event.Progress(_, code, reason, early_media, link):
                self.state = "ringing" if self.state == "dialing" and code == 180 else self.state
                self.early_media = self.early_media or early_media
                self.peer_link = link or self.peer_link
                self._subscribers.tell(events.Progress(code, reason, early_media))
            case Event.Answered(_, headers, link, codec):
                self.headers = Headers(headers)
                self.peer_link = link or self.peer_link
                self._on_answered(codec)
            case Event.RtpTimeout(_, silent_ms):
                self._subscribers.tell(events.RtpTimeout(silent_ms))
            case Event.RtpResumed():
                self._subscribers.tell(events.RtpResumed())
            case Event.StreamStopped(_, way, ever):
                direction = cast(events.Direction, way)
                self.stopped |= {direction}
                self.log.info("a stream has stopped", direction=direction, ever=ever)
                self._subscribers.tell(events.StreamStopped(direction, ever))
            case Event.StreamResumed(_, way):
                direction = cast(events.Direction, way)
                self.stopped -= {direction}
                self._subscribers.tell(events.StreamResumed(direction))
            case Event.Redirected(_, targets):
                self.redirect_targets = tuple(targets)
            case Event.Replaced(_, _, headers, source, local, trusted, user):
                self.trusted = trusted
                self.headers = Headers(headers)
                self.source, self.local = source, local
                self.authenticated_user = user
                self._set_caller(NameAddr.parse(self.headers.get("From", "")))
                self.log.info("another peer has taken its place", caller=self.caller_uri, source=source)
                self._subscribers.tell(events.Replaced(self.caller_name, self.caller_uri))

    def _set_caller(self, caller: NameAddr) -> None:
        uri = SipUri.parse(caller.uri)
        self.caller_uri = caller.uri
        self.caller_user = uri.user
        self.caller_name = caller.name or uri.user or uri.host

    def on_level(self, level: int) -> None:
        """For the server: how loud the peer is."""
        if level != self.level:
            self.level = level
            self._subscribers.tell(events.Level(level))

    def on_ended(self, end: EndReason) -> None:
        """For the server: the call is over."""
        if self.end is not None:
            return
        self._last_quality = self.quality
        self.end = end
        self.state = "ended"
        self.stopped = frozenset()
        self.speaking = False
        self.level = SILENT
        self._on_out_of_room()
        self.room = None
        self._ended.come()
        for future in self._waiting:
            if not future.done():
                fail(future, HungUp(self, end))
        self._waiting.clear()
        self._subscribers.tell(events.Ended(end))
        self._subscribers.clear()

    def _on_answered(self, codec: str | None) -> None:
        self.codec = codec
        if self.state not in ("answered", "ended"):
            self.state = "answered"
            self.answered_at = time.time()
            self._answered.come()
            self._subscribers.tell(events.Answered(codec or ""))

    def _on_answer_done(self, error: str | None) -> None:
        if error is None:
            self._on_answered(self.codec)
        else:
            # It may be tried again, or refused.
            self._answering = False
            self._answered.fail(EngineError(error))

    # Waiting

    async def _alone(self, future: asyncio.Future[_T]) -> _T:
        """As :meth:`_while_up`, for a future that nobody else waits for: one turn of the loop less."""
        if self.end is not None:
            raise HungUp(self, self.end)
        self._waiting.add(future)
        try:
            return await future
        except EngineError:
            # The worker may have found the call gone before the signaling could tell of its end.
            if await self._ends_within(_END_IS_TOLD_WITHIN):
                raise HungUp(self, cast(EndReason, self.end)) from None
            raise
        finally:
            self._waiting.discard(future)

    async def _while_up(self, source: asyncio.Future[_T]) -> _T:
        """The result of ``source``, or HungUp when the call ends first. Never cancels ``source``."""
        gate: asyncio.Future[_T] = asyncio.get_running_loop().create_future()

        def open_gate(source: asyncio.Future[_T]) -> None:
            if gate.done():
                return
            if source.cancelled():
                gate.cancel()
            elif error := source.exception():
                gate.set_exception(error)
            else:
                gate.set_result(source.result())

        source.add_done_callback(open_gate)
        try:
            return await self._alone(gate)
        finally:
            source.remove_done_callback(open_gate)

    async def _until_ended(self, request: int) -> None:
        try:
            await self.server.engine.completion(request)
        except EngineError:
            if not await self._ends_within(_END_IS_TOLD_WITHIN):
                raise
        await self.wait_ended()

    async def _ends_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self.wait_ended()
        except TimeoutError:
            return False
        return True

    def _must_be_unanswered(self, verb: str) -> None:
        if self.end is not None:
            raise HungUp(self, self.end)
        if self.direction == "out":
            raise WrongState(f"{verb}() is for calls that come in")
        if self.state == "answered" or self._answering:
            raise WrongState(f"{verb}() comes too late: the call is answered")

    def _give(self, link: str | None) -> None:
        self.link = link or self.link
