"""Bringing a browser to the page of a call whose telephone shows no link, by six digits.

Either the browser shows a code that is keyed in on the phone during the call, or the phone speaks a code
that is typed in the browser. The link itself is told only to the browser: to the one that has the secret
given with its code, or that knew the code which the phone has spoken.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address
from itertools import combinations
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from ..log import logger
from .errors import Refused

if TYPE_CHECKING:
    from .member import Member

#: How long a code lives, in seconds.
LASTS: Final = 120.0
#: So many digits has a code.
DIGITS: Final = 6
#: Codes that browsers can have open at once: in all, and of one address (of IPv6 a /64).
MOST_OPEN: Final = 1000
MOST_OF_SOURCE: Final = 40
#: Wrong codes within the life of a code, after which no more are looked at: of one address, of one call,
#: and in all. Of a million codes so few can be tried that a given one is hit once in 16,000 lives of a code.
MOST_WRONG_OF_SOURCE: Final = 10
MOST_WRONG_OF_CALL: Final = 5
MOST_WRONG: Final = 60

_Key = TypeVar("_Key")


class WrongCode(Refused):
    """Nobody has this code, or not any more."""

    code = "wrong_code"

    def __init__(self) -> None:
        super().__init__("This code is not known, or its time is over.")


class TooManyCodes(Refused):
    """Too many codes were opened, or too many wrong ones were tried."""

    code = "too_many_codes"

    def __init__(self) -> None:
        super().__init__("That was too often, so we are busy for a while. Wait two minutes and try again.")


@dataclass(slots=True, eq=False)
class Pairing:
    """A code that a browser has opened, to be keyed in on a phone."""

    code: str
    secret: str
    """What the browser shows to be given the link."""
    source: str
    until: float
    """By the clock of :class:`Pairings`, in seconds."""
    link: str | None = None
    """The token of the page, once a phone has keyed in the code."""
    paired: asyncio.Event = field(default_factory=asyncio.Event)
    waiters: int = 0
    """How many ask for it just now."""


class Pairings:
    """All codes of a server."""

    def __init__(self, first_digits: str = "0123456789", clock: Callable[[], float] = time.monotonic) -> None:
        """``first_digits``: what the codes of browsers can begin with, the others being keys that mean
        something by themselves behind a star."""
        self._first_digits = first_digits
        self._clock = clock
        self._opened: OrderedDict[str, Pairing] = OrderedDict()
        self._by_code: dict[str, Pairing] = {}
        self._opened_codes, self._spoken_codes = _Codes(), _Codes()
        self._spoken: OrderedDict[str, tuple[float, Member]] = OrderedDict()
        self._wrong_of_sources: _Tries[str] = _Tries(MOST_WRONG_OF_SOURCE, MOST_WRONG, clock)
        self._wrong_of_calls: _Tries[int] = _Tries(MOST_WRONG_OF_CALL, MOST_WRONG, clock)

    # a code goes from the browser to the phone

    def open(self, source: str) -> Pairing:
        """A new code for a browser at that address. Raises TooManyCodes."""
        self._forget_the_old()
        network = _network(source)
        of_source = sum(1 for each in self._by_code.values() if each.source == network)
        if len(self._opened) >= MOST_OPEN or of_source >= MOST_OF_SOURCE:
            raise TooManyCodes
        code = self._opened_codes.new(self._first_digits)
        pairing = Pairing(code, secrets.token_urlsafe(16), network, self._clock() + LASTS)
        self._opened[pairing.secret] = self._by_code[code] = pairing
        return pairing

    def find(self, secret: str) -> Pairing | None:
        """What was opened with that secret; ``None``: its time is over, or there never was any."""
        self._forget_the_old()
        return self._opened.get(secret)

    def left(self, pairing: Pairing) -> float:
        """For how long it still lives, in seconds."""
        return max(0.0, pairing.until - self._clock())

    def key_in(self, code: str, member: Member) -> None:
        """His phone has keyed in a code: the browser that has opened it becomes his page.

        Raises WrongCode or TooManyCodes.
        """
        self._forget_the_old()
        self._wrong_of_calls.check(member.call.id)
        pairing = self._by_code.pop(code, None)
        if pairing is None:
            self._wrong_of_calls.wrong(member.call.id)
            raise WrongCode
        self._opened_codes.drop(code)
        pairing.link = member.link
        pairing.paired.set()

    # a code goes from the phone to the browser

    def speak(self, member: Member) -> str:
        """The code that his phone is to speak: the same as before for half of its life."""
        self._forget_the_old()
        now = self._clock()
        for code, (until, owner) in self._spoken.items():
            if owner is member and until - now > LASTS / 2:
                return code
        self.forget(member)
        code = self._spoken_codes.new()
        self._spoken[code] = now + LASTS, member
        return code

    def claim(self, code: str, source: str) -> str:
        """Somebody in a browser at that address has heard a code: the token of the page, once.

        Raises WrongCode or TooManyCodes.
        """
        self._forget_the_old()
        network = _network(source)
        self._wrong_of_sources.check(network)
        found = self._spoken.pop(code, None)
        if found is None:
            self._wrong_of_sources.wrong(network)
            raise WrongCode
        self._spoken_codes.drop(code)
        return found[1].link

    def forget(self, member: Member) -> None:
        """His call is over: what it has spoken leads nowhere."""
        for code in [code for code, (_, owner) in self._spoken.items() if owner is member]:
            del self._spoken[code]
            self._spoken_codes.drop(code)

    def _forget_the_old(self) -> None:
        now = self._clock()
        while self._opened and (oldest := next(iter(self._opened.values()))).until <= now:
            del self._opened[oldest.secret]
            if self._by_code.pop(oldest.code, None) is not None:
                self._opened_codes.drop(oldest.code)
        while self._spoken and next(iter(self._spoken.values()))[0] <= now:
            code, _ = self._spoken.popitem(last=False)
            self._spoken_codes.drop(code)


class _Tries(Generic[_Key]):
    """Counts who has tried in vain, within the life of a code."""

    def __init__(self, most: int, most_in_all: int, clock: Callable[[], float]) -> None:
        self._most = most
        self._most_in_all = most_in_all
        self._clock = clock
        self._since = -LASTS
        self._tries: Counter[_Key] = Counter()

    def check(self, who: _Key) -> None:
        """Raises TooManyCodes."""
        if self._clock() - self._since >= LASTS:
            self._since = self._clock()
            self._tries.clear()
        if self._tries[who] >= self._most or self._tries.total() >= self._most_in_all:
            raise TooManyCodes

    def wrong(self, who: _Key) -> None:
        """Again."""
        self._tries[who] += 1
        if self._tries.total() == self._most_in_all:
            logger.warning("so many wrong codes were tried that no more are looked at for two minutes")


class _Codes:
    """The codes that somebody has. A new one is, where that is possible, none that a mistaken digit or two
    make of another: who mistypes then comes to nobody else's page."""

    def __init__(self) -> None:
        self._places: tuple[Counter[str], ...] = (Counter(), Counter(), Counter())

    def new(self, first_digits: str = "0123456789") -> str:
        """One that nobody has. Raises TooManyCodes if that is hard to find."""
        best, farthest = "", 0
        for _ in range(50):
            rest = secrets.randbelow(10 ** (DIGITS - 1))
            code = f"{secrets.choice(first_digits)}{rest:0{DIGITS - 1}}"
            distance = self._distance(code)
            if distance > farthest:
                best, farthest = code, distance
            if farthest == len(self._places):
                break
        if not best:
            raise TooManyCodes
        for n, taken in enumerate(self._places):
            taken.update(_without(best, n))
        return best

    def _distance(self, code: str) -> int:
        """In how many digits it differs from the code that is most like it, as far as that is known."""
        for n, taken in enumerate(self._places):
            if any(each in taken for each in _without(code, n)):
                return n
        return len(self._places)

    def drop(self, code: str) -> None:
        """Nobody has it any more."""
        for n, taken in enumerate(self._places):
            taken.subtract(_without(code, n))
            for each in _without(code, n):
                if not taken[each]:
                    del taken[each]


def _without(code: str, digits: int) -> list[str]:
    """The code with so many of its digits covered, in all ways."""
    return [
        "".join("_" if place in covered else digit for place, digit in enumerate(code))
        for covered in combinations(range(DIGITS), digits)
    ]


def _network(source: str) -> str:
    """An address, of IPv6 the network of 64 bits, which is what one customer has at least."""
    try:
        address = ip_address(source)
    except ValueError:
        return source
    return str(int(address) >> 64) if isinstance(address, IPv6Address) else source
