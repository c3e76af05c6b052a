"""What tests of the whole API share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from world import World

from sems.testing import Lab


@pytest_asyncio.fixture
async def world(lab: Lab) -> AsyncIterator[World]:
    """A server, phones in calls with it, and a client of its API."""
    world = World(lab)
    await world.begin()
    yield world
    await world.client.close()
