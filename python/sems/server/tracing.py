"""What the server remembers of its last calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..audio import codecs
from ..engine import __version__
from ..errors import TraceError
from ..sip import subscriptions
from ..trace import Entry, Trace, TracedCall
from . import dispatch, listening

if TYPE_CHECKING:
    from ..config import Config
    from ..plugins import Apps
    from .server import Server

# Seconds after which silence is told, where that is not wanted.
_NEVER = 86_400


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


def course(config: Config, apps: Apps, *, bridges: bool = False) -> dict[str, Any]:
    """What of the engine's configuration the course of a call depends on, beside where it listens and who
    may call."""
    return {
        "codecs": codecs.spoken(config.audio),
        "comfort_noise": config.audio.comfort_noise,
        "telephone_events": config.audio.telephone_events,
        "advertised_address": config.advertised_address,
        "trusted": [str(network) for network in config.trusted],
        "methods": dispatch.taken_methods(apps, registrar=config.registrar.enabled, bridges=bridges),
        "event_packages": subscriptions.packages(apps),
        "message_types": dispatch.message_types(apps, bridges=bridges),
        "info_packages": dispatch.info_packages(apps),
        "rtp_timeout_ms": round((config.rtp_timeout or _NEVER) * 1000),
        "unanswered_ms": round(config.limits.unanswered * 1000),
        "session_expires": config.session.timer,
        "min_se": config.session.min_timer,
        "trace_packets": config.trace.packets,
    }


def _settings(server: Server) -> dict[str, Any]:
    """The same as it is saved with a trace; of ``[auth]`` without those who may answer."""
    config = server.config
    settings = course(config, server.apps, bridges=server.passes_on)
    settings["methods"] = [list(taken) for taken in settings["methods"]]
    settings["listen"] = listening.with_advertised(config, server.engine.core.listeners())
    if config.auth.challenge:
        settings["auth"] = {
            "realm": config.auth.realm,
            "challenge": list(config.auth.challenge),
            "algorithms": list(config.auth.algorithms),
            "exempt": [str(network) for network in config.auth.exempt],
        }
    return settings


def traced_calls(server: Server, limit: int) -> list[TracedCall]:
    """The newest first."""
    return [TracedCall.of(call) for call in server.engine.core.traced_calls(limit)]
