"""What tests of the whole API share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from hypothesis import HealthCheck, settings
from world import World

from sems.testing import Lab

# How long an example takes is no matter of what is tested: a busy machine pauses for longer than the 200 ms
# that each has otherwise.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


@pytest_asyncio.fixture
async def world(lab: Lab) -> AsyncIterator[World]:
    """A server, phones in calls with it, and a client of its API."""
    world = World(lab)
    await world.begin()
    yield world
    await world.client.close()
