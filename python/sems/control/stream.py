"""Server-Sent Events: how a page or a program follows what happens.

A stream keeps no queue. It remembers how far its reader has come and takes what is new from where it is
kept anyway, so a reader that is slow, or gone without a word, costs no more than any other.
"""

from __future__ import annotations

import asyncio
import contextlib
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

_OPENING: Final = f"retry: {RETRY}\n\n".encode()
_BEAT: Final = b"event: beat\ndata:\n\n"
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
        self._watch: asyncio.Task[None] | None = None

    def add(self, stream: EventStream) -> None:
        """A stream begins. Of one whose line has died without a word it is not known that it is over, so
        it is the oldest that has to go when somebody has too many."""
        mine = self._open.setdefault(stream.who, [])
        mine.append(stream)
        if len(mine) > MOST_OPEN:
            mine.pop(0).end()
        if self._watch is None:
            self._watch = asyncio.create_task(self._end_with_the_server())

    def discard(self, stream: EventStream) -> None:
        """It is over."""
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
        self, reader: Reader, streams: Streams, who: str = "", *, heartbeat: float = HEARTBEAT
    ) -> None:
        """``who``: by whose credential it was asked for."""
        self.who = who
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
        if scope["method"] != "HEAD":
            self._reader.open(self._wake)
            self._streams.add(self)
            watch = asyncio.create_task(self._watch(receive))
            try:
                async for chunk in self._chunks():
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
            finally:
                watch.cancel()
                self._streams.discard(self)
                self._reader.close()
        await send({"type": "http.response.body", "body": b"", "more_body": False})

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
