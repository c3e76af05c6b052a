"""Questions to name servers, with their answers kept for as long as they hold."""

from __future__ import annotations

import asyncio
import os
from collections import OrderedDict
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from ..errors import SemsError
from ..sip.headers import split_host_port

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dns.asyncresolver import Resolver as Stub

Kind: TypeAlias = Literal["A", "AAAA", "NAPTR", "SRV"]

# Answers that are kept; beyond, the one that was used longest ago goes.
_MOST_KEPT = 4096
# The bounds of how long, in seconds: an answer; that there is none (RFC 2308 §5); that nobody answers.
_LONGEST = 86_400.0
_LONGEST_NONE, _USUAL_NONE = 900.0, 30.0
_UNANSWERED = 5.0
# A name server that says nothing is asked again, or another one is, after so many seconds.
_PATIENCE = 1.0
_DNS_PORT = 53


@dataclass(frozen=True, slots=True)
class Naptr:
    """A NAPTR record (RFC 3403 §4.1), as far as RFC 3263 needs it."""

    order: int
    preference: int
    flags: str
    service: str
    replacement: str


@dataclass(frozen=True, slots=True)
class Srv:
    """An SRV record (RFC 2782); ``target`` is ``""`` where the service is decidedly not to be had."""

    priority: int
    weight: int
    port: int
    target: str


Record: TypeAlias = str | Naptr | Srv
"""Of ``A`` and ``AAAA`` the address."""


class Unanswered(SemsError):
    """No name server has answered, or none could."""


class Lookup:
    """Asks the name servers and remembers what they say, within its time to live.

    Belongs to the loop in which it is used.
    """

    def __init__(self, servers: Sequence[str] = (), *, hosts: str = "/etc/hosts") -> None:
        """``servers``: as ``"ip"`` or ``"ip:port"``; empty: those of the system. ``hosts``: names that
        the machine knows itself."""
        self._servers = tuple(servers)
        self._hosts = HostsFile(hosts)
        self._kept: OrderedDict[tuple[str, Kind], tuple[float, tuple[Record, ...] | None]] = OrderedDict()
        self._asked: dict[tuple[str, Kind], asyncio.Task[tuple[Record, ...]]] = {}
        self._stub: Stub | None = None
        self._stub_made: float | None = None

    def __len__(self) -> int:
        return len(self._kept)

    def local(self, name: str) -> tuple[str, ...]:
        """The addresses that the machine itself has for a name, for which nobody need be asked."""
        return self._hosts.addresses(name)

    async def ask(self, name: str, kind: Kind, *, timeout: float) -> tuple[Record, ...]:
        """All records of that kind; empty when there are none. Raises Unanswered after ``timeout`` seconds
        and when the servers can't tell."""
        key = (name.lower().rstrip("."), kind)
        now = asyncio.get_running_loop().time()
        if kept := self._kept.get(key):
            until, records = kept
            if until > now:
                self._kept.move_to_end(key)
                if records is None:
                    raise Unanswered(f"no name server could tell of {name}")
                return records
            del self._kept[key]
        # Those who ask the same meanwhile get the same answer.
        task = self._asked.get(key)
        if task is None:
            task = self._asked[key] = asyncio.create_task(self._ask(key, timeout))
            task.add_done_callback(lambda done: self._on_answer(key, done))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled():
                raise Unanswered("the server is stopping") from None
            raise

    def _on_answer(self, key: tuple[str, Kind], task: asyncio.Task[Any]) -> None:
        self._asked.pop(key, None)
        if not task.cancelled():
            # Whoever asked may have gone.
            task.exception()

    async def close(self) -> None:
        """Asks no more."""
        tasks = tuple(self._asked.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._kept.clear()

    async def _ask(self, key: tuple[str, Kind], timeout: float) -> tuple[Record, ...]:
        import dns.exception
        import dns.name
        import dns.resolver

        text, kind = key
        try:
            name = dns.name.from_text(text, None)
        except (dns.exception.DNSException, UnicodeError):
            return ()  # what is no name has no records
        try:
            # Names without a dot are sought where the system seeks them.
            answer = await self._find_stub().resolve(
                name, kind, raise_on_no_answer=False, search="." not in text, lifetime=timeout
            )
        except dns.resolver.NXDOMAIN as none:
            said: Any = none
            self._keep(key, _time_of_none(said.response(said.qnames()[-1])), ())
            return ()
        except (dns.exception.DNSException, OSError):
            self._keep(key, _UNANSWERED, None)
            raise Unanswered(f"no name server could tell of {text}") from None
        if answer.rrset is None:
            self._keep(key, _time_of_none(answer.response), ())
            return ()
        records = tuple(record for data in answer.rrset if (record := _record(data)) is not None)
        # An alias may hold for a shorter time than what it leads to.
        ttl = min((rrset.ttl for rrset in answer.response.answer), default=answer.rrset.ttl)
        self._keep(key, min(float(ttl), _LONGEST), records)
        return records

    def _keep(self, key: tuple[str, Kind], seconds: float, records: tuple[Record, ...] | None) -> None:
        if seconds <= 0:
            return
        self._kept[key] = (asyncio.get_running_loop().time() + seconds, records)
        self._kept.move_to_end(key)
        while len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)

    def _find_stub(self) -> Stub:
        """What asks; made anew when the system's configuration has changed."""
        from dns.asyncresolver import Resolver
        from dns.nameserver import Do53Nameserver

        made = None if self._servers else _changed("/etc/resolv.conf")
        if self._stub is None or made != self._stub_made:
            stub = Resolver(configure=not self._servers)
            if self._servers:
                places = map(split_host_port, self._servers)
                stub.nameservers = [Do53Nameserver(host, port or _DNS_PORT) for host, port in places]
            stub.timeout = _PATIENCE
            # Answers are kept here, and so is that there are none.
            stub.cache = None
            self._stub, self._stub_made = stub, made
        return self._stub


class HostsFile:
    """The names in ``/etc/hosts``, read again when it has changed."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._changed: float | None = None
        self._names: dict[str, list[str]] = {}

    def addresses(self, name: str) -> tuple[str, ...]:
        """In the order of the file. ``localhost`` is known without it (RFC 6761 §6.3)."""
        name = name.lower().rstrip(".")
        changed = _changed(self._path)
        if changed != self._changed:
            self._changed, self._names = changed, self._read()
        found = self._names.get(name)
        if found is None and (name == "localhost" or name.endswith(".localhost")):
            found = ["127.0.0.1", "::1"]
        return tuple(found or ())

    def _read(self) -> dict[str, list[str]]:
        names: dict[str, list[str]] = {}
        try:
            with open(self._path, encoding="utf-8", errors="replace") as file:
                lines = file.read().splitlines()
        except OSError:
            return names
        for line in lines:
            address, *known = line.partition("#")[0].split() or [""]
            try:
                written = str(ip_address(address))
            except ValueError:
                continue
            for name in known:
                places = names.setdefault(name.lower(), [])
                if written not in places:
                    places.append(written)
        return names


def _changed(path: str) -> float | None:
    try:
        return os.stat(path).st_mtime
    except OSError:
        return None


def _time_of_none(response: Any) -> float:
    """How long it holds that there is nothing, by the SOA record that says so (RFC 2308 §5)."""
    for rrset in response.authority:
        for data in rrset:
            minimum = getattr(data, "minimum", None)
            if minimum is not None:
                return float(min(rrset.ttl, minimum, _LONGEST_NONE))
    return _USUAL_NONE


def _record(data: Any) -> Record | None:
    match type(data).__name__:
        case "A" | "AAAA":
            return str(data.address)
        case "SRV":
            return Srv(data.priority, data.weight, data.port, _name(data.target))
        case "NAPTR":
            if data.regexp:
                return None  # RFC 3263 §4.1: these lead by their replacement
            flags, service = data.flags.decode(errors="replace"), data.service.decode(errors="replace")
            return Naptr(data.order, data.preference, flags.lower(), service.upper(), _name(data.replacement))
        case _:
            return None


def _name(name: Any) -> str:
    return str(name.to_text(omit_final_dot=True)).lower().removesuffix(".")
