"""What of one call's header fields belongs to the other call when we stand between two (RFC 7092)."""

from __future__ import annotations

from collections.abc import Iterable

from ..checks import is_token, sendable
from .headers import Headers

# What says how a message travels, what its sender can do, or what is between one side and us: each side
# has its own. What we write ourselves is among it, and what tells us what to do.
_NAMES = (
    "accept accept-contact accept-encoding accept-language accept-resource-priority allow allow-events "
    "authentication-info authorization call-id contact content-disposition content-encoding "
    "content-language content-length content-type cseq error-info event expires flow-timer from identity "
    "identity-info info-package join max-breadth max-forwards mime-version min-expires min-se "
    "p-access-network-info p-app-name p-app-param p-asserted-identity p-asserted-service "
    "p-associated-uri p-called-party-id p-charging-function-addresses p-charging-vector "
    "p-preferred-identity p-visited-network-id path privacy proxy-authenticate proxy-authentication-info "
    "proxy-authorization proxy-require rack record-route recv-info refer-sub refer-to referred-by "
    "reject-contact replaces request-disposition require retry-after route rseq security-client "
    "security-server security-verify server service-route session-expires subscription-state supported "
    "target-dialog timestamp to unsupported user-agent via warning www-authenticate "
)
_OF_ONE_SIDE = frozenset(_NAMES.split())


# What of those tells what a body within a call is, and goes with it.
_OF_BODIES = frozenset(("content-disposition", "content-encoding", "content-language"))


def kept(headers: Headers, keep: bool | Iterable[str], *, but: Iterable[str] = ()) -> list[tuple[str, str]]:
    """The header fields that go on to the other call: with ``True`` those of :func:`end_to_end`, with names
    those alone, with ``False`` none."""
    if isinstance(keep, bool):
        return end_to_end(headers, but=but) if keep else []
    wanted = {name.lower() for name in keep} - {name.lower() for name in but}
    return [
        (name, value)
        for name, value in headers
        if headers.canonical(name) in wanted and sendable(name, value)
    ]


def of_requests(headers: Headers, *, also: Iterable[str] = ()) -> list[tuple[str, str]]:
    """The header fields of a request within one call, or of its answer, that go on to the other; ``also``
    those of these names, in small letters."""
    return [
        (name, value)
        for name, value in headers
        if ((named := headers.canonical(name)) not in _OF_ONE_SIDE or named in _OF_BODIES or named in also)
        and sendable(name, value)
    ]


def end_to_end(headers: Headers, *, but: Iterable[str] = ()) -> list[tuple[str, str]]:
    """The header fields that are for whoever is at the other end, such as Subject, Alert-Info, History-Info
    or a field of your own, in their order; without those named in ``but``."""
    left_out = {name.lower() for name in but}
    return [
        (name, value)
        for name, value in headers
        if headers.canonical(name) not in _OF_ONE_SIDE
        and headers.canonical(name) not in left_out
        and sendable(name, value)
    ]


def packages(headers: Headers) -> list[str]:
    """The INFO packages that the sender of these header fields takes: its Recv-Info (RFC 6086 §5.2)."""
    named = (name.strip() for value in headers.all("Recv-Info") for name in value.split(","))
    # A parameter of a package is none of its name.
    return [name for each in named if is_token(name := each.partition(";")[0].strip())]
