"""Sounds by name: where their files are, and keeping them ready to play."""

from __future__ import annotations

import asyncio
import importlib.resources
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .config import Config
from .engine import Engine, Prompt
from .errors import EngineError, SoundNotFound

Sound = str | Path | Prompt
"""What can be played: the name of a sound, the path of a WAV file, or a prompt."""

_KEPT = 512
"""How many files stay coded in memory; the one unused for longest goes first."""


def shipped(folder: str) -> Path:
    """A folder that comes with SEMS (``apps`` or ``web``): in the source tree, or in the package.

    An editable install leaves copies in the package that grow stale, so the tree comes first.
    """
    package = Path(str(importlib.resources.files("sems")))
    tree = package.parent.parent
    for place in (tree / folder if (tree / "Cargo.toml").is_file() else package / folder, package / folder):
        if place.is_dir():
            return place
    raise SoundNotFound(f"this installation of SEMS lacks its folder {folder!r}")


@dataclass(slots=True)
class _Kept:
    stamp: tuple[int, int]
    prompt: asyncio.Future[Prompt]


class SoundLibrary:
    """Finds the files of sounds, and keeps what has been played coded for the next time.

    A name is a path below one of the folders, without its ``.wav``: ``welcome``, ``digits/7``. It can
    never lead out of a folder.
    """

    def __init__(self, config: Config, engine: Engine) -> None:
        self._engine = engine
        self.announcements: tuple[Path, ...] = (*config.announcements.folders, config.data / "announcements")
        """The folders that callers may choose from."""
        self.prompts: tuple[Path, ...] = (config.data / "prompts", shipped("apps") / "prompts")
        """The folders of what apps say; your own come before the shipped ones."""
        self._files: OrderedDict[Path, _Kept] = OrderedDict()
        self._tones: dict[str, Prompt] = {}

    def announcement(self, name: str) -> Path | None:
        """The file of that name in the announcement folders. Safe for names that come from outside."""
        return _find(name, self.announcements)

    def find(self, name: str, *, beside: Path | None = None) -> Path:
        """The file of that name: in the folder ``beside``, or among announcements and prompts.

        Raises SoundNotFound.
        """
        folders = (*(() if beside is None else (beside,)), *self.announcements, *self.prompts)
        path = _find(name, folders)
        if path is None:
            raise SoundNotFound(f"there is no sound named {name!r} in {', '.join(map(str, folders))}")
        return path

    def tone(self, spec: str) -> Prompt:
        """A generated sound: ``join``, ``beep``, ``silence:500``, ``sine:440:1000:-10`` and the others of
        :meth:`sems.Prompt.tone`. Raises SoundNotFound for any other."""
        prompt = self._tones.get(spec)
        if prompt is None:
            try:
                prompt = Prompt.tone(spec)
            except ValueError as error:
                raise SoundNotFound(f"there is no tone {spec!r}: {error}") from None
            if len(self._tones) < _KEPT:
                self._tones[spec] = prompt
        return prompt

    def ready(self, path: Path) -> Prompt | None:
        """The file's sound, if it is coded already."""
        kept = self._files.get(path)
        if kept is None or not kept.prompt.done() or kept.prompt.cancelled() or kept.prompt.exception():
            return None
        return kept.prompt.result() if kept.stamp == _stamp(path) else None

    async def load(self, path: Path) -> Prompt:
        """Reads a WAV file, unless it is coded already. Raises SoundNotFound."""
        stamp = _stamp(path)
        kept = self._files.get(path)
        if kept is None or kept.stamp != stamp:
            request = self._engine.core.load_prompt(str(path))
            kept = self._files[path] = _Kept(stamp, self._engine.loaded(request))
            if len(self._files) > _KEPT:
                self._files.popitem(last=False)
        self._files.move_to_end(path)
        try:
            # Others may wait for the same file.
            return await asyncio.shield(kept.prompt)
        except EngineError as error:
            if self._files.get(path) is kept:
                del self._files[path]
            raise SoundNotFound(f"{path}: {error}") from None


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError as error:
        raise SoundNotFound(f"{path}: {error.strerror}") from None
    return status.st_mtime_ns, status.st_size


def _find(name: str, folders: Iterable[Path]) -> Path | None:
    if not name or "\0" in name or len(name) > 255:
        return None
    file_name = name if name.endswith(".wav") else name + ".wav"
    for folder in folders:
        try:
            root = folder.resolve()
            path = (root / file_name).resolve()
            if path.is_relative_to(root) and path.is_file():
                return path
        except (OSError, ValueError):
            continue
    return None
