"""All conferences of a server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from ..subscribers import Subscribers
from .archive import Archive
from .conference import Conference
from .exchange import Exchange
from .links import Links
from .pairing import Pairings

if TYPE_CHECKING:
    from ..server import Server


class Conferences:
    """Finds conferences by name, and makes them when somebody wants to join.

    A conference lasts as long as somebody is in it.
    """

    def __init__(self, server: Server, clock: Callable[[], float] = time.time) -> None:
        self.server = server
        self.links = Links()
        self.archive = Archive(server.config.data / "recordings")
        """What was recorded."""
        self.exchange = Exchange(server, _now)
        self.pairings = Pairings(server.config.keys.first_digits, _now)
        self._conferences: dict[str, Conference] = {}
        self._begun: Subscribers[Conference] = Subscribers()
        # Numbers of events rise from one life of a room to the next, and from one run of the server to
        # the next, so that nobody who comes back with an old number is told half of the story.
        self._sequence = int(clock() * 1000)

    def get(self, name: str) -> Conference:
        """The conference of that name, made if there is none."""
        conference = self._conferences.get(name)
        if conference is None:
            conference = self._conferences[name] = Conference(name, self, self._sequence)
            self._begun.tell(conference)
        return conference

    def subscribe(self, callback: Callable[[Conference], None]) -> Callable[[], None]:
        """Tells ``callback`` of each conference that begins, before anybody is in it; returns what ends
        that."""
        return self._begun.add(callback)

    def find(self, name: str) -> Conference | None:
        """The conference of that name, if there is one."""
        conference = self._conferences.get(name)
        return conference if conference and conference.members else None

    def vanish(self, conference: Conference) -> None:
        """Forgets a conference that everybody has left."""
        self._sequence = max(self._sequence, conference.model.sequence)
        if self._conferences.get(conference.name) is conference:
            del self._conferences[conference.name]

    def __iter__(self) -> Iterator[Conference]:
        """Those that somebody is in, in the order in which they began."""
        return iter([conference for conference in self._conferences.values() if conference.members])

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _now() -> float:
    return asyncio.get_running_loop().time()
