"""What the server remembers of its last calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..engine import __version__
from ..errors import TraceError
from ..trace import Entry, Trace, TracedCall
from . import dispatch

if TYPE_CHECKING:
    from .server import Server


def trace_of(server: Server, call: int | str) -> Trace:
    """By the call's id or its Call-ID. Raises TraceError."""
    entries = tuple(Entry.of(entry) for entry in server.engine.core.trace(call))
    messages = [entry for entry in entries if entry.is_message]
    if not messages:
        if not server.config.trace.enabled:
            raise TraceError("nothing is recorded: [trace] enabled is false")
        raise TraceError(f"nothing is remembered of call {call}: `sems trace` lists what is")
    call_id = call if isinstance(call, str) else messages[0].header("Call-ID")
    return Trace(call_id, entries, __version__, _settings(server))


def _settings(server: Server) -> dict[str, Any]:
    """What of the engine's configuration the course of a call depends on."""
    config = server.config
    return {
        "codecs": list(config.audio.codecs),
        "comfort_noise": config.audio.comfort_noise,
        "advertised_address": config.advertised_address,
        "trusted": [str(network) for network in config.trusted],
        "methods": [list(taken) for taken in dispatch.taken_methods(server.apps)],
        "message_types": dispatch.message_types(server.apps),
        "info_packages": dispatch.info_packages(server.apps),
        "unanswered_ms": round(config.limits.unanswered * 1000),
        "session_expires": config.session.timer,
        "min_se": config.session.min_timer,
    }


def traced_calls(server: Server, limit: int) -> list[TracedCall]:
    """The newest first."""
    return [TracedCall.of(call) for call in server.engine.core.traced_calls(limit)]
