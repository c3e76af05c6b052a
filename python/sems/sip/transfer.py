"""Transfers: having a peer call somebody else, and being asked to (REFER, RFC 3515, 3892, 4488, 5589)."""

from __future__ import annotations

import asyncio
import re
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from .. import checks, events
from ..engine import Event
from ..errors import CallFailed, EngineError, HungUp, WrongState, is_failure
from ..events import CallEvent
from ..log import Log, logger
from . import identity
from .headers import NameAddr
from .requests import SipRequest

if TYPE_CHECKING:
    from ..call import Call
    from ..server import Server

ReferHandler = Callable[["Refer"], Awaitable[None]]

# How long after the end of the call the last word is waited for: it may come behind the BYE, in seconds.
_LAST_WORD_WITHIN = 5.0
# Of a call that is gone the end is told within so many seconds.
_END_IS_TOLD_WITHIN = 0.2

_STATUS = re.compile(rb"SIP/2\.0 ([1-6]\d\d) ?([^\r\n]*)")


@dataclass(frozen=True, slots=True)
class Transfer:
    """What came of a transfer that we asked for.

    >>> Transfer(200, "OK").ok, Transfer(486, "Busy Here").ok
    (True, False)
    """

    code: int
    """The final status of the call that the peer placed; that of its refusal; 202 when it tells nothing
    of it; 408 when nothing was told in time."""
    reason: str
    """What it said."""

    @property
    def ok(self) -> bool:
        """The peer has reached whom it was to call (or has at least agreed to try, and tells no more)."""
        return 200 <= self.code < 300


class CallTransfer(ABC):
    """The transfers of a call. See :class:`~sems.call.Call`."""

    id: int
    server: Server
    log: Log

    async def transfer(
        self,
        to: str | Call,
        *,
        referred_by: str = "",
        notify: bool = True,
        hangup: bool = True,
        timeout: float = 180.0,
        after_end: float = _LAST_WORD_WITHIN,
        headers: Iterable[tuple[str, str]] = (),
    ) -> Transfer:
        """Has the peer call somebody else, and returns what came of it.

        ``to``: an address (blind transfer); or another call of ours, whose peer gets this one in our
        place (attended: RFC 3891). ``referred_by``: who we say has asked for it, a URI. ``notify``:
        the peer is to tell what comes of it. ``hangup``: when it went well, this call is ended.
        ``timeout``: seconds until that counts as 408; ``after_end``: seconds for which it may still be
        told after this call has ended. ``headers``: more header fields of the REFER, as for :meth:`answer`.

        >>> outcome = await call.transfer("sip:reception@example.org")          # blind
        >>> colleague = await server.dial("sip:anna@example.org")               # attended: asked first, …
        >>> outcome = await call.transfer(colleague)                            # … then joined

        Raises HungUp when the call, or the other one, is over before it is asked, or it has ended and nothing
        is told within ``after_end``; EngineError when it can't be asked.
        """
        core = self.server.engine.core
        if to is self:
            raise ValueError("to has to be another call or an address, not the call itself")
        if isinstance(to, str):
            checks.any_uri("to", to)
        else:
            checks.kind("to", to, "another call or an address", CallTransfer)
        if referred_by != "":
            checks.any_uri("referred_by", referred_by)
        checks.flag("notify", notify)
        checks.flag("hangup", hangup)
        checks.seconds("timeout", timeout, more_than_0=True)
        checks.seconds("after_end", after_end)
        more = checks.headers(headers, ours={"refer-to", "refer-sub"})
        fields = [*([("Referred-By", f"<{referred_by}>")] if referred_by else []), *more]
        where = {"uri": to} if isinstance(to, str) else {"other": to.id}
        request, subscription = core.refer(self.id, **where, silent=not notify, headers=fields)
        result: asyncio.Future[Transfer] = asyncio.get_running_loop().create_future()
        accepted = False

        def on_event(event: Event) -> None:
            nonlocal accepted
            if result.done():
                return
            match event:
                case Event.Subscribing(_, code, reason):
                    accepted = code < 300
                    if not accepted:
                        result.set_result(Transfer(code, reason))
                case Event.Notified(_, _, body):
                    if fragment := _STATUS.match(body):
                        code, reason = int(fragment[1]), fragment[2].decode("utf-8", "replace")
                        if code >= 200:
                            result.set_result(Transfer(code, reason))
                        else:
                            self.tell(events.Transferring(code, reason))
                case Event.SubscriptionEnded():
                    told = Transfer(202, "Accepted") if accepted and not notify else _NOTHING_TOLD
                    result.set_result(told)

        self.server.subscriptions[subscription] = on_event
        try:
            await self._sent(request, None if isinstance(to, str) else to)
            outcome = await self._last_word(result, timeout, after_end)
        finally:
            self.server.subscriptions.pop(subscription, None)
        if outcome.ok and hangup:
            await self.hangup()
        return outcome

    async def hand_over(self, to: str) -> bool:
        """As the last thing of a service: :meth:`transfer` to an address. What hinders it is in the log, so
        that the service ends as it would without it; False then.

        >>> await call.hand_over("sip:reception@example.org")
        """
        checks.kind("to", to, "an address", str)
        try:
            outcome = await self.transfer(to)
        except (EngineError, ValueError) as error:
            self.log.error("the caller can't be transferred", to=to, why=str(error))
            return False
        if not outcome.ok:
            self.log.info("the caller was not transferred", to=to, code=outcome.code, why=outcome.reason)
        return outcome.ok

    async def _last_word(
        self, result: asyncio.Future[Transfer], timeout: float, after_end: float
    ) -> Transfer:
        """What came of it, or 408 after ``timeout`` seconds. Raises HungUp when the call has ended
        and ``after_end`` seconds are over."""
        now = asyncio.get_running_loop().time
        latest = now() + timeout

        def on_event(event: CallEvent) -> None:
            if isinstance(event, events.Ended) and not limit.expired():
                limit.reschedule(min(latest, now() + after_end))

        forget = self.subscribe(on_event)
        try:
            ended = self.end is not None
            async with asyncio.timeout(min(timeout, after_end) if ended else timeout) as limit:
                return await result
        except TimeoutError:
            if self.end is not None:
                raise HungUp(self, self.end) from None  # type: ignore[arg-type]
            return _NOTHING_TOLD
        finally:
            forget()

    async def _sent(self, request: int, other: CallTransfer | None) -> None:
        """The request is on its way. Raises HungUp when there is no call any more, this one or the other."""
        try:
            await self.server.engine.completion(request)
        except EngineError:
            for call in (self,) if other is None else (self, other):
                # The core may have found it gone before its end was told.
                if call.end is not None or await call._ends_within(_END_IS_TOLD_WITHIN):
                    assert call.end is not None
                    raise HungUp(call, call.end) from None  # type: ignore[arg-type]
            raise

    end: events.EndReason | None

    @abstractmethod
    def subscribe(self, callback: Callable[[CallEvent], None]) -> Callable[[], None]:
        """Tells ``callback`` of all that happens."""

    @abstractmethod
    def tell(self, event: CallEvent) -> None:
        """For the server: tells those who have subscribed."""

    @abstractmethod
    async def hangup(self, reason: str | None = None) -> None:
        """Ends the call."""

    @abstractmethod
    async def _ends_within(self, seconds: float) -> bool:
        """It has ended by then."""


_NOTHING_TOLD = Transfer(408, "nothing was told of it")


class Refer(SipRequest):
    """Somebody asks us to call a third party: usually the peer of a call, who wants to hand us over.

    >>> @app.refer
    ... async def on_refer(refer: Refer) -> None:
    ...     if refer.call is not None and refer.target.endswith("@example.org"):
    ...         new = await refer.follow()
    ...         await new.join(room)

    What the handler neither accepts nor answers is refused with 603.
    """

    def __init__(self, server: Server, event: Event.Request) -> None:
        super().__init__(server, event)
        uri, _, more = NameAddr.parse(self.headers.get("Refer-To", "")).uri.partition("?")
        self.target = uri
        """Whom we are to call."""
        self.whole_target = f"{uri}?{more}" if more else uri
        """The same with the header fields that the call is to have."""
        fields = [field.partition("=") for field in more.split("&")]
        wanted = {name.lower(): unquote(value) for name, _, value in fields}
        self.replaces = wanted.get("replaces")
        """The call of the target's whose place ours is to take (RFC 3891), as a header field's value."""
        by = self.headers.get("Referred-By")
        self.referred_by = None if by is None else NameAddr.parse(by).uri
        """Who asks, as the sender says (RFC 3892)."""
        self.accepted = False
        """We have agreed."""
        self.finished = False
        """The sender has been told what came of it."""
        self._subscription: int | None = None

    async def accept(self) -> None:
        """Agrees (202). From now on :meth:`progress` tells the sender how it goes, also after the call
        has ended. Raises WrongState when it is answered already."""
        if self.accepted:
            return
        if self.answered:
            raise WrongState("the REFER has been answered already")
        request, self._subscription = self.server.engine.core.accept_refer(self._transaction)
        try:
            await self.server.engine.completion(request)
        except EngineError as error:
            raise WrongState(str(error)) from None
        self.answered = self.accepted = True

    async def progress(self, code: int, reason: str | None = None) -> None:
        """Tells the sender how the call to the target stands; a final ``code`` is the last word. Harmless
        when the sender wants to know nothing, or has been told the last word."""
        checks.code(code, 100, 699)
        checks.text("reason", reason, none=True)
        if self._subscription is None or self.finished:
            return
        self.finished = code >= 200
        request = self.server.engine.core.notify_refer(self._subscription, code, reason)
        try:
            await self.server.engine.completion(request)
        except EngineError as error:
            logger.debug("nobody wants to know what comes of a transfer", why=str(error))

    async def follow(self, *, timeout: float = 60.0, **how: Any) -> Call:
        """Agrees, calls the target, tells the sender how it goes, and returns the new call once it is
        answered. ``how``: as for :meth:`Server.place() <sems.server.Server.place>`.

        Raises CallFailed when it did not come about, of which the sender is told.
        """
        checks.seconds("timeout", timeout, more_than_0=True)
        checks.sending(how, invite=True)
        identity.check(how.get("asserted_identity"))
        if (account := how.get("account")) is not None:
            # Raises for one that is not there.
            self.server.accounts[account]
        await self.accept()
        headers = how.pop("headers", [])
        if (by := self.headers.get("Referred-By")) is not None:
            headers.append(("Referred-By", by))
        if self.replaces is not None:
            headers += [("Replaces", self.replaces), ("Require", "replaces")]
        try:
            call = await self.server.place(self.target, headers=headers, **how)
        except (CallFailed, ValueError) as error:
            await self.progress(getattr(error, "code", 404))
            raise

        def tell_progress(event: CallEvent) -> None:
            if isinstance(event, events.Progress):
                self.server.spawn(self.progress(event.code, checks.one_line(event.reason)))

        withdraw = call.subscribe(tell_progress)
        try:
            async with asyncio.timeout(timeout):
                await call.wait_answered()
        except TimeoutError:
            self.server.spawn(call.hangup())
            await self.progress(408)
            raise CallFailed(408, f"no answer within {timeout:g} seconds") from None
        except CallFailed as error:
            await self.progress(error.code, checks.one_line(error.reason))
            raise
        except BaseException:
            # Who was cancelled meanwhile has nobody to talk to whom he calls.
            self.server.spawn(call.hangup())
            self.server.spawn(self.progress(487))
            raise
        finally:
            withdraw()
        await self.progress(200)
        return call


async def run(handler: ReferHandler, refer: Refer) -> None:
    """For the server: runs an app's handler, and does what it leaves open."""
    code = 200
    try:
        await handler(refer)
    except CallFailed as error:
        code = error.code if error.is_refusal else 503
    except BaseException as error:
        if not is_failure(error):
            raise
        code = 503
        if not isinstance(error, HungUp):
            refer.log.exception("an app failed at a request", method=refer.method, uri=refer.target)
    if refer.accepted:
        await refer.progress(code)
    elif not refer.answered:
        await refer.respond(603)
