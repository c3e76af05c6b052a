"""What a server does to the process that it has to itself."""

from __future__ import annotations

import gc

from sems.server import hosting


def test_the_collector_leaves_alone_what_was_there_at_the_start() -> None:
    before = gc.get_threshold(), gc.get_freeze_count()
    with hosting.collector_at_rest():
        assert gc.get_freeze_count() > 10_000
        assert len(gc.get_objects()) < 1_000
        assert gc.get_threshold()[0] > before[0][0]
    assert (gc.get_threshold(), gc.get_freeze_count()) == before
