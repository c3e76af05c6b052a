"""Putting a call through to another one and standing between them: a back-to-back user agent (RFC 7092)."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Literal, Unpack, cast

from .. import checks
from ..audio.codecs import offered
from ..audio.media import CallMedia
from ..audio.room import Room
from ..audio.sounds import Sound, checked
from ..errors import CallFailed, EngineError, HungUp, SemsError, WrongState
from ..events import CallEvent, Digit, Ended, EndReason, Hold, Progress, Recoded
from ..log import Log
from ..sip import identity
from ..sip.headers import Headers
from ..sip.passing import kept, packages
from ..sip.requests import SipRequest
from . import passing
from .lasting import Lasting

if TYPE_CHECKING:
    from ..server import Server
    from ..server.forking import How, Onward
    from .call import Call, State

_RINGING = 180


class CallBridge(Lasting, CallMedia):
    """The bridge of a call. See :class:`~sems.call.Call`, which adds the rest."""

    server: Server
    direction: Literal["in", "out"]
    state: State
    codec: str | None
    codecs: tuple[str, ...]
    headers: Headers
    early_media: bool
    log: Log
    bridged_to: Call | None = None
    """The call at the other side of the bridge that it is in."""

    @property
    @abstractmethod
    def caller_uri(self) -> str:
        """The URI of the From header field."""

    @property
    @abstractmethod
    def caller_name(self) -> str:
        """The From display name."""

    async def bridge(
        self,
        to: Call | str | Sequence[str],
        *,
        serial: bool = False,
        timeout: float = 60.0,
        ring: float | None = None,
        ringing: Sound | None = "tone:ringback",
        placed: Callable[[Call], None] | None = None,
        follow_redirects: bool | Onward = False,
        keep_codecs: bool = True,
        keep_headers: bool | Collection[str] = True,
        **how: Unpack[How],
    ) -> EndReason:
        """Puts the call through to another one, and stands between the two until either ends.

        >>> @app.call
        ... async def main(call: Call) -> None:
        ...     await call.bridge(["sip:alice@example.org", "sip:bob@example.org"], timeout=30)

        ``to``: a call, or one or several addresses, which are called as by :meth:`Server.fork()
        <sems.server.Server.fork>` (``serial``, ``timeout``, ``ring``, ``follow_redirects``, and ``how``), in
        the name of the caller unless ``from_uri`` says otherwise. A caller who is not answered yet hears what
        they hear: it rings, their early media sounds, and it is answered when they answer. Who is answered
        already hears ``ringing`` meanwhile, or early media if there is any. ``placed`` is told of each call
        when it is placed.

        ``keep_codecs``: those are called with the codecs that the caller offers, and the caller is answered
        with the one that they take, so that nothing is coded into another; only who takes none of them (488)
        is called again with all of ours. ``keep_headers``: header fields that are for the other end (Subject,
        Alert-Info, History-Info, your own …) go on with the call, those of its ringing and its answer back
        with ours; or the names of those that do; False: none. ``headers``: more of them, for whom we call.

        Two calls of one codec get each other's packets as they come: nothing is decoded or coded, nothing
        waits in a buffer, and what is lost on one line is seen as lost on the other; each has RTCP, source,
        numbers and statistics of its own. That is so with packets of 20 ms and telephone-events on both
        sides, for as long as nobody needs the sound: a recording, ``call.audio``, a sound that is played to
        either, ``mute`` or a gain, a third in the room. Then it is decoded, and half a second after that has
        ended packets go on as they come again. Speech is not looked for meanwhile: there are no
        :class:`~sems.events.Speaking` and no levels, unless ``call.room.watch_levels(True)`` asks for them.

        Sound, keys and holding pass both ways (``sendonly``, ``recvonly`` and ``inactive`` as what they are),
        and so do requests within the call that the app does not take itself: INFO and MESSAGE with whatever
        they carry, to be answered by the other side, and REFER, by which one side has the other call somebody
        else (RFC 3515, and after consultation RFC 3891). INFO of a package (RFC 6086) passes where the
        Recv-Info of the other side's INVITE or its answer names it; of other packages it is refused (469).
        Each side has a dialog of its own. A codec that one side changes to within the call is offered to the
        other, which may stay with its own, unless ``keep_codecs`` is False.

        Returns why the other call ended, which is hung up in any case, with the words of this one's peer if
        it has said why (RFC 3326); this call goes on with the app, which may pass on those of the other:
        ``await call.hangup(end.reason)``. Raises
        HungUp when this call ends first, and CallFailed when nobody answers: let through, it refuses an
        unanswered caller with the same code (480 for a redirect that is not followed).
        """
        self._must_be_up()
        if self is to:
            raise WrongState("a call can't be bridged to itself")
        if not isinstance(to, CallBridge):
            addresses = [to] if isinstance(to, str) else to
            if not isinstance(addresses, Sequence) or not all(isinstance(each, str) for each in addresses):
                raise checks.wrong("to", "a call, or one or several addresses", to, TypeError)
        checks.forking(serial, timeout, ring, placed, follow_redirects)
        if ringing is not None:
            checked("ringing", ringing)
        checks.flag("keep_codecs", keep_codecs)
        if not isinstance(keep_headers, bool):
            checks.texts("keep_headers", keep_headers)
            for name in keep_headers:
                checks.own_header(name, "keep_headers")
        checks.sending(cast("dict[str, Any]", how), invite=True)
        identity.check(how.get("asserted_identity"))
        offered(how.get("codecs", ()), self.server.config.audio)
        if (account := how.get("account")) is not None:
            # Raises for one that is not there.
            self.server.accounts[account]
        async with self._room() as room:
            progress = _Passing(self, room, ringing, keep_codecs, keep_headers)
            known = self._packages(self)

            def on_placed(other: Call) -> None:
                passing.take_info(other, known)
                progress.follow(other)
                if placed is not None:
                    placed(other)

            finding: Coroutine[Any, Any, Call]
            if isinstance(to, str | Sequence):
                # A caller may call itself as it likes.
                how.setdefault("from_uri", self.caller_uri if checks.is_uri(self.caller_uri) else "")
                how.setdefault("from_name", checks.one_line(self.caller_name))
                more = list(how.get("headers", ()))
                how["headers"] = [
                    *kept(self.headers, keep_headers, but=[name for name, _ in more]),
                    *passing.recv_info(known),
                    *more,
                ]
                rather: Sequence[str] = self._codecs() if keep_codecs and "codecs" not in how else ()
                finding = self.server.forked(
                    [to] if isinstance(to, str) else to,
                    serial=serial,
                    timeout=timeout,
                    ring=ring,
                    placed=on_placed,
                    follow_redirects=follow_redirects,
                    rather=rather,
                    **how,
                )
            else:
                finding = _answered(to, timeout, progress)
            other = to if isinstance(to, CallBridge) else None
            try:
                try:
                    other = await self.while_up(finding)
                finally:
                    progress.stop()
                if other.end is not None:
                    return other.end
                if self.state != "answered":
                    if keep_codecs and other.codec is not None:
                        await self.prefer([other.codec])
                    theirs = self._packages(other)
                    passing.take_info(self, theirs)
                    await self.answer(
                        headers=[*kept(other.headers, keep_headers), *passing.recv_info(theirs)]
                    )
                return await self._through(other, room, keep_codecs)
            finally:
                if other is not None and other.end is None:
                    self.server.spawn(other.hangup(self._said()))

    def _codecs(self) -> Sequence[str]:
        """What the caller has: first of all the codec that is agreed already; then, of one who has not said
        it, such as whom we have called, what we have."""
        if self.codec is None:
            return self.codecs
        known = self.codecs or self.server.config.audio.codecs
        return [self.codec, *(codec for codec in known if codec != self.codec)]

    def _packages(self, of: CallBridge) -> list[str]:
        """The INFO packages that the peer of a call takes, of those that no app of ours takes."""
        ours = {package.lower() for app in self.server.apps for package in app.info_handlers}
        return [package for package in packages(of.headers) if package.lower() not in ours]

    @asynccontextmanager
    async def _room(self) -> AsyncIterator[Room]:
        # What one says is what the other hears, as it is.
        room = await self.server.open_room(level_control=False, noise_gate=False)
        # Nobody looks at levels here: so where two calls share a codec, nothing has to be decoded.
        room.watch_levels(False)
        try:
            yield room
        finally:
            self.server.spawn(_leave(self, room))

    async def _through(self, other: Call, room: Room, keep_codecs: bool) -> EndReason:
        """Both are answered: whatever one does passes to the other until one ends."""
        me = cast("Call", self)
        for each in (me, other):
            if each.room is not room:
                try:
                    await each.join(room)
                except HungUp:
                    # Of the other side it is no more than its end.
                    if each is me:
                        raise
                    return await other.wait_ended()
        self.server.pass_requests_on()
        me.bridged_to, other.bridged_to = other, me
        passed: asyncio.Queue[Awaitable[object]] = asyncio.Queue()
        forget = [_pass(me, other, passed, keep_codecs), _pass(other, me, passed, keep_codecs)]
        passing.take_info(me, self._packages(other))
        passing.take_info(other, self._packages(me))
        try:
            async with self.group() as group:
                working = group.create_task(_work_off(passed, self.log))
                await other.wait_ended()
                working.cancel()
        finally:
            me.bridged_to = other.bridged_to = None
            for each_forget in forget:
                each_forget()
            for each in (me, other):
                passing.take_info(each, [])
            while not passed.empty():
                _drop(passed.get_nowait())
            if other.end is None:
                self.server.spawn(other.hangup(self._said()))
        return cast(EndReason, other.end)

    def _said(self) -> str | None:
        """Why the peer has hung up, if it has said so: that is for the other side, too."""
        end = cast("Call", self).end
        return end.reason or None if end is not None and end.cause == "remote" else None

    def pass_on(self, request: SipRequest) -> Coroutine[Any, Any, None] | None:
        """For the server: what passes a request of the peer's on to the other side of the bridge; None: there
        is none."""
        return None if self.bridged_to is None else passing.pass_on(request, self.bridged_to)

    @abstractmethod
    async def ring(
        self, code: int = 180, *, early_media: bool = False, headers: Iterable[tuple[str, str]] = ()
    ) -> None:
        """Tells the caller that it rings."""

    @abstractmethod
    async def answer(self, *, headers: Iterable[tuple[str, str]] = ()) -> None:
        """Answers."""

    @abstractmethod
    async def prefer(self, codecs: Sequence[str]) -> None:
        """Which codecs the answer is to have."""


class _Passing:
    """What is told of the calls that are placed is told to the caller, too."""

    def __init__(
        self,
        call: CallBridge,
        room: Room,
        ringing: Sound | None,
        keep_codecs: bool,
        keep_headers: bool | Collection[str],
    ) -> None:
        self._call = call
        self._room = room
        self._keep_codecs = keep_codecs
        self._keep_headers = keep_headers
        self._heard: Call | None = None
        """The one whose early media is heard."""
        self._forget: list[Callable[[], None]] = []
        self._rang = 0
        self._work: asyncio.Task[None] | None = None
        self._playback = None
        if ringing is not None and call.has_media:
            self._playback = call.start_play(ringing, repeat=0)

    def catch_up(self, other: Call) -> None:
        """With a call that was placed a while ago."""
        if other.state == "ringing":
            self._on_progress(other, Progress(_RINGING, "Ringing", other.early_media))
        self.follow(other)

    def follow(self, other: Call) -> None:
        """A call has been placed."""

        def on_event(event: CallEvent) -> None:
            if isinstance(event, Progress):
                self._on_progress(other, event)
            elif isinstance(event, Ended) and self._heard is other:
                self._heard = None

        self._forget.append(other.subscribe(on_event))

    def _on_progress(self, other: Call, progress: Progress) -> None:
        first = progress.early_media and self._heard is None
        if first:
            self._heard = other
        self._work = asyncio.create_task(self._pass(other, progress, first, self._work))

    async def _pass(
        self, other: Call, progress: Progress, first: bool, before: asyncio.Task[None] | None
    ) -> None:
        call = self._call
        if before is not None:
            await asyncio.wait({before})
        try:
            if call.state in ("incoming", "ringing"):
                early = first and not call.early_media
                if early and self._keep_codecs and other.codec is not None:
                    await call.prefer([other.codec])
                if early or progress.code != self._rang:
                    self._rang = progress.code
                    code = progress.code if progress.code > 100 else _RINGING
                    headers = kept(Headers.of_message(progress.headers), self._keep_headers)
                    await call.ring(code, early_media=early, headers=headers)
            if first:
                if self._playback is not None:
                    self._playback.cancel()
                await other.join(self._room)
                await call.join(self._room)
        except SemsError as error:
            call.log.debug("it can't be told to the caller", code=progress.code, why=str(error))

    def stop(self) -> None:
        """It is decided who gets the call."""
        for forget in self._forget:
            forget()
        if self._work is not None:
            self._work.cancel()
        if self._playback is not None:
            self._playback.cancel()


def _pass(
    one: Call, other: Call, passed: asyncio.Queue[Awaitable[object]], keep_codecs: bool
) -> Callable[[], None]:
    """Passes on what one side does; returns what ends that."""

    def on_event(event: CallEvent) -> None:
        match event:
            case Digit(digit):
                passed.put_nowait(other.send_digits(digit))
            case Hold():
                passed.put_nowait(_direct(one, other))
            case Recoded(codec) if keep_codecs and codec != other.codec:
                passed.put_nowait(_recode(one, other))

    forget = one.subscribe(on_event)
    if one.on_hold:
        # It has said so from the start.
        on_event(Hold(True))
    return forget


async def _direct(one: Call, other: Call) -> None:
    """What one side does in the call is what the other is told that we do."""
    direction = one.peer_direction
    if direction == "sendrecv":
        await other.hold(False)
    else:
        await other.hold(True, direction=direction)


async def _recode(one: Call, other: Call) -> None:
    """The other side is offered the codec that the one has changed to. It may stay with its own, which is
    coded into the other then."""
    if one.codec and one.codec != other.codec:
        await other.recode([one.codec, *((other.codec,) if other.codec else ())])


async def _work_off(passed: asyncio.Queue[Awaitable[object]], log: Log) -> None:
    while True:
        work = await passed.get()
        try:
            await work
        except (HungUp, EngineError, CallFailed) as error:
            log.debug("it can't be passed on", why=str(error))


def _drop(work: Awaitable[object]) -> None:
    """It will not be done any more."""
    if asyncio.iscoroutine(work):
        work.close()


async def _answered(other: Call, timeout: float, progress: _Passing) -> Call:
    """The call once it is answered, by us if it has come in; of one that was answered before maybe ended."""
    if other.state == "answered" or other.answered_at is not None:
        return other
    progress.catch_up(other)
    try:
        async with asyncio.timeout(timeout):
            if other.direction == "in":
                await other.answer()
            else:
                await other.wait_answered()
    except TimeoutError:
        raise CallFailed(408, f"no answer within {timeout:g} seconds") from None
    return other


async def _leave(call: CallBridge, room: Room) -> None:
    # Who has hung up is in no room any more.
    with suppress(HungUp):
        if call.end is None and call.room is room:
            await call.join(None)
    await room.close()
