"""Subscriptions (RFC 6665): apps that notify, and following what others notify.

The core answers SUBSCRIBE with 489 where the package is unknown, with 423 where the time is too short, else
with the first word of the app: 200 and what it tells in the first NOTIFY, or 403 when it rejects. Without a
word within 0.2 s, for a phone would repeat it, it is granted; two seconds later it is notified of as
``pending``. Refreshes and the end of the time are the core's as well.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .. import checks
from ..engine import Event
from ..errors import CallFailed, EngineError, WrongState, is_failure
from ..log import logger
from .headers import Headers, NameAddr, parse_params
from .identity import Identity
from .params import Params
from .requests import Body

if TYPE_CHECKING:
    from ..call import Call
    from ..plugins import Apps
    from ..server import Server

SubscriptionHandler = Callable[["Subscription"], Awaitable[None]]

# Until we subscribe again when that is wanted and no time is named, in seconds.
_SOON, _LATER, _LATEST = 1.0, 60.0, 600.0
_OVER_FOR_GOOD = ("rejected", "noresource", "invariant")


class Subscription(Body, Identity):
    """Somebody who wants to be notified of an event package.

    >>> @app.subscription("message-summary")
    ... async def on_subscription(subscription: Subscription) -> None:
    ...     await subscription.notify("Messages-Waiting: no\\r\\n", "application/simple-message-summary")
    ...     await subscription.wait_ended()
    """

    def __init__(self, server: Server, event: Event.Subscribed) -> None:
        self.server = server
        self.package = event.package
        """The event package."""
        self.uri = event.uri
        """The Request-URI: whose state is asked for."""
        self.headers = Headers.of_message(event.headers)
        """The header fields of the SUBSCRIBE."""
        self.body = event.body
        self.expires = event.expires
        """For how many seconds it is granted at first; 0: for a single look."""
        self.source = event.source
        """Where it came from, ``"ip:port"``."""
        self.trusted = event.trusted
        """It came from one of the configured trusted networks."""
        self.authenticated_user = event.user
        """The user whose password the subscriber has; None: it wasn't asked, or it is in a call."""
        self.call: Call | None = None if event.call is None else server.calls.get(event.call)
        """The call in whose dialog it is."""
        self.params = Params() if self.call is None else self.call.params
        """Parameters for the app: as of a request (:attr:`SipRequest.params
        <sems.sip.requests.SipRequest.params>`)."""
        self.on_refresh: Callable[[], None] | None = None
        """Told when the subscriber refreshes what is notified by ``numbered`` bodies: it wants all of it
        again."""
        self.on_end: Callable[[], None] | None = None
        """Told when it is over."""
        self.end: str | None = None
        """Why it is over: ``left``, ``expired``, ``refused``, ``silent`` or ``terminated`` (by us)."""
        self._id = event.subscription
        self._ended = asyncio.Event()

    @property
    def subscriber(self) -> NameAddr:
        """The From address."""
        return NameAddr.parse(self.headers.get("From", ""))

    async def notify(
        self,
        body: bytes | str | None = None,
        content_type: str = "",
        *,
        headers: Iterable[tuple[str, str]] = (),
        numbered: bool = False,
    ) -> None:
        """Grants the subscription and tells the subscriber the state as it is now, all of it: the core
        repeats it at each refresh. What is not sent yet of an older one is left out. Raises WrongState
        when the subscription is over.

        ``numbered``: the body has its own number in a series, as what tells only a part has (RFC 4575
        §5.2). It is neither repeated, so :attr:`on_refresh` asks for another, nor left out, so there is
        WrongState as well while the subscriber has not answered the one before.

        ``headers``: more header fields, but for Event, Subscription-State and those that :meth:`Call.answer()
        <sems.call.Call.answer>` refuses.
        """
        checks.flag("numbered", numbered)
        await self._notify("active", body, content_type, headers, numbered=numbered)

    async def finish(
        self,
        reason: str = "noresource",
        *,
        retry_after: int | None = None,
        body: bytes | str | None = None,
        content_type: str = "",
    ) -> None:
        """Ends it. ``reason``: ``rejected``, ``noresource``, ``deactivated`` and the like (RFC 6665
        §4.1.3). Who is ``rejected`` before anything else was said, within 0.2 s, gets 403 and no NOTIFY
        (§4.2.1.3). ``retry_after``: seconds after which it may be asked for again. Harmless when it is
        over."""
        checks.token("reason", reason)
        checks.whole("retry_after", retry_after, 0, none=True)
        checks.body(body, content_type, empty_type=True)
        if self.end is None:
            await self._notify("terminated", body, content_type, (), reason=reason, retry_after=retry_after)

    async def wait_ended(self) -> str:
        """Waits until it is over, and tells why."""
        await self._ended.wait()
        assert self.end is not None
        return self.end

    async def _notify(
        self,
        state: str,
        body: bytes | str | None,
        content_type: str,
        headers: Iterable[tuple[str, str]],
        *,
        reason: str = "noresource",
        retry_after: int | None = None,
        numbered: bool = False,
    ) -> None:
        checks.body(body, content_type, empty_type=True)
        fields = checks.headers(headers, ours={"event", "subscription-state"})
        request = self.server.engine.core.notify(
            self._id,
            state,
            reason=reason,
            retry_after=retry_after,
            headers=fields,
            body=body.encode() if isinstance(body, str) else body,
            content_type=content_type,
            numbered=numbered,
        )
        try:
            await self.server.engine.completion(request)
        except EngineError as error:
            raise WrongState(str(error)) from None

    def on_event(self, event: Event) -> None:
        """For the server: takes what the core tells of it."""
        if isinstance(event, Event.Refreshed) and self.on_refresh is not None:
            self.on_refresh()
        if isinstance(event, Event.SubscriptionEnded):
            self.end = event.end
            self.server.subscriptions.pop(self._id, None)
            self._ended.set()
            if self.on_end is not None:
                self.on_end()


@dataclass(frozen=True, slots=True)
class Notification(Body):
    """What we were notified of.

    >>> notification = Notification("active", None, Headers([("Content-Type", "text/plain")]), b"2 new")
    >>> notification.state, notification.text
    ('active', '2 new')
    """

    state: str
    """``active``, ``pending`` or ``terminated``."""
    reason: str | None
    """Why it was terminated."""
    headers: Headers
    """The header fields of the NOTIFY."""
    body: bytes
    """Its body; empty when there is none."""


class Notifications(AsyncIterator[Notification]):
    """What a notifier tells, until it ends for good or :meth:`close` is called.

    >>> async with await server.subscribe("sip:alice@example.org", "message-summary") as notifications:
    ...     async for notification in notifications:
    ...         print(notification.text)

    The core refreshes the subscription. One that ends but may be had again (RFC 6665 §4.1.3) is made
    again, after the time that the notifier names.
    """

    def __init__(self, server: Server, ask: Callable[[], tuple[int, int]], *, again: bool) -> None:
        self._server = server
        self._ask = ask
        self._again = again
        self._id = -1
        self._queue: asyncio.Queue[Notification | None] = asyncio.Queue()
        self._answer: asyncio.Future[None] | None = None
        self._last: dict[str, str] = {}
        self._granted = False
        self._wait = _SOON
        self._timer: asyncio.TimerHandle | None = None
        self.closed = False
        """It is over for good."""

    async def open(self) -> None:
        """For the server: subscribes. Raises CallFailed with the code of the refusal."""
        self._answer = asyncio.get_running_loop().create_future()
        try:
            await self._server.engine.completion(self._subscribe())
            await self._answer
        except BaseException:
            # Who was cancelled meanwhile has nobody who could end it.
            self._server.spawn(self.close())
            raise

    def _subscribe(self) -> int:
        self._timer = None
        request, self._id = self._ask()
        self._last = {}
        self._granted = False
        self._server.subscriptions[self._id] = self._on_event
        return request

    def _on_event(self, event: Event) -> None:
        answer = self._answer
        match event:
            case Event.Subscribing(_, code, reason):
                self._granted = code < 300
                if answer is not None and not answer.done():
                    if self._granted:
                        answer.set_result(None)
                    else:
                        self.closed = True
                        answer.set_exception(CallFailed(code, reason))
            case Event.Notified(_, headers, body):
                fields = Headers.of_message(headers)
                state, _, params = fields.get("Subscription-State", "").partition(";")
                self._last = parse_params(params)
                self._wait = _SOON
                self._queue.put_nowait(
                    Notification(state.strip().lower(), self._last.get("reason"), fields, body)
                )
            case Event.SubscriptionEnded():
                self._server.subscriptions.pop(self._id, None)
                self._on_end()

    def _on_end(self) -> None:
        reason = self._last.get("reason", "")
        if self.closed or not self._again or reason in _OVER_FOR_GOOD:
            self.closed = True
            self._queue.put_nowait(None)
            return
        named = self._last.get("retry-after", "")
        if reason in ("probation", "giveup"):
            wait = float(named) if named.isdigit() else _LATER
        else:
            wait, self._wait = self._wait, min(self._wait * 2, _LATEST)
        self._timer = asyncio.get_running_loop().call_later(wait, self._subscribe_again)

    def _subscribe_again(self) -> None:
        if not self.closed and self._server.engine.running:
            self._server.engine.completion(self._subscribe())

    async def __anext__(self) -> Notification:
        told = None if self.closed and self._queue.empty() else await self._queue.get()
        if told is None:
            raise StopAsyncIteration
        return told

    async def close(self) -> None:
        """Unsubscribes. Harmless when it is over."""
        if self.closed:
            return
        self.closed = True
        if self._timer is not None:
            self._timer.cancel()
        self._queue.put_nowait(None)
        try:
            await self._server.engine.completion(self._server.engine.core.unsubscribe(self._id))
        except EngineError as error:
            logger.debug("a subscription was over already", why=str(error))

    async def __aenter__(self) -> Notifications:
        return self

    async def __aexit__(self, *failure: object) -> None:
        await self.close()


def packages(apps: Apps) -> list[str]:
    """For the server: the event packages that the apps notify of."""
    return sorted({package for app in apps for package in app.subscription_handlers})


async def run(server: Server, event: Event.Subscribed, handler: SubscriptionHandler | None) -> None:
    """For the server: gives a subscription to the app that it is for."""
    subscription = Subscription(server, event)
    server.subscriptions[event.subscription] = subscription.on_event
    if handler is None:
        await subscription.finish("rejected")
        return
    try:
        await handler(subscription)
    except WrongState:
        logger.debug("a subscriber has left", package=event.package)
    except BaseException as error:
        if not is_failure(error):
            raise
        logger.exception("an app failed at a subscription", package=event.package, uri=event.uri)
        await subscription.finish("probation", retry_after=int(_LATER))
