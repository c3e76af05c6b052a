"""Which way a request takes: by its own route, the outbound proxy, or straight to whom it is for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ..config import Config
from ..sip.headers import split_host_port
from .lookup import Lookup
from .resolver import Destination, Family, Resolver, Transport


@dataclass(frozen=True, slots=True)
class Way:
    """For the core: where a request is sent, and by which route."""

    destinations: list[str]
    """The servers in the order in which they are tried, each as a text; never none."""
    route: list[str]
    """URIs of the Route that it starts with (RFC 3261 §8.1.2)."""


class Finds(Protocol):
    """What :class:`~sems.locating.resolver.Resolver` does."""

    async def resolve(self, uri: str) -> list[Destination]:
        """The servers for a URI, the best first. Raises CallFailed and ValueError."""


class Ways:
    """Decides which way requests take that belong to no call yet."""

    def __init__(self, config: Config, listeners: list[str]) -> None:
        """``listeners``: where we listen, each ``"udp:ip:port"`` or the like."""
        self._config = config
        self.lookup = Lookup(config.dns.servers)
        self.resolver: Finds = Resolver(
            self.lookup,
            transports=_transports(listeners),
            families=_families(listeners),
            timeout=config.dns.timeout,
        )
        """Finds the servers for a URI."""

    async def find(
        self, uri: str, *, destination: str | Sequence[str] | None = None, route: Sequence[str] | None = None
    ) -> Way:
        """The way to ``uri``.

        ``route``: URIs that lead there, the next hop first; None: the outbound proxy, if there is one
        and no ``destination`` is given. ``destination``: where to send it, whatever URI and route say; one
        or several, each ``"ip:port"`` or ``"tcp:ip:port"``.

        Raises CallFailed when the next hop can't be found, and ValueError for what is no SIP URI.
        """
        given = [destination] if isinstance(destination, str) else list(destination or ())
        if route is None:
            proxy = self._config.outbound_proxy
            route = [proxy] if proxy is not None and not given else []
        if not given:
            given = [str(server) for server in await self.resolver.resolve(route[0] if route else uri)]
        return Way(given, list(route))

    async def close(self) -> None:
        """Looks up nothing any more."""
        await self.lookup.close()


def _transports(listeners: list[str]) -> tuple[Transport, ...]:
    """What requests can be sent over: all that is listened for, UDP first."""
    known: tuple[Transport, ...] = ("udp", "tcp", "tls")
    ours = {listener.partition(":")[0] for listener in listeners}
    return tuple(transport for transport in known if transport in ours)


def _families(listeners: list[str]) -> list[Family]:
    """Versions of IP, the preferred first (RFC 6724)."""
    hosts = [split_host_port(listener.partition(":")[2])[0] for listener in listeners]
    found: set[Family] = {6 if ":" in host else 4 for host in hosts}
    return sorted(found, reverse=True)
