"""Codecs that other packages bring.

A package that has ``GSM = "sems_gsm:codec"`` under the entry points ``sems.audio`` brings a codec of that
name: a PyCapsule that holds a table of C functions, which the media threads call as they call SEMS's own,
without Python. The table is ``sems_codec.h`` in :func:`include`.
"""

from __future__ import annotations

from pathlib import Path

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
