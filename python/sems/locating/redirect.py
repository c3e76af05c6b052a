"""Calls that are sent elsewhere (RFC 3261 §8.1.3.4)."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from typing import TypeVar

from ..errors import CallFailed
from ..sip.headers import SipUri

_T = TypeVar("_T")

# Addresses that one call is tried at, the first included: a redirect must not lead on for ever.
MOST = 10


async def follow(uri: str, call: Callable[[str], Awaitable[_T]]) -> _T:
    """Calls ``uri``, and where it is redirected to, the preferred first; none twice.

    Raises the CallFailed of the last, or of the first that says that nobody wants the call (6xx).
    """
    waiting, seen, left = deque([uri]), {_same(uri)}, MOST
    while True:
        target = waiting.popleft()
        left -= 1
        try:
            return await call(target)
        except CallFailed as failed:
            fresh = []
            for found in failed.targets:
                # A call that was to be secure all the way stays so.
                downgrade = SipUri.parse(uri).scheme == "sips" != SipUri.parse(found).scheme
                if _same(found) not in seen and not downgrade:
                    seen.add(_same(found))
                    fresh.append(found)
            # What a target says stands in for that target: before those that come after it.
            waiting.extendleft(reversed(fresh))
            if failed.code >= 600 or not waiting or not left:
                raise
        except ValueError:
            # A target that can't be called, such as a web page.
            if target == uri:
                raise
            if not waiting or not left:
                raise CallFailed(416, f"{target} can't be called") from None


def _same(uri: str) -> tuple[str, str, str, int | None, str]:
    """What makes two addresses one, for this purpose."""
    parts = SipUri.parse(uri)
    return (parts.scheme, parts.user, parts.host, parts.port, parts.params.get("transport", "").lower())
