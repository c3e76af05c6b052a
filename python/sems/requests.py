"""Requests beside those that make calls, in and out of a call's dialog, both ways.

What a peer sends is answered by the app that the request is routed to. A phone repeats over UDP after
half a second what is not answered, so the core has an answer of its own for a Python that is slow:

- INFO with a key (``application/dtmf-relay``, ``application/dtmf``) is answered 200 at once and told as
  a digit. A key that comes in RTP as well is told once: of the same key by both ways within two seconds
  the second is passed over. INFO of a package that an app takes: 200 at once; of others: 469. Without a
  body: 200. Anything else: 415, unless an app takes INFO raw;
- MESSAGE other than plain text gets 415, of more than 16 KiB 413, unless an app takes MESSAGE raw;
  202 after 0.3 s, for the text is here and its handler still gets it;
- REFER: 202 after 0.3 s, and what the app decides later is told by NOTIFY; 603 where the sender wants no
  NOTIFY;
- a method taken with :meth:`App.request() <sems.app.App.request>`: the ``default`` given there after
  0.3 s, or without one 500 after 10 s, the phone's repetitions being absorbed meanwhile.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypedDict, TypeVar

from . import events
from .engine import Event
from .errors import EngineError, WrongState
from .headers import Headers, NameAddr, SipUri, parse_params
from .identity import Identity
from .log import logger
from .routing import Refusal, choose

if TYPE_CHECKING:
    from .app import App
    from .call import Call
    from .outgoing import Outgoing
    from .plugins import Apps
    from .server import Server

_T = TypeVar("_T")
RequestHandler = Callable[["SipRequest"], Awaitable[None]]

SOON_MS = 300
"""When the core answers for an app that has not: before a phone repeats."""
LATE_MS = 10_000
"""When the core answers for an app that takes a method raw and named no default."""


class _Content(TypedDict):
    body: bytes | None
    content_type: str


class Body:
    """What requests and responses share."""

    headers: Headers
    body: bytes

    @property
    def content_type(self) -> str:
        """The media type of the body in small letters, without parameters; empty when there is none."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    @property
    def text(self) -> str:
        """The body as text, by the charset of its Content-Type (UTF-8 without one). Never raises."""
        charset = parse_params(self.headers.get("Content-Type", "").partition(";")[2]).get("charset", "utf-8")
        try:
            return self.body.decode(charset, "replace")
        except LookupError:
            return self.body.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class SipResponse(Body):
    """The final response to a request of ours. 408 without header fields: none came in time; 503
    without: there was no way there (RFC 3261 §8.1.3.1)."""

    code: int
    reason: str
    headers: Headers
    body: bytes = b""

    @property
    def ok(self) -> bool:
        """2xx."""
        return 200 <= self.code < 300


class _Routed(Protocol):
    """What is needed to find the app that something is for."""

    @property
    def call(self) -> Call | None: ...
    @property
    def uri(self) -> str: ...
    @property
    def headers(self) -> Headers: ...
    @property
    def trusted(self) -> bool: ...


class SipRequest(Body, Identity):
    """A request that a peer sent."""

    def __init__(self, server: Server, event: Event.Request) -> None:
        self.server = server
        self.method = event.method
        self.uri = event.uri
        """The Request-URI."""
        self.headers = Headers(event.headers)
        self.body = event.body
        self.source = event.source
        """Where it came from, ``"ip:port"``."""
        self.transport = event.transport
        """What it came over: ``udp``, ``tcp`` or ``tls``."""
        self.local = event.local
        """The address at which it arrived, ``"ip:port"``."""
        self.trusted = event.trusted
        """It came from one of the configured trusted networks."""
        self.authenticated_user = event.user
        """The user whose password its sender has; None: it wasn't asked."""
        self.call: Call | None = None if event.call is None else server.calls.get(event.call)
        """The call in whose dialog it came; None: it came outside any."""
        self.answered = event.answered
        """There is an answer already, by us or by the core."""
        self._transaction = event.transaction

    def __repr__(self) -> str:
        return f"<SipRequest {self.method} {self.uri}>"

    @property
    def sender(self) -> NameAddr:
        """The From address."""
        return NameAddr.parse(self.headers.get("From", ""))

    async def respond(
        self,
        code: int = 200,
        reason: str | None = None,
        *,
        headers: Iterable[tuple[str, str]] = (),
        body: bytes | str | None = None,
        content_type: str = "text/plain",
    ) -> None:
        """Answers with a final response (200–699). Raises WrongState when there is an answer already,
        which the core gives when the app was too slow."""
        if self.answered:
            raise WrongState(f"the {self.method} has been answered already")
        self.answered = True
        request = self.server.engine.core.respond(
            self._transaction, code, reason, headers=list(headers), **_content(body, content_type)
        )
        try:
            await self.server.engine.completion(request)
        except EngineError as error:
            raise WrongState(str(error)) from None


class CallRequests(ABC):
    """What can be asked of the peer of a call beside the call itself. See :class:`~sems.call.Call`."""

    id: int
    server: Server

    @abstractmethod
    async def _alone(self, future: asyncio.Future[_T]) -> _T:
        """The result of a future that nobody else waits for, or HungUp when the call ends first."""

    async def request(
        self,
        method: str,
        *,
        body: bytes | str | None = None,
        content_type: str = "text/plain",
        headers: Iterable[tuple[str, str]] = (),
    ) -> SipResponse:
        """Sends a request within the call's dialog and returns the final response. Any method but those
        of calls; a text is sent as UTF-8.

        Raises HungUp when the call ends first, EngineError when it can't be sent.
        """
        request = self.server.engine.core.request(
            method, call=self.id, headers=list(headers), **_content(body, content_type)
        )
        return _response(await self._alone(self.server.engine.answered(request)))

    async def send_message(self, text: str) -> SipResponse:
        """Sends a text to the peer (MESSAGE, RFC 3428) within the call's dialog."""
        return await self.request("MESSAGE", body=text, content_type="text/plain;charset=UTF-8")


async def send(
    server: Server,
    method: str,
    uri: str,
    out: Outgoing,
    *,
    body: bytes | str | None,
    content_type: str,
) -> SipResponse:
    """For the server: a request outside any dialog."""
    request = server.engine.core.request(
        method,
        uri=uri,
        destinations=out.way.destinations,
        route=out.way.route,
        from_name=out.from_name,
        from_uri=out.from_uri,
        headers=out.headers,
        credentials=out.credentials,
        **_content(body, content_type),
    )
    return _response(await server.engine.answered(request))


def _content(body: bytes | str | None, content_type: str) -> _Content:
    if body is None:
        return {"body": None, "content_type": ""}
    return {"body": body.encode() if isinstance(body, str) else body, "content_type": content_type}


def _response(event: Event.Response) -> SipResponse:
    return SipResponse(event.code, event.reason, Headers(event.headers), event.body)


# What comes in


def taken_methods(apps: Apps, *, registrar: bool = False) -> list[tuple[str, int, int]]:
    """For the server: what the core is to know of the methods that the apps take, and the registrar."""
    taken: dict[str, tuple[int, int]] = {"REGISTER": (500, LATE_MS)} if registrar else {}
    for app in apps:
        if app.message_handler is not None:
            taken.setdefault("MESSAGE", (202, SOON_MS))
        if app.refer_handler is not None:
            taken.setdefault("REFER", (202, SOON_MS))
        for method, (_, default) in app.request_handlers.items():
            taken[method] = (500, LATE_MS) if default is None else (default, SOON_MS)
    return [(method, code, after) for method, (code, after) in taken.items()]


def message_types(apps: Apps) -> list[str]:
    """For the server: what texts may be, which is anything where an app takes them raw."""
    return [] if any("MESSAGE" in app.request_handlers for app in apps) else ["text/plain"]


def info_packages(apps: Apps) -> list[str]:
    """For the server: the INFO packages that the apps take."""
    return sorted({package for app in apps for package in app.info_handlers})


def receive(server: Server, event: Event.Request) -> Coroutine[Any, Any, None] | None:
    """For the server: gives a request to whom it is for; what is to be run, or None."""
    request = transfer.Refer(server, event) if event.method == "REFER" else SipRequest(server, event)
    if request.method == "REGISTER" and server.registrar.enabled:
        return server.registrar.take(request)
    call = request.call
    if call is not None and request.method == "MESSAGE":
        call.tell(events.Message(request.text, request.content_type))
    app, refusal = app_for(server, request)
    if app is not None and isinstance(request, transfer.Refer) and "REFER" not in app.request_handlers:
        if app.refer_handler is None:
            return request.respond(603)
        return transfer.run(app.refer_handler, request)
    handler = None if app is None else _handler(app, request)
    if handler is not None:
        return _run(handler, request)
    if not request.answered:
        return request.respond(refusal.code, refusal.reason)
    return None


def app_for(server: Server, request: _Routed) -> tuple[App | None, Refusal]:
    """For the server: the app that a request is for, or why there is none."""
    if isinstance(request, SipRequest) and request.method == "REGISTER":
        # It is for a domain and no service, so whoever takes it gets it.
        takers = (app for app in server.apps if "REGISTER" in app.request_handlers)
        return next(takers, None), NOBODY
    if request.call is not None and request.call.app_name is not None:
        return server.apps.get(request.call.app_name), NOBODY
    target = choose(
        SipUri.parse(request.uri),
        request.headers,
        trusted=request.trusted,
        config=server.config,
        apps=server.apps,
    )
    if isinstance(target, Refusal):
        return None, target
    return server.apps.get(target.app), NOBODY


def _handler(app: App, request: SipRequest) -> RequestHandler | None:
    package = request.headers.get("Info-Package", "").partition(";")[0].strip().lower()
    if request.method == "INFO" and package in app.info_handlers:
        return app.info_handlers[package]
    if request.method in app.request_handlers:
        return app.request_handlers[request.method][0]
    return app.message_handler if request.method == "MESSAGE" else None


NOBODY = Refusal(480, "Nobody Takes This Here")
"""What apps exist but take no such thing."""


async def _run(handler: RequestHandler, request: SipRequest) -> None:
    """Runs an app's handler. What it does not answer itself is answered 200, or 500 when it fails."""
    code = 200
    try:
        await handler(request)
    except Exception:
        code = 500
        logger.exception("an app failed at a request", method=request.method, uri=request.uri)
    if not request.answered:
        try:
            await request.respond(code)
        except WrongState:
            logger.debug("the core has answered for a slow app", method=request.method)


# Below, since it builds on what is here.
from . import transfer  # noqa: E402
