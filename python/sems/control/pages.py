"""The pages: what a browser is given."""

from __future__ import annotations

import contextlib
import html
import re
from collections.abc import Collection
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from ..conference import EarlyLink, EndedLink, NotAllowed, UnknownLink
from ..shipped import shipped
from ..words import own_words
from .auth import Auth
from .boxes import BoxPages
from .files import load
from .rates import Rates

if TYPE_CHECKING:
    from ..server import Server


class Pages:
    """Front page, a participant's page, the operator's page, and the files that belong to them."""

    def __init__(self, server: Server, auth: Auth, rates: Rates, folder: Path | None = None) -> None:
        """``rates``: how often tokens may be tried, together with the API."""
        self._server = server
        self._rates = rates
        self._auth = auth
        self._web = load(folder or shipped("web"), own_words(server.config.data))
        self._boxes = BoxPages(server, auth, self._words, self._page)

    def routes(self) -> list[Route]:
        """Everything that is no API."""
        return [
            Route("/", self.front, methods=["GET"]),
            Route("/c/{token}", self.participant, methods=["GET"]),
            Route("/operator", self.operator, methods=["GET"]),
            Route("/operator", self.log_in, methods=["POST"]),
            Route("/operator/leave", self.log_out, methods=["POST"]),
            *self._boxes.routes(),
            Route("/healthz", self.health, methods=["GET"]),
            Route("/static/{path:path}", self.file, methods=["GET"]),
        ]

    async def front(self, request: Request) -> Response:
        """How to come in."""
        host = request.url.hostname or ""
        host = f"[{host}]" if ":" in host else host
        port = self._server.sip_port
        address = host if port == 5060 else f"{host}:{port}"
        keys = self._server.config.keys
        return self._page(request, "index", address=html.escape(address), pair=keys.pair, code=keys.code)

    async def participant(self, request: Request) -> Response:
        """The page of one call."""
        try:
            with contextlib.suppress(EarlyLink):
                # The page waits until the PIN is keyed in.
                self._server.conferences.links.find(request.path_params["token"])
        except EndedLink:
            return self.message(request, 410, "callEnded")
        except UnknownLink:
            return self.message(request, 404, "linkUnknown")
        return self._page(request, "conference")

    async def operator(self, request: Request) -> Response:
        """All rooms and calls, for who knows the token."""
        known = self._auth.has_operator_session(request)
        return self._page(request, "operator") if known else self._login(request, "")

    async def log_in(self, request: Request) -> Response:
        """Takes the token from the form."""
        self._rates.ask(self._auth.address(request))
        form = parse_qs((await request.body()).decode("utf-8", "replace"))
        if not self._auth.is_operator_token(form.get("token", [""])[0].strip()):
            return self._login(request, self._words(request)["wrongToken"], 403)
        response = RedirectResponse("operator", status_code=303)
        self._auth.log_in(request, response)
        return response

    async def log_out(self, request: Request) -> Response:
        """Forgets the browser."""
        response = RedirectResponse("../operator", status_code=303)
        try:
            self._auth.log_out(request, response)
        except NotAllowed as error:
            raise HTTPException(403, str(error)) from None
        return response

    async def health(self, _: Request) -> Response:
        """For whoever watches whether the server is there."""
        return PlainTextResponse("ok\n")

    async def file(self, request: Request) -> Response:
        """A script or a style sheet."""
        file = self._web.files.get(request.path_params["path"])
        if file is None:
            raise HTTPException(404)
        headers = {"ETag": file.etag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
        if file.etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        if "gzip" in request.headers.get("accept-encoding", ""):
            headers["Content-Encoding"] = "gzip"
            return Response(file.zipped, headers=headers, media_type=file.media_type)
        return Response(file.body, headers=headers, media_type=file.media_type)

    def message(self, request: Request, status: int, what: str) -> Response:
        """A page that says one thing, in the words of that name."""
        # A proxy may have put all of us below a path, so links lead upwards from where the page is.
        root = "../" * (request.scope["path"].count("/") - 1)
        words = self._web.words[self._language(request)]
        title, text = (html.escape(words[key]) for key in (f"{what}Title", f"{what}Text"))
        return self._page(request, "message", status, title=title, text=text, root=root)

    async def on_error(self, request: Request, error: Exception) -> Response:
        """A page for an address where nothing is, and the like."""
        assert isinstance(error, HTTPException)
        response = self.message(
            request, error.status_code, "nothingHere" if error.status_code == 404 else "notSo"
        )
        response.headers.update(error.headers or {})
        return response

    async def on_failure(self, request: Request, error: Exception) -> Response:
        """A fault of ours."""
        return self.message(request, 500, "failure")

    def _page(self, request: Request, name: str, status: int = 200, **values: str) -> Response:
        language = self._language(request)
        page = Template(self._web.pages[name, language]).substitute(values, language=language)
        return HTMLResponse(page, status_code=status, headers={"Vary": "Accept-Language"})

    def _language(self, request: Request) -> str:
        return spoken(request.headers.get("accept-language", ""), self._web.languages)

    def _words(self, request: Request) -> dict[str, str]:
        return self._web.words[self._language(request)]

    def _login(self, request: Request, error: str, status: int = 200) -> Response:
        return self._page(request, "login", status, error=html.escape(error))


def spoken(accepted: str, known: Collection[str]) -> str:
    """Of the languages that are ``known``, the one that the reader likes best (RFC 9110 §12.5.4); English
    if there is none."""
    wishes: list[tuple[float, str]] = []
    for wish in accepted.split(","):
        language, _, parameter = wish.partition(";")
        quality = re.fullmatch(r"\s*q=([01](?:\.\d{0,3})?)\s*", parameter)
        wishes.append((float(quality[1]) if quality else 1.0, language.strip().lower().partition("-")[0]))
    liked = [(quality, language) for quality, language in wishes if quality and language in known]
    # The first of those that he likes as well.
    return max(liked, key=lambda each: each[0], default=(1.0, "en"))[1]
