"""``[dialout]``: whom conferences may call, and how."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, model_validator

from ..sip.dialled import Address, Place, number_in
from ..sip.headers import NameAddr, SipUri
from .section import Section

ANYTHING = "*"
"""Stands for all that can be dialled."""


def _pattern(value: Any) -> Any:
    if isinstance(value, str):
        try:
            return re.compile(".*" if value == ANYTHING else value)
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from None
    return value


def _domain(value: str) -> str:
    return str(Place.parse(value))


def _caller(value: str) -> str:
    uri = SipUri.parse(NameAddr.parse(value).uri)
    if (
        re.search(r"[\r\n\0]", value)
        or uri.scheme not in ("sip", "sips", "tel")
        or not (uri.host or uri.user)
    ):
        raise ValueError('an address is wanted, such as "Meeting room" <sip:meet@example.com>')
    return value


def _proxy(value: str) -> str:
    uri = SipUri.parse(value)
    if uri.scheme not in ("sip", "sips") or not uri.host or re.search(r'[\s<>"?]', value):
        raise ValueError("the SIP address of a proxy is wanted, such as sip:proxy.example.com;lr")
    # Without it, it would be taken for a strict router, which only RFC 2543 had.
    return value if "lr" in uri.params else value + ";lr"


def _target(value: str) -> str:
    if number_in(value) is None:
        Address.parse(value)
    return value


Pattern = Annotated[
    re.Pattern[str],
    BeforeValidator(_pattern),
    PlainSerializer(lambda pattern: pattern.pattern, return_type=str),
]
Limit = Annotated[int, Field(ge=1, le=1_000_000)]


class DialoutSettings(Section):
    """``[dialout]``: whom conferences may call, and how. A call costs somebody money, so without ``allow``
    nobody but this machine itself can be called: 127.0.0.0/8, ::1 and localhost, straight and by no proxy."""

    who: Literal["moderators", "everyone", "nobody"] = "moderators"
    """Who may dial. The operator may, too, unless it is ``nobody``."""
    strangers: bool = False
    """Whether also callers may dial who came first and so moderate a room, but of whom nobody knows who they
    are: who come from no ``trusted`` neighbour, have shown neither a password (``[auth]``) nor the PIN of a
    moderator, and were not called by us."""
    allow: tuple[Pattern, ...] = ()
    """What may be dialled: each a regular expression that matches all of the address as
    ``sip:USER@HOST`` (``sip:USER@HOST:PORT`` if a port is dialled, and ``sips:``), or all of a number as it
    was dialled, without blanks and dashes; or ``*``: anything. What it matches is called whatever address
    its name leads to. Such as ``['\\+49[1-9]\\d+', 'sip:.*@example\\.com']``. Unset: only this machine."""
    names: dict[str, Annotated[str, AfterValidator(_target)]] = Field(default_factory=dict)
    """A phone book: names that can be dialled, each with its number or address, which need not be in
    ``allow``."""
    domain: Annotated[str, AfterValidator(_domain)] | None = None
    """Where numbers, and names that are not in the phone book, are called: ``example.com`` or
    ``192.0.2.1:5070``. Unset: the domain of the account, else that of the caller; with none of them only
    whole addresses can be dialled."""
    caller: Annotated[str, AfterValidator(_caller)] | None = None
    """Who calls, such as ``"Meeting room" <sip:meet@example.com>``; unset: the account, else the name of the
    room at our own address. The parameter ``Dialout-From`` of a caller's ``P-App-Param`` stands in for it
    when he dials."""
    account: str | None = None
    """The name of the account as which calls are made; unset: none."""
    proxy: Annotated[str, AfterValidator(_proxy)] | None = None
    """The proxy that calls go by which ``allow`` permits; unset: that of the account, else
    ``outbound_proxy``."""
    username: Annotated[str, Field(min_length=1)] | None = None
    """Who we are where ``domain`` or ``proxy`` asks for it; nobody else gets an answer."""
    password: str | None = Field(default=None, repr=False)
    """What goes with it."""
    ring_time: Annotated[float, Field(ge=1, le=300)] = 60.0
    """After so many seconds a call that nobody answers is taken back."""
    concurrent: Limit = 32
    """Calls that were dialled and go on, or ring, at once, in all rooms together, …"""
    room_concurrent: Limit = 16
    """… and of one room."""
    per_hour: Limit = 240
    """Calls that are dialled within an hour, in all rooms together, …"""
    room_per_hour: Limit = 60
    """… and of one room."""

    @model_validator(mode="after")
    def _whole_credential(self) -> Self:
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password belong together")
        if self.username is not None and self.domain is None and self.proxy is None:
            raise ValueError("a password needs a domain or a proxy that it is for")
        return self
