"""Codecs that other packages bring.

A package that has ``GSM = "sems_gsm:codec"`` under the entry points ``sems.audio`` brings a codec of that
name: a PyCapsule that holds a table of C functions, which the media threads call as they call SEMS's own,
without Python. The table is ``sems_codec.h`` in :func:`include`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .. import checks
from ..config.codecs import codec
from ..config.model import AudioSettings
from .brought import load


def include() -> Path:
    """The folder of ``sems_codec.h``, for those who build a codec.

    >>> (include() / "sems_codec.h").exists()
    True
    """
    return Path(__file__).parents[1] / "include"


def spoken(settings: AudioSettings) -> list[str]:
    """The codecs of a server, in the order of its offers.

    >>> spoken(Config(audio={"codecs": ["PCMA", "PCMU"]}).audio)
    ['PCMA', 'PCMU']
    """
    brought = [one.name for one in load() if one.kind == "codec" and one.error is None]
    return [*settings.codecs, *(() if "codecs" in settings.model_fields_set else brought)]


def offered(names: Sequence[str], settings: AudioSettings) -> list[str]:
    """The codecs of these names, which a server is to offer. Raises ValueError for one that it has not.

    >>> offered(["pcma"], Config(audio={"codecs": ["PCMA", "PCMU"]}).audio)
    ['pcma']
    """
    checks.texts("codecs", names)
    if names:
        there = spoken(settings)
        known = {name.lower() for name in there}
        for name in names:
            if name.lower() not in known:
                raise checks.wrong("each of codecs", f"one of {', '.join(there)}", name)
    return list(names)


def preferred(names: Sequence[str]) -> list[str]:
    """The codecs of these names, of which some may not be those of the server. Raises ValueError for one
    that is not there at all.

    >>> preferred(["pcma", "opus"])
    ['pcma', 'opus']
    """
    checks.texts("codecs", names)
    for name in names:
        try:
            codec(name)
        except ValueError as error:
            raise ValueError(f"each of codecs: {error}, not {name!r}") from None
    return list(names)
