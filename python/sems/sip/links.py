"""The link to a control page, for phones that take every description with one (``u=``) for broken."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .headers import Headers

# linphone, up to 5.1 at least: its grammar of session descriptions knows no URI.
_CHOKES: Final = re.compile(r"linphone|belle-sip", re.IGNORECASE)


def chokes_on_links(headers: Headers) -> bool:
    """Who sent this takes no description that has a link in it, by what it calls itself."""
    return _CHOKES.search(headers.get("User-Agent", "") + headers.get("Server", "")) is not None


def in_header(link: str) -> tuple[str, str]:
    """The link as a header field alone (RFC 3261 §20.9)."""
    return "Call-Info", f"<{link}>;purpose=info"
