"""Who a caller is by the network's word, and by which ways its call came: P-Asserted-Identity (RFC 3325),
Privacy (RFC 3323), Diversion (RFC 5806), History-Info (RFC 7044), Reason (RFC 3326)."""

from __future__ import annotations

import re
from abc import ABC
from collections.abc import Iterable
from dataclasses import dataclass

from .headers import Headers, NameAddr, SipUri, parse_params

ANONYMOUS = ("Anonymous", "sip:anonymous@anonymous.invalid")
"""The From of who wants to stay unknown (RFC 3323 §4.1.1.3)."""

_SCHEMES = ("sip", "sips", "tel")
_HIDING = frozenset({"user", "header", "id"})


@dataclass(frozen=True, slots=True)
class Diversion:
    """One diversion of the call, the latest first.

    >>> [(each.uri, each.reason) for each in call.diversions]      # nobody has sent it on
    []
    """

    name: str
    """The name in the entry."""
    uri: str
    """Who diverted it."""
    reason: str
    """``unconditional``, ``no-answer``, ``user-busy`` …; empty when it is not said."""
    counter: int
    """How many diversions this entry stands for."""


@dataclass(frozen=True, slots=True)
class History:
    """One target that the call was sent to, the earliest first.

    >>> [(each.index, each.uri) for each in call.history]
    []
    """

    name: str
    """The name in the entry."""
    uri: str
    """The target, without the header fields in it."""
    index: str
    """Its place in the tree of targets, such as ``1.2``."""
    reason: Reason | None
    """Why it went on from there."""
    params: dict[str, str]
    """The other parameters, ``rc``, ``mp`` and ``np`` among them."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a request was sent.

    >>> Reason("Q.850", 17, "User busy").cause
    17
    """

    protocol: str
    """``SIP``, ``Q.850`` …"""
    cause: int | None
    """A status code or a cause of Q.850."""
    text: str
    """What it says."""


class Identity(ABC):
    """What the header fields of a request tell of who sent it: of a call's INVITE
    (:class:`~sems.call.Call`), of other requests and of a SUBSCRIBE."""

    headers: Headers
    trusted: bool
    """It came from one of the configured trusted networks."""

    @property
    def asserted_identity(self) -> NameAddr | None:
        """Who the sender is by the word of a trusted neighbour (RFC 3325 §9.1). None from others: what they
        assert is nobody's identity. Who wants privacy is to be known to the app, and shown to nobody."""
        if not self.trusted:
            return None
        for value in values(self.headers, "P-Asserted-Identity"):
            address = NameAddr.parse(value)
            if SipUri.parse(address.uri).scheme in _SCHEMES:
                return address
        return None

    @property
    def privacy(self) -> frozenset[str]:
        """What a trusted neighbour asks to be kept private: ``id``, ``user``, ``header``, ``session``,
        ``critical``, ``history`` (RFC 3323 §4.2). Empty for ``none``, and from others."""
        if not self.trusted:
            return frozenset()
        wanted = ";".join(self.headers.all("Privacy")).replace(",", ";").lower().split(";")
        return frozenset(word.strip() for word in wanted) - {"", "none"}

    @property
    def diversions(self) -> list[Diversion]:
        """By whom it was diverted before it came to us, the latest first."""
        found = []
        for value in values(self.headers, "Diversion"):
            address, params = NameAddr.parse(value), params_of(value)
            counter = params.get("counter", "")
            found.append(
                Diversion(
                    address.name,
                    address.uri,
                    params.get("reason", "").lower(),
                    int(counter) if counter.isascii() and counter.isdigit() else 1,
                )
            )
        return found

    @property
    def history(self) -> list[History]:
        """The targets that it was sent to before it came to us, the earliest first."""
        found = []
        for value in values(self.headers, "History-Info"):
            address, params = NameAddr.parse(value), params_of(value)
            uri, _, more = address.uri.partition("?")
            # Header fields of a URI are its parameters' kin, only with & between them (RFC 3261 §19.1.1).
            told = parse_params(more.replace("&", ";"), escaped=True).get("reason")
            found.append(
                History(
                    address.name,
                    uri,
                    params.pop("index", ""),
                    None if told is None else _reason(told),
                    params,
                )
            )
        return found

    @property
    def reasons(self) -> list[Reason]:
        """Why it was sent to us, where it says so."""
        return [_reason(value) for value in values(self.headers, "Reason")]


def outgoing(
    from_name: str,
    from_uri: str,
    headers: Iterable[tuple[str, str]],
    asserted_identity: str | None,
    privacy: Iterable[str],
) -> tuple[str, str, list[tuple[str, str]]]:
    """For the server: From name, From URI and header fields of what is sent."""
    fields, wanted = list(headers), sorted(set(privacy))
    check(asserted_identity)
    if asserted_identity is not None:
        address = NameAddr.parse(asserted_identity)
        fields.append(
            ("P-Asserted-Identity", asserted_identity if "<" in asserted_identity else f"<{address.uri}>")
        )
    if wanted:
        fields.append(("Privacy", ";".join(wanted)))
    if _HIDING.intersection(wanted):
        from_name, from_uri = ANONYMOUS
    return from_name, from_uri, fields


def check(asserted_identity: str | None) -> None:
    """Raises ValueError for what is no address."""
    if asserted_identity is None or SipUri.parse(NameAddr.parse(asserted_identity).uri).scheme in _SCHEMES:
        return
    raise ValueError(f"asserted_identity has to be an address, not {asserted_identity!r}")


def values(headers: Headers, name: str) -> list[str]:
    """Every value of a header field that may hold several, in lines of their own or separated by commas."""
    return [value for line in headers.all(name) for value in _split(line)]


def _split(line: str) -> list[str]:
    parts = re.findall(r'(?:"(?:[^"\\]|\\.)*"|<[^>]*>|[^,"<])+', line, re.DOTALL)
    return [part.strip() for part in parts if part.strip()]


def params_of(value: str) -> dict[str, str]:
    """The parameters behind an address."""
    text = re.sub(r'^\s*"(?:[^"\\]|\\.)*"', "", value)
    _, bracket, behind = text.partition(">")
    return parse_params((behind if bracket else text).partition(";")[2])


def _reason(value: str) -> Reason:
    protocol, _, rest = value.partition(";")
    params = parse_params(rest)
    cause = params.get("cause", "")
    return Reason(
        protocol.strip(), int(cause) if cause.isascii() and cause.isdigit() else None, params.get("text", "")
    )
