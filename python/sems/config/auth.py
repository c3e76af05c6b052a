"""``[auth]``: names and passwords."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from .section import Network, Section

Algorithm = Literal["SHA-512-256", "SHA-256", "MD5"]

_HASH_LENGTHS = {32: "MD5", 64: "SHA-256"}


def _method(value: str) -> str:
    if not re.fullmatch(r"[A-Z]+", value):
        raise ValueError("a method of SIP is wanted, such as INVITE")
    if value in ("ACK", "CANCEL"):
        raise ValueError(f"no {value} can be challenged, since it can't be sent again")
    return value


def _ha1(value: str) -> str:
    if not re.fullmatch(r"[0-9a-fA-F]+", value) or len(value) not in _HASH_LENGTHS:
        raise ValueError("a hash in hexadecimal is wanted, of 32 (MD5) or 64 digits (SHA-256)")
    return value.lower()


Method = Annotated[str, AfterValidator(_method)]
Ha1 = Annotated[str, AfterValidator(_ha1)]


class UserSettings(Section):
    """One ``[[auth.users]]``: somebody who may call us, with a password or its hash."""

    name: Annotated[str, Field(min_length=1)]
    """What the phone has as its authentication name."""
    password: Annotated[str, Field(min_length=1)] | None = Field(default=None, repr=False)
    """The password."""
    ha1: Ha1 | None = Field(default=None, repr=False)
    """In place of it the hash of ``name:realm:password`` in hexadecimal, by the only algorithm offered."""

    @model_validator(mode="after")
    def _one_secret(self) -> Self:
        if (self.password is None) == (self.ha1 is None):
            raise ValueError("either password or ha1 is wanted")
        return self

    @property
    def algorithm(self) -> str:
        """What ``ha1`` is a hash of."""
        return _HASH_LENGTHS.get(len(self.ha1 or ""), "")


class CredentialSettings(Section):
    """One ``[[auth.credentials]]``: who we are where we call."""

    realm: Annotated[str, Field(min_length=1)]
    """The realm that may ask, as it calls itself; ``*``: whoever asks in any call, and no other is for. Whom
    we call could then pass on a question of somebody else's: that is for a server behind a proxy of ours."""
    username: Annotated[str, Field(min_length=1)]
    password: str = Field(repr=False)


class AuthSettings(Section):
    """``[auth]``: who has to show who it is, and who we are elsewhere."""

    challenge: tuple[Method, ...] = ()
    """Requests that are asked for a name and a password, such as ``["INVITE"]``; those of a call that is up
    are not. Whose call had to show a password can write into his room beside the call only if that is asked
    for one as well, since nothing else says that it is he: ``["INVITE", "MESSAGE"]``."""
    realm: Annotated[str, Field(min_length=1)] = "sems"
    """What phones are told that the password is for."""
    algorithms: Annotated[tuple[Algorithm, ...], Field(min_length=1)] = ("SHA-256", "MD5")
    """What is offered, the best first. Many phones know MD5 only, and some of them give up where something
    else comes first: for those offer ``["MD5"]``."""
    users: tuple[UserSettings, ...] = ()
    """Who may answer."""
    users_of_component: bool = False
    """Whether it is a package's ``authentication`` component that knows who may answer, and not this file."""
    exempt: tuple[Network, ...] = ()
    """Networks from which nobody is asked."""
    credentials: tuple[CredentialSettings, ...] = ()
    """What we answer with when we are asked."""

    @model_validator(mode="after")
    def _users_can_answer(self) -> Self:
        if self.challenge and not self.users and not self.users_of_component:
            raise ValueError("challenge needs users, or nobody could answer")
        names = [user.name for user in self.users]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"there are two users named {name}")
        for user in self.users:
            only = user.algorithm
            if user.ha1 is not None and self.algorithms != (only,):
                raise ValueError(f'the ha1 of {user.name} is of {only}, so algorithms must be ["{only}"]')
        return self
