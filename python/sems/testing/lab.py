"""A world for tests: servers and phones on one network in memory."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import anyio.to_thread

from ..app import App
from ..config import Config
from ..engine import MemoryNetwork
from ..errors import CallFailed
from ..locating.resolver import Destination
from ..locating.ways import Finds
from ..plugins import Apps
from ..server import Server
from ..sip.headers import SipUri, join_host_port, split_host_port
from .clock import VirtualLoop
from .phone import Phone, phone_config

_SIP_PORT = 5060


class _Directory:
    """Knows the names of a lab, where no name server can be asked."""

    def __init__(self, lab: Lab, numbers: Finds) -> None:
        self._lab = lab
        self._numbers = numbers

    async def resolve(self, uri: str) -> list[Destination]:
        """As :meth:`sems.locating.resolver.Resolver.resolve`."""
        target = SipUri.parse(uri)
        if (place := self._lab.place(target.host)) is None or "maddr" in target.params:
            return await self._numbers.resolve(uri)
        host, port = split_host_port(place)
        return [Destination("udp", host, target.port or port or _SIP_PORT)]


class Lab:
    """Servers and phones that reach each other, and nobody else, in virtual time.

    >>> async with Lab(seed=1) as lab:
    ...     await lab.server()
    ...     alice = await lab.phone("alice")
    ...     await alice.call("sip:echo@sems")
    ...     alice.tone(440)
    ...     assert (await alice.hear(1)).has_tone(440)

    The same seed gives the same run. Lives in a :class:`~sems.testing.clock.VirtualLoop`: see
    :func:`sems.testing.run` and the ``lab`` fixture for pytest.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        loss: float = 0.0,
        duplicate: float = 0.0,
        delay_ms: float = 1.0,
        jitter_ms: float = 0.0,
    ) -> None:
        """``loss`` and ``duplicate``: the share of datagrams, 0.0–1.0; each takes ``delay_ms`` and up to
        ``jitter_ms`` more."""
        self.network = MemoryNetwork(
            seed=seed, loss=loss, duplicate=duplicate, delay_ms=delay_ms, jitter_ms=jitter_ms
        )
        self._seed = seed
        self._folder = tempfile.TemporaryDirectory(prefix="sems-lab-")
        self._servers: list[Server] = []
        self._phones: dict[str, Phone] = {}
        self._hosts: dict[str, str] = {}

    @property
    def folder(self) -> Path:
        """For files of this run; removed with the lab. Server ``NAME`` has its data in ``NAME``."""
        return Path(self._folder.name)

    async def server(
        self, *, name: str = "sems", apps: Iterable[App] = (), scripts: Iterable[Path] = (), **settings: Any
    ) -> Server:
        """Starts a server, called ``sip:…@NAME``. ``apps`` are added to those that can be found,
        ``settings`` are those of :class:`~sems.config.Config`."""
        config = Config.model_validate({"data": self.folder / name, **settings})
        # As a server does that starts on a machine.
        config.data.mkdir(parents=True, exist_ok=True)
        found = Apps.find(list(scripts))
        for app in apps:
            found.add(app)
        server = await self._start(Server(config, apps=found, network=self.network, seed=self._next_seed()))
        server.ways.resolver = _Directory(self, server.ways.resolver)
        self._hosts[name] = server.engine.core.sip_addresses()[0]
        return server

    async def phone(self, name: str) -> Phone:
        """Plugs in a phone, which shows ``name`` to others and can be called as ``sip:…@NAME``."""
        config = phone_config(name, self.folder)
        server = Server(config, apps=Apps(), network=self.network, web=False, seed=self._next_seed())
        phone = self._phones[name] = Phone(self, name, server)
        await self._start(server)
        self._hosts[name] = phone.address
        return phone

    def place(self, name: str) -> str | None:
        """Where the server or phone of that name is, ``"ip:port"``."""
        return self._hosts.get(name)

    def resolve(self, host: str, port: int | None = None) -> str:
        """Where a server, a phone or an address is, ``"ip:port"``. Raises CallFailed for an unknown name."""
        address = self._hosts.get(host)
        if address is None:
            if not host.replace(".", "").isdigit():
                raise CallFailed(503, f"there is no {host} in this lab")
            return join_host_port(host, port or _SIP_PORT)
        return address if port is None else join_host_port(split_host_port(address)[0], port)

    def _next_seed(self) -> int:
        return self._seed * 1000 + len(self._servers)

    async def _start(self, server: Server) -> Server:
        loop = asyncio.get_running_loop()
        if isinstance(loop, VirtualLoop):
            loop.stand_still_while(lambda: server.busy)
        await server.start()
        self._servers.append(server)
        return server

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        if not isinstance(loop, VirtualLoop):
            raise RuntimeError("a lab needs virtual time: use sems.testing.run() or the lab fixture")
        # Files of the pages are read by these threads.
        limiter = anyio.to_thread.current_default_thread_limiter()
        loop.stand_still_while(lambda: limiter.borrowed_tokens > 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            for server in reversed(self._servers):
                await server.stop()
        finally:
            self._folder.cleanup()
