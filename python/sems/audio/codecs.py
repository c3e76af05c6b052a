"""Codecs that other packages bring.

A package that has ``GSM = "sems_gsm:codec"`` under the entry points ``sems.audio`` brings a codec of that
name: a PyCapsule that holds a table of C functions, which the media threads call as they call SEMS's own,
without Python. The table is ``sems_codec.h`` in :func:`include`.
"""

from __future__ import annotations

import functools
import importlib.metadata
from dataclasses import dataclass
from pathlib import Path

from ..config.codecs import GROUP
from ..config.model import AudioSettings
from ..engine import register_codec
from ..log import logger


@dataclass(frozen=True, slots=True)
class Brought:
    """A codec of another package, loaded or not."""

    name: str
    origin: str
    """The package that brings it."""
    error: str | None = None
    """Why it could not be loaded, in one line."""


def include() -> Path:
    """The folder of ``sems_codec.h``, for those who build a codec."""
    return Path(__file__).parents[1] / "include"


def spoken(settings: AudioSettings) -> list[str]:
    """The codecs of a server, in the order of its offers."""
    brought = [codec.name for codec in load() if codec.error is None]
    return [*settings.codecs, *(() if "codecs" in settings.model_fields_set else brought)]


@functools.cache
def load() -> tuple[Brought, ...]:
    """Loads what other packages bring, once in a process. One that can't be loaded is logged and does not
    stop the others."""
    entries = sorted(importlib.metadata.entry_points(group=GROUP), key=lambda entry: entry.name)
    brought = tuple(_load(entry) for entry in entries)
    for codec in brought:
        if codec.error is not None:
            logger.error(
                "a codec could not be loaded", codec=codec.name, origin=codec.origin, why=codec.error
            )
    return brought


def _load(entry: importlib.metadata.EntryPoint) -> Brought:
    origin = f"{entry.dist.name} {entry.dist.version}" if entry.dist is not None else entry.value
    try:
        name = register_codec(entry.load())
    except Exception as error:
        return Brought(entry.name, origin, f"{type(error).__name__}: {error}".partition("\n")[0])
    if name.lower() != entry.name.lower():
        return Brought(entry.name, origin, f"its entry point is not called {name}, as the codec is")
    return Brought(name, origin)
