"""The fixtures where pytest-asyncio runs the tests."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Generator, Mapping
from typing import Any

import pytest
import pytest_asyncio

from .clock import VirtualLoop
from .lab import Lab
from .phone import Phone
from .pytest_plugin import has_lab, is_async_beside_lab

_FIXTURES = {"lab", "phone"}


@pytest_asyncio.fixture
async def lab(request: pytest.FixtureRequest) -> AsyncIterator[Lab]:
    """Servers and phones on a network in memory, in virtual time: a sems.testing.Lab."""
    marker = request.node.get_closest_marker("lab")
    async with Lab(**(marker.kwargs if marker else {})) as made:
        yield made


@pytest_asyncio.fixture
async def phone(lab: Lab) -> Phone:
    """A phone in the lab, called "phone": a sems.testing.Phone."""
    return await lab.phone("phone")


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(obj: object) -> None:
    """A test with one of the fixtures needs no mark of pytest-asyncio, in its strict mode neither."""
    if inspect.iscoroutinefunction(obj) and _FIXTURES & inspect.signature(obj).parameters.keys():
        pytest.mark.asyncio(obj)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> Generator[None, object, object]:
    """Fixtures beside a lab need no mark of pytest-asyncio either."""
    if is_async_beside_lab(fixturedef, request):
        pytest_asyncio.fixture(fixturedef.func)
    return (yield)


@pytest.hookimpl(optionalhook=True, trylast=True)
def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Function
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Runs tests that have a lab in virtual time, and leaves all others as they are."""
    if has_lab(item):
        return {"virtual": VirtualLoop}
    return {"asyncio": asyncio.new_event_loop}
