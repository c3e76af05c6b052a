"""Free ports on loopback for processes that bind them themselves."""

from __future__ import annotations

import os
import random
import socket


def _own_range() -> tuple[int, int]:
    """Under the range from which the kernel takes ports for connections of its own; of that the part of this
    process where several run tests at a time, since what is free may not be bound at once."""
    low, high = 10_000, 32_000
    share = (high - low) // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    low += share * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    return low, low + share


_LOW, _HIGH = _own_range()
# Where to look next: one after the other, since what was given out may be bound only later.
_next = random.randrange(_LOW, _HIGH)


def free_port(span: int = 1) -> int:
    """A port P such that P … P+span−1 are free on 127.0.0.1 right now: for TCP and UDP, or of more than four,
    which are for RTP, for UDP alone."""
    global _next
    kinds = (socket.SOCK_DGRAM,) if span > 4 else (socket.SOCK_DGRAM, socket.SOCK_STREAM)
    for _ in range(1000):
        port = _next if _next + span <= _HIGH else _LOW
        busy = next((port + i for i in range(span) if not _is_free(port + i, kinds)), None)
        if busy is None:
            _next = port + span
            return port
        _next = busy + 1
    raise RuntimeError(f"no {span} free ports in a row on 127.0.0.1")


def _is_free(port: int, kinds: tuple[socket.SocketKind, ...]) -> bool:
    for kind in kinds:
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True
