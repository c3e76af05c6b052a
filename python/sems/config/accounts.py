"""``[[accounts]]``: where we are registered, as a phone is."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from ..sip.headers import SipUri
from .section import Section


def _address(value: str) -> str:
    uri = SipUri.parse(value)
    if uri.scheme not in ("sip", "sips") or not uri.user or not uri.host:
        raise ValueError("an address is wanted, such as sip:sems@provider.example")
    return value


def _server(value: str) -> str:
    uri = SipUri.parse(value)
    if uri.scheme not in ("sip", "sips") or uri.user or not uri.host:
        raise ValueError("a server is wanted, such as sip:provider.example")
    return value


def _proxy(value: str) -> str:
    # Without it, it would be taken for a strict router, which only RFC 2543 had.
    return value if "lr" in SipUri.parse(_server(value)).params else value + ";lr"


class AccountSettings(Section):
    """One ``[[accounts]]``: an address at a provider or PBX, which is kept registered there."""

    uri: Annotated[str, AfterValidator(_address)]
    """The address that others call, such as ``sip:sems@provider.example``."""
    name: str = ""
    """What apps and routes call it; unset: the address without ``sip:``."""
    username: str = ""
    """The authentication name; unset: the user part of the address."""
    password: str = Field(default="", repr=False)
    """The password."""
    realm: Annotated[str, Field(min_length=1)] | None = None
    """The realm that may ask for the password; ``*``: whoever asks. Unset: when it registers, any; in calls
    to its own domain the one that asks first; in calls to other domains that go through its server the realm
    in which its registrar has asked; elsewhere none."""
    registrar: Annotated[str, AfterValidator(_server)] | None = None
    """Who registers it; unset: the domain of the address."""
    proxy: Annotated[str, AfterValidator(_proxy)] | None = None
    """A server that all requests go through first; unset: the outbound proxy, if there is one."""
    expires: Annotated[int, Field(ge=60, le=86_400)] = 600
    """Seconds that are asked for; a registrar may give less, or want more."""

    @model_validator(mode="after")
    def _named(self) -> Self:
        uri = SipUri.parse(self.uri)
        # Frozen for all others.
        object.__setattr__(self, "name", self.name or self.uri.partition(":")[2].partition(";")[0])
        object.__setattr__(self, "username", self.username or uri.user)
        return self
