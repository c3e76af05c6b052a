"""Virtual time."""

from __future__ import annotations

import asyncio
import re
import signal
import threading
import time
from pathlib import Path

import anyio.to_thread
import httpx
import pytest
from starlette.responses import FileResponse
from starlette.types import Receive, Scope, Send

from sems.testing import Lab, NothingWillHappen, TimeIsUp, VirtualLoop, run


def test_a_long_sleep_takes_no_time() -> None:
    async def main() -> float:
        loop = asyncio.get_running_loop()
        begin = loop.time()
        await asyncio.sleep(3000)
        return loop.time() - begin

    begin = time.monotonic()
    assert run(main()) == pytest.approx(3000, abs=1e-6)
    assert time.monotonic() - begin < 60


def test_timers_fire_in_their_order() -> None:
    async def main() -> list[float]:
        fired: list[float] = []

        async def one(delay: float) -> None:
            await asyncio.sleep(delay)
            fired.append(delay)

        await asyncio.gather(*(one(delay) for delay in (3, 0.02, 100, 0.02001, 1)))
        return fired

    assert run(main()) == [0.02, 0.02001, 1, 3, 100]


def test_a_wait_for_what_cannot_come_is_an_error() -> None:
    async def main() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(NothingWillHappen):
        run(main())


def test_it_is_told_at_which_line_of_its_own_a_test_waits_for_what_cannot_come() -> None:
    async def rings(lab: Lab) -> None:
        phone = await lab.phone("anna")
        await phone.ringing()  # as nobody calls her

    async def main() -> None:
        async with Lab() as lab:
            await asyncio.wait_for(rings(lab), None)

    lines = Path(__file__).read_text().splitlines()
    line = 1 + next(number for number, text in enumerate(lines) if text.endswith("# as nobody calls her"))
    where = re.escape(f" at {__file__}, line {line}: await phone.ringing()")
    with pytest.raises(NothingWillHappen, match=f"something that can't come any more{where}"):
        run(main())


def test_time_is_limited() -> None:
    with pytest.raises(TimeIsUp, match="10 seconds of virtual time"):
        run(asyncio.sleep(11), limit=10)


def test_a_test_that_waits_for_too_long_is_told_at_which_line_and_puts_away_its_lab() -> None:
    put_away = []

    async def main() -> None:
        async with Lab() as lab:
            server = await lab.server()
            phone = await lab.phone("anna")
            call = await phone.call("sip:echo@sems")
            try:
                await phone.ended()
            finally:
                await server.stop()
                put_away.append(call.end)

    where = re.escape(f"; the test waits at {__file__}, line ") + r"\d+: await phone\.ended\(\)"
    with pytest.raises(TimeIsUp, match=where):
        run(main(), limit=10)
    assert [end.cause for end in put_away if end is not None] == ["remote"]


def test_no_time_passes_while_a_thread_works() -> None:
    async def main() -> tuple[str, float]:
        release = threading.Event()
        loop = asyncio.get_running_loop()
        timer = asyncio.create_task(asyncio.sleep(5))
        work = asyncio.create_task(asyncio.to_thread(release.wait, 10))
        # The machine's clock, not ours.
        threading.Timer(0.05, release.set).start()
        done, _ = await asyncio.wait({timer, work}, return_when=asyncio.FIRST_COMPLETED)
        return ("work" if work in done else "timer"), loop.time()

    assert run(main()) == ("work", 0.0)


def test_a_page_read_by_a_thread_takes_no_time(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("hello")

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await FileResponse(page)(scope, receive, send)

    async def main() -> tuple[str, float]:
        async with (
            Lab(),
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client,
        ):
            async with asyncio.timeout(1):
                response = await client.get("/")
            return response.text, asyncio.get_running_loop().time()

    assert run(main()) == ("hello", 0.0)


def test_real_sockets_do_not_exist() -> None:
    async def connect() -> None:
        await asyncio.open_connection("127.0.0.1", 9)

    async def serve() -> None:
        await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)

    async def datagrams() -> None:
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(asyncio.DatagramProtocol, local_addr=("127.0.0.1", 0))

    async def process() -> None:
        await asyncio.create_subprocess_exec("true")

    async def watch() -> None:
        asyncio.get_running_loop().add_reader(0, lambda: None)

    async def name() -> None:
        await asyncio.get_running_loop().getaddrinfo("localhost", 9)

    for reach_out in (connect, serve, datagrams, process, watch, name):
        with pytest.raises(RuntimeError, match="no real sockets"):
            run(reach_out())


def test_a_lab_outside_of_virtual_time_says_what_to_do() -> None:
    async def main() -> None:
        async with Lab():
            pass

    with pytest.raises(RuntimeError, match=r"use sems\.testing\.run\(\) or the lab fixture"):
        asyncio.run(main())


def test_ctrl_c_reaches_a_test_in_virtual_time() -> None:
    # Who runs the tests in the background has it ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    async def main() -> None:
        signal.raise_signal(signal.SIGINT)
        await asyncio.sleep(1)

    try:
        with pytest.raises(KeyboardInterrupt):
            run(main())
    finally:
        signal.signal(signal.SIGINT, before)


async def test_the_fixture_runs_its_test_in_virtual_time(lab: Lab) -> None:
    assert isinstance(asyncio.get_running_loop(), VirtualLoop)
    assert lab.folder.is_dir()


async def test_other_tests_run_in_real_time() -> None:
    assert not isinstance(asyncio.get_running_loop(), VirtualLoop)


async def test_anyio_is_told_apart_by_its_limiter(lab: Lab) -> None:
    loop = asyncio.get_running_loop()
    await anyio.to_thread.run_sync(time.sleep, 0.01)
    assert loop.time() == 0.0
