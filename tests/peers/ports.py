"""Free ports on loopback for processes that bind them themselves."""

from __future__ import annotations

import socket


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM, span: int = 1) -> int:
    """A port P such that P … P+span−1 are free on 127.0.0.1 for TCP and UDP right now."""
    for _ in range(200):
        with socket.socket(socket.AF_INET, kind) as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        if port + span < 65536 and all(_is_free(port + i) for i in range(span)):
            return port
    raise RuntimeError("no free ports on 127.0.0.1")


def _is_free(port: int) -> bool:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True
