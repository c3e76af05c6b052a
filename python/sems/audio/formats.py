"""Kinds of files of sound beside WAV and raw G.711, read in Python.

A package that has ``NAME = "package.module:Format"`` under the entry points ``sems.audio`` brings one: a
:class:`FileFormat`, or a class that makes one without arguments. Where ``soundfile`` is installed it reads
FLAC, Ogg, MP3 and others.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, runtime_checkable

#: How much of a file's beginning a format is shown, in bytes.
BEGINNING: Final = 64


@dataclass(frozen=True, slots=True)
class Decoded:
    """What is in a file.

    >>> half_a_second = Decoded(8000, [bytes(8000)])
    """

    rate: int
    """Samples a second, 1000 to 768000."""
    blocks: Iterable[bytes]
    """All of it, in pieces of any length: 16-bit mono, little-endian, whole samples. What they raise means
    that the file is broken."""
    frames: int | None = None
    """How many samples that will be, of one channel; None: it is not known before all is decoded. Where it is
    known, a long file sounds before it is decoded to its end."""


@runtime_checkable
class FileFormat(Protocol):
    """Reads a kind of files. It is called in threads that are for this alone, for up to four files at once;
    whatever it raises is told as the reason why the file can't be played, and nothing else suffers from it.

    >>> class Silence:
    ...     '''Files that say for how many seconds nothing is heard.'''
    ...     suffixes = (".silence",)
    ...     def knows(self, beginning: bytes) -> bool:
    ...         return beginning.startswith(b"SILENCE")
    ...     def decode(self, path: Path) -> Decoded:
    ...         seconds = int(path.read_text().split()[1])
    ...         return Decoded(8000, (bytes(16_000) for _ in range(seconds)))
    >>> isinstance(Silence(), FileFormat)
    True
    """

    suffixes: Sequence[str]
    """How the names of such files end, in lower case: ``(".ogg", ".oga")``."""

    def knows(self, beginning: bytes) -> bool:
        """Whether a file that begins so (with up to 64 bytes) is one."""

    def decode(self, path: Path) -> Decoded:
        """What is in the file."""


@runtime_checkable
class WritableFormat(FileFormat, Protocol):
    """A format that writes such files as well.

    >>> class Raw:
    ...     '''Samples of 8 kHz, and nothing else.'''
    ...     suffixes = (".sw",)
    ...     def knows(self, beginning: bytes) -> bool:
    ...         return False                        # known by its name alone
    ...     def decode(self, path: Path) -> Decoded:
    ...         return Decoded(8000, [path.read_bytes()])
    ...     def encode(self, path: Path, sound: Decoded) -> None:
    ...         path.write_bytes(b"".join(sound.blocks))
    >>> isinstance(Raw(), WritableFormat)
    True
    """

    def encode(self, path: Path, sound: Decoded) -> None:
        """Makes the file."""
