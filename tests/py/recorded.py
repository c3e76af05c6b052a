"""What tests of replays share."""

from __future__ import annotations

import asyncio

from sems import Server
from sems.trace import Replay, Trace, replay


async def recorded(server: Server, method: str = "INVITE") -> Trace:
    """The newest call of the server, or other request, as it is saved in a file."""
    await asyncio.sleep(1)
    newest = next(call for call in server.traced_calls() if call.method == method)
    return Trace.from_json(server.trace(newest.call_id).to_json())


def course(trace: Trace) -> list[str]:
    """What happened, but for what packets there were, of which one more or less may be in time."""
    return [
        entry.title
        for entry in trace.entries
        if entry.kind != "heard" and not entry.title.startswith("audio: ")
    ]


def goes_the_same_way(trace: Trace) -> Replay:
    """A replay that does, in each entry."""
    again = replay(trace)
    assert not again.divergences, "\n".join(again.divergences)
    assert course(again.now) == course(trace)
    return again
