"""A browser's side of the control application, without a network."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote, urlsplit

import httpx
from starlette.types import ASGIApp, Message

from sems import Server
from sems.testing import Phone


def client(server: Server, token: str | None = None, base: str = "http://sems.test") -> httpx.AsyncClient:
    """Talks to the server's pages and API; ``token`` goes into ``Authorization``."""
    assert server.web_app is not None
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx.AsyncClient(transport=httpx.ASGITransport(server.web_app), base_url=base, headers=headers)


def token_of(phone: Phone) -> str:
    """The credential in the link that the phone was given."""
    assert phone.link is not None
    return phone.link.rpartition("/")[2]


@dataclass(frozen=True)
class Told:
    """One event of a stream."""

    name: str = "message"
    id: str | None = None
    data: Any = None


@dataclass
class Stream:
    """An event stream as a browser reads it: ``async with Stream(app, path) as stream``.

    A reader that is ``slow`` takes what is sent only when it asks for it.
    """

    app: ASGIApp
    url: str
    headers: dict[str, str] = field(default_factory=dict)
    slow: bool = False
    status: int = 0
    over: bool = False
    """The server has ended it."""

    async def __aenter__(self) -> Self:
        parts = urlsplit(self.url)
        scope = {
            "type": "http", "http_version": "1.1", "method": "GET", "scheme": "http", "root_path": "",
            "path": unquote(parts.path), "raw_path": parts.path.encode(),
            "query_string": parts.query.encode(),
            "headers": [(name.lower().encode(), value.encode()) for name, value in self.headers.items()],
            "server": ("sems.test", 80), "client": ("127.0.0.1", 9),
        }  # fmt: skip
        self._text = ""
        self._gone = asyncio.Event()
        self._sent: asyncio.Queue[str] = asyncio.Queue(1 if self.slow else 0)
        self._task = asyncio.create_task(self.app(scope, self._receive, self._send))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._gone.set()
        while not self._task.done():
            while not self._sent.empty():
                self._sent.get_nowait()
            await asyncio.sleep(0.01)

    async def next(self, *names: str, timeout: float = 3.0) -> Told:
        """The next event, or the next of one of these; levels, figures and beats only if they are named."""
        async with asyncio.timeout(timeout):
            while True:
                told = await self._next()
                if told.name in names or (not names and told.name not in ("levels", "quality", "beat")):
                    return told

    async def _next(self) -> Told:
        while "\n\n" not in self._text:
            self._text += await self._sent.get()
        block, _, self._text = self._text.partition("\n\n")
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        if "data" not in fields and "event" not in fields:
            return await self._next()
        data = json.loads(fields["data"]) if fields.get("data") else None
        return Told(fields.get("event", "message"), fields.get("id"), data)

    async def _receive(self) -> Message:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        else:
            if message.get("body"):
                await self._sent.put(message["body"].decode())
            self.over = not message.get("more_body", False)
