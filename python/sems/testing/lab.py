"""A world for tests: servers and phones on one network in memory."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import anyio.to_thread

from .. import checks
from ..app import App
from ..audio import decoding
from ..audio.sounds import Sound
from ..config import config_of
from ..engine import MemoryNetwork
from ..errors import CallFailed, SoundNotFound
from ..locating.resolver import Destination
from ..locating.ways import Finds
from ..plugins import Apps
from ..server import Server
from ..sip.headers import SipUri, join_host_port, split_host_port
from .clock import VirtualLoop
from .known import Known, KnownSounds
from .phone import Phone, phone_config
from .quality import check_quality

_SIP_PORT = 5060
_NAME = "a name for hosts (letters, digits, - and .)"


class _Directory:
    """Knows the names of a lab, where no name server can be asked."""

    def __init__(self, lab: Lab, numbers: Finds) -> None:
        self._lab = lab
        self._numbers = numbers

    async def resolve(self, uri: str) -> list[Destination]:
        """As :meth:`sems.locating.resolver.Resolver.resolve`."""
        target = SipUri.parse(uri)
        place = self._lab.place(target.host) if target.host else None
        if place is None or "maddr" in target.params:
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
        checks.whole("seed", seed, 0, checks.HIGHEST // 1000)
        check_quality(loss, duplicate, delay_ms, jitter_ms)
        self.network = MemoryNetwork(
            seed=seed, loss=loss, duplicate=duplicate, delay_ms=delay_ms, jitter_ms=jitter_ms
        )
        self._seed = seed
        self._folder = tempfile.TemporaryDirectory(prefix="sems-lab-")
        self._servers: list[Server] = []
        self._called: list[Server] = []
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
        ``settings`` are those of :class:`~sems.config.Config`. Raises ConfigError for a setting that is none,
        or wrong."""
        checks.token("name", name, _NAME)
        for several, given in (("apps", apps), ("scripts", scripts)):
            if isinstance(given, str) or not isinstance(given, Iterable):
                raise checks.wrong(several, "a list", given, TypeError)
        apps, scripts = list(apps), list(scripts)
        for app in apps:
            checks.kind("each of apps", app, "an App", App)
        for script in scripts:
            checks.kind("each of scripts", script, "a Path", Path)
        config = config_of({"data": self.folder / name, **settings}, "lab.server()")
        # As a server does that starts on a machine.
        config.data.mkdir(parents=True, exist_ok=True)
        found = Apps.find(scripts)
        for app in apps:
            found.add(app)
        server = await self._start(Server(config, apps=found, network=self.network, seed=self._next_seed()))
        self._called.append(server)
        self._hosts[name] = server.engine.core.sip_addresses()[0]
        return server

    async def phone(self, name: str, **settings: Any) -> Phone:
        """Plugs in a phone, which shows ``name`` to others and can be called as ``sip:…@NAME``. ``settings``
        are those of :class:`~sems.config.Config`, such as ``audio={"codecs": ["opus"]}``. Raises
        ConfigError for a setting that is none, or wrong."""
        checks.token("name", name, _NAME)
        config = phone_config(name, self.folder, **settings)
        server = Server(config, apps=Apps(), network=self.network, web=False, seed=self._next_seed())
        phone = self._phones[name] = Phone(self, name, server)
        await self._start(server)
        self._hosts[name] = phone.address
        return phone

    def place(self, name: str) -> str | None:
        """Where the server or phone of that name is, ``"ip:port"``."""
        checks.text("name", name, empty=False)
        return self._hosts.get(name)

    def resolve(self, host: str, port: int | None = None) -> str:
        """Where a server, a phone or an address is, ``"ip:port"``. Raises CallFailed for an unknown name."""
        checks.text("host", host, empty=False)
        checks.whole("port", port, 1, 0xFFFF, none=True)
        address = self._hosts.get(host)
        if address is None:
            if not host.replace(".", "").isdigit():
                raise CallFailed(503, f"there is no {host} in this lab")
            return join_host_port(host, port or _SIP_PORT)
        return address if port is None else join_host_port(split_host_port(address)[0], port)

    def set_network(
        self, *, loss: float = 0.0, duplicate: float = 0.0, delay_ms: float = 1.0, jitter_ms: float = 0.0
    ) -> None:
        """What the network does from now on, but to phones of which it is said by :meth:`Phone.set_line()
        <sems.testing.Phone.set_line>`. Each as for :class:`Lab`."""
        check_quality(loss, duplicate, delay_ms, jitter_ms)
        self.network.set_link(
            None, None, loss=loss, duplicate=duplicate, delay_ms=delay_ms, jitter_ms=jitter_ms
        )

    # What phones may hear

    async def known_sounds(self) -> KnownSounds:
        """For phones: all prompts and announcements of the servers."""
        known = KnownSounds()
        for server in self._called:
            sounds = server.sounds
            for folder in (*sounds.prompts, *sounds.announcements):
                await known.add_folder(folder, tuple(decoding.suffixes()), sounds.load)
        return known

    async def sought(
        self, known: KnownSounds, sound: Sound, language: str | None
    ) -> dict[Known, tuple[str, str]]:
        """For phones: which sounds are meant, and what each is called. Raises SoundNotFound."""
        if isinstance(sound, str) and (found := known.named(sound, language)):
            return found
        problem: SoundNotFound | None = None
        for server in self._called:
            for beside in {None, *(app.folder for app in server.apps)}:
                try:
                    place = server.sounds.place(sound, beside=beside)
                    name = sound if isinstance(sound, str) else str(place)
                    return {known.add_prompt(await server.sounds.load(place), name): ("", name)}
                except SoundNotFound as error:
                    problem = problem or error
        raise problem or SoundNotFound(f"there is no server in this lab that has {sound!r}")

    def _next_seed(self) -> int:
        return self._seed * 1000 + len(self._servers)

    async def _start(self, server: Server) -> Server:
        loop = asyncio.get_running_loop()
        if isinstance(loop, VirtualLoop):
            loop.stand_still_while(lambda: server.busy)
        await server.start()
        server.ways.resolver = _Directory(self, server.ways.resolver)
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
        for phone in self._phones.values():
            phone.unplug()
        try:
            for server in reversed(self._servers):
                await server.stop()
        finally:
            self._folder.cleanup()
