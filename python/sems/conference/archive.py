"""The recordings of conferences, as they lie on the disk.

``DATA/recordings/ROOM/TIME-ID/`` has ``mix.wav``, for recordings of the members ``call-N.wav`` of each, and
``recording.json``, which says what it is. Nothing else is needed to find a recording again, so it survives
whatever happens to the process.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import threading
import time
import wave
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

_ID: Final = re.compile(r"\d{8}T\d{6}-[0-9a-f]{8}")
_ABOUT: Final = "recording.json"
MIX: Final = "mix.wav"

#: So many bytes has the name of a folder at most: file systems have room for 255.
LONGEST: Final = 240


@dataclass(frozen=True, slots=True)
class Recorded:
    """One recording, finished or not."""

    id: str
    room: str
    kind: str
    """``mix`` or ``members``."""
    began: float
    """In seconds since 1970."""
    seconds: float
    """How long it is."""
    bytes: int
    """What all its files take."""
    members: Mapping[str, str] = field(default_factory=dict)
    """Names of those who were recorded by the names of their files, without ``.wav``."""


class Archive:
    """Recordings by room."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # What is written aside has one name.
        self._naming = threading.Lock()

    def open(self, room: str, kind: str) -> tuple[str, Path]:
        """Makes the folder of a new recording: its id, and where it is. Raises OSError."""
        began = time.time()
        id = f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime(began))}-{secrets.token_hex(4)}"
        path = self._room(room) / id
        path.mkdir(parents=True)
        self._write(path, {"room": room, "kind": kind, "began": began, "members": {}})
        return id, path

    def name(self, room: str, id: str, members: Mapping[str, str]) -> None:
        """Notes who is heard in which file, beside what is noted; any thread may. Raises OSError."""
        with self._naming:
            path = self.path(room, id)
            about = self._read(path) if path else None
            if path and about is not None:
                self._write(path, {**about, "members": {**about.get("members", {}), **members}})

    def of(self, room: str) -> list[Recorded]:
        """The recordings of a room, the newest first."""
        try:
            ids = sorted((each.name for each in self._room(room).iterdir()), reverse=True)
        except OSError:
            return []
        return [found for id in ids if (found := self.find(room, id))]

    def find(self, room: str, id: str) -> Recorded | None:
        """One recording."""
        path = self.path(room, id)
        about = self._read(path) if path else None
        if path is None or about is None:
            return None
        files = list(path.glob("*.wav"))
        return Recorded(
            id=id,
            room=room,
            kind=str(about.get("kind", "mix")),
            began=float(about.get("began", 0.0)),
            seconds=_seconds(path / MIX),
            bytes=sum(each.stat().st_size for each in files),
            members={
                stem: str(name)
                for stem, name in dict(about.get("members", {})).items()
                if (path / f"{stem}.wav").is_file()
            },
        )

    def file(self, room: str, id: str, member: str | None = None) -> Path | None:
        """The file of the mix, or of a member by the name of his file. Never leads out of the folder."""
        path = self.path(room, id)
        if path is None or (member is not None and not re.fullmatch(r"call-\d{1,20}", member)):
            return None
        file = path / (MIX if member is None else f"{member}.wav")
        return file if file.is_file() else None

    def delete(self, room: str, id: str) -> bool:
        """Deletes a recording with all its files. False if there is none. Raises OSError."""
        path = self.path(room, id)
        if path is None:
            return False
        # What has no description is no recording any more, whatever happens next.
        (path / _ABOUT).unlink(missing_ok=True)
        shutil.rmtree(path)
        return True

    def path(self, room: str, id: str) -> Path | None:
        """Where a recording lies."""
        path = self._room(room) / id
        return path if _ID.fullmatch(id) and (path / _ABOUT).is_file() else None

    def _room(self, room: str) -> Path:
        # A name of nothing but dots would lead elsewhere; quote leaves dots alone.
        name = quote(room, safe="").replace(".", "%2E")
        if len(name) > LONGEST:
            # No other name has an equals sign in it, nor the same digest behind it.
            digest = sha256(room.encode()).hexdigest()
            name = f"{name[: LONGEST - len(digest) - 1]}={digest}"
        return self.folder / name

    @staticmethod
    def _read(path: Path) -> dict[str, Any] | None:
        try:
            about = json.loads((path / _ABOUT).read_text())
        except (OSError, ValueError):
            return None
        return about if isinstance(about, dict) else None

    @staticmethod
    def _write(path: Path, about: Mapping[str, object]) -> None:
        """Aside, synced and renamed, so that there is never half of it."""
        aside = path / f"{_ABOUT}.new"
        with aside.open("w") as file:
            json.dump(about, file)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path / _ABOUT)


def _seconds(path: Path) -> float:
    try:
        with wave.open(str(path)) as file:
            return float(file.getnframes() / file.getframerate())
    except (OSError, EOFError, wave.Error):
        return 0.0
