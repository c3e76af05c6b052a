"""Server-Sent Events: how a page or a program follows what happens.

A stream keeps no queue. It remembers how far its reader has come and takes what is new from where it is
kept anyway, so a reader that is slow, or gone without a word, costs no more than any other.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from typing import Final, Protocol

from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope, Send

#: A page that hears nothing for longer than this, in seconds, can be sure that the line is dead.
HEARTBEAT: Final = 5.0
#: How long a browser waits before it connects again, in milliseconds.
RETRY: Final = 1000

#: So many streams one credential can have open at once; who opens one more has the oldest ended.
MOST_OPEN: Final = 32

#: So many last in one browser, which has six lines to a server over HTTP/1.1: the others are for what is
#: asked. Whatever it opens beyond them tells what is new and ends, and is opened again after ``PAUSE``.
MOST_LINES: Final = 4
#: How soon, in milliseconds.
PAUSE: Final = 500
#: For so long, in seconds, who was told what is new counts as one who follows.
_COMES_AGAIN: Final = 2.0

_OPENING: Final = f"retry: {RETRY}\n\n".encode()
_BEAT: Final = b"event: beat\ndata:\n\n"
_AGAIN: Final = f"retry: {PAUSE}\nevent: again\ndata: null\n\n".encode()
_HEADERS: Final = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


def event(data: str, *, name: str | None = None, id: int | None = None) -> bytes:
    """One event as it is sent. ``data`` must be a single line, as JSON is."""
    fields = [
        f"id: {id}\n" if id is not None else "",
        f"event: {name}\n" if name else "",
        f"data: {data}\n\n",
    ]
    return "".join(fields).encode()


class Reader(Protocol):
    """What one stream is fed from."""

    def open(self, wake: asyncio.Event) -> None:
        """``wake`` is to be set from now on whenever there is something new."""

    def close(self) -> None:
        """Nobody reads any more."""

    def take(self) -> tuple[bytes, bool]:
        """All that is new, and whether that was the last."""


class Streams:
    """All open streams. They end themselves when the server stops, which would else wait for them."""

    def __init__(self, stopping: asyncio.Event) -> None:
        self._stopping = stopping
        # By whose they are, the oldest first.
        self._open: dict[str, list[EventStream]] = {}
        # How many last in a browser.
        self._lines: Counter[str] = Counter()
        self._watch: asyncio.Task[None] | None = None

    def add(self, stream: EventStream) -> bool:
        """A stream begins. False: its browser has no line for one that lasts.

        Of one whose line has died without a word it is not known that it is over, so it is the oldest that
        has to go when somebody has too many.
        """
        if stream.browser:
            if self._lines[stream.browser] >= MOST_LINES:
                return False
            self._lines[stream.browser] += 1
        mine = self._open.setdefault(stream.who, [])
        mine.append(stream)
        if len(mine) > MOST_OPEN:
            mine.pop(0).end()
        if self._watch is None:
            self._watch = asyncio.create_task(self._end_with_the_server())
        return True

    def discard(self, stream: EventStream) -> None:
        """It is over."""
        if stream.browser:
            self._lines[stream.browser] -= 1
            if not self._lines[stream.browser]:
                del self._lines[stream.browser]
        mine = self._open.get(stream.who, [])
        if stream in mine:
            mine.remove(stream)
        if not mine:
            self._open.pop(stream.who, None)
        if not self._open and self._watch:
            self._watch.cancel()
            self._watch = None

    def __len__(self) -> int:
        return sum(map(len, self._open.values()))

    async def _end_with_the_server(self) -> None:
        await self._stopping.wait()
        for mine in self._open.values():
            for stream in mine:
                stream.end()


class EventStream:
    """A response that lasts as long as there are events and somebody who reads them."""

    def __init__(
        self,
        reader: Reader,
        streams: Streams,
        who: str = "",
        browser: str = "",
        *,
        heartbeat: float = HEARTBEAT,
    ) -> None:
        """``who``: by whose credential it was asked for. ``browser``: in which, if in any."""
        self.who = who
        self.browser = browser
        self._reader = reader
        self._streams = streams
        self._heartbeat = heartbeat
        self._wake = asyncio.Event()
        self._ended = False

    def end(self) -> None:
        """Ends the stream; the reader may come back."""
        self._ended = True
        self._wake.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        if scope["method"] == "HEAD":
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        self._reader.open(self._wake)
        if self._streams.add(self):
            watch = asyncio.create_task(self._watch(receive))
            try:
                async for chunk in self._chunks():
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
            finally:
                watch.cancel()
                self._streams.discard(self)
                self._reader.close()
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        # What is only read while somebody follows, as levels are, is read until he is here again.
        asyncio.get_running_loop().call_later(_COMES_AGAIN, self._reader.close)
        chunk, last = self._reader.take()
        chunk += b"" if last else _AGAIN
        await send({"type": "http.response.body", "body": chunk, "more_body": False})

    async def _chunks(self) -> AsyncIterator[bytes]:
        yield _OPENING
        while not self._ended:
            self._wake.clear()
            chunk, last = self._reader.take()
            if chunk:
                yield chunk
            if last:
                return
            if not self._wake.is_set():
                try:
                    async with asyncio.timeout(self._heartbeat):
                        await self._wake.wait()
                except TimeoutError:
                    yield _BEAT

    async def _watch(self, receive: Receive) -> None:
        message: Message = {"type": ""}
        # Who sends too much to somebody who only tells is told no more.
        with contextlib.suppress(HTTPException):
            while message["type"] != "http.disconnect":
                message = await receive()
        self.end()
