"""The server's life on a real machine: start, stop, and what is left behind."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import logging
import os
import signal
import socket
import sys
import threading
import time
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from sems import App, Call, CallFailed, Config, Server, StartError
from sems.plugins import Apps
from sems.testing import Lab

RUN_OPTIONS = ["--host", "127.0.0.1", "--sip-port", "0", "--http-port", "0", "--rtp-ports", "8500-8699"]


def config(folder: Path, **settings: Any) -> Config:
    return Config.model_validate(
        {
            "host": "127.0.0.1",
            "sip_port": 0,
            "http_port": 0,
            "rtp_ports": "8700-8899",
            "data": folder / "data",
            **settings,
        }
    )


@contextlib.asynccontextmanager
async def phone(folder: Path) -> AsyncIterator[Server]:
    """A server without pages, to call from."""
    settings = config(folder, data=folder / "phone", rtp_ports="8900-9099", rtp_timeout=0)
    async with Server(settings, apps=Apps(), web=False) as server:
        yield server


class Running:
    """A server of its own process."""

    def __init__(self, process: asyncio.subprocess.Process, ready: dict[str, Any]) -> None:
        self.process = process
        self.sip = ready["sip"][0].removeprefix("udp:")
        self.pages = ready["pages"]

    def uri(self, user: str) -> str:
        return f"sip:{user}@{self.sip}"

    async def interrupt(self, number: int = signal.SIGINT) -> tuple[int, float]:
        """Its exit code, and how many seconds it took to leave."""
        begin = time.monotonic()
        self.process.send_signal(number)
        return await self.process.wait(), time.monotonic() - begin


@contextlib.asynccontextmanager
async def running(folder: Path, *arguments: str, **environ: str) -> AsyncIterator[Running]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *["-m", "sems", "run", *RUN_OPTIONS, "--data", str(folder / "server"), *arguments],
        env={**os.environ, "SEMS_LOG__FORMAT": "json", **environ},
        stderr=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        assert process.stderr is not None
        async with asyncio.timeout(60):
            async for line in process.stderr:
                with contextlib.suppress(json.JSONDecodeError):
                    told = json.loads(line)
                    if told["event"].startswith("ready"):
                        break
            else:
                pytest.fail("the server did not start")
        drained = asyncio.create_task(process.stderr.read())
        yield Running(process, told)
        await drained
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def soonest(once: Callable[[], Awaitable[float]]) -> float:
    """The least of the seconds that it takes, of three times at most until it is less than the five that are
    promised. Where nobody lets go the server takes more than four by itself, and what else the machine does
    is no fault of its."""
    least = await once()
    for _ in range(2):
        if least >= 5:
            least = min(least, await once())
    return least


async def test_a_started_server_answers_and_leaves_nothing_behind(tmp_path: Path) -> None:
    gc.collect()
    files, threads = len(os.listdir("/proc/self/fd")), threading.active_count()
    native = len(os.listdir("/proc/self/task"))

    async def live() -> tuple[int, int]:
        async with Server(config(tmp_path)) as server:
            assert server.ready
            async with httpx.AsyncClient() as client:
                health = await client.get(f"http://127.0.0.1:{server.http_port}/healthz")
                assert health.status_code == 200
            async with phone(tmp_path) as caller, asyncio.timeout(10):
                call = await caller.dial(f"sip:echo@127.0.0.1:{server.sip_port}")
                assert server.calls
                await call.hangup()
            return server.sip_port, server.http_port

    sip, http = await live()
    gc.collect()
    assert threading.active_count() == threads
    # Pools of the libraries may keep a thread; ours are gone.
    assert len(os.listdir("/proc/self/task")) <= native + 1
    assert len(os.listdir("/proc/self/fd")) == files
    for kind, port in ((socket.SOCK_DGRAM, sip), (socket.SOCK_STREAM, http)):
        with socket.socket(socket.AF_INET, kind) as free:
            free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            free.bind(("127.0.0.1", port))


async def test_a_stop_leaves_no_chore_that_nobody_awaits(tmp_path: Path) -> None:
    begun: list[str] = []

    async def last(name: str) -> None:
        begun.append(name)

    async def chore() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            server.spawn(last("that a chore has left"))

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        async with Server(config(tmp_path)) as server:
            server.spawn(last("that is cancelled before it begins"))
            for each in server._chores:
                each.cancel()
            server.spawn(chore())
            await asyncio.sleep(0)
        server.spawn(last("that came too late"))
        await asyncio.sleep(0)
        gc.collect()
    assert [str(each.message) for each in told if issubclass(each.category, RuntimeWarning)] == []
    assert begun == []


async def test_a_stopped_server_has_said_bye(tmp_path: Path) -> None:
    async with phone(tmp_path) as caller, asyncio.timeout(20):
        async with Server(config(tmp_path)) as server:
            calls = [await caller.dial(f"sip:echo@127.0.0.1:{server.sip_port}") for _ in range(3)]
        assert [(await call.wait_ended()).cause for call in calls] == ["remote"] * 3


async def test_hooks_of_apps_run_before_the_first_call_and_after_the_last(tmp_path: Path) -> None:
    told: list[str] = []
    app = App("mine")

    @app.start
    async def start(server: Server) -> None:
        told.append(f"start {server.ready}")

    @app.call
    async def main(call: Call) -> None:
        told.append("call")
        await call.answer()
        await asyncio.sleep(3600)

    @app.stop
    async def stop(server: Server) -> None:
        told.append(f"stop {len(server.calls)}")

    apps = Apps.find()
    apps.add(app)
    async with (
        asyncio.timeout(20),
        phone(tmp_path) as caller,
        Server(config(tmp_path), apps=apps) as server,
    ):
        await caller.dial(f"sip:mine@127.0.0.1:{server.sip_port}")
    assert told == ["start False", "call", "stop 0"]


@pytest.mark.parametrize("kind", ["sip", "http"])
async def test_a_port_in_use_is_one_clear_line(tmp_path: Path, kind: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM if kind == "sip" else socket.SOCK_STREAM) as taken:
        taken.bind(("127.0.0.1", 0))
        if kind == "http":
            taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(StartError) as error:
            await Server(config(tmp_path, **{f"{kind}_port": port})).start()
    assert f"127.0.0.1:{port}: address already in use" in str(error.value)
    assert f"--{kind}-port" in str(error.value)


async def test_an_address_that_is_not_ours_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"192\.0\.2\.1:0: cannot assign requested address"):
        await Server(config(tmp_path, host="192.0.2.1")).start()


async def test_a_data_folder_that_cannot_be_made_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    with pytest.raises(StartError, match=r"the data folder .*/data can't be written: file exists.*--data"):
        await Server(config(tmp_path)).start()


async def test_two_servers_run_side_by_side(tmp_path: Path) -> None:
    second = config(tmp_path, data=tmp_path / "two", rtp_ports="9100-9199")
    async with Server(config(tmp_path)) as one, Server(second) as two, phone(tmp_path) as caller:
        for server in (one, two):
            async with asyncio.timeout(10):
                call = await caller.dial(f"sip:echo@127.0.0.1:{server.sip_port}")
                assert len(server.calls) == 1
                await call.hangup()


async def test_a_broken_handler_harms_no_other_call(tmp_path: Path) -> None:
    app = App("mine")

    @app.call
    async def main(call: Call) -> None:
        await call.answer()
        raise ZeroDivisionError

    apps = Apps.find()
    apps.add(app)
    async with (
        Server(config(tmp_path), apps=apps) as server,
        phone(tmp_path) as caller,
        asyncio.timeout(10),
    ):
        good = await caller.dial(f"sip:echo@127.0.0.1:{server.sip_port}")
        bad = await caller.dial(f"sip:mine@127.0.0.1:{server.sip_port}")
        assert (await bad.wait_ended()).cause == "remote"
        assert good.state == "answered"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_says_bye_to_every_call_and_exits_0_within_five_seconds(
    tmp_path: Path, number: signal.Signals
) -> None:
    async def once() -> float:
        async with phone(tmp_path) as caller, running(tmp_path) as server, asyncio.timeout(30):
            calls = [await caller.dial(server.uri(user)) for user in ("echo", "standup", "standup")]
            code, seconds = await server.interrupt(number)
            assert code == 0
            assert [(await call.wait_ended()).cause for call in calls] == ["remote"] * 3
            return seconds

    assert await soonest(once) < 5


async def test_ten_open_pages_do_not_delay_the_stop(tmp_path: Path) -> None:
    async def watch(link: str | None, is_open: asyncio.Event) -> None:
        assert link is not None
        async with (
            httpx.AsyncClient(timeout=None) as client,
            client.stream(
                "GET",
                f"{link}/api/v1/conferences/standup/events",
                headers={"Accept": "text/event-stream"},
            ) as stream,
        ):
            assert stream.status_code == 200
            async for _ in stream.aiter_raw():
                is_open.set()

    async def once() -> float:
        async with phone(tmp_path) as caller, running(tmp_path) as server, asyncio.timeout(30):
            calls = [await caller.dial(server.uri("standup")) for _ in range(10)]
            opened = [asyncio.Event() for _ in calls]
            pages = [
                asyncio.create_task(watch(call.peer_link, is_open))
                for call, is_open in zip(calls, opened, strict=True)
            ]
            everyone: asyncio.Future[Any] = asyncio.gather(*(is_open.wait() for is_open in opened))
            waits: set[asyncio.Future[Any]] = {everyone, *pages}
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            assert everyone.done(), [page.exception() for page in pages if page.done()]
            code, seconds = await server.interrupt()
            assert code == 0
            await asyncio.gather(*pages, return_exceptions=True)
            return seconds

    assert await soonest(once) < 5


# In the second no handler of Python's runs before it is done, which takes minutes.
@pytest.mark.parametrize("blocks", ["time.sleep(1)", "hashlib.pbkdf2_hmac('sha256', b'a', b'b', 10**9)"])
async def test_an_app_that_never_lets_go_of_the_loop_does_not_keep_the_server(
    tmp_path: Path, blocks: str
) -> None:
    script = tmp_path / "spin.py"
    script.write_text(
        "import hashlib, time\n"
        "from sems import App, Call\n"
        "app = App()\n"
        "@app.call\n"
        "async def main(call: Call) -> None:\n"
        "    await call.answer()\n"
        "    while True:\n"
        f"        {blocks}\n"
    )

    async def once() -> float:
        async with phone(tmp_path) as caller, running(tmp_path, str(script)) as server, asyncio.timeout(30):
            call = await caller.dial(server.uri("spin"))
            code, seconds = await server.interrupt()
            assert code == 0
            assert (await call.wait_ended()).cause == "remote"
            return seconds

    assert await soonest(once) < 5


async def test_a_second_signal_leaves_at_once(tmp_path: Path) -> None:
    script = tmp_path / "slow.py"
    script.write_text(
        "import asyncio, os, signal\n"
        "from sems import App, Call, Server\n"
        "app = App()\n"
        "@app.stop\n"
        "async def stop(server: Server) -> None:\n"
        "    # While the first is being obeyed.\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    await asyncio.sleep(60)\n"
        "@app.call\n"
        "async def main(call: Call) -> None:\n"
        "    pass\n"
    )
    async with running(tmp_path, str(script)) as server, asyncio.timeout(30):
        code, _ = await server.interrupt()
        assert code == 128 + signal.SIGINT


async def test_a_host_is_found_by_its_name(tmp_path: Path) -> None:
    async with Server(config(tmp_path)) as server, phone(tmp_path) as caller, asyncio.timeout(10):
        call = await caller.dial(f"sip:echo@localhost:{server.sip_port}")
        assert call.state == "answered"


async def test_a_host_that_has_no_address_is_said_so(tmp_path: Path) -> None:
    async with phone(tmp_path) as caller, asyncio.timeout(10):
        with pytest.raises(CallFailed, match=r"503 there is no host named nobody\.invalid"):
            await caller.dial("sip:alice@nobody.invalid")


@pytest.mark.parametrize(
    ("settings", "local", "url"),
    [
        ({}, "192.0.2.1:5060", "http://192.0.2.1:8080"),
        ({}, "[2001:db8::1]:5060", "http://[2001:db8::1]:8080"),
        ({"host": "192.0.2.7"}, None, "http://192.0.2.7:8080"),
        ({"host": "::1"}, None, "http://[::1]:8080"),
        ({"base_url": "https://example.com/x/"}, "192.0.2.1:5060", "https://example.com/x"),
    ],
)
def test_links_begin_with_the_address_at_which_the_call_arrived(
    settings: dict[str, Any], local: str | None, url: str
) -> None:
    server = Server(Config.model_validate(settings), apps=Apps())
    assert server.base_url(local) == url


def test_a_server_at_all_addresses_knows_one_by_which_it_is_reached() -> None:
    url = Server(Config(), apps=Apps()).base_url(None)
    assert "0.0.0.0" not in url
    assert url.endswith(":8080")


async def test_a_route_to_an_app_that_is_not_there_is_warned_of(
    lab: Lab, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger="sems"):
        await lab.server(routes=[{"app": "ecko"}, {"app": "echo"}])
    warned = [
        record for record in caplog.records if record.message == "a route leads to an app that is not there"
    ]
    assert [record.app for record in warned] == ["ecko"]  # type: ignore[attr-defined]
