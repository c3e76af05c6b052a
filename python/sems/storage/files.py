"""Files that are there as a whole or not at all: written aside, synced and renamed."""

from __future__ import annotations

import os
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

_HEADER = 12
_FORMAT = 16
# What the header of a WAV can tell of.
_MOST = 0xFFFF_FFFF


def write(path: Path, data: bytes) -> None:
    """Writes a file aside and renames it, so that there is never half of it, whatever happens. Raises
    OSError, and leaves nothing then."""
    _aside(path, lambda file: file.write(data))


def settle(source: Path, target: Path) -> None:
    """Moves a file that is complete to where it stays, so that it is there after a loss of power as well.
    Raises OSError; the file is still where it was then."""
    lay(source, target)
    source.unlink()


def lay(source: Path, target: Path) -> None:
    """Has a file that is complete lie where it stays as well, so that it is there after a loss of power.
    Raises OSError."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with source.open("rb") as file:
        os.fsync(file.fileno())
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        # Another file system, or one that gives a file one name only.
        copy(source, target)
    sync_folder(target.parent)


def copy(source: Path, target: Path) -> None:
    """Copies a file, aside at first. Raises OSError, and leaves nothing then."""
    with source.open("rb") as file:
        _aside(target, lambda copied: shutil.copyfileobj(file, copied))


def sync_folder(folder: Path) -> None:
    """Has the names in the folder last. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _aside(path: Path, fill: Callable[[BinaryIO], object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.new")
    try:
        with aside.open("wb") as file:
            fill(file)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def mend(path: Path) -> float:
    """Has the header of a WAV file tell of all sound that is in it, also where the process that wrote it was
    killed, and returns how long it is, in seconds. 0.0 for what is no WAV. Raises OSError."""
    with path.open("r+b") as file:
        size = os.fstat(file.fileno()).st_size
        header = file.read(_HEADER)
        if len(header) < _HEADER or header[:4] != b"RIFF" or header[8:] != b"WAVE":
            return 0.0
        rate = block = 0
        at = _HEADER
        while at + 8 <= size:
            file.seek(at)
            name, length = struct.unpack("<4sI", file.read(8))
            if name == b"fmt " and length >= _FORMAT:
                if at + 8 + _FORMAT > size:
                    return 0.0
                rate, _, block = struct.unpack("<4xIIH2x", file.read(_FORMAT))
            elif name == b"data":
                return _mend_data(file, at, length, size, rate, block)
            at += 8 + length + length % 2
        return 0.0


def _mend_data(file: BinaryIO, at: int, length: int, size: int, rate: int, block: int) -> float:
    if not (rate and block):
        return 0.0
    there = min(size - at - 8, _MOST - at) // block * block
    # What stands behind the sound of a complete file is none.
    if length == 0 or length > there or size - (at + 8 + length) >= block:
        length = there
        file.seek(at + 4)
        file.write(struct.pack("<I", length))
        file.seek(4)
        file.write(struct.pack("<I", at + length))
    return length / block / rate
