"""The API of click to dial: two are called and put through to each other, or one is called back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

from starlette.types import ASGIApp

from ..connecting import Change, Connections, NoSuchConnection
from .endpoint import SINCE, Ask, Endpoint, answer
from .stream import EventStream, Streams, event
from .views import ConnectionEventView, ConnectionList, ConnectionView, ConnectionWish


class ConnectionApi:
    """Connects, shows how far it is, and ends it."""

    def __init__(self, streams: Streams) -> None:
        self._streams = streams

    def endpoints(self) -> list[Endpoint]:
        """All that belongs to connections."""
        one = "/connections/{connection}"
        return [
            Endpoint(
                method="POST",
                path="/connections",
                handle=self.connect,
                name="connect",
                summary=(
                    "Call somebody, then somebody else, and put them through to each other; or call somebody "
                    "into a room or to a service"
                ),
                who="operator",
                body=ConnectionWish,
                answer=ConnectionView,
                errors=(403, 409, 413, 415, 422),
            ),
            Endpoint(
                method="GET",
                path="/connections",
                handle=self.list_all,
                name="listConnections",
                summary="Those that go on, and those that ended within ten minutes",
                who="operator",
                answer=ConnectionList,
            ),
            Endpoint(
                method="GET",
                path="/connections/events",
                handle=self.follow,
                name="followConnections",
                summary="Follow all by Server-Sent Events: `snapshot` (as of listConnections), then changes",
                who="operator",
                answer=ConnectionEventView,
                media_type="text/event-stream",
                errors=(422,),
                query=SINCE,
            ),
            Endpoint(
                method="GET",
                path=one,
                handle=self.show,
                name="getConnection",
                summary="A connection",
                who="operator",
                answer=ConnectionView,
                errors=(404,),
            ),
            Endpoint(
                method="DELETE",
                path=one,
                handle=self.end,
                name="endConnection",
                summary="Take it back, or hang up on both",
                who="operator",
                answer=ConnectionView,
                errors=(404,),
            ),
            Endpoint(
                method="GET",
                path=f"{one}/events",
                handle=self.follow,
                name="followConnection",
                summary="Follow one by Server-Sent Events until it is over, which the event `ended` says",
                who="operator",
                answer=ConnectionEventView,
                media_type="text/event-stream",
                errors=(404, 422),
                query=SINCE,
            ),
        ]

    async def connect(self, ask: Ask) -> ASGIApp:
        """Begins to call."""
        wish = await ask.body(ConnectionWish)
        return answer(ConnectionView.of(ask.server.connections.connect(wish.wanted(), by=ask.caller.name)))

    async def list_all(self, ask: Ask) -> ASGIApp:
        """All that is remembered."""
        return answer(_listed(ask.server.connections, None))

    async def show(self, ask: Ask) -> ASGIApp:
        """One."""
        return answer(ConnectionView.of(ask.server.connections.get(_id(ask))))

    async def end(self, ask: Ask) -> ASGIApp:
        """Ends one."""
        return answer(ConnectionView.of(await ask.server.connections.end(_id(ask))))

    async def follow(self, ask: Ask) -> ASGIApp:
        """The stream of all, or of one."""
        connections = ask.server.connections
        only = connections.get(_id(ask)).id if "connection" in ask.request.path_params else None
        reader = _Reader(connections, only, ask.since())
        return EventStream(reader, self._streams, ask.caller.name, ask.browser)


class _Reader:
    """One who follows."""

    def __init__(self, connections: Connections, only: int | None, since: int | None) -> None:
        """``only``: of this one alone. ``since``: the number of the last event that he knows."""
        self._connections = connections
        self._only = only
        self._since = since
        self._unsubscribe: Callable[[], None] | None = None

    def open(self, wake: asyncio.Event) -> None:
        self._unsubscribe = self._connections.subscribe(lambda _: wake.set())

    def close(self) -> None:
        if self._unsubscribe:
            self._unsubscribe()

    def take(self) -> tuple[bytes, bool]:
        changes = None if self._since is None else self._connections.since(self._since)
        self._since = self._connections.sequence
        if changes is None:
            listed = _listed(self._connections, self._only)
            chunk = event(listed.model_dump_json(), name="snapshot", id=listed.sequence)
        else:
            chunk = b"".join(
                self._coded(each) for each in changes if self._only in (None, each.connection.id)
            )
        over = self._only is not None and self._is_over(self._only)
        return chunk + (event(json.dumps({"reason": "ended"}), name="ended") if over else b""), over

    def _is_over(self, id: int) -> bool:
        try:
            return self._connections.get(id).over
        except NoSuchConnection:
            return True

    @staticmethod
    def _coded(change: Change) -> bytes:
        return event(ConnectionEventView.of(change).model_dump_json(), id=change.sequence)


def _listed(connections: Connections, only: int | None) -> ConnectionList:
    return ConnectionList(
        sequence=connections.sequence,
        connections=[ConnectionView.of(each) for each in connections if only in (None, each.id)],
    )


def _id(ask: Ask) -> int:
    if (id := ask.number("connection")) is None:
        raise NoSuchConnection
    return id
