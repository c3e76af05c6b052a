"""The pages: what a browser is given."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import html
import mimetypes
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from ..audio.sounds import shipped
from ..conference import EarlyLink, EndedLink, UnknownLink
from .auth import Auth

if TYPE_CHECKING:
    from ..server import Server


@dataclass(frozen=True, slots=True)
class _File:
    body: bytes
    zipped: bytes
    media_type: str
    etag: str


class Pages:
    """Front page, a participant's page, the operator's page, and the files that belong to them.

    All of them are read once, at the start: they are few and small.
    """

    def __init__(self, server: Server, auth: Auth, folder: Path | None = None) -> None:
        self._server = server
        self._auth = auth
        folder = folder or shipped("web")
        self._pages = {path.name: lean(path) for path in folder.glob("*.html")}
        self._languages = {path.stem for path in (folder / "words").glob("*.js")}
        self._modules = ["session.js", "dom.js", "words.js"] + [
            f"conference/{path.name}" for path in sorted((folder / "conference").glob("*.js"))
        ]
        self._files = {
            path.relative_to(folder).as_posix(): _read(path)
            for path in folder.rglob("*")
            if path.is_file() and path.suffix in (".js", ".css", ".svg")
        }

    def routes(self) -> list[Route]:
        """Everything that is no API."""
        return [
            Route("/", self.front, methods=["GET"]),
            Route("/c/{token}", self.participant, methods=["GET"]),
            Route("/operator", self.operator, methods=["GET"]),
            Route("/operator", self.log_in, methods=["POST"]),
            Route("/operator/leave", self.log_out, methods=["POST"]),
            Route("/healthz", self.health, methods=["GET"]),
            Route("/static/{path:path}", self.file, methods=["GET"]),
        ]

    async def front(self, request: Request) -> Response:
        """How to come in."""
        host = request.url.hostname or ""
        host = f"[{host}]" if ":" in host else host
        port = self._server.sip_port
        address = host if port == 5060 else f"{host}:{port}"
        page = Template(self._pages["index.html"]).substitute(
            address=html.escape(address), language=self._language(request)
        )
        return HTMLResponse(page, headers={"Vary": "Accept-Language"})

    async def participant(self, request: Request) -> Response:
        """The page of one call."""
        try:
            with contextlib.suppress(EarlyLink):
                # The page waits until the PIN is keyed in.
                self._server.conferences.links.find(request.path_params["token"])
        except EndedLink:
            text = "This link no longer works. Each call brings a link of its own."
            return self.message(request, 410, "Your call has ended", text)
        except UnknownLink:
            text = "Look at your phone again, or call again: each call brings a link of its own."
            return self.message(request, 404, "This link is not known here", text)
        language = self._language(request)
        needed = [
            f"<../static/{path}>; rel=modulepreload" for path in (*self._modules, f"words/{language}.js")
        ]
        page = Template(self._pages["conference.html"]).substitute(language=language)
        return HTMLResponse(page, headers={"Link": ", ".join(needed), "Vary": "Accept-Language"})

    async def operator(self, request: Request) -> Response:
        """All rooms and calls, for who knows the token."""
        known = self._auth.has_operator_session(request)
        return HTMLResponse(self._pages["operator.html"] if known else self._login(""))

    async def log_in(self, request: Request) -> Response:
        """Takes the token from the form."""
        form = parse_qs((await request.body()).decode("utf-8", "replace"))
        if not self._auth.is_operator_token(form.get("token", [""])[0].strip()):
            return HTMLResponse(self._login("This is not the token."), status_code=403)
        response = RedirectResponse("operator", status_code=303)
        self._auth.log_in(request, response)
        return response

    async def log_out(self, _: Request) -> Response:
        """Forgets the browser."""
        response = RedirectResponse("../operator", status_code=303)
        self._auth.log_out(response)
        return response

    async def health(self, _: Request) -> Response:
        """For whoever watches whether the server is there."""
        return PlainTextResponse("ok\n")

    async def file(self, request: Request) -> Response:
        """A script or a style sheet."""
        file = self._files.get(request.path_params["path"])
        if file is None:
            raise HTTPException(404)
        headers = {"ETag": file.etag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
        if file.etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        if "gzip" in request.headers.get("accept-encoding", ""):
            headers["Content-Encoding"] = "gzip"
            return Response(file.zipped, headers=headers, media_type=file.media_type)
        return Response(file.body, headers=headers, media_type=file.media_type)

    def message(self, request: Request, status: int, title: str, text: str) -> Response:
        """A page that says one thing."""
        # A proxy may have put all of us below a path, so links lead upwards from where the page is.
        root = "../" * (request.scope["path"].count("/") - 1)
        page = Template(self._pages["message.html"]).substitute(
            title=html.escape(title), text=html.escape(text), root=root
        )
        return HTMLResponse(page, status_code=status)

    async def on_error(self, request: Request, error: Exception) -> Response:
        """A page for an address where nothing is, and the like."""
        assert isinstance(error, HTTPException)
        if error.status_code == 404:
            response = self.message(request, 404, "There is nothing here", "Look at the address again.")
        else:
            response = self.message(request, error.status_code, "This does not work", f"{error.detail}.")
        response.headers.update(error.headers or {})
        return response

    async def on_failure(self, request: Request, error: Exception) -> Response:
        """A fault of ours."""
        return self.message(
            request, 500, "The server has failed", "This should not happen. It has been logged."
        )

    def _language(self, request: Request) -> str:
        return spoken(request.headers.get("accept-language", ""), self._languages)

    def _login(self, error: str) -> str:
        return Template(self._pages["login.html"]).substitute(error=html.escape(error))


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


def lean(path: Path) -> str:
    """A file of the pages without what is in it for those who read the source alone: comments, indents and
    blanks. What is left is as good to read for a browser, and a third smaller."""
    text = path.read_text("utf-8")
    if path.suffix == ".html":
        return "".join(f"{line.strip()}\n" for line in text.splitlines() if line.strip())
    text = re.sub(r"^\s*/\*.*?\*/$", "", text, flags=re.MULTILINE | re.DOTALL)
    if path.suffix == ".css":
        return re.sub(r"\s*([{};,])\s*", r"\1", text).replace(": ", ":").strip()
    lines = (line.strip() for line in re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE).splitlines())
    return "".join(f"{_tight(line)}\n" for line in lines if line)


def _tight(line: str) -> str:
    """A line of a script without the blanks beside signs, but for those in texts."""
    if line.count("`") > 2 or re.search(r"[(=,] ?/", line):
        return line  # a text within a text, or a regular expression
    parts = re.split(r'("(?:[^"\\]|\\.)*"|`[^`]*`)', line)
    parts[::2] = [re.sub(r" ?([=+\-*<>&|?:,{}()\[\];!]) ?", r"\1", part) for part in parts[::2]]
    return "".join(parts)


def _read(path: Path) -> _File:
    body = lean(path).encode()
    media_type = "text/javascript" if path.suffix == ".js" else mimetypes.guess_type(path.name)[0] or ""
    return _File(
        body=body,
        zipped=gzip.compress(body, mtime=0),
        media_type=media_type,
        etag=f'W/"{hashlib.blake2b(body, digest_size=12).hexdigest()}"',
    )
