"""What the phone of somebody in a conference can do, and whether a request comes from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from ..sip import identity
from ..sip.headers import Headers, NameAddr, SipUri

if TYPE_CHECKING:
    from ..call import Call
    from .conference import Conference
    from .member import Member


class Sent(Protocol):
    """What a peer has sent, in a call or outside: a request, or a subscription."""

    @property
    def call(self) -> Call | None: ...
    @property
    def headers(self) -> Headers: ...
    @property
    def source(self) -> str: ...
    @property
    def authenticated_user(self) -> str | None: ...
    @property
    def asserted_identity(self) -> NameAddr | None: ...


def allows(call: Call, method: str) -> bool | None:
    """It takes requests of this method, or does not, as Allow says (RFC 3261 §20.5) in its INVITE, or in
    its answer to ours; ``None``: it has not said what it takes."""
    if "Allow" not in call.headers:
        return None
    return method in identity.values(call.headers, "Allow")


def sender_of(conference: Conference, sent: Sent) -> Member | None:
    """The member who has sent it; the newest, if there are several calls of the same phone."""
    if sent.call is not None:
        return conference.member_of(sent.call)
    newest_first = reversed(list(conference.members.values()))
    return next((each for each in newest_first if is_from(sent, each.call)), None)


def is_from(sent: Sent, call: Call) -> bool:
    """What came outside any call was sent by the peer of this one.

    By the user whose password it has, if either has shown one; else by the address that a trusted
    neighbour asserts, if it asserts one of either (RFC 3325); else the From must be that of the call, and
    the request must have come from the very address and port that the call came from. A From that names
    nobody proves nothing.
    """
    users = sent.authenticated_user, call.authenticated_user
    if any(user is not None for user in users):
        return users[0] == users[1]
    asserted = sent.asserted_identity, call.asserted_identity
    if any(each is not None for each in asserted):
        one, other = (None if each is None else _address(each.uri) for each in asserted)
        return one is not None and one == other
    sender = _address(NameAddr.parse(sent.headers.get("From", "")).uri)
    return sender is not None and sender in _addresses(call) and sent.source == _source(call)


def _addresses(call: Call) -> set[tuple[str, str] | None]:
    """Under which addresses the peer of a call is known."""
    if call.direction == "in":
        return {_address(call.caller_uri)}
    return {_address(call.uri), _address(NameAddr.parse(call.headers.get("To", "")).uri)}


def _source(call: Call) -> str:
    """``"ip:port"``, without the transport that stands before it in where we called."""
    place = call.source.partition(";")[0]
    for transport in ("udp:", "tcp:", "tls:"):
        place = place.removeprefix(transport)
    return place


def _address(uri: str) -> tuple[str, str] | None:
    """User and host; ``None`` for what stands for anybody."""
    address = SipUri.parse(uri)
    if address.scheme == "tel":
        return address.user, ""
    anonymous = address.user.lower() == "anonymous" or address.host.endswith(".invalid")
    return None if anonymous or not address.user else (address.user, address.host)
