"""Which addresses in the web lie below others."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

_PORTS = {"http": 80, "https": 443}
_LONGEST = 2048

_Place = tuple[str, str, int, str]
"""Scheme, host, port and path."""


def is_url(name: str) -> bool:
    """It is an address in the web and not the name of a sound."""
    return name.lower().startswith(("http://", "https://"))


@dataclass(frozen=True, slots=True)
class Url:
    """A sound in the web."""

    address: str
    within: tuple[str, ...] = ()
    """What its address, and all to which it is redirected, must begin with; none: anything."""


def is_within(address: str, prefixes: Iterable[str]) -> bool:
    """Whether the address is one of these, or lies in the folder that one of them is.

    It is compared part by part as it would be fetched, so nothing that servers and proxies may read in two
    ways passes: dots that lead upwards, escaped or not, also with parameters (``..;x=1``), escaped slashes,
    escaped escapes, what is no UTF-8, backslashes, users in front of the host.
    """
    place = _place(address)
    return place is not None and any(_is_below(place, prefix) for prefix in map(_place, prefixes))


def _is_below(place: _Place, prefix: _Place | None) -> bool:
    if prefix is None or place[:3] != prefix[:3]:
        return False
    return place[3] == prefix[3] or place[3].startswith(prefix[3].rstrip("/") + "/")


def _place(address: str) -> _Place | None:
    """None for what might be read in two ways."""
    if len(address) > _LONGEST or not address.isascii() or not address.isprintable():
        return None
    if any(bad in address for bad in ' \\#"<>'):
        return None
    try:
        parts = urlsplit(address)
        port = parts.port
        # Some take the long forms of a dot, which are no UTF-8, for a dot.
        path = unquote(parts.path, errors="strict") or "/"
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not parts.hostname or "@" in parts.netloc:
        return None
    if (
        "%" in path
        or "\\" in path
        or not path.isprintable()
        or path.count("/") > max(1, parts.path.count("/"))
    ):
        return None
    # RFC 3986 §3.3: what follows a semicolon is a parameter of its segment, which some take away first.
    if any(segment.partition(";")[0] in (".", "..") for segment in path.split("/")):
        return None
    return parts.scheme, parts.hostname.rstrip("."), port or _PORTS[parts.scheme], path
