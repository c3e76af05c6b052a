"""The server: the engine, the apps and the pages, and every call between them."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Coroutine, Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from .. import checks
from ..app import App, Hook
from ..audio.room import Room
from ..audio.sounds import SoundLibrary
from ..audio.voice import Speaker, Voice
from ..call import Call
from ..clock import Clock
from ..components import Components, Storage
from ..config import Config
from ..engine import Engine, Event, MemoryNetwork
from ..errors import EngineError, PluginError, StartError, StorageError
from ..events import EndReason
from ..locating.ways import Ways
from ..log import logger
from ..plugins import Apps
from ..registration.accounts import Accounts
from ..registration.registrar import Registrar
from ..sip.headers import join_host_port, split_host_port
from ..waiting import cancelled
from . import dispatch, hosting, tracing
from .chores import Chores
from .core_config import core_config
from .history import History
from .hooks import run as run_hooks
from .incoming import Incoming
from .placing import Placing
from .running import forget_running, note_running
from .told import Told

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from ..conference import Conferences
    from ..connecting import Connections
    from ..control import Webhooks
    from ..trace import Trace, TracedCall

# What a stop may take, in seconds. Together less than five, which is what is promised.
_BYE_TIME = 3.2
_HANDLER_TIME = 0.4
_CLEANING_TIME = 0.3
_ALL_BUT_CLOSING = 4.4
_SIP_PORT = 5060


class Server(Placing):
    """A SEMS in this process.

    As a context manager it takes calls from ``__aenter__`` on, and has ended them all at ``__aexit__``:

    >>> async with Server(Config(sip_port=0, http_port=0)) as server:
    ...     call = await server.dial("sip:alice@192.0.2.7")
    """

    def __init__(
        self,
        config: Config | None = None,
        *,
        apps: Apps | None = None,
        network: MemoryNetwork | None = None,
        web: bool = True,
        seed: int | None = None,
    ) -> None:
        """``apps``: None for all that can be found. ``network``: in place of the machine's, for virtual
        time. ``web``: with the control pages. ``seed``: for runs that can be repeated.
        """
        if config is not None:
            checks.kind("config", config, "a Config, or None", Config)
        if apps is not None:
            checks.kind("apps", apps, "an Apps, or None", Apps)
        if network is not None:
            checks.kind("network", network, "a MemoryNetwork, or None", MemoryNetwork)
        checks.flag("web", web)
        checks.whole("seed", seed, 0, checks.HIGHEST, none=True)
        self.config = config or Config()
        self.apps = Apps.find() if apps is None else apps
        self.engine: Engine
        """Made at the start."""
        self.sounds: SoundLibrary
        """Made at the start."""
        self.ways: Ways
        """Made at the start."""
        self.conferences: Conferences
        """Made at the start."""
        self.components = Components(self.config)
        """The parts that packages may bring: storage, mailer and others."""
        self.connections: Connections
        """Whom programs have had connected (click to dial); made at the start."""
        self.history = History()
        """What became of the calls of the last hour."""
        self.web_app: ASGIApp | None = None
        """The control pages and their API; made at the start."""
        self.accounts: Accounts
        """Where we are registered; made at the start."""
        self.registrar: Registrar
        """Who is registered at us; made at the start."""
        self.calls: dict[int, Call] = {}
        """All calls that exist, by id."""
        self.subscriptions: dict[int, Callable[[Event], None]] = {}
        """Who is told of each subscription, ours and others', and of each transfer, by id."""
        self.incoming = Incoming(self)
        """Gives each call that comes in to its app."""
        self.told = Told(self)
        """Carries what the engine tells to whom it is for."""
        self.rooms: dict[int, Room] = {}
        """All mixing rooms that exist, by id."""
        self.operator_token = self.config.operator.token or secrets.token_urlsafe(16)
        """What opens the operator's page."""
        self.http_port = self.config.http_port
        """The port of the pages; once started never 0."""
        self.stopping = asyncio.Event()
        """Set when the server begins to stop: endless responses end themselves."""
        self.tls_failure: str | None = None
        """Why the newest connection by TLS that failed did: mostly a certificate that is not trusted."""
        self.passes_on = False
        """There has been a bridge, so that the core leaves requests within calls to it."""
        self._clock: Clock
        self._open = asyncio.Event()
        self._network = network
        self._web = web
        self._seed = seed
        self._pages: hosting.Pages | None = None
        self._webhooks: Webhooks
        self._chores = Chores()

    # Starting and stopping

    async def start(self) -> None:
        """Takes calls when it returns. Raises StartError."""
        from ..conference import Conferences
        from ..connecting import Connections
        from ..control import Webhooks, create_app

        if self._network is None:
            hosting.raise_file_limit()
            hosting.claim_folder(self.config.data)
        try:
            self.engine = Engine(
                core_config(self.config, self.apps, self.components, seed=self._seed), self._network
            )
        except PluginError as error:
            raise StartError(f"nobody could call: {error}") from None
        except OSError as error:
            raise StartError(f"{error}; --host and --sip-port say where to listen") from None
        except ValueError as error:
            raise StartError(str(error)) from None
        self._clock = Clock()
        try:
            self.ways = Ways(self.config, self.engine.core.listeners())
            self.sounds = SoundLibrary(self.config, self.engine)
            self.voice = self.components.voice
            self.conferences = Conferences(self)
            self.connections = Connections(self)
            self._webhooks = Webhooks(self.config.api.webhooks, self.conferences, self.connections)
            self.accounts = Accounts(self)
            self.registrar = Registrar(self)
            if self._web:
                self.web_app = create_app(self)
            if self.web_app is not None and self._network is None:
                self._pages = hosting.Pages(self.web_app, self.config.host, self.config.http_port)
                self.http_port = self._pages.port
            self.engine.on_event = self.told.on_event
            self.engine.start()
            await self._open_boxes()
            await self._start_apps()
        except BaseException:
            self.engine.close()
            if self.components.storage_is_made:
                await self.mailboxes.close()
            if self._pages is not None:
                await self._pages.stop()
            raise
        for route in self.config.routes:
            if route.app not in self.apps:
                logger.warning("a route leads to an app that is not there", app=route.app)
        named = {route.account for route in self.config.routes} | {self.config.dialout.account}
        for account in named - {None, *(account.name for account in self.accounts)}:
            logger.warning("a route or [dialout] names an account that is not there", account=account)
        for notice in self.engine.core.notices():
            logger.warning(notice)
        if self._pages is not None:
            note_running(self)
        self._open.set()
        self.accounts.start(self.spawn)
        logger.info(
            "ready: calls are taken",
            sip=self.engine.core.listeners(),
            pages=self.base_url(None) if self._pages is not None else None,
        )

    async def stop(self) -> None:
        """Says BYE to every call and leaves nothing behind, in less than five seconds. Idempotent."""
        if self.stopping.is_set():
            return
        self.stopping.set()
        self._open.clear()
        pages = asyncio.create_task(self._pages.stop()) if self._pages is not None else None
        now = asyncio.get_running_loop().time
        latest = now() + _ALL_BUT_CLOSING
        try:
            if self.engine.running:
                with contextlib.suppress(TimeoutError, EngineError):
                    async with asyncio.timeout(_BYE_TIME):
                        await self.engine.completion(self.engine.core.shutdown())
                self.engine.drain()
            await self.connections.close()
            # With their calls ended, handlers end by themselves, but for those that wait for something else.
            if self.incoming.handlers:
                await asyncio.wait(self.incoming.handlers, timeout=_HANDLER_TIME)
            # A handler that is cancelled may leave a chore.
            handlers = dict(self.incoming.handlers)
            for task in await cancelled(handlers, _CLEANING_TIME):
                logger.error(
                    "a handler does not end though it is cancelled, and is given up",
                    app=handlers[task].name,
                    task=task.get_name(),
                )
            await self._chores.close()
            for app in self.apps:
                await self.run_hooks(app, app.stop_hooks, within=max(latest - now(), 0.0))
            if self.components.storage_is_made:
                await self.mailboxes.close()
            await self.ways.close()
            await self.sounds.close()
            self.registrar.close()
            await self._webhooks.close()
        finally:
            if pages is not None:
                forget_running(self)
                await pages
            for call in tuple(self.calls.values()):
                call.on_ended(EndReason("local", None, "the server has stopped"))
            self.calls.clear()
            self.engine.close()
            logger.info("stopped")

    async def _open_boxes(self) -> None:
        """A server without boxes needs no database."""
        if self.config.boxes:
            try:
                await self.mailboxes.start()
            except PluginError as error:
                logger.error("there is no voice mail", why=str(error))
            except StorageError as error:
                raise StartError(f"{error}; [storage] says where it is") from None

    async def run(self, greet: Callable[[Server], None] | None = None) -> None:
        """Starts, calls ``greet`` once calls are taken, and serves until Ctrl-C or SIGTERM.

        Raises StartError."""
        checks.callback("greet", greet, none=True)
        with hosting.Signals(self) as signals:
            async with self:
                if greet is not None:
                    greet(self)
                with hosting.collector_at_rest():
                    await signals.stop.wait()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _start_apps(self) -> None:
        """One that can't start is left out, unless it was asked for: StartError."""
        begun: list[App] = []
        left_out = False
        for app in tuple(self.apps):
            begun.append(app)
            why = await self.run_hooks(app, app.start_hooks)
            if why is None:
                continue
            given_up = self.apps.give_up(app, why)
            # What its other hooks have begun ends, and if nothing comes of it all, that of the others.
            for each in reversed(begun) if given_up.asked else [begun.pop()]:
                await self.run_hooks(each, each.stop_hooks)
            if given_up.asked:
                raise StartError(f"the app {app.name} ({given_up.origin}) can't start: {why}")
            logger.error("an app is left out", app=app.name, origin=given_up.origin, why=why)
            left_out = True
        if left_out:
            dispatch.tell(self)

    async def run_hooks(self, app: App, hooks: Iterable[Hook], *, within: float | None = None) -> str | None:
        """For the server: runs the start or stop hooks of an app; what they raise is logged, and which takes
        long. Those that have not returned ``within`` seconds are cancelled. Returns what was wrong with
        the first with which something was, in one line; None: with none."""
        return await run_hooks(self, app, hooks, within)

    def reload_certificates(self) -> None:
        """Reads the files of ``[tls]`` again, for the connections that are opened from now on; what is
        open goes on. If they make no sense, that is logged and everything stays as it was."""
        try:
            self.engine.core.reload_tls()
        except ValueError as error:
            logger.error("the certificates stay as they were", reason=str(error))
        else:
            logger.info("certificates read again")

    @property
    def ready(self) -> bool:
        """Calls are taken."""
        return self._open.is_set()

    @property
    def voice(self) -> Voice:
        """What speaks texts (:meth:`Call.say() <sems.call.Call.say>`); may be set to another once started."""
        return self.sounds.speaker.voice

    @voice.setter
    def voice(self, voice: Voice) -> None:
        self.sounds.speaker = Speaker(voice)

    @property
    def mailboxes(self) -> Storage:
        """The voice mail boxes. Raises PluginError when the package that brings their storage is broken."""
        return self.components.storage

    @property
    def busy(self) -> bool:
        """A thread works for us of which the loop knows nothing: in virtual time no time passes meanwhile."""
        return self.components.storage_is_made and bool(getattr(self.mailboxes, "busy", False))

    def now(self) -> float:
        """Seconds since 1970; in virtual time they pass as the loop's do.

        >>> begin = server.now()
        >>> await asyncio.sleep(60)
        >>> 59 < server.now() - begin < 61
        True
        """
        return self._clock.now()

    # Addresses

    def base_url(self, local: str | None) -> str:
        """What links to our pages begin with: as configured, else by ``local``, the address (``"ip:port"``)
        at which the one who gets the link reaches us."""
        checks.text("local", local, none=True)
        if self.config.base_url is not None:
            return self.config.base_url
        host = split_host_port(local)[0] if local else self.reachable_host
        return "http://" + join_host_port(host, self.http_port)

    @property
    def reachable_host(self) -> str:
        """The address by which others most likely reach us."""
        return self.config.advertised_address or hosting.reachable_address(self.config.host)

    @property
    def sip_port(self) -> int:
        """The port at which calls are taken."""
        return split_host_port(self.engine.core.sip_addresses()[0])[1] or _SIP_PORT

    async def serve(self, call: Call, app: str, params: Mapping[str, str] | None = None) -> None:
        """Has the app of that name serve a call that we placed and that is answered, as one that comes in,
        and returns when the app is done, which ends the call.

        >>> await server.serve(call, "voicebox", {"box": "anna"})

        Raises WrongState when there is no such app.
        """
        checks.kind("call", call, "a call", Call)
        checks.text("app", app)
        checks.params("params", params)
        await self.incoming.serve(call, app, params or {})

    async def open_room(
        self, *, level_control: bool = True, noise_gate: bool = True, max_talkers: int | None = None
    ) -> Room:
        """A new mixing room, for calls to join; how it mixes is as in
        :meth:`Room.set_mixing() <sems.audio.room.Room.set_mixing>`."""
        checks.flag("level_control", level_control)
        checks.flag("noise_gate", noise_gate)
        checks.whole("max_talkers", max_talkers, 1, 32, none=True)
        request, room_id = self.engine.core.open_room()
        room = self.rooms[room_id] = Room(self, room_id)
        try:
            await self.engine.completion(request)
            await room.set_mixing(level_control=level_control, noise_gate=noise_gate, max_talkers=max_talkers)
        except BaseException:
            # Who was cancelled meanwhile has nobody who could close it.
            self.spawn(room.close())
            raise
        return room

    # What happened

    def trace(self, call: int | str) -> Trace:
        """All that is remembered of a call, by its id or its Call-ID: also one that has ended or was refused.

        Secrets are masked. Raises TraceError when nothing is remembered of it.
        """
        if isinstance(call, str):
            checks.text("call", call)
        else:
            checks.whole("call", call, 0, checks.HIGHEST)
        return tracing.trace_of(self, call)

    def traced_calls(self, limit: int = 500) -> list[TracedCall]:
        """Of which calls (and other requests) something is remembered, the newest first."""
        checks.whole("limit", limit, 0)
        return tracing.traced_calls(self, limit)

    def adopt(self, call: Call) -> None:
        """For those who place calls and take them: the call exists from now on."""
        self.calls[call.id] = call
        self.history.begins()

    async def opened(self) -> None:
        """Returns once calls are taken: with the start hooks of all apps done."""
        await self._open.wait()

    def pass_requests_on(self) -> None:
        """For bridges: requests within calls that no app takes come to them from now on."""
        if not self.passes_on:
            self.passes_on = True
            dispatch.tell(self)

    def spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        """Does something that nobody waits for; what is not done when the server stops is cancelled."""
        checks.kind("work", work, "a coroutine", Coroutine)
        self._chores.spawn(work)
