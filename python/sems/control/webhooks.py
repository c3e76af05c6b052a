"""Tells other servers what happens in conferences and with connections (https://www.standardwebhooks.com)."""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import hashlib
import hmac
import json
import secrets
import time
from collections import deque
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

import httpx

from ..config.api import Webhook
from ..log import logger
from .views import ConnectionEventView, EventView

if TYPE_CHECKING:
    from ..conference import Conference, Conferences
    from ..conference.events import Event
    from ..connecting import Change, Connections

#: After how many seconds it is tried again, and again.
RETRIES: Final = (1.0, 5.0, 30.0, 120.0, 600.0, 1800.0)
#: What is kept for one receiver that does not take it; the oldest is dropped first.
KEPT: Final = 1000
#: How long a receiver may take, in seconds.
PATIENCE: Final = 10.0
#: Of these there are many, so they are told only to who names them.
_OFTEN: Final = frozenset({"voice_changed", "line_changed"})


@dataclass(frozen=True, slots=True)
class Delivery:
    """One thing to be told."""

    id: str
    body: bytes


class Webhooks:
    """All receivers of one server."""

    def __init__(
        self, hooks: tuple[Webhook, ...], conferences: Conferences, connections: Connections
    ) -> None:
        self._receivers = [Receiver(hook) for hook in hooks]
        if self._receivers:
            conferences.subscribe(self._on_begun)
            # They belong to no room, so they are told to who is told of all rooms.
            of_all = [each for each in self._receivers if each.wants_all_rooms]
            connections.subscribe(lambda change: self._tell_of_connection(change, of_all))

    async def close(self) -> None:
        """Ends; what was not taken by then is lost, and the log says how much."""
        for receiver in self._receivers:
            await receiver.close()

    def _on_begun(self, conference: Conference) -> None:
        receivers = [each for each in self._receivers if each.wants_room(conference.name)]
        if receivers:
            conference.model.subscribe(lambda event: self._tell(conference, event, receivers))

    @staticmethod
    def _tell(conference: Conference, event: Event, receivers: list[Receiver]) -> None:
        view = EventView.of(event, conference.model, own=False)
        wanted = [each for each in receivers if each.wants_event(view.type)]
        # What is said to some alone is nobody else's business.
        if not wanted or event.audience is not None:
            return
        what: dict[str, Any] = {
            "conference": conference.name,
            "at": round(time.time(), 3),
            "event": view.model_dump(mode="json", exclude_unset=True),
        }
        _deliver(what, wanted)

    @staticmethod
    def _tell_of_connection(change: Change, receivers: list[Receiver]) -> None:
        view = ConnectionEventView.of(change)
        wanted = [each for each in receivers if each.wants_event(view.type)]
        if wanted:
            _deliver({"at": round(change.at, 3), "event": view.model_dump(mode="json")}, wanted)


class Receiver:
    """One address, which is told everything in its order, each thing until it takes it."""

    def __init__(self, hook: Webhook) -> None:
        self._hook = hook
        self._key = _key(hook.secret)
        self._queue: deque[Delivery] = deque()
        self._more = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._log = logger.bind(webhook=hook.url.partition("?")[0])
        self.dropped = 0
        """How much was not told, since the receiver did not take it in time."""

    def wants_room(self, name: str) -> bool:
        """It is to be told of this conference."""
        return any(fnmatchcase(name, pattern) for pattern in self._hook.rooms)

    @property
    def wants_all_rooms(self) -> bool:
        """It is to be told of all conferences."""
        return "*" in self._hook.rooms

    def wants_event(self, kind: str) -> bool:
        """It is to be told of such events."""
        return kind in self._hook.events if self._hook.events else kind not in _OFTEN

    def tell(self, delivery: Delivery) -> None:
        """Queues it."""
        if len(self._queue) >= KEPT:
            self._queue.popleft()
            self._drop("too much is waiting")
        self._queue.append(delivery)
        self._more.set()
        if self._task is None:
            self._task = asyncio.create_task(self._deliver())

    async def close(self) -> None:
        """Ends."""
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        for _ in range(len(self._queue)):
            self._drop("the server stops")

    async def _deliver(self) -> None:
        async with httpx.AsyncClient(timeout=PATIENCE, follow_redirects=False) as client:
            while True:
                await self._more.wait()
                while self._queue:
                    delivery = self._queue[0]
                    taken = await self._until_taken(client, delivery)
                    # While it was tried it may have been dropped.
                    if self._queue and self._queue[0] is delivery:
                        self._queue.popleft()
                        if not taken:
                            self._drop("it was not taken")
                self._more.clear()

    async def _until_taken(self, client: httpx.AsyncClient, delivery: Delivery) -> bool:
        for pause in (*RETRIES, None):
            why = await self._post(client, delivery)
            if why is None:
                return True
            if pause is None:
                break
            self._log.warning("a webhook was not taken", why=why, again_in=pause)
            await asyncio.sleep(pause)
        return False

    async def _post(self, client: httpx.AsyncClient, delivery: Delivery) -> str | None:
        """Posts it; returns why that did not work."""
        seconds = str(int(time.time()))
        headers = {
            "Content-Type": "application/json",
            "webhook-id": delivery.id,
            "webhook-timestamp": seconds,
            "webhook-signature": signature(self._key, delivery.id, seconds, delivery.body),
        }
        try:
            response = await client.post(self._hook.url, content=delivery.body, headers=headers)
        except httpx.HTTPError as error:
            return str(error) or type(error).__name__
        return None if response.is_success else f"HTTP {response.status_code}"

    def _drop(self, why: str) -> None:
        self.dropped += 1
        self._log.error("a webhook was dropped", why=why, dropped=self.dropped)


def _deliver(what: dict[str, Any], receivers: list[Receiver]) -> None:
    delivery = Delivery(f"msg_{secrets.token_urlsafe(18)}", json.dumps(what).encode())
    for receiver in receivers:
        receiver.tell(delivery)


def signature(key: bytes, id: str, seconds: str, body: bytes) -> str:
    """``v1,`` and the HMAC-SHA256, in base64, of what is sent."""
    digest = hmac.new(key, f"{id}.{seconds}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def _key(secret: str) -> bytes:
    if secret.startswith("whsec_"):
        with contextlib.suppress(binascii.Error, ValueError):
            return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    return secret.encode()
