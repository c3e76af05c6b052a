"""``[announcements]``: what callers may have played."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from .section import Section


def _prefix(value: str) -> str:
    if not re.fullmatch(r"https?://[^\s/?#@\\]+(?:/[^\s?#\\]*)?", value):
        raise ValueError(
            "an http or https address is wanted, such as https://sounds.example.com/announcements"
        )
    return value


class AnnouncementSettings(Section):
    """``[announcements]``."""

    folders: tuple[Path, ...] = ()
    """Folders of sounds that callers may ask for, searched in this order before ``DATA/announcements``. A
    relative one is taken from the folder of the configuration file. In each of them folders may be named as a
    domain (``example.com``), a language (``de``, ``de-AT``) or, in that of a domain, a language of it."""
    urls: tuple[Annotated[str, AfterValidator(_prefix)], ...] = ()
    """What the addresses in the web begin with that callers may have played, such as
    ``["https://sounds.example.com/announcements"]``: that folder and all below it. A redirect must not lead
    out of them. Unset: none. How much is fetched, and for how long, is in ``[files]``."""
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Z]{2})?$")] = "en"
    """What is played to those who don't say which languages they understand, and where there is none of
    theirs."""
    seconds: Annotated[float, Field(gt=0, le=86_400)] = 3600.0
    """For how long one is played at most, with all that is repeated."""
