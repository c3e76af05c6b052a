"""All connections of a server: making them, ending them, and what has happened to them."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from .. import checks
from ..conference.errors import BadTarget, NoSuchCall, Refused
from ..subscribers import Subscribers
from .connection import Change, Connection, Side, Wanted
from .switching import Switching, way_to

if TYPE_CHECKING:
    from ..server import Server

#: So long, in seconds, it is remembered what became of a connection, …
REMEMBERED: Final = 600.0
#: … and of how many.
MOST: Final = 1000
#: So many changes are kept for those who follow and were away.
KEPT: Final = 2000


class NoSuchConnection(NoSuchCall):
    """Nobody knows of it, or not any more.

    >>> try:
    ...     server.connections.get(1)
    ... except NoSuchConnection as error:
    ...     print(error)
    """

    def __init__(self) -> None:
        Refused.__init__(self, "There is no such connection, or it ended long ago.")


class Connections:
    """Connects others, as ``[dialout]`` allows it.

    >>> connections = server.connections
    >>> connection = connections.connect(Wanted(first="sip:anna@anna", second="sip:bob@bob"))
    >>> forget = connections.subscribe(lambda change: print(change.connection.state))
    >>> (await connections.end(connection.id)).state
    <State.CANCELLED: 'cancelled'>
    """

    def __init__(self, server: Server, clock: Callable[[], float] = time.time) -> None:
        self._server = server
        self._clock = clock
        self._connections: dict[int, Connection] = {}
        self._running: dict[int, asyncio.Task[None]] = {}
        self._changes: deque[Change] = deque(maxlen=KEPT)
        self._subscribers: Subscribers[Change] = Subscribers()
        # It rises from one run of the server to the next, as that of conferences.
        self.sequence = int(clock() * 1000)
        """The number of the last change."""

    def connect(self, wanted: Wanted, *, by: str = "operator") -> Connection:
        """Begins to call, and returns at once.

        >>> server.connections.connect(Wanted(first="anna", second="+49301234567"))

        ``by``: whose wish it is; calls are counted for him as for a room (``[dialout] room_concurrent``).
        Raises BadTarget, NotAllowed for whom ``[dialout]`` does not allow, and LinesBusy.
        """
        checks.kind("wanted", wanted, "a Wanted", Wanted)
        checks.text("by", by)
        if wanted.service is not None and not self._serves(wanted.service):
            raise BadTarget("There is no service of this name.")
        for target in (wanted.first, wanted.second):
            if target is not None:
                way_to(self._server, target, "")
        id = self.sequence + 1
        switching = Switching(self._server, self, id, wanted, f"connections of {by}")
        self._forget_what_is_long_ago()
        connection = Connection(
            id=id,
            first=Side(wanted.first),
            second=None if wanted.second is None else Side(wanted.second),
            room=wanted.room,
            service=wanted.service,
            began=self._clock(),
        )
        self._record(connection)
        task = asyncio.create_task(switching.run(), name=f"connection {id}")
        self._running[id] = task

        def over(_: asyncio.Task[None]) -> None:
            self._running.pop(id, None)
            switching.finish()

        task.add_done_callback(over)
        return connection

    async def end(self, id: int) -> Connection:
        """Takes it back, or hangs up on both; harmless when it is over. Raises NoSuchConnection."""
        self.get(id)
        if task := self._running.get(id):
            task.cancel()
            await asyncio.wait({task})
            # What is done when it is over is done in the next turn of the loop.
            await asyncio.sleep(0)
        return self.get(id)

    def get(self, id: int) -> Connection:
        """One of them. Raises NoSuchConnection."""
        checks.whole("id", id, 0, checks.HIGHEST)
        try:
            return self._connections[id]
        except KeyError:
            raise NoSuchConnection from None

    def __iter__(self) -> Iterator[Connection]:
        """Those that go on, and those that ended not long ago, the oldest first."""
        self._forget_what_is_long_ago()
        return iter(list(self._connections.values()))

    def subscribe(self, callback: Callable[[Change], None]) -> Callable[[], None]:
        """Tells ``callback`` of all changes; returns what ends that."""
        checks.callback("callback", callback)
        return self._subscribers.add(callback)

    def since(self, sequence: int) -> list[Change] | None:
        """What has happened after that one; ``None``: nobody remembers."""
        checks.whole("sequence", sequence, 0, checks.HIGHEST)
        oldest = self._changes[0].sequence if self._changes else self.sequence + 1
        if not oldest - 1 <= sequence <= self.sequence:
            return None
        return [change for change in self._changes if change.sequence > sequence]

    def now(self) -> float:
        """Seconds since 1970."""
        return self._clock()

    def change(self, id: int, **values: Any) -> Connection:
        """For what connects: something is so now."""
        before = self._connections[id]
        after = replace(before, **values)
        if after != before:
            self._record(after)
        return after

    async def close(self) -> None:
        """Ends them all."""
        running = list(self._running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _serves(self, name: str) -> bool:
        app = self._server.apps.get(name)
        return app is not None and app.handler is not None

    def _record(self, connection: Connection) -> None:
        self.sequence += 1
        self._connections[connection.id] = connection
        change = Change(self.sequence, self._clock(), connection)
        self._changes.append(change)
        self._subscribers.tell(change)

    def _forget_what_is_long_ago(self) -> None:
        oldest = self._clock() - REMEMBERED
        over = [each for each in self._connections.values() if each.ended is not None]
        for place, each in enumerate(over):
            if (each.ended or 0.0) < oldest or len(over) - place > MOST:
                del self._connections[each.id]
