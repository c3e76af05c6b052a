"""A message that is being recorded.

It lies in ``DATA/drafts``: ``ID.wav`` with the sound, ``ID.json`` with what is to become of it. Who records
it holds a lock, so that whoever finds both without one knows that the process is gone, and delivers it.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from . import files

_ID = re.compile(r"\d{8}T\d{6}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class About:
    """What is known of a message before it is there."""

    box: str
    caller_name: str
    caller_uri: str
    left_at: float
    min_seconds: float
    into_box: bool
    """It goes into the box; otherwise it is sent alone."""
    email: str | None
    """Where it is sent."""


class Draft:
    """What :meth:`Mailboxes.begin() <sems.storage.Mailboxes.begin>` returns: record to its ``path``.

    >>> draft = await server.mailboxes.begin("anna", caller_name="Ben")
    >>> take = await call.record_until(draft.path, limit=60)
    >>> await server.mailboxes.discard(draft)
    """

    def __init__(self, folder: Path, id: str, about: About, lock: int) -> None:
        self._lock: int | None = lock
        self.id = id
        self.about = about
        self.path = folder / f"{id}.wav"
        """Where the sound is to be recorded."""
        self.cut = False
        """It ended because it could not be recorded on: then it is never too short to be a message."""
        self._note = folder / f"{id}.json"

    @classmethod
    def make(cls, folder: Path, about: About) -> Self:
        """A new one. Raises OSError."""
        stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime(about.left_at))
        id = f"{stamp}-{secrets.token_hex(6)}"
        note = folder / f"{id}.json"
        files.write(note, json.dumps(asdict(about)).encode())
        lock = os.open(note, os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
        except OSError:
            os.close(lock)
            note.unlink()
            raise
        return cls(folder, id, about, lock)

    @classmethod
    def abandoned(cls, folder: Path) -> Iterator[Self]:
        """Those whose process is gone, the oldest first."""
        for note in sorted(folder.glob("*.json")) if folder.is_dir() else ():
            if not _ID.fullmatch(note.stem):
                continue
            try:
                lock = os.open(note, os.O_RDONLY)
            except FileNotFoundError:
                continue
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                with open(lock, closefd=False) as file:
                    about = About(**json.load(file))
            except (OSError, ValueError, TypeError):
                # Somebody records it, or it is none.
                os.close(lock)
                continue
            yield cls(folder, note.stem, about, lock)

    @property
    def held(self) -> bool:
        """It is being recorded, or delivered."""
        return self._lock is not None

    def clear(self) -> None:
        """It has been delivered, or is none: takes away what is left of it."""
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)
        self.release()

    def __del__(self) -> None:
        # Who was to deliver it was ended before he could.
        self.release()

    def release(self) -> None:
        """Leaves it to whoever finds it."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
