"""What the API sends and takes to bring a browser to the page of a call."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from .base import View, Wish


class PairingOpened(View):
    """A code that can be keyed in on a phone."""

    code: str
    """Six digits, to be keyed in between `*` and `#`."""
    secret: str
    """What asks whether a phone has done so. Nobody else can: it is not to be shown."""
    until: datetime
    """When its time is over."""


class PairingState(View):
    """What has become of a code."""

    state: Literal["waiting", "paired", "expired"]
    link: str | None
    """Of `paired`: the address of the page of the call. A secret, as every link."""


class ClaimWish(Wish):
    """A code that a phone has spoken."""

    code: Annotated[str, Field(pattern=r"^[0-9]{6}$")]


class LinkView(View):
    """The page of a call."""

    link: str
    """Its address. A secret, as every link."""
