"""The fixtures where nobody else runs coroutines: they and the tests that have a lab are run here."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from collections.abc import Callable, Generator, Iterator
from typing import Any

import pytest

from .clock import VirtualLoop
from .lab import Lab
from .phone import Phone
from .pytest_plugin import is_async_beside_lab

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


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> Generator[None, object, object]:
    """Runs a fixture that is a coroutine, or an asynchronous generator, of a test that has a lab."""
    if fixturedef.argname in ("lab", "phone") or not is_async_beside_lab(fixturedef, request):
        return (yield)
    # Also one that asks for no lab itself needs its loop.
    request.getfixturevalue("lab")
    made = fixturedef.func
    fixturedef.func = _run_by(request.node.stash[_RUNNER], made)  # type: ignore[misc]
    try:
        return (yield)
    finally:
        fixturedef.func = made  # type: ignore[misc]


def _run_by(runner: asyncio.Runner, made: Callable[..., Any]) -> Callable[..., Any]:
    """The fixture as pytest itself can run it."""

    def value(*args: Any, **kwargs: Any) -> Any:
        return runner.run(made(*args, **kwargs))

    def yielded(*args: Any, **kwargs: Any) -> Iterator[Any]:
        course = made(*args, **kwargs)
        yield runner.run(anext(course))
        with contextlib.suppress(StopAsyncIteration):
            runner.run(anext(course))
            pytest.fail(f"the fixture {made.__name__} has more than one yield")

    return yielded if inspect.isasyncgenfunction(made) else value


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
