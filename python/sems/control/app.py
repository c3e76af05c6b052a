"""The web application: pages, API and event streams of one server."""

from __future__ import annotations

import functools
import json
import re
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from ..engine import __version__
from .auth import Auth
from .calls import DialApi
from .conferences import ConferenceApi
from .connections import ConnectionApi
from .endpoint import routes
from .mailboxes import MailboxApi
from .middleware import ExactPath, Guard
from .openapi import document
from .operator import OperatorApi
from .pages import Pages
from .pairing import PairingApi
from .problem import HANDLERS
from .rates import Rates
from .recordings import RecordingApi
from .stream import Streams
from .talks import TalkApi
from .texts import TextApi
from .traces import TraceApi

if TYPE_CHECKING:
    from ..server import Server


def create_app(server: Server) -> ASGIApp:
    """The ASGI application of this server. Its event streams end when the server begins to stop."""
    auth = Auth(server)
    streams = Streams(server.stopping)
    rates = Rates(server.config.api.requests_per_second)
    pages = Pages(server, auth, rates)
    api = _create_api(server, auth, rates, streams)
    app = Starlette(
        routes=[_Below("/api/v1", app=api), _Below("/c/{token}/api/v1", app=api), *pages.routes()],
        exception_handlers={HTTPException: pages.on_error, Exception: pages.on_failure},
    )
    return Guard(ExactPath(app))


class _Below(Mount):
    """All that is below a path, whatever it is; Starlette leaves out what has a line feed in it."""

    def __init__(self, path: str, app: ASGIApp) -> None:
        super().__init__(path, app)
        self.path_regex = re.compile(self.path_regex.pattern, re.DOTALL)


def _create_api(server: Server, auth: Auth, rates: Rates, streams: Streams) -> Starlette:
    endpoints = [
        *ConferenceApi(streams).endpoints(),
        *TextApi().endpoints(),
        *TalkApi().endpoints(),
        *DialApi().endpoints(),
        *PairingApi().endpoints(),
        *ConnectionApi(streams).endpoints(),
        *OperatorApi(streams).endpoints(),
        *TraceApi().endpoints(),
        *RecordingApi().endpoints(),
        *MailboxApi(auth).endpoints(),
    ]

    @functools.cache
    def description() -> bytes:
        return json.dumps(document(endpoints, __version__), indent=1).encode()

    async def openapi(_: Request) -> Response:
        return Response(description(), media_type="application/json")

    return Starlette(
        routes=[Route("/openapi.json", openapi, methods=["GET"]), *routes(endpoints, server, auth, rates)],
        exception_handlers=HANDLERS,
    )
