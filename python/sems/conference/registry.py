"""All conferences of a server."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from .. import checks
from ..errors import WrongState
from ..events import Ended
from ..subscribers import Subscribers
from .archive import Archive
from .conference import Conference
from .exchange import Exchange
from .focus import take_subscription
from .keypad import codes
from .links import Links
from .numbers import Numbers
from .pairing import Pairings
from .phones import Sent, sender_of
from .pin import Guesses
from .referrals import take_refer
from .spoken_names import SpokenNames
from .texting import take_text

if TYPE_CHECKING:
    from ..call import Call
    from ..server import Server
    from ..sip.requests import SipRequest
    from ..sip.subscriptions import Subscription
    from ..sip.transfer import Refer


class Conferences:
    """Finds conferences by name, and makes them when somebody wants to join.

    A conference lasts as long as somebody is in it.

    >>> standup = server.conferences.get("standup")
    >>> server.conferences.find("standup") is None      # as nobody is in it
    True
    >>> forget = server.conferences.subscribe(lambda conference: print(conference.name, "begins"))
    """

    def __init__(self, server: Server, clock: Callable[[], float] = time.time) -> None:
        self.server = server
        self.links = Links()
        self.archive = Archive(server.config.data / "recordings")
        """What was recorded."""
        self.spoken_names = SpokenNames(server.config.data / "names")
        self.exchange = Exchange(server, _now, lambda: server.components.dialout)
        self.pairings = Pairings(server.config.keys.first_digits, _now)
        self.codes = codes(server.config.keys)
        """What members key in, by its code; the same for all."""
        self._conferences: dict[str, Conference] = {}
        self._numbers = Numbers(server.config)
        self._guesses: WeakValueDictionary[str, Guesses] = WeakValueDictionary()
        self._begun: Subscribers[Conference] = Subscribers()
        self._taking_part: dict[int, str] = {}
        # Numbers of events rise from one life of a room to the next, and from one run of the server to
        # the next, so that nobody who comes back with an old number is told half of the story.
        self._sequence = int(clock() * 1000)

    def get(self, name: str) -> Conference:
        """The conference of that name, made if there is none."""
        checks.kind("name", name, "a text", str)
        conference = self._conferences.get(name)
        if conference is None:
            conference = self._conferences[name] = Conference(name, self, self._sequence)
            self._begun.tell(conference)
        return conference

    def subscribe(self, callback: Callable[[Conference], None]) -> Callable[[], None]:
        """Tells ``callback`` of each conference that begins, before anybody is in it; returns what ends
        that."""
        checks.callback("callback", callback)
        return self._begun.add(callback)

    def find(self, name: str) -> Conference | None:
        """The conference of that name, if there is one."""
        checks.kind("name", name, "a text", str)
        conference = self._conferences.get(name)
        return conference if conference and conference.members else None

    async def answer(self, call: Call) -> None:
        """Answers a call of which it is not known yet to which room it will go, with the link to a page,
        which opens when :meth:`Conference.join() <sems.Conference.join>` has let it in.

        >>> await server.conferences.answer(call)
        """
        checks.call("call", call)
        if call.state == "answered":
            return
        link = self.links.reserve()
        call.subscribe(lambda event: self.links.end(link) if isinstance(event, Ended) else None)
        await call.be_focus()
        await call.answer(link=f"{self.server.base_url(call.local)}/c/{link}")

    async def by_number(self, call: Call, number: str, *, known: bool = False) -> str | None:
        """The name of the room that this caller means by the number that he has keyed in: the one with this
        ``number`` in ``[rooms]``, else the one of this name, if it is digits alone. ``known``: only one that
        ``[rooms]`` names. None: there is none. Whoever is often wrong is answered ever later.

        >>> name = await server.conferences.by_number(call, "4711", known=True)
        """
        checks.call("call", call)
        checks.kind("number", number, "a text", str)
        checks.flag("known", known)
        return await self._numbers.find(call, number, known=known)

    def guesses(self, room: str) -> Guesses:
        """For a conference: wrong PINs of the room of that name. They are remembered while nobody is in it,
        too: else whoever comes in and leaves again could guess the PIN of its moderators for ever."""
        return self._guesses.setdefault(room, Guesses())

    @contextlib.contextmanager
    def taking_part(self, call: Call, room: str) -> Iterator[None]:
        """For conferences: the call is in that room, or at its door. Raises WrongState when it is in one
        already."""
        if (other := self._taking_part.get(call.id)) is not None:
            raise WrongState(f"the call takes part in a conference already, {other!r}")
        self._taking_part[call.id] = room
        try:
            yield
        finally:
            del self._taking_part[call.id]

    def vanish(self, conference: Conference) -> None:
        """Forgets a conference that everybody has left."""
        self._sequence = max(self._sequence, conference.model.sequence)
        if self._conferences.get(conference.name) is conference:
            del self._conferences[conference.name]

    async def take_message(self, room: str | None, message: SipRequest) -> None:
        """A text (MESSAGE, RFC 3428) for the room, which only its members may write: in their calls, or
        outside, where they must show that they are the same (:func:`~sems.conference.phones.is_from`).
        Everybody who may read it does, on his page and on a phone that takes texts. One that begins with
        ``@NAME`` is for that member alone. Answers it; who is not in the room gets 403. ``room=None``: the
        one that the sender is in."""
        _check(room, "message", message, "method")
        await take_text(self._of(room, message), message)

    async def take_subscription(self, room: str | None, subscription: Subscription) -> None:
        """A subscription to what the room is like (RFC 4575), in the call of a member or outside, for its
        members and for trusted neighbours. Each is told everything and then what changes, once a second at
        most; a member also the link to his own page, as a service URI. Returns when it is over."""
        _check(room, "subscription", subscription, "package")
        await take_subscription(self._of(room, subscription), subscription)

    async def take_refer(self, room: str | None, refer: Refer) -> None:
        """A member asks to call somebody into the room, or with ``method=BYE`` in the Refer-To to take
        somebody out of it (RFC 4579 §5.5, §5.11), as far as he may. Answers it, and tells him what comes of
        it; who is not in the room gets 403."""
        _check(room, "refer", refer, "target")
        await take_refer(self._of(room, refer), refer)

    def _of(self, room: str | None, sent: Sent) -> Conference | None:
        """The conference that something is for: that of the call in which it came, or the one named."""
        if sent.call is None and room is not None:
            return self.find(room)
        return next((each for each in self if sender_of(each, sent)), None)

    def __iter__(self) -> Iterator[Conference]:
        """Those that somebody is in, in the order in which they began."""
        return iter([conference for conference in self._conferences.values() if conference.members])

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _check(room: str | None, name: str, sent: Sent, part: str) -> None:
    if room is not None:
        checks.kind("room", room, "the name of a room, or None", str)
    if isinstance(sent, type) or not hasattr(sent, part):
        raise checks.wrong(name, f"a {name} that has come", sent, TypeError)


def _now() -> float:
    return asyncio.get_running_loop().time()
