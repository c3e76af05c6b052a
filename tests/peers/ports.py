"""Free ports on loopback for processes that bind them themselves."""

from __future__ import annotations

import fcntl
import functools
import os
import random
import socket
import tempfile
from pathlib import Path

#: Under the range from which the kernel takes ports for connections of its own.
_LOW, _HIGH = 10_000, 32_000
_PARTS = 5


@functools.cache
def _own_part() -> tuple[int, int]:
    """The part of them from which no other process takes that runs tests on this machine, as long as this one
    lives: what is free may not be bound at once. Where there are more processes than parts, some share."""
    size = (_HIGH - _LOW) // _PARTS
    for part in (parts := random.sample(range(_PARTS), _PARTS)):
        try:
            file = os.open(Path(tempfile.gettempdir(), f"sems-ports-{part}"), os.O_RDWR | os.O_CREAT, 0o666)
        except OSError:
            continue  # another user's
        try:
            # It goes with this process, and with none that this one starts.
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(file)
        else:
            parts = [part]
            break
    low = _LOW + size * parts[0]
    return low, low + size


# Where to look next: one after the other, since what was given out may be bound only later.
_next: int | None = None


def free_port(span: int = 1) -> int:
    """A port P such that P … P+span−1 are free on 127.0.0.1 right now: for TCP and UDP, or of more than four,
    which are for RTP, for UDP alone."""
    global _next
    low, high = _own_part()
    if _next is None:
        _next = random.randrange(low, high)
    kinds = (socket.SOCK_DGRAM,) if span > 4 else (socket.SOCK_DGRAM, socket.SOCK_STREAM)
    for _ in range(1000):
        port = _next if _next + span <= high else low
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
