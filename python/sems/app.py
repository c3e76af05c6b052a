"""An app: the coroutine that takes calls."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from . import checks
from .checks import without_brackets

if TYPE_CHECKING:
    from .call import Call
    from .server import Server
    from .session import Session
    from .sip.requests import SipRequest
    from .sip.subscriptions import Subscription
    from .sip.transfer import Refer

Handler = Callable[["Call"], Awaitable[None]]
Hook = Callable[["Server"], Awaitable[None]]
ReferHandler = Callable[["Refer"], Awaitable[None]]
SubscriptionHandler = Callable[["Subscription"], Awaitable[None]]
RequestHandler = Callable[["SipRequest"], Awaitable[None]]
_Handler = TypeVar("_Handler", bound="Handler")
_Hook = TypeVar("_Hook", bound="Hook")
_Kind = TypeVar("_Kind", bound="type[Session]")
_ReferHandler = TypeVar("_ReferHandler", bound="ReferHandler")
_SubscriptionHandler = TypeVar("_SubscriptionHandler", bound="SubscriptionHandler")
_RequestHandler = TypeVar("_RequestHandler", bound="RequestHandler")


class App:
    """A voice service.

    >>> app = App()
    >>> @app.call
    ... async def main(call: Call) -> None:
    ...     await call.answer()
    ...     await call.play("welcome")

    When the handler returns, the call is hung up. When it raises, the error is logged, once and with the
    call's number, caller and address, and the call ends: with 500 before the answer, with BYE after it.
    Two errors are none of the app's and not logged as such: HungUp, by which whatever waits on the call ends
    with it, and CallFailed, of which an unanswered call gets the code.

    Whatever it raises, also by ``sys.exit()``, ends this call and no other. (In a loop of your own, in place
    of that of ``sems run``, asyncio ends with a task that your handler has begun and that exits.)

    What is no coroutine function, or takes no argument, is refused with TypeError where it is given.
    """

    def __init__(self, name: str | None = None) -> None:
        checks.text("name", name, none=True)
        self.name = name or ""
        """How routes and callers call it. Unset: the stem of the file, or the name of the entry point."""
        self.folder: Path | None = None
        """The folder of the app's file: sounds are looked for here first."""
        self.handler: Handler | None = None
        self.message_handler: RequestHandler | None = None
        self.refer_handler: ReferHandler | None = None
        self.subscription_handlers: dict[str, SubscriptionHandler] = {}
        self.info_handlers: dict[str, RequestHandler] = {}
        self.request_handlers: dict[str, tuple[RequestHandler, int | None]] = {}
        self.start_hooks: list[Hook] = []
        self.stop_hooks: list[Hook] = []

    @without_brackets
    def call(self, handler: _Handler) -> _Handler:
        """Makes the coroutine function the one that takes each call."""
        checks.handler(handler, "what takes calls", "the call")
        self.handler = handler
        return handler

    @without_brackets
    def session(self, kind: _Kind) -> _Kind:
        """Makes the class the one of whose kind each call is a session, see :class:`~sems.Session`.

        >>> @app.session
        ... class Desk(Session):
        ...     async def on_dtmf(self, digit: str) -> None:
        ...         await self.call.play(f"digit-{digit}")
        """
        # The module of sessions imports this one.
        if not isinstance(kind, type) or not hasattr(kind, "serve"):
            raise checks.wrong("what takes calls", "a class of Session", kind, TypeError)
        kind.serve(self)
        return kind

    @without_brackets
    def message(self, handler: _RequestHandler) -> _RequestHandler:
        """Makes the coroutine function the one that takes texts (MESSAGE, RFC 3428), in and out of calls.

        >>> @app.message
        ... async def on_text(message: SipRequest) -> None:
        ...     print(message.sender, message.text)

        What it does not answer itself with ``message.respond()`` is answered 200 when it returns; 202
        when that takes longer than 0.3 s. A server none of whose apps takes texts answers 405.
        """
        checks.handler(handler, "what takes texts", "the text")
        self.message_handler = handler
        return handler

    @without_brackets
    def refer(self, handler: _ReferHandler) -> _ReferHandler:
        """Makes the coroutine function the one that is asked to call somebody else (REFER, RFC 3515), by
        the peer of a call or from outside.

        >>> @app.refer
        ... async def on_refer(refer: Refer) -> None:
        ...     new = await refer.follow()

        What it does not accept is refused with 603. When that takes longer than 0.3 s the core accepts
        for it, and the sender is told of the refusal by NOTIFY. A server none of whose apps takes REFER
        answers 405, so that phones don't offer it.
        """
        checks.handler(handler, "what takes REFER", "the request")
        self.refer_handler = handler
        return handler

    def subscription(self, package: str) -> Callable[[_SubscriptionHandler], _SubscriptionHandler]:
        """Makes the coroutine function the one that is told of each who subscribes to an event package
        (RFC 6665). The subscription is granted by its ``notify()`` and refused, with 403, by
        ``finish("rejected")``.

        >>> @app.subscription("message-summary")
        ... async def mailbox(subscription: Subscription) -> None:
        ...     await subscription.notify("Messages-Waiting: no", "application/simple-message-summary")
        """
        checks.token("package", package)

        def take(handler: _SubscriptionHandler) -> _SubscriptionHandler:
            checks.handler(handler, "what takes subscriptions", "the subscription")
            self.subscription_handlers[package] = handler
            return handler

        return take

    def info(self, package: str) -> Callable[[_RequestHandler], _RequestHandler]:
        """Makes the coroutine function the one that is told of INFO requests of a package (RFC 6086).

        They are answered 200 by the core, at once. Packages that no app takes get 469 with those that are
        taken, which Recv-Info tells in every INVITE and its answers; in a :meth:`bridge
        <sems.call.Call.bridge>` they pass if its other side takes them. Keys are no package: they are digits,
        however they come.
        """
        checks.token("package", package)

        def take(handler: _RequestHandler) -> _RequestHandler:
            checks.handler(handler, "what takes INFO", "the request")
            self.info_handlers[package.lower()] = handler
            return handler

        return take

    def request(
        self, method: str, *, default: int | None = None
    ) -> Callable[[_RequestHandler], _RequestHandler]:
        """Makes the coroutine function the one that takes requests of a method, just as they come; any
        but those of calls (INVITE, ACK, CANCEL, BYE, PRACK, UPDATE).

        What it does not answer itself is answered 200 when it returns, 500 when it raises. When it is
        slow the core answers for it: ``default`` (200–699) after 0.3 s, or without one 500 after 10 s.

        Raises ValueError for a method of calls.
        """
        checks.method("method", method)
        checks.whole("default", default, 200, 699, none=True)

        def take(handler: _RequestHandler) -> _RequestHandler:
            checks.handler(handler, f"what takes {method}", "the request")
            self.request_handlers[method] = (handler, default)
            return handler

        return take

    @without_brackets
    def start(self, hook: _Hook) -> _Hook:
        """Runs the coroutine function once, before the first call is taken. If it raises, a server that was
        told to run this app does not start; one that has merely found it in a package goes on without it.

        It has to return; what goes on beside the calls is for ``server.spawn()``:

        >>> @app.start
        ... async def on_start(server: Server) -> None:
        ...     server.spawn(look_for_news(server))
        """
        checks.handler(hook, "what runs at the start", "the server")
        self.start_hooks.append(hook)
        return hook

    @without_brackets
    def stop(self, hook: _Hook) -> _Hook:
        """Runs the coroutine function once, after the last call has ended. A server that stops waits for it
        for as long as is left of its five seconds, and then cancels it.
        """
        checks.handler(hook, "what runs at the end", "the server")
        self.stop_hooks.append(hook)
        return hook

    @property
    def handlers(self) -> list[Callable[..., Any]]:
        """All that takes something: calls, or requests beside them."""
        takers: list[Callable[..., Any] | None] = [self.handler, self.message_handler, self.refer_handler]
        takers += self.subscription_handlers.values()
        takers += self.info_handlers.values()
        takers += [handler for handler, _ in self.request_handlers.values()]
        return [taker for taker in takers if taker is not None]

    def __repr__(self) -> str:
        return f"App({self.name!r})"
