"""Where a request goes: from a SIP URI to the servers that take it (RFC 3263)."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Literal, Protocol, TypeAlias

from ..errors import CallFailed
from ..sip.headers import SipUri, join_host_port
from .lookup import Kind, Naptr, Record, Srv, Unanswered

Transport: TypeAlias = Literal["udp", "tcp", "tls"]
Family: TypeAlias = Literal[4, 6]

# Addresses that are tried for one request, and targets of SRV records that are looked up for it.
_MOST = 16
_MOST_TARGETS = 8
_PORTS: dict[Transport, int] = {"udp": 5060, "tcp": 5060, "tls": 5061}
_SERVICES: dict[str, Transport] = {"SIP+D2U": "udp", "SIP+D2T": "tcp", "SIPS+D2T": "tls"}
_SRV_NAMES: dict[Transport, str] = {"udp": "_sip._udp.", "tcp": "_sip._tcp.", "tls": "_sips._tcp."}
# NAPTR, SRV and addresses one after the other.
_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Destination:
    """One server, as it can be reached."""

    transport: Transport
    address: str
    port: int
    name: str | None = None
    """For TLS: the domain that the certificate must be for (RFC 5922 §7.1); None: the address."""

    def __str__(self) -> str:
        """As the core takes it: ``"tls:192.0.2.1:5061;name=example.org"``."""
        name = f";name={self.name}" if self.name is not None else ""
        return f"{self.transport}:{join_host_port(self.address, self.port)}{name}"


class Asks(Protocol):
    """What :class:`~sems.locating.lookup.Lookup` does."""

    def local(self, name: str) -> tuple[str, ...]:
        """The addresses that the machine itself has for a name."""

    async def ask(self, name: str, kind: Kind, *, timeout: float) -> tuple[Record, ...]:
        """All records of that kind. Raises Unanswered."""


class Resolver:
    """Finds the servers for a URI, the best first."""

    def __init__(
        self,
        lookup: Asks,
        *,
        transports: Iterable[Transport] = ("udp", "tcp", "tls"),
        families: Iterable[Family] = (4, 6),
        timeout: float = 6.0,
        chance: random.Random | None = None,
    ) -> None:
        """``transports`` and ``families``: those that we have, the preferred first. ``timeout``: what a
        search may take, in seconds. ``chance``: decides among SRV records of the same priority."""
        self._lookup = lookup
        self._transports = tuple(transports)
        self._families = tuple(families)
        self._timeout = timeout
        self._chance = chance or random.Random()

    async def resolve(self, uri: str) -> list[Destination]:
        """The servers in the order in which to try them; never none. For an address that is a number
        nobody is asked.

        Raises CallFailed when there are none, and ValueError for what is no URI that can be called.
        """
        target = SipUri.parse(uri)
        if target.scheme == "tel":
            raise CallFailed(503, f"{uri} can only be called by way of a proxy: set outbound_proxy")
        host = target.params.get("maddr", "").strip("[]") or target.host
        if target.scheme not in ("sip", "sips") or not host:
            raise ValueError(f"{uri!r} is no address that can be called, such as sip:alice@192.0.2.7")
        if target.port is not None and not 0 < target.port < 65536:
            raise ValueError(f"{uri!r} names a port that does not exist")
        wanted = self._wanted_transport(target)
        if address := _as_address(host):
            transport = wanted or self._usual_transport(target)
            return [self._checked(Destination(transport, address, target.port or _PORTS[transport]))]
        try:
            async with asyncio.timeout(self._timeout):
                found = await self._find(target, host, wanted)
        except (TimeoutError, Unanswered):
            raise CallFailed(503, f"no name server answers for {host}") from None
        if not found:
            raise CallFailed(503, f"there is no host named {host}")
        return found[:_MOST]

    def _checked(self, destination: Destination) -> Destination:
        family = _family(destination.address)
        if family not in self._families:
            raise CallFailed(
                503, f"there is no way to {destination.address}: we listen at no IPv{family} address"
            )
        return destination

    def _usual_transport(self, target: SipUri) -> Transport:
        """Where neither URI nor DNS names one (§4.1)."""
        return self._supported("tls" if target.scheme == "sips" else "udp", target)

    def _wanted_transport(self, target: SipUri) -> Transport | None:
        """The one that the URI names."""
        named = target.params.get("transport", "").lower()
        if not named:
            return None
        transport: Transport
        if named == "tls" or (target.scheme == "sips" and named == "tcp"):
            transport = "tls"
        elif named in ("udp", "tcp") and target.scheme == "sip":
            transport = "tcp" if named == "tcp" else "udp"
        else:
            raise CallFailed(503, f"{target.scheme}: does not go over {named}")
        return self._supported(transport, target)

    def _supported(self, transport: Transport, target: SipUri) -> Transport:
        if transport not in self._transports:
            raise CallFailed(503, f"{target.host} wants {transport.upper()}, which we don't speak")
        return transport

    async def _find(self, target: SipUri, host: str, wanted: Transport | None) -> list[Destination]:
        local = self._lookup.local(host)
        if target.port is not None or local:
            transport = wanted or self._usual_transport(target)
            port = target.port or _PORTS[transport]
            addresses = self._fitting(local) if local else await self._addresses(host)
            return [_at(transport, address, port, host) for address in addresses]
        declined = False
        async for transport, records in self._services(target, host, wanted):
            # RFC 2782: "." says that there is decidedly no such service.
            declined = declined or (bool(records) and not any(record.target for record in records))
            if found := await self._by_srv(host, transport, records):
                return found
        if declined:
            raise CallFailed(503, f"{host} takes no calls")
        transport = wanted or self._usual_transport(target)
        addresses = await self._addresses(host)
        return [_at(transport, address, _PORTS[transport], host) for address in addresses]

    async def _services(
        self, target: SipUri, host: str, wanted: Transport | None
    ) -> AsyncIterator[tuple[Transport, Sequence[Srv]]]:
        """Transports with their SRV records, the one to take first (§4.1)."""
        if wanted is not None:
            yield wanted, await self._srv(_SRV_NAMES[wanted] + host)
            return
        usable = [t for t in self._transports if target.scheme == "sip" or t == "tls"]
        pointers = choose_naptr(await self._ask(host, "NAPTR"), usable)
        for transport, pointer in pointers:
            yield transport, await self._srv(pointer.replacement)
        if not pointers:
            answers = await asyncio.gather(*(self._srv(_SRV_NAMES[transport] + host) for transport in usable))
            for transport, records in zip(usable, answers, strict=True):
                yield transport, records

    async def _srv(self, name: str) -> list[Srv]:
        return [record for record in await self._ask(name, "SRV") if isinstance(record, Srv)]

    async def _by_srv(self, host: str, transport: Transport, records: Sequence[Srv]) -> list[Destination]:
        ordered = order_srv([record for record in records if record.target], self._chance.random)
        ordered = ordered[:_MOST_TARGETS]
        found = await asyncio.gather(*(self._addresses(record.target, by_srv=True) for record in ordered))
        return [
            _at(transport, address, record.port, host)
            for record, addresses in zip(ordered, found, strict=True)
            for address in addresses
        ]

    async def _addresses(self, name: str, *, by_srv: bool = False) -> list[str]:
        """The addresses of a name, of the families that we have. Raises Unanswered where nothing came of
        it, but not for one of several names."""
        if address := _as_address(name):
            return self._fitting([address])  # RFC 2782 forbids it, and it is done
        if local := self._lookup.local(name):
            return self._fitting(local)
        kinds: list[Kind] = ["AAAA" if family == 6 else "A" for family in self._families]
        answers = await asyncio.gather(
            *(self._lookup.ask(name, kind, timeout=self._timeout / _ROUNDS) for kind in kinds),
            return_exceptions=True,
        )
        found: list[str] = []
        failure: BaseException | None = None
        for answer in answers:
            if isinstance(answer, BaseException):
                failure = answer
            else:
                found += [record for record in answer if isinstance(record, str)]
        if not found and failure is not None and not (by_srv and isinstance(failure, Unanswered)):
            raise failure
        return found

    async def _ask(self, name: str, kind: Kind) -> tuple[Record, ...]:
        """What can't be found out is not there: some name servers know no NAPTR and keep silent."""
        try:
            return await self._lookup.ask(name, kind, timeout=self._timeout / _ROUNDS)
        except Unanswered:
            return ()

    def _fitting(self, addresses: Iterable[str]) -> list[str]:
        given = list(addresses)
        return [address for family in self._families for address in given if _family(address) == family]


def choose_naptr(records: Iterable[Record], usable: Sequence[Transport]) -> list[tuple[Transport, Naptr]]:
    """The records that lead to transports of ours, of the lowest order, by their preference (§4.1)."""
    leading = [
        (_SERVICES[record.service], record)
        for record in records
        if isinstance(record, Naptr) and record.flags == "s" and _SERVICES.get(record.service) in usable
    ]
    lowest = min((record.order for _, record in leading), default=0)
    chosen = [(transport, record) for transport, record in leading if record.order == lowest]
    return sorted(chosen, key=lambda pair: (pair[1].preference, usable.index(pair[0])))


def order_srv(records: Iterable[Srv], chance: Callable[[], float]) -> list[Srv]:
    """The order in which to try them (RFC 2782): by priority; within one, drawn by weight.

    ``chance()`` gives numbers from 0.0 up to 1.0.
    """
    # Those without weight first, so that they have a small chance of being drawn.
    waiting = sorted(records, key=lambda record: (record.priority, record.weight != 0))
    ordered: list[Srv] = []
    while waiting:
        same = [record for record in waiting if record.priority == waiting[0].priority]
        mark = int(chance() * (sum(record.weight for record in same) + 1))
        for drawn in same:
            mark -= drawn.weight
            if mark <= 0:
                break
        ordered.append(drawn)
        waiting.remove(drawn)
    return ordered


def _at(transport: Transport, address: str, port: int, host: str) -> Destination:
    return Destination(transport, address, port, host if transport == "tls" else None)


def _as_address(host: str) -> str | None:
    try:
        return str(ip_address(host))
    except ValueError:
        return None


def _family(address: str) -> Family:
    return 6 if isinstance(ip_address(address), IPv6Address) else 4
