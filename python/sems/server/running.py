"""How commands on the same machine find a server that runs."""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..sip.headers import join_host_port

if TYPE_CHECKING:
    from .server import Server

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
