"""What the network of a lab does to packets."""

from __future__ import annotations

from .. import checks

_LONGEST_DELAY = 3_600_000


def check_quality(loss: float, duplicate: float, delay_ms: float, jitter_ms: float) -> None:
    """For labs and phones: what a network is said to do can be done."""
    for share, value in (("loss", loss), ("duplicate", duplicate)):
        checks.number(share, value, 0, 1)
    for time, value in (("delay_ms", delay_ms), ("jitter_ms", jitter_ms)):
        checks.number(time, value, 0, _LONGEST_DELAY, "milliseconds")
