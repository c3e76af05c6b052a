"""Those who subscribe to a conference (event package ``conference``, RFC 4575)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from ..errors import WrongState
from .event import Event
from .phones import sender_of
from .roster import CONTENT_TYPE, Roster

if TYPE_CHECKING:
    from ..sip.subscriptions import Subscription
    from .conference import Conference
    from .member import Member

#: The package.
PACKAGE: Final = "conference"
#: A subscriber is told of changes once in so many seconds at most (RFC 4575 §3.8); what has changed
#: meanwhile is told at once then.
PACE: Final = 1.0


class Focus:
    """Tells the subscribers of one conference what it is like. Without any it costs nothing."""

    def __init__(self, conference: Conference) -> None:
        self._conference = conference
        self._roster = Roster(conference)
        self._readers: set[_Reader] = set()
        self._unsubscribe: Callable[[], None] | None = None
        self._stale = True

    async def serve(self, subscription: Subscription, member: Member | None) -> None:
        """Tells a subscriber everything, and then what changes, until that is over. ``member``: who it is;
        ``None``: a trusted neighbour."""
        reader = _Reader(subscription, member)
        if not self._readers:
            self._unsubscribe = self._conference.model.subscribe(self._on_event)
            self._stale = True
        self._readers.add(reader)
        try:
            await self._follow(reader)
        finally:
            self._readers.discard(reader)
            if not self._readers and self._unsubscribe:
                self._unsubscribe()

    async def _follow(self, reader: _Reader) -> None:
        loop = asyncio.get_running_loop()
        subscription = reader.subscription
        while subscription.end is None:
            reader.wake.clear()
            reader.asked.clear()
            if not self._conference.members:
                body = self._roster.deleted(reader.entity, reader.version + 1)
                return await subscription.finish(body=body, content_type=CONTENT_TYPE)
            if reader.member and reader.member.id not in self._conference.model.participants:
                return await subscription.finish("rejected" if reader.member.removed else "noresource")
            told = loop.time()
            again = not await self._tell(reader)
            if not again:
                await reader.wake.wait()
            # What comes now waits until the pace allows it, and goes together.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(told + PACE):
                    await reader.asked.wait()

    async def _tell(self, reader: _Reader) -> bool:
        """What the subscriber does not know. False if that has to be tried again."""
        if self._stale:
            self._stale = False
            self._roster.refresh()
        version, number = reader.version + 1, self._roster.number
        body = None
        if reader.known is not None:
            if reader.known == number:
                return True
            body = self._roster.partial(reader.entity, version, reader.page, reader.known)
        if body is None:
            body = self._roster.full(reader.entity, version, reader.page)
        try:
            await reader.subscription.notify(body, CONTENT_TYPE, numbered=True)
        except WrongState:
            # Over, or the one before has no answer yet.
            return reader.subscription.end is not None
        reader.version, reader.known = version, number
        return True

    def _on_event(self, _: Event) -> None:
        self._stale = True
        for reader in self._readers:
            reader.wake.set()


class _Reader:
    """A subscriber, and how much it knows."""

    def __init__(self, subscription: Subscription, member: Member | None) -> None:
        self.subscription = subscription
        self.member = member
        self.page = member.page if member else None
        """Its own page, which is nobody else's business."""
        self.entity = _without_params(subscription.uri)
        self.version = 0
        self.known: int | None = None
        """The number of the last change that it knows; ``None``: it has to be told everything."""
        self.wake = asyncio.Event()
        """There may be something new, or nothing any more."""
        self.asked = asyncio.Event()
        """It wants to be told at once."""
        subscription.on_refresh = self._forget
        subscription.on_end = self.wake.set

    def _forget(self) -> None:
        self.known = None
        self.wake.set()
        self.asked.set()


async def take_subscription(conference: Conference | None, subscription: Subscription) -> None:
    """A SUBSCRIBE to a room: granted to those who take part in it, and to trusted neighbours."""
    member = None if conference is None else sender_of(conference, subscription)
    is_here = member is not None and member.id in member.conference.model.participants
    if not (is_here or subscription.trusted):
        await subscription.finish("rejected")
    elif conference is None:
        await subscription.finish("noresource")
    else:
        await conference.focus.serve(subscription, member if is_here else None)


def _without_params(uri: str) -> str:
    """The address alone."""
    address, _, host = uri.rpartition("@")
    host = host.partition(";")[0].partition("?")[0]
    return f"{address}@{host}" if address else uri.partition(";")[0]
