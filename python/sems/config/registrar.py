"""``[registrar]``: phones that register at us."""

from __future__ import annotations

import re
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from .section import Section


def _domain(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]", value):
        raise ValueError("a domain is wanted, such as example.com")
    return value.strip("[]").lower()


Domain = Annotated[str, AfterValidator(_domain)]


class RegistrarSettings(Section):
    """``[registrar]``: whether phones can register here (RFC 3261 §10.3), so that ``server.dial()`` and
    conferences find them by their names. Where they are is kept in memory only. With ``[[auth.users]]``
    each phone needs the password of its name, as if ``[auth] challenge`` had REGISTER."""

    enabled: bool = False
    """Whether they can."""
    domains: tuple[Domain, ...] = ()
    """What stands behind the ``@`` of their addresses; empty: the addresses at which we are reached, and
    the name of the machine."""
    min_expires: Annotated[int, Field(ge=1, le=3600)] = 60
    """The shortest time, in seconds, that a phone may ask for."""
    max_expires: Annotated[int, Field(ge=60, le=604_800)] = 3600
    """The longest time, in seconds, that a phone is given, and what one gets that asks for none."""
    max_bindings: Annotated[int, Field(ge=1, le=100)] = 10
    """Phones of one user at once; one more is refused with 403."""
    max_users: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    """Users at once; one more is refused with 503."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.max_expires < self.min_expires:
            raise ValueError(
                f"max_expires ({self.max_expires}) must not be less than min_expires ({self.min_expires})"
            )
        return self
