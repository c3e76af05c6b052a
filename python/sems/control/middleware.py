"""What holds for every response, and for every request body."""

from __future__ import annotations

from typing import Final
from urllib.parse import unquote

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: The largest body that is read, in bytes.
LARGEST_BODY: Final = 64 * 1024

_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self' data:",
        "media-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS: Final = [
    (b"content-security-policy", _POLICY.encode()),
    # A link is a secret, and the address of a page is what a Referer tells.
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-resource-policy", b"same-origin"),
]
_NOT_KEPT: Final = (b"cache-control", b"no-store")


#: Stands for a slash inside of a segment of a path, which would else look like the end of the segment.
INNER_SLASH: Final = "\0"


class ExactPath:
    """Keeps ``a%2Fb`` one segment, so that a conference can be named ``a/b``."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raw = scope.get("raw_path")
        if raw and b"%2f" in raw.lower():
            segments = [
                unquote(segment).replace("/", INNER_SLASH)
                for segment in raw.decode("utf-8", "replace").split("/")
            ]
            scope = {**scope, "path": "/".join(segments)}
        await self._app(scope, receive, send)


class Guard:
    """Adds the header fields that protect a page, and reads no more than :data:`LARGEST_BODY`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        size = 0

        async def receive_some() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > LARGEST_BODY:
                raise HTTPException(413)
            return message

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*message.get("headers", ()), *_HEADERS]
                if not any(name == b"cache-control" for name, _ in headers):
                    headers.append(_NOT_KEPT)
                message = {**message, "headers": headers}
            await send(message)

        await self._app(scope, receive_some, send_guarded)
