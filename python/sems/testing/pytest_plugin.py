"""For pytest: the fixture ``lab``, in virtual time.

>>> async def test_echo(lab):
...     await lab.server()
...     alice = await lab.phone("alice")
...     await alice.call("sip:echo@sems")

Needs pytest-asyncio, best with ``asyncio_mode = "auto"``: in its strict mode each test needs
``@pytest.mark.asyncio`` besides. ``@pytest.mark.lab(seed=7, loss=0.05)`` passes arguments to
:class:`~sems.testing.Lab`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import TYPE_CHECKING, Any

import pytest

try:
    import pytest_asyncio
except ImportError:
    # This module is loaded wherever SEMS is installed, and must not be in the way there.
    _fixture: Any = pytest.fixture
else:
    _fixture = pytest_asyncio.fixture

if TYPE_CHECKING:
    from .lab import Lab


def pytest_configure(config: pytest.Config) -> None:
    """Makes the marker known."""
    config.addinivalue_line("markers", "lab(**arguments): arguments of sems.testing.Lab")


@pytest.hookimpl(optionalhook=True, trylast=True)
def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Function
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Runs tests that have a lab in virtual time, and leaves all others as they are."""
    if "lab" in item.fixturenames:
        from .clock import VirtualLoop

        return {"virtual": VirtualLoop}
    return {"asyncio": asyncio.new_event_loop}


@_fixture  # type: ignore[untyped-decorator]
async def lab(request: pytest.FixtureRequest) -> AsyncIterator[Lab]:
    """Servers and phones on a network in memory, in virtual time."""
    from .lab import Lab

    marker = request.node.get_closest_marker("lab")
    async with Lab(**(marker.kwargs if marker else {})) as made:
        yield made
