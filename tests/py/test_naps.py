"""An engine that has much to tell is listened to in naps, and nothing waits for longer than one."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator

import pytest

from sems import engine as module
from sems.engine import Engine, EngineConfig, Event, MemoryNetwork


class Core:
    """What an engine needs of the real one: a descriptor, and events when the test tells them."""

    def __init__(self) -> None:
        self.descriptor = os.eventfd(0, os.EFD_NONBLOCK)
        self.waiting: list[Event] = []
        self.napping = False
        self.naps = 0

    def fileno(self) -> int:
        return self.descriptor

    def events(self, soon: bool = False) -> list[Event]:
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self.descriptor)
        self.naps += soon
        self.napping = soon
        told, self.waiting = self.waiting, []
        return told

    def tell(self, message: str) -> None:
        self.waiting.append(Event.Fault(message))
        if not self.napping:
            os.eventfd_write(self.descriptor, 1)

    def close(self) -> None:
        os.close(self.descriptor)


@pytest.fixture
async def core() -> Core:
    return Core()


@pytest.fixture
async def heard(core: Core) -> AsyncIterator[list[str]]:
    """What the engine tells on."""
    engine = Engine(EngineConfig(sip_listen=["127.0.0.1:0"]), MemoryNetwork())
    engine.core.close()
    engine.core = core  # type: ignore[assignment]
    heard: list[str] = []
    engine.on_event = lambda event: heard.append(event.message)  # type: ignore[attr-defined]
    engine.start()
    yield heard
    engine.close()


async def test_what_is_told_now_and_then_is_heard_at_once(
    core: Core, heard: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_OFTEN", 0.0)
    for count in range(1, 4):
        core.tell("now")
        await turns(3)
        assert len(heard) == count
    assert core.naps == 0


async def test_who_is_told_much_naps_and_misses_nothing(
    core: Core, heard: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_OFTEN", 60.0)
    told = [str(number) for number in range(100)]
    for message in told:
        core.tell(message)
        await turns(1)
    await asyncio.sleep(0.05)
    assert heard == told
    assert core.naps > 0


async def test_who_naps_is_awake_again_when_nothing_more_is_told(
    core: Core, heard: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_OFTEN", 60.0)
    # The loop's clock goes on when the test has it go on: a nap is shorter than a pause of a busy machine.
    loop = asyncio.get_running_loop()
    now = loop.time()
    monkeypatch.setattr(loop, "time", lambda: now)
    for message in ("one", "two"):
        core.tell(message)
        await turns(3)
    assert heard == ["one", "two"]
    assert core.napping
    now += 0.05
    await turns(3)
    assert not core.napping
    naps = core.naps
    now += 0.05
    await turns(3)
    assert core.naps == naps


async def turns(count: int) -> None:
    """Lets the loop go round so many times."""
    for _ in range(count):
        await asyncio.sleep(0)
