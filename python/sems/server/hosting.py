"""What a server needs of the machine: its limits, its signals, a folder, and a port for the pages."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import resource
import signal
import socket
import threading
import time
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, Self

import uvicorn

from ..errors import StartError
from ..log import logger
from ..sip.headers import join_host_port

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from .server import Server

# A stop that takes longer than this is ended by force: five seconds are promised.
_PATIENCE = 4.3
_GOODBYE = 0.3
_PAGES_TIME = 2
# So many new objects have the collector look at them, which takes it less than a millisecond.
_YOUNG_OBJECTS = 5_000


def raise_file_limit() -> None:
    """Allows as many open files as the system lets us have: a call needs two sockets."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


@contextlib.contextmanager
def collector_at_rest() -> Iterator[None]:
    """Keeps the collector of reference cycles from what is here now, which stays: looking at every module
    and class again takes it tens of milliseconds, in which no call is answered. Calls leave no cycles, so
    it need not look for these often either."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def claim_folder(folder: Path) -> None:
    """Makes the data folder. Raises StartError when it can't be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise StartError(
            f"the data folder {folder} can't be written: {_reason(error)}; --data chooses another"
        ) from None


def pid_file(folder: Path) -> Path:
    """Where ``sems run`` writes which process it is."""
    return folder / "sems.pid"


def _reason(error: OSError) -> str:
    """What the system said, within a sentence."""
    return (error.strerror or str(error)).lower()


def reachable_address(host: str) -> str:
    """The address by which others most likely reach a server that listens at ``host``."""
    address = ip_address(host)
    if not address.is_unspecified:
        return host
    family, elsewhere = (
        (socket.AF_INET, "192.0.2.1") if address.version == 4 else (socket.AF_INET6, "2001:db8::1")
    )
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            # Chooses a route and sends nothing.
            probe.connect((elsewhere, 9))
        except OSError:
            return "127.0.0.1" if address.version == 4 else "::1"
        return str(probe.getsockname()[0])


class Pages:
    """The web server, in our loop and without signal handlers of its own."""

    def __init__(self, app: ASGIApp, host: str, port: int) -> None:
        """Takes the port and begins to serve. Raises StartError."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._socket.bind((host, port))
            self._socket.listen(2048)
        except OSError as error:
            self._socket.close()
            raise StartError(
                f"cannot listen on tcp {join_host_port(host, port)}: {_reason(error)}; "
                "--host and --http-port say where to listen"
            ) from None
        self.port: int = self._socket.getsockname()[1]
        self._server = _Uvicorn(
            uvicorn.Config(
                app,
                lifespan="off",
                log_config=None,
                # Its lines would show the links of the callers.
                access_log=False,
                ws="none",
                server_header=False,
                timeout_graceful_shutdown=_PAGES_TIME,
            )
        )
        self._task = asyncio.create_task(self._server.serve([self._socket]), name="pages")

    async def stop(self) -> None:
        """Lets requests in progress end, but not for long."""
        self._server.should_exit = True
        try:
            await self._task
        finally:
            self._socket.close()


class _Uvicorn(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Signals:
    """Ctrl-C and SIGTERM stop the server once, and the process at once when they come again. SIGHUP has it
    read its certificates again; ``sems reload`` finds it by a file in its data folder."""

    def __init__(self, server: Server) -> None:
        self.stop = asyncio.Event()
        """Set by the first signal."""
        self._server = server
        self._loop = asyncio.get_running_loop()
        self._before: dict[signal.Signals, Any] = {}
        self._pid_file = pid_file(server.config.data)
        self._watchdog = threading.Timer(_PATIENCE, self._leave)
        self._watchdog.daemon = True
        self._watching = threading.Lock()
        self._asked = False
        self._coming, self._told = socket.socketpair()
        self._told_before = -1

    def __enter__(self) -> Self:
        # Not asyncio's handlers: these here run even while an app keeps the loop from running. While it keeps
        # the main thread in a call, as of time.sleep(), they may have to wait, and time runs all the same.
        self._told.setblocking(False)
        self._told_before = signal.set_wakeup_fd(self._told.fileno(), warn_on_full_buffer=False)
        threading.Thread(target=self._listen, name="signals", daemon=True).start()
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._on_signal)
        self._before[signal.SIGHUP] = signal.signal(signal.SIGHUP, self._on_reload)
        with contextlib.suppress(OSError):
            self._pid_file.parent.mkdir(parents=True, exist_ok=True)
            self._pid_file.write_text(f"{os.getpid()}\n")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._told_before)
        # The thread comes to its end.
        self._told.close()
        self._watchdog.cancel()
        with contextlib.suppress(OSError):
            self._pid_file.unlink()

    def _listen(self) -> None:
        with self._coming:
            while came := self._coming.recv(1):
                if came[0] in (signal.SIGINT, signal.SIGTERM):
                    self._watch()

    def _watch(self) -> None:
        # Of the two who may see a signal first.
        if self._watching.acquire(blocking=False):
            self._watchdog.start()

    def _on_reload(self, number: int, frame: FrameType | None) -> None:
        self._loop.call_soon_threadsafe(self._reload)

    def _reload(self) -> None:
        if self._server.ready:
            self._server.reload_certificates()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._asked:
            os._exit(128 + number)
        self._asked = True
        self._watch()
        self._loop.call_soon_threadsafe(self.stop.set)

    def _leave(self) -> None:
        """The loop is kept from running, or a peer keeps us waiting: says BYE past them, and leaves."""
        logger.error("the stop took too long; an app may be blocking the event loop")
        self._server.engine.core.shutdown()
        time.sleep(_GOODBYE)
        os._exit(0)
