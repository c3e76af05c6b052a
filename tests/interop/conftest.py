"""What waits for the long timers of the RFC begins first, so that nobody waits for it alone at the end."""

from __future__ import annotations

import pytest

PATIENT = ("test_given_back.py", "test_sipp_calls[no_ack-")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not any(each in item.nodeid for each in PATIENT))
