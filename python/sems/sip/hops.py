"""How often what we send may still be passed on (Max-Forwards, RFC 3261 §20.22).

What an app sends while it serves a call or a request is taken for that passed on, and may go one hop less
far: so services that call each other, or themselves, in a circle come to an end (RFC 7332 §4).
"""

from __future__ import annotations

from contextvars import ContextVar

from ..errors import CallFailed
from .headers import Headers

_NAME = "Max-Forwards"

_served: ContextVar[Headers | None] = ContextVar("served", default=None)


def serve(headers: Headers) -> None:
    """From here on this task, and those that it starts, serve what came with these headers."""
    _served.set(headers)


def counted(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The headers of what is about to be sent, with what is left of the hops of what is being served; those
    that say it themselves are left alone.

    Raises CallFailed with 483 when nothing is left."""
    served = _served.get()
    left = None if served is None else served.get(_NAME)
    if left is None or any(name.lower() == _NAME.lower() for name, _ in headers):
        return headers
    if int(left) < 1:
        raise CallFailed(483, "Too Many Hops")
    return [*headers, (_NAME, str(int(left) - 1))]
