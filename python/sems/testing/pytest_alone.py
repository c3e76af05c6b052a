"""The fixtures where nobody else runs coroutines: they and the tests that have a lab are run here."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator

import pytest

from .clock import VirtualLoop
from .lab import Lab
from .phone import Phone

_RUNNER = pytest.StashKey[asyncio.Runner]()


@pytest.fixture
def lab(request: pytest.FixtureRequest) -> Iterator[Lab]:
    """Servers and phones on a network in memory, in virtual time: a sems.testing.Lab."""
    marker = request.node.get_closest_marker("lab")
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        request.node.stash[_RUNNER] = runner
        made = runner.run(_open(marker))
        try:
            yield made
        finally:
            runner.run(made.__aexit__(None, None, None))


@pytest.fixture
def phone(request: pytest.FixtureRequest, lab: Lab) -> Phone:
    """A phone in the lab, called "phone": a sems.testing.Phone."""
    runner: asyncio.Runner = request.node.stash[_RUNNER]
    return runner.run(lab.phone("phone"))


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Runs a coroutine that has a lab."""
    runner = pyfuncitem.stash.get(_RUNNER, None)
    if runner is None or not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = inspect.signature(pyfuncitem.obj).parameters.keys() & pyfuncitem.funcargs.keys()
    runner.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in arguments}))
    return True


async def _open(marker: pytest.Mark | None) -> Lab:
    return await Lab(**(marker.kwargs if marker else {})).__aenter__()
