"""Requests that come in, other than those that make calls: which app takes each, and running it.

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

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, Protocol

from .. import events
from ..engine import Event
from ..errors import WrongState, is_failure
from ..log import logger
from ..routing import Refusal, choose
from ..sip import hops, transfer
from ..sip.headers import Headers, SipUri
from ..sip.params import Params
from ..sip.requests import RequestHandler, SipRequest

if TYPE_CHECKING:
    from ..app import App
    from ..call import Call
    from ..plugins import Apps
    from .server import Server

SOON_MS = 300
"""When the core answers for an app that has not: before a phone repeats."""
LATE_MS = 10_000
"""When the core answers for an app that takes a method raw and named no default."""

NOBODY = Refusal(480, "Nobody Takes This Here")
"""What apps exist but take no such thing."""


class _Routed(Protocol):
    """What is needed to find the app that something is for, and is told its parameters."""

    params: Params

    @property
    def call(self) -> Call | None: ...
    @property
    def uri(self) -> str: ...
    @property
    def headers(self) -> Headers: ...
    @property
    def trusted(self) -> bool: ...


_TEXT = "text/plain"
_KEYS = "application/dtmf-relay, application/dtmf"


def taken_methods(
    apps: Apps, *, registrar: bool = False, bridges: bool = False
) -> list[tuple[str, int, int]]:
    """For the server: what the core is to know of the methods that the apps take, the registrar, and bridges,
    which pass them on."""
    taken: dict[str, tuple[int, int]] = {"REGISTER": (500, LATE_MS)} if registrar else {}
    for app in apps:
        if app.message_handler is not None:
            taken.setdefault("MESSAGE", (202, SOON_MS))
        if app.refer_handler is not None:
            taken.setdefault("REFER", (202, SOON_MS))
        for method, (_, default) in app.request_handlers.items():
            taken[method] = (500, LATE_MS) if default is None else (default, SOON_MS)
    if bridges:
        for method in ("INFO", "MESSAGE", "REFER"):
            taken.setdefault(method, (202, SOON_MS) if method == "REFER" else (500, LATE_MS))
    return [(method, code, after) for method, (code, after) in taken.items()]


def message_types(apps: Apps, *, bridges: bool = False) -> list[str]:
    """For the server: what texts may be, which is anything where an app takes them raw, or a bridge."""
    return [] if bridges or _takes_raw(apps, "MESSAGE") else [_TEXT]


def _takes_raw(apps: Apps, method: str) -> bool:
    return any(method in app.request_handlers for app in apps)


def tell(server: Server) -> None:
    """For the server: tells the core what is taken from now on."""
    apps, bridges = server.apps, server.passes_on
    request = server.engine.core.take(
        taken_methods(apps, registrar=server.config.registrar.enabled, bridges=bridges),
        message_types=message_types(apps, bridges=bridges),
        info_packages=info_packages(apps),
    )
    server.engine.completion(request)


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
    if call is not None and not request.answered and (call.app is None or not _takes(call.app, request)):
        passed = call.pass_on(request)
        if passed is not None:
            return passed
    app, refusal = app_for(server, request)
    if app is not None and isinstance(request, transfer.Refer) and "REFER" not in app.request_handlers:
        if app.refer_handler is None:
            return request.respond(603)
        return transfer.run(app.refer_handler, request)
    handler = None if app is None else _handler(app, request)
    if handler is not None:
        return _run(handler, request)
    if not request.answered:
        return _refuse(server, request, refusal)
    return None


def _takes(app: App, request: SipRequest) -> bool:
    """The app takes such a request itself."""
    if request.method == "REFER":
        return app.refer_handler is not None or "REFER" in app.request_handlers
    return _handler(app, request) is not None


def _refuse(server: Server, request: SipRequest, refusal: Refusal) -> Coroutine[Any, Any, None]:
    """What the core says by itself of what no app takes, until there is a bridge that may."""
    if request.method == "INFO" and not _takes_raw(server.apps, "INFO"):
        if not request.body:
            return request.respond(200)
        return request.respond(415, headers=[("Accept", _KEYS)])
    return request.respond(refusal.code, refusal.reason)


def app_for(server: Server, request: _Routed) -> tuple[App | None, Refusal]:
    """For the server: the app that a request is for, or why there is none."""
    if isinstance(request, SipRequest) and request.method == "REGISTER":
        # It is for a domain and no service, so whoever takes it gets it.
        takers = (app for app in server.apps if "REGISTER" in app.request_handlers)
        return next(takers, None), NOBODY
    if request.call is not None and request.call.app_name is not None:
        return request.call.app or server.apps.get(request.call.app_name), NOBODY
    target = choose(
        SipUri.parse(request.uri),
        request.headers,
        trusted=request.trusted,
        config=server.config,
        apps=server.apps,
    )
    if isinstance(target, Refusal):
        return None, target
    request.params = Params(target.params)
    return server.apps.get(target.app), NOBODY


def _handler(app: App, request: SipRequest) -> RequestHandler | None:
    package = request.headers.get("Info-Package", "").partition(";")[0].strip().lower()
    if request.method == "INFO" and package in app.info_handlers:
        return app.info_handlers[package]
    if request.method in app.request_handlers:
        return app.request_handlers[request.method][0]
    return app.message_handler if request.method == "MESSAGE" else None


async def _run(handler: RequestHandler, request: SipRequest) -> None:
    """Runs an app's handler. What it does not answer itself is answered 200, or 500 when it fails."""
    code = 200
    hops.serve(request.headers)
    try:
        await handler(request)
    except BaseException as error:
        if not is_failure(error):
            raise
        code = 500
        request.log.exception("an app failed at a request", method=request.method, uri=request.uri)
    if not request.answered:
        try:
            await request.respond(code)
        except WrongState:
            logger.debug("the core has answered for a slow app", method=request.method)
