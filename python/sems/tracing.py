"""What the server remembers of its last calls."""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import requests
from .engine import __version__
from .errors import TraceError
from .headers import join_host_port
from .trace import Entry, Trace, TracedCall

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
        "methods": [list(taken) for taken in requests.taken_methods(server.apps)],
        "message_types": requests.message_types(server.apps),
        "info_packages": requests.info_packages(server.apps),
        "unanswered_ms": round(config.limits.unanswered * 1000),
        "session_expires": config.session.timer,
        "min_se": config.session.min_timer,
    }


def traced_calls(server: Server, limit: int) -> list[TracedCall]:
    """The newest first."""
    return [TracedCall.of(call) for call in server.engine.core.traced_calls(limit)]


# Where a server says how its operator reaches it, for commands on the same machine and of the same user.
_NOTE = "operator.json"


@dataclass(frozen=True, slots=True)
class Running:
    """How the operator reaches a server that runs."""

    url: str
    token: str


def note_running(server: Server) -> None:
    """Lets commands of the same user find this server."""
    host = server.config.host
    reached = "127.0.0.1" if host == "0.0.0.0" else "::1" if host == "::" else host
    note = Running(f"http://{join_host_port(reached, server.http_port)}", server.operator_token)
    path = server.config.data / _NOTE
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w") as file:
            json.dump(asdict(note), file)


def forget_running(server: Server) -> None:
    """The server stops: what another has written there meanwhile stays."""
    note = running_server(server.config.data)
    if note is not None and note.token == server.operator_token:
        with contextlib.suppress(OSError):
            (server.config.data / _NOTE).unlink(missing_ok=True)


def running_server(data: Path) -> Running | None:
    """The server of this data folder."""
    try:
        note = json.loads((data / _NOTE).read_text())
        return Running(str(note["url"]), str(note["token"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
