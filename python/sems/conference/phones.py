"""What the phone of somebody in a conference can do, as far as it has said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..sip import identity

if TYPE_CHECKING:
    from ..call import Call


def allows(call: Call, method: str) -> bool:
    """It takes requests of this method: it names it in Allow (RFC 3261 §20.5) of its INVITE, or of its
    answer to ours."""
    return method in identity.values(call.headers, "Allow")
