"""What tests of calls share."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

import pytest

from sems import App, Call


def app_of(handler: Callable[[Call], Awaitable[None]]) -> App:
    """The app ``mine``, which takes calls with ``handler``."""
    app = App("mine")
    app.call(handler)
    return app


def failures(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """The tracebacks of handlers that were logged."""
    return [record for record in caplog.records if record.message == "an app failed"]
