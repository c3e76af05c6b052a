"""Recorded calls as tests."""

from __future__ import annotations

from pathlib import Path

from .. import checks
from ..trace import Replay, Trace
from ..trace import replay as go_through


def replay(file: Path | str) -> Replay:
    """Goes through a call again that ``sems trace CALL-ID --replay FILE`` has saved.

    Raises AssertionError where it diverges from the record, and TraceError for what is none.

    >>> Path("call.json").write_text(server.trace(call.id).to_json())
    >>> replay("call.json").divergences
    ()
    """
    checks.path("file", file)
    found = go_through(Trace.from_json(Path(file).read_text()))
    assert not found.divergences, "\n".join([f"{file} goes otherwise now:", *found.divergences])
    return found
