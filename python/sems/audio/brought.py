"""What other packages bring under the entry points ``sems.audio``: codecs, and formats of files."""

from __future__ import annotations

import functools
import inspect
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from typing import Literal

from .. import entries
from ..config.codecs import GROUP
from ..engine import register_codec
from ..errors import PluginError
from ..log import logger
from .formats import FileFormat
from .libsndfile import SoundFile

_CAPSULE = "PyCapsule"


@dataclass(frozen=True, slots=True)
class Brought:
    """A codec or a format, loaded or not."""

    name: str
    origin: str
    """The package that brings it."""
    kind: Literal["codec", "format"] | None
    """None: nobody knows, for it could not be loaded."""
    summary: str = ""
    """What it is: the first line of the documentation of a format."""
    format: FileFormat | None = None
    """What reads and writes files."""
    error: str | None = None
    """Why it could not be loaded, in one line."""


@functools.cache
def load() -> tuple[Brought, ...]:
    """Loads what other packages bring, once in a process. One that can't be loaded is logged and does not
    stop the others."""
    brought = tuple(_load(entry) for entry in entries.of_group(GROUP))
    for one in brought:
        if one.error is not None:
            logger.error(
                "an audio plug-in could not be loaded", plugin=one.name, origin=one.origin, why=one.error
            )
    return brought


@functools.cache
def own() -> Brought:
    """The format that comes with SEMS, which lacks its library perhaps."""
    try:
        return _format("soundfile", "comes with SEMS", SoundFile())
    except PluginError as error:
        return Brought("soundfile", "comes with SEMS", "format", error=str(error))


def formats() -> list[Brought]:
    """All formats that work, those of other packages first."""
    return [one for one in (*load(), own()) if one.format is not None]


def _load(entry: EntryPoint) -> Brought:
    origin = entries.origin(entry)
    kind: Literal["codec", "format"] | None = None
    try:
        loaded = entries.load(entry)
        if type(loaded).__name__ == _CAPSULE:
            kind = "codec"
            name = register_codec(loaded)
            if name.lower() != entry.name.lower():
                raise PluginError(f"its entry point is not called {name}, as the codec is")
            return Brought(name, origin, kind, "codec")
        if not isinstance(loaded, type | FileFormat):
            raise PluginError("it is neither a codec (a PyCapsule) nor a format of files")
        kind = "format"
        return _format(entry.name, origin, loaded() if isinstance(loaded, type) else loaded)
    except BaseException as error:
        return Brought(entry.name, origin, kind, error=entries.why_not(error))


def _format(name: str, origin: str, made: object) -> Brought:
    if not isinstance(made, FileFormat):
        lacks = [each for each in ("suffixes", "knows", "decode") if not hasattr(made, each)]
        raise PluginError(f"it lacks {', '.join(lacks)}, which every format has")
    if isinstance(made.suffixes, str) or not all(str(end).startswith(".") for end in made.suffixes):
        raise PluginError('its suffixes are not a list such as (".ogg", ".oga")')
    summary = (inspect.getdoc(type(made)) or "a format").partition("\n")[0]
    return Brought(name, origin, "format", summary, made)
