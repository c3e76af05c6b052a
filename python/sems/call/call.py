"""A call, as an app sees it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self, TypeVar, cast

from .. import checks, events
from ..audio import lines
from ..audio.codecs import offered, preferred
from ..engine import Event, Quality
from ..errors import CallFailed, EngineError, HungUp, WrongState
from ..events import SILENT, CallEvent, EndCause, EndReason
from ..log import logger
from ..sip import language
from ..sip.headers import Headers, NameAddr, SipUri, quote
from ..sip.identity import Identity
from ..sip.links import chokes_on_links, in_header
from ..sip.params import Params
from ..sip.requests import CallRequests
from ..sip.transfer import CallTransfer
from ..subscribers import Subscribers
from ..waiting import Moment
from . import silence
from .bridge import CallBridge

if TYPE_CHECKING:
    from pathlib import Path

    from ..app import App
    from ..server import Server

State = Literal["incoming", "dialing", "ringing", "answered", "ended"]
_T = TypeVar("_T")

_Confirmed = Event.Confirmed
_Ended = Event.Ended

# What a placed call that ended without a response is said to have failed with.
_CODES = {"local": 487, "cancelled": 487, "timeout": 408}


class Call(CallBridge, CallRequests, CallTransfer, Identity):
    """One call, incoming or placed by us, from its INVITE to its end.

    Whatever waits on a call that ends raises :class:`~sems.errors.HungUp`, and nothing else does that.
    Every method can be cancelled. As a context manager it hangs up when left.

    >>> async with await server.dial("sip:alice@example.org") as call:
    ...     await call.play("welcome")
    """

    # What is so for most calls takes no room in each.

    authenticated_user: str | None = None
    """The user whose password the caller has; None: it wasn't asked (``[auth] challenge``)."""
    account: str | None = None
    """The name of the account that it came in for, or that it is placed for."""
    trusted = False
    app: App | None = None
    """The app that has the call: for as long as it lasts, also when its script is loaded again."""
    app_name: str | None = None
    """How that app was called when the call came in."""
    sound_folder: Path | None = None
    codecs: tuple[str, ...] = ()
    """The names of the codecs that the caller offers and we have, in its order; empty for a placed
    call, and where the caller leaves the offer to us."""
    codec: str | None = None
    """Name of the negotiated codec, such as ``PCMU``; None before the answer."""
    early_media = False
    """There is a way for sound although the call is not answered."""
    ends_in_silence = True
    """It is hung up when nothing has been heard of the peer for so long (``rtp_timeout``)."""
    may_listen = False
    """Whoever says nothing may be there to listen: when nothing has been heard of him for so long, his
    telephone is asked (OPTIONS), and the call goes on as long as it answers. So it is in a conference."""
    on_hold = False
    """The peer has put us on hold: :attr:`peer_direction` is not ``sendrecv``."""
    peer_direction: events.StreamDirection = "sendrecv"
    """What the peer does in the call, as it says (RFC 3264 §6.1): ``sendonly``: it plays to us and does not
    listen; ``recvonly``: it listens alone; ``inactive``: neither."""
    link: str | None = None
    """The control page that we gave to the peer, as ``u=`` in SDP."""
    peer_link: str | None = None
    """The control page that the peer gave to us."""
    answered_at: float | None = None
    """When it was answered, in seconds since 1970."""
    redirect_targets: tuple[str, ...] = ()
    """Where a call that we placed was redirected to (3xx), the preferred first."""
    end: EndReason | None = None
    """Why it ended; None while it goes on."""
    speaking = False
    """The peer speaks."""
    level = SILENT
    """How loud the peer is, in dBov (−127 to 0); told while the call is in a room."""
    stopped: frozenset[events.Direction] = frozenset()
    """Streams that should flow and don't: ``in``: nothing is heard of the peer; ``out``: the peer
    hears nothing of us."""
    _last_quality: Quality | None = None
    _answering = False

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
        self.headers = headers
        """The header fields of the INVITE; of a placed call those of its 200."""
        self.source = source
        """Where the INVITE came from (or was sent), ``"ip:port"``."""
        self.local = local
        """The address at which it arrived, ``"ip:port"``; empty for a placed call."""
        self.params = Params()
        """Parameters for the app: from the route, P-App-Param (of trusted neighbours), or RFC 4240."""
        self.state: State = "incoming" if direction == "in" else "dialing"
        self.started = time.time()
        """When it began, in seconds since 1970."""
        self.log = logger.bind(call=call_id, caller=caller.uri, uri=uri)
        self._caller = caller
        self._subscribers: Subscribers[CallEvent] = Subscribers()
        self._answered = Moment()
        self._has_media = Moment()

    def __repr__(self) -> str:
        return f"<Call {self.id} {self.direction} {self.uri} {self.state}>"

    @property
    def user(self) -> str:
        """The user part of the Request-URI, unescaped."""
        return self.request_uri.user

    @property
    def caller_uri(self) -> str:
        """The URI of the From header field."""
        return self._caller.uri

    @property
    def caller_user(self) -> str:
        """Its user part, unescaped."""
        return SipUri.parse(self._caller.uri).user

    @property
    def caller_name(self) -> str:
        """The From display name, unaltered; without one the user part."""
        if self._caller.name:
            return self._caller.name
        uri = SipUri.parse(self._caller.uri)
        return uri.user or uri.host

    @property
    def has_media(self) -> bool:
        return self.state == "answered" or (self.early_media and self.end is None)

    @property
    def answering(self) -> bool:
        """It is answered, though its caller may have yet to confirm that (ACK)."""
        return self.state == "answered" or (self._answering and self.end is None)

    @property
    def quality(self) -> Quality | None:
        """What the line is like, at most a second old: loss, jitter, round trip, how it sounds. None
        before there is sound; after the end the last figures."""
        if self.end is not None:
            return self._last_quality
        return self.server.engine.core.quality([self.id])[0]

    @property
    def languages(self) -> tuple[str, ...]:
        """What the caller wants to hear, the preferred first, such as ``("de-AT", "en")``: the parameter
        ``language``, else ``locale`` (RFC 4240), then its phone's Accept-Language (RFC 3261 §20.3)."""
        return language.wanted(self.params, self.headers)

    def follow_quality(self, callback: Callable[[Quality], None]) -> Callable[[], None]:
        """Tells ``callback`` what the line is like once a second, until the call ends; returns what ends
        that. Lines that nobody follows cost nothing."""
        checks.callback("callback", callback)

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

        >>> await call.ring(183, early_media=True)
        >>> await call.play("please-wait")

        ``headers`` and ``link`` are as for :meth:`answer`. Raises WrongState unless the call is incoming and
        unanswered, and EngineError when it is to be ``reliable`` and the caller does not know that.
        """
        checks.code(code, 101, 199)
        checks.flag("early_media", early_media)
        checks.flag("reliable", reliable)
        fields = checks.headers(headers)
        checks.any_uri("link", link, none=True)
        self._must_be_unanswered("ring")
        self._give(link)
        core = self.server.engine.core
        described = None if chokes_on_links(self.headers) else link
        await self._done(core.ring(self.id, code, fields, early_media, described, reliable))
        if self.state == "incoming":
            self.state = "ringing"
        self.early_media = self.early_media or early_media

    async def answer(self, *, headers: Iterable[tuple[str, str]] = (), link: str | None = None) -> None:
        """Answers, and returns when the caller has confirmed it (ACK). Harmless when answered already.

        >>> await call.answer(headers=[("X-Desk", "7")])

        ``link`` is the control page of this call: it goes into every SDP from now on, unless the caller
        is known to choke on that, and out as Call-Info. ``headers``: more header fields, each a name and a
        value. SEMS itself writes those that say whom a message is between and which way it takes, and refuses
        them with ValueError: Via, From, To, Call-ID, CSeq, Contact, Max-Forwards, Route, Record-Route,
        Session-Expires, Min-SE, RSeq, RAck, Content-Type and Content-Length.

        Raises WrongState for a call that we placed.
        """
        fields = checks.headers(headers)
        checks.any_uri("link", link, none=True)
        if self.state == "answered":
            return
        if not self._answering:
            self._must_be_unanswered("answer")
            self._give(link)
            if link is not None and chokes_on_links(self.headers):
                fields.append(in_header(link))
                link = None
            request = self.server.engine.core.answer(self.id, fields, link)
            self.server.engine.when_done(request, self._on_answer_done)
            self._answering = True
        await self._answered.wait(self._alone)

    async def prefer(self, codecs: Sequence[str]) -> None:
        """Of the codecs that the caller offers, ours is to be the first of these, by their names; with none
        of them it is the caller's first. A caller who leaves the offer to us is offered these only. It holds
        for the ring() with early media or the answer() that comes next.

        >>> await call.prefer(["PCMA"])
        >>> await call.answer()

        Raises ValueError for a name that is no codec's.
        """
        await self._done(self.server.engine.core.prefer(self.id, preferred(codecs)))

    async def reject(
        self, code: int = 486, reason: str | None = None, *, headers: Iterable[tuple[str, str]] = ()
    ) -> None:
        """Refuses the call with a final response (300–699). Harmless when the call has ended.

        >>> await call.reject(603, "Not Today")

        ``reason``: the phrase; None: the standard one. ``headers``: as for :meth:`answer`, but for Contact,
        which says of a redirect where to (:meth:`redirect`). Raises WrongState when it is answered.
        """
        checks.code(code, 300, 699)
        checks.text("reason", reason, none=True)
        fields = checks.headers(headers, may={"contact"})
        if self.end is None:
            self._must_be_unanswered("reject")
            core = self.server.engine.core
            await self._until_ended(core.reject(self.id, code, reason, fields))

    async def redirect(
        self, *targets: str, permanently: bool = False, headers: Iterable[tuple[str, str]] = ()
    ) -> None:
        """Sends the caller to somebody else (302, or 301 ``permanently``): URIs, the preferred first.

        >>> await call.redirect("sip:reception@example.org", "tel:+4930100")

        Harmless when the call has ended. Raises WrongState when it is answered: then it is
        :meth:`transfer`; and ValueError without a target.
        """
        if not targets:
            raise ValueError("targets have to be the URIs of whom to call instead, and there is none")
        for target in targets:
            checks.any_uri("each of targets", target)
        checks.flag("permanently", permanently)
        fields = checks.headers(headers, may={"contact"})
        # RFC 3261 §20.10: q says which is preferred.
        contacts = [
            ("Contact", f"<{target}>;q={max(1000 - place, 1) / 1000:g}")
            for place, target in enumerate(targets)
        ]
        await self.reject(301 if permanently else 302, headers=[*contacts, *fields])

    async def hangup(self, reason: str | None = None, *, cause: int | None = None) -> None:
        """Ends the call in whatever state it is. Harmless when it has ended.

        >>> await call.hangup("the office closes")

        ``reason``: why, in words for the peer; ``cause``: and as a code of SIP, such as 200 for who is not
        needed because another has answered (RFC 3326).
        """
        checks.text("reason", reason, none=True)
        checks.whole("cause", cause, 100, 699, none=True)
        if self.end is None:
            value = None
            if reason is not None or cause is not None:
                code = "" if cause is None else f";cause={cause}"
                value = f"SIP{code}" + ("" if reason is None else f";text={quote(reason)}")
            await self._until_ended(self.server.engine.core.hangup(self.id, value))

    async def be_focus(self) -> None:
        """Says in our Contact, from the next message on, that we are the focus of a conference (RFC 4579
        §5.1): the peer may then subscribe to it there, and ask us to call others. Of a call that we place
        it is said in the INVITE with ``place(focus=True)``.

        >>> await call.be_focus()
        """
        await self._done(self.server.engine.core.focus(self.id))

    async def hold(
        self, on: bool, *, direction: Literal["sendonly", "recvonly", "inactive"] = "sendonly"
    ) -> None:
        """Puts the peer on hold, or takes it back: by re-INVITE, or by UPDATE while it rings.

        >>> await call.hold(True)
        >>> await call.sleep(5)
        >>> await call.hold(False)

        ``direction``: what we do meanwhile (RFC 3264 §8.4): ``sendonly``: the peer hears us, ``inactive``:
        nothing, ``recvonly``: it is heard and hears nothing. Raises EngineError when the peer refuses.
        """
        checks.flag("on", on)
        checks.one_of("direction", direction, "sendonly", "recvonly", "inactive")
        await self._done(self.server.engine.core.hold(self.id, direction if on else "sendrecv"))

    async def recode(self, codecs: Sequence[str]) -> None:
        """Offers the peer these codecs instead, the best first: by re-INVITE, or by UPDATE while it rings.
        The one that it takes is :attr:`codec` then, and told as :class:`~sems.events.Recoded`.

        >>> await call.recode(["PCMA", "PCMU"])

        Who takes none of them may end the call; so the one that is spoken had better be among them. Raises
        ValueError for a codec that the server has not, and EngineError when the peer refuses.
        """
        names = offered(codecs, self.server.config.audio)
        if not names:
            raise ValueError("codecs have to be those to offer, and there is none")
        await self._done(self.server.engine.core.recode(self.id, names))

    async def wait_answered(self) -> None:
        """Waits until a call that we placed is answered. Raises CallFailed when it is not.

        >>> call = await server.place("sip:alice@alice")
        >>> await call.wait_answered()
        """
        if self.state != "answered":
            await self._until(self._answered)

    async def wait_media(self) -> None:
        """Waits until there is a way for sound in a call that we placed: it is answered, or there is early
        media, such as a ringing tone or an announcement of the network, which :attr:`audio`, :meth:`record`
        and rooms then hear. Raises CallFailed when it fails before.

        >>> call = await server.place("sip:alice@example.org")
        >>> await call.wait_media()
        """
        if not self.has_media:
            await self._until(self._has_media)

    async def _until(self, moment: Moment) -> None:
        try:
            await moment.wait(self._alone)
        except HungUp as hung_up:
            end = hung_up.end
            code = end.code or _CODES.get(end.cause, 503)
            raise CallFailed(code, end.reason or end.cause, self.redirect_targets) from None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.hangup()

    # Following what happens

    def subscribe(self, callback: Callable[[CallEvent], None]) -> Callable[[], None]:
        """Tells ``callback`` of all that happens on the call, from the loop; returns what ends that."""
        checks.callback("callback", callback)
        return self._subscribers.add(callback)

    def tell(self, event: CallEvent) -> None:
        """For the server: tells those who have subscribed."""
        self._subscribers.tell(event)

    def on_event(self, event: Event) -> None:
        """For the server: takes what the core tells of this call."""
        # First what every call is told: a pattern would ask for each field, and look up each class.
        if isinstance(event, _Confirmed):
            self._on_answered(event.codec)
            return
        if isinstance(event, _Ended):
            self.on_ended(EndReason(cast(EndCause, event.cause), event.code, event.reason))
            return
        match event:
            case Event.Digit(_, digit):
                self._on_key(digit)
                self._subscribers.tell(events.Digit(digit))
            case Event.Speaking(_, on):
                self.speaking = on
                self._subscribers.tell(events.Speaking(on))
            case Event.Updated(_, direction, codec):
                if codec != self.codec:
                    self.codec = codec
                    self._subscribers.tell(events.Recoded(codec))
                if direction != self.peer_direction:
                    self.peer_direction = cast(events.StreamDirection, direction)
                    self.on_hold = direction != "sendrecv"
                    self._subscribers.tell(events.Hold(self.on_hold, self.peer_direction))
            case Event.Progress(_, code, reason, early_media, link, codec, headers):
                self.state = "ringing" if self.state == "dialing" and code == 180 else self.state
                self.codec = codec or self.codec
                self.early_media = self.early_media or early_media
                if early_media:
                    self._has_media.come()
                self.peer_link = link or self.peer_link
                self._subscribers.tell(events.Progress(code, reason, early_media, tuple(headers)))
            case Event.Answered(_, headers, link, codec):
                self.headers = Headers.of_message(headers)
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
                self.headers = Headers.of_message(headers)
                self.source, self.local = source, local
                self.authenticated_user = user
                self._caller = NameAddr.parse(self.headers.get("From", ""))
                self.log.info("another peer has taken its place", caller=self.caller_uri, source=source)
                self._subscribers.tell(events.Replaced(self.caller_name, self.caller_uri))

    def end_unless_heard(self) -> None:
        """For the server: nothing has been heard of the peer for ``rtp_timeout``, which ends the call. But
        who merely rings may be silent, and where :attr:`may_listen` or :attr:`on_hold` is set his telephone
        is asked first."""
        silence.end_unless_heard(self)

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
        # What is so already is not set again.
        if self.stopped:
            self.stopped = frozenset()
        if self.speaking:
            self.speaking = False
        if self.level != SILENT:
            self.level = SILENT
        self._on_out_of_room()
        if self.room is not None:
            self.room = None
        self._on_end(end)
        if self._subscribers:
            self._subscribers.tell(events.Ended(end))
            self._subscribers.clear()

    def _on_answered(self, codec: str | None) -> None:
        self.codec = codec
        if self.state not in ("answered", "ended"):
            self.state = "answered"
            self.answered_at = time.time()
            self._answered.come()
            self._has_media.come()
            if self._subscribers:
                self._subscribers.tell(events.Answered(codec or ""))

    def _on_answer_done(self, error: str | None) -> None:
        if error is None:
            self._on_answered(self.codec)
        else:
            # It may be tried again, or refused.
            self._answering = False
            self._answered.fail(EngineError(error))

    def _must_be_unanswered(self, verb: str) -> None:
        if self.end is not None:
            raise HungUp(self, self.end)
        if self.direction == "out":
            raise WrongState(f"{verb}() is for calls that come in")
        if self.state == "answered" or self._answering:
            raise WrongState(f"{verb}() comes too late: the call is answered")

    def _give(self, link: str | None) -> None:
        self.link = link or self.link
