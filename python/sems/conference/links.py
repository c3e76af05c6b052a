"""The links by which people come to the page of their call.

A link is a capability: whoever has it acts as that participant, as long as the call lasts.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from ..errors import SemsError

if TYPE_CHECKING:
    from .member import Member

#: How long it is remembered, in seconds, that there was such a link, …
REMEMBERED: Final = 24 * 3600.0
#: … and of how many.
MOST_REMEMBERED: Final = 100_000

_TOKEN: Final = re.compile(r"/c/([\w-]{22})")


class UnknownLink(SemsError):
    """There is no such link, or it ended long ago."""

    def __init__(self) -> None:
        super().__init__("This link is not known here.")


class EarlyLink(SemsError):
    """Whose it is has still to answer his phone, or to key in the PIN."""

    def __init__(self) -> None:
        super().__init__("Answer your phone, or key in the PIN there. Then this page opens by itself.")


class EndedLink(SemsError):
    """The call of this link has ended."""

    def __init__(self) -> None:
        super().__init__("Your call has ended. This link no longer works.")


class Links:
    """Random tokens of 128 bits, each for one member.

    Only keyed digests are kept and looked up, so neither the time a look-up takes nor what lies in
    memory tells anything about a token.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._members: dict[bytes, Member | None] = {}
        self._ended: OrderedDict[bytes, float] = OrderedDict()
        self._reserved: set[bytes] = set()

    def reserve(self) -> str:
        """A new token for somebody who is about to become a member."""
        token = secrets.token_urlsafe(16)
        self._members[self._digest(token)] = None
        return token

    def early(self, link: str | None) -> str | None:
        """The token in the link of a call that was answered before it was known who gets it."""
        found = _TOKEN.search(link or "")
        return found[1] if found and self._members.get(self._digest(found[1]), self) is None else None

    def give(self, token: str, member: Member) -> None:
        """The token is for this member."""
        self._members[self._digest(token)] = member

    def lead_back(self, fields: Iterable[str]) -> bool:
        """One of these header fields has a link for somebody who is no member yet: we call ourselves."""
        tokens = (token for text in fields for token in _TOKEN.findall(text))
        return any(self._members.get(self._digest(token), self) is None for token in tokens)

    def find(self, token: str) -> Member:
        """Whose token this is. Raises :class:`EarlyLink`, :class:`EndedLink` or :class:`UnknownLink`."""
        digest = self._digest(token)
        if member := self._members.get(digest):
            return member
        if digest in self._members:
            raise EarlyLink
        self._forget_the_oldest()
        raise EndedLink if digest in self._ended else UnknownLink

    def end(self, token: str) -> None:
        """The call is over. Idempotent."""
        digest = self._digest(token)
        if digest in self._members:
            del self._members[digest]
            self._ended[digest] = self._clock()
            self._forget_the_oldest()

    def _forget_the_oldest(self) -> None:
        oldest = self._clock() - REMEMBERED
        while self._ended and (
            len(self._ended) > MOST_REMEMBERED or next(iter(self._ended.values())) < oldest
        ):
            self._ended.popitem(last=False)

    def _digest(self, token: str) -> bytes:
        return hashlib.blake2b(token.encode(errors="replace"), key=self._key, digest_size=16).digest()
