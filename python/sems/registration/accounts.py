"""Where we are registered, as a phone is: the accounts of the configuration.

The core keeps them registered by itself. What is decided here is where their registrars are, and that
only when they are first looked for, or can't be reached any more.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from typing import TYPE_CHECKING, Literal, cast

from ..engine import Event
from ..errors import EngineError, SemsError, StartError, in_one_line, is_failure
from ..locating.ways import Way
from ..log import logger
from ..sip.auth import ANY
from ..sip.headers import SipUri, split_host_port

if TYPE_CHECKING:
    from ..config import AccountSettings
    from ..server import Server
    from ..sip.auth import Credential

State = Literal["registering", "registered", "failed", "ended"]

# Seconds after which a registrar that can't be found is looked for again: the first wait, and the longest.
_LOOK_AGAIN = (15.0, 900.0)


class Account:
    """One address of ours at somebody's registrar.

    >>> for account in server.accounts:
    ...     await account.wait_registered()
    ...     print(account.name, account.state, account.until)
    """

    def __init__(self, server: Server, number: int, settings: AccountSettings) -> None:
        self.name = settings.name
        """What apps and routes call it."""
        self.uri = settings.uri
        """The address that others call."""
        self.state: State = "registering"
        """How it stands."""
        self.code: int | None = None
        """Of a failure: what was answered; 408 for silence, 503 when there was no way there."""
        self.reason = ""
        """Of a failure: why."""
        self.changed = time.time()
        """Since when it stands so, in seconds since 1970."""
        self.until: float | None = None
        """Of ``registered``: when it ends unless it is refreshed; of ``failed``: when it is tried again. In
        seconds since 1970."""
        self.contact = ""
        """Our address as the registrar has it."""
        self.service_route: list[str] = []
        """The way that the registrar wants our calls to take (RFC 3608)."""
        self.realms: list[str] = []
        """In whose names the registrar has asked for the password."""
        self.number = number
        """What the core calls it."""
        self._server = server
        self._settings = settings
        self._way: Way | None = None
        self._looking = self._wanted = False
        self._tried = 0
        self._changed = asyncio.Event()

    def __repr__(self) -> str:
        return f"<Account {self.name} {self.state}>"

    def credentials(self, uri: str, *, by_its_way: bool = False, registers: bool = False) -> list[Credential]:
        """What the challenges to a request of ours to ``uri`` are answered with. ``by_its_way``: it goes the
        way that its registrar wants; ``registers``: to nobody behind that.

        An answer is worth something to whoever can pass on a question of our provider's, so it isn't given
        to everybody whom we call."""
        settings = self._settings
        own = {SipUri.parse(one).host for one in (self.uri, settings.registrar) if one is not None}
        realms: list[str | None]
        if not settings.password:
            realms = []
        elif settings.realm is not None:
            realms = [settings.realm]
        elif registers:
            realms = [ANY]
        elif SipUri.parse(uri).host in own or (by_its_way and uri.startswith("tel:")):
            realms = [None]
        elif by_its_way:
            realms = [*self.realms]
        else:
            realms = []
        return [(realm, settings.username, settings.password) for realm in realms]

    async def wait_registered(self) -> None:
        """Returns when it is registered."""
        while self.state != "registered":
            await self._changed.wait()

    def way(self, uri: str) -> tuple[list[str] | None, list[str] | None]:
        """Where calls to ``uri`` go that are made for this account, and by which route; None for either:
        as for any other call."""
        if self.service_route:
            return None, self.service_route
        if self._settings.proxy is not None:
            return None, [self._settings.proxy]
        if self._way is not None and SipUri.parse(uri).host == SipUri.parse(self.uri).host:
            return self._way.destinations, self._way.route
        return None, None

    def takes(self, uri: SipUri, source: str) -> bool:
        """Whether a call for this Request-URI, which came from there, is for this account."""
        ours = SipUri.parse(self.contact)
        line = uri.params.get("line")
        if line is not None:
            return self.contact != "" and line == ours.params.get("line")
        # Some registrars don't keep the parameters of a Contact.
        servers = {_ip(server) for server in (self._way.destinations if self._way else [])}
        return uri.user == ours.user and split_host_port(source)[0] in servers

    async def find_registrar(self) -> None:
        """Looks for the registrar until it is found, and has the core register there."""
        self._wanted = True
        if self._looking:
            return
        wait, longest = _LOOK_AGAIN
        self._looking = True
        try:
            while self._wanted:
                self._wanted = False
                try:
                    await self._find()
                except (SemsError, ValueError) as error:
                    self._wanted = True
                    pause = wait * random.uniform(0.5, 1.0)
                    self._become("failed", 503, str(error), pause)
                    await asyncio.sleep(pause)
                    wait = min(wait * 2, longest)
        finally:
            self._looking = False

    async def _find(self) -> None:
        settings, core = self._settings, self._server.engine.core
        registrar = settings.registrar or self._domain()
        route = [settings.proxy] if settings.proxy is not None else None
        way = await self._server.ways.find(registrar, route=route)
        before = self._way
        if before is None:
            self._way = way
            request = core.register(
                self.number,
                self.uri,
                registrar,
                way.destinations,
                route=way.route,
                expires=settings.expires,
                credentials=self.credentials(registrar, registers=True),
            )
        elif following := self._following(before.destinations, way.destinations):
            self._way = Way(following, way.route)
            request = core.reroute(self.number, following)
        else:
            return
        try:
            await self._server.engine.completion(request)
        except EngineError:
            self._way = before
            raise

    def _following(self, before: list[str], now: list[str]) -> list[str]:
        """The servers in their order, now that the first of those before has failed (RFC 3263 §4.3). None
        at all when each has had its turn: then the core waits before it tries again."""
        servers = before if set(now) == set(before) else now
        after = servers.index(before[0]) + 1 if before[0] in servers else 0
        servers = servers[after:] + servers[:after]
        self._tried += 1
        if servers[0] == before[0] or self._tried >= max(2, len(servers)):
            self._tried = 0
            return []
        return servers

    def _domain(self) -> str:
        scheme, _, rest = self.uri.partition(":")
        return f"{scheme}:{rest.rpartition('@')[2].partition(';')[0]}"

    def on_event(self, event: Event.Account) -> None:
        """For the server: how it stands now."""
        self.contact = event.contact or self.contact
        self.service_route = event.service_route if event.state == "registered" else self.service_route
        self.realms = event.realms if event.state == "registered" else self.realms
        self._tried = 0 if event.state == "registered" else self._tried
        self._become(cast(State, event.state), event.code, event.reason, event.seconds)
        if event.code in (408, 503):
            self._server.spawn(self.find_registrar())

    def _become(self, state: State, code: int | None, reason: str, seconds: float) -> None:
        if (state, code) != (self.state, self.code):
            self.changed = time.time()
            tell = logger.warning if state == "failed" else logger.info
            tell("account", account=self.name, state=state, code=code, why=reason or None)
        self.state, self.code, self.reason = state, code, reason
        self.until = None if state == "ended" else time.time() + seconds
        self._changed.set()
        self._changed = asyncio.Event()


class Accounts:
    """All accounts, by name."""

    def __init__(self, server: Server) -> None:
        """Raises StartError when the package that brings accounts is broken, or two have one name."""
        self._accounts: dict[str, Account] = {}
        for number, settings in enumerate([*server.config.accounts, *_brought(server)]):
            if settings.name in self._accounts:
                raise StartError(f"there are two accounts named {settings.name}")
            self._accounts[settings.name] = Account(server, number, settings)

    def start(self, spawn: Callable[..., None]) -> None:
        """Registers them."""
        for account in self:
            spawn(account.find_registrar())

    def __getitem__(self, name: str) -> Account:
        try:
            return self._accounts[name]
        except KeyError:
            raise ValueError(f"there is no account named {name!r}") from None

    def __iter__(self) -> Iterator[Account]:
        return iter(self._accounts.values())

    def __len__(self) -> int:
        return len(self._accounts)

    def of_call(self, uri: SipUri, source: str) -> Account | None:
        """The account that a call is for."""
        if not self._accounts:
            return None
        return next((account for account in self if account.takes(uri, source)), None)

    def on_event(self, event: Event.Account) -> None:
        """For the server: how one of them stands."""
        account = next((one for one in self if one.number == event.account), None)
        if account is not None:
            account.on_event(event)


def _brought(server: Server) -> list[AccountSettings]:
    """Those that a package knows."""
    try:
        return list(server.components.accounts.accounts())
    except BaseException as error:
        if not is_failure(error):
            raise
        raise StartError(f"it is not known where we are registered: {in_one_line(error)}") from error


def _ip(destination: str) -> str:
    """The address of a destination such as ``tls:192.0.2.1:5061;name=example.org``."""
    place = destination.partition(";")[0]
    head, colon, rest = place.partition(":")
    host = split_host_port(rest if colon and head in ("udp", "tcp", "tls") else place)[0]
    return str(ip_address(host))
