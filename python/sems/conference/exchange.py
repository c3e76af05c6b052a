"""Whom conferences may call, by which way, and how much: ``[dialout]``, for all rooms together.

What is decided here decides who pays, so it is decided from what is written, and not from what a name
server says: without ``allow`` a call goes to a literal address of this machine and is sent straight there,
since a proxy would take ``sip:0900…@127.0.0.1`` for a number of its own.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from ..components import AllowList, DialoutPolicy
from ..errors import in_one_line, is_failure
from ..log import logger
from ..sip.dialled import Address, Place, number_in
from ..sip.headers import NameAddr, SipUri
from .errors import BadTarget, LinesBusy, NotAllowed

if TYPE_CHECKING:
    from ..server import How, Server

_HOUR: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Way:
    """How somebody is called."""

    uri: str
    straight: bool
    """To this machine, by no proxy."""
    caller: NameAddr
    """Who calls; an empty ``uri``: our own address."""
    how: How = field(default_factory=dict)  # type: ignore[assignment]
    """The rest, as :meth:`Server.place() <sems.server.Server.place>` takes it."""


class Exchange:
    """Knows ``[dialout]``, and counts calls."""

    def __init__(
        self,
        server: Server,
        clock: Callable[[], float] = time.monotonic,
        policy: Callable[[], DialoutPolicy] | None = None,
    ) -> None:
        """``policy``: where to get whoever decides who may be called; None: ``[dialout] allow``."""
        self._settings = server.config.dialout
        own = AllowList(server.config, {})
        self._policy = policy or (lambda: own)
        self._server = server
        self._clock = clock
        self._going_on: Counter[str] = Counter()
        self._dialled: deque[tuple[float, str]] = deque()

    # whom, and how

    def way(self, target: str, room: str, caller: str | None) -> Way:
        """How ``target``, a name, a number or an address, is called from that room. ``caller``: the
        ``Dialout-From`` of the one who dials.

        Raises BadTarget for what is none, and NotAllowed.
        """
        from_ = self._caller(room, caller)
        for name, entry in self._settings.names.items():
            if name.casefold() == target.casefold():
                address, _ = self._address(entry, from_)
                return self._way(address, from_)
        address, number = self._address(target, from_)
        allowed = self._allowed(address, number)
        if allowed is None:
            return self._straight(address, from_)
        if allowed:
            return self._way(address, from_)
        raise NotAllowed("This can not be called from here.", "not_called_from_here")

    def redirected(self, uri: str, caller: NameAddr | None = None) -> Way:
        """How a call goes on that was sent to ``uri``; ``caller``: who calls, if not our own address. Raises
        as :meth:`way`."""
        caller = caller or NameAddr("", "")
        try:
            address = Address.parse(uri)
        except ValueError:
            raise BadTarget("The call was sent to something that can not be called.") from None
        allowed = self._allowed(address, None)
        if allowed is None:
            return self._straight(address, caller)
        if allowed:
            return self._way(address, caller)
        raise NotAllowed(
            "The call was sent to an address that can not be called from here.", "not_called_from_here"
        )

    def _allowed(self, address: Address, number: str | None) -> bool | None:
        """What the policy says; of one that fails: no."""
        try:
            return self._policy().allows(str(address), number)
        except BaseException as error:
            if not is_failure(error):
                raise
            logger.error("nobody can say who may be called", why=in_one_line(error))
            return False

    def _address(self, target: str, caller: NameAddr) -> tuple[Address, str | None]:
        """The address, and the number if it is one."""
        number = number_in(target)
        if number is None and ("@" in target or target.lower().startswith(("sip:", "sips:"))):
            try:
                return Address.parse(target), None
            except ValueError as error:
                raise BadTarget(f"This is {error}.") from None
        domain = self._domain(caller)
        if domain is None:
            raise BadTarget(
                "Names and numbers can not be called from here, only addresses such as anna@example.com.",
                "only_addresses",
            )
        try:
            return Address.parse(f"sip:{number or target}@{domain}"), number
        except ValueError:
            raise BadTarget("A name, a number or an address such as anna@example.com is wanted.") from None

    def _domain(self, caller: NameAddr) -> Place | None:
        if self._settings.domain is not None:
            return Place.parse(self._settings.domain)
        account = self._settings.account
        uri = SipUri.parse(caller.uri if account is None else self._server.accounts[account].uri)
        try:
            return Place.parse(f"[{uri.host}]" if ":" in uri.host else uri.host) if uri.host else None
        except ValueError:
            return None

    def _caller(self, room: str, given: str | None) -> NameAddr:
        if given is not None:
            caller = NameAddr.parse(given)
            if SipUri.parse(caller.uri).scheme in ("sip", "sips", "tel") and given.isprintable():
                return caller
            logger.warning("Dialout-From names no address", value=given)
        if self._settings.caller is not None:
            return NameAddr.parse(self._settings.caller)
        return NameAddr(room, "")

    def _straight(self, address: Address, caller: NameAddr) -> Way:
        if not address.place.is_loopback:
            raise NotAllowed("Only this machine itself can be called from here.", "only_this_machine")
        if address.place.host == "localhost":
            # Whatever a file or a name server says of it.
            address = replace(address, place=Place("127.0.0.1", address.place.port))
        return self._sent(address, caller, straight=True)

    def _way(self, address: Address, caller: NameAddr) -> Way:
        return self._sent(address, caller, straight=False)

    def _sent(self, address: Address, caller: NameAddr, *, straight: bool) -> Way:
        settings = self._settings
        how: How = {"from_name": caller.name}
        if caller.uri:
            how["from_uri"] = caller.uri
        if straight:
            how["route"] = ()
        elif settings.proxy is not None:
            how["route"] = [settings.proxy]
        if settings.account is not None:
            how["account"] = settings.account
        by_proxy = settings.proxy is not None and not straight
        ours = settings.domain is not None and address.place == Place.parse(settings.domain)
        if settings.username is not None and (by_proxy or ours):
            how["username"], how["password"] = settings.username, settings.password
        return Way(address.uri, straight, caller, how)

    # how much

    def check_limits(self, room: str) -> None:
        """Raises LinesBusy if that room, or all together, make as many calls as may be."""
        settings = self._settings
        self._forget_what_is_long_ago()
        dialled = Counter(name for _, name in self._dialled)
        for count, most, what in (
            (self._going_on[room], settings.room_concurrent, "this room makes {} at once"),
            (self._going_on.total(), settings.concurrent, "{} are made at once"),
            (dialled[room], settings.room_per_hour, "this room has dialled {} within an hour"),
            (len(self._dialled), settings.per_hour, "{} were dialled within an hour"),
        ):
            if count >= most:
                raise LinesBusy(f"{what.format(most)}, which is as many as may be")

    def begin(self, room: str) -> Callable[[], None]:
        """Counts a call; returns what is to be called once when it is over."""
        self._dialled.append((self._clock(), room))
        self._going_on[room] += 1

        def over() -> None:
            self._going_on[room] -= 1
            if not self._going_on[room]:
                del self._going_on[room]

        return over

    def _forget_what_is_long_ago(self) -> None:
        long_ago = self._clock() - _HOUR
        while self._dialled and self._dialled[0][0] <= long_ago:
            self._dialled.popleft()
