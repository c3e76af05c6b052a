"""The loop of a server runs what is woken before it asks the system again, and forgets nobody for it."""

from __future__ import annotations

import asyncio
import selectors
import socket
import time
from types import SimpleNamespace
from typing import Any

import pytest

from sems.server.loop import EnduringLoop


def test_what_comes_is_heard_however_busy_the_loop_is() -> None:
    async def main() -> tuple[list[bytes], int]:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        heard: list[bytes] = []
        turns = 0
        with ours, theirs:
            loop = asyncio.get_running_loop()
            loop.add_reader(ours, lambda: heard.append(ours.recv(10)))
            for said in (b"one", b"two"):
                theirs.send(said)
                # There is always something to run, so that the loop never waits.
                while said not in heard and turns < 10:
                    turns += 1
                    await asyncio.sleep(0)
            loop.remove_reader(ours)
        return heard, turns

    with asyncio.Runner(loop_factory=EnduringLoop) as runner:
        heard, turns = runner.run(main())
    assert heard == [b"one", b"two"]
    assert turns <= 6


def test_who_blocks_it_is_told_of_once_and_what_to_do_instead(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A clock that goes on while it waits and while it is blocked: a busy machine takes as long for the rest.
    now = 0.0
    ask = selectors.DefaultSelector.select

    def wait(selector: selectors.DefaultSelector, timeout: float | None = None) -> Any:
        nonlocal now
        now += timeout or 0
        return ask(selector, timeout)

    monkeypatch.setattr(selectors.DefaultSelector, "select", wait)
    monkeypatch.setattr("sems.server.loop.time", SimpleNamespace(monotonic=lambda: now))

    def block() -> None:
        nonlocal now
        now += 0.06

    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, EnduringLoop)
        # What came before is the start of the server.
        block()
        loop.tell_when_blocked(0.05)
        await asyncio.sleep(0)
        assert not caplog.records
        for _ in range(2):
            await asyncio.sleep(0.06)
            block()
            await asyncio.sleep(0)

    with asyncio.Runner(loop_factory=EnduringLoop) as runner:
        runner.run(main())
    (told,) = caplog.records
    assert told.message == "Python was blocked, and decided nothing meanwhile"
    assert told.seconds >= 0.05  # type: ignore[attr-defined]
    assert "await call.sleep() in place of time.sleep()" in told.instead  # type: ignore[attr-defined]


def test_timers_and_other_threads_are_as_soon_as_ever() -> None:
    async def main() -> float:
        begun = time.monotonic()
        await asyncio.gather(asyncio.sleep(0.01), asyncio.to_thread(time.sleep, 0.01))
        return time.monotonic() - begun

    with asyncio.Runner(loop_factory=EnduringLoop) as runner:
        assert 0.01 <= runner.run(main()) < 5


def test_it_asks_the_system_every_second_time_at_most_while_there_is_something_to_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = 0
    ask = selectors.DefaultSelector.select

    def count(
        selector: selectors.DefaultSelector, timeout: float | None = None
    ) -> list[tuple[selectors.SelectorKey, int]]:
        nonlocal asked
        asked += 1
        return ask(selector, timeout)

    async def main() -> None:
        for _ in range(100):
            await asyncio.sleep(0)

    monkeypatch.setattr(selectors.DefaultSelector, "select", count)
    with asyncio.Runner(loop_factory=EnduringLoop) as runner:
        runner.run(main())
    assert 45 <= asked <= 70
