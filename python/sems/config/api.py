"""``[api]``: programs that steer conferences, and what they are told."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from .section import Section


def _hook_url(value: str) -> str:
    if not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s#]*)?", value):
        raise ValueError("an http or https address is wanted, such as https://example.com/sems")
    return value


def _room_pattern(value: str) -> str:
    if not value or len(value) > 200:
        raise ValueError('the name of a room is wanted, or a pattern such as "team-*"')
    return value


RoomPattern = Annotated[str, AfterValidator(_room_pattern)]
Secret = Annotated[str, Field(min_length=16, max_length=512)]


class ApiToken(Section):
    """One ``[[api.tokens]]``: a credential for a program, ``Authorization: Bearer TOKEN``."""

    name: Annotated[str, Field(min_length=1)]
    """What the log calls it."""
    token: Secret = Field(repr=False)
    """The secret, 16 characters or more: ``openssl rand -base64 24``."""
    scope: Literal["room", "operator"] = "room"
    """``room``: may do in its rooms what the operator may; ``operator``: everything everywhere."""
    rooms: tuple[RoomPattern, ...] = ()
    """Of ``room``: names of rooms, ``*`` stands for anything."""

    @model_validator(mode="after")
    def _is_for_something(self) -> Self:
        if self.scope == "room" and not self.rooms:
            raise ValueError('a token for rooms says which: rooms = ["standup", "team-*"]')
        return self


class Webhook(Section):
    """One ``[[api.webhooks]]``: what happens in conferences, and with connections, is posted there, signed
    as Standard Webhooks say (``webhook-id``, ``webhook-timestamp``, ``webhook-signature``), and again until
    it is taken."""

    url: Annotated[str, AfterValidator(_hook_url)]
    """Where to."""
    secret: Secret = Field(repr=False)
    """The key of the signature, HMAC-SHA256; with ``whsec_`` in front it is base64."""
    rooms: tuple[RoomPattern, ...] = ("*",)
    """Which conferences. What is told of all is told of connections, too."""
    events: tuple[str, ...] = ()
    """Which events, by their names in the API, such as ``joined``; empty: all but ``voice_changed`` and
    ``line_changed``, of which there are many."""


class ApiSettings(Section):
    """``[api]``."""

    tokens: tuple[ApiToken, ...] = ()
    """Credentials for programs, beside the operator's own and the links of participants."""
    webhooks: tuple[Webhook, ...] = ()
    """Where what happens is posted."""
    requests_per_second: Annotated[float, Field(ge=0, le=100_000)] = 50.0
    """What one credential, or one address without any, may ask for; twice as many at once. 0: no limit."""

    @model_validator(mode="after")
    def _tokens_differ(self) -> Self:
        if len({each.token for each in self.tokens}) < len(self.tokens):
            raise ValueError("two tokens are the same")
        return self
