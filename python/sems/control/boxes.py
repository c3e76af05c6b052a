"""The page of a voice mail box: its owner plays, downloads, saves and deletes messages. No scripts needed."""

from __future__ import annotations

import asyncio
import html
import secrets
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from ..conference import NotAllowed
from ..config.boxes import BoxSettings
from ..errors import BoxLocked, PluginError, StorageError
from ..log import logger
from .auth import Auth
from .sound_files import sound_file

if TYPE_CHECKING:
    from ..server import Server
    from ..storage import StoredMessage

COOKIE: Final = "sems_box"
_SECONDS: Final = 2 * 3600
#: So many boxes are open in browsers at once; one more closes the one that was opened first.
_MOST: Final = 1000

Words = Callable[[Request], dict[str, str]]
Show = Callable[..., Response]


@dataclass(frozen=True, slots=True)
class _Session:
    box: str
    until: float


class BoxPages:
    """What is below ``/box``."""

    def __init__(self, server: Server, auth: Auth, words: Words, show: Show) -> None:
        """``words``: those of who reads; ``show``: makes a page of the name with its values."""
        self._server = server
        self._auth = auth
        self._words = words
        self._show = show
        self._sessions: OrderedDict[str, _Session] = OrderedDict()

    def routes(self) -> list[Route]:
        """Everything that belongs to it."""
        return [
            Route("/box", self.box, methods=["GET"]),
            Route("/box", self.log_in, methods=["POST"]),
            Route("/box/leave", self.log_out, methods=["POST"]),
            Route("/box/messages/{id}", self.hear, methods=["GET"]),
            Route("/box/messages/{id}/save", self.save, methods=["POST"]),
            Route("/box/messages/{id}/delete", self.delete, methods=["POST"]),
        ]

    async def box(self, request: Request) -> Response:
        """The messages, for who has shown the PIN; for others what asks for it."""
        box = self._open(request)
        if box is None:
            return self._login(request)
        words = self._words(request)
        settings = self._server.mailboxes.settings(box) or BoxSettings()
        try:
            messages = await self._server.mailboxes.messages(box)
        except StorageError as error:
            raise _not_now(error) from error
        new = sum(message.state == "new" for message in messages)
        counts = f"{new} {words['boxNew']}, {len(messages) - new} {words['boxSaved']}"
        return self._show(
            request,
            "box",
            owner=html.escape(settings.name or box),
            counts=html.escape(counts if messages else words["boxEmpty"]),
            messages="".join(_row(message, settings, words) for message in messages),
        )

    async def log_in(self, request: Request) -> Response:
        """Takes box and PIN from the form."""
        self._must_come_from_our_page(request)
        form = parse_qs((await request.body()).decode("utf-8", "replace"))
        named, pin = (form.get(name, [""])[0].strip() for name in ("box", "pin"))
        try:
            boxes = self._server.mailboxes
            box = named if boxes.settings(named) is not None else boxes.box_of(named) or ""
            if not await boxes.check_pin(box, pin):
                return self._login(request, "boxWrong", 403)
        except BoxLocked:
            return self._login(request, "boxLocked", 429)
        except (StorageError, PluginError) as error:
            raise _not_now(error) from error
        token = secrets.token_urlsafe(24)
        self._sessions[token] = _Session(box, time.monotonic() + _SECONDS)
        if len(self._sessions) > _MOST:
            self._sessions.popitem(last=False)
        response = RedirectResponse("box", status_code=303)
        base_url = self._server.config.base_url or str(request.base_url)
        response.set_cookie(
            COOKIE,
            token,
            max_age=_SECONDS,
            path="/",
            secure=base_url.startswith("https:"),
            httponly=True,
            samesite="strict",
        )
        return response

    async def log_out(self, request: Request) -> Response:
        """Closes the box."""
        self._must_come_from_our_page(request)
        self._sessions.pop(request.cookies.get(COOKIE, ""), None)
        response = RedirectResponse("../box", status_code=303)
        response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
        return response

    async def hear(self, request: Request) -> Response:
        """The sound of a message."""
        box, id = self._of(request)
        try:
            message = await self._server.mailboxes.message(box, id)
        except StorageError as error:
            raise _not_now(error) from error
        if message is None or not await asyncio.to_thread(message.path.is_file):
            raise HTTPException(404)
        download = "download" in request.query_params
        return await sound_file(request, message.path, f"{message.id}.wav" if download else None)

    async def save(self, request: Request) -> Response:
        """Keeps it as listened to."""
        box, id = self._of(request)
        return await self._done(self._server.mailboxes.save(box, id))

    async def delete(self, request: Request) -> Response:
        """Takes it away."""
        box, id = self._of(request)
        return await self._done(self._server.mailboxes.delete(box, id))

    async def _done(self, work: Awaitable[bool]) -> Response:
        try:
            found = await work
        except StorageError as error:
            raise _not_now(error) from error
        if not found:
            raise HTTPException(404)
        return RedirectResponse("../../../box", status_code=303)

    def _of(self, request: Request) -> tuple[str, str]:
        """The box that is open, and the message that is meant."""
        self._must_come_from_our_page(request)
        box = self._open(request)
        if box is None:
            raise HTTPException(403)
        return box, str(request.path_params["id"])

    def _open(self, request: Request) -> str | None:
        """The box that is open in the browser."""
        token = request.cookies.get(COOKIE, "")
        session = self._sessions.get(token)
        if session is None:
            return None
        if session.until < time.monotonic() or self._server.config.box(session.box) is None:
            del self._sessions[token]
            return None
        return session.box

    def _must_come_from_our_page(self, request: Request) -> None:
        try:
            self._auth.must_come_from_our_page(request)
        except NotAllowed as error:
            raise HTTPException(403, str(error)) from None

    def _login(self, request: Request, error: str | None = None, status: int = 200) -> Response:
        words = self._words(request)
        return self._show(request, "box-login", status, error=html.escape(words[error]) if error else "")


def _row(message: StoredMessage, box: BoxSettings, words: dict[str, str]) -> str:
    """One message, as an element of the list."""
    caller = html.escape(message.caller_name or message.caller_uri or words["boxUnknown"])
    at = box.local(message.left_at)
    when = at.strftime("%Y-%m-%d %H:%M")
    minutes, seconds = divmod(round(message.seconds), 60)
    state = words["boxNew" if message.state == "new" else "boxSaved"]
    place = f"box/messages/{html.escape(message.id)}"
    says = {key: html.escape(words[key]) for key in ("boxDownload", "boxSave", "boxDelete")}
    about = f"{caller}, {when}"
    keep = (
        f'<form method="post" action="{place}/save"><button aria-label="{says["boxSave"]}: {about}">'
        f"{says['boxSave']}</button></form>"
    )
    return (
        f'<li class="card {message.state}"><h2>{caller}</h2>'
        f'<p><time datetime="{at.isoformat(timespec="seconds")}">{when}</time>,'
        f" {minutes}:{seconds:02}, {html.escape(state)}</p>"
        f'<audio controls preload="none" src="{place}" aria-label="{about}"></audio>'
        f'<div class="actions"><a class="button" href="{place}?download" aria-label="{says["boxDownload"]}:'
        f' {about}">{says["boxDownload"]}</a>{keep if message.state == "new" else ""}'
        f'<form method="post" action="{place}/delete"><button aria-label="{says["boxDelete"]}: {about}">'
        f"{says['boxDelete']}</button></form></div></li>"
    )


def _not_now(error: Exception) -> HTTPException:
    logger.error("a box can't be used", why=str(error))
    return HTTPException(503)
