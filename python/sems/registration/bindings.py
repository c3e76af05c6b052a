"""Where a phone can be reached: what a REGISTER asks for, and what the registrar keeps of it."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import ip_address

from ..sip.headers import Headers, NameAddr, SipUri, join_host_port, split_host_port
from ..sip.identity import params_of, values

# What is told apart even where only one of two addresses has it (RFC 3261 §19.1.4).
_TELLING = ("transport", "user", "ttl", "method", "maddr")
_MALFORMED_EXPIRES = 3600
_MOST_SECONDS = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Contact:
    """One value of the Contact of a REGISTER."""

    uri: str
    """``*``: all that there are."""
    q: float
    """How much it is preferred, 0.0–1.0."""
    expires: int | None
    """For how many seconds; None: it says nothing of its own."""


@dataclass(frozen=True, slots=True, eq=False)
class Binding:
    """A phone that is registered.

    >>> for phone in server.registrar.find("sip:anna@example.com"):
    ...     print(phone.contact, phone.user_agent, phone.expires_in)
    """

    aor: str
    """The address under which it is called, ``"ann@example.com"``."""
    contact: str
    """Its own address, as it says itself."""
    q: float
    """How much it is preferred among the phones of the same user, 0.0–1.0."""
    source: str
    """Where it registered from, ``"ip:port"``."""
    transport: str
    """What it registered over: ``udp``, ``tcp`` or ``tls``."""
    user_agent: str
    """What it calls itself."""
    until: float
    """When it is forgotten, in the time of the loop."""
    call_id: bytes = field(repr=False)
    """Told apart by it: which registration this is."""
    cseq: int = field(repr=False)
    connected: bool = True
    """Of one that registered over a stream: that connection is open."""
    path: tuple[str, ...] = ()
    """The proxies through which it is called, the next hop first (RFC 3327); none: straight."""

    @property
    def expires_in(self) -> int:
        """Seconds that are left."""
        return max(0, math.ceil(self.until - asyncio.get_running_loop().time()))

    @property
    def way(self) -> tuple[list[str] | None, list[str] | None]:
        """Where to send what is for it, and by which route; None: as the other says."""
        return (None, list(self.path)) if self.path else (self.destinations, None)

    @property
    def destinations(self) -> list[str]:
        """Where to send what is for it without a proxy, the best first.

        One behind a NAT is only reached the way it came, since what it says of itself leads nowhere; over
        a stream the connection that it has opened is taken in any case.
        """
        flow = f"{self.transport}:{self.source}"
        direct = self._direct()
        if not self.connected and direct is not None:
            return [direct]
        if direct is None:
            return [flow]
        if self.transport == "udp":
            return [direct]
        # The connection may be gone, and the phone may listen for others.
        return [flow] if direct == flow or direct.startswith("tls:") else [flow, direct]

    @property
    def listens(self) -> bool:
        """It may be reached otherwise than over the connection that it has opened."""
        return self._direct() not in (None, f"{self.transport}:{self.source}")

    def _direct(self) -> str | None:
        """Where it says that it is, if that is where it came from."""
        uri = SipUri.parse(self.contact)
        host = split_host_port(self.source)[0]
        try:
            if ip_address(uri.host) != ip_address(host):
                return None
        except ValueError:
            return None
        transport = "tls" if uri.scheme == "sips" else uri.params.get("transport", "udp").lower()
        if transport not in ("udp", "tcp", "tls"):
            return None
        return f"{transport}:{join_host_port(host, uri.port or (5061 if transport == 'tls' else 5060))}"


def contacts(headers: Headers) -> list[Contact]:
    """All that a REGISTER asks for."""
    found = []
    for value in values(headers, "Contact"):
        params = params_of(value)
        uri = "*" if value.strip() == "*" else NameAddr.parse(value).uri
        expires = params.get("expires")
        found.append(Contact(uri, _q(params.get("q")), None if expires is None else seconds(expires)))
    return found


def seconds(text: str) -> int:
    """An interval; what is none counts as an hour (RFC 3261 §20.10)."""
    if not re.fullmatch(r"[0-9]{1,20}", text.strip()):
        return _MALFORMED_EXPIRES
    return min(int(text), _MOST_SECONDS)


def _q(text: str | None) -> float:
    return float(text) if text is not None and re.fullmatch(r"0(\.\d{0,3})?|1(\.0{0,3})?", text) else 1.0


def same_address(one: str, other: str) -> bool:
    """Whether two addresses are the same (RFC 3261 §19.1.4)."""
    a, b = SipUri.parse(one), SipUri.parse(other)
    if (a.scheme, a.user, a.host, a.port) != (b.scheme, b.user, b.host, b.port):
        return False
    names: Iterable[str] = {*_TELLING, *(a.params.keys() & b.params.keys())}
    return all(_lower(a.params.get(name)) == _lower(b.params.get(name)) for name in names)


def _lower(text: str | None) -> str | None:
    return None if text is None else text.lower()
