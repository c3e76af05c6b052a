"""For pytest: the fixtures ``lab`` and ``phone``, in virtual time. Nothing but pytest is needed.

>>> async def test_echo(lab, phone):
...     await lab.server()
...     await phone.call("sip:echo@sems")

``@pytest.mark.lab(seed=7, loss=0.05)`` passes arguments to :class:`~sems.testing.Lab`. With pytest-asyncio,
other coroutines and fixtures run as it says, those with a lab in virtual time, too. Fixtures that
are coroutines, or asynchronous generators, run in the lab of the test that has them, whoever runs the others.
"""

from __future__ import annotations

import inspect
from typing import Any

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Makes the marker known, and brings the fixtures that fit."""
    config.addinivalue_line("markers", "lab(**arguments): arguments of sems.testing.Lab")
    # This module is loaded wherever SEMS is installed, and must not be in the way there.
    if config.pluginmanager.hasplugin("asyncio"):
        from . import pytest_with_asyncio as fitting
    else:
        from . import pytest_alone as fitting  # type: ignore[no-redef]
    config.pluginmanager.register(fitting, "sems-lab")


def has_lab(item: object) -> bool:
    """It is a test with a lab."""
    return "lab" in getattr(item, "fixturenames", ())


def is_async_beside_lab(definition: pytest.FixtureDef[Any], request: pytest.FixtureRequest) -> bool:
    """It is a fixture for one test, which has a lab, that is a coroutine or an asynchronous generator."""
    made = definition.func
    is_async = inspect.iscoroutinefunction(made) or inspect.isasyncgenfunction(made)
    return is_async and definition.scope == "function" and has_lab(request.node)
