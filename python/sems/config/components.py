"""``[components]``: which part does what, where packages bring others."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from .section import Section

ComponentKind = Literal["storage", "mailer", "voice", "authentication", "dialout", "accounts"]


class ComponentSettings(Section):
    """``[components.KIND]``, KIND being ``storage``, ``mailer``, ``voice``, ``authentication``,
    ``dialout`` or ``accounts``."""

    use: str | None = None
    """The name of the package whose component is used; ``sems``: the one that comes with SEMS. Unset: that of
    the only package which brings one, else the one that comes with SEMS."""
    options: dict[str, Any] = Field(default_factory=dict)
    """What the component wants to know; see its own manual."""
